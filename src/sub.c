/* `weir sub`: prints a line for each event until it has seen enough, is asked
 * to end, or its reader goes away. Signals are blocked and read as a
 * descriptor, so that one is noticed while the output is stuck, too. */
#include "base/check.h"
#include "src/client_list.h"
#include "src/commands.h"
#include "src/option_number.h"
#include "src/say.h"
#include "src/sub_begin.h"
#include "src/sub_channels.h"
#include "src/sub_output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define CHANNEL_BYTES_MAX 1024
#define REQUEST_BYTES_MAX 65536
#define BACKOFF_MS_MIN 500
#define BACKOFF_MS_MAX 30000

struct sub {
    uv_loop_t loop;
    struct client_list servers;
    struct ws_client *ws; /* NULL: not connected */
    uv_timer_t retry;
    uv_poll_t signals;
    uv_poll_t reader; /* tells when the reader of a pipe went away */
    uv_check_t turn;  /* writes what a turn of the loop gathered */
    int signal_fd;
    bool watches_reader;
    int output_flags; /* standard output's, to be restored */
    struct sub_output output;
    struct sub_channels channels;
    char begin[SUB_BEGIN_BYTES_MAX]; /* what the first subscribe asks for */
    uint64_t count;                  /* events to print; UINT64_MAX: no end */
    uint64_t printed;
    bool replays; /* something of the past was asked for */
    bool reconnect;
    bool ending;
    int status;
};

static const struct options_entry entries[] = {
    CLIENT_OPTIONS,
    {"count", "N", "End after N events.", false},
    {"after", "CURSOR", "Begin after this cursor of an earlier line.", false},
    {"last", "N", "Begin with the last N events.", false},
    {"seconds", "N", "Begin with the events of the last N seconds.", false},
    {"all", NULL, "Begin with all events that are kept.", false},
    {"no-reconnect", NULL, "End when the connection drops.", false},
};

static const struct options_command command = {
    .name = "weir sub",
    .operands = "URL[,URL...] CHANNEL...",
    .operands_min = 2,
    .operands_max = 1 + SUB_CHANNELS_MAX,
    .summary = "Subscribe to channels and print a line of JSON for each event: "
               "{\"channel\":...,\"event\":...,\"cursor\":...}.",
    .details =
        "CHANNEL is one channel, /default/room, or all below one, "
        "'/default/*'.\n"
        "With several URLs, the next one is tried when one fails.\n"
        "A connection that drops is made again, and goes on where it was; "
        "events that\ncan no longer be had are told on standard error.\n"
        "Ends with status 0 on SIGINT, SIGTERM, and when nobody reads its "
        "output.\n\n"
        "Examples:\n"
        "  weir sub http://127.0.0.1:8080 /default/room\n"
        "  weir sub --last 10 http://a:8080,http://b:8080 /default/room\n"
        "  weir sub --ca ca.pem --count 1 https://localhost:8443 "
        "'/default/*'\n",
    .entries = entries,
    .entry_count = sizeof(entries) / sizeof(entries[0]),
};

static void connect_now(struct sub *s);

static void end(struct sub *s, int status)
{
    if (s->ending) {
        return;
    }
    s->ending = true;
    s->status = status;
    if (s->ws != NULL) {
        ws_client_close(s->ws);
        s->ws = NULL;
    }
    uv_close((uv_handle_t *)&s->retry, NULL);
    uv_close((uv_handle_t *)&s->signals, NULL);
    uv_close((uv_handle_t *)&s->turn, NULL);
    if (s->watches_reader) {
        uv_close((uv_handle_t *)&s->reader, NULL);
    }
}

static void flush(struct sub *s)
{
    int rc = sub_output_flush(&s->output);

    if (rc == RC_IO) {
        say_line(
            "weir", "cannot write to standard output: %s", strerror(errno));
        end(s, 1);
    } else if (rc != 0) { /* the reader went away, or a signal came */
        end(s, 0);
    }
}

/* Full jitter over the upper half, so that many clients of one server do not
 * come back at once. */
static uint64_t backoff_ms(unsigned attempts)
{
    uint64_t ms = BACKOFF_MS_MIN;

    for (unsigned i = 0; i < attempts && ms < BACKOFF_MS_MAX; i++) {
        ms *= 2;
    }
    ms = ms < BACKOFF_MS_MAX ? ms : BACKOFF_MS_MAX;
    return ms / 2 + randombytes_uniform((uint32_t)(ms / 2));
}

static void on_retry(uv_timer_t *timer)
{
    connect_now(timer->data);
}

