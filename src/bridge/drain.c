/* Sending everybody away. */
#include "src/bridge/drain.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/splitmix.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/ws_session.h"

#include <stdlib.h>

/* An answer that was made is not cut short. */
static void end_http(struct client *c, struct moment now)
{
    if (c->out.len == 0) {
        client_abort(c);
        return;
    }
    client_finish(c);
    client_wait_start(c, CLIENT_WAIT_CLOSE, now);
}

void drain_client(struct client *client, struct moment now)
{
    client->leaving = true;
    switch (client->state) {
    case CLIENT_HTTP_IDLE:
    case CLIENT_HTTP_READING:
    case CLIENT_STREAM:
        end_http(client, now);
        break;
    case CLIENT_WS_OPEN:
        if (client->publishes_in_flight == 0) {
            ws_session_close(client, now, 1001, "the node stops");
        }
        break;
    case CLIENT_HISTORY:
        history_timeout(client, now);
        break;
    case CLIENT_HTTP_WAITING:
    case CLIENT_CLOSING:
        break;
    }
}

/* Fisher and Yates. */
static void shuffle(struct shard *shard, struct drain *drain)
{
    for (size_t i = drain->count; i > 1; i--) {
        size_t other = (size_t)splitmix_below(&shard->random, i);
        uint64_t id = drain->ids[i - 1];

        drain->ids[i - 1] = drain->ids[other];
        drain->ids[other] = id;
    }
}

void drain_begin(struct shard *shard, struct moment now, uint64_t over_ms)
{
    struct drain *drain = &shard->drain;
    uint64_t most_ms;

    check(!shard->draining);
    shard->draining = true;
    drain->ids = alloc_zero((client_table_count(&shard->clients) + 1) *
                            sizeof(drain->ids[0]));
    for (uint32_t i = 0; i < shard->clients.slot_count; i++) {
        struct client *c = shard->clients.slots[i];

        if (c == NULL) {
            continue;
        }
        if (client_subscribes(c)) {
            drain->ids[drain->count++] = c->id;
        } else {
            drain_client(c, now);
        }
    }
    shuffle(shard, drain);
    most_ms = drain->count * DRAIN_CLIENT_MS;
    drain->begin_ms = now.mono_ms;
    drain->over_ms = over_ms < most_ms ? over_ms : most_ms;
    drain_on(shard, now);
}

void drain_done(struct drain *drain)
{
    free(drain->ids);
}

/* When the one in that place of the order leaves. */
static uint64_t leaves_ms(const struct drain *drain, size_t place)
{
    return drain->begin_ms + drain->over_ms * (place + 1) / drain->count;
}

void drain_on(struct shard *shard, struct moment now)
{
    struct drain *drain = &shard->drain;

    while (drain->next < drain->count &&
           leaves_ms(drain, drain->next) <= now.mono_ms) {
        struct client *c =
            client_table_find(&shard->clients, drain->ids[drain->next++]);

        if (c != NULL) {
            drain_client(c, now);
        }
    }
}

uint64_t drain_next_ms(const struct shard *shard)
{
    const struct drain *drain = &shard->drain;

    return drain->next < drain->count ? leaves_ms(drain, drain->next)
                                      : MOMENT_NEVER;
}
