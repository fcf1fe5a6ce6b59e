/* `weir log`: reads a node's log beside it, or without it, and changes
 * nothing. */
#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/visible.h"
#include "proto/json.h"
#include "src/commands.h"
#include "src/io/file.h"
#include "src/log_walk.h"
#include "src/options.h"
#include "src/say.h"
#include "src/timestamp.h"
#include "storage/log.h"

#include <inttypes.h>
#include <stdlib.h>

#define LINE_BYTES_MAX (64 * 1024 * 1024)
#define LAST_MAX 1000000000

static const struct options_entry entries[] = {
    {"channels", NULL, "A line of JSON for each channel.", false},
    {"events",
     NULL,
     "A line of JSON for each event, oldest first; of CHANNEL when given.",
     false},
    {"last", "N", "With --events: only the last N.", false},
    {"content", NULL, "With --events: what was published, too.", false},
    {"check",
     NULL,
     "Verify every checksum; exit with 1 when a record is corrupt.",
     false},
};

static const struct options_command command = {
    .name = "weir log",
    .operands = "DIR [CHANNEL]",
    .operands_min = 1,
    .operands_max = 2,
    .summary = "Show what is on disk in the data directory DIR of a node, "
               "which may be running. DIR may also be that of 'weir serve "
               "--dev'.",
    .details = "Examples:\n"
               "  weir log /var/lib/weir\n"
               "  weir log /var/lib/weir --events --last 10 --content "
               "/default/room\n"
               "  weir log /var/lib/weir --check\n",
    .entries = entries,
    .entry_count = sizeof(entries) / sizeof(entries[0]),
};

static int complain(const struct why *why)
{
    say_line("weir log", "%s", why->text);
    return 1;
}

static bool note_time(uint64_t place, const struct record *r, void *context)
{
    uint64_t *time_ms = context;

    (void)place;
    *time_ms = event_sequence_ms(r->sequence);
    return false;
}

/* The time of one record, or 0 when it cannot be read. */
static uint64_t time_at(struct log *log, uint64_t place)
{
    uint64_t time_ms = 0;

    (void)log_read_places(log, &place, 1, note_time, &time_ms, NULL);
    return time_ms;
}

struct channel_count {
    uint64_t channels;
};

static void count_channel(const struct index_channel_stat *stat, void *context)
{
    struct channel_count *count = context;

    (void)stat;
    count->channels++;
}

static void print_time(const char *label, uint64_t time_ms)
{
    char text[TIMESTAMP_TEXT_BYTES_MAX];

    timestamp_print_ms(time_ms, text);
    printf("%-12s %s\n", label, time_ms == 0 ? "-" : text);
}

static int print_summary(struct log *log)
{
    struct channel_count count = {0};
    struct log_stat stat;

    log_stat(log, &stat);
    index_each(log_index(log), count_channel, &count);
    printf("%-12s %016" PRIx64 "\n", "origin", stat.origin);
    printf("%-12s %" PRIu64 "\n", "events", stat.event_count);
    printf("%-12s %" PRIu64 "\n", "channels", count.channels);
    printf("%-12s %" PRIu64 " in %" PRIu64 " of pages\n",
           "bytes",
           stat.record_bytes,
           stat.window_bytes);
    printf("%-12s %" PRIu64 "\n", "file bytes", stat.file_bytes);
    if (stat.bytes_max > 0) {
        printf("%-12s %" PRIu64 "\n", "budget", stat.bytes_max);
    }
    printf("%-12s %" PRIu64 " to %" PRIu64 "\n",
           "places",
           stat.first_place,
           stat.last_place);
    print_time("first", time_at(log, stat.first_place));
    print_time("last", time_at(log, stat.last_place));
    printf("%-12s %" PRIu64 "\n", "corrupt", stat.corrupt_count);
    return 0;
}

struct channels {
    struct index_channel_stat *list; /* owned, as are the names in it */
    size_t count;
    size_t room;
};

static void take_channel(const struct index_channel_stat *stat, void *context)
{
    struct channels *c = context;
    uint8_t *name = malloc(stat->channel.len + 1);

    check(name != NULL);
    if (c->count == c->room) {
        c->room = c->room * 2 + 64;
        c->list = reallocarray(c->list, c->room, sizeof(*c->list));
        check(c->list != NULL);
    }
    memcpy(name, stat->channel.data, stat->channel.len);
    c->list[c->count] = *stat;
    c->list[c->count].channel.data = name;
    c->count++;
}

static int by_name(const void *a, const void *b)
{
    const struct index_channel_stat *left = a;
    const struct index_channel_stat *right = b;

    return bytes_compare(left->channel, right->channel);
}

