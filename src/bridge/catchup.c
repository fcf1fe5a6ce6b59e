/* Serving clients that are behind from the log. */
#include "src/bridge/catchup.h"

#include "base/check.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/ws_session.h"

void catchup_offer(struct shard *shard, struct client *client)
{
    if (client->behind_place != 0 && client->state == CLIENT_WS_OPEN &&
        list_empty(&client->catchup_node)) {
        list_push_back(&shard->catching_up, &client->catchup_node);
    }
}

void catchup_record(struct shard *shard,
                    struct client *client,
                    uint64_t place,
                    struct bytes channel,
                    struct bytes content)
{
    check(client->behind_place != 0 && place >= client->behind_place);
    if (place > shard->place) {
        return; /* comes live */
    }
    shard_count(shard, catchup_records, 1);
    client->behind_place =
        delivery_append(shard, client, place, channel, content) ? place + 1
                                                                : place;
    client->page_records++;
}

bool catchup_wants(const struct client *client)
{
    const struct shard *shard = client->shard;

    return client->behind_place <= shard->place &&
           client->out.len <= shard->options.limits->send_buffer_max;
}

void catchup_page_end(struct shard *shard,
                      struct moment now,
                      struct client *client,
                      uint64_t first_place,
                      bool failed)
{
    bool empty = client->page_records == 0;

    client->page_records = 0;
    if (client->state != CLIENT_WS_OPEN || client->behind_place == 0) {
        return;
    }
    if (failed || client->page_from < first_place) {
        /* What the page began with may come from behind the gap. */
        client->out.len = client->page_out_len;
        shard_count(shard, catchup_lost, 1);
        ws_session_close(client, now, 1013, "events were missed");
        return;
    }
    if (client->behind_place > shard->place || empty) {
        client->behind_place = 0;
    } else if (client->out.len == 0) {
        catchup_offer(shard, client);
    }
}
