/* A subscription's identifier is its number in the list. */
#include "src/sub_channels.h"

#include "base/check.h"
#include "base/text.h"
#include "proto/json.h"

#include <stdio.h>

/* A cursor of another server may have what JSON escapes, six bytes for one. */
#define BEGIN_BYTES_MAX (6 * CURSOR_TEXT_MAX + 64)

void sub_channels_init(struct sub_channels *c,
                       const char *const *names,
                       size_t count,
                       const char *begin)
{
    check(count <= SUB_CHANNELS_MAX);
    memset(c, 0, sizeof(*c));
    c->begin = begin;
    c->names = names;
    c->count = count;
    for (size_t i = 0; i < count; i++) {
        buffer_init(&c->channels[i].cursor, CURSOR_TEXT_MAX);
    }
}

void sub_channels_done(struct sub_channels *c)
{
    for (size_t i = 0; i < c->count; i++) {
        buffer_done(&c->channels[i].cursor);
    }
    memset(c, 0, sizeof(*c));
}

static void begin_write(const struct sub_channels *c,
                        size_t index,
                        struct buffer *out)
{
    if (c->channels[index].cursor.len > 0) {
        buffer_text(out, "\"replay\":{\"after\":\"");
        json_escape(buffer_view(&c->channels[index].cursor), out);
        buffer_text(out, "\"}");
    } else {
        buffer_text(
            out, c->channels[index].subscribed ? "\"cursor\":true" : c->begin);
    }
}

void sub_channels_request(const struct sub_channels *c,
                          size_t index,
                          const struct client_request_identity *who,
                          struct buffer *out)
{
    struct buffer begin;
    char id[24];

    check(index < c->count);
    (void)snprintf(id, sizeof(id), "%zu", index);
    buffer_init(&begin, BEGIN_BYTES_MAX);
    begin_write(c, index, &begin);
    check(!begin.overflowed);
    client_request_subscribe(who,
                             bytes_text(id),
                             bytes_text(c->names[index]),
                             buffer_view(&begin),
                             out);
    buffer_done(&begin);
}

bool sub_channels_find(const struct sub_channels *c,
                       struct bytes id,
                       size_t *ret_index)
{
    uint64_t index;

    if (!text_decimal(id, &index) || index >= c->count) {
        return false;
    }
    *ret_index = (size_t)index;
    return true;
}

void sub_channels_subscribed(struct sub_channels *c,
                             size_t index,
                             struct bytes cursor)
{
    c->channels[index].subscribed = true;
    sub_channels_reached(c, index, cursor);
}

/* A cursor that is too long is one that the server will not get back: none is
 * kept then, rather than an older one, which would repeat events. */
void sub_channels_reached(struct sub_channels *c,
                          size_t index,
                          struct bytes cursor)
{
    struct buffer *last = &c->channels[index].cursor;

    if (cursor.data == NULL) {
        return;
    }
    buffer_clear(last);
    buffer_append(last, cursor);
}
