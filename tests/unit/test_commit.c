/* The committer on a log of its own: what becomes visible when, and what
 * publishers are told. */
#include "src/bridge/commit.h"

#include "base/alloc.h"
#include "base/rc.h"
#include "storage/log.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>

#define IDENTITY UINT64_C(0x100)
#define OWN (IDENTITY | EVENT_ORIGIN_QUORUM)
#define PEER UINT64_C(0x201)
#define TIMEOUT_MS 1000
#define EVENTS_MAX 128

/* A log in memory: events by place, as the real one keeps them. */
struct world {
    struct commit *commit;
    struct intake intake;
    struct metrics metrics;
    struct event *events[EVENTS_MAX]; /* by place; NULL: moved away */
    uint64_t last_place;
    struct vector have;
    struct vector forked;
    struct vector shown;
    uint64_t shown_place;
    bool all;
    int append_rc;
    uint64_t reserved;
    uint64_t reserve_next;
    int skip_rc;
    struct moment now;
    char seen[512];    /* what became visible, "a b c" */
    char answers[512]; /* "id:problem " */
    char early[512];   /* the same, before the log was asked */
};

static uint64_t last_sequence(void *context, uint64_t origin)
{
    struct world *w = context;

    return vector_get(&w->have, origin);
}

static int append(void *context,
                  struct event *const *events,
                  size_t count,
                  struct why *why)
{
    struct world *w = context;
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        bytes += events[i]->content.len;
    }
    if (w->append_rc != 0 || bytes > LOG_BATCH_BYTES_MAX) {
        return why_set(
            why, w->append_rc != 0 ? w->append_rc : RC_TOO_LARGE, "full");
    }
    w->reserved = w->reserve_next;
    for (size_t i = 0; i < count; i++) {
        events[i]->place = ++w->last_place;
        w->events[w->last_place] = event_ref(events[i]);
        tap_check(
            vector_raise(&w->have, events[i]->origin, events[i]->sequence));
    }
    return 0;
}

static int move(void *context,
                struct event *const *events,
                size_t count,
                struct why *why)
{
    struct world *w = context;

    for (size_t i = 0; i < count; i++) {
        tap_check(w->events[events[i]->place] == events[i]);
        event_unref(w->events[events[i]->place]);
        w->events[events[i]->place] = NULL;
    }
    return append(context, events, count, why);
}

static int skip(void *context, const struct batch *skip, struct why *why)
{
    struct world *w = context;

    if (w->skip_rc != 0) {
        return why_set(why, w->skip_rc, "full");
    }
    if (skip->forked) {
        tap_check(vector_raise(&w->forked, skip->origin, skip->skip_to));
    } else {
        tap_check(vector_raise(&w->have, skip->origin, skip->skip_to));
    }
    return 0;
}

static void show(void *context,
                 bool all,
                 uint64_t place,
                 const struct vector *shown)
{
    struct world *w = context;

    w->all = all;
    w->shown = *shown;
    w->shown_place = place;
}

static int find_key(void *context,
                    struct bytes channel,
                    struct bytes key,
                    uint64_t *ret_origin,
                    uint64_t *ret_sequence)
{
    struct world *w = context;

    for (uint64_t place = 1; place <= w->last_place; place++) {
        const struct event *event = w->events[place];

        if (event != NULL && bytes_equal(event->key, key) &&
            bytes_equal(event->channel, channel)) {
            *ret_origin = event->origin;
            *ret_sequence = event->sequence;
            return 0;
        }
    }
    return RC_NOT_FOUND;
}

static uint64_t reserved(void *context)
{
    return ((struct world *)context)->reserved;
}

static void reserve(void *context, uint64_t sequence)
{
    ((struct world *)context)->reserve_next = sequence;
}

static void add_text(char *to, size_t max, struct bytes text, int number)
{
    size_t len = strlen(to);

    snprintf(to + len,
             max - len,
             number < 0 ? "%.*s " : "%.*s:%d ",
             (int)text.len,
             (const char *)text.data,
             number);
}

