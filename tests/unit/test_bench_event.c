/* src/bench_event: the generator's events, written blank, filled in, and found
 * again in frames. */
#include "src/bench_event.h"

#include "proto/json.h"
#include "tests/lib/tap.h"

static struct buffer text;
static size_t digits;

static void blank(size_t size, bool escaped)
{
    buffer_done(&text);
    buffer_init(&text, 2 * BENCH_EVENT_BYTES_MAX);
    bench_event_blank(size, escaped, &text, &digits);
    tap_check(!text.overflowed);
}

static struct bench_event sample(void)
{
    return (struct bench_event){
        .publisher = 0xdeadbeef,
        .sequence = 0x123456789abc,
        .sent_ns = 0xfedcba9876543210,
    };
}

static void same(struct bench_event a, struct bench_event b)
{
    tap_equal(a.publisher, b.publisher);
    tap_equal(a.sequence, b.sequence);
    tap_check(a.sent_ns == b.sent_ns);
}

TAP_CASE(bench_event_is_json_of_the_size_asked_for)
{
    static const size_t sizes[] = {BENCH_EVENT_BYTES_MIN,
                                   BENCH_EVENT_BYTES_MIN + 1,
                                   128,
                                   1024,
                                   BENCH_EVENT_BYTES_MAX};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        blank(sizes[i], false);
        tap_equal(text.len, sizes[i]);
        tap_check(json_valid(buffer_view(&text)));
    }
}

TAP_CASE(bench_event_escaped_is_what_json_escape_makes_of_it)
{
    struct buffer escaped;
    size_t place;

    blank(128, false);
    buffer_init(&escaped, 1024);
    json_escape(buffer_view(&text), &escaped);
    place = digits;
    blank(128, true);

    tap_check(bytes_equal(buffer_view(&text), buffer_view(&escaped)));
    tap_check(digits > place);
    buffer_done(&escaped);
}

TAP_CASE(bench_event_is_read_back_from_its_own_text)
{
    struct bench_event event = sample();
    struct bench_event found;
    size_t hint = 0;

    blank(128, false);
    bench_event_write(&event, text.data + digits);

    tap_check(bench_event_read(buffer_view(&text), &hint, &found));
    same(found, event);
    tap_equal(hint, 2);
}

TAP_CASE(bench_event_is_found_inside_a_frame)
{
    struct bench_event event = sample();
    struct bench_event found;
    struct buffer frame;
    size_t hint = 0;

    blank(128, true);
    bench_event_write(&event, text.data + digits);
    buffer_init(&frame, 1024);
    buffer_text(&frame, "{\"type\":\"data\",\"id\":\"s1\",\"event\":\"");
    buffer_append(&frame, buffer_view(&text));
    buffer_text(&frame, "\"}");

    tap_check(bench_event_read(buffer_view(&frame), &hint, &found));
    same(found, event);
    tap_check(hint > 30);
    buffer_done(&frame);
}

TAP_CASE(bench_event_is_found_when_the_hint_is_wrong)
{
    struct bench_event event = sample();
    struct bench_event found;
    size_t hint = 60;

    blank(128, false);
    bench_event_write(&event, text.data + digits);

    tap_check(bench_event_read(buffer_view(&text), &hint, &found));
    tap_equal(hint, 2);

    hint = 1000000;
    tap_check(bench_event_read(buffer_view(&text), &hint, &found));
    same(found, event);
}

TAP_CASE(bench_event_takes_the_extremes)
{
    const struct bench_event least = {0};
    const struct bench_event most = {
        .publisher = UINT32_MAX,
        .sequence = (UINT64_C(1) << 48) - 1,
        .sent_ns = UINT64_MAX,
    };
    struct bench_event found;
    size_t hint = 0;

    blank(64, false);
    bench_event_write(&most, text.data + digits);
    tap_check(bench_event_read(buffer_view(&text), &hint, &found));
    same(found, most);

    bench_event_write(&least, text.data + digits);
    tap_check(bench_event_read(buffer_view(&text), &hint, &found));
    same(found, least);
}

TAP_CASE(bench_event_is_not_read_from_other_texts)
{
    static const char *const texts[] = {
        "",
        "{\"type\":\"ka\"}",
        "\"weir",
        "{\"weir\":\"",
        "{\"weir\":\"0123\"}",
        "{\"weir\":\"0000000000000000000000000000000000G0\",\"pad\":\"\"}",
    };
    struct bench_event found;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size_t hint = 0;

        tap_check(!bench_event_read(bytes_text(texts[i]), &hint, &found));
    }
}

TAP_CASE(bench_event_cut_short_is_not_read)
{
    struct bench_event event = sample();
    struct bench_event found;
    size_t hint = 0;

    blank(64, false);
    bench_event_write(&event, text.data + digits);

    tap_check(bench_event_read(
        bytes_of(text.data, digits + BENCH_EVENT_DIGITS), &hint, &found));
    hint = 0;
    tap_check(!bench_event_read(
        bytes_of(text.data, digits + BENCH_EVENT_DIGITS - 1), &hint, &found));
}

TAP_MAIN()
