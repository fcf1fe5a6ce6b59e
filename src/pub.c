/* `weir pub`: takes events as they come, up to five in a request, several
 * requests under way in order. A request whose answer is lost with its
 * connection is not repeated: it may have been carried out. */
#include "base/check.h"
#include "src/client.h"
#include "src/commands.h"
#include "src/duration.h"
#include "src/io/line_input.h"
#include "src/pub_batch.h"
#include "src/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define EVENTS_OPERANDS_MAX 100000
#define REQUEST_BYTES_MAX (OUTBOUND_QUEUE_BYTES_MAX / 2)
#define ANSWER_BYTES_MAX (2 * HTTP_CLIENT_ANSWER_BYTES_MAX)
/* A line may be far over what a server takes: the refusal is its to say. */
#define LINE_BYTES_MAX (1024 * 1024)
/* "KEY-N", with N of up to 20 digits. */
#define KEY_BYTES_MAX (IDEMPOTENCY_KEY_BYTES_MAX - 1 - 20)
/* A request takes no event more once it holds so much. */
#define GATHER_BYTES_MAX (500 * 1024)
#define TIMEOUT_MS 60000

struct pub {
    uv_loop_t loop;
    struct client client;
    struct http_client *http; /* one of the two, while connected */
    struct ws_client *ws;
    bool over_ws;
    bool ws_opened;
    const char *channel;
    const char *key;             /* of all events together; NULL: none */
    const char *const *operands; /* events; NULL: they are lines of input */
    size_t operand_count;
    size_t operand_next;
    struct line_input *input;
    bool exhausted; /* no event will come any more, or none is wanted */
    uint64_t taken; /* events, so far */
    struct pub_batches waiting;
    uv_timer_t patience; /* with a server from which nothing comes */
    uint64_t timeout_ms;
    bool verbose;
    int status;
};

static const struct options_entry entries[] = {
    CLIENT_OPTIONS,
    {"ws", NULL, "Publish over a WebSocket instead of HTTP.", false},
    {"idempotency-key",
     "KEY",
     "Publish the Nth event with the key KEY-N, so that running the command "
     "again with the same events publishes none twice.",
     false},
    {"timeout",
     "DURATION",
     "How long to wait for the server's next answer; 60s when not given.",
     false},
    {"verbose", NULL, "Print the identifier of each event, one a line.", false},
};

static const struct options_command command = {
    .name = "weir pub",
    .operands = "URL CHANNEL [EVENT]...",
    .operands_min = 2,
    .operands_max = 2 + EVENTS_OPERANDS_MAX,
    .summary = "Publish events, each a JSON text. Without any EVENT, publishes "
               "each line of standard input as it comes.",
    .details =
        "Exits with status 0 only when the server acknowledged every event.\n"
        "An event that begins with '-' goes behind '--'.\n\n"
        "Examples:\n"
        "  weir pub http://127.0.0.1:8080 /default/room '{\"hello\":1}' '42'\n"
        "  journalctl -fo json | weir pub --key-file key "
        "https://events.example.org /logs/all\n",
    .entries = entries,
    .entry_count = sizeof(entries) / sizeof(entries[0]),
};

static void pump(struct pub *p);
static void watch(struct pub *p);

static void input_end(struct pub *p)
{
    p->exhausted = true;
    line_input_close(p->input);
    p->input = NULL;
}

static void disconnect(struct pub *p)
{
    if (p->http != NULL) {
        http_client_close(p->http);
        p->http = NULL;
    }
    if (p->ws != NULL) {
        ws_client_close(p->ws);
        p->ws = NULL;
    }
}

static void fail(struct pub *p, const char *sentence)
{
    say_line("weir", "%s", sentence);
    p->status = 1;
    input_end(p);
    disconnect(p);
    watch(p);
}

/* Which events had no answer, when some had: where to go on by hand. */
static void fail_between(struct pub *p, const char *sentence)
{
    char whole[2 * WHY_BYTES_MAX];
    uint64_t first = pub_batch_none(&p->waiting) ? p->taken + 1
                                                 : pub_batch_first(&p->waiting);

    if (first > 1) {
        (void)snprintf(whole,
                       sizeof(whole),
                       "%s; no answer for event %llu and those after it",
                       sentence,
                       (unsigned long long)first);
        sentence = whole;
    }
    fail(p, sentence);
}

static void on_timeout(uv_timer_t *timer)
{
    char patience[DURATION_TEXT_BYTES_MAX];
    char sentence[80];
    struct pub *p = timer->data;

    duration_print(p->timeout_ms, patience);
    (void)snprintf(sentence,
                   sizeof(sentence),
                   "nothing came from the server for %s",
                   patience);
    fail_between(p, sentence);
}

/* As long as the server owes us something. */
static void watch(struct pub *p)
{
    bool connected = p->http != NULL || p->ws != NULL;
    bool waits = !pub_batch_none(&p->waiting) || (p->over_ws && !p->ws_opened);

    if (!connected || !waits) {
        (void)uv_timer_stop(&p->patience);
    } else if (!uv_is_active((uv_handle_t *)&p->patience)) {
        check(uv_timer_start(&p->patience, on_timeout, p->timeout_ms, 0) == 0);
    }
}