static void answer(void *context, struct batch *batch)
{
    struct world *w = context;

    tap_equal(batch->event_count, 0);
    list_each(node, &batch->answers[0])
    {
        const struct publish *p = list_entry(node, struct publish, node);

        add_text(w->early, sizeof(w->early), publish_id(p), p->problem);
    }
    batch_unref(batch);
}

/* With names that were given away in an earlier life. */
static void world_start(struct world *w, uint64_t reserved_before)
{
    const struct commit_options options = {
        .log = {.context = w,
                .last_sequence = last_sequence,
                .append = append,
                .move = move,
                .skip = skip,
                .show = show,
                .find_key = find_key,
                .reserved = reserved,
                .reserve = reserve},
        .identity = IDENTITY,
        .quorum_timeout_ms = TIMEOUT_MS,
        .shard_count = 1,
        .intake = &w->intake,
        .metrics = &w->metrics,
        .answer = answer,
        .answer_context = w,
    };

    *w = (struct world){.intake = {.bytes_max = SIZE_MAX},
                        .reserved = reserved_before,
                        .now = {.mono_ms = 5, .wall_ms = 1000}};
    w->commit = commit_new(&options);
}

static void world_init(struct world *w)
{
    world_start(w, 0);
}

static void world_done(struct world *w)
{
    commit_free(w->commit);
    for (uint64_t place = 1; place <= w->last_place; place++) {
        event_unref(w->events[place]);
    }
    tap_equal(atomic_load(&w->intake.bytes), 0);
}

/* Step, then read what came out; "-": nothing. */
static void step(struct world *w, uint64_t later_ms)
{
    struct batch *batch;
    struct why why;

    w->now.mono_ms += later_ms;
    w->now.wall_ms += later_ms;
    w->seen[0] = '\0';
    w->answers[0] = '\0';
    w->early[0] = '\0';
    (void)commit_step(w->commit, w->now, &why);
    while ((batch = commit_take(w->commit)) != NULL) {
        for (size_t i = 0; i < batch->event_count; i++) {
            const struct event *event = batch->events[i];

            tap_check(event->place <= w->shown_place || w->all);
            tap_check(event->sequence <= vector_get(&w->shown, event->origin));
            add_text(w->seen, sizeof(w->seen), event->content, -1);
        }
        if (batch->skip_to > 0) {
            add_text(w->seen,
                     sizeof(w->seen),
                     bytes_text("skip"),
                     (int)batch->skip_to);
        }
        list_each(node, &batch->answers[0])
        {
            const struct publish *p = list_entry(node, struct publish, node);

            add_text(w->answers, sizeof(w->answers), publish_id(p), p->problem);
        }
        batch_unref(batch);
    }
}

static void expect(struct world *w, const char *seen, const char *answers)
{
    tap_equal_text(bytes_text(w->seen), seen);
    tap_equal_text(bytes_text(w->answers), answers);
}

static void publish_as(struct world *w,
                       const char *id,
                       enum namespace_durability durability,
                       const char *key)
{
    struct publish *p = publish_new(0, 1, bytes_text(id));
    struct list list;

    p->durability = durability;
    publish_add(p,
                bytes_text("/default/a"),
                bytes_text(id),
                bytes_text(key),
                PROBLEM_NONE,
                NULL);
    tap_check(intake_charge(&w->intake, p->bytes));
    list_init(&list);
    list_push_back(&list, &p->node);
    commit_publish(w->commit, &list);
}

static void publish_keyed(struct world *w,
                          const char *id,
                          bool quorum,
                          const char *key)
{
    publish_as(w, id, quorum ? NAMESPACE_QUORUM : NAMESPACE_DISK, key);
}

static void publish(struct world *w, const char *id, bool quorum)
{
    publish_keyed(w, id, quorum, "");
}

/* One event of the peer, behind `predecessor`. */
static void bytes_from_peer(struct world *w,
                            struct bytes content,
                            uint64_t sequence,
                            uint64_t predecessor)
{
    struct batch *batch = batch_new(&w->intake, 1);
    struct event *event = event_new(bytes_text("/default/a"), content);

    event->origin = PEER;
    event->sequence = sequence;
    event->predecessor = predecessor;
    batch->origin = PEER;
    batch_add_event(batch, event);
    commit_store(w->commit, batch);
}

