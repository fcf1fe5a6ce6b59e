/* src/io/http_client: what a request looks like, and which answer is whose. */
#include "src/io/http_client.h"

#include "tests/lib/peer.h"
#include "tests/lib/tap.h"

static uv_loop_t loop;
static struct peer peer;
static struct http_client *client;
static struct buffer answers; /* "STATUS BODY|" each */
static struct why reason;
static unsigned answer_count;
static unsigned answers_awaited;
static bool answered;
static bool closed;
static bool close_on_answer;
static bool asked;
static size_t asked_bytes;

static void on_answered(void *context, int status, struct bytes body)
{
    tap_check(context == &loop);
    buffer_printf(
        &answers, "%d %.*s|", status, (int)body.len, (const char *)body.data);
    answer_count++;
    answered = answer_count == answers_awaited;
    if (close_on_answer) {
        http_client_close(client);
    }
}

static void on_closed(void *context, int rc, const struct why *why)
{
    tap_check(context == &loop);
    tap_check(rc != 0);
    reason = *why;
    closed = true;
}

static const struct http_client_events events = {
    .answered = on_answered,
    .closed = on_closed,
};

static void peer_counts(struct peer *p)
{
    asked = p->received.len >= asked_bytes;
}

static const struct http_client_options options = {
    .target = {.host = "127.0.0.1"},
    .authority = "example.org:1",
    .path = "/event",
    .api_key = BYTES_LITERAL("da2-key"),
};

static void begin(void)
{
    struct http_client_options here = options;

    tap_equal(uv_loop_init(&loop), 0);
    peer_listen(&peer, &loop);
    peer.on_data = peer_counts;
    buffer_done(&answers);
    buffer_init(&answers, 65536);
    answer_count = 0;
    answers_awaited = 1;
    answered = closed = close_on_answer = asked = false;
    asked_bytes = 1;
    here.target.port = peer.port;
    client = http_client_open(&loop, &here, &events, &loop);
}

static void end(void)
{
    peer_done(&peer);
    peer_end_loop(&loop);
}

#define ANSWER(body_length, body) \
    "HTTP/1.1 200 OK\r\ncontent-length: " body_length "\r\n\r\n" body

TAP_CASE(http_client_writes_a_request)
{
    struct buffer out;

    buffer_init(&out, 1024);
    http_client_request(&options, bytes_text("{}"), &out);

    tap_equal_text(buffer_view(&out),
                   "POST /event HTTP/1.1\r\nhost: example.org:1\r\n"
                   "content-type: application/json\r\n"
                   "x-api-key: da2-key\r\ncontent-length: 2\r\n\r\n{}");
    buffer_done(&out);
}

TAP_CASE(http_client_writes_a_request_without_a_body)
{
    struct http_client_options get = options;
    struct buffer out;

    buffer_init(&out, 1024);
    get.get = true;
    get.path = "/cluster";
    http_client_request(&get, bytes_of(NULL, 0), &out);

    tap_equal_text(buffer_view(&out),
                   "GET /cluster HTTP/1.1\r\nhost: example.org:1\r\n"
                   "x-api-key: da2-key\r\n\r\n");
    buffer_done(&out);
}

TAP_CASE(http_client_leaves_out_a_key_that_is_not_there)
{
    struct http_client_options nobody = options;
    struct buffer out;

    nobody.api_key = bytes_of(NULL, 0);
    buffer_init(&out, 1024);
    http_client_request(&nobody, bytes_text(""), &out);

    tap_check(memmem(out.data, out.len, "x-api-key", 9) == NULL);
    tap_check(memmem(out.data, out.len, "content-length: 0", 17) != NULL);
    buffer_done(&out);
}

TAP_CASE(http_client_keeps_requests_until_it_is_connected)
{
    struct buffer request;

    begin();
    buffer_init(&request, 1024);
    http_client_request(&options, bytes_text("one"), &request);
    http_client_request(&options, bytes_text("two"), &request);
    asked_bytes = request.len;
    tap_equal(http_client_post(client, bytes_text("one")), RC_OK);
    tap_equal(http_client_post(client, bytes_text("two")), RC_OK);

    tap_check(peer_await(&loop, &asked));
    tap_check(bytes_equal(buffer_view(&peer.received), buffer_view(&request)));
    http_client_close(client);
    buffer_done(&request);
    end();
}

TAP_CASE(http_client_hands_on_answers_in_order)
{
    begin();
    answers_awaited = 3;
    for (int i = 0; i < 3; i++) {
        tap_equal(http_client_post(client, bytes_text("x")), RC_OK);
    }
    tap_check(peer_await(&loop, &asked));
    peer_say(&peer, ANSWER("1", "a") "HTTP/1.1 400 Bad Request\r\n");
    peer_say(&peer, "content-length: 2\r\n\r\nbb" ANSWER("0", ""));

    tap_check(peer_await(&loop, &answered));
    tap_equal_text(buffer_view(&answers), "200 a|400 bb|200 |");
    http_client_close(client);
    end();
}

TAP_CASE(http_client_ends_at_an_answer_that_was_not_asked_for)
{
    begin();
    tap_equal(http_client_post(client, bytes_text("x")), RC_OK);
    tap_check(peer_await(&loop, &asked));
    peer_say(&peer, ANSWER("0", "") ANSWER("0", ""));

    tap_check(peer_await(&loop, &closed));
    tap_equal(answer_count, 1);
    end();
}

TAP_CASE(http_client_ends_at_what_is_not_http)
{
    begin();
    tap_equal(http_client_post(client, bytes_text("x")), RC_OK);
    tap_check(peer_await(&loop, &asked));
    peer_say(&peer, "SSH-2.0-OpenSSH\r\n");

    tap_check(peer_await(&loop, &closed));
    tap_check(strstr(reason.text, "not HTTP") != NULL);
    end();
}

TAP_CASE(http_client_tells_that_the_server_left_without_an_answer)
{
    begin();
    tap_equal(http_client_post(client, bytes_text("x")), RC_OK);
    tap_check(peer_await(&loop, &asked));
    peer_hang_up(&peer);

    tap_check(peer_await(&loop, &closed));
    tap_equal(answer_count, 0);
    end();
}

TAP_CASE(http_client_may_be_closed_by_who_gets_an_answer)
{
    begin();
    close_on_answer = true;
    tap_equal(http_client_post(client, bytes_text("x")), RC_OK);
    tap_equal(http_client_post(client, bytes_text("x")), RC_OK);
    tap_check(peer_await(&loop, &asked));
    peer_say(&peer, ANSWER("0", "") ANSWER("0", ""));

    tap_check(peer_await(&loop, &peer.ended));
    tap_equal(answer_count, 1);
    tap_check(!closed);
    end();
}

TAP_CASE(http_client_takes_no_more_than_may_wait)
{
    static uint8_t body[OUTBOUND_QUEUE_BYTES_MAX / 4];

    begin();
    tap_equal(http_client_post(client, bytes_of(body, sizeof(body))), RC_OK);
    tap_equal(http_client_post(client, bytes_of(body, sizeof(body))), RC_BUSY);
    tap_equal(http_client_post(client, bytes_text("small")), RC_OK);

    http_client_close(client);
    end();
}

TAP_MAIN()
