/* Seeds may be names, and a name several addresses. */
#include "base/alloc.h"
#include "src/io/cluster_address.h"
#include "src/io/cluster_state.h"
#include "src/io/logger.h"

#include <stdio.h>
#include <stdlib.h>

/* A name that is looked up. */
struct lookup {
    uv_getaddrinfo_t request;
    struct cluster_loop *loop;
    struct cluster_seed *seed;
};

/* Once, until it is found again: names are looked up now and then. */
static void tell(struct cluster_seed *seed, int status)
{
    if (status != 0 && !seed->unknown) {
        logger_line(LOGGER_WARN,
                    "cluster.seed",
                    "host=\"%s\" reason=\"%s\" action=\"it is looked up "
                    "again now and then\"",
                    seed->at.host,
                    uv_strerror(status));
    }
    seed->unknown = status != 0;
}

static void on_lookup(uv_getaddrinfo_t *request,
                      int status,
                      struct addrinfo *found)
{
    struct lookup *lookup = request->data;
    struct cluster_loop *c = lookup->loop;
    struct hub_input in = {.kind = HUB_INPUT_SEEDS};

    if (!c->ended) {
        tell(lookup->seed, status);
    }
    for (struct addrinfo *at = found; status == 0 && at != NULL;
         at = at->ai_next) {
        if (c->found_count < MEMBERSHIP_SEEDS_MAX) {
            c->found[c->found_count++] = cluster_address_of(at->ai_addr);
        }
    }
    uv_freeaddrinfo(found);
    free(lookup);
    if (--c->lookups == 0 && !c->ended) {
        in.addresses = c->found;
        in.address_count = c->found_count;
        cluster_loop_step(c, &in);
    }
}

void cluster_seeds_look_up(struct cluster_loop *c)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_DGRAM};

    if (c->lookups > 0) {
        return;
    }
    c->found_count = 0;
    for (size_t i = 0; i < c->options.seed_count; i++) {
        struct lookup *lookup = alloc_zero(sizeof(*lookup));
        char port[8];
        int rc;

        (void)snprintf(port, sizeof(port), "%u", c->seeds[i].at.port);
        lookup->request.data = lookup;
        lookup->loop = c;
        lookup->seed = &c->seeds[i];
        rc = uv_getaddrinfo(&c->uv,
                            &lookup->request,
                            on_lookup,
                            c->seeds[i].at.host,
                            port,
                            &hints);
        if (rc == 0) {
            c->lookups++;
        } else {
            tell(&c->seeds[i], rc);
            free(lookup);
        }
    }
}

void cluster_seeds_ready(const struct cluster_loop *c)
{
    const struct membership *members = hub_membership(c->hub);

    if (membership_reachable(members) == 1 &&
        (c->options.seed_count > 0 || membership_size(members) > 1)) {
        logger_line(LOGGER_WARN,
                    "cluster.alone",
                    "members=%zu reason=\"no other node has answered\" "
                    "action=\"this one serves, and goes on looking for them; "
                    "see that cluster.join, the secret and the network are "
                    "right\"",
                    membership_size(members));
    }
}