static void from_peer(struct world *w,
                      const char *content,
                      uint64_t sequence,
                      uint64_t predecessor)
{
    bytes_from_peer(w, bytes_text(content), sequence, predecessor);
}

static void safe(struct world *w, uint64_t origin, uint64_t sequence)
{
    struct vector v = {0};

    (void)vector_raise(&v, origin, sequence);
    commit_cluster(w->commit, &v, false, true);
}

static uint64_t own(struct world *w)
{
    return vector_get(&w->have, OWN);
}

TAP_CASE(alone_an_event_is_visible_with_its_commit)
{
    struct world w;

    world_init(&w);
    publish(&w, "a", true);
    publish(&w, "b", false);
    tap_check(commit_waiting(w.commit));
    step(&w, 0);
    expect(&w, "b a ", "b:0 a:0 ");
    tap_check(w.all);
    tap_check(!commit_waiting(w.commit));
    tap_check(own(&w) > 0);
    tap_check(vector_get(&w.have, IDENTITY) > 0);
    tap_equal(commit_take_appended(w.commit), 2);
    tap_equal(commit_take_appended(w.commit), 0);
    world_done(&w);
}

TAP_CASE(an_event_waits_for_its_quorum_and_others_behind_it)
{
    struct world w;

    world_init(&w);
    safe(&w, OWN, 0);
    publish(&w, "a", true);
    step(&w, 0);
    expect(&w, "", "");
    tap_check(!w.all);
    tap_equal(commit_under_way(w.commit), 1);
    publish(&w, "b", false);
    step(&w, 10);
    expect(&w, "", "");
    tap_equal(commit_under_way(w.commit), 1);
    tap_equal(commit_deadline_ms(w.commit), 5 + TIMEOUT_MS);
    safe(&w, OWN, own(&w));
    step(&w, 0);
    expect(&w, "a b ", "a:0 b:0 ");
    tap_equal(commit_under_way(w.commit), 0);
    tap_equal(commit_deadline_ms(w.commit), MOMENT_NEVER);
    world_done(&w);
}

TAP_CASE(without_a_quorum_in_time_others_go_on_and_its_event_comes_last)
{
    struct world w;

    world_init(&w);
    safe(&w, OWN, 0);
    publish(&w, "a", true);
    step(&w, 0);
    publish(&w, "b", true);
    publish(&w, "c", false);
    step(&w, 10);
    expect(&w, "", "");
    step(&w, TIMEOUT_MS - 10);
    tap_equal_text(bytes_text(w.seen), "c ");
    tap_check(strstr(w.answers, "c:0 ") != NULL);
    tap_check(strstr(w.answers, "a:0 ") == NULL);
    tap_check(strstr(w.answers, "b:0 ") == NULL);
    safe(&w, OWN, own(&w));
    step(&w, 0);
    expect(&w, "a b ", "");
    world_done(&w);
}

TAP_CASE(what_was_deferred_keeps_its_order_at_new_places)
{
    struct world w;

    world_init(&w);
    safe(&w, OWN, 0);
    publish(&w, "a", true);
    step(&w, 0);
    step(&w, TIMEOUT_MS);
    tap_equal_text(bytes_text(w.seen), "");
    tap_check(strncmp(w.answers, "a:", 2) == 0 && w.answers[2] != '0');
    publish(&w, "b", true);
    publish(&w, "c", false);
    step(&w, 1);
    tap_equal_text(bytes_text(w.seen), "c ");
    safe(&w, OWN, own(&w) - 1);
    step(&w, 1);
    expect(&w, "a ", "");
    safe(&w, OWN, own(&w));
    step(&w, 1);
    expect(&w, "b ", "");
    tap_equal(w.last_place, 5);
    tap_equal(w.shown_place, 5);
    publish(&w, "d", false);
    step(&w, 1);
    expect(&w, "d ", "d:0 ");
    world_done(&w);
}

