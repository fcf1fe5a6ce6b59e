/* The table, and what each type of setting accepts. */
#include "src/settings.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/text.h"
#include "src/duration.h"
#include "src/settings_print.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define K UINT64_C(1024)
#define M (1024 * K)
#define G (1024 * M)
#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define LIST_MAX 64

#define AT(field) offsetof(struct settings, field)
#define NAMESPACE_AT(field) offsetof(struct settings_namespace, field)

/* clang-format off */
static const struct settings_entry entries[] = {
    {"data_dir", SETTINGS_TEXT, AT(data_dir), "/var/lib/weir", 0, 0, 0,
     "The directory that holds the log, the node's identity and the secret of "
     "its tokens; made when absent."},
    {"listen", SETTINGS_ADDRESS, AT(listen), "127.0.0.1:8080", 0, 0, 0,
     "Where to listen for HTTP and WebSocket without TLS."},
    {"shards", SETTINGS_NUMBER, AT(shards), "0", 0, 256, 0,
     "Threads that serve connections; 0 is one for each core."},
    {"drain_timeout", SETTINGS_DURATION, AT(drain_timeout_ms), "10s",
     0, 10 * MINUTE, 0,
     "Time over which clients are sent away, in random order, when the node "
     "stops; a millisecond for each if that is less."},
    {"log_level", SETTINGS_CHOICE, AT(log_level), "info", 0, 0,
     "debug info warn error",
     "The least serious lines that are written to standard error."},

    {"tls.listen", SETTINGS_ADDRESS, AT(tls_listen), "", 0, 0, 0,
     "Where to listen for HTTPS and secure WebSocket; needs a certificate and "
     "its key."},
    {"tls.certificate", SETTINGS_TEXT, AT(tls_certificate), "", 0, 0, 0,
     "PEM file with the server's certificate and those between it and its "
     "authority; read again on SIGHUP."},
    {"tls.key", SETTINGS_TEXT, AT(tls_key), "", 0, 0, 0,
     "PEM file with the certificate's private key, without a passphrase."},

    {"cors.allowed_origins", SETTINGS_LIST, AT(cors_allowed_origins), "*",
     0, LIST_MAX, 0,
     "Origins of the web pages that may publish, such as "
     "https://app.example.org; * is every page."},

    {"keys.issuers", SETTINGS_LIST, AT(keys_issuers), "", 0, LIST_MAX, 0,
     "Public keys of the issuers whose API keys are accepted, as 'weir key "
     "issuer' prints them."},
    {"keys.issuer_files", SETTINGS_LIST, AT(keys_issuer_files), "",
     0, LIST_MAX, 0,
     "Files that hold such a public key each."},

    {"limits.connections_max", SETTINGS_NUMBER, AT(limits_connections_max),
     "100000", 1, 10000000, 0,
     "Connections at once; more are closed as they come."},
    {"limits.head_bytes_max", SETTINGS_SIZE, AT(limits_head_bytes_max),
     "32K", 1 * K, 1 * M, 0,
     "Bytes of a request's first line and header fields together."},
    {"limits.body_bytes_max", SETTINGS_SIZE, AT(limits_body_bytes_max),
     "8M", 1 * K, 64 * M, 0,
     "Bytes of a request's body."},
    {"limits.message_bytes_max", SETTINGS_SIZE, AT(limits_message_bytes_max),
     "8M", 1 * K, 64 * M, 0,
     "Bytes of a WebSocket message from a client."},
    {"limits.request_timeout", SETTINGS_DURATION,
     AT(limits_request_timeout_ms), "15s", 100, 10 * MINUTE, 0,
     "Time to send a whole request or WebSocket message, or to finish a TLS "
     "handshake; slower senders are cut off."},
    {"limits.idle_timeout", SETTINGS_DURATION, AT(limits_idle_timeout_ms),
     "75s", 100, 1 * DAY, 0,
     "Time that an HTTP connection may stay open between requests."},
    {"limits.write_timeout", SETTINGS_DURATION, AT(limits_write_timeout_ms),
     "30s", 100, 10 * MINUTE, 0,
     "Time that a client may take nothing of what waits for it."},
    {"limits.silence_timeout", SETTINGS_DURATION,
     AT(limits_silence_timeout_ms), "90s", 1 * SECOND, 1 * HOUR, 0,
     "Time that a client may acknowledge nothing of what was sent, not even "
     "that it is full; it is taken for gone then."},
    {"limits.send_buffer_max", SETTINGS_SIZE,
     AT(limits_send_buffer_bytes_max), "64K", 4 * K, 64 * M, 0,
     "Bytes kept for a connection that reads slowly; past it, it is served "
     "from the log; the system may hold about as many unsent."},
    {"limits.receive_buffer_max", SETTINGS_SIZE,
     AT(limits_receive_buffer_bytes_max), "256K", 4 * K, 64 * M, 0,
     "Bytes that the system may hold of what a client sent and that were not "
     "read yet; the system's own limit may be lower."},
    {"limits.subscriptions_max", SETTINGS_NUMBER,
     AT(limits_subscriptions_max), "200", 1, 65535, 0,
     "Subscriptions of one connection."},
    {"limits.publishes_in_flight_max", SETTINGS_NUMBER,
     AT(limits_publishes_in_flight_max), "64", 1, 65535, 0,
     "Publishes of one WebSocket connection that wait for their answer."},
    {"limits.queue_bytes_max", SETTINGS_SIZE, AT(limits_queue_bytes_max),
     "64M", 1 * M, 64 * G, 0,
     "Bytes of events, of the whole node, that are accepted and not yet on "
     "disk; more are refused as busy."},
    {"limits.unfinished_bytes_max", SETTINGS_SIZE,
     AT(limits_unfinished_bytes_max), "128M", 1 * M, 64 * G, 0,
     "Bytes of requests and messages, of the whole node, of which only a part "
     "has come; past it the newest of those over 16K are refused as busy, past "
     "a quarter of it those of WebSockets whose keys may not publish."},

    {"websocket.compression", SETTINGS_BOOL, AT(websocket_compression),
     "false", 0, 0, 0,
     "Whether clients may have their messages compressed "
     "(permessage-deflate)."},
    {"websocket.keepalive", SETTINGS_DURATION, AT(websocket_keepalive_ms),
     "25s", 100, 1 * HOUR, 0,
     "Time between the keep-alive messages to a client."},
    {"websocket.timeout", SETTINGS_DURATION, AT(websocket_timeout_ms),
     "300s", 200, 1 * DAY, 0,
     "What clients are told: without a keep-alive for so long, the connection "
     "is dead."},

    {"log.bytes_max", SETTINGS_SIZE, AT(log_bytes_max), "1G",
     16 * M, 16 * 1024 * G, 0,
     "Bytes of events on disk; past it, the oldest go, see log_share."},
    {"log.index_bytes_max", SETTINGS_SIZE, AT(log_index_bytes_max), "256M",
     1 * M, 64 * G, 0,
     "Memory for where channels have their events; past it, the oldest go."},
    {"log.age_max", SETTINGS_DURATION, AT(log_age_max_ms), "24h",
     1 * SECOND, 3650 * DAY, 0,
     "How long events are kept."},

    {"cluster.listen", SETTINGS_ADDRESS, AT(cluster_listen), "", 0, 0, 0,
     "Where to listen for the cluster's other nodes, over UDP and TCP; without "
     "it, the node is on its own."},
    {"cluster.advertise", SETTINGS_ADDRESS, AT(cluster_advertise), "", 0, 0, 0,
     "Where the others reach this node, when that is not where it listens; a "
     "name is looked up at the start only."},
    {"cluster.join", SETTINGS_LIST, AT(cluster_join), "", 0, LIST_MAX, 0,
     "HOST:PORT of some nodes of the cluster, to find the others by."},
    {"cluster.secret_file", SETTINGS_TEXT, AT(cluster_secret_file), "", 0, 0,
     0,
     "The file that holds the cluster's secret, the same on all nodes, as "
     "'weir key secret' prints it; not to be read by everybody."},
    {"cluster.urls", SETTINGS_LIST, AT(cluster_urls), "", 0, 4, 0,
     "URLs where clients reach this node, for the others to tell them; where "
     "it listens, when not given; a node behind a proxy, or whose certificate "
     "is for a name, needs them."},
    {"cluster.quorum_timeout", SETTINGS_DURATION,
     AT(cluster_quorum_timeout_ms), "5s", 10, 10 * MINUTE, 0,
     "How long a publish waits for a majority of the nodes before its outcome "
     "is said to be unknown."},
};

