/* Serving clients that are behind from the log. */
#include "src/bridge/catchup.h"

#include "base/check.h"
#include "src/bridge/replay.h"
#include "src/bridge/shard_state.h"
#include "src/bridge/ws_session.h"

#include <stdlib.h>

void catchup_offer(struct shard *shard, struct client *client)
{
    bool due = client->behind_place != 0 || !list_empty(&client->replays);

    if (due && client_subscribes(client) && list_empty(&client->catchup_node)) {
        list_push_back(&shard->catching_up, &client->catchup_node);
    }
}

/* The window has passed the client: each of its subscriptions is told, and goes
 * on where the log begins now. */
static void pass_over_gap(struct shard *shard,
                          struct client *client,
                          struct moment now,
                          const struct vector *low)
{
    const struct shard_lookup *lookup = &shard->options.lookup;
    struct answer_gap gap = {.reason = "retention", .from = *client->behind_at};
    uint64_t place = lookup->seek(lookup->context, low);

    vector_merge(client->behind_at, low);
    gap.to = *client->behind_at;
    if (client->behind_place < place) {
        client->behind_place = place;
    }
    shard_count(shard, gaps, 1);
    list_each(node, &client->subscriptions)
    {
        struct subscription *s =
            list_entry(node, struct subscription, client_node);

        if (s->replay == NULL && client_subscribes(client)) {
            delivery_gap(shard, s, now, &gap);
        }
    }
}

static bool knows_gaps(const struct client *client)
{
    list_each(node, &client->subscriptions)
    {
        if (list_entry(node, struct subscription, client_node)->format ==
            SUBSCRIPTION_PLAIN) {
            return false;
        }
    }
    return true;
}

/* So that it comes back, which with cursors misses nothing. */
static void send_away(struct shard *shard,
                      struct client *client,
                      struct moment now)
{
    shard_count(shard, catchup_lost, 1);
    ws_session_close(client, now, 1013, "events were missed");
}

/* Whether a page may be read: all that the client has not seen is still there,
 * or it was told what is not. */
static bool window_holds(struct shard *shard,
                         struct client *client,
                         struct moment now)
{
    const struct shard_lookup *lookup = &shard->options.lookup;
    struct vector low;

    lookup->low_water(lookup->context, &low);
    if (vector_covers(client->behind_at, &low)) {
        return true;
    }
    if (!knows_gaps(client)) {
        send_away(shard, client, now);
        return false;
    }
    pass_over_gap(shard, client, now, &low);
    return true;
}

bool catchup_page(struct shard *shard,
                  struct client *client,
                  struct moment now,
                  struct shard_page *ret)
{
    client->replaying = !list_empty(&client->replays);
    if (client->replaying) {
        replay_page(shard, client, now, ret);
        return true;
    }
    if (!window_holds(shard, client, now)) {
        return false;
    }
    client->page_out_len = client->out.len;
    client->page_from = client->behind_place;
    ret->client = client;
    ret->from = client->behind_place;
    ret->channel = bytes_of(NULL, 0);
    return true;
}

void catchup_record(struct shard *shard,
                    struct client *client,
                    struct moment now,
                    const struct shard_input *in)
{
    uint64_t place = in->record.place;

    if (client->replaying) {
        replay_record(shard, client, now, in);
        return;
    }
    check(client->behind_place != 0 && place >= client->behind_place);
    if (place > shard->place) {
        return; /* comes live */
    }
    shard_count(shard, catchup_records, 1);
    (void)vector_raise(
        client->behind_at, in->record.origin, in->record.sequence);
    client->behind_place =
        delivery_append(
            shard, client, place, in->record.channel, in->record.content)
            ? place + 1
            : place;
    client->page_records++;
}

bool catchup_wants(const struct client *client)
{
    const struct shard *shard = client->shard;

    if (client->replaying) {
        return replay_wants(client);
    }
    return client->behind_place <= shard->place &&
           client->out.len <= shard->options.limits->send_buffer_max;
}

static void go_live(struct client *client)
{
    client->behind_place = 0;
    free(client->behind_at);
    client->behind_at = NULL;
}

void catchup_page_end(struct shard *shard,
                      struct client *client,
                      struct moment now,
                      const struct shard_input *in)
{
    bool empty = client->page_records == 0;

    client->page_records = 0;
    if (client->replaying) {
        replay_page_end(shard, client, now, in);
        return;
    }
    if (!client_subscribes(client) || client->behind_place == 0) {
        return;
    }
    if (in->page.failed || client->page_from < in->page.first_place) {
        /* It was trimmed while it was read: the page may have a hole. */
        client->out.len = client->page_out_len;
        send_away(shard, client, now);
        return;
    }
    if (client->behind_place > shard->place || empty) {
        go_live(client);
    } else if (client->out.len == 0) {
        catchup_offer(shard, client);
    }
}