/* The rest is asked for again. */
TAP_CASE(of_a_peers_events_no_more_is_deferred_than_can_be_moved_at_once)
{
    const uint64_t count = 2 * LOG_BATCH_BYTES_MAX / LOG_RECORD_BYTES_MAX;
    uint8_t *content = alloc_zero(LOG_RECORD_BYTES_MAX);
    uint64_t taken = 0;
    struct world w;

    world_init(&w);
    safe(&w, PEER, 0);
    for (uint64_t n = 1; n <= count; n++) {
        bytes_from_peer(&w, bytes_of(content, LOG_RECORD_BYTES_MAX), n, n - 1);
        step(&w, TIMEOUT_MS / 8);
    }
    taken = vector_get(&w.have, PEER);
    tap_check(taken > 0);
    tap_equal(vector_get(&w.shown, PEER), 0);
    safe(&w, PEER, count);
    step(&w, 0);
    tap_equal(vector_get(&w.shown, PEER), taken);
    for (uint64_t n = taken + 1; n <= count; n++) {
        bytes_from_peer(&w, bytes_of(content, LOG_RECORD_BYTES_MAX), n, n - 1);
        step(&w, 0);
    }
    tap_equal(vector_get(&w.shown, PEER), count);
    world_done(&w);
    free(content);
}

TAP_CASE(without_a_majority_in_reach_nothing_is_begun)
{
    const struct vector none = {0};
    struct world w;

    world_init(&w);
    commit_cluster(w.commit, &none, false, false);
    publish(&w, "a", true);
    publish(&w, "b", false);
    step(&w, 0);
    tap_equal_text(bytes_text(w.seen), "b ");
    tap_check(strstr(w.answers, "b:0 ") != NULL);
    tap_check(strstr(w.answers, "a:0 ") == NULL);
    tap_equal(own(&w), 0);
    world_done(&w);
}

TAP_CASE(a_peers_events_are_taken_in_order_only)
{
    struct world w;

    world_init(&w);
    from_peer(&w, "one", 10, 0);
    from_peer(&w, "three", 30, 20);
    from_peer(&w, "two", 20, 10);
    from_peer(&w, "two", 20, 10);
    step(&w, 0);
    expect(&w, "one two ", "");
    from_peer(&w, "three", 30, 20);
    step(&w, 0);
    expect(&w, "three ", "");
    world_done(&w);
}

TAP_CASE(a_peers_event_is_visible_when_a_majority_has_it)
{
    struct world w;

    world_init(&w);
    safe(&w, PEER, 0);
    from_peer(&w, "one", 10, 0);
    step(&w, 0);
    expect(&w, "", "");
    tap_equal(vector_get(&w.have, PEER), 10);
    tap_equal(vector_get(&w.shown, PEER), 0);
    safe(&w, PEER, 10);
    step(&w, 0);
    expect(&w, "one ", "");
    world_done(&w);
}

static void skip_of_peer(struct world *w, uint64_t from, uint64_t to)
{
    commit_store(w->commit, batch_new_skip(&w->intake, 1, PEER, from, to));
}

TAP_CASE(what_is_lost_is_skipped_and_told)
{
    struct world w;

    world_init(&w);
    skip_of_peer(&w, 0, 50);
    from_peer(&w, "next", 60, 50);
    step(&w, 0);
    expect(&w, "skip:50 next ", "");
    tap_equal(vector_get(&w.shown, PEER), 60);
    world_done(&w);
}

TAP_CASE(a_skip_counts_only_from_what_is_there)
{
    struct world w;

    world_init(&w);
    skip_of_peer(&w, 10, 50);
    step(&w, 0);
    expect(&w, "", "");
    tap_equal(vector_get(&w.have, PEER), 0);
    from_peer(&w, "one", 10, 0);
    skip_of_peer(&w, 10, 50);
    from_peer(&w, "late", 20, 10);
    step(&w, 0);
    step(&w, 0);
    expect(&w, "skip:50 ", "");
    skip_of_peer(&w, 10, 50);
    step(&w, 0);
    expect(&w, "", "");
    tap_check(!commit_waiting(w.commit));
    world_done(&w);
}