/* One event, if there is one now. */
static bool source_next(struct pub *p, struct bytes *ret)
{
    int rc;

    if (p->operands != NULL) {
        if (p->operand_next == p->operand_count) {
            p->exhausted = true;
            return false;
        }
        *ret = bytes_text(p->operands[p->operand_next++]);
        return true;
    }
    do {
        rc = line_input_next(p->input, ret);
    } while (rc == 0 && bytes_trim(*ret).len == 0);
    if (rc == RC_TOO_LARGE) {
        say_line("weir",
                 "line %llu is longer than %d bytes",
                 (unsigned long long)p->taken + 1,
                 LINE_BYTES_MAX);
    } else if (rc == RC_IO) {
        say_line("weir", "cannot read standard input: %s", strerror(errno));
    }
    if (rc != 0 && rc != RC_AGAIN) {
        p->status = rc == RC_CLOSED ? p->status : 1;
        input_end(p);
    }
    return rc == 0;
}

static void answered(struct pub *p, const struct server_msg *msg)
{
    struct pub_batch batch = pub_batch_take(&p->waiting);
    struct buffer lines;
    struct why why;
    int rc = pub_batch_judge(batch, msg, &why);

    (void)uv_timer_stop(&p->patience);
    if (rc != 0) {
        say_line("weir", "%s", why.text);
        p->status = 1;
    }
    if (rc == RC_DENIED || rc == RC_MALFORMED) {
        /* What holds for one request holds for the next: stop here. */
        input_end(p);
    }
    if (p->verbose) {
        buffer_init(&lines, ANSWER_BYTES_MAX);
        pub_batch_identifiers(msg, &lines);
        say_text(stdout, buffer_view(&lines));
        (void)fflush(stdout);
        buffer_done(&lines);
    }
    pump(p);
}

static void http_answered(void *context, int status, struct bytes body)
{
    struct pub *p = context;
    struct server_msg msg;
    struct buffer scratch;

    buffer_init(&scratch, ANSWER_BYTES_MAX);
    if (server_msg_parse(body, &scratch, &msg) == 0 &&
        (status == 200 || msg.error_count > 0)) {
        answered(p, &msg);
    } else {
        char sentence[80];

        (void)snprintf(sentence,
                       sizeof(sentence),
                       "the server answered with HTTP status %d",
                       status);
        fail(p, sentence);
    }
    buffer_done(&scratch);
}

static void ws_message(void *context, const struct server_msg *msg)
{
    struct pub *p = context;

    if (msg->type == SERVER_MSG_PUBLISH_SUCCESS ||
        msg->type == SERVER_MSG_PUBLISH_ERROR ||
        (msg->type == SERVER_MSG_ERROR && msg->id.len > 0)) {
        if (pub_batch_none(&p->waiting)) {
            fail(p, "the server answered what was not asked");
        } else {
            answered(p, msg);
        }
    }
}

static void closed(void *context, int rc, const struct why *why)
{
    struct pub *p = context;
    bool unopened = p->over_ws && !p->ws_opened;

    (void)rc;
    p->http = NULL;
    p->ws = NULL;
    p->ws_opened = false;
    /* An idle connection may end; the next event opens another. */
    if (unopened || !pub_batch_none(&p->waiting)) {
        fail_between(p, why->text);
    }
}

static void ws_opened(void *context)
{
    struct pub *p = context;

    p->ws_opened = true;
    (void)uv_timer_stop(&p->patience);
    pump(p);
}

static const struct http_client_events http_events = {
    .answered = http_answered,
    .closed = closed,
};

static const struct ws_client_events ws_events = {
    .opened = ws_opened,
    .message = ws_message,
    .closed = closed,
};

static void connect_now(struct pub *p)
{
    struct ws_client_options ws_options = client_ws_options(&p->client);
    struct http_client_options options = client_http_options(&p->client);

    if (p->over_ws) {
        p->ws_opened = false;
        p->ws = ws_client_open(&p->loop, &ws_options, &ws_events, p);
    } else {
        p->http = http_client_open(&p->loop, &options, &http_events, p);
    }
}

/* The keys of the next `count` events, behind one another in `text`. */
static void make_keys(
    const struct pub *p,
    size_t count,
    char text[CLIENT_MSG_EVENTS_MAX][IDEMPOTENCY_KEY_BYTES_MAX + 1],
    struct bytes *ret_keys)
{
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(text[i],
                       sizeof(text[i]),
                       "%s-%llu",
                       p->key,
                       (unsigned long long)p->taken + 1 + i);
        ret_keys[i] = bytes_text(text[i]);
    }
}