static void on_closed(void *context, int rc, const struct why *why)
{
    struct sub *s = context;
    unsigned rounds = client_list_rounds(&s->servers);
    bool dropped = s->servers.succeeded;
    uint64_t ms;

    s->ws = NULL;
    if (!client_list_failed(&s->servers, rc) || (dropped && !s->reconnect)) {
        say_line("weir", "%s", why->text);
        end(s, 1);
        return;
    }
    if (!dropped) {
        say_line("weir", "%s, trying the next server", why->text);
        connect_now(s);
        return;
    }
    ms = backoff_ms(rounds);
    say_line("weir",
             "%s, reconnecting in %llu ms",
             why->text,
             (unsigned long long)ms);
    check(uv_timer_start(&s->retry, on_retry, ms, 0) == 0);
}

static void on_opened(void *context)
{
    struct sub *s = context;
    struct ws_client_options options =
        client_ws_options(client_list_current(&s->servers));

    for (size_t i = 0; i < s->channels.count; i++) {
        struct buffer text;

        buffer_init(&text, REQUEST_BYTES_MAX);
        sub_channels_request(&s->channels, i, &options.who, &text);
        (void)ws_client_send(s->ws, buffer_view(&text));
        buffer_done(&text);
    }
}

static void event_print(struct sub *s,
                        const struct server_msg *msg,
                        struct bytes subscribed)
{
    struct bytes channel =
        msg->channel.data != NULL ? msg->channel : subscribed;

    if (s->printed == s->count) {
        return;
    }
    if (sub_output_event(&s->output, channel, msg->event, msg->cursor) != 0) {
        say_line("weir", "an event came that is not JSON, ignoring");
        return;
    }
    s->printed++;
    if (s->printed == s->count ||
        s->output.lines.len >= SUB_OUTPUT_GATHER_BYTES) {
        flush(s);
    }
    if (s->printed == s->count) {
        end(s, 0);
    }
}

static void say_error(const struct server_msg *msg, const char *what)
{
    say_line("weir",
             "%s: %.*s%s%.*s",
             what,
             (int)msg->error_type.len,
             (const char *)msg->error_type.data,
             msg->error_message.len > 0 ? ": " : "",
             (int)msg->error_message.len,
             (const char *)msg->error_message.data);
}

/* One line, on standard error: whoever reads the events expects only those. */
static void say_gap(const struct server_msg *msg, struct bytes channel)
{
    char count[40] = "events";

    if (msg->missed != SERVER_MSG_MISSED_UNKNOWN) {
        (void)snprintf(count,
                       sizeof(count),
                       "%" PRIu64 " event%s",
                       msg->missed,
                       msg->missed == 1 ? "" : "s");
    }
    say_line(
        "weir",
        "gap in %.*s: %s can no longer be had (%.*s), after %.*s up to %.*s",
        (int)channel.len,
        (const char *)channel.data,
        count,
        (int)msg->reason.len,
        (const char *)msg->reason.data,
        (int)msg->from.len,
        (const char *)msg->from.data,
        (int)msg->to.len,
        (const char *)msg->to.data);
}

static void subscribed(struct sub *s,
                       const struct server_msg *msg,
                       size_t index,
                       struct bytes channel)
{
    bool first = !s->channels.channels[index].subscribed;

    client_list_succeeded(&s->servers);
    sub_channels_subscribed(&s->channels, index, msg->cursor);
    say_line("weir",
             "subscribed to %.*s",
             (int)channel.len,
             (const char *)channel.data);
    if (first && s->replays && msg->cursor.data == NULL) {
        say_line("weir",
                 "the server has no replay: what was published before does not "
                 "come");
    }
}

static void refused(struct sub *s, const struct server_msg *msg)
{
    bool cursor = bytes_equal_text(msg->error_type, "InvalidCursorError") ||
                  bytes_equal_text(msg->error_type, "UnknownCursorError");

    say_error(msg,
              cursor ? "the server refuses the cursor" : "cannot subscribe");
    end(s, 1);
}

/* What comes for one of our subscriptions. */
static void on_subscription(struct sub *s,
                            const struct server_msg *msg,
                            size_t index)
{
    struct buffer channel;

    buffer_init(&channel, CHANNEL_BYTES_MAX);
    client_channel(s->channels.names[index], &channel);
    if (msg->type == SERVER_MSG_SUBSCRIBE_SUCCESS) {
        subscribed(s, msg, index, buffer_view(&channel));
    } else if (msg->type == SERVER_MSG_DATA) {
        sub_channels_reached(&s->channels, index, msg->cursor);
        event_print(s, msg, buffer_view(&channel));
    } else {
        sub_channels_reached(&s->channels, index, msg->to);
        flush(s); /* whoever reads both finds the events before the gap */
        say_gap(msg, buffer_view(&channel));
    }
    buffer_done(&channel);
}

