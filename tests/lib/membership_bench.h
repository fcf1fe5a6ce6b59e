/* One membership on a bench: told by datagrams what others say, with all that
 * it sends kept to be looked at. Its own id is BENCH_ID; member n is at address
 * n, and member 1 is who says things. */
#ifndef TESTS_LIB_MEMBERSHIP_BENCH_H
#define TESTS_LIB_MEMBERSHIP_BENCH_H

#include "base/moment.h"
#include "base/rc.h"
#include "cluster/membership.h"
#include "tests/lib/tap.h"

#define BENCH_WALL_MS UINT64_C(1700000000000)
#define BENCH_SENT_MAX 4096
#define BENCH_ID 100
#define BENCH_RUN 7

struct bench {
    struct membership *m;
    uint64_t now_ms;
    size_t sent_count;
    struct gossip_address sent_to[BENCH_SENT_MAX];
    struct gossip sent[BENCH_SENT_MAX];
};

static inline struct gossip_address address_of(uint64_t id)
{
    struct gossip_address address = {.port = (uint16_t)(1000 + id)};

    address.ip[15] = 1;
    return address;
}

static inline struct gossip_member record_of(uint64_t id,
                                             enum gossip_state state)
{
    return (struct gossip_member){
        .id = id,
        .incarnation = 5,
        .state = state,
        .address = address_of(id),
        .started_ms = 5,
        .run = 1000 + id,
        .urls = "http://a.example",
    };
}

static inline struct membership_settings settings_of_test(void)
{
    struct membership_settings settings = membership_settings_default;

    /* Nothing of its own accord unless a test is about it. */
    settings.sync_interval_ms = 100000000;
    settings.reach_interval_ms = 100000000;
    return settings;
}

static inline struct bench *bench_with(
    const struct membership_settings *settings)
{
    static struct bench b;
    struct membership_options options = {
        .id = BENCH_ID,
        .run = BENCH_RUN,
        .started_ms = BENCH_WALL_MS,
        .address = address_of(BENCH_ID),
        .urls = "http://us.example",
        .random_seed = 1,
        .settings = *settings,
    };

    b.m = membership_new(&options, 1000000);
    b.now_ms = 1000000;
    b.sent_count = 0;
    return &b;
}

static inline struct bench *bench(void)
{
    struct membership_settings settings = settings_of_test();

    return bench_with(&settings);
}

static inline void collect(struct bench *b)
{
    struct buffer out;

    buffer_init(&out, GOSSIP_BYTES_MAX);
    while (b->sent_count < BENCH_SENT_MAX &&
           membership_next_send(b->m, &b->sent_to[b->sent_count], &out)) {
        tap_equal(gossip_read(buffer_view(&out), &b->sent[b->sent_count]),
                  RC_OK);
        b->sent_count++;
        buffer_clear(&out);
    }
    buffer_done(&out);
}

static inline void step(struct bench *b, const struct membership_input *in)
{
    b->sent_count = 0;
    membership_step(b->m, b->now_ms, in);
    collect(b);
}

/* Tick as often as asked for up to `ms` from now; all that is sent meanwhile is
 * kept. */
static inline void pass(struct bench *b, uint64_t ms)
{
    uint64_t end_ms = b->now_ms + ms;
    unsigned at_once = 0;

    b->sent_count = 0;
    /* It is due until its events are pulled, which only some tests do. */
    while (membership_deadline_ms(b->m) <= end_ms && at_once < 10) {
        at_once = membership_deadline_ms(b->m) > b->now_ms ? 0 : at_once + 1;
        b->now_ms = membership_deadline_ms(b->m) > b->now_ms
                        ? membership_deadline_ms(b->m)
                        : b->now_ms;
        membership_step(b->m,
                        b->now_ms,
                        &(struct membership_input){
                            .kind = MEMBERSHIP_INPUT_TICK,
                        });
        collect(b);
    }
    b->now_ms = end_ms;
}

static inline void give(struct bench *b, const struct gossip *message)
{
    struct membership_input in = {.kind = MEMBERSHIP_INPUT_DATAGRAM};
    struct buffer bytes;

    buffer_init(&bytes, GOSSIP_BYTES_MAX);
    gossip_write(message, &bytes);
    in.datagram.bytes = buffer_view(&bytes);
    in.datagram.source = address_of(message->from);
    step(b, &in);
    buffer_done(&bytes);
}

/* Member 1 says so. */
static inline void say(struct bench *b, const struct gossip_member *record)
{
    struct gossip message = {.kind = GOSSIP_NEWS, .from = 1};

    message.members[0] = *record;
    message.member_count = 1;
    give(b, &message);
}

static inline void say_state(struct bench *b,
                             uint64_t id,
                             uint64_t incarnation,
                             enum gossip_state state)
{
    struct gossip_member record = record_of(id, state);

    record.incarnation = incarnation;
    if (state == GOSSIP_SUSPECT) {
        record.accuser_count = 1;
        record.accusers[0] = 1;
    }
    say(b, &record);
}

static inline void join(struct bench *b, uint64_t count)
{
    struct membership_event event;

    for (uint64_t id = 1; id <= count; id++) {
        say_state(b, id, 5, GOSSIP_ALIVE);
    }
    while (membership_next_event(b->m, &event)) {
    }
}

/* The next event that is about `id` is of this kind. */
static inline bool told(struct bench *b,
                        uint64_t id,
                        enum membership_event_kind kind)
{
    struct membership_event event;

    while (membership_next_event(b->m, &event)) {
        if (event.member != NULL && event.member->id == id) {
            return event.kind == kind;
        }
    }
    return false;
}

static inline bool told_kind(struct bench *b, enum membership_event_kind kind)
{
    struct membership_event event;

    while (membership_next_event(b->m, &event)) {
        if (event.kind == kind) {
            return true;
        }
    }
    return false;
}

/* The first that was sent of this kind to a member, 0: to anybody. */
static inline const struct gossip *sent(const struct bench *b,
                                        enum gossip_kind kind,
                                        uint64_t to)
{
    struct gossip_address address = address_of(to);

    for (size_t i = 0; i < b->sent_count; i++) {
        if (b->sent[i].kind == kind &&
            (to == 0 || gossip_address_equal(&b->sent_to[i], &address))) {
            return &b->sent[i];
        }
    }
    return NULL;
}

static inline const struct gossip_member *carries(const struct gossip *message,
                                                  uint64_t id)
{
    for (size_t i = 0; message != NULL && i < message->member_count; i++) {
        if (message->members[i].id == id) {
            return &message->members[i];
        }
    }
    return NULL;
}

static inline enum gossip_state state_of(const struct bench *b, uint64_t id)
{
    const struct gossip_member *member = membership_find(b->m, id);

    return member != NULL ? member->state : (enum gossip_state)0;
}

static inline void answer(struct bench *b, const struct gossip *ping)
{
    give(b,
         &(struct gossip){
             .kind = GOSSIP_ACK,
             .from = ping->target,
             .sequence = ping->sequence,
             .target = ping->target,
         });
}

#endif
