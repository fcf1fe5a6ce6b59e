/* Walks the items of the file; remembers each setting's line, to tell of
 * repetitions and of settings that do not go together. */
#include "src/settings_file.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "src/config_text.h"
#include "src/io/file.h"
#include "src/io/issuer.h"
#include "src/url.h"

#include <stdio.h>

#define ENTRIES_MAX 64
#define NAME_BYTES_MAX 128
#define NAMESPACE "namespace"

struct load {
    struct settings *settings;
    struct settings_namespace *current; /* inside a namespace's section */
    char section[NAME_BYTES_MAX];       /* "limits." while inside limits */
    size_t section_len[CONFIG_TEXT_DEPTH_MAX + 1]; /* of each level */
    unsigned depth;
    unsigned lines[ENTRIES_MAX]; /* where each entry was set; 0: nowhere */
    unsigned namespace_lines[ENTRIES_MAX];
    unsigned line; /* that a complaint is about */
};

static const struct settings_entry *find(const struct settings_entry *table,
                                         size_t count,
                                         const char *name,
                                         size_t *ret_index)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            *ret_index = i;
            return &table[i];
        }
    }
    return NULL;
}

/* The section and the name within, as one dotted name. */
static int full_name(const struct load *l,
                     struct bytes name,
                     char ret[NAME_BYTES_MAX],
                     struct why *why)
{
    size_t len = strlen(l->section);

    if (len + name.len >= NAME_BYTES_MAX) {
        return why_set(why, RC_TOO_LARGE, "the name is too long");
    }
    memcpy(ret, l->section, len);
    memcpy(ret + len, name.data, name.len);
    ret[len + name.len] = 0;
    return 0;
}

static int take_setting(struct load *l,
                        const struct config_text_item *item,
                        struct why *why)
{
    bool in_namespace = l->current != NULL;
    unsigned *lines = in_namespace ? l->namespace_lines : l->lines;
    void *target = in_namespace ? (void *)l->current : (void *)l->settings;
    char name[NAME_BYTES_MAX];
    const struct settings_entry *table;
    const struct settings_entry *entry;
    size_t count;
    size_t index = 0;
    int rc = full_name(l, item->name, name, why);

    if (rc != 0) {
        return rc;
    }
    table = in_namespace ? settings_namespace_entries(&count)
                         : settings_entries(&count);
    check(count <= ENTRIES_MAX);
    entry = find(table, count, name, &index);
    if (entry == NULL) {
        return why_set(why,
                       RC_NOT_FOUND,
                       "there is no setting '%s'%s",
                       name,
                       in_namespace ? " of a namespace" : "");
    }
    if (lines[index] != 0) {
        return why_set(
            why, RC_EXISTS, "%s: already set in line %u", name, lines[index]);
    }
    lines[index] = item->line;
    if (item->is_list && entry->type != SETTINGS_LIST) {
        return why_set(
            why, RC_MALFORMED, "%s: expects one value, not a list", name);
    }
    rc = settings_assign(entry, target, item->values, item->value_count, why);
    return rc == 0 ? 0 : why_wrap(why, rc, "%s", name);
}

static int open_namespace(struct load *l,
                          const struct config_text_item *item,
                          struct why *why)
{
    if (!item->has_title) {
        return why_set(why,
                       RC_MALFORMED,
                       "a namespace needs its name: namespace \"default\" { }");
    }
    memset(l->namespace_lines, 0, sizeof(l->namespace_lines));
    return settings_namespace_add(l->settings, item->title, &l->current, why);
}

/* Whether any setting's name begins with `section`. */
static bool is_section(const char *section)
{
    size_t count;
    const struct settings_entry *table = settings_entries(&count);

    for (size_t i = 0; i < count; i++) {
        if (strncmp(table[i].name, section, strlen(section)) == 0) {
            return true;
        }
    }
    return false;
}

static int open_section(struct load *l,
                        const struct config_text_item *item,
                        struct why *why)
{
    char name[NAME_BYTES_MAX];
    int rc = full_name(l, item->name, name, why);
    size_t len;

    if (rc != 0) {
        return rc;
    }
    l->section_len[l->depth] = strlen(l->section);
    l->depth++;
    if (l->current == NULL && strcmp(name, NAMESPACE) == 0) {
        return open_namespace(l, item, why);
    }
    len = strlen(name);
    if (len + 1 < NAME_BYTES_MAX) {
        memcpy(name + len, ".", 2);
    }
    if (l->current != NULL || item->has_title || !is_section(name)) {
        return why_set(why,
                       RC_NOT_FOUND,
                       "there is no section '%.*s'%s%s",
                       (int)item->name.len,
                       (const char *)item->name.data,
                       item->has_title ? " with a title" : "",
                       l->current != NULL ? " in a namespace" : "");
    }
    memcpy(l->section, name, NAME_BYTES_MAX);
    return 0;
}

static void close_section(struct load *l)
{
    check(l->depth > 0);
    l->depth--;
    l->section[l->section_len[l->depth]] = 0;
    l->current = NULL;
}