TAP_CASE(a_fork_is_kept_and_is_no_skip)
{
    struct world w;

    world_init(&w);
    from_peer(&w, "before", 10, 0);
    from_peer(&w, "later", 60, 10);
    commit_store(w.commit, batch_new_fork(&w.intake, 1, PEER, 10, 50));
    step(&w, 0);
    expect(&w, "before later ", "");
    step(&w, 0);
    expect(&w, "", "");
    tap_equal(vector_get(&w.forked, PEER), 50);
    tap_equal(vector_get(&w.have, PEER), 60);
    tap_check(!commit_waiting(w.commit));
    world_done(&w);
}

TAP_CASE(what_the_log_has_pruned_is_pruned_from_what_is_shown)
{
    struct vector have = {0};
    struct batch *batch;
    struct world w;

    world_init(&w);
    safe(&w, PEER, 10);
    from_peer(&w, "one", 10, 0);
    step(&w, 0);
    expect(&w, "one ", "");
    tap_check(vector_knows(&w.shown, PEER));
    (void)vector_raise(&have, OWN, 0);
    (void)vector_raise(&have, VECTOR_FLOOR, 20);
    commit_prune(w.commit, &have);
    tap_check(!vector_knows(&w.shown, PEER));
    tap_equal(vector_get(&w.shown, PEER), 20);
    batch = commit_take(w.commit);
    tap_check(batch != NULL && vector_equal(batch->have, &have));
    batch_unref(batch);
    tap_check(commit_take(w.commit) == NULL);
    world_done(&w);
}

TAP_CASE(a_skip_waits_behind_what_is_hidden_before_it)
{
    struct world w;

    world_init(&w);
    safe(&w, PEER, 0);
    from_peer(&w, "one", 10, 0);
    step(&w, 0);
    skip_of_peer(&w, 10, 50);
    from_peer(&w, "two", 60, 50);
    step(&w, 1);
    expect(&w, "", "");
    step(&w, TIMEOUT_MS);
    expect(&w, "", "");
    skip_of_peer(&w, 60, 70);
    step(&w, 1);
    expect(&w, "", "");
    tap_equal(vector_get(&w.shown, PEER), 0);
    safe(&w, PEER, 70);
    step(&w, 1);
    expect(&w, "one skip:50 two skip:70 ", "");
    world_done(&w);
}

/* As after a start: an event of the peer that was not shown. */
static void defer(struct world *w,
                  const char *content,
                  uint64_t sequence,
                  uint64_t predecessor)
{
    struct batch *batch = batch_new(&w->intake, 1);
    struct event *event =
        event_new(bytes_text("/default/a"), bytes_text(content));
    struct why why;

    event->origin = PEER;
    event->sequence = sequence;
    event->predecessor = predecessor;
    batch->origin = PEER;
    batch_add_event(batch, event);
    tap_equal(append(w, &event, 1, &why), 0);
    commit_defer(w->commit, batch);
}

TAP_CASE(what_left_the_log_while_it_was_hidden_is_told)
{
    struct world w;

    world_init(&w);
    commit_cluster(w.commit, &w.have, false, true);
    defer(&w, "two", 20, 10);
    defer(&w, "four", 40, 30);
    tap_check(vector_raise(&w.have, PEER, 50));
    commit_deferred(w.commit, &w.have);
    step(&w, 0);
    expect(&w, "", "");
    safe(&w, PEER, 50);
    step(&w, 0);
    expect(&w, "skip:10 two skip:30 four skip:50 ", "");
    tap_equal(vector_get(&w.shown, PEER), 50);
    world_done(&w);
}

TAP_CASE(of_hidden_events_that_have_all_left_the_log_none_is_waited_for)
{
    struct world w;

    world_init(&w);
    commit_cluster(w.commit, &w.have, false, true);
    tap_check(vector_raise(&w.have, PEER, 50));
    commit_deferred(w.commit, &w.have);
    step(&w, 0);
    expect(&w, "skip:50 ", "");
    world_done(&w);
}