/* Sorted, because the index keeps them in no order. */
static int print_channels(struct log *log)
{
    struct channels all = {0};

    index_each(log_index(log), take_channel, &all);
    if (all.count > 0) {
        qsort(all.list, all.count, sizeof(*all.list), by_name);
    }
    for (size_t i = 0; i < all.count; i++) {
        const struct index_channel_stat *stat = &all.list[i];
        CLEANUP(buffer_done) struct buffer escaped;
        CLEANUP(buffer_done) struct buffer name;

        buffer_init(&escaped, LINE_BYTES_MAX);
        buffer_init(&name, LINE_BYTES_MAX);
        json_escape(stat->channel, &escaped);
        visible_json(buffer_view(&escaped), &name);
        printf("{\"channel\":\"%.*s\",\"events\":%" PRIu64 ",\"bytes\":%" PRIu64
               ",\"first\":%" PRIu64 ",\"last\":%" PRIu64 "}\n",
               (int)name.len,
               (const char *)name.data,
               stat->count,
               stat->bytes,
               stat->first_place,
               stat->last_place);
        free((void *)(uintptr_t)stat->channel.data);
    }
    free(all.list);
    return 0;
}

static int take_last(const struct options *o,
                     uint64_t *ret_last,
                     struct why *why)
{
    const char *text = options_value(o, "last");

    *ret_last = LAST_MAX;
    if (text != NULL && (!text_decimal(bytes_text(text), ret_last) ||
                         *ret_last == 0 || *ret_last > LAST_MAX)) {
        return why_set(why,
                       RC_MALFORMED,
                       "--last expects a number from 1, not '%s'",
                       text);
    }
    return 0;
}

static int print_events(const struct options *o, struct log *log)
{
    struct bytes channel = {0};
    struct log_walk walk;
    struct why why;
    uint64_t last;
    int rc = take_last(o, &last, &why);

    if (rc != 0) {
        return complain(&why);
    }
    if (o->operand_count == 2) {
        channel = bytes_text(o->operands[1]);
    }
    log_walk_init(&walk, log, last);
    walk.print = true;
    walk.content = options_has(o, "content");
    rc = log_walk_events(&walk, channel, &why);
    log_walk_done(&walk);
    return rc == 0 || rc == RC_CLOSED ? 0 : complain(&why);
}

static int print_check(struct log *log)
{
    struct bytes all = {0};
    struct log_walk walk;
    struct log_stat stat;
    struct why why;
    int rc;

    log_walk_init(&walk, log, UINT64_MAX);
    rc = log_walk_events(&walk, all, &why);
    log_walk_done(&walk);
    if (rc != 0) {
        return complain(&why);
    }
    log_stat(log, &stat);
    printf("%" PRIu64 " events good, %" PRIu64 " corrupt\n",
           walk.count,
           stat.corrupt_count);
    return stat.corrupt_count == 0 ? 0 : 1;
}

static void print_progress(uint64_t done, uint64_t all, void *context)
{
    (void)context;
    fprintf(stderr,
            "weir log: read %" PRIu64 " of %" PRIu64 " events\n",
            done,
            all);
}

/* Open DIR, or DIR/data when DIR is one of `weir serve --dev`. */
static int open_log(const char *dir, struct log **ret, struct why *why)
{
    struct log_options options = {.read_only = true,
                                  .on_progress = print_progress};
    char dev[FILE_PATH_BYTES_MAX];
    char data[FILE_PATH_BYTES_MAX];

    options.dir = dir;
    if (file_join(dir, "dev/issuer", dev, why) == 0 && file_exists(dev)) {
        int rc = file_join(dir, "data", data, why);

        if (rc != 0) {
            return rc;
        }
        options.dir = data;
    }
    return log_open(ret, &options, why);
}

static int check_together(const struct options *o)
{
    bool events = options_has(o, "events");
    int ways = events + options_has(o, "channels") + options_has(o, "check");

    if (ways > 1) {
        return options_complain(
            &command, "--events, --channels and --check exclude each other");
    }
    if (!events && (o->operand_count == 2 || options_has(o, "last") ||
                    options_has(o, "content"))) {
        return options_complain(
            &command, "CHANNEL, --last and --content go with --events");
    }
    return 0;
}

int log_command_main(int argc, char **argv)
{
    struct log *log = NULL;
    struct options o;
    struct why why;
    int status;

    if (!options_parse(&command, argc, argv, &o, &status)) {
        return status;
    }
    status = check_together(&o);
    if (status != 0) {
        return status;
    }
    if (open_log(o.operands[0], &log, &why) != 0) {
        return complain(&why);
    }
    if (options_has(&o, "events")) {
        status = print_events(&o, log);
    } else if (options_has(&o, "channels")) {
        status = print_channels(log);
    } else if (options_has(&o, "check")) {
        status = print_check(log);
    } else {
        status = print_summary(log);
    }
    log_close(log);
    return status;
}
