/* `weir bench`: a load generator that checks what it measures. */
#include "base/alloc.h"
#include "base/check.h"
#include "proto/replay_request.h"
#include "src/bench_channel.h"
#include "src/bench_event.h"
#include "src/bench_fanout.h"
#include "src/bench_idle.h"
#include "src/bench_publish.h"
#include "src/bench_replay.h"
#include "src/commands.h"
#include "src/option_number.h"
#include "src/say.h"

#include <stdlib.h>
#include <sys/resource.h>

#define DEFAULT_CHANNEL "/default/bench"
#define REPORT_BYTES_MAX 65536
#define CHANNELS_MAX 100000
#define RATE_MAX 1000000
#define SECONDS_MAX 86400
#define SPARE_FILES 64 /* besides the connections */

static const struct options_entry entries[] = {
    CLIENT_OPTIONS,
    {"subscribers",
     "N",
     "fanout and replay: how many subscribers (1000; replay: 10).",
     false},
    {"events", "N", "replay: how many events (100000).", false},
    {"publishers", "N", "publish: how many connections publish (50).", false},
    {"connections", "N", "idle: how many connections (10000).", false},
    {"channels", "N", "publish: over how many channels (100).", false},
    {"subscribed", NULL, "publish: each channel has a subscriber.", false},
    {"window",
     "N",
     "Events under way: end to end with fanout (16), for each publisher with "
     "publish (1).",
     false},
    {"rate",
     "N",
     "fanout: publish N events a second by a fixed schedule instead; latency "
     "counts from the scheduled time.",
     false},
    {"transport",
     "http|ws|nchan",
     "What publishes: POST /event, a WebSocket, or POST /pub?id=CHANNEL with "
     "the bare event as nginx's nchan takes it (publish: http; fanout: ws).",
     false},
    {"channel", "PREFIX", "Channels are PREFIX-000000 and on.", false},
    {"size", "BYTES", "Size of an event (128).", false},
    {"seconds", "N", "How long to measure (5).", false},
    {"warmup", "N", "Seconds of load before (1).", false},
    {"server-pid",
     "PID",
     "Also report what this process uses: CPU time for each operation, memory "
     "for each connection.",
     false},
    {"json", NULL, "Print one JSON object.", false},
};

static const struct options_command command = {
    .name = "weir bench",
    .operands = "fanout|publish|idle|replay URL",
    .operands_min = 2,
    .operands_max = 2,
    .summary = "Put load on a server and measure it, and check that nothing is "
               "lost, doubled or out of order.",
    .details =
        "fanout: one publisher, many subscribers of one channel.\n"
        "publish: many publishers over many channels, each in a closed loop.\n"
        "idle: many subscribed connections on which nothing happens.\n"
        "replay: many subscribers read the same past again and again.\n"
        "Exits with status 1 when anything was lost, doubled, out of order or\n"
        "refused, or a connection dropped.\n\n"
        "Examples:\n"
        "  weir bench fanout http://127.0.0.1:8080 --subscribers 1000\n"
        "  weir bench publish http://127.0.0.1:8080 --server-pid 4242 "
        "--json\n",
    .entries = entries,
    .entry_count = sizeof(entries) / sizeof(entries[0]),
};

static const struct bench_settings mode_defaults[] = {
    [BENCH_SETTINGS_FANOUT] = {.transport = BENCH_SETTINGS_WS,
                               .connections = 1000,
                               .channels = 1,
                               .window = 16},
    [BENCH_SETTINGS_PUBLISH] = {.transport = BENCH_SETTINGS_HTTP,
                                .connections = 50,
                                .channels = 100,
                                .window = 1},
    [BENCH_SETTINGS_IDLE] = {.transport = BENCH_SETTINGS_WS,
                             .connections = 10000,
                             .channels = 1,
                             .window = 1},
    [BENCH_SETTINGS_REPLAY] = {.transport = BENCH_SETTINGS_WS,
                               .connections = 10,
                               .channels = 1,
                               .window = 64,
                               .events = 100000},
};

