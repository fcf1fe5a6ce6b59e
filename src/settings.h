/* The settings of a node: what they are called, what they may be, what they
 * are when nobody says, in one table from which the configuration file's
 * parser, --help, the sample configuration and the manual page are made. */
#ifndef SRC_SETTINGS_H
#define SRC_SETTINGS_H

#include "base/bytes.h"
#include "base/why.h"
#include "src/address.h"

#define SETTINGS_NAMESPACES_MAX 1024
#define SETTINGS_NAMESPACE_BYTES_MAX 50
#define SETTINGS_TEXT_BYTES_MAX 4096 /* one text, such as a path */

struct settings_list {
    char **items;
    size_t count;
};

/* As the table's choices stand. */
enum settings_durability {
    SETTINGS_DURABILITY_QUORUM,
    SETTINGS_DURABILITY_DISK,
    SETTINGS_DURABILITY_MEMORY,
};

struct settings_namespace {
    char name[SETTINGS_NAMESPACE_BYTES_MAX + 1];
    uint64_t durability; /* enum settings_durability */
    bool history;
    uint64_t age_max_ms; /* of events in the window; 0: keeps none */
    uint64_t events_max; /* of a channel; 0: keeps none */
    uint64_t bytes_max;  /* of a channel; 0: keeps none */
    uint64_t replay_ms;
    uint64_t log_share; /* of a full log, beside the others */
};

struct settings {
    char *data_dir;
    uint64_t log_level; /* enum logger_level */
    struct address listen;
    uint64_t shards; /* 0: one for each core */
    uint64_t drain_timeout_ms;

    struct address tls_listen; /* host "": off */
    char *tls_certificate;
    char *tls_key;

    struct settings_list cors_allowed_origins;

    struct settings_list keys_issuers;      /* checked: issuer_parse() */
    struct settings_list keys_issuer_files; /* not read yet */

    uint64_t limits_connections_max;
    uint64_t limits_head_bytes_max;
    uint64_t limits_body_bytes_max;
    uint64_t limits_message_bytes_max;
    uint64_t limits_request_timeout_ms;
    uint64_t limits_idle_timeout_ms;
    uint64_t limits_write_timeout_ms;
    uint64_t limits_silence_timeout_ms;
    uint64_t limits_send_buffer_bytes_max;
    uint64_t limits_receive_buffer_bytes_max;
    uint64_t limits_subscriptions_max;
    uint64_t limits_publishes_in_flight_max;
    uint64_t limits_queue_bytes_max;
    uint64_t limits_unfinished_bytes_max;

    bool websocket_compression;
    uint64_t websocket_keepalive_ms;
    uint64_t websocket_timeout_ms;

    uint64_t log_bytes_max;
    uint64_t log_index_bytes_max;
    uint64_t log_age_max_ms;

    struct address cluster_listen; /* host "": a node on its own */
    struct address cluster_advertise;
    struct settings_list cluster_join; /* HOST:PORT, not read yet */
    char *cluster_secret_file;
    struct settings_list cluster_urls;
    uint64_t cluster_quorum_timeout_ms;

    struct settings_namespace *namespaces;
    size_t namespace_count;
};

enum settings_type {
    SETTINGS_BOOL,     /* bool */
    SETTINGS_NUMBER,   /* uint64_t */
    SETTINGS_SIZE,     /* uint64_t, bytes */
    SETTINGS_DURATION, /* uint64_t, ms */
    SETTINGS_CHOICE,   /* uint64_t, which of `choices` */
    SETTINGS_TEXT,     /* char * */
    SETTINGS_LIST,     /* struct settings_list */
    SETTINGS_ADDRESS,  /* struct address */
};

struct settings_entry {
    const char *name; /* "section.name", or no section */
    enum settings_type type;
    size_t offset;       /* in struct settings, or struct settings_namespace */
    const char *initial; /* as it stands in the file; "": not set */
    uint64_t least;      /* numbers, sizes, durations */
    uint64_t most;       /* these, and how many items in a list */
    const char *choices; /* "debug info": separated by a space */
    const char *help;    /* one sentence */
};

/* The settings of a node and those of each namespace, in the order in which
 * they are explained: a section's stand together. */
const struct settings_entry *settings_entries(size_t *ret_count);
const struct settings_entry *settings_namespace_entries(size_t *ret_count);

/* Everything as when nobody says; no namespace. */
void settings_init(struct settings *s);
void settings_done(struct settings *s);

/* Set what `entry` describes inside `target`, from the words of the file. Only
 * a list takes any number of values. RC_MALFORMED, RC_TOO_LARGE: a sentence
 * that does not repeat the setting's name; nothing is changed. */
int settings_assign(const struct settings_entry *entry,
                    void *target,
                    const struct bytes *values,
                    size_t value_count,
                    struct why *why);

/* Add a namespace with the settings it has when nobody says; borrowed until
 * the next is added. RC_MALFORMED: not a name; RC_EXISTS; RC_TOO_LARGE. */
int settings_namespace_add(struct settings *s,
                           struct bytes name,
                           struct settings_namespace **ret,
                           struct why *why);

#endif