static void on_message(void *context, const struct server_msg *msg)
{
    struct sub *s = context;
    size_t index;

    switch (msg->type) {
    case SERVER_MSG_SUBSCRIBE_SUCCESS:
    case SERVER_MSG_DATA:
    case SERVER_MSG_GAP:
        if (sub_channels_find(&s->channels, msg->id, &index)) {
            on_subscription(s, msg, index);
        }
        break;
    case SERVER_MSG_SUBSCRIBE_ERROR:
        refused(s, msg);
        break;
    case SERVER_MSG_BROADCAST_ERROR:
    case SERVER_MSG_ERROR:
    case SERVER_MSG_CONNECTION_ERROR:
        say_error(msg, "the server reports");
        break;
    case SERVER_MSG_NONE:
    case SERVER_MSG_CONNECTION_ACK:
    case SERVER_MSG_KA:
    case SERVER_MSG_UNSUBSCRIBE_SUCCESS:
    case SERVER_MSG_UNSUBSCRIBE_ERROR:
    case SERVER_MSG_PUBLISH_SUCCESS:
    case SERVER_MSG_PUBLISH_ERROR:
    case SERVER_MSG_OTHER:
        break;
    }
}

static const struct ws_client_events ws_events = {
    .opened = on_opened,
    .message = on_message,
    .closed = on_closed,
};

static void connect_now(struct sub *s)
{
    struct ws_client_options options =
        client_ws_options(client_list_current(&s->servers));

    s->ws = ws_client_open(&s->loop, &options, &ws_events, s);
}

static void on_turn(uv_check_t *turn)
{
    flush(turn->data);
}

static void on_signal(uv_poll_t *poll, int status, int events)
{
    struct sub *s = poll->data;

    (void)status;
    (void)events;
    flush(s);
    end(s, 0);
}

static void on_reader(uv_poll_t *poll, int status, int events)
{
    struct sub *s = poll->data;

    if (status < 0 || (events & UV_DISCONNECT) != 0) {
        end(s, 0);
    }
}

static void watch(struct sub *s)
{
    uv_handle_type type = uv_guess_handle(STDOUT_FILENO);
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    check(s->signal_fd >= 0);
    check(uv_poll_init(&s->loop, &s->signals, s->signal_fd) == 0);
    s->signals.data = s;
    check(uv_poll_start(&s->signals, UV_READABLE, on_signal) == 0);
    check(uv_check_init(&s->loop, &s->turn) == 0);
    s->turn.data = s;
    check(uv_check_start(&s->turn, on_turn) == 0);
    /* A terminal is shared with others, whom non-blocking mode would harm. */
    s->output_flags = fcntl(STDOUT_FILENO, F_GETFL);
    s->watches_reader = (type == UV_NAMED_PIPE || type == UV_TCP) &&
                        uv_poll_init(&s->loop, &s->reader, STDOUT_FILENO) == 0;
    if (s->watches_reader) {
        s->reader.data = s;
        check(uv_poll_start(&s->reader, UV_DISCONNECT, on_reader) == 0);
    }
}

static int run(struct sub *s)
{
    check(uv_loop_init(&s->loop) == 0);
    check(uv_timer_init(&s->loop, &s->retry) == 0);
    s->retry.data = s;
    watch(s);
    sub_output_init(&s->output, STDOUT_FILENO, s->signal_fd);
    connect_now(s);
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&s->loop) == 0);
    sub_output_done(&s->output);
    if (s->watches_reader && s->output_flags >= 0) {
        (void)fcntl(STDOUT_FILENO, F_SETFL, s->output_flags);
    }
    (void)close(s->signal_fd);
    sub_channels_done(&s->channels);
    client_list_done(&s->servers);
    return s->status;
}

int sub_main(int argc, char **argv)
{
    static struct sub s;
    struct client_arguments arguments;
    struct options o;
    struct why why;
    int status;

    if (!options_parse(&command, argc, argv, &o, &status)) {
        return status;
    }
    s.count = UINT64_MAX;
    if (!option_number(&o, "count", 1, UINT64_MAX, &s.count) ||
        !sub_begin_read(&o, s.begin)) {
        return OPTIONS_EXIT_USAGE;
    }
    s.reconnect = !options_has(&o, "no-reconnect");
    s.replays = strcmp(s.begin, SUB_BEGIN_NOW) != 0;
    sub_channels_init(
        &s.channels, o.operands + 1, o.operand_count - 1, s.begin);
    arguments = client_arguments(&o, o.operands[0]);
    if (client_list_init(&s.servers, &arguments, &why) != 0) {
        return options_complain(&command, "%s", why.text);
    }
    return run(&s);
}
