/* Opened early to find out whether they can be had, and handed over once
 * clients may come. */
#include "src/io/server_ports.h"

#include "base/alloc.h"
#include "base/check.h"
#include "src/io/shard_loop.h"

#include <unistd.h>

void server_ports_init(struct server_ports *p,
                       const struct listener_address *listen,
                       const struct listener_address *tls_listen,
                       unsigned count)
{
    check(count <= SERVER_SHARDS_MAX);
    *p = (struct server_ports){.listen = *listen, .count = count};
    if (tls_listen != NULL) {
        p->tls = true;
        p->tls_listen = *tls_listen;
    }
    for (unsigned i = 0; i < SERVER_SHARDS_MAX; i++) {
        p->fds[i] = p->tls_fds[i] = -1;
    }
}

static void close_one(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

void server_ports_close(struct server_ports *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        close_one(&p->fds[i]);
        close_one(&p->tls_fds[i]);
    }
}

int server_ports_open(struct server_ports *p, struct why *why)
{
    int rc = 0;

    if (p->fds[0] >= 0) {
        return 0;
    }
    rc = listener_open(&p->listen, p->fds, p->count, why);
    if (rc != 0) {
        p->fds[0] = -1;
        return rc;
    }
    if (p->tls) {
        rc = listener_open(&p->tls_listen, p->tls_fds, p->count, why);
    }
    if (rc != 0) {
        p->tls_fds[0] = -1;
        server_ports_close(p);
    }
    return rc;
}

void server_ports_hand_over(struct server_ports *p,
                            struct mailbox *const *shards)
{
    for (unsigned i = 0; i < p->count; i++) {
        struct shard_loop_ports *ports = alloc_zero(sizeof(*ports));
        const struct mail mail = {.kind = MAIL_LISTEN, .content = ports};

        ports->fd = p->fds[i];
        ports->tls_fd = p->tls_fds[i];
        p->fds[i] = p->tls_fds[i] = -1;
        mailbox_post(shards[i], &mail, 1);
    }
}
