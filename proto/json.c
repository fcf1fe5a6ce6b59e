/* Tokens are cut out in one pass; what is inside a string is json_string's. */
#include "proto/json.h"

#include "base/check.h"
#include "proto/json_string.h"

/* `state` is about the next token, `is_object` holds a bit for each depth. A
 * comma is read with what follows it, a colon with the name before it. */
enum state {
    STATE_VALUE, /* a value must come */
    STATE_FIRST, /* just inside a bracket: an element, or the end at once */
    STATE_AFTER, /* a value is complete: a comma, a bracket or the end */
    STATE_INVALID,
};

/* What json_valid() keeps in registers only when all of it is one function. */
#define INLINE inline __attribute__((always_inline))

static INLINE int byte_at(struct bytes text, size_t at)
{
    return at < text.len ? text.data[at] : -1;
}

static INLINE size_t digits_end(struct bytes text, size_t at)
{
    while (at < text.len && (uint8_t)(text.data[at] - '0') <= 9) {
        at++;
    }
    return at;
}

/* Where the number that begins at `begin` ends; 0: malformed. What may not
 * follow it, as in "01", is not a separator and fails there. */
static INLINE size_t number_end(struct bytes text, size_t begin)
{
    size_t at = begin + (text.data[begin] == '-');
    size_t end = byte_at(text, at) == '0' ? at + 1 : digits_end(text, at);

    if (end == at) {
        return 0;
    }
    if (byte_at(text, end) == '.') {
        at = end + 1;
        end = digits_end(text, at);
        if (end == at) {
            return 0;
        }
    }
    if ((byte_at(text, end) | 0x20) == 'e') {
        at = end + 1;
        at += byte_at(text, at) == '+' || byte_at(text, at) == '-';
        end = digits_end(text, at);
        if (end == at) {
            return 0;
        }
    }
    return end;
}

static INLINE size_t white_end(struct bytes text, size_t at)
{
    while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\n' ||
                             text.data[at] == '\r' || text.data[at] == '\t')) {
        at++;
    }
    return at;
}

/* The functions below write their token in place and return its type: a struct
 * handed from one to the next costs more than reading most tokens does. */

static INLINE enum json_type invalid(struct json *j, size_t at)
{
    j->offset = at;
    j->state = STATE_INVALID;
    return JSON_INVALID;
}

/* The token from `begin` to `end`, behind which the reader goes on. */
static INLINE enum json_type take(struct json *j,
                                  size_t begin,
                                  size_t end,
                                  enum json_type type,
                                  struct json_token *token)
{
    token->raw = bytes_of(j->all.data + begin, end - begin);
    j->offset = end;
    j->state = STATE_AFTER;
    return type;
}

static INLINE bool inside_object(const struct json *j)
{
    unsigned level = j->depth - 1u;

    return (j->is_object[level / 64] >> level % 64 & 1) != 0;
}

static INLINE enum json_type take_string(struct json *j,
                                         size_t at,
                                         struct json_token *token)
{
    bool escaped = false;
    size_t end = json_string_end(j->all, at + 1, &escaped);

    if (end == 0) {
        return invalid(j, at);
    }
    token->escaped = escaped;
    (void)take(j, at + 1, end, JSON_STRING, token);
    j->offset = end + 1;
    return JSON_STRING;
}

static INLINE enum json_type take_name(struct json *j,
                                       size_t at,
                                       struct json_token *token)
{
    size_t colon;

    if (byte_at(j->all, at) != '"' ||
        take_string(j, at, token) == JSON_INVALID) {
        return invalid(j, at);
    }
    colon = white_end(j->all, j->offset);
    if (byte_at(j->all, colon) != ':') {
        return invalid(j, colon);
    }
    j->offset = colon + 1;
    j->state = STATE_VALUE;
    return JSON_STRING;
}

static INLINE enum json_type take_open(struct json *j,
                                       size_t at,
                                       struct json_token *token)
{
    bool object = j->all.data[at] == '{';
    unsigned level = j->depth;
    uint64_t bit = UINT64_C(1) << level % 64;

    if (level == JSON_DEPTH_MAX) {
        return invalid(j, at);
    }
    if (object) {
        j->is_object[level / 64] |= bit;
    } else {
        j->is_object[level / 64] &= ~bit;
    }
    j->depth++;
    (void)take(j, at, at + 1, JSON_ARRAY_BEGIN, token);
    j->state = STATE_FIRST;
    return object ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN;
}

