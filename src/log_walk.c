/* Visits a log page by page beside a node that may append to it and trim it. */
#include "src/log_walk.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/visible.h"
#include "proto/json.h"
#include "src/timestamp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES_MAX 1024 /* asked of the index at once */

/* A page's lines: a record may be six times as long as JSON. */
#define PAGE_BYTES_MAX (64 * 1024 * 1024)

void log_walk_init(struct log_walk *w, struct log *log, uint64_t left)
{
    *w = (struct log_walk){.log = log, .left = left};
    buffer_init(&w->page, PAGE_BYTES_MAX);
}

void log_walk_done(struct log_walk *w)
{
    buffer_done(&w->page);
}

/* A string of JSON's, without its quotes. */
static void add_string(struct log_walk *w, struct bytes text)
{
    struct buffer escaped;

    buffer_init(&escaped, w->page.cap);
    json_escape(text, &escaped);
    visible_json(buffer_view(&escaped), &w->page);
    buffer_done(&escaped);
}

static void add_line(struct log_walk *w, uint64_t place, const struct record *r)
{
    char time[TIMESTAMP_TEXT_BYTES_MAX];
    uint8_t id[16];
    char id_text[TEXT_UUID_LEN];

    event_uuid(r->origin, r->sequence, id);
    text_uuid(id, id_text);
    timestamp_print_ms(event_sequence_ms(r->sequence), time);
    buffer_printf(&w->page,
                  "{\"place\":%" PRIu64 ",\"id\":\"%.*s\",\"time\":\"%s\","
                  "\"channel\":\"",
                  place,
                  TEXT_UUID_LEN,
                  id_text,
                  time);
    add_string(w, r->channel);
    buffer_printf(&w->page, "\",\"bytes\":%zu", r->content.len);
    if (w->content) {
        buffer_text(&w->page, ",\"content\":\"");
        add_string(w, r->content);
        buffer_text(&w->page, "\"");
    }
    buffer_text(&w->page, "}\n");
    check(!w->page.overflowed);
}

static bool visit(uint64_t place, const struct record *r, void *context)
{
    struct log_walk *w = context;

    if (r->gone) {
        return true;
    }
    if (w->print) {
        add_line(w, place, r);
    }
    if (w->first == 0) {
        w->first = place;
    }
    w->place = place;
    w->count++;
    return w->count < w->left && w->page.len < LOG_PAGE_BYTES_MAX;
}

/* The node beside may trim while its log is read: say so when that has taken
 * events of the places `from` to `to`, with which the page just read begins. */
static void tell_trimmed(const struct log_walk *w, uint64_t from, uint64_t to)
{
    struct log_stat stat;
    uint64_t head;

    if (w->first == from) {
        return;
    }
    log_stat(w->log, &stat);
    head = stat.first_place > 0 ? stat.first_place : stat.last_place + 1;
    if (head > from) {
        fprintf(stderr,
                "weir log: events of places %" PRIu64 " to %" PRIu64
                " left the log while it was read\n",
                from,
                head - 1 < to ? head - 1 : to);
    }
}

/* A page has been read that should begin at `from`. */
static int end_page(struct log_walk *w,
                    uint64_t from,
                    uint64_t to,
                    struct why *why)
{
    if (w->page.len > 0 && fwrite(w->page.data, w->page.len, 1, stdout) != 1) {
        return why_set(why,
                       errno == EPIPE ? RC_CLOSED : RC_IO,
                       "cannot write to standard output: %s",
                       strerror(errno));
    }
    buffer_clear(&w->page);
    tell_trimmed(w, from, to);
    return 0;
}

/* Places are without holes but for what was trimmed at the head. */
static int walk_all(struct log_walk *w, struct why *why)
{
    struct log_stat stat;
    uint64_t place;
    int rc;

    log_stat(w->log, &stat);
    place = stat.last_place > w->left ? stat.last_place - w->left + 1 : 1;
    if (place < stat.first_place) {
        place = stat.first_place;
    }
    do {
        w->first = 0;
        rc = log_read(w->log, place, LOG_PAGE_BYTES_MAX, visit, w, why);
        if (rc == 0) {
            rc = end_page(w, place, UINT64_MAX, why);
        }
        place = w->place + 1;
    } while (rc == 0 && w->first != 0 && w->count < w->left);
    return rc;
}

/* The place after which the last `left` events of a channel stand. */
static uint64_t channel_after(const struct log_walk *w, struct bytes channel)
{
    AUTO_FREE uint64_t *places = NULL;
    uint64_t all = index_count(log_index(w->log));
    size_t max = (size_t)(w->left < all ? w->left : all);
    size_t count;

    if (max == 0) {
        return 0;
    }
    places = calloc(max, sizeof(*places));
    check(places != NULL);
    count = index_last(log_index(w->log), channel, places, max);
    return count == 0 ? 0 : places[0] - 1;
}

static int walk_channel(struct log_walk *w,
                        struct bytes channel,
                        struct why *why)
{
    uint64_t places[PLACES_MAX];
    uint64_t after = channel_after(w, channel);
    int rc = 0;

    while (rc == 0 && w->count < w->left) {
        size_t count =
            index_after(log_index(w->log), channel, after, places, PLACES_MAX);

        if (count == 0) {
            break;
        }
        w->first = 0;
        rc = log_read_places(w->log, places, count, visit, w, why);
        if (rc == 0) {
            rc = end_page(w, places[0], places[count - 1], why);
        }
        after = w->first == 0 ? places[count - 1] : w->place;
    }
    return rc;
}

int log_walk_events(struct log_walk *w, struct bytes channel, struct why *why)
{
    return channel.len > 0 ? walk_channel(w, channel, why) : walk_all(w, why);
}