static const char *const mode_names[] = {
    [BENCH_SETTINGS_FANOUT] = "fanout",
    [BENCH_SETTINGS_PUBLISH] = "publish",
    [BENCH_SETTINGS_IDLE] = "idle",
    [BENCH_SETTINGS_REPLAY] = "replay",
};

/* The option that says how many connections there are. */
static const char *const mode_connections[] = {
    [BENCH_SETTINGS_FANOUT] = "subscribers",
    [BENCH_SETTINGS_PUBLISH] = "publishers",
    [BENCH_SETTINGS_IDLE] = "connections",
    [BENCH_SETTINGS_REPLAY] = "subscribers",
};

static const char *const transport_names[] = {
    [BENCH_SETTINGS_HTTP] = "http",
    [BENCH_SETTINGS_WS] = "ws",
    [BENCH_SETTINGS_NCHAN] = "nchan",
};

static bool name_find(const char *const *names,
                      size_t count,
                      const char *name,
                      size_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* An option given in a mode in which it means nothing is a mistake. */
static int misplaced(const struct options *o, enum bench_settings_mode mode)
{
    static const struct {
        const char *name;
        enum bench_settings_mode mode;
        enum bench_settings_mode also;
    } only[] = {
        {"subscribers", BENCH_SETTINGS_FANOUT, BENCH_SETTINGS_REPLAY},
        {"events", BENCH_SETTINGS_REPLAY, BENCH_SETTINGS_REPLAY},
        {"rate", BENCH_SETTINGS_FANOUT, BENCH_SETTINGS_FANOUT},
        {"publishers", BENCH_SETTINGS_PUBLISH, BENCH_SETTINGS_PUBLISH},
        {"channels", BENCH_SETTINGS_PUBLISH, BENCH_SETTINGS_PUBLISH},
        {"subscribed", BENCH_SETTINGS_PUBLISH, BENCH_SETTINGS_PUBLISH},
        {"connections", BENCH_SETTINGS_IDLE, BENCH_SETTINGS_IDLE},
    };

    for (size_t i = 0; i < sizeof(only) / sizeof(only[0]); i++) {
        if (only[i].mode != mode && only[i].also != mode &&
            options_has(o, only[i].name)) {
            return options_complain(o->command,
                                    "--%s is for '%s', not for '%s'",
                                    only[i].name,
                                    mode_names[only[i].mode],
                                    mode_names[mode]);
        }
    }
    return 0;
}

static bool take_numbers(const struct options *o, struct bench_settings *s)
{
    return option_number(o,
                         mode_connections[s->mode],
                         1,
                         BENCH_SETTINGS_CONNECTIONS_MAX,
                         &s->connections) &&
           option_number(o, "channels", 1, CHANNELS_MAX, &s->channels) &&
           option_number(
               o, "window", 1, BENCH_SETTINGS_WINDOW_MAX, &s->window) &&
           option_number(o, "rate", 1, RATE_MAX, &s->rate) &&
           option_number(o, "events", 1, REPLAY_LAST_MAX, &s->events) &&
           option_number(o,
                         "size",
                         BENCH_EVENT_BYTES_MIN,
                         BENCH_EVENT_BYTES_MAX,
                         &s->size) &&
           option_number(o, "seconds", 1, SECONDS_MAX, &s->seconds) &&
           option_number(o, "warmup", 0, SECONDS_MAX, &s->warmup) &&
           option_number(o, "server-pid", 1, INT32_MAX, &s->server_pid);
}

static int take_transport(const struct options *o, struct bench_settings *s)
{
    const char *name = options_value(o, "transport");
    size_t found;

    if (name == NULL) {
        return 0;
    }
    if (!name_find(transport_names,
                   sizeof(transport_names) / sizeof(transport_names[0]),
                   name,
                   &found)) {
        return options_complain(
            o->command, "--transport is http, ws or nchan, not '%s'", name);
    }
    s->transport = (enum bench_settings_transport)found;
    return 0;
}

static int take_settings(const struct options *o, struct bench_settings *s)
{
    const char *channel = options_value(o, "channel");
    size_t mode;
    int status;

    if (!name_find(mode_names,
                   sizeof(mode_names) / sizeof(mode_names[0]),
                   o->operands[0],
                   &mode)) {
        return options_complain(o->command,
                                "there is no measurement '%s': fanout, "
                                "publish, idle or replay",
                                o->operands[0]);
    }
    *s = mode_defaults[mode];
    s->mode = (enum bench_settings_mode)mode;
    s->size = 128;
    s->seconds = 5;
    s->warmup = 1;
    s->channel = channel != NULL ? channel : DEFAULT_CHANNEL;
    s->subscribed = options_has(o, "subscribed");
    s->json = options_has(o, "json");
    if (strlen(s->channel) > BENCH_CHANNEL_PREFIX_BYTES_MAX) {
        return options_complain(o->command,
                                "--channel is longer than %d characters",
                                BENCH_CHANNEL_PREFIX_BYTES_MAX);
    }
    status = misplaced(o, s->mode);
    if (status == 0) {
        status = take_transport(o, s);
    }
    if (status == 0 && !take_numbers(o, s)) {
        status = OPTIONS_EXIT_USAGE;
    }
    return status;
}

/* A process may at first have fewer files open than it is allowed to ask for.
 */
static int files_allow(const struct bench_settings *s, struct why *why)
{
    rlim_t wanted = (rlim_t)(s->connections + s->channels + SPARE_FILES);
    struct rlimit limit;

    check(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_cur >= wanted) {
        return 0;
    }
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted) {
        limit.rlim_max = wanted;
    }
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return why_set(why,
                       RC_DENIED,
                       "it needs %llu open files: raise the hard limit "
                       "(ulimit -Hn)",
                       (unsigned long long)wanted);
    }
    return 0;
}

