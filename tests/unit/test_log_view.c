/* A shard and a real log: pages, and what of them is shown. */
#include "src/io/log_view.h"

#include "src/bridge/shard_state.h"
#include "tests/lib/damage.h"
#include "tests/lib/log_fixture.h"
#include "tests/lib/shard_world.h"

enum { HIDDEN = 1920, SHOWN = 10 };

static struct shard_world *w;
static struct shard *shard;

static void step(void *context, struct shard_input *in)
{
    (void)context;
    shard_step(shard, w->now, in);
}

/* Events of another origin, more than a page of them, which nobody may see
 * yet; then events that all may. */
static struct log *hiding_log(void)
{
    struct log *log = fixture_open(fixture_dir());
    struct log_shown shown = {.place = HIDDEN + SHOWN};
    struct why why;

    for (uint64_t n = 0; n < HIDDEN; n += FIXTURE_BATCH_MAX) {
        struct event *events[FIXTURE_BATCH_MAX];

        for (size_t i = 0; i < FIXTURE_BATCH_MAX; i++) {
            events[i] = fixture_event(n + i + 1, 200);
            events[i]->origin = FIXTURE_ORIGIN + 1;
        }
        tap_equal(log_append(log, events, FIXTURE_BATCH_MAX, &why), 0);
        for (size_t i = 0; i < FIXTURE_BATCH_MAX; i++) {
            event_unref(events[i]);
        }
    }
    fixture_append(log, 1, SHOWN, 200);
    tap_check(vector_raise(&shown.vector, FIXTURE_ORIGIN, SHOWN));
    log_show(log, &shown);
    return log;
}

static size_t count_events(struct bytes answer)
{
    static const char event[] = "\"event\":";
    size_t count = 0;

    for (size_t i = 0; i + sizeof(event) <= answer.len; i++) {
        count += memcmp(answer.data + i, event, sizeof(event) - 1) == 0;
    }
    return count;
}

/* How many events history has for a query. */
static size_t ask(struct log *log, const char *query)
{
    struct shard_input in = {.kind = SHARD_INPUT_OPENED, .socket = w};
    struct client *client;
    struct shard_page page;
    struct bytes answer = {0};
    char text[1024];
    void *socket;

    step(NULL, &in);
    client = in.client;
    (void)snprintf(text,
                   sizeof(text),
                   "GET /event?%s HTTP/1.1\r\nhost: h\r\nx-api-key: %s\r\n\r\n",
                   query,
                   w->key);
    in = (struct shard_input){
        .kind = SHARD_INPUT_BYTES, .client = client, .bytes = bytes_text(text)};
    step(NULL, &in);
    while (shard_next_page(shard, &page)) {
        (void)log_view_read(log, &page, step, NULL);
    }
    tap_check(shard_next_send(shard, w->now, &client, &socket, &answer));
    return count_events(answer);
}

/* Places 3, 6, 9 and so on are of one channel. */
TAP_CASE(the_last_events_are_the_last_that_are_shown)
{
    struct log *log = fixture_open(fixture_dir());
    struct shard_lookup lookup = log_view_lookup(log);
    struct bytes channel = fixture_channel(3);
    struct log_shown shown = {.place = 5};

    for (uint64_t n = 0; n < 40; n++) {
        fixture_append(log, 1 + n * 30, 30, 40);
    }
    tap_check(vector_raise(&shown.vector, FIXTURE_ORIGIN, 5));
    log_show(log, &shown);
    tap_equal(lookup.last(log, channel, 1), 3);
    tap_equal(lookup.last(log, channel, 7), 3);
    shown.place = 10;
    log_show(log, &shown);
    tap_equal(lookup.last(log, channel, 1), 9);
    tap_equal(lookup.last(log, channel, 2), 6);
    shown.place = 2;
    log_show(log, &shown);
    tap_equal(lookup.last(log, channel, 1), 0);
    log_close(log);
}

/* A world, and what a shard of it over the log begins with. */
static struct shard_options begin_over(struct log *log, uint64_t last_place)
{
    struct shard_options options;

    w = shard_world_new(NULL);
    options = w->shard->options;
    options.lookup = log_view_lookup(log);
    options.last_place = last_place;
    return options;
}

TAP_CASE(events_behind_a_page_of_hidden_ones_are_read)
{
    struct log *log = hiding_log();
    struct shard_options options;

    options = begin_over(log, HIDDEN + SHOWN);
    shard = shard_new(&options);
    tap_equal(ask(log, "channel=/default/*&limit=1000"), 7);
    shard_free(shard);
    shard = shard_new(&options);
    tap_equal(ask(log, "channel=/default/a&limit=1000"), 3);
    shard_free(shard);
    shard = shard_new(&options);
    tap_equal(ask(log, "channel=/default/*&last=5"), 5);
    shard_free(shard);
    shard_world_free(w);
    log_close(log);
}

/* The namespaces whose events are gone are listed as a channel is written. */
TAP_CASE(what_stands_for_what_is_gone_is_not_given_as_an_event)
{
    struct log *log = fixture_open(fixture_dir());
    struct event *gone = event_new(bytes_text("/default/a"), bytes_of(NULL, 0));
    struct shard_options options;

    fixture_append(log, 3, 1, 40);
    gone->gone = true;
    gone->origin = FIXTURE_ORIGIN;
    gone->predecessor = 3;
    gone->sequence = 9;
    tap_equal(log_append(log, &gone, 1, NULL), 0);
    event_unref(gone);
    fixture_append(log, 10, 1, 40);
    options = begin_over(log, 3);
    shard = shard_new(&options);
    tap_equal(ask(log, "channel=/default/*&limit=1000"), 1); /* a gap is next */
    shard_free(shard);
    shard_world_free(w);
    log_close(log);
}

/* What a lookup over the log says first is what its shard begins with. */
TAP_CASE(history_is_answered_when_the_last_record_is_damaged)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);
    struct shard_options options;
    struct log_stat stat;
    struct why why;

    fixture_append(log, 1, 60, 40);
    tap_equal(log_trim(log, 1, 3, &why), 3); /* now meta has the vector */
    log_close(log);
    tap_check(damage_flip(dir, "\"60:", 1) > 0);
    log = fixture_open(dir);
    stat = fixture_stat(log);
    tap_equal(stat.corrupt_count, 1);
    options = begin_over(log, stat.last_place);
    shard = shard_new(&options);
    tap_equal(ask(log, "channel=/default/a&limit=1000"), 18);
    shard_free(shard);
    shard = shard_new(&options);
    tap_equal(ask(log, "channel=/default/empty"), 0);
    shard_free(shard);
    shard_world_free(w);
    log_close(log);
}

TAP_MAIN()
