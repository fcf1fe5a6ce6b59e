/* The console's files and what browsers are told about them. */
#include "src/bridge/console.h"

#include "proto/http_reply.h"
#include "tests/lib/shard_world.h"

#include <stdio.h>

TAP_CASE(each_file_is_found)
{
    static const struct {
        const char *path;
        const char *content_type;
        const char *begin;
    } files[] = {
        {"/console", "text/html; charset=utf-8", "<!DOCTYPE html>\n"},
        {"/console/console.css", "text/css; charset=utf-8", "/* The console"},
        {"/console/console.js", "text/javascript; charset=utf-8", "// The c"},
        {"/console/weir.js", "text/javascript; charset=utf-8", "// A client"},
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const char *content_type;
        struct bytes body;

        tap_check(
            console_find(bytes_text(files[i].path), &content_type, &body));
        tap_equal_text(bytes_text(content_type), files[i].content_type);
        tap_check(bytes_starts_with(body, bytes_text(files[i].begin)));
        tap_equal(((const char *)body.data)[body.len - 1], '\n');
    }
}

TAP_CASE(nothing_else_is)
{
    static const char *const paths[] = {
        "", "/", "/console/", "/consol", "/console/index.html", "/Console"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const char *content_type;
        struct bytes body;

        tap_check(!console_find(bytes_text(paths[i]), &content_type, &body));
    }
}

static int ask(struct shard_world *w, const char *request, char head[1024])
{
    struct shard_peer *p = shard_world_connect(w);

    shard_peer_send(p, request);
    shard_world_settle(w);
    return shard_peer_answer(p, head);
}

TAP_CASE(it_is_served_where_it_is_switched_on)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w = shard_world_new(&options);
    char head[1024];

    tap_equal(ask(w, "GET /console HTTP/1.1\r\nHost: h\r\n\r\n", head), 404);
    shard_world_free(w);
    options.console = true;
    w = shard_world_new(&options);
    tap_equal(ask(w, "GET /console HTTP/1.1\r\nHost: h\r\n\r\n", head), 200);
    tap_check(strstr(head, "default-src 'none'; script-src 'self';") != NULL);
    tap_check(strstr(head, "x-content-type-options: nosniff\r\n") != NULL);
    tap_check(strstr(head, "referrer-policy: no-referrer\r\n") != NULL);
    tap_check(strstr(head, "cache-control: no-cache\r\n") != NULL);
    tap_equal(ask(w, "GET /console?a=b HTTP/1.1\r\nHost: h\r\n\r\n", head),
              200);
    tap_equal(ask(w,
                  "POST /console HTTP/1.1\r\nHost: h\r\n"
                  "Content-Length: 0\r\n\r\n",
                  head),
              405);
    tap_check(strstr(head, "allow: GET, HEAD, OPTIONS\r\n") != NULL);
    shard_world_free(w);
}

/* Who asks and does not read is served no more than is kept for a client. */
TAP_CASE(requests_without_end_are_not_served)
{
    struct shard_world_options options = shard_world_defaults();
    struct shard_world *w;
    struct shard_peer *p;
    char head[1024];
    size_t served = 0;
    bool last = false;

    options.console = true;
    w = shard_world_new(&options);
    p = shard_world_connect(w);
    for (size_t i = 0; i < 100; i++) {
        shard_peer_send(p, "GET /console/weir.js HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    shard_world_settle(w);
    while (!last && served < 100) {
        tap_equal(shard_peer_answer(p, head), 200);
        last = strstr(head, "\r\nConnection: close\r\n") != NULL;
        served++;
    }
    tap_equal(shard_peer_answer(p, head), 0);
    tap_check(served > 1);
    tap_check(served < 10);
    tap_check(p->half_closed || p->closed);
    shard_world_free(w);
}

TAP_MAIN()
