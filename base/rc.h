/* Result codes: one table holds each code's name and sentence.
 *
 * A function that can fail because of the world returns 0 or one of these; a
 * function that can only fail because of a bug in us uses check() instead. */
#ifndef BASE_RC_H
#define BASE_RC_H

#define RC_MAP(X)                                 \
    X(RC_OK, 0, "success")                        \
    X(RC_MALFORMED, -1, "malformed input")        \
    X(RC_TOO_LARGE, -2, "larger than the limit")  \
    X(RC_NOT_FOUND, -3, "not found")              \
    X(RC_EXISTS, -4, "already exists")            \
    X(RC_DENIED, -5, "not permitted")             \
    X(RC_EXPIRED, -6, "expired or not yet valid") \
    X(RC_IO, -7, "input or output failed")        \
    X(RC_NO_SPACE, -8, "no space left")           \
    X(RC_CORRUPT, -9, "checksum does not match")  \
    X(RC_BUSY, -10, "busy, try again later")      \
    X(RC_CLOSED, -11, "closed")                   \
    X(RC_UNSUPPORTED, -12, "not supported")       \
    X(RC_AGAIN, -13, "needs more input")

enum rc {
#define X(name, value, text) name = value,
    RC_MAP(X)
#undef X
};

/* The code's name, "RC_IO", and its sentence, "input or output failed". */
const char *rc_name(enum rc rc);
const char *rc_text(enum rc rc);

#endif
