/* What windows cost: opening a log of a million events, of one channel, of a
 * hundred and of as many, with no bounds, with a count and with bytes; and what
 * a reader of all channels, and one of one, asks of the index for an event and
 * for a page. One line a measurement, in CPU time. */
#include "storage/log.h"

#include "base/alloc.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CONTENT_BYTES 128
#define EVENTS 1000000
#define BATCH 500
#define ROUNDS 3
#define ASKED 2000000

/* CPU time: the machine may have other things to do. */
static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(int rc, const char *what)
{
    if (rc != 0) {
        fprintf(stderr, "%s: %d\n", what, rc);
        exit(1);
    }
}

static char names[EVENTS][20];

static struct bytes channel(size_t n)
{
    return bytes_of(names[n], strlen("/default/1234567"));
}

static struct event *make_event(size_t n, size_t channels)
{
    static char content[CONTENT_BYTES];
    struct event *event;

    memset(content, 'x', sizeof(content));
    event =
        event_new(channel(n % channels), bytes_of(content, sizeof(content)));
    event->origin = 1;
    event->sequence = n + 1;
    event->predecessor = n;
    return event;
}

static struct log *open_log(const char *dir, const struct log_window *window)
{
    const struct log_options options = {.dir = dir,
                                        .bytes_max = UINT64_C(4) << 30,
                                        .index_seed = 1,
                                        .new_origin = 1,
                                        .windows = window,
                                        .window_count = window != NULL};
    struct log *log;

    must(log_open(&log, &options, NULL), "open");
    return log;
}

static void fill(const char *dir, size_t channels)
{
    struct log *log = open_log(dir, NULL);
    struct event *events[BATCH];

    for (size_t n = 0; n < EVENTS; n += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            events[i] = make_event(n + i, channels);
        }
        must(log_append(log, events, BATCH, NULL), "append");
        for (size_t i = 0; i < BATCH; i++) {
            event_unref(events[i]);
        }
        log_grow(log);
    }
    log_close(log);
}

static void ask(struct log *log, size_t channels)
{
    const struct index_range range = {
        .since = UINT64_MAX, .until = UINT64_MAX, .after = EVENTS / 2};
    struct index_lost lost;
    uint64_t place;
    uint64_t kept = 0;
    double start = now();

    for (size_t n = 0; n < ASKED; n++) {
        kept += index_state(
                    log_index(log), channel(n % channels), n % EVENTS + 1, 0) ==
                INDEX_KEPT;
    }
    printf(" state_ns=%.0f kept=%llu",
           (now() - start) / ASKED * 1e9,
           (unsigned long long)kept);
    start = now();
    for (size_t n = 0; n < ASKED; n++) {
        (void)index_read(
            log_index(log), channel(n % channels), &range, &place, 1, &lost);
    }
    printf(" read_ns=%.0f\n", (now() - start) / ASKED * 1e9);
}

static bool count_one(uint64_t place,
                      const struct record *record,
                      void *context)
{
    (void)record;
    *(uint64_t *)context = place;
    return true;
}

/* What reading and checking every record costs alone. */
static void scan(struct log *log)
{
    uint64_t last = 0;
    double start = now();

    while (last < EVENTS) {
        must(
            log_read(log, last + 1, LOG_PAGE_BYTES_MAX, count_one, &last, NULL),
            "read");
    }
    printf(" scan_ns_per_event=%.0f", (now() - start) / EVENTS * 1e9);
}

static void bench(const char *dir, size_t channels, const char *name)
{
    const struct log_window windows[] = {
        {bytes_text("default"),
         {INDEX_UNLIMITED, INDEX_UNLIMITED},
         INDEX_UNLIMITED},
        {bytes_text("default"), {1000, INDEX_UNLIMITED}, INDEX_UNLIMITED},
        {bytes_text("default"), {INDEX_UNLIMITED, 256 * 1024}, INDEX_UNLIMITED},
    };
    static const char *const bounds[] = {"none", "events", "bytes"};

    for (size_t w = 0; w < 3; w++) {
        double best = 1e9;
        struct log *log = NULL;

        for (int round = 0; round < ROUNDS; round++) {
            double start = now();

            log_close(log);
            log = open_log(dir, &windows[w]);
            best = now() - start < best ? now() - start : best;
        }
        printf("channels=%s bounds=%s open_ns_per_event=%.0f",
               name,
               bounds[w],
               best / EVENTS * 1e9);
        scan(log);
        ask(log, channels);
        log_close(log);
    }
}

int main(void)
{
    static const size_t channels[] = {1, 100, EVENTS};
    static const char *const dirs[] = {"1", "100", "1000000"};

    for (size_t n = 0; n < EVENTS; n++) {
        snprintf(names[n], sizeof(names[n]), "/default/%07zu", n);
    }
    for (size_t n = 0; n < 3; n++) {
        char dir[256];

        snprintf(dir, sizeof(dir), "%s/%s", tap_temp_dir(), dirs[n]);
        fill(dir, channels[n]);
        bench(dir, channels[n], dirs[n]);
    }
    return 0;
}
