/* The least that a server can do, to compare with: a thread, epoll, recv() and
 * write(). `floor fanout PORT [FRAMES]` writes each published event to every
 * subscriber, FRAMES frames in one write; `floor http PORT` answers each POST
 * with 200. Both speak just enough for `weir bench` to run against them
 * unchanged, and trust whoever connects. */
#include "base/check.h"
#include "proto/ws_accept.h"
#include "proto/ws_frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 65536
#define IN_BYTES 262144
#define GATHER_BYTES (1 << 20)
#define EVENTS_MAX 256
#define IDLE_MS 5 /* frames that wait for company leave after so long */
#define MASK_LEN 4

struct client {
    bool upgraded;
    bool subscribed;
    char *left; /* the beginning of a request or frame, when one was cut */
    size_t left_len;
};

static struct client clients[CLIENTS_MAX];
static int subscribers[CLIENTS_MAX];
static size_t subscriber_count;
static char gathered[GATHER_BYTES]; /* frames that wait to be written */
static size_t gathered_len;
static unsigned gathered_frames;
static unsigned frames_each = 1;
static bool http_only;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Sockets block on writing: a subscriber that is slow slows everybody. */
static void write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n < 0) {
            return; /* it is gone; epoll will tell */
        }
        data += n;
        len -= (size_t)n;
    }
}

static void fan_out(void)
{
    if (gathered_frames == 0) {
        return;
    }
    for (size_t i = 0; i < subscriber_count; i++) {
        write_all(subscribers[i], gathered, gathered_len);
    }
    gathered_len = 0;
    gathered_frames = 0;
}

static void gather(const char *text, size_t len)
{
    check(gathered_len + len + WS_FRAME_HEADER_MAX <= sizeof(gathered));
    gathered_len += ws_frame_header(
        (uint8_t *)gathered + gathered_len, WS_FRAME_TEXT, false, len);
    memcpy(gathered + gathered_len, text, len);
    gathered_len += len;
    gathered_frames++;
    if (gathered_frames == frames_each) {
        fan_out();
    }
}

static void say(int fd, const char *text)
{
    char frame[512];
    size_t len = strlen(text);
    size_t header =
        ws_frame_header((uint8_t *)frame, WS_FRAME_TEXT, false, len);

    check(header + len <= sizeof(frame));
    memcpy(frame + header, text, len);
    write_all(fd, frame, header + len);
}

/* The text of the string member `name`, still escaped. */
static struct bytes member(struct bytes text, const char *name)
{
    const char *begin = memmem(text.data, text.len, name, strlen(name));
    const char *all_end = (const char *)text.data + text.len;
    const char *end;

    check(begin != NULL);
    begin += strlen(name);
    for (end = begin; end < all_end && *end != '"'; end++) {
        end += *end == '\\';
    }
    return bytes_of(begin, (size_t)(end - begin));
}

static void publish(int fd, struct bytes text)
{
    struct bytes event = member(text, "\"events\":[\"");
    struct bytes id = member(text, "\"id\":\"");
    char data[IN_BYTES];
    char answer[400];
    int len = snprintf(data,
                       sizeof(data),
                       "{\"type\":\"data\",\"id\":\"s1\",\"event\":\"%.*s\"}",
                       (int)event.len,
                       (const char *)event.data);

    check(len > 0 && (size_t)len < sizeof(data));
    gather(data, (size_t)len);
    (void)snprintf(answer,
                   sizeof(answer),
                   "{\"type\":\"publish_success\",\"id\":\"%.*s\","
                   "\"successful\":[{\"identifier\":"
                   "\"00000000-0000-7000-8000-000000000000\",\"index\":0}],"
                   "\"failed\":[]}",
                   (int)id.len,
                   (const char *)id.data);
    say(fd, answer);
}

static void message(int fd, struct bytes text)
{
    struct client *c = &clients[fd];

    if (memmem(text.data, text.len, "\"publish\"", 9) != NULL) {
        publish(fd, text);
    } else if (memmem(text.data, text.len, "connection_init", 15) != NULL) {
        say(fd, "{\"type\":\"connection_ack\",\"connectionTimeoutMs\":300000}");
    } else if (memmem(text.data, text.len, "\"subscribe\"", 11) != NULL) {
        say(fd, "{\"type\":\"subscribe_success\",\"id\":\"s1\"}");
        c->subscribed = true;
        subscribers[subscriber_count++] = fd;
    }
}

/* One masked frame at the front; 0 when it is not whole. */
static size_t take_frame(int fd, uint8_t *data, size_t len)
{
    size_t header, payload_len, whole;
    uint8_t *mask;

    if (len < 2) {
        return 0;
    }
    payload_len = data[1] & 0x7f;
    header = payload_len < 126 ? 2 : payload_len == 126 ? 4 : 10;
    if (len < header + MASK_LEN) {
        return 0;
    }
    if (header > 2) {
        payload_len = 0;
        for (size_t i = 2; i < header; i++) {
            payload_len = payload_len << 8 | data[i];
        }
    }
    whole = header + MASK_LEN + payload_len;
    if (len < whole) {
        return 0;
    }
    mask = data + header;
    for (size_t i = 0; i < payload_len; i++) {
        mask[MASK_LEN + i] ^= mask[i % MASK_LEN];
    }
    if ((data[0] & 0x0f) == WS_FRAME_TEXT) {
        message(fd, bytes_of(mask + MASK_LEN, payload_len));
    }
    return whole;
}

