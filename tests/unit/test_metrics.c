/* Counters add up over their sets and print as Prometheus reads them. */
#include "src/bridge/metrics.h"
#include "tests/lib/tap.h"

#include <stdlib.h>
#include <string.h>

static struct buffer text;

static const char *print(struct metrics *const *sets, size_t count)
{
    buffer_done(&text);
    buffer_init(&text, 1 << 20);
    metrics_print(sets, count, &text);
    tap_check(!text.overflowed);
    buffer_u8(&text, 0);
    return (const char *)text.data;
}

TAP_CASE(a_counter_prints_with_its_help_and_its_kind)
{
    struct metrics m = {0};
    struct metrics *sets[] = {&m};
    const char *out;

    metrics_add(&m, publishes, 3);
    out = print(sets, 1);

    tap_check(strstr(out,
                     "# HELP weir_publishes Publish requests taken\n"
                     "# TYPE weir_publishes counter\n"
                     "weir_publishes 3\n") != NULL);
    tap_check(strstr(out, "# TYPE weir_connections_open gauge\n") != NULL);
}

TAP_CASE(sets_are_summed)
{
    struct metrics a = {0};
    struct metrics b = {0};
    struct metrics *sets[] = {&a, &b};

    metrics_add(&a, deliveries, 40);
    metrics_add(&b, deliveries, 2);

    tap_check(strstr(print(sets, 2), "\nweir_deliveries 42\n") != NULL);
    tap_check(strstr(print(sets, 1), "\nweir_deliveries 40\n") != NULL);
}

TAP_CASE(a_gauge_may_fall_in_one_set_below_what_it_rose_in_another)
{
    struct metrics a = {0};
    struct metrics b = {0};
    struct metrics *sets[] = {&a, &b};

    metrics_add(&a, connections_open, 5);
    metrics_add(&b, connections_open, (uint64_t)-2);

    tap_check(strstr(print(sets, 2), "\nweir_connections_open 3\n") != NULL);
}

TAP_CASE(a_gauge_can_be_set)
{
    struct metrics m = {0};
    struct metrics *sets[] = {&m};

    metrics_set(&m, log_events, 12);
    metrics_set(&m, log_events, 7);

    tap_check(strstr(print(sets, 1), "\nweir_log_events 7\n") != NULL);
}

TAP_CASE(the_largest_value_prints_whole)
{
    struct metrics m = {0};
    struct metrics *sets[] = {&m};

    metrics_set(&m, log_record_bytes, UINT64_MAX);

    tap_check(strstr(print(sets, 1),
                     "\nweir_log_record_bytes 18446744073709551615\n") != NULL);
}

/* Whether `line` is "weir_name digits". */
static bool is_sample(struct bytes line)
{
    struct bytes name;

    if (!bytes_starts_with(line, bytes_text("weir_")) ||
        !bytes_split(&line, ' ', &name) || line.len == 0) {
        return false;
    }
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] < '0' || line.data[i] > '9') {
            return false;
        }
    }
    return true;
}

TAP_CASE(every_metric_prints_three_lines_and_no_name_comes_twice)
{
    struct metrics m = {0};
    struct metrics *sets[] = {&m};
    struct bytes rest = bytes_text(print(sets, 1));
    struct bytes lines[1024] = {{0}};
    size_t count = 0;
    size_t names = 0;

    while (count < 1024 && bytes_split(&rest, '\n', &lines[count])) {
        count++;
    }
#define X(name, kind, help) names++;
    METRICS_MAP(X)
#undef X

    tap_equal(count, 3 * names);
    for (size_t i = 0; i < count; i += 3) {
        tap_check(bytes_starts_with(lines[i], bytes_text("# HELP weir_")));
        tap_check(bytes_starts_with(lines[i + 1], bytes_text("# TYPE weir_")));
        tap_check(is_sample(lines[i + 2]));
        for (size_t before = 2; before < i; before += 3) {
            tap_check(!bytes_equal(lines[before], lines[i + 2]));
        }
    }
    buffer_done(&text);
}

TAP_MAIN()
