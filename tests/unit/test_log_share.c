/* Shares of the log: what is trimmed of whom when it is full, what stands in
 * the place of it, and what readers are told. */
#include "tests/lib/log_fixture.h"

#define ORIGINS 3
#define SMALL LOG_BYTES_MIN

static const char *const names[] = {"/loud/a", "/quiet/a", "/mid/a"};
enum { LOUD, QUIET, MID, NAMES };

static struct log *open_small(const char *dir, uint64_t index_bytes_max)
{
    struct log_options options = fixture_options(dir);

    options.bytes_max = SMALL;
    options.index_bytes_max = index_bytes_max;
    return fixture_open_with(&options);
}

/* What was appended, by its place. */
struct known {
    unsigned name;
    uint64_t origin;
    uint64_t sequence;
};

struct story {
    struct log *log;
    struct known *known;
    uint64_t count;
    uint64_t last[ORIGINS];
    struct event *queue[FIXTURE_BATCH_MAX];
    size_t queued;
};

static void story_append(struct story *s)
{
    struct why why = {0};

    if (s->queued > 0) {
        tap_equal(log_append(s->log, s->queue, s->queued, &why), 0);
        tap_equal(s->queue[s->queued - 1]->place, s->count);
    }
    while (s->queued > 0) {
        event_unref(s->queue[--s->queued]);
    }
}

static void story_add_to(struct story *s,
                         const char *channel,
                         unsigned name,
                         unsigned who,
                         size_t len)
{
    char *content = alloc_zero(len + 1);
    struct event *event;

    memset(content, 'x', len);
    event = event_new(bytes_text(channel), bytes_of(content, len));
    event->origin = FIXTURE_ORIGIN + 2 * who;
    event->predecessor = s->last[who];
    event->sequence = (s->count + 1) << 16;
    s->last[who] = event->sequence;
    s->known = alloc_resize(s->known, (s->count + 2) * sizeof(s->known[0]));
    s->known[++s->count] = (struct known){name, event->origin, event->sequence};
    s->queue[s->queued++] = event;
    if (s->queued == FIXTURE_BATCH_MAX) {
        story_append(s);
    }
    free(content);
}

static void story_add(struct story *s, unsigned name, unsigned who, size_t len)
{
    story_add_to(s, names[name], name, who, len);
}

static void story_trim(struct story *s)
{
    story_append(s);
    fixture_trim_all(s->log, 0);
}

static struct story story_new(const char *dir, uint64_t index_bytes_max)
{
    return (struct story){.log = open_small(dir, index_bytes_max)};
}

static void story_done(struct story *s)
{
    log_close(s->log);
    free(s->known);
}

/* What a walk over all of the log meets. */
struct met {
    const struct story *story;
    struct vector at;
    uint64_t events[NAMES];
    uint64_t first[NAMES]; /* place */
    size_t gone;
    size_t broken;
    uint64_t next;
};

static bool meet(uint64_t place, const struct record *record, void *context)
{
    struct met *m = context;
    uint64_t at = vector_get(&m->at, record->origin);

    m->next = place + 1;
    m->broken +=
        vector_knows(&m->at, record->origin) && record->predecessor != at;
    (void)vector_raise(&m->at, record->origin, record->sequence);
    if (record->gone) {
        m->gone++;
        return true;
    }
    for (unsigned n = 0; n < NAMES; n++) {
        if (bytes_equal_text(record->channel, names[n])) {
            m->first[n] = m->events[n]++ == 0 ? place : m->first[n];
            m->broken += m->story->known[place].name != n;
        }
    }
    return true;
}

static struct met story_read(const struct story *s)
{
    struct met m = {.story = s, .next = 1};
    uint64_t from;

    do {
        from = m.next;
        tap_equal(log_read(s->log, from, LOG_PAGE_BYTES_MAX, meet, &m, NULL),
                  0);
    } while (m.next > from);
    tap_equal(m.broken, 0);
    return m;
}

static bool is_gone(struct log *log, unsigned name, const struct vector *after)
{
    return log_window_gone(log, bytes_text(names[name]), after);
}