static const struct settings_entry namespace_entries[] = {
    {"durability", SETTINGS_CHOICE, NAMESPACE_AT(durability), "quorum",
     0, 0, "quorum disk memory",
     "When a publish is answered: quorum is once it is synced to the disks of "
     "a majority of the nodes; disk, of this one, which is the same for a node "
     "on its own; memory is before that, so that a crash may lose events that "
     "were answered but that nobody has seen."},
    {"history", SETTINGS_BOOL, NAMESPACE_AT(history), "true", 0, 0, 0,
     "Whether events can be had later; without it they are kept for delivery "
     "only, and a subscriber that is slow is told of a gap."},
    {"age_max", SETTINGS_DURATION, NAMESPACE_AT(age_max_ms), "24h",
     0, 3650 * DAY, 0,
     "How long an event can be had, at most; log.age_max bounds it as well. 0 "
     "is not at all, like history = false."},
    {"events_max", SETTINGS_NUMBER, NAMESPACE_AT(events_max), "1000000",
     0, 1000000000, 0,
     "How many of a channel's newest events can be had; 0 is none, like "
     "history = false."},
    {"bytes_max", SETTINGS_SIZE, NAMESPACE_AT(bytes_max), "1G",
     0, 16 * 1024 * G, 0,
     "Bytes of a channel's newest events, as they are on disk, that can be "
     "had; 0 is none, like history = false."},
    {"log_share", SETTINGS_NUMBER, NAMESPACE_AT(log_share), "1",
     1, 1000, 0,
     "Its part of a full log beside the others' parts; who holds most for its "
     "part loses its oldest events first, and the others lose nothing."},
    {"replay", SETTINGS_DURATION, NAMESPACE_AT(replay_ms), "0",
     0, 1 * DAY, 0,
     "Events of so many whole seconds that a new WebSocket subscription is "
     "given first, when it asks for no replay and no cursors, as AWS's "
     "clients do; 0 is none."},
};
/* clang-format on */