static size_t take_upgrade(int fd, const char *data, size_t len)
{
    static const char name[] = "sec-websocket-key: ";
    const char *end = memmem(data, len, "\r\n\r\n", 4);
    const char *key = memmem(data, len, name, sizeof(name) - 1);
    char accept[WS_ACCEPT_LEN];
    char answer[300];

    if (end == NULL || key == NULL) {
        return 0;
    }
    ws_accept_reply(bytes_of(key + sizeof(name) - 1, WS_ACCEPT_KEY_LEN),
                    accept);
    (void)snprintf(answer,
                   sizeof(answer),
                   "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
                   "connection: Upgrade\r\n"
                   "sec-websocket-protocol: aws-appsync-event-ws\r\n"
                   "sec-websocket-accept: %.*s\r\n\r\n",
                   WS_ACCEPT_LEN,
                   accept);
    write_all(fd, answer, strlen(answer));
    clients[fd].upgraded = true;
    return (size_t)(end - data) + 4;
}

static size_t take_post(int fd, const char *data, size_t len)
{
    static const char name[] = "content-length: ";
    static const char body[] =
        "{\"failed\":[],\"successful\":[{\"identifier\":"
        "\"00000000-0000-7000-8000-000000000000\",\"index\":0}]}";
    const char *end = memmem(data, len, "\r\n\r\n", 4);
    const char *length = memmem(data, len, name, sizeof(name) - 1);
    char answer[300];
    size_t whole;

    if (end == NULL || length == NULL) {
        return 0;
    }
    whole =
        (size_t)(end - data) + 4 + strtoul(length + sizeof(name) - 1, NULL, 10);
    if (len < whole) {
        return 0;
    }
    (void)snprintf(answer,
                   sizeof(answer),
                   "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                   "content-length: %zu\r\n\r\n%s",
                   sizeof(body) - 1,
                   body);
    write_all(fd, answer, strlen(answer));
    return whole;
}

static void forget(int fd)
{
    struct client *c = &clients[fd];

    for (size_t i = 0; c->subscribed && i < subscriber_count; i++) {
        if (subscribers[i] == fd) {
            subscribers[i] = subscribers[--subscriber_count];
            break;
        }
    }
    free(c->left);
    *c = (struct client){0};
    (void)close(fd);
}

static void serve(int fd)
{
    static char in[IN_BYTES];
    struct client *c = &clients[fd];
    size_t len = c->left_len;
    size_t at = 0;
    size_t taken = 1;
    ssize_t n;

    if (len > 0) {
        memcpy(in, c->left, len);
        free(c->left);
        c->left = NULL;
        c->left_len = 0;
    }
    n = recv(fd, in + len, sizeof(in) - len, MSG_DONTWAIT);
    if (n <= 0) {
        forget(fd);
        return;
    }
    len += (size_t)n;
    while (taken > 0 && at < len) {
        taken = http_only     ? take_post(fd, in + at, len - at)
                : c->upgraded ? take_frame(fd, (uint8_t *)in + at, len - at)
                              : take_upgrade(fd, in + at, len - at);
        at += taken;
    }
    if (at < len) {
        c->left_len = len - at;
        c->left = malloc(c->left_len);
        check(c->left != NULL);
        memcpy(c->left, in + at, c->left_len);
    }
}

static int listen_on(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, 4096) != 0) {
        fail("listen");
    }
    return fd;
}

static void add(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

static void accept_one(int epoll, int listener)
{
    int fd = accept(listener, NULL, NULL);
    int on = 1;

    if (fd < 0 || fd >= CLIENTS_MAX) {
        fail("accept");
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    add(epoll, fd);
}

_Noreturn static void run(int epoll, int listener)
{
    struct epoll_event events[EVENTS_MAX];

    for (;;) {
        int wait_ms = gathered_frames > 0 ? IDLE_MS : -1;
        int n = epoll_wait(epoll, events, EVENTS_MAX, wait_ms);

        if (n == 0) {
            fan_out();
        }
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener) {
                accept_one(epoll, listener);
            } else {
                serve(events[i].data.fd);
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct rlimit files = {CLIENTS_MAX, CLIENTS_MAX};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener;

    if (argc < 3 ||
        (strcmp(argv[1], "fanout") != 0 && strcmp(argv[1], "http") != 0)) {
        fprintf(stderr, "Usage: floor fanout PORT [FRAMES] | http PORT\n");
        return 2;
    }
    http_only = strcmp(argv[1], "http") == 0;
    frames_each = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
    if (frames_each == 0 || frames_each > EVENTS_MAX) {
        fprintf(stderr, "floor: FRAMES is 1 to %d\n", EVENTS_MAX);
        return 2;
    }
    (void)setrlimit(RLIMIT_NOFILE, &files);
    listener = listen_on((unsigned)strtoul(argv[2], NULL, 10));
    add(epoll, listener);
    printf("floor ready\n");
    (void)fflush(stdout);
    run(epoll, listener);
}
