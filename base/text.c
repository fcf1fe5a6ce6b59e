/* Parsers read the whole text or fail; printers write a length known before. */
#include "base/text.h"

#define TEXT_HEX_U64_LEN_MAX 16

bool text_decimal(struct bytes text, uint64_t *ret)
{
    uint64_t value = 0;

    if (text.len == 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = text.data[i] - (unsigned)'0';

        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

/* -1: not a hexadecimal digit. */
static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

bool text_hex_u64(struct bytes text, uint64_t *ret)
{
    uint64_t value = 0;

    if (text.len == 0 || text.len > TEXT_HEX_U64_LEN_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_digit(text.data[i]);

        if (digit < 0) {
            return false;
        }
        value = value << 4 | (unsigned)digit;
    }
    *ret = value;
    return true;
}

size_t text_base64url_len(size_t byte_count)
{
    return byte_count / 3 * 4 + (byte_count % 3 * 4 + 2) / 3;
}

void text_base64url_encode(struct bytes bytes, char *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned bit_count = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        bits = bits << 8 | bytes.data[i];
        bit_count += 8;
        while (bit_count >= 6) {
            bit_count -= 6;
            *out++ = alphabet[bits >> bit_count & 63];
        }
    }
    if (bit_count > 0) {
        *out = alphabet[bits << (6 - bit_count) & 63];
    }
}

size_t text_base64url_bytes_max(size_t text_len)
{
    return text_len / 4 * 3 + text_len % 4;
}

/* -1: in neither alphabet. */
static int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '-' || c == '+') {
        return 62;
    }
    return c == '_' || c == '/' ? 63 : -1;
}

/* Padding is right when it fills the last group of four. */
static bool strip_padding(struct bytes *text)
{
    size_t len = text->len;

    while (text->len > 0 && text->data[text->len - 1] == '=') {
        text->len--;
    }
    return text->len == len || (len % 4 == 0 && len - text->len <= 2);
}

bool text_base64url_decode(struct bytes text, uint8_t *out, size_t *ret_len)
{
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t len = 0;

    if (!strip_padding(&text) || text.len % 4 == 1) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        int digit = base64_digit(text.data[i]);

        if (digit < 0) {
            return false;
        }
        bits = bits << 6 | (unsigned)digit;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            out[len++] = (uint8_t)(bits >> bit_count);
        }
    }
    if ((bits & ((UINT32_C(1) << bit_count) - 1)) != 0) {
        return false;
    }
    *ret_len = len;
    return true;
}

/* The second byte's range is what excludes overlong forms, surrogates and code
 * points past U+10FFFF (RFC 3629, 4). */
size_t text_utf8_len(struct bytes text)
{
    uint8_t first = text.data[0];
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    size_t len;

    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0xe0) {
        low = 0xa0;
    } else if (first == 0xed) {
        high = 0x9f;
    } else if (first == 0xf0) {
        low = 0x90;
    } else if (first == 0xf4) {
        high = 0x8f;
    }
    if (text.len < len || text.data[1] < low || text.data[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return len;
}

/* The bytes at the front that are ASCII, in steps of eight. */
static size_t ascii_len(struct bytes text)
{
    size_t len = 0;
    uint64_t word;

    while (text.len - len >= sizeof(word)) {
        memcpy(&word, text.data + len, sizeof(word));
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
        len += sizeof(word);
    }
    return len;
}

bool text_utf8_valid(struct bytes text)
{
    while (text.len > 0) {
        size_t len = ascii_len(text);

        if (len == 0) {
            len = text_utf8_len(text);
        }
        if (len == 0) {
            return false;
        }
        text = bytes_from(text, len);
    }
    return true;
}

void text_uuid(const uint8_t id[16], char out[TEXT_UUID_LEN])
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *out++ = '-';
        }
        *out++ = digits[id[i] >> 4];
        *out++ = digits[id[i] & 15];
    }
}

/* Takes a unit's letter off the end; 0: what stands there is none. */
static unsigned take_unit_bits(struct bytes *text)
{
    static const char units[] = "KMGT";
    const char *unit;

    if (text->len == 0) {
        return 0;
    }
    unit = memchr(units, text->data[text->len - 1] & ~0x20, strlen(units));
    if (unit == NULL) {
        return 0;
    }
    text->len--;
    return (unsigned)(unit - units + 1) * 10;
}

bool text_size(struct bytes text, uint64_t *ret)
{
    unsigned unit_bits = take_unit_bits(&text);
    struct bytes whole_text = {0};
    uint64_t whole;
    uint64_t part = 0;
    uint64_t part_of = 1;
    bool has_point;

    has_point = text.len > 0 && memchr(text.data, '.', text.len) != NULL;
    bytes_split(&text, '.', &whole_text);
    if (!text_decimal(whole_text, &whole)) {
        return false;
    }
    if (has_point) {
        if (unit_bits == 0 || text.len > 3 || !text_decimal(text, &part)) {
            return false;
        }
        for (size_t i = 0; i < text.len; i++) {
            part_of *= 10;
        }
    }
    if (whole > UINT64_MAX >> unit_bits) {
        return false;
    }
    *ret = (whole << unit_bits) + (part << unit_bits) / part_of;
    return true;
}