const struct settings_entry *settings_entries(size_t *ret_count)
{
    *ret_count = sizeof(entries) / sizeof(entries[0]);
    return entries;
}

const struct settings_entry *settings_namespace_entries(size_t *ret_count)
{
    *ret_count = sizeof(namespace_entries) / sizeof(namespace_entries[0]);
    return namespace_entries;
}

/* Set every entry of a table to its initial words. */
static void assign_initial(const struct settings_entry *table,
                           size_t count,
                           void *target)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes initial = bytes_text(table[i].initial);

        if (initial.len > 0) {
            check(settings_assign(&table[i], target, &initial, 1, NULL) == 0);
        }
    }
}

void settings_init(struct settings *s)
{
    size_t count;
    const struct settings_entry *table = settings_entries(&count);

    memset(s, 0, sizeof(*s));
    assign_initial(table, count, s);
}

static void list_free(struct settings_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct settings_list){0};
}

void settings_done(struct settings *s)
{
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        void *field = (char *)s + entries[i].offset;

        if (entries[i].type == SETTINGS_TEXT) {
            free(*(char **)field);
        } else if (entries[i].type == SETTINGS_LIST) {
            list_free(field);
        }
    }
    free(s->namespaces);
    memset(s, 0, sizeof(*s));
}

static int malformed(struct bytes text, const char *expects, struct why *why)
{
    return why_set(why,
                   RC_MALFORMED,
                   "'%.*s' is not %s",
                   (int)(text.len > 100 ? 100 : text.len),
                   (const char *)text.data,
                   expects);
}

/* A number, size or duration, within its bounds. */
static int assign_number(const struct settings_entry *entry,
                         struct bytes text,
                         uint64_t *ret,
                         struct why *why)
{
    char bound[SETTINGS_VALUE_BYTES_MAX];
    uint64_t value = 0;

    if (entry->type == SETTINGS_NUMBER && !text_decimal(text, &value)) {
        return malformed(text, "a number", why);
    }
    if (entry->type == SETTINGS_SIZE && !text_size(text, &value)) {
        return malformed(text, "a size in bytes, such as 64K, 8M or 2G", why);
    }
    if (entry->type == SETTINGS_DURATION && !duration_parse(text, &value)) {
        return malformed(
            text,
            "a length of time, such as 500ms, 15s, 5min, 24h or 30d",
            why);
    }
    if (value < entry->least || value > entry->most) {
        bool small = value < entry->least;

        settings_print_value(entry, small ? entry->least : entry->most, bound);
        return why_set(why,
                       RC_TOO_LARGE,
                       "%.*s is %s than %s",
                       (int)text.len,
                       (const char *)text.data,
                       small ? "smaller" : "larger",
                       bound);
    }
    *ret = value;
    return 0;
}

static int assign_bool(struct bytes text, bool *ret, struct why *why)
{
    static const char *const words[][2] = {
        {"false", "true"}, {"no", "yes"}, {"off", "on"}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (int value = 0; value < 2; value++) {
            if (bytes_equal_text(text, words[i][value])) {
                *ret = value == 1;
                return 0;
            }
        }
    }
    return malformed(text, "true or false", why);
}

static int assign_choice(const struct settings_entry *entry,
                         struct bytes text,
                         uint64_t *ret,
                         struct why *why)
{
    struct bytes rest = bytes_text(entry->choices);
    struct bytes choice;

