/* src/io/outbound: connections that open, fail, carry much and end, plain and
 * with TLS, against servers on the same loop. */
#include "src/io/outbound.h"

#include "src/io/certificate.h"
#include "src/io/file.h"
#include "tests/lib/peer.h"
#include "tests/lib/tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static uv_loop_t loop;
static struct peer peer;
static struct buffer received;
static struct why reason;
static bool opened;
static bool closed;
static int closed_rc;
static size_t awaited; /* bytes of `received` that set `arrived` */
static bool arrived;
static bool peer_arrived;

static void on_opened(void *context)
{
    tap_check(context == &loop);
    tap_check(!closed);
    opened = true;
}

static void on_received(void *context, struct bytes bytes)
{
    tap_check(context == &loop);
    buffer_append(&received, bytes);
    arrived = received.len >= awaited;
}

static void on_closed(void *context, int rc, const struct why *why)
{
    tap_check(context == &loop);
    tap_check(!closed);
    closed = true;
    closed_rc = rc;
    reason = *why;
}

static const struct outbound_events events = {
    .opened = on_opened,
    .received = on_received,
    .closed = on_closed,
};

static void peer_counts(struct peer *p)
{
    peer_arrived = p->received.len >= awaited;
}

static void begin(void)
{
    tap_equal(uv_loop_init(&loop), 0);
    peer_listen(&peer, &loop);
    peer.on_data = peer_counts;
    buffer_done(&received);
    buffer_init(&received, PEER_BYTES_MAX);
    opened = false;
    closed = false;
    arrived = false;
    peer_arrived = false;
    awaited = 1;
}

static void end(void)
{
    peer_done(&peer);
    peer_end_loop(&loop);
}

static struct outbound *open_to(const char *host, uint16_t port)
{
    const struct outbound_target target = {.host = host, .port = port};

    return outbound_open(&loop, &target, &events, &loop);
}

TAP_CASE(outbound_opens_and_carries_bytes_both_ways)
{
    struct outbound *o;

    begin();
    o = open_to("127.0.0.1", peer.port);
    tap_check(!opened);
    tap_check(peer_await(&loop, &opened));

    tap_equal(outbound_send(o, bytes_text("ping")), RC_OK);
    tap_check(peer_await(&loop, &peer_arrived));
    tap_equal_text(buffer_view(&peer.received), "ping");
    peer_say(&peer, "pong");
    tap_check(peer_await(&loop, &arrived));
    tap_equal_text(buffer_view(&received), "pong");

    outbound_close(o);
    tap_check(peer_await(&loop, &peer.ended));
    tap_check(!closed);
    end();
}

/* Our end of the connection to the peer. */
static int find_descriptor(void)
{
    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_in at;
        socklen_t len = sizeof(at);

        if (getpeername(fd, (struct sockaddr *)&at, &len) == 0 &&
            at.sin_family == AF_INET && ntohs(at.sin_port) == peer.port) {
            return fd;
        }
    }
    return -1;
}

static int option(int fd, int level, int name)
{
    int value = 0;
    socklen_t len = sizeof(value);

    tap_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

TAP_CASE(outbound_has_the_system_notice_a_server_that_vanishes)
{
    struct outbound *o;
    int fd;

    begin();
    o = open_to("127.0.0.1", peer.port);
    tap_check(peer_await(&loop, &opened));

    fd = find_descriptor();
    tap_check(fd >= 0);
    tap_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    tap_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    tap_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT),
              OUTBOUND_SILENCE_MS_MAX);

    outbound_close(o);
    end();
}

TAP_CASE(outbound_finds_a_host_by_its_name)
{
    struct outbound *o;

    begin();
    o = open_to("localhost", peer.port);
    tap_check(peer_await(&loop, &opened));

    outbound_close(o);
    end();
}