TAP_CASE(a_full_log_refuses_own_events_and_drops_those_of_peers)
{
    struct world w;

    world_init(&w);
    w.append_rc = RC_NO_SPACE;
    publish(&w, "a", true);
    from_peer(&w, "one", 10, 0);
    skip_of_peer(&w, 10, 50);
    step(&w, 0);
    tap_equal_text(bytes_text(w.seen), "");
    tap_check(strncmp(w.answers, "a:", 2) == 0 && w.answers[2] != '0');
    tap_check(!commit_waiting(w.commit));
    w.append_rc = 0;
    from_peer(&w, "one", 10, 0);
    step(&w, 0);
    expect(&w, "one ", "");
    world_done(&w);
}

TAP_CASE(a_log_that_is_full_for_a_skip_takes_what_else_it_can)
{
    struct world w;

    world_init(&w);
    w.skip_rc = RC_NO_SPACE;
    skip_of_peer(&w, 0, 50);
    publish(&w, "a", false);
    step(&w, 0);
    expect(&w, "a ", "a:0 ");
    tap_check(!commit_waiting(w.commit));
    w.skip_rc = 0;
    skip_of_peer(&w, 0, 50);
    step(&w, 0);
    expect(&w, "skip:50 ", "");
    world_done(&w);
}

TAP_CASE(an_older_own_event_does_not_come_behind_a_new_one)
{
    struct batch *batch;
    struct event *event;
    struct world w;

    world_init(&w);
    w.now.wall_ms = 900001;
    publish(&w, "new", true);
    batch = batch_new(&w.intake, 1);
    event = event_new(bytes_text("/default/a"), bytes_text("old"));
    event->origin = OWN;
    event->sequence = UINT64_C(900000) << 16;
    batch->origin = OWN;
    batch_add_event(batch, event);
    commit_store(w.commit, batch);
    step(&w, 0);
    expect(&w, "new ", "new:0 ");
    tap_equal(w.last_place, 1);
    world_done(&w);
}

TAP_CASE(what_still_waits_at_the_end_is_taken_off_the_intake)
{
    struct world w;

    world_init(&w);
    publish(&w, "a", true);
    from_peer(&w, "one", 10, 0);
    world_done(&w);
}

TAP_CASE(what_waits_for_a_quorum_is_off_the_intake_until_it_is_shown)
{
    struct world w;
    struct why why;
    size_t behind;
    char answers[32];

    world_init(&w);
    safe(&w, OWN, 0);
    publish(&w, "a", true);
    tap_check(atomic_load(&w.intake.bytes) > 0);
    step(&w, 0);
    tap_equal(atomic_load(&w.intake.bytes), 0);
    publish(&w, "b", false);
    behind = atomic_load(&w.intake.bytes);
    step(&w, 0);
    tap_equal(atomic_load(&w.intake.bytes), behind);
    step(&w, TIMEOUT_MS); /* deferred, and still not charged */
    (void)snprintf(
        answers, sizeof(answers), "a:%d b:0 ", PROBLEM_QUORUM_TIMEOUT);
    expect(&w, "b ", answers);
    tap_equal(atomic_load(&w.intake.bytes), 0);
    safe(&w, OWN, own(&w));
    tap_equal(commit_step(w.commit, w.now, &why), 0);
    tap_check(atomic_load(&w.intake.bytes) > 0);
    step(&w, 0);
    expect(&w, "a ", "");
    tap_equal(atomic_load(&w.intake.bytes), 0);
    publish(&w, "c", true);
    step(&w, 0);
    world_done(&w);
}

TAP_CASE(a_repeat_of_what_is_not_known_to_be_safe_is_refused)
{
    struct world w;
    char unknown[32];

    world_init(&w);
    safe(&w, OWN, 0);
    publish_keyed(&w, "a", true, "k");
    step(&w, 0);
    publish_keyed(&w, "b", true, "k");
    step(&w, 1);
    expect(&w, "", "");
    step(&w, TIMEOUT_MS);
    snprintf(unknown,
             sizeof(unknown),
             "a:%d b:%d ",
             PROBLEM_QUORUM_TIMEOUT,
             PROBLEM_QUORUM_TIMEOUT);
    expect(&w, "", unknown);
    publish_keyed(&w, "c", true, "k");
    step(&w, 1);
    tap_check(strstr(w.answers, "c:0 ") == NULL);
    safe(&w, OWN, own(&w));
    step(&w, 1);
    expect(&w, "a ", "");
    publish_keyed(&w, "d", true, "k");
    step(&w, 1);
    expect(&w, "", "d:0 ");
    world_done(&w);
}