static int take_items(struct load *l, struct bytes text, struct why *why)
{
    struct config_text reader;
    struct config_text_item item;
    int rc = 0;

    config_text_init(&reader, text);
    while (rc == 0) {
        rc = config_text_next(&reader, &item, why);
        if (rc != 0) {
            l->line = reader.line;
            return rc;
        }
        l->line = item.line;
        switch (item.kind) {
        case CONFIG_TEXT_END:
            return 0;
        case CONFIG_TEXT_SETTING:
            rc = take_setting(l, &item, why);
            break;
        case CONFIG_TEXT_SECTION:
            rc = open_section(l, &item, why);
            break;
        case CONFIG_TEXT_SECTION_END:
            close_section(l);
            break;
        }
    }
    return rc;
}

static unsigned line_of(const struct load *l, const char *name)
{
    size_t count;
    const struct settings_entry *table = settings_entries(&count);
    size_t index = 0;

    check(find(table, count, name, &index) != NULL);
    return l->lines[index];
}

/* A part of a cluster's settings would leave a node silently on its own. */
static int check_cluster(struct load *l, struct why *why)
{
    const struct settings *s = l->settings;
    const struct {
        const char *name;
        bool given;
    } others[] = {
        {"cluster.advertise", s->cluster_advertise.host[0] != 0},
        {"cluster.join", s->cluster_join.count > 0},
        {"cluster.secret_file", s->cluster_secret_file != NULL},
        {"cluster.urls", s->cluster_urls.count > 0},
    };
    struct url url;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (others[i].given && s->cluster_listen.host[0] == 0) {
            l->line = line_of(l, others[i].name);
            return why_set(
                why, RC_MALFORMED, "%s: needs cluster.listen", others[i].name);
        }
    }
    l->line = line_of(l, "cluster.listen");
    if (s->cluster_listen.host[0] != 0 && s->cluster_secret_file == NULL) {
        return why_set(why,
                       RC_MALFORMED,
                       "cluster.listen: needs cluster.secret_file; 'weir key "
                       "secret' makes a secret");
    }
    l->line = line_of(l, "cluster.urls");
    for (size_t i = 0; i < s->cluster_urls.count; i++) {
        int rc = url_parse(s->cluster_urls.items[i], &url, why);

        if (rc != 0) {
            return why_wrap(why, rc, "cluster.urls");
        }
    }
    return 0;
}

/* What each setting allows, and the whole does not. */
static int check_together(struct load *l, struct why *why)
{
    const struct settings *s = l->settings;
    uint8_t key[ISSUER_PUBLIC_BYTES];

    l->line = line_of(l, "tls.listen");
    if (s->tls_listen.host[0] != 0 &&
        (s->tls_certificate == NULL || s->tls_key == NULL)) {
        return why_set(
            why, RC_MALFORMED, "tls.listen: needs tls.certificate and tls.key");
    }
    l->line = line_of(l, "websocket.timeout");
    if (l->line == 0) {
        l->line = line_of(l, "websocket.keepalive");
    }
    if (s->websocket_keepalive_ms >= s->websocket_timeout_ms) {
        return why_set(why,
                       RC_MALFORMED,
                       "websocket.timeout: must be longer than "
                       "websocket.keepalive");
    }
    l->line = line_of(l, "keys.issuers");
    for (size_t i = 0; i < s->keys_issuers.count; i++) {
        int rc = issuer_parse(bytes_text(s->keys_issuers.items[i]), key, why);

        if (rc != 0) {
            return why_wrap(why, rc, "keys.issuers: item %zu", i + 1);
        }
    }
    return check_cluster(l, why);
}

/* The line of the first byte that is not UTF-8's. */
static unsigned line_of_bad_byte(struct bytes text)
{
    struct bytes line;
    unsigned number = 1;

    while (bytes_split(&text, '\n', &line) && text_utf8_valid(line)) {
        number++;
    }
    return number;
}

int settings_file_parse(struct settings *s,
                        const char *name,
                        struct bytes text,
                        struct why *why)
{
    struct load load = {.settings = s};
    struct settings_namespace *added;
    int rc;

    if (!text_utf8_valid(text)) {
        load.line = line_of_bad_byte(text);
        rc = why_set(why, RC_MALFORMED, "not UTF-8 text");
    } else {
        rc = take_items(&load, text, why);
    }
    if (rc == 0) {
        rc = check_together(&load, why);
    }
    if (rc != 0) {
        return why_wrap(why, rc, "%s:%u", name, load.line);
    }
    if (s->namespace_count == 0) {
        check(settings_namespace_add(s, bytes_text("default"), &added, NULL) ==
              0);
    }
    return 0;
}

int settings_file_read(struct settings *s, const char *path, struct why *why)
{
    CLEANUP(buffer_done) struct buffer text;
    int rc;

    buffer_init(&text, SETTINGS_FILE_BYTES_MAX);
    rc = file_read(path, &text, why);
    if (rc != 0) {
        return rc;
    }
    return settings_file_parse(s, path, buffer_view(&text), why);
}
