/* The n-th write or sync fails, for every n until nothing is left to fail:
 * whatever was acknowledged is there afterwards, and of the rest each batch is
 * there as a whole or not at all. */
#include "storage/log.h"

#include "tests/lib/fault_io.h"
#include "tests/lib/log_fixture.h"

#include <errno.h>

#define OTHER (FIXTURE_ORIGIN + 1)
#define ACKNOWLEDGED 24
#define BATCH 8
#define SKIPS_MAX 60

static const struct fault faults[] = {
    {.error = EIO, .kind = FAULT_BEFORE},
    {.error = EIO, .kind = FAULT_BEFORE, .stays = true},
    {.error = EIO, .kind = FAULT_AFTER},
    {.error = EIO, .kind = FAULT_HALF},
    {.error = ENOSPC, .kind = FAULT_BEFORE},
    {.error = ENOSPC, .kind = FAULT_BEFORE, .stays = true},
    {.error = ENOSPC, .kind = FAULT_HALF, .stays = true},
    {.error = EDQUOT, .kind = FAULT_BEFORE},
};
#define FAULT_COUNT (sizeof(faults) / sizeof(faults[0]))

static struct log_options options_of(const char *dir)
{
    struct log_options options = fixture_options(dir);

    options.bytes_max = LOG_BYTES_MIN;
    return options;
}

/* A log with events that were acknowledged, with free pages in its file and
 * records of both kinds, so that a commit writes here and there. */
static struct log *prepared(const char *dir)
{
    struct log_options options = options_of(dir);
    struct log *log = fixture_open_with(&options);

    fixture_append(log, 1, BATCH, 300);
    fixture_append(log, 1 + BATCH, BATCH, 9000);
    fixture_append(log, 1 + 2 * BATCH, BATCH, 300);
    tap_equal(log_trim(log, UINT64_MAX, 4, NULL), 4);
    return log;
}

/* All that was acknowledged, and the batch after it wholly or not at all. */
static void expect_whole(const char *dir, uint64_t first, uint64_t last)
{
    struct log_options options = options_of(dir);
    struct log *log = fixture_open_with(&options);
    struct fixture_found found = fixture_read_all(log);
    uint64_t next = found.last_sequence + 1;

    tap_equal(found.wrong, 0);
    tap_equal(found.gaps, 0);
    tap_equal(fixture_stat(log).corrupt_count, 0);
    tap_equal(found.first_sequence, first);
    tap_check(found.last_sequence == last ||
              found.last_sequence == last + BATCH);
    fixture_append(log, next, BATCH, 300);
    tap_equal(fixture_read_all(log).last_sequence, next + BATCH - 1);
    log_close(log);
}

/* After RC_IO nothing more is taken; after RC_NO_SPACE all goes on. */
static void expect_state(struct log *log, int rc)
{
    uint64_t next = ACKNOWLEDGED + 1;

    if (rc == RC_IO) {
        tap_equal(fixture_try_append(log, next, 1, 100, NULL), RC_IO);
        tap_equal(log_trim(log, 0, 1, NULL), RC_IO);
        return;
    }
    tap_equal(rc, RC_NO_SPACE);
    tap_equal(fixture_read_all(log).last_sequence, ACKNOWLEDGED);
    tap_equal(fixture_try_append(log, next, BATCH, 300, NULL), 0);
}

/* Returns false when there were too few calls for the fault to strike. */
static bool append_with(struct fault fault, unsigned skip)
{
    const char *dir = fixture_dir();
    struct log *log = prepared(dir);
    uint64_t last = ACKNOWLEDGED;
    struct why why = {0};
    bool struck;
    int rc;

    fault.skip = skip;
    fault_io_arm(&fault);
    rc = fixture_try_append(log, last + 1, BATCH, skip % 2 ? 300 : 9000, &why);
    struck = fault_io_struck();
    fault_io_disarm();

    tap_check(struck || rc == 0);
    if (rc == 0) {
        last += BATCH;
    } else {
        tap_check(why.text[0] != '\0');
        expect_state(log, rc);
        last += rc == RC_NO_SPACE ? BATCH : 0;
    }
    log_close(log);
    expect_whole(dir, 5, last);
    return struck;
}

TAP_CASE(log_append_loses_nothing_whichever_write_or_sync_fails)
{
    for (size_t n = 0; n < FAULT_COUNT; n++) {
        unsigned skip = 0;

        while (append_with(faults[n], skip)) {
            skip++;
            tap_check(skip < SKIPS_MAX);
        }
        tap_check(skip >= 3);
    }
}

