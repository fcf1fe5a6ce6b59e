/* Both forms are made from one list of figures. */
#include "src/bench_report.h"

#include "base/check.h"

#include <inttypes.h>

#define FIGURES_MAX 40
#define NS_PER_US 1e3
#define NS_PER_S 1e9

struct figure {
    const char *name; /* ends in its unit */
    double value;
    bool whole; /* a count, printed without a fraction */
};

struct figures {
    struct figure items[FIGURES_MAX];
    size_t count;
};

static void add(struct figures *f, const char *name, double value)
{
    check(f->count < FIGURES_MAX);
    f->items[f->count++] = (struct figure){name, value, false};
}

static void add_count(struct figures *f, const char *name, uint64_t value)
{
    add(f, name, (double)value);
    f->items[f->count - 1].whole = true;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

bool bench_report_faulty(const struct bench_report *r)
{
    const struct bench_report_faults *f = &r->faults;

    return (f->missing | f->gaps | f->repeats | f->foreign | f->refused |
            f->closed) != 0;
}

static const char *mode_name(const struct bench_settings *settings)
{
    switch (settings->mode) {
    case BENCH_SETTINGS_FANOUT:
        return "fanout";
    case BENCH_SETTINGS_PUBLISH:
        return "publish";
    case BENCH_SETTINGS_IDLE:
        return "idle";
    case BENCH_SETTINGS_REPLAY:
        return "replay";
    }
    check_unreachable();
}

/* Whether events are published in the measured time. */
static bool publishes(const struct bench_settings *settings)
{
    return settings->mode == BENCH_SETTINGS_FANOUT ||
           settings->mode == BENCH_SETTINGS_PUBLISH;
}

/* What the server spent, divided by what it did. */
static void add_server(struct figures *f,
                       const struct bench_settings *settings,
                       const struct bench_report *r)
{
    double cpu_ns = (double)(r->last.cpu_ns - r->first.cpu_ns);
    double user = (double)(r->last.user_ticks - r->first.user_ticks);
    double system = (double)(r->last.system_ticks - r->first.system_ticks);
    double grown = (double)r->ready.memory_bytes - (double)r->idle.memory_bytes;
    double connect_ns = (double)(r->ready.cpu_ns - r->idle.cpu_ns);
    double connections = (double)r->connections;

    if (settings->mode == BENCH_SETTINGS_FANOUT ||
        settings->mode == BENCH_SETTINGS_REPLAY) {
        add(f,
            "server_cpu_us_per_delivery",
            ratio(cpu_ns / NS_PER_US, (double)r->deliveries));
    }
    if (publishes(settings)) {
        add(f,
            "server_cpu_us_per_publish",
            ratio(cpu_ns / NS_PER_US, (double)r->publishes));
    }
    if (settings->mode != BENCH_SETTINGS_IDLE) {
        add(f, "server_cpu_user_share", ratio(user, user + system));
    }
    add(f, "server_cpu_busy", ratio(cpu_ns / NS_PER_S, r->seconds));
    if (settings->mode != BENCH_SETTINGS_REPLAY) {
        add(f,
            "server_cpu_us_per_connect",
            ratio(connect_ns / NS_PER_US, connections));
    }
    add(f, "server_bytes_per_connection", ratio(grown, connections));
    add_count(f, "server_memory_bytes", r->last.memory_bytes);
}

static void add_latency(struct figures *f, const struct histogram *h)
{
    add(f, "latency_p50_us", (double)histogram_quantile(h, 0.5) / NS_PER_US);
    add(f, "latency_p99_us", (double)histogram_quantile(h, 0.99) / NS_PER_US);
    add(f, "latency_p999_us", (double)histogram_quantile(h, 0.999) / NS_PER_US);
    add(f, "latency_max_us", (double)h->max / NS_PER_US);
}

static void add_faults(struct figures *f, const struct bench_report_faults *b)
{
    add_count(f, "faults_missing", b->missing);
    add_count(f, "faults_gaps", b->gaps);
    add_count(f, "faults_repeats", b->repeats);
    add_count(f, "faults_foreign", b->foreign);
    add_count(f, "faults_refused", b->refused);
    add_count(f, "faults_closed", b->closed);
}

static void collect(struct figures *f,
                    const struct bench_settings *settings,
                    const struct bench_report *r)
{
    f->count = 0;
    add(f, "seconds", r->seconds);
    add_count(f, "connections", r->connections);
    if (settings->mode == BENCH_SETTINGS_IDLE) {
        add(f,
            "connects_per_s",
            ratio((double)r->connections, r->connect_seconds));
    } else if (publishes(settings)) {
        add(f, "publishes_per_s", ratio((double)r->publishes, r->seconds));
        add_latency(f, &r->latency_ns);
    }
    if (r->reads > 0) {
        add(f, "deliveries_per_s", ratio((double)r->deliveries, r->seconds));
        add(f, "frames_per_read", ratio((double)r->frames, (double)r->reads));
    }
    if (r->has_server) {
        add_server(f, settings, r);
    }
    add(f, "generator_cpu_busy", ratio(r->generator_cpu_s, r->seconds));
    add_faults(f, &r->faults);
}

static void value_write(const struct figure *figure, struct buffer *out)
{
    if (figure->whole) {
        buffer_printf(out, "%.0f", figure->value);
    } else {
        buffer_printf(out, "%.3f", figure->value);
    }
}

void bench_report_text(const struct bench_settings *settings,
                       const struct bench_report *r,
                       struct buffer *out)
{
    struct figures f;

    collect(&f, settings, r);
    buffer_printf(out, "%-28s %s\n", "mode", mode_name(settings));
    for (size_t i = 0; i < f.count; i++) {
        buffer_printf(out, "%-28s ", f.items[i].name);
        value_write(&f.items[i], out);
        buffer_u8(out, '\n');
    }
}

void bench_report_json(const struct bench_settings *settings,
                       const struct bench_report *r,
                       struct buffer *out)
{
    struct figures f;

    collect(&f, settings, r);
    buffer_printf(out, "{\"mode\":\"%s\"", mode_name(settings));
    for (size_t i = 0; i < f.count; i++) {
        buffer_printf(out, ",\"%s\":", f.items[i].name);
        value_write(&f.items[i], out);
    }
    buffer_text(out, "}\n");
}
