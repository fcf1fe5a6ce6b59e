/* How fast the log is beside LMDB alone with the same batches, and how fast it
 * is opened and read; one line a measurement. Alternates between the two sides,
 * because a disk's speed drifts. */
#include "storage/log.h"

#include "base/alloc.h"
#include "tests/lib/tap.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define CONTENT_BYTES 128
#define CHANNELS 100
#define BATCH_MAX 512
#define ROUNDS 5
#define ROUND_SECONDS 0.3
#define READ_EVENTS 400000
#define BYTES_MAX (UINT64_C(4) << 30)

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(int rc, const char *what)
{
    if (rc != 0) {
        fprintf(stderr, "%s: %d\n", what, rc);
        exit(1);
    }
}

struct side {
    struct log *log;
    uint64_t sequence;
    bool grows;
    MDB_env *env;
    MDB_dbi dbi;
    uint64_t place;
    size_t record_bytes;
    struct event *events[BATCH_MAX];
};

static void make_events(struct side *s)
{
    static char content[CONTENT_BYTES];
    char channel[32];

    memset(content, 'x', sizeof(content));
    for (size_t n = 0; n < BATCH_MAX; n++) {
        snprintf(channel, sizeof(channel), "/default/%03zu", n % CHANNELS);
        s->events[n] =
            event_new(bytes_text(channel), bytes_of(content, sizeof(content)));
        s->events[n]->origin = 1;
    }
    s->record_bytes = record_len(s->events[0]);
}

static void append_ours(struct side *s, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        s->events[n]->predecessor = s->sequence;
        s->events[n]->sequence = ++s->sequence;
    }
    must(log_append(s->log, s->events, count, NULL), "append");
    if (s->grows) {
        log_grow(s->log);
    }
}

/* The same bytes with nothing of ours: no checksum, no index. */
static void append_bare(struct side *s, size_t count)
{
    MDB_txn *txn;
    MDB_cursor *cursor;

    must(mdb_txn_begin(s->env, NULL, 0, &txn), "begin");
    must(mdb_cursor_open(txn, s->dbi, &cursor), "cursor");
    for (size_t n = 0; n < count; n++) {
        MDB_val key = {.mv_size = sizeof(s->place), .mv_data = &s->place};
        MDB_val value = {.mv_size = s->record_bytes};

        s->place++;
        must(mdb_cursor_put(cursor, &key, &value, MDB_APPEND | MDB_RESERVE),
             "put");
        memset(value.mv_data, (int)n, value.mv_size);
    }
    must(mdb_txn_commit(txn), "commit");
}

static double rate(void (*append)(struct side *s, size_t count),
                   struct side *s,
                   size_t count)
{
    double start = now();
    double end;
    size_t events = 0;

    do {
        append(s, count);
        events += count;
        end = now();
    } while (end - start < ROUND_SECONDS);
    return (double)events / (end - start);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), by_value);
    return values[ROUNDS / 2];
}

static void open_ours(struct side *s, const char *name, bool grows)
{
    char dir[256];
    struct log_options options = {
        .dir = dir, .bytes_max = BYTES_MAX, .index_seed = 1, .new_origin = 1};

    snprintf(dir, sizeof(dir), "%s/%s", tap_temp_dir(), name);
    must(log_open(&s->log, &options, NULL), "open");
    s->grows = grows;
    make_events(s);
    for (unsigned n = 0; grows && n < 64; n++) {
        log_grow(s->log);
    }
}

static void open_bare(struct side *s)
{
    char dir[256];
    MDB_txn *txn;

    snprintf(dir, sizeof(dir), "%s/bare", tap_temp_dir());
    must(mkdir(dir, 0700), "mkdir");
    must(mdb_env_create(&s->env), "create");
    must(mdb_env_set_maxdbs(s->env, 2), "maxdbs");
    must(mdb_env_set_mapsize(s->env, BYTES_MAX), "mapsize");
    must(mdb_env_open(s->env, dir, MDB_NOTLS, 0600), "open");
    must(mdb_txn_begin(s->env, NULL, 0, &txn), "begin");
    must(mdb_dbi_open(txn, "events", MDB_CREATE | MDB_INTEGERKEY, &s->dbi),
         "dbi");
    must(mdb_txn_commit(txn), "commit");
    make_events(s);
}

static void bench_append(struct side *ours,
                         struct side *not_grown,
                         struct side *bare,
                         size_t batch)
{
    double a[ROUNDS];
    double b[ROUNDS];
    double c[ROUNDS];

    for (size_t n = 0; n < ROUNDS; n++) {
        a[n] = rate(append_ours, ours, batch);
        b[n] = rate(append_ours, not_grown, batch);
        c[n] = rate(append_bare, bare, batch);
    }
    printf("append batch=%zu log=%.0f/s not_grown=%.0f/s lmdb=%.0f/s "
           "log_per_lmdb=%.2f not_grown_per_lmdb=%.2f\n",
           batch,
           median(a),
           median(b),
           median(c),
           median(a) / median(c),
           median(b) / median(c));
}

static bool count_one(uint64_t place,
                      const struct record *record,
                      void *context)
{
    uint64_t *next = context;

    (void)record;
    *next = place + 1;
    return true;
}

static void bench_read(void)
{
    struct side s = {0};
    char dir[256];
    struct log_options options = {
        .dir = dir, .bytes_max = BYTES_MAX, .index_seed = 1, .new_origin = 1};
    double start;
    uint64_t next = 0;
    uint64_t before;
    uint64_t places[100];
    size_t read = 0;

    open_ours(&s, "read", true);
    while (s.sequence < READ_EVENTS) {
        append_ours(&s, BATCH_MAX);
    }
    log_close(s.log);

    snprintf(dir, sizeof(dir), "%s/read", tap_temp_dir());
    start = now();
    must(log_open(&s.log, &options, NULL), "open");
    printf("open ns_per_event=%.0f\n",
           (now() - start) / (double)s.sequence * 1e9);

    start = now();
    do {
        before = next;
        must(log_read(s.log, next, LOG_PAGE_BYTES_MAX, count_one, &next, NULL),
             "read");
    } while (next > before);
    printf("read_in_order ns_per_event=%.0f\n",
           (now() - start) / (double)s.sequence * 1e9);

    start = now();
    for (size_t n = 0; n < 20000; n++) {
        size_t count = index_last(
            log_index(s.log), s.events[n % 100]->channel, places, 100);

        must(log_read_places(s.log, places, count, count_one, &next, NULL),
             "places");
        read += count;
    }
    printf("read_last_100_of_a_channel ns_per_event=%.0f\n",
           (now() - start) / (double)read * 1e9);
    log_close(s.log);
}

int main(void)
{
    static const size_t batches[] = {1, 8, 50, 512};
    struct side ours = {0};
    struct side not_grown = {0};
    struct side bare = {0};

    open_ours(&ours, "ours", true);
    open_ours(&not_grown, "not_grown", false);
    open_bare(&bare);
    for (size_t n = 0; n < sizeof(batches) / sizeof(batches[0]); n++) {
        bench_append(&ours, &not_grown, &bare, batches[n]);
    }
    log_close(ours.log);
    log_close(not_grown.log);
    mdb_env_close(bare.env);
    bench_read();
    return 0;
}
