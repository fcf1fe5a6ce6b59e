/* Random clients against a model: whoever subscribes, blocks, falls behind or
 * leaves, each subscription sees exactly the events it must, in order and once,
 * and each publish is answered once and truthfully.
 *
 * A run follows from its seed: `test_shard_model --seed N` repeats one. */
#include "tests/lib/shard_world.h"

#include <stdio.h>
#include <stdlib.h>

#define SEEDS 24
#define STEPS 2500
#define PEERS_LIVE_MAX 12
#define SUBSCRIPTIONS_MAX 4096
#define EVENTS_MAX 65536
#define PLACES_MAX EVENTS_MAX

static const char *const channels[] = {
    "/default/a", "/default/b", "/default/a/x", "/default/a/x/y", "/other/a"};
static const char *const patterns[] = {"/default/a",
                                       "/default/b",
                                       "/default/*",
                                       "/default/a/*",
                                       "/default/a/x",
                                       "/other/*"};
#define CHANNELS (sizeof(channels) / sizeof(channels[0]))
#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

enum stage { ASKED, LIVE, ENDING, ENDED };

struct model_subscription {
    size_t peer;
    size_t pattern;
    enum stage stage;
    uint64_t not_before; /* walked already when it was asked for */
    uint64_t sure_after; /* in the log when its success was seen */
    uint64_t last;       /* the last place it saw */
    uint64_t end_walked; /* walked when its end was asked for */
};

struct model_event {
    size_t channel;
    uint64_t place;   /* 0: not in the log, or not yet */
    size_t publisher; /* peer + 1; 0: elsewhere */
    bool answered;
};

struct model_peer {
    struct shard_peer *peer;
    bool leaving;
    bool ever_slow;   /* may have been behind */
    bool told_missed; /* closed with 1013 */
};

struct model {
    struct shard_world *world;
    uint64_t random;
    struct model_peer peers[SHARD_WORLD_PEERS_MAX];
    size_t peer_count;
    struct model_subscription subscriptions[SUBSCRIPTIONS_MAX];
    size_t subscription_count;
    struct model_event events[EVENTS_MAX];
    size_t event_count;
    size_t at_place[PLACES_MAX]; /* the event's number */
    uint64_t placed;
    uint64_t walked;
    bool covers[PATTERNS][CHANNELS];
    bool trimmed;
    size_t delivered;
    size_t missed;
    size_t refused;
    uint64_t times_behind;
};

static uint32_t below(struct model *m, uint32_t bound)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (uint32_t)(m->random >> 32) % bound;
}

static bool chance(struct model *m, uint32_t one_in)
{
    return below(m, one_in) == 0;
}

static void fill_covers(struct model *m)
{
    for (size_t p = 0; p < PATTERNS; p++) {
        for (size_t c = 0; c < CHANNELS; c++) {
            struct channel_name pattern;
            struct channel_name channel;

            tap_equal(
                channel_name_parse_pattern(bytes_text(patterns[p]), &pattern),
                0);
            tap_equal(channel_name_parse(bytes_text(channels[c]), &channel), 0);
            m->covers[p][c] = channel_name_covers(&pattern, &channel);
        }
    }
}

static bool wants(const struct model *m,
                  const struct model_subscription *s,
                  uint64_t place)
{
    return m->covers[s->pattern][m->events[m->at_place[place]].channel];
}

/* No event that it must see stands after `after` and before `end`. */
static void none_between(const struct model *m,
                         const struct model_subscription *s,
                         uint64_t after,
                         uint64_t end)
{
    for (uint64_t place = after + 1; place < end; place++) {
        tap_check(!wants(m, s, place));
    }
}

/* All up to and without `end` has been seen. */
static void complete_before(const struct model *m,
                            const struct model_subscription *s,
                            uint64_t end)
{
    none_between(m, s, s->last != 0 ? s->last : s->sure_after, end);
}