TAP_CASE(who_floods_pushes_out_nothing_of_another_namespace)
{
    const char *dir = fixture_dir();
    struct story s = story_new(dir, 0);
    const struct vector none = {0};
    struct met m;

    for (unsigned n = 0; n < 4000; n++) {
        story_add(&s, n % 40 == 0 ? QUIET : LOUD, n % ORIGINS, 1000);
        if (n % 100 == 99) {
            story_trim(&s);
        }
    }
    story_trim(&s);
    tap_check(fixture_stat(s.log).window_bytes <= SMALL);
    m = story_read(&s);
    tap_equal(m.events[QUIET], 100);
    tap_check(m.events[LOUD] > 400);
    tap_check(!is_gone(s.log, QUIET, &none));
    tap_check(is_gone(s.log, LOUD, &none));
    log_close(s.log);

    s.log = open_small(dir, 0);
    tap_check(!is_gone(s.log, QUIET, &none));
    tap_check(is_gone(s.log, LOUD, &none));
    tap_equal(story_read(&s).events[QUIET], 100);
    tap_equal(fixture_stat(s.log).corrupt_count, 0);
    story_done(&s);
}

TAP_CASE(what_stands_for_what_is_gone_is_never_more_than_what_is_left)
{
    struct story s = story_new(fixture_dir(), 0);
    struct met m;

    story_add(&s, QUIET, 0, 100);
    for (unsigned n = 0; n < 40000; n++) {
        story_add(&s, n % 2 == 0 ? LOUD : MID, 0, 40);
        if (n % 500 == 499) {
            story_add(&s, QUIET, 0, 100);
            story_trim(&s);
        }
    }
    m = story_read(&s);
    tap_equal(m.events[QUIET], 81);
    tap_check(m.gone <= m.events[QUIET] + 2);
    tap_check(fixture_stat(s.log).window_bytes <= SMALL);
    story_done(&s);
}

/* The cursor of one who has read up to `place`. */
static struct vector read_up_to(const struct story *s, uint64_t place)
{
    struct vector v = {0};

    for (uint64_t n = 1; n <= place; n++) {
        (void)vector_raise(&v, s->known[n].origin, s->known[n].sequence);
    }
    return v;
}

TAP_CASE(whoever_asks_is_told_exactly_what_is_gone_of_a_namespace)
{
    struct story s = story_new(fixture_dir(), 0);
    struct met m;

    for (unsigned n = 0; n < 3000; n++) {
        story_add(&s, n % 40 == 0 ? QUIET : LOUD, 0, 1000);
    }
    story_trim(&s);
    m = story_read(&s);
    tap_equal(m.events[QUIET], 75);
    for (uint64_t place = 1; place < s.count; place += 7) {
        const struct vector at = read_up_to(&s, place);
        struct vector low;

        tap_check(!is_gone(s.log, QUIET, &at));
        tap_equal(is_gone(s.log, LOUD, &at), place + 1 < m.first[LOUD]);
        log_seek_low_water(s.log, bytes_text(names[QUIET]), &low);
        tap_check(vector_get(&low, FIXTURE_ORIGIN) <
                  s.known[m.first[QUIET]].sequence);
        log_seek_low_water(s.log, bytes_text(names[LOUD]), &low);
        tap_check(vector_get(&low, FIXTURE_ORIGIN) <
                  s.known[m.first[LOUD]].sequence);
    }
    story_done(&s);
}

TAP_CASE(seeking_finds_what_is_left_between_what_is_gone)
{
    struct story s = story_new(fixture_dir(), 0);
    struct met m;

    for (unsigned n = 0; n < 6000; n++) {
        story_add(&s, n % 40 == 0 ? QUIET : LOUD, n / 700 % ORIGINS, 500);
        if (n % 100 == 99) {
            story_trim(&s);
        }
    }
    m = story_read(&s);
    for (uint64_t place = 1; place < s.count; place += 11) {
        const struct vector at = read_up_to(&s, place);
        struct vector there;
        uint64_t left = place + 1;

        while (s.known[left].name != QUIET && left < m.first[LOUD]) {
            left++;
        }
        tap_check(log_seek(s.log, &at) <= left);
        tap_equal(log_seek_vector_at(s.log, place, &there, NULL), 0);
        for (size_t n = 0; n < there.count; n++) {
            tap_check(there.entries[n].sequence <=
                      vector_get(&at, there.entries[n].origin));
        }
    }
    story_done(&s);
}