static INLINE enum json_type take_close(struct json *j,
                                        size_t at,
                                        struct json_token *token)
{
    bool object = inside_object(j);

    if (byte_at(j->all, at) != (object ? '}' : ']')) {
        return invalid(j, at);
    }
    j->depth--;
    return take(
        j, at, at + 1, object ? JSON_OBJECT_END : JSON_ARRAY_END, token);
}

static enum json_type take_word(struct json *j,
                                size_t at,
                                struct json_token *token)
{
    static const struct {
        struct bytes text;
        enum json_type type;
    } words[] = {
        {BYTES_LITERAL("null"), JSON_NULL},
        {BYTES_LITERAL("true"), JSON_TRUE},
        {BYTES_LITERAL("false"), JSON_FALSE},
    };
    struct bytes rest = bytes_from(j->all, at);

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (bytes_starts_with(rest, words[i].text)) {
            return take(j, at, at + words[i].text.len, words[i].type, token);
        }
    }
    return invalid(j, at);
}

static enum json_type take_number(struct json *j,
                                  size_t at,
                                  struct json_token *token)
{
    size_t end = number_end(j->all, at);

    return end == 0 ? invalid(j, at) : take(j, at, end, JSON_NUMBER, token);
}

static INLINE enum json_type take_value(struct json *j,
                                        size_t at,
                                        struct json_token *token)
{
    int c = byte_at(j->all, at);

    if (c == '"') {
        return take_string(j, at, token);
    }
    if (c == '{' || c == '[') {
        return take_open(j, at, token);
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return take_number(j, at, token);
    }
    return c < 0 ? invalid(j, at) : take_word(j, at, token);
}

static INLINE enum json_type next(struct json *j, struct json_token *token)
{
    size_t at = white_end(j->all, j->offset);
    int c = byte_at(j->all, at);

    token->escaped = false;
    if (j->state == STATE_AFTER) {
        if (j->depth == 0) {
            return c < 0 ? take(j, at, at, JSON_END, token) : invalid(j, at);
        }
        if (c != ',') {
            return take_close(j, at, token);
        }
        at = white_end(j->all, at + 1);
    } else if (j->state == STATE_FIRST) {
        if (c == '}' || c == ']') {
            return take_close(j, at, token);
        }
    } else {
        return j->state == STATE_VALUE ? take_value(j, at, token)
                                       : invalid(j, j->offset);
    }
    return inside_object(j) ? take_name(j, at, token)
                            : take_value(j, at, token);
}

void json_init(struct json *j, struct bytes text)
{
    j->all = text;
    j->offset = 0;
    j->depth = 0;
    j->state = STATE_VALUE;
}

struct json_token json_next(struct json *j)
{
    struct json_token token = {0};

    token.type = next(j, &token);
    return token;
}

bool json_skip(struct json *j, struct json_token first)
{
    unsigned outside;

    switch (first.type) {
    case JSON_NULL:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NUMBER:
    case JSON_STRING:
        return true;
    case JSON_OBJECT_BEGIN:
    case JSON_ARRAY_BEGIN:
        break;
    case JSON_INVALID:
    case JSON_END:
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
        return false;
    }
    check(j->depth > 0);
    outside = j->depth - 1u;
    while (j->depth != outside) {
        if (next(j, &first) == JSON_INVALID) {
            return false;
        }
    }
    return true;
}

bool json_valid(struct bytes text)
{
    struct json_token token;
    struct json j;
    enum json_type type;

    json_init(&j, text);
    do {
        type = next(&j, &token);
    } while (type != JSON_INVALID && type != JSON_END);
    return type == JSON_END;
}

void json_unescape(struct json_token string, struct buffer *out)
{
    check(string.type == JSON_STRING);
    json_string_unescape(string.raw, out);
}

struct bytes json_text(struct json_token string, struct buffer *scratch)
{
    size_t begin = scratch->len;

    if (!string.escaped) {
        return string.raw;
    }
    json_unescape(string, scratch);
    return bytes_from(buffer_view(scratch), begin);
}

bool json_equal_text(struct json_token string, const char *text)
{
    check(string.type == JSON_STRING);
    return string.escaped ? json_string_equal(string.raw, bytes_text(text))
                          : bytes_equal_text(string.raw, text);
}

void json_escape(struct bytes text, struct buffer *out)
{
    json_string_escape(text, out);
}