static void saw(struct model *m, struct model_subscription *s, size_t number)
{
    uint64_t place;

    tap_check(number < m->event_count);
    tap_check(s->stage == LIVE || s->stage == ENDING);
    place = m->events[number].place;
    tap_check(place != 0);
    tap_check(place > s->not_before);
    tap_check(place > s->last);
    tap_check(wants(m, s, place));
    complete_before(m, s, place);
    s->last = place;
    m->delivered++;
}

static struct model_subscription *of_peer(struct model *m,
                                          size_t peer,
                                          unsigned number)
{
    tap_check(number < m->subscription_count);
    tap_equal(m->subscriptions[number].peer, peer);
    return &m->subscriptions[number];
}

static void answered(struct model *m, size_t peer, unsigned number, bool taken)
{
    struct model_event *event = &m->events[number];

    tap_check(number < m->event_count);
    tap_equal(event->publisher, peer + 1);
    tap_check(!event->answered);
    tap_equal(event->place != 0, taken);
    event->answered = true;
    m->refused += !taken;
}

static void ended(struct model *m, struct model_subscription *s)
{
    tap_equal(s->stage, ENDING);
    s->stage = ENDED;
    if (!m->peers[s->peer].ever_slow) {
        complete_before(m, s, s->end_walked + 1);
    }
}

/* As much of a text as tells what it is. */
enum { BEGIN_BYTES = 96 };

static void begin_of(struct bytes text, char ret[BEGIN_BYTES])
{
    size_t len = text.len < BEGIN_BYTES - 1 ? text.len : BEGIN_BYTES - 1;

    memcpy(ret, text.data, len);
    ret[len] = '\0';
}

/* One frame. */
static void heard(struct model *m, size_t peer, const char *line)
{
    unsigned id;
    unsigned number;

    if (sscanf(line,
               "{\"type\":\"data\",\"id\":\"s%u\",\"event\":\"\\\"%u:",
               &id,
               &number) == 2) {
        saw(m, of_peer(m, peer, id), number);
    } else if (sscanf(line,
                      "{\"type\":\"subscribe_success\",\"id\":\"s%u\"}",
                      &id) == 1) {
        struct model_subscription *s = of_peer(m, peer, id);

        tap_equal(s->stage, ASKED);
        s->stage = LIVE;
        s->sure_after = m->placed;
    } else if (sscanf(line,
                      "{\"type\":\"unsubscribe_success\",\"id\":\"s%u\"}",
                      &id) == 1) {
        ended(m, of_peer(m, peer, id));
    } else if (sscanf(line,
                      "{\"type\":\"publish_success\",\"id\":\"p%u\"",
                      &number) == 1) {
        answered(m, peer, number, true);
    } else if (sscanf(line,
                      "{\"type\":\"publish_error\",\"id\":\"p%u\"",
                      &number) == 1) {
        answered(m, peer, number, false);
    } else if (strncmp(line, "close 1013 ", 11) == 0) {
        m->peers[peer].told_missed = true;
        m->missed++;
        tap_check(m->trimmed);
    } else if (strncmp(line, "close 1000", 10) == 0) {
        tap_check(m->peers[peer].leaving);
    } else {
        tap_equal(strcmp(line, "{\"type\":\"ka\"}"), 0);
    }
}

static void listen_to_all(struct model *m)
{
    bool slow = m->world->metrics.catchup_begun != m->times_behind;

    m->walked = m->placed;
    m->times_behind = m->world->metrics.catchup_begun;
    for (size_t i = 0; i < m->peer_count; i++) {
        struct shard_peer *p = m->peers[i].peer;
        char text[BEGIN_BYTES];
        struct bytes line;
        struct bytes rest;

        /* Whoever it was. */
        m->peers[i].ever_slow = m->peers[i].ever_slow || slow;
        if (p->got.len == 0) {
            continue;
        }
        rest = bytes_text(shard_peer_lines(p));
        while (bytes_split(&rest, '\n', &line)) {
            begin_of(line, text);
            heard(m, i, text);
        }
    }
}

static void turn(struct model *m)
{
    m->world->read_bytes_max = chance(m, 4) ? 1 + below(m, 300) : 64 * 1024;
    m->world->pages_per_turn = 1 + below(m, 4);
    shard_world_turn(m->world);
    listen_to_all(m);
}