TAP_CASE(who_has_all_of_the_log_gives_way_to_itself)
{
    struct story s = story_new(fixture_dir(), 0);
    struct met m;

    for (unsigned n = 0; n < 3000; n++) {
        story_add(&s, LOUD, 0, 1000);
    }
    story_trim(&s);
    m = story_read(&s);
    tap_equal(m.gone, 0);
    tap_equal(m.first[LOUD], s.count - m.events[LOUD] + 1);
    tap_equal(fixture_stat(s.log).first_place, m.first[LOUD]);
    tap_equal(fixture_stat(s.log).evicted_count, 0);
    story_done(&s);
}

TAP_CASE(what_is_too_old_goes_whosever_it_is)
{
    struct story s = story_new(fixture_dir(), 0);

    for (unsigned n = 0; n < 3000; n++) {
        story_add(&s, n % 40 == 0 ? QUIET : LOUD, 0, 1000);
    }
    story_trim(&s);
    tap_equal(story_read(&s).events[QUIET], 75);
    fixture_trim_all(s.log, UINT64_MAX);
    tap_equal(fixture_stat(s.log).event_count, 0);
    tap_equal(fixture_stat(s.log).first_place, 0);
    story_done(&s);
}

TAP_CASE(what_is_hidden_is_not_evicted)
{
    struct story s = story_new(fixture_dir(), 0);
    struct log_shown shown;
    struct met m;

    for (unsigned n = 0; n < 400; n++) {
        story_add(&s, n % 40 == 0 ? QUIET : LOUD, 0, 1000);
    }
    story_append(&s);
    log_show_now(s.log, &shown);
    shown.all = false;
    log_show(s.log, &shown);
    for (unsigned n = 0; n < 800; n++) {
        story_add(&s, LOUD, 0, 1000);
    }
    story_append(&s);
    (void)log_trim(s.log, 0, 200, NULL);
    m = story_read(&s);
    tap_equal(m.events[QUIET], 10);
    tap_check(m.first[LOUD] <= 400);
    story_done(&s);
}

TAP_CASE(memory_for_channels_is_bounded_by_its_budget)
{
    enum { CHANNELS = 5000, BUDGET = 256 * 1024 };
    struct story s = story_new(fixture_dir(), BUDGET);
    const struct vector none = {0};

    story_add(&s, QUIET, 0, 100);
    for (uint64_t n = 0; n < CHANNELS; n++) {
        char name[32];

        snprintf(name, sizeof(name), "/loud/c%llu", (unsigned long long)n);
        story_add_to(&s, name, LOUD, 0, 1);
        if (n % 500 == 499) {
            story_trim(&s);
            tap_check(fixture_stat(s.log).index_bytes <= BUDGET);
        }
    }
    tap_equal(
        index_last(
            log_index(s.log), bytes_text(names[QUIET]), &(uint64_t){0}, 1),
        1);
    tap_check(!is_gone(s.log, QUIET, &none));
    tap_check(log_window_gone(s.log, bytes_text("/loud/c0"), &none));
    tap_check(fixture_stat(s.log).event_count > CHANNELS / 10);
    story_done(&s);
}

static void add_channels(struct story *s, unsigned from, unsigned count)
{
    for (unsigned n = from; n < from + count; n++) {
        char name[32];

        snprintf(name, sizeof(name), "/mid/c%u", n);
        story_add_to(s, name, MID, 0, 1);
    }
    story_append(s);
}

TAP_CASE(who_has_too_many_channels_does_not_make_room_on_disk_for_others)
{
    enum { CHANNELS = 2000, BUDGET = 256 * 1024 };
    struct story s = story_new(fixture_dir(), BUDGET);
    struct log_stat stat;

    add_channels(&s, 0, 1500);
    for (unsigned n = 0; n < 1100; n++) {
        story_add(&s, LOUD, 0, 1000);
    }
    story_append(&s);
    add_channels(&s, 1500, CHANNELS - 1500);
    stat = fixture_stat(s.log);
    tap_check(stat.index_bytes > BUDGET && stat.window_bytes > SMALL);
    tap_check(log_trim(s.log, 0, 4096, NULL) > 0);
    stat = fixture_stat(s.log);
    tap_check(stat.index_bytes <= BUDGET && stat.window_bytes <= SMALL);
    tap_check(stat.index_bytes >= BUDGET - BUDGET / 8);
    story_done(&s);
}

TAP_MAIN()
