/* Plain bytes pass eight at a time up to the next special one; escapes and
 * UTF-8 are checked on the way to the end, so that no byte is read twice. */
#include "proto/json_string.h"

#include "base/check.h"

#include <endian.h>

#define WORD_BYTES sizeof(uint64_t)
#define WORD_OF(byte) (UINT64_C(0x0101010101010101) * (byte))

/* What the letter of a two-character escape stands for; 0: no such escape. */
static const uint8_t escape_meaning[256] = {
    ['"'] = '"',
    ['\\'] = '\\',
    ['/'] = '/',
    ['b'] = '\b',
    ['f'] = '\f',
    ['n'] = '\n',
    ['r'] = '\r',
    ['t'] = '\t',
};

/* The letter that a control character is escaped with; 0: as \u00XX. */
static const uint8_t escape_letter[0x20] = {
    ['\b'] = 'b',
    ['\f'] = 'f',
    ['\n'] = 'n',
    ['\r'] = 'r',
    ['\t'] = 't',
};

static inline int byte_at(struct bytes text, size_t at)
{
    return at < text.len ? text.data[at] : -1;
}

/* Eight bytes, the first one lowest. */
static inline uint64_t word_at(struct bytes text, size_t at)
{
    uint64_t word;

    memcpy(&word, text.data + at, sizeof(word));
    return le64toh(word);
}

/* The index of the first byte that a mask of 0x80 bits marks. The masks below
 * may be wrong about bytes behind their first mark, never about the first: a
 * borrow comes only out of a byte that is marked. */
static inline size_t word_first(uint64_t marks)
{
    return (size_t)__builtin_ctzll(marks) / 8;
}

static inline uint64_t word_marks_equal(uint64_t word, uint8_t byte)
{
    uint64_t difference = word ^ WORD_OF(byte);

    return (difference - WORD_OF(0x01)) & ~difference & WORD_OF(0x80);
}

/* '"', '\' and control characters: what cannot stand in a string. */
static inline uint64_t word_marks_special(uint64_t word)
{
    uint64_t control = (word - WORD_OF(0x20)) & ~word & WORD_OF(0x80);

    return control | word_marks_equal(word, '"') | word_marks_equal(word, '\\');
}