/* What is not on disk is not claimed: a peer would not send it any more. */
static bool skip_with(struct fault fault, unsigned skip)
{
    const char *dir = fixture_dir();
    struct log *log = prepared(dir);
    struct log_options options = options_of(dir);
    struct why why = {0};
    bool struck;
    int rc;

    fault.skip = skip;
    fault_io_arm(&fault);
    rc = log_append_skip(log, OTHER, 50, &why);
    struck = fault_io_struck();
    fault_io_disarm();

    tap_check(struck || rc == 0);
    tap_equal(log_last_sequence(log, OTHER), rc == 0 ? 50 : 0);
    log_close(log);
    log = fixture_open_with(&options);
    tap_check(rc != 0 || log_last_sequence(log, OTHER) == 50);
    log_close(log);
    return struck;
}

TAP_CASE(log_append_skip_claims_nothing_whichever_write_or_sync_fails)
{
    for (size_t n = 0; n < FAULT_COUNT; n++) {
        unsigned skip = 0;

        while (skip_with(faults[n], skip)) {
            skip++;
            tap_check(skip < SKIPS_MAX);
        }
        tap_check(skip >= 2);
    }
}

static bool trim_with(struct fault fault, unsigned skip)
{
    const char *dir = fixture_dir();
    struct log *log = prepared(dir);
    struct fixture_found found;
    struct log_options options = options_of(dir);
    bool struck;
    int rc;

    fault.skip = skip;
    fault_io_arm(&fault);
    rc = log_trim(log, UINT64_MAX, 10, NULL);
    struck = fault_io_struck();
    fault_io_disarm();

    tap_check(rc == 10 || (struck && (rc == RC_IO || rc == RC_NO_SPACE)));
    if (rc != RC_IO) {
        found = fixture_read_all(log);
        tap_equal(found.count, index_count(log_index(log)));
    }
    log_close(log);

    log = fixture_open_with(&options);
    found = fixture_read_all(log);
    tap_equal(found.wrong + found.gaps, 0);
    tap_equal(found.last_sequence, ACKNOWLEDGED);
    tap_check(found.first_sequence == 15 ||
              (rc < 0 && found.first_sequence == 5));
    log_close(log);
    return struck;
}

TAP_CASE(log_trim_takes_all_of_its_step_or_nothing_whichever_write_fails)
{
    for (size_t n = 0; n < FAULT_COUNT; n++) {
        unsigned skip = 0;

        while (trim_with(faults[n], skip)) {
            skip++;
            tap_check(skip < SKIPS_MAX);
        }
        tap_check(skip >= 3);
    }
}

static bool open_with(struct fault fault, unsigned skip)
{
    const char *dir = fixture_dir();
    struct log_options options = options_of(dir);
    struct log *log = NULL;
    struct why why = {0};
    bool struck;
    int rc;

    fault.skip = skip;
    fault_io_arm(&fault);
    rc = log_open(&log, &options, &why);
    struck = fault_io_struck();
    fault_io_disarm();

    tap_check(rc == 0 || (struck && why.text[0] != '\0'));
    log_close(log);
    log = fixture_open_with(&options);
    fixture_append(log, 1, BATCH, 300);
    log_close(log);
    expect_whole(dir, 1, BATCH);
    return struck;
}

TAP_CASE(log_that_could_not_be_made_is_made_at_the_next_start)
{
    for (size_t n = 0; n < FAULT_COUNT; n++) {
        unsigned skip = 0;

        if (faults[n].kind == FAULT_HALF) {
            continue;
        }
        while (open_with(faults[n], skip)) {
            skip++;
            tap_check(skip < SKIPS_MAX);
        }
        tap_check(skip >= 3);
    }
}

static void grow_with(struct fault fault)
{
    const char *dir = fixture_dir();
    struct log *log = prepared(dir);

    fault.stays = true;
    fault_io_arm(&fault);
    for (unsigned n = 0; n < 5; n++) {
        log_grow(log);
    }
    tap_check(fault_io_struck());
    fault_io_disarm();
    fixture_append(log, ACKNOWLEDGED + 1, BATCH, 300);
    log_close(log);
    expect_whole(dir, 5, ACKNOWLEDGED + BATCH);
}

TAP_CASE(log_grow_that_fails_harms_nothing)
{
    for (size_t n = 0; n < FAULT_COUNT; n++) {
        grow_with(faults[n]);
    }
}

TAP_MAIN()