TAP_CASE(own_events_of_an_earlier_life_come_before_new_ones)
{
    struct batch *batch;
    struct event *event;
    struct world w;

    world_init(&w);
    batch = batch_new(&w.intake, 1);
    event = event_new(bytes_text("/default/a"), bytes_text("old"));
    event->origin = OWN;
    event->sequence = UINT64_C(900000) << 16;
    batch->origin = OWN;
    batch_add_event(batch, event);
    commit_store(w.commit, batch);
    step(&w, 0);
    publish(&w, "new", true);
    step(&w, 0);
    expect(&w, "new ", "new:0 ");
    tap_check(own(&w) > UINT64_C(900000) << 16);
    tap_equal(w.events[2]->predecessor, UINT64_C(900000) << 16);
    world_done(&w);
}

TAP_CASE(memory_is_answered_before_the_log_once_names_are_reserved)
{
    struct world w;

    world_init(&w);
    publish_as(&w, "a", NAMESPACE_MEMORY, "");
    step(&w, 0);
    expect(&w, "a ", "a:0 ");
    tap_equal_text(bytes_text(w.early), "");
    tap_check(w.reserved > vector_get(&w.have, IDENTITY));

    publish_as(&w, "b", NAMESPACE_MEMORY, "k");
    publish(&w, "c", false);
    publish_as(&w, "d", NAMESPACE_MEMORY, "k");
    step(&w, 1);
    expect(&w, "b c ", "c:0 ");
    tap_equal_text(bytes_text(w.early), "b:0 d:0 ");

    /* What was reserved has gone by: it waits for the next. */
    publish_as(&w, "e", NAMESPACE_MEMORY, "");
    step(&w, 60000);
    expect(&w, "e ", "e:0 ");
    publish_as(&w, "f", NAMESPACE_MEMORY, "");
    step(&w, 1);
    tap_equal_text(bytes_text(w.early), "f:0 ");
    tap_equal(commit_take_lost(w.commit), 0);
    world_done(&w);
}

TAP_CASE(memory_that_the_log_refuses_is_lost_once_and_then_waits_like_disk)
{
    struct world w;

    world_init(&w);
    publish_as(&w, "a", NAMESPACE_MEMORY, "");
    step(&w, 0);
    w.append_rc = RC_NO_SPACE;
    publish_as(&w, "b", NAMESPACE_MEMORY, "");
    step(&w, 1);
    tap_equal_text(bytes_text(w.early), "b:0 ");
    expect(&w, "", "");
    tap_equal(w.metrics.events_lost, 1);
    tap_equal(commit_take_lost(w.commit), 1);
    tap_equal(commit_take_lost(w.commit), 0);

    publish_as(&w, "c", NAMESPACE_MEMORY, "");
    step(&w, 1);
    tap_equal_text(bytes_text(w.early), "");
    tap_check(strstr(w.answers, "c:") != NULL);
    tap_check(strcmp(w.answers, "c:0 ") != 0);
    w.append_rc = 0;
    publish_as(&w, "d", NAMESPACE_MEMORY, "");
    step(&w, 1);
    expect(&w, "d ", "d:0 ");
    publish_as(&w, "e", NAMESPACE_MEMORY, "");
    step(&w, 1);
    tap_equal_text(bytes_text(w.early), "e:0 ");
    tap_equal(w.metrics.events_lost, 1);
    world_done(&w);
}

TAP_CASE(names_that_were_reserved_are_not_given_again)
{
    struct world w;
    uint64_t reserved;

    world_init(&w);
    publish_as(&w, "a", NAMESPACE_MEMORY, "");
    step(&w, 0);
    reserved = w.reserved;
    world_done(&w);
    world_start(&w, reserved);
    publish_as(&w, "b", NAMESPACE_MEMORY, "");
    step(&w, 0);
    tap_check(vector_get(&w.have, IDENTITY) > reserved);
    world_done(&w);
}

TAP_MAIN()
