/* `weir status` and `weir cluster`: one request each to a node. */
#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "proto/server_msg.h"
#include "src/client.h"
#include "src/commands.h"
#include "src/options.h"
#include "src/say.h"

#include <stdio.h>

#define REFUSAL_BYTES_MAX 4096
/* A node that hangs is one of the things to be seen. */
#define TIMEOUT_MS 10000

static const struct options_entry status_entries[] = {
    CLIENT_OPTIONS,
    {"json", NULL, "Print JSON, for programs.", false},
};

static const struct options_command status_command = {
    .name = "weir status",
    .operands = "URL",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "Show the cluster of the node at URL: its members, their states "
               "and for how long, links and their lag, and how far each is "
               "behind. The key must be an admin's.",
    .entries = status_entries,
    .entry_count = sizeof(status_entries) / sizeof(status_entries[0]),
};

static const struct options_entry cluster_entries[] = {
    CLIENT_OPTIONS,
};

static const struct options_command cluster_command = {
    .name = "weir cluster",
    .operands = "forget URL NODE",
    .operands_min = 3,
    .operands_max = 3,
    .summary = "Tell the cluster of the node at URL that NODE, which is dead "
               "or has left, will not come back: a majority is counted "
               "without it from now on. The key must be an admin's.",
    .entries = cluster_entries,
    .entry_count = sizeof(cluster_entries) / sizeof(cluster_entries[0]),
};

struct request {
    const struct options_command *command;
    struct http_client *http;
    uv_timer_t timeout;
    bool json;
    const char *said; /* in place of the answer's body; NULL: that */
    int status;       /* to exit with */
};

static void end(struct request *r)
{
    http_client_close(r->http);
    uv_close((uv_handle_t *)&r->timeout, NULL);
}

/* A refusal, as a sentence. */
static void complain(const struct request *r, int status, struct bytes body)
{
    CLEANUP(buffer_done) struct buffer scratch;
    struct server_msg msg;

    buffer_init(&scratch, REFUSAL_BYTES_MAX);
    if (server_msg_parse(body, &scratch, &msg) == 0 && msg.error_count > 0) {
        say_line(r->command->name,
                 "%.*s: %.*s",
                 (int)msg.error_type.len,
                 (const char *)msg.error_type.data,
                 (int)msg.error_message.len,
                 (const char *)msg.error_message.data);
    } else {
        say_line(r->command->name,
                 "the server answered with HTTP status %d",
                 status);
    }
}

/* The table, or one line of JSON. */
static void print_body(const struct request *r, struct bytes body)
{
    while (body.len > 0 && body.data[body.len - 1] == '\n') {
        body.len--;
    }
    if (r->json) {
        say_json(stdout, body);
    } else {
        say_text(stdout, body);
    }
    printf("\n");
}

static void on_answer(void *context, int status, struct bytes body)
{
    struct request *r = context;

    r->status = status == 200 ? 0 : 1;
    if (status != 200) {
        complain(r, status, body);
    } else if (r->said != NULL) {
        printf("%s\n", r->said);
    } else {
        print_body(r, body);
    }
    end(r);
}

static void on_closed(void *context, int rc, const struct why *why)
{
    struct request *r = context;

    (void)rc;
    say_line(r->command->name, "%s", why->text);
    uv_close((uv_handle_t *)&r->timeout, NULL);
}

static void on_timeout(uv_timer_t *timer)
{
    struct request *r = timer->data;

    say_line(
        r->command->name, "no answer within %d seconds", TIMEOUT_MS / 1000);
    end(r);
}

static const struct http_client_events events = {
    .answered = on_answer,
    .closed = on_closed,
};

/* One request; GET without a body. */
static int ask(struct request r,
               const struct options *o,
               const char *url,
               const char *path,
               struct bytes body)
{
    const struct options_command *command = r.command;
    struct client_arguments arguments = client_arguments(o, url);
    struct http_client_options options;
    struct client client;
    struct why why;
    uv_loop_t loop;

    if (client_init(&client, &arguments, &why) != 0) {
        return options_complain(command, "%s", why.text);
    }
    options = client_http_options(&client);
    options.path = path;
    options.get = body.len == 0;
    check(uv_loop_init(&loop) == 0);
    check(uv_timer_init(&loop, &r.timeout) == 0);
    r.timeout.data = &r;
    check(uv_timer_start(&r.timeout, on_timeout, TIMEOUT_MS, 0) == 0);
    r.http = http_client_open(&loop, &options, &events, &r);
    check(http_client_post(r.http, body) == 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&loop) == 0);
    client_done(&client);
    return r.status;
}

int status_main(int argc, char **argv)
{
    struct options o;
    int status;

    if (!options_parse(&status_command, argc, argv, &o, &status)) {
        return status;
    }
    return ask((struct request){.command = &status_command,
                                .json = options_has(&o, "json"),
                                .status = 1},
               &o,
               o.operands[0],
               options_has(&o, "json") ? "/cluster" : "/cluster.txt",
               bytes_of(NULL, 0));
}

int status_cluster_main(int argc, char **argv)
{
    struct options o;
    char body[64];
    char said[64];
    uint64_t node;
    int status;

    if (!options_parse(&cluster_command, argc, argv, &o, &status)) {
        return status;
    }
    if (strcmp(o.operands[0], "forget") != 0) {
        return options_complain(
            &cluster_command, "there is no 'weir cluster %s'", o.operands[0]);
    }
    if (!text_hex_u64(bytes_text(o.operands[2]), &node)) {
        return options_complain(&cluster_command,
                                "'%s' is not the identity of a node",
                                o.operands[2]);
    }
    (void)snprintf(
        body, sizeof(body), "{\"node\":\"%016llx\"}", (unsigned long long)node);
    (void)snprintf(
        said, sizeof(said), "%016llx is forgotten", (unsigned long long)node);
    return ask((struct request){.command = &cluster_command,
                                .said = said,
                                .status = 1},
               &o,
               o.operands[1],
               "/cluster/forget",
               bytes_text(body));
}