static int measure(const struct bench_settings *s,
                   struct bench_report *report,
                   struct why *why)
{
    int rc = files_allow(s, why);

    if (rc != 0) {
        return rc;
    }
    switch (s->mode) {
    case BENCH_SETTINGS_FANOUT:
        return bench_fanout(s, report, why);
    case BENCH_SETTINGS_PUBLISH:
        return bench_publish(s, report, why);
    case BENCH_SETTINGS_IDLE:
        return bench_idle(s, report, why);
    case BENCH_SETTINGS_REPLAY:
        return bench_replay(s, report, why);
    }
    check_unreachable();
}

static int run(const struct bench_settings *s)
{
    struct bench_report *report = alloc_zero(sizeof(*report));
    struct buffer text;
    struct why why;
    int status = 1;

    buffer_init(&text, REPORT_BYTES_MAX);
    if (measure(s, report, &why) != 0) {
        say_line("weir", "%s", why.text);
    } else {
        if (s->json) {
            bench_report_json(s, report, &text);
        } else {
            bench_report_text(s, report, &text);
        }
        (void)fwrite(text.data, 1, text.len, stdout);
        status = bench_report_faulty(report) ? 1 : 0;
        if (status != 0) {
            (void)fputs("weir: the measurement has faults\n", stderr);
        }
    }
    buffer_done(&text);
    free(report);
    return status;
}

int bench_main(int argc, char **argv)
{
    struct client_arguments arguments;
    struct bench_settings s;
    struct client client;
    struct options o;
    struct why why;
    int status;

    if (!options_parse(&command, argc, argv, &o, &status)) {
        return status;
    }
    status = take_settings(&o, &s);
    if (status != 0) {
        return status;
    }
    arguments = client_arguments(&o, o.operands[1]);
    if (client_init(&client, &arguments, &why) != 0) {
        return options_complain(&command, "%s", why.text);
    }
    s.client = &client;
    status = run(&s);
    client_done(&client);
    return status;
}
