/* Seeds may be names, and a name several addresses. */
#include "base/alloc.h"
#include "src/io/cluster_address.h"
#include "src/io/cluster_state.h"

#include <stdio.h>
#include <stdlib.h>

static void on_lookup(uv_getaddrinfo_t *request,
                      int status,
                      struct addrinfo *found)
{
    struct cluster_loop *c = request->data;
    struct hub_input in = {.kind = HUB_INPUT_SEEDS};

    for (struct addrinfo *at = found; status == 0 && at != NULL;
         at = at->ai_next) {
        if (c->found_count < MEMBERSHIP_SEEDS_MAX) {
            c->found[c->found_count++] = cluster_address_of(at->ai_addr);
        }
    }
    uv_freeaddrinfo(found);
    free(request);
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
        uv_getaddrinfo_t *request = alloc_zero(sizeof(*request));
        char port[8];

        (void)snprintf(port, sizeof(port), "%u", c->seeds[i].port);
        request->data = c;
        if (uv_getaddrinfo(
                &c->uv, request, on_lookup, c->seeds[i].host, port, &hints) ==
            0) {
            c->lookups++;
        } else {
            free(request);
        }
    }
}
