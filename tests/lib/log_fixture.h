/* A log under test: events whose content follows from their sequence, so that
 * any of them can be checked alone. */
#ifndef TESTS_LIB_LOG_FIXTURE_H
#define TESTS_LIB_LOG_FIXTURE_H

#include "base/alloc.h"
#include "storage/log.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIXTURE_ORIGIN UINT64_C(0x1234)
#define FIXTURE_BYTES (UINT64_C(64) << 20)
#define FIXTURE_BATCH_MAX 64
#define FIXTURE_CHANNELS 3

/* A new path below the program's temporary directory. */
static inline const char *fixture_dir(void)
{
    static char dirs[64][256];
    static unsigned next;
    char *dir = dirs[next % 64];

    snprintf(dir, sizeof(dirs[0]), "%s/log%u", tap_temp_dir(), next);
    next++;
    return dir;
}

static inline struct log_options fixture_options(const char *dir)
{
    return (struct log_options){.dir = dir,
                                .bytes_max = FIXTURE_BYTES,
                                .index_seed = 1,
                                .new_origin = FIXTURE_ORIGIN};
}

static inline struct log *fixture_open_with(const struct log_options *options)
{
    struct log *log = NULL;
    struct why why = {0};
    int rc = log_open(&log, options, &why);

    if (rc != 0) {
        tap_fail(options->dir, rc, why.text);
    }
    return log;
}

static inline struct log *fixture_open(const char *dir)
{
    struct log_options options = fixture_options(dir);

    return fixture_open_with(&options);
}

/* Expect that opening fails with `rc` and a sentence that holds `part`. */
static inline void fixture_open_fails(const struct log_options *options,
                                      int rc,
                                      const char *part)
{
    struct log *log = NULL;
    struct why why = {0};

    tap_equal(log_open(&log, options, &why), rc);
    tap_check(log == NULL);
    if (strstr(why.text, part) == NULL) {
        tap_fail(part, 0, why.text);
    }
}

static inline size_t fixture_content(uint64_t sequence, size_t len, char *out)
{
    size_t text = (size_t)sprintf(out, "\"%llu:", (unsigned long long)sequence);

    while (text + 1 < len) {
        out[text] = (char)('a' + (sequence + text) % 26);
        text++;
    }
    out[text] = '"';
    return text + 1;
}

static inline struct bytes fixture_channel(uint64_t sequence)
{
    static const char *const names[FIXTURE_CHANNELS] = {
        "/default/a", "/default/b", "/other/c/d"};

    return bytes_text(names[sequence % FIXTURE_CHANNELS]);
}

static inline struct event *fixture_event(uint64_t sequence, size_t len)
{
    char *content = alloc_raw(len + 64);
    size_t content_len = fixture_content(sequence, len, content);
    struct event *event =
        event_new(fixture_channel(sequence), bytes_of(content, content_len));

    event->origin = FIXTURE_ORIGIN;
    event->sequence = sequence;
    event->predecessor = sequence - 1;
    free(content);
    return event;
}

/* Append `count` events, sequences from `first` on, as one batch. */
static inline int fixture_try_append(
    struct log *log, uint64_t first, size_t count, size_t len, struct why *why)
{
    struct event *events[FIXTURE_BATCH_MAX] = {0};
    int rc;

    tap_check(count <= FIXTURE_BATCH_MAX);
    for (size_t n = 0; n < count; n++) {
        events[n] = fixture_event(first + n, len);
    }
    rc = log_append(log, events, count, why);
    for (size_t n = 0; n < count; n++) {
        event_unref(events[n]);
    }
    return rc;
}

static inline void fixture_append(struct log *log,
                                  uint64_t first,
                                  size_t count,
                                  size_t len)
{
    struct why why = {0};
    int rc = fixture_try_append(log, first, count, len, &why);

    if (rc != 0) {
        tap_fail("append", rc, why.text);
    }
}

/* What a whole reading of the log found. */
struct fixture_found {
    size_t count;
    size_t wrong; /* content that does not follow from the sequence */
    uint64_t first_sequence;
    uint64_t last_sequence;
    uint64_t last_place;
    size_t gaps; /* places where the next sequence is not one more */
};

static inline bool fixture_whole(const struct record *record)
{
    size_t len = record->content.len;
    char *expected = alloc_raw(len + 64);
    bool whole =
        bytes_equal(
            record->content,
            bytes_of(expected,
                     fixture_content(record->sequence, len, expected))) &&
        bytes_equal(record->channel, fixture_channel(record->sequence));

    free(expected);
    return whole;
}

static inline bool fixture_visit(uint64_t place,
                                 const struct record *record,
                                 void *context)
{
    struct fixture_found *found = context;

    if (record->gone) { /* what was there comes after what is */
        found->gaps += found->last_sequence > 0 &&
                       record->predecessor != found->last_sequence;
        found->wrong += record->sequence <= record->predecessor;
        found->last_sequence = record->sequence;
        found->last_place = place;
        return true;
    }
    if (found->count == 0) {
        found->first_sequence = record->sequence;
    }
    if (found->last_sequence > 0 &&
        record->sequence != found->last_sequence + 1) {
        found->gaps++;
    }
    if (!fixture_whole(record)) {
        found->wrong++;
    }
    found->count++;
    found->last_sequence = record->sequence;
    found->last_place = place;
    return true;
}

static inline struct fixture_found fixture_read_all(struct log *log)
{
    struct fixture_found found = {0};
    size_t before;

    do {
        before = found.count;
        tap_equal(log_read(log,
                           found.last_place + 1,
                           LOG_PAGE_BYTES_MAX,
                           fixture_visit,
                           &found,
                           NULL),
                  0);
    } while (found.count > before);
    return found;
}

static inline struct log_stat fixture_stat(struct log *log)
{
    struct log_stat stat;

    log_stat(log, &stat);
    return stat;
}

/* Trim until nothing more goes; returns how many went. */
static inline size_t fixture_trim_all(struct log *log, uint64_t older_than_ms)
{
    enum { STEP = 50 };
    size_t all = 0;
    int count;

    do {
        struct why why = {0};

        count = log_trim(log, older_than_ms, STEP, &why);
        if (count < 0) {
            tap_fail("trim", count, why.text);
        }
        all += (size_t)count;
    } while (count == STEP);
    return all;
}

#endif
