/* The head of one HTTP message: its raw bytes, and where llhttp found each
 * field in them. Shared by http_request and http_response.
 *
 * Fields are kept as offsets, so that nothing is allocated for one and the
 * buffer may move while the head still arrives. */
#ifndef PROTO_HTTP_HEAD_H
#define PROTO_HTTP_HEAD_H

#include "base/buffer.h"
#include "base/bytes.h"

#define HTTP_HEAD_FIELDS_MAX 64

struct http_head_field {
    uint32_t name;
    uint32_t name_end;
    uint32_t value;
    uint32_t value_end;
};

struct http_head {
    struct buffer raw;   /* what has been kept so far */
    const uint8_t *feed; /* what llhttp is reading; it stands after `raw` */
    uint32_t field_count;
    bool naming;  /* the last field's name may go on */
    bool valuing; /* the last field's value may go on */
    struct http_head_field fields[HTTP_HEAD_FIELDS_MAX];
};

/* Leaves `fields` as they are: only the first `field_count` mean anything. */
void http_head_init(struct http_head *h, size_t bytes_max);
void http_head_done(struct http_head *h);
void http_head_clear(struct http_head *h);

/* Before llhttp reads `part`, which follows all that was kept. */
void http_head_feed(struct http_head *h, struct bytes part);

/* Keep the first `n` bytes of what was fed: they belong to the head. */
void http_head_keep(struct http_head *h, size_t n);

/* Where a byte that llhttp points at will stand once it is kept. */
uint32_t http_head_offset(const struct http_head *h, const char *at);

/* The bodies of llhttp's span callbacks, which may come in pieces. Name is
 * false when there are more than HTTP_HEAD_FIELDS_MAX, value when no name came
 * before it. */
bool http_head_name(struct http_head *h, const char *at, size_t len);
bool http_head_value(struct http_head *h, const char *at, size_t len);
void http_head_value_end(struct http_head *h);

/* Views into what was kept; values are trimmed. */
struct bytes http_head_at(const struct http_head *h,
                          size_t index,
                          struct bytes *ret_name);

/* The first field of that name (any case) that has wholly come; data is NULL
 * when there is none. */
struct bytes http_head_find(const struct http_head *h, const char *name);
size_t http_head_count(const struct http_head *h, const char *name);

/* Whether one of the comma-separated values of all fields called `name` is
 * `token`, in any case. */
bool http_head_has_token(const struct http_head *h,
                         const char *name,
                         const char *token);

/* Check bytes that frame a message (its head, chunk sizes, trailers) for what
 * two readers could take differently: a CR or LF alone, a line that begins with
 * white space, a control character other than tab. Bytes from 0x80 on pass:
 * where they may not stand, in names and the target, http_rules finds them.
 * `last` is the byte before `part`, 0 at the start, and moves with it. Returns
 * NULL or the reason to refuse. */
const char *http_head_lines(uint8_t *last, struct bytes part);

#endif