TAP_CASE(outbound_says_that_a_host_is_not_known)
{
    begin();
    (void)open_to("no-such-host.invalid", peer.port);

    tap_check(peer_await(&loop, &closed));
    tap_equal(closed_rc, RC_NOT_FOUND);
    tap_check(strstr(reason.text, "no-such-host.invalid") != NULL);
    tap_check(!opened);
    end();
}

TAP_CASE(outbound_says_that_nobody_listens)
{
    uint16_t port;

    begin();
    port = peer.port;
    end();
    begin();
    (void)open_to("127.0.0.1", port);

    tap_check(peer_await(&loop, &closed));
    tap_equal(closed_rc, RC_IO);
    tap_check(strstr(reason.text, "refused") != NULL);
    end();
}

TAP_CASE(outbound_tells_that_the_server_ended_it)
{
    begin();
    (void)open_to("127.0.0.1", peer.port);
    tap_check(peer_await(&loop, &opened));
    peer_say(&peer, "bye");
    peer_hang_up(&peer);

    tap_check(peer_await(&loop, &closed));
    tap_equal(closed_rc, RC_CLOSED);
    tap_equal_text(buffer_view(&received), "bye");
    end();
}

TAP_CASE(outbound_may_be_closed_before_it_is_open)
{
    begin();
    outbound_close(open_to("127.0.0.1", peer.port));
    outbound_close(open_to("localhost", peer.port));
    outbound_close(open_to("127.0.0.1", 1));

    end();
    tap_check(!opened);
    tap_check(!closed);
}

TAP_CASE(outbound_sends_more_than_a_socket_takes_at_once)
{
    static char block[OUTBOUND_QUEUE_BYTES_MAX / 4];
    struct outbound *o;

    begin();
    awaited = 2 * sizeof(block);
    memset(block, 'b', sizeof(block));
    o = open_to("127.0.0.1", peer.port);
    tap_check(peer_await(&loop, &opened));

    tap_equal(outbound_send(o, bytes_of(block, sizeof(block))), RC_OK);
    block[0] = 'c';
    tap_equal(outbound_send(o, bytes_of(block, sizeof(block))), RC_OK);
    tap_check(peer_await(&loop, &peer_arrived));
    tap_equal(peer.received.len, 2 * sizeof(block));
    tap_equal(peer.received.data[0], 'b');
    tap_equal(peer.received.data[sizeof(block)], 'c');

    outbound_close(o);
    end();
}

TAP_CASE(outbound_takes_no_more_than_its_queue_may_hold)
{
    static char block[OUTBOUND_QUEUE_BYTES_MAX / 2];
    struct outbound *o;
    int rc = RC_OK;

    begin();
    o = open_to("127.0.0.1", peer.port);
    tap_check(peer_await(&loop, &opened));

    for (int i = 0; i < 8 && rc == RC_OK; i++) {
        rc = outbound_send(o, bytes_of(block, sizeof(block)));
    }
    tap_equal(rc, RC_BUSY);

    outbound_close(o);
    end();
}

/* A server with TLS on the same loop: ciphertext goes through `server`. */
static struct tls *server;

static void tls_peer_flush(struct peer *p)
{
    struct buffer out;

    buffer_init(&out, 1 << 20);
    tls_pull(server, &out);
    peer_say_bytes(p, buffer_view(&out));
    buffer_done(&out);
}

static void tls_peer_data(struct peer *p)
{
    struct bytes cipher = buffer_view(&p->received);
    struct buffer plain;
    struct buffer out;

    buffer_init(&plain, 1 << 20);
    buffer_init(&out, 1 << 20);
    while (cipher.len > 0) {
        size_t consumed = 0;
        size_t taken = 0;
        int rc = tls_receive(server, cipher, &plain, &consumed);

        cipher = bytes_from(cipher, consumed);
        if (rc == 0 && plain.len > 0) {
            /* An echo. */
            tap_equal(tls_send(server, buffer_view(&plain), &out, &taken),
                      RC_OK);
            peer_say_bytes(p, buffer_view(&out));
            buffer_clear(&out);
            buffer_clear(&plain);
        }
    }
    buffer_clear(&p->received);
    tls_peer_flush(p);
    buffer_done(&plain);
    buffer_done(&out);
}

