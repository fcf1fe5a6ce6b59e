/* The servers that a client may use, one at a time: the next one when one
 * fails, around and around. */
#ifndef SRC_CLIENT_LIST_H
#define SRC_CLIENT_LIST_H

#include "src/client.h"

#define CLIENT_LIST_MAX 16

struct client_list {
    struct client clients[CLIENT_LIST_MAX];
    size_t count;
    size_t current;
    size_t failed; /* in a row */
    size_t denied; /* in a row */
    bool succeeded;
};

/* `arguments->url` is URLs separated by commas. As client_init(). */
int client_list_init(struct client_list *l,
                     const struct client_arguments *arguments,
                     struct why *why);
void client_list_done(struct client_list *l);

static inline const struct client *client_list_current(
    const struct client_list *l)
{
    return &l->clients[l->current];
}

/* The current one does what it should: it stays the current one. */
void client_list_succeeded(struct client_list *l);

/* The current one failed with `rc`, so the next becomes the current one. False:
 * trying again is of no use, for each in turn has denied the wish, or failed
 * before any ever succeeded. */
bool client_list_failed(struct client_list *l, int rc);

/* How often all of them have failed in a row. */
unsigned client_list_rounds(const struct client_list *l);

#endif