/* Events go out escaped, in a request of their own size. */
static int send_batch(struct pub *p,
                      const struct client_request_events *events,
                      size_t *ret_bytes)
{
    struct bytes channel = bytes_text(p->channel);
    struct buffer text;
    char id[24];
    int rc;

    buffer_init(&text, REQUEST_BYTES_MAX);
    if (p->over_ws) {
        struct ws_client_options options = client_ws_options(&p->client);

        (void)snprintf(
            id, sizeof(id), "%llu", (unsigned long long)p->waiting.added);
        client_request_publish(
            &options.who, bytes_text(id), channel, events, &text);
        rc = ws_client_send(p->ws, buffer_view(&text));
    } else {
        client_request_publish_body(channel, events, &text);
        rc = http_client_post(p->http, buffer_view(&text));
    }
    if (text.overflowed) {
        rc = RC_TOO_LARGE;
    }
    *ret_bytes = text.len;
    buffer_done(&text);
    return rc;
}

/* Take up to five events and send them; false when there were none. */
static bool publish_some(struct pub *p)
{
    struct bytes texts[CLIENT_MSG_EVENTS_MAX];
    struct bytes keys[CLIENT_MSG_EVENTS_MAX];
    char key_texts[CLIENT_MSG_EVENTS_MAX][IDEMPOTENCY_KEY_BYTES_MAX + 1];
    struct client_request_events events = {.texts = texts};
    struct buffer text;
    size_t ends[CLIENT_MSG_EVENTS_MAX];
    size_t count = 0;
    size_t bytes;
    struct bytes event;

    buffer_init(&text, CLIENT_MSG_EVENTS_MAX * LINE_BYTES_MAX);
    while (count < CLIENT_MSG_EVENTS_MAX && text.len < GATHER_BYTES_MAX &&
           !p->exhausted && source_next(p, &event)) {
        buffer_append(&text, event);
        ends[count++] = text.len;
    }
    for (size_t i = 0, start = 0; i < count; start = ends[i++]) {
        texts[i] = bytes_of(text.data + start, ends[i] - start);
    }
    events.count = count;
    if (p->key != NULL) {
        make_keys(p, count, key_texts, keys);
        events.keys = keys;
    }
    if (count > 0) {
        if (send_batch(p, &events, &bytes) != 0) {
            fail(p, "the events of one request are too large to be sent");
        } else {
            pub_batch_add(&p->waiting, p->taken + 1, count, bytes);
            p->taken += count;
        }
    }
    buffer_done(&text);
    return count > 0;
}

/* Whether there is a connection that takes a request now. A WebSocket is opened
 * before an event is taken, since a request must not wait for it. */
static bool connected(struct pub *p)
{
    if (p->http == NULL && p->ws == NULL) {
        connect_now(p);
    }
    return !p->over_ws || p->ws_opened;
}

static void pump(struct pub *p)
{
    while (!p->exhausted && !pub_batch_full(&p->waiting) && connected(p)) {
        if (!publish_some(p)) {
            break;
        }
    }
    if (p->exhausted && pub_batch_none(&p->waiting)) {
        disconnect(p);
    }
    watch(p);
}

static void on_lines(void *context)
{
    pump(context);
}

static int run(struct pub *p)
{
    check(uv_loop_init(&p->loop) == 0);
    check(uv_timer_init(&p->loop, &p->patience) == 0);
    p->patience.data = p;
    if (p->operands == NULL) {
        p->input = line_input_open(
            &p->loop, STDIN_FILENO, LINE_BYTES_MAX, on_lines, p);
    }
    pump(p);
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&p->patience, NULL);
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&p->loop) == 0);
    client_done(&p->client);
    return p->status;
}

static bool key_usable(const char *key)
{
    struct bytes text = bytes_text(key);

    return text.len <= KEY_BYTES_MAX && idempotency_key_valid(text);
}

static bool take_timeout(struct pub *p, const char *text)
{
    p->timeout_ms = TIMEOUT_MS;
    return text == NULL || (duration_parse(bytes_text(text), &p->timeout_ms) &&
                            p->timeout_ms > 0);
}

int pub_main(int argc, char **argv)
{
    static struct pub p;
    struct client_arguments arguments;
    struct options o;
    struct why why;
    int status;

    if (!options_parse(&command, argc, argv, &o, &status)) {
        return status;
    }
    p.over_ws = options_has(&o, "ws");
    p.verbose = options_has(&o, "verbose");
    p.channel = o.operands[1];
    p.key = options_value(&o, "idempotency-key");
    p.operand_count = o.operand_count - 2;
    p.operands = p.operand_count > 0 ? o.operands + 2 : NULL;
    if (p.key != NULL && !key_usable(p.key)) {
        return options_complain(&command,
                                "an idempotency key is 1 to %d characters of "
                                "visible ASCII",
                                KEY_BYTES_MAX);
    }
    if (!take_timeout(&p, options_value(&o, "timeout"))) {
        return options_complain(&command,
                                "--timeout takes a length of time, such as "
                                "500ms, 15s or 5min");
    }
    arguments = client_arguments(&o, o.operands[0]);
    if (client_init(&p.client, &arguments, &why) != 0) {
        return options_complain(&command, "%s", why.text);
    }
    return run(&p);
}