static void commit(struct model *m)
{
    struct shard_world *w = m->world;

    w->log_refuses = chance(m, 20);
    shard_world_commit(w);
    while (m->placed < w->log_count) {
        const struct event *event = w->log[m->placed++];
        char text[BEGIN_BYTES];
        unsigned number;

        tap_check(m->placed < PLACES_MAX);
        begin_of(event->content, text);
        tap_equal(sscanf(text, "\"%u:", &number), 1);
        tap_check(number < m->event_count);
        tap_equal(m->events[number].place, 0);
        m->events[number].place = event->place;
        m->at_place[event->place] = number;
    }
}

/* A live peer, or NULL. */
static struct model_peer *some_peer(struct model *m)
{
    for (int i = 0; i < 20 && m->peer_count > 0; i++) {
        struct model_peer *p = &m->peers[below(m, (uint32_t)m->peer_count)];

        if (p->peer->client != NULL && !p->leaving && !p->told_missed) {
            return p;
        }
    }
    return NULL;
}

static size_t live_count(const struct model *m)
{
    size_t count = 0;

    for (size_t i = 0; i < m->peer_count; i++) {
        count += m->peers[i].peer->client != NULL;
    }
    return count;
}

static void connect_one(struct model *m)
{
    if (live_count(m) < PEERS_LIVE_MAX &&
        m->peer_count < SHARD_WORLD_PEERS_MAX) {
        struct shard_peer *p = shard_world_connect(m->world);

        shard_peer_upgrade(
            p,
            NULL,
            chance(m, 2) ? "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                         : "");
        m->world->read_bytes_max = 64 * 1024;
        shard_world_turn(m->world);
        tap_equal(shard_peer_answer(p, NULL), 101);
        p->deflate = true; /* may come compressed */
        m->peers[m->peer_count++].peer = p;
        listen_to_all(m);
    }
}

static void subscribe_some(struct model *m)
{
    struct model_peer *p = some_peer(m);
    uint32_t count = chance(m, 30) ? 40 : 1 + below(m, 2);
    char id[16];

    if (p == NULL || m->subscription_count + count > SUBSCRIPTIONS_MAX) {
        return;
    }
    while (count-- > 0) {
        struct model_subscription *s = &m->subscriptions[m->subscription_count];

        *s = (struct model_subscription){.peer = (size_t)(p - m->peers),
                                         .pattern = below(m, PATTERNS),
                                         .not_before = m->walked};
        snprintf(id, sizeof(id), "s%zu", m->subscription_count++);
        shard_peer_subscribe(p->peer, id, patterns[s->pattern]);
    }
}

static void unsubscribe_one(struct model *m)
{
    struct model_subscription *s;
    struct model_peer *p;
    char id[16];
    uint32_t number;

    if (m->subscription_count == 0) {
        return;
    }
    number = below(m, (uint32_t)m->subscription_count);
    s = &m->subscriptions[number];
    p = &m->peers[s->peer];
    if (s->stage != LIVE || p->leaving || p->peer->client == NULL) {
        return;
    }
    s->stage = ENDING;
    s->end_walked = m->walked;
    snprintf(id, sizeof(id), "s%u", number);
    shard_peer_unsubscribe(p->peer, id);
}

/* The text of the next event, in memory that the next call uses again. */
static const char *next_event(struct model *m, size_t channel, size_t publisher)
{
    static char text[32768];
    size_t len = chance(m, 30) ? 10000 + below(m, 20000) : 20 + below(m, 300);
    size_t at;

    tap_check(m->event_count < EVENTS_MAX);
    m->events[m->event_count] =
        (struct model_event){.channel = channel, .publisher = publisher};
    at = (size_t)snprintf(text, sizeof(text), "\"%zu:", m->event_count++);
    while (at < len) {
        text[at++] = chance(m, 50) ? '\'' : 'x';
    }
    text[at] = '"';
    text[at + 1] = '\0';
    return text;
}

static void publish_by_peer(struct model *m)
{
    struct model_peer *p = some_peer(m);
    uint32_t count = 1 + below(m, 4);
    char id[16];

    while (p != NULL && count-- > 0) {
        size_t channel = below(m, CHANNELS);

        snprintf(id, sizeof(id), "p%zu", m->event_count);
        shard_peer_publish(p->peer,
                           id,
                           channels[channel],
                           next_event(m, channel, (size_t)(p - m->peers) + 1));
    }
}

static void publish_elsewhere(struct model *m)
{
    for (uint32_t count = 1 + below(m, 12); count > 0; count--) {
        size_t channel = below(m, CHANNELS);

        if (atomic_load(&m->world->intake.bytes) >
            m->world->intake.bytes_max / 2) {
            return;
        }
        shard_world_publish(
            m->world, channels[channel], next_event(m, channel, 0));
    }
}

static void move_socket(struct model *m)
{
    struct model_peer *p = some_peer(m);

    if (p == NULL) {
        return;
    }
    switch (below(m, 3)) {
    case 0:
        p->ever_slow = true;
        p->peer->room = below(m, 2) * below(m, 3000);
        break;
    case 1:
        shard_peer_allow(p->peer, below(m, 20000));
        break;
    default:
        shard_peer_allow(p->peer, SIZE_MAX);
        break;
    }
}

static void leave(struct model *m)
{
    struct model_peer *p = some_peer(m);

    if (p == NULL) {
        return;
    }
    p->leaving = true;
    if (chance(m, 2)) {
        shard_peer_frame(p->peer, 8, bytes_of("\x03\xe8", 2));
    } else if (chance(m, 2) || p->peer->sent.len > 0) {
        shard_peer_end(p->peer, true);
    } else {
        shard_peer_end(p->peer, false);
    }
}

/* Those that said goodbye, or were told, hang up some time. */
static void hang_up(struct model *m)
{
    for (size_t i = 0; i < m->peer_count; i++) {
        struct model_peer *p = &m->peers[i];

        if ((p->leaving || p->told_missed) && p->peer->client != NULL &&
            !p->peer->ended && p->peer->half_closed && chance(m, 2)) {
            shard_peer_end(p->peer, chance(m, 4));
        }
    }
}

static void trim(struct model *m)
{
    uint64_t count = m->world->log_count;
    uint64_t first = m->world->first_place;

    if (count > first + 50) {
        m->trimmed = true;
        shard_world_trim(m->world,
                         first + below(m, (uint32_t)(count - first - 40)));
    }
}

static void step(struct model *m)
{
    switch (below(m, 16)) {
    case 0:
        connect_one(m);
        break;
    case 1:
        subscribe_some(m);
        break;
    case 2:
        unsubscribe_one(m);
        break;
    case 3:
    case 4:
        publish_by_peer(m);
        break;
    case 5:
    case 6:
        publish_elsewhere(m);
        break;
    case 7:
    case 8:
        move_socket(m);
        break;
    case 9:
        if (chance(m, 6)) {
            leave(m);
        }
        hang_up(m);
        break;
    case 10:
        if (chance(m, 10)) {
            trim(m);
        }
        break;
    case 11:
        if (chance(m, 10)) {
            shard_world_wait(m->world, below(m, 3000));
            listen_to_all(m);
        }
        break;
    case 12:
    case 13:
        commit(m);
        break;
    default:
        turn(m);
        break;
    }
}

/* Every socket takes all; until nothing moves. */
static void come_to_rest(struct model *m)
{
    bool any = true;

    for (size_t i = 0; i < m->peer_count; i++) {
        shard_peer_allow(m->peers[i].peer, SIZE_MAX);
    }
    m->world->read_bytes_max = 64 * 1024;
    m->world->pages_per_turn = 16;
    for (int i = 0; any && i < 100000; i++) {
        any = shard_world_turn(m->world);
        listen_to_all(m);
        if (!list_empty(&m->world->waiting)) {
            commit(m);
            any = true;
        }
    }
    tap_check(!any);
}

/* Nothing more can be said about it: it left, or was sent away because the
 * window passed it, which it may have been too slow to be told. */
static bool gone(const struct model_peer *p)
{
    return p->leaving || p->told_missed || p->peer->client == NULL;
}

static void check_peers(const struct model *m)
{
    uint64_t sent_away = 0;

    for (size_t i = 0; i < m->peer_count; i++) {
        const struct model_peer *p = &m->peers[i];

        sent_away += gone(p) && !p->leaving;
    }
    tap_check(sent_away <= m->world->metrics.catchup_lost);
    tap_check(sent_away == 0 || m->trimmed);
}

static void check_subscriptions(const struct model *m)
{
    uint64_t open = 0;

    for (size_t i = 0; i < m->subscription_count; i++) {
        const struct model_subscription *s = &m->subscriptions[i];
        const struct model_peer *p = &m->peers[s->peer];

        if (gone(p)) {
            open += p->peer->client != NULL && s->stage == LIVE;
            continue;
        }
        tap_check(s->stage == LIVE || s->stage == ENDED);
        if (s->stage == LIVE) {
            complete_before(m, s, m->placed + 1);
            open++;
        }
    }
    tap_equal(m->world->metrics.subscriptions_open, open);
}

static void check_publishes(const struct model *m)
{
    uint64_t last[SHARD_WORLD_PEERS_MAX + 1] = {0};

    for (size_t i = 0; i < m->event_count; i++) {
        const struct model_event *event = &m->events[i];

        /* Those of one connection stand in the order they were sent in. */
        if (event->publisher != 0 && event->place != 0) {
            tap_check(event->place > last[event->publisher]);
            last[event->publisher] = event->place;
        }
        if (event->publisher != 0 && !event->answered) {
            tap_check(gone(&m->peers[event->publisher - 1]));
        }
    }
}

static void run_seed(uint64_t seed, size_t steps)
{
    struct model *m = calloc(1, sizeof(*m));
    struct shard_world_options options = shard_world_defaults();

    m->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    options.limits.send_buffer_max =
        1024 + (seed % 3 == 0 ? 65536 : below(m, 8192));
    options.limits.publishes_in_flight_max = (uint16_t)(1 + below(m, 8));
    options.intake_bytes_max = 60000 + below(m, 200000);
    options.compression = chance(m, 2);
    m->world = shard_world_new(&options);
    m->world->page_bytes_max = 1000 + below(m, 60000);
    fill_covers(m);
    for (size_t i = 0; i < steps; i++) {
        step(m);
    }
    come_to_rest(m);
    /* A goodbye that is not answered is waited for; then all who were to go
     * have gone. */
    shard_world_wait(m->world, options.limits.close_timeout_ms);
    listen_to_all(m);
    check_peers(m);
    check_subscriptions(m);
    check_publishes(m);
    printf("# seed %llu: %zu peers, %zu subscriptions, %llu events, %zu "
           "deliveries, %llu times behind, %zu missed, %zu refused\n",
           (unsigned long long)seed,
           m->peer_count,
           m->subscription_count,
           (unsigned long long)m->placed,
           m->delivered,
           (unsigned long long)m->world->metrics.catchup_begun,
           m->missed,
           m->refused);
    shard_world_free(m->world);
    free(m);
}

static uint64_t only_seed;
static uint64_t seed_running;

TAP_CASE(every_subscription_sees_exactly_its_events_whoever_blocks_or_leaves)
{
    if (only_seed != 0) {
        run_seed(only_seed, STEPS);
        return;
    }
    for (seed_running = 1; seed_running <= SEEDS; seed_running++) {
        run_seed(seed_running, STEPS);
    }
}

int main(int argc, char **argv)
{
    const char *seed = argc == 3 && strcmp(argv[1], "--seed") == 0
                           ? argv[2]
                           : getenv("SHARD_MODEL_SEED");
    int status;

    only_seed = seed == NULL ? 0 : strtoull(seed, NULL, 10);
    status = tap_run(1, argv);
    if (status != 0) {
        printf("# again: %s --seed %llu\n",
               argv[0],
               (unsigned long long)(only_seed != 0 ? only_seed : seed_running));
    }
    return status;
}
