/* A strict JSON reader (RFC 8259) that pulls one token at a time and builds
 * no tree.
 *
 * Written here because it is on the event path: an event's text is checked, not
 * understood, and a general library builds a tree of it first, accepts what the
 * RFC does not, and keeps only the last of two members with one name, which a
 * server must be able to refuse. Input is valid UTF-8, at most JSON_DEPTH_MAX
 * deep; escapes must be whole. Half a surrogate pair is legal as an escape
 * (8.2) and nothing that UTF-8 can say: who looks at what a string stands for,
 * rather than hand it on as it is, finds bytes there that are not UTF-8. */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include "base/buffer.h"
#include "base/bytes.h"

#define JSON_DEPTH_MAX 128

enum json_type {
    JSON_INVALID, /* not JSON; the reader stays here */
    JSON_END,     /* the value is complete and only white space follows */
    JSON_NULL,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_OBJECT_BEGIN,
    JSON_OBJECT_END,
    JSON_ARRAY_BEGIN,
    JSON_ARRAY_END,
};

struct json_token {
    enum json_type type;
    bool escaped;     /* a string with at least one backslash in it */
    struct bytes raw; /* the text: a string's is between its quotes */
};

struct json {
    struct bytes all;
    size_t offset;
    /* private: where the reader stands */
    uint16_t depth;
    uint8_t state;
    uint64_t is_object[JSON_DEPTH_MAX / 64];
};

void json_init(struct json *j, struct bytes text);

/* The next token. Inside an object, names arrive as JSON_STRING tokens in
 * turn with their values. */
struct json_token json_next(struct json *j);

/* After a value's first token: pass over the rest of that value. False when it
 * is not JSON. */
bool json_skip(struct json *j, struct json_token first);

/* Whether `text` is one whole JSON value and nothing else. */
bool json_valid(struct bytes text);

/* The characters that a string token stands for, appended as UTF-8. */
void json_unescape(struct json_token string, struct buffer *out);

/* The same as a view: of the text itself when the string has no escapes, else
 * of what is appended to `scratch`. */
struct bytes json_text(struct json_token string, struct buffer *scratch);

/* Whether a string token stands for exactly `text`. */
bool json_equal_text(struct json_token string, const char *text);

/* Append `text` as the inside of a JSON string, without the quotes: escapes
 * '"', '\' and control characters, leaves all else as it is. */
void json_escape(struct bytes text, struct buffer *out);

#endif
