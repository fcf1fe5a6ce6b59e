/* The subscriptions of `weir sub`, each with the place that it has reached, so
 * that a connection that replaces another goes on right behind it. */
#ifndef SRC_SUB_CHANNELS_H
#define SRC_SUB_CHANNELS_H

#include "base/buffer.h"
#include "proto/client_request.h"
#include "proto/cursor.h"

#define SUB_CHANNELS_MAX 200 /* what AppSync takes on one connection */

struct sub_channels {
    const char *begin; /* the member that says where new ones begin */
    const char *const *names;
    size_t count;
    struct {
        struct buffer cursor; /* empty: none came */
        bool subscribed;
    } channels[SUB_CHANNELS_MAX];
};

/* Borrows both texts. */
void sub_channels_init(struct sub_channels *c,
                       const char *const *names,
                       size_t count,
                       const char *begin);
void sub_channels_done(struct sub_channels *c);

/* Append the request to subscribe to one of them: behind its last cursor; where
 * `begin` says when it never was subscribed; and when it was but no cursor
 * came, as from a server that has none, with what is published from then on. */
void sub_channels_request(const struct sub_channels *c,
                          size_t index,
                          const struct client_request_identity *who,
                          struct buffer *out);

/* Which one a message is for. False: none. */
bool sub_channels_find(const struct sub_channels *c,
                       struct bytes id,
                       size_t *ret_index);

void sub_channels_subscribed(struct sub_channels *c,
                             size_t index,
                             struct bytes cursor);

/* All up to `cursor` has been seen; without data it says nothing. */
void sub_channels_reached(struct sub_channels *c,
                          size_t index,
                          struct bytes cursor);

#endif