static inline bool is_special(uint8_t byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

/* How many bytes the UTF-8 sequence at `at` takes; 0: malformed. The second
 * byte's bounds exclude overlong forms, surrogates and what lies over U+10FFFF
 * (RFC 3629, 4). */
static size_t utf8_len(struct bytes text, size_t at)
{
    uint8_t lead = text.data[at];
    size_t len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

    if (lead < 0xc2 || lead > 0xf4 || text.len - at < len ||
        text.data[at + 1] < low || text.data[at + 1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((text.data[at + i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

/* The value of four hexadecimal digits, or -1. */
static int32_t hex4(struct bytes text, size_t at)
{
    int32_t value = 0;

    for (size_t i = 0; i < 4; i++) {
        int c = byte_at(text, at + i);

        if (c >= '0' && c <= '9') {
            value = value * 16 + (c - '0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            value = value * 16 + ((c | 0x20) - 'a' + 10);
        } else {
            return -1;
        }
    }
    return value;
}

static bool is_surrogate_high(int32_t unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_surrogate_low(int32_t unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* How many bytes the escape of a code unit, or of a pair of surrogates, takes
 * whose backslash is at `at`; 0: malformed. Half a pair is one unit (RFC 8259,
 * 8.2). */
static size_t escape_unit_len(struct bytes text, size_t at)
{
    int32_t unit = byte_at(text, at + 1) == 'u' ? hex4(text, at + 2) : -1;

    if (unit < 0) {
        return 0;
    }
    return is_surrogate_high(unit) && byte_at(text, at + 6) == '\\' &&
                   byte_at(text, at + 7) == 'u' &&
                   is_surrogate_low(hex4(text, at + 8))
               ? 12
               : 6;
}

static size_t utf8_encode(uint32_t point, uint8_t out[4])
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xc0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xe0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | point >> 18);
    out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (point & 0x3f));
    return 4;
}

/* Write the character that such an escape stands for and step over it. Returns
 * how many bytes it is. */
static size_t escape_unit_decode(struct bytes inside,
                                 size_t *at,
                                 uint8_t out[4])
{
    size_t len = escape_unit_len(inside, *at);
    size_t begin = *at;
    uint32_t point = (uint32_t)hex4(inside, begin + 2);

    check(len != 0);
    *at += len;
    if (len == 12) {
        point = 0x10000 + ((point - 0xd800) << 10) +
                ((uint32_t)hex4(inside, begin + 8) - 0xdc00);
    }
    return utf8_encode(point, out);
}

/* How many bytes the escape at `at` takes, of either kind; 0: malformed. */
static inline size_t escape_len(struct bytes text, size_t at)
{
    int letter = byte_at(text, at + 1);

    if (letter >= 0 && escape_meaning[letter] != 0) {
        return 2;
    }
    return escape_unit_len(text, at);
}

static inline size_t escape_decode(struct bytes inside,
                                   size_t *at,
                                   uint8_t out[4])
{
    uint8_t meaning = escape_meaning[inside.data[*at + 1]];

    if (meaning != 0) {
        out[0] = meaning;
        *at += 2;
        return 1;
    }
    return escape_unit_decode(inside, at, out);
}

size_t json_string_end(struct bytes text, size_t at, bool *ret_escaped)
{
    while (at < text.len) {
        size_t len = 1;

        if (text.len - at >= WORD_BYTES) {
            uint64_t word = word_at(text, at);
            uint64_t marks = word_marks_special(word) | (word & WORD_OF(0x80));

            if (marks == 0) {
                at += WORD_BYTES;
                continue;
            }
            at += word_first(marks);
        }
        if (text.data[at] == '\\') {
            *ret_escaped = true;
            len = escape_len(text, at);
        } else if (text.data[at] == '"') {
            return at;
        } else if (text.data[at] >= 0x80) {
            len = utf8_len(text, at);
        } else if (text.data[at] < 0x20) {
            return 0;
        }
        if (len == 0) {
            return 0;
        }
        at += len;
    }
    return 0;
}

void json_string_unescape(struct bytes inside, struct buffer *out)
{
    uint8_t *to = buffer_reserve(out, inside.len);
    size_t at = 0;
    size_t len = 0;

    if (to == NULL) {
        return;
    }
    while (at < inside.len) {
        /* A character is never longer than its escape, so len <= at: there is
         * room for a whole word wherever one can be read. */
        if (inside.len - at >= WORD_BYTES) {
            uint64_t marks = word_marks_equal(word_at(inside, at), '\\');
            size_t plain = marks == 0 ? WORD_BYTES : word_first(marks);

            memcpy(to + len, inside.data + at, WORD_BYTES);
            at += plain;
            len += plain;
            if (marks == 0) {
                continue;
            }
        } else if (inside.data[at] != '\\') {
            to[len++] = inside.data[at++];
            continue;
        }
        len += escape_decode(inside, &at, to + len);
    }
    check(len <= inside.len);
    buffer_advance(out, len);
}

bool json_string_equal(struct bytes inside, struct bytes text)
{
    size_t at = 0;

    while (at < inside.len) {
        uint8_t piece[4] = {inside.data[at]};
        size_t len = 1;
        struct bytes head;

        if (piece[0] == '\\') {
            len = escape_decode(inside, &at, piece);
        } else {
            at++;
        }
        if (!bytes_take(&text, len, &head) ||
            !bytes_equal(head, bytes_of(piece, len))) {
            return false;
        }
    }
    return text.len == 0;
}

/* Write one special byte as an escape; returns 2 or 6. */
static size_t escape_write(uint8_t byte, uint8_t *to)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t letter = byte < 0x20 ? escape_letter[byte] : byte;

    to[0] = '\\';
    if (letter != 0) {
        to[1] = letter;
        return 2;
    }
    memcpy(to + 1, "u00", 3);
    to[4] = (uint8_t)hex[byte >> 4];
    to[5] = (uint8_t)hex[byte & 0xf];
    return 6;
}

/* Escaping works through a block on the stack, big enough for the worst that
 * its bytes can become, so that the buffer is asked once a block. */
#define BLOCK_BYTES 256
#define BLOCK_ESCAPED_BYTES_MAX (6 * BLOCK_BYTES + WORD_BYTES)

static size_t escape_block(struct bytes block, uint8_t *to)
{
    size_t at = 0;
    size_t len = 0;

    while (at < block.len) {
        if (block.len - at >= WORD_BYTES) {
            uint64_t marks = word_marks_special(word_at(block, at));
            size_t plain = marks == 0 ? WORD_BYTES : word_first(marks);

            memcpy(to + len, block.data + at, WORD_BYTES);
            at += plain;
            len += plain;
            if (marks == 0) {
                continue;
            }
        } else if (!is_special(block.data[at])) {
            to[len++] = block.data[at++];
            continue;
        }
        len += escape_write(block.data[at++], to + len);
    }
    return len;
}

void json_string_escape(struct bytes text, struct buffer *out)
{
    uint8_t escaped[BLOCK_ESCAPED_BYTES_MAX];

    while (text.len > 0) {
        size_t len = text.len < BLOCK_BYTES ? text.len : BLOCK_BYTES;
        struct bytes block;

        (void)bytes_take(&text, len, &block);
        len = escape_block(block, escaped);
        check(len <= 6 * BLOCK_BYTES);
        buffer_append(out, bytes_of(escaped, len));
    }
}