static const char *const hosts[] = {"127.0.0.1"};
static char ca_path[FILE_PATH_BYTES_MAX];
static char certificate_path[FILE_PATH_BYTES_MAX];
static char key_path[FILE_PATH_BYTES_MAX];

static void save(const char *name, struct buffer *content, char *ret_path)
{
    tap_equal(file_join(tap_temp_dir(), name, ret_path, NULL), 0);
    tap_equal(file_write(ret_path, 0600, buffer_view(content), NULL), 0);
}

static void make_files(void)
{
    struct certificate_request request = {
        .name = "test",
        .hosts = hosts,
        .host_count = 1,
        .from_s = 0,
        .until_s = UINT64_C(4000000000),
    };
    struct certificate ca = {0};
    struct certificate leaf = {0};

    if (ca_path[0] != 0) {
        return;
    }
    certificate_make_authority(&request, &ca);
    tap_equal(certificate_issue(&request, &ca, &leaf, NULL), 0);
    save("server.pem", &leaf.pem, certificate_path);
    save("server-key.pem", &leaf.key_pem, key_path);
    save("ca.pem", &ca.pem, ca_path);
    certificate_done(&ca);
    certificate_done(&leaf);
}

static struct tls_context *client_context;

static struct outbound *open_tls(const char *host)
{
    struct outbound_target target = {.host = host, .port = peer.port};
    struct tls_context *context;

    make_files();
    tap_equal(
        tls_context_new_server(certificate_path, key_path, &context, &reason),
        RC_OK);
    server = tls_new(context, NULL);
    tls_context_unref(context);
    tap_equal(tls_context_new_client(ca_path, &client_context, &reason), RC_OK);
    target.tls = client_context;
    peer.on_data = tls_peer_data;
    return outbound_open(&loop, &target, &events, &loop);
}

static void end_tls(void)
{
    end();
    tls_free(server);
    tls_context_unref(client_context);
}

TAP_CASE(outbound_speaks_tls)
{
    struct outbound *o;

    begin();
    awaited = 5;
    o = open_tls("127.0.0.1");
    tap_check(peer_await(&loop, &opened));
    tap_equal(outbound_send(o, bytes_text("hello")), RC_OK);

    tap_check(peer_await(&loop, &arrived));
    tap_equal_text(buffer_view(&received), "hello");
    outbound_close(o);
    end_tls();
}

TAP_CASE(outbound_carries_much_over_tls)
{
    static char block[200000];
    struct outbound *o;

    begin();
    awaited = sizeof(block);
    memset(block, 'x', sizeof(block));
    o = open_tls("127.0.0.1");
    tap_check(peer_await(&loop, &opened));
    tap_equal(outbound_send(o, bytes_of(block, sizeof(block))), RC_OK);

    tap_check(peer_await(&loop, &arrived));
    tap_equal(received.len, sizeof(block));
    tap_check(memcmp(received.data, block, sizeof(block)) == 0);
    outbound_close(o);
    end_tls();
}

TAP_CASE(outbound_refuses_a_certificate_for_another_host)
{
    begin();
    (void)open_tls("localhost");

    tap_check(peer_await(&loop, &closed));
    tap_check(!opened);
    tap_equal(closed_rc, RC_IO);
    tap_check(strstr(reason.text, "TLS with localhost") != NULL);
    tap_check(strstr(reason.text, "mismatch") != NULL);
    end_tls();
}

TAP_CASE(outbound_says_that_a_plain_server_does_not_speak_tls)
{
    begin();
    (void)open_tls("127.0.0.1");
    peer.on_data = NULL;
    while (!peer.connected) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    peer_say(&peer, "HTTP/1.1 400 Bad Request\r\n\r\n");

    tap_check(peer_await(&loop, &closed));
    tap_equal(closed_rc, RC_IO);
    tap_check(!opened);
    end_tls();
}

TAP_MAIN()