    for (uint64_t i = 0; bytes_split(&rest, ' ', &choice); i++) {
        if (bytes_equal(text, choice)) {
            *ret = i;
            return 0;
        }
    }
    return why_set(why,
                   RC_MALFORMED,
                   "'%.*s' is not one of: %s",
                   (int)(text.len > 100 ? 100 : text.len),
                   (const char *)text.data,
                   entry->choices);
}

static char *copy(struct bytes text)
{
    char *out = alloc_raw(text.len + 1);

    if (text.len > 0) {
        memcpy(out, text.data, text.len);
    }
    out[text.len] = 0;
    return out;
}

static int assign_text(struct bytes text, char **ret, struct why *why)
{
    if (text.len == 0) {
        return why_set(why, RC_MALFORMED, "the text is empty");
    }
    if (text.len > SETTINGS_TEXT_BYTES_MAX) {
        return why_set(why,
                       RC_TOO_LARGE,
                       "the text has more than %d bytes",
                       SETTINGS_TEXT_BYTES_MAX);
    }
    free(*ret);
    *ret = copy(text);
    return 0;
}

static int assign_list(const struct settings_entry *entry,
                       const struct bytes *values,
                       size_t count,
                       struct settings_list *ret,
                       struct why *why)
{
    if (count > entry->most) {
        return why_set(why,
                       RC_TOO_LARGE,
                       "%zu items are more than %" PRIu64,
                       count,
                       entry->most);
    }
    for (size_t i = 0; i < count; i++) {
        if (values[i].len == 0 || values[i].len > SETTINGS_TEXT_BYTES_MAX) {
            return why_set(why,
                           RC_MALFORMED,
                           "item %zu is empty or has more than %d bytes",
                           i + 1,
                           SETTINGS_TEXT_BYTES_MAX);
        }
    }
    list_free(ret);
    ret->items = alloc_zero((count + 1) * sizeof(*ret->items));
    for (size_t i = 0; i < count; i++) {
        ret->items[i] = copy(values[i]);
    }
    ret->count = count;
    return 0;
}

int settings_assign(const struct settings_entry *entry,
                    void *target,
                    const struct bytes *values,
                    size_t value_count,
                    struct why *why)
{
    void *field = (char *)target + entry->offset;

    if (entry->type == SETTINGS_LIST) {
        return assign_list(entry, values, value_count, field, why);
    }
    if (value_count != 1) {
        return why_set(why, RC_MALFORMED, "expects one value, not a list");
    }
    switch (entry->type) {
    case SETTINGS_BOOL:
        return assign_bool(values[0], field, why);
    case SETTINGS_NUMBER:
    case SETTINGS_SIZE:
    case SETTINGS_DURATION:
        return assign_number(entry, values[0], field, why);
    case SETTINGS_CHOICE:
        return assign_choice(entry, values[0], field, why);
    case SETTINGS_TEXT:
        return assign_text(values[0], field, why);
    case SETTINGS_ADDRESS:
        return address_parse(values[0], field, why);
    case SETTINGS_LIST:
        break;
    }
    check_unreachable();
}

static bool is_namespace_name(struct bytes name)
{
    if (name.len == 0 || name.len > SETTINGS_NAMESPACE_BYTES_MAX ||
        name.data[0] == '-' || name.data[name.len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
              (c >= 'a' && c <= 'z') || c == '-')) {
            return false;
        }
    }
    return true;
}

int settings_namespace_add(struct settings *s,
                           struct bytes name,
                           struct settings_namespace **ret,
                           struct why *why)
{
    struct settings_namespace *added;
    size_t count;
    const struct settings_entry *table = settings_namespace_entries(&count);

    if (!is_namespace_name(name)) {
        return malformed(name,
                         "the name of a namespace: 1 to 50 letters, digits and "
                         "'-', no '-' at either end",
                         why);
    }
    for (size_t i = 0; i < s->namespace_count; i++) {
        if (bytes_equal_text(name, s->namespaces[i].name)) {
            return why_set(why,
                           RC_EXISTS,
                           "namespace '%s' is there twice",
                           s->namespaces[i].name);
        }
    }
    if (s->namespace_count == SETTINGS_NAMESPACES_MAX) {
        return why_set(why,
                       RC_TOO_LARGE,
                       "more than %d namespaces",
                       SETTINGS_NAMESPACES_MAX);
    }
    s->namespaces =
        alloc_resize(s->namespaces, (s->namespace_count + 1) * sizeof(*added));
    added = &s->namespaces[s->namespace_count];
    s->namespace_count++;
    memset(added, 0, sizeof(*added));
    memcpy(added->name, name.data, name.len);
    assign_initial(table, count, added);
    *ret = added;
    return 0;
}
