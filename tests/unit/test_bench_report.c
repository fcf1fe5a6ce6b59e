/* src/bench_report: the figures, in both forms, and what makes a run faulty. */
#include "src/bench_report.h"

#include "proto/json.h"
#include "tests/lib/tap.h"

static struct bench_report report;
static struct buffer out;

static void begin(void)
{
    memset(&report, 0, sizeof(report));
    buffer_done(&out);
    buffer_init(&out, 65536);
}

static bool holds(const char *text)
{
    return memmem(out.data, out.len, text, strlen(text)) != NULL;
}

static const struct bench_settings fanout = {.mode = BENCH_SETTINGS_FANOUT};
static const struct bench_settings publish = {.mode = BENCH_SETTINGS_PUBLISH};
static const struct bench_settings idle = {.mode = BENCH_SETTINGS_IDLE};

static void server_used(uint64_t cpu_ns)
{
    report.has_server = true;
    report.first.cpu_ns = 1000;
    report.last.cpu_ns = 1000 + cpu_ns;
    report.first.user_ticks = 10;
    report.last.user_ticks = 11;
    report.first.system_ticks = 20;
    report.last.system_ticks = 23;
}

TAP_CASE(bench_report_is_one_json_object)
{
    begin();
    bench_report_json(&fanout, &report, &out);

    tap_check(json_valid(buffer_view(&out)));
    tap_check(holds("\"mode\":\"fanout\""));
    tap_check(holds("\"faults_missing\":0,"));
}

TAP_CASE(bench_report_divides_by_the_measured_time)
{
    begin();
    report.seconds = 2;
    report.publishes = 300;
    report.deliveries = 3000;
    report.frames = 3000;
    report.reads = 1500;
    bench_report_json(&fanout, &report, &out);

    tap_check(holds("\"publishes_per_s\":150.000"));
    tap_check(holds("\"deliveries_per_s\":1500.000"));
    tap_check(holds("\"frames_per_read\":2.000"));
}

TAP_CASE(bench_report_prices_a_delivery_and_a_publish)
{
    begin();
    report.seconds = 1;
    report.publishes = 10;
    report.deliveries = 1000;
    server_used(2000000);
    bench_report_json(&fanout, &report, &out);

    tap_check(holds("\"server_cpu_us_per_delivery\":2.000"));
    tap_check(holds("\"server_cpu_us_per_publish\":200.000"));
    tap_check(holds("\"server_cpu_user_share\":0.250"));
    tap_check(holds("\"server_cpu_busy\":0.002"));
}

TAP_CASE(bench_report_prices_a_connection)
{
    begin();
    report.seconds = 1;
    report.connections = 100;
    report.connect_seconds = 0.5;
    server_used(0);
    report.idle.memory_bytes = 1000000;
    report.ready.memory_bytes = 1150000;
    report.ready.cpu_ns = 3000000;
    bench_report_json(&idle, &report, &out);

    tap_check(holds("\"server_bytes_per_connection\":1500.000"));
    tap_check(holds("\"server_cpu_us_per_connect\":30.000"));
    tap_check(holds("\"connects_per_s\":200.000"));
    tap_check(!holds("per_publish"));
    tap_check(!holds("latency"));
}

TAP_CASE(bench_report_says_nothing_of_a_server_it_did_not_see)
{
    begin();
    bench_report_json(&publish, &report, &out);

    tap_check(!holds("server_"));
    tap_check(!holds("deliveries"));
}

TAP_CASE(bench_report_prints_latencies_in_microseconds)
{
    begin();
    for (int i = 0; i < 100; i++) {
        histogram_add(&report.latency_ns, 64000);
    }
    histogram_add(&report.latency_ns, 5000000);
    bench_report_json(&publish, &report, &out);

    tap_check(holds("\"latency_p50_us\":64."));
    tap_check(holds("\"latency_p999_us\":5000.000"));
    tap_check(holds("\"latency_max_us\":5000.000"));
}

TAP_CASE(bench_report_divides_nothing_by_nothing)
{
    begin();
    server_used(0);
    bench_report_text(&fanout, &report, &out);

    tap_check(holds("publishes_per_s              0.000\n"));
    tap_check(!holds("nan"));
    tap_check(!holds("inf"));
}

TAP_CASE(bench_report_prints_a_line_for_each_figure)
{
    begin();
    report.connections = 7;
    bench_report_text(&idle, &report, &out);

    tap_check(holds("mode                         idle\n"));
    tap_check(holds("connections                  7\n"));
    tap_check(holds("faults_closed                0\n"));
}

TAP_CASE(bench_report_is_faulty_with_any_fault)
{
    uint64_t *const faults[] = {
        &report.faults.missing,
        &report.faults.gaps,
        &report.faults.repeats,
        &report.faults.foreign,
        &report.faults.refused,
        &report.faults.closed,
    };

    begin();
    tap_check(!bench_report_faulty(&report));
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        begin();
        *faults[i] = 1;
        tap_check(bench_report_faulty(&report));
    }
}

TAP_MAIN()
