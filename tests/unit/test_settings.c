/* The table itself, and what each type of setting accepts. */
#include "src/settings.h"

#include "src/settings_print.h"
#include "tests/lib/tap.h"

#include <stdio.h>

static const struct settings_entry *entry_of(const char *name)
{
    size_t count;
    const struct settings_entry *table = settings_entries(&count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    tap_fail(__FILE__, __LINE__, name);
}

static int assign(struct settings *s,
                  const char *name,
                  const char *value,
                  struct why *why)
{
    struct bytes words = bytes_text(value);

    return settings_assign(entry_of(name), s, &words, 1, why);
}

static void expect_refused(const char *name,
                           const char *value,
                           const char *words)
{
    struct settings s;
    struct why why;

    settings_init(&s);
    tap_check(assign(&s, name, value, &why) != 0);
    tap_check(strstr(why.text, words) != NULL);
    settings_done(&s);
}

TAP_CASE(settings_begin_with_their_defaults)
{
    struct settings s;

    settings_init(&s);
    tap_equal_text(bytes_text(s.data_dir), "/var/lib/weir");
    tap_equal_text(bytes_text(s.listen.host), "127.0.0.1");
    tap_equal(s.listen.port, 8080);
    tap_equal(s.tls_listen.host[0], 0);
    tap_check(s.tls_certificate == NULL);
    tap_equal(s.log_level, 1);
    tap_equal(s.shards, 0);
    tap_equal(s.cors_allowed_origins.count, 1);
    tap_equal_text(bytes_text(s.cors_allowed_origins.items[0]), "*");
    tap_equal(s.keys_issuers.count, 0);
    tap_equal(s.limits_connections_max, 100000);
    tap_equal(s.limits_body_bytes_max, 8 * 1024 * 1024);
    tap_equal(s.limits_request_timeout_ms, 15000);
    tap_equal(s.limits_queue_bytes_max, 64 * 1024 * 1024);
    tap_equal(s.limits_unfinished_bytes_max, 128 * 1024 * 1024);
    tap_check(!s.websocket_compression);
    tap_equal(s.websocket_keepalive_ms, 25000);
    tap_equal(s.websocket_timeout_ms, 300000);
    tap_equal(s.log_bytes_max, 1024 * 1024 * 1024);
    tap_equal(s.log_age_max_ms, 24 * 3600 * 1000);
    tap_equal(s.namespace_count, 0);
    settings_done(&s);
}

TAP_CASE(settings_have_each_name_once_and_sections_together)
{
    size_t count;
    const struct settings_entry *table = settings_entries(&count);

    for (size_t i = 0; i < count; i++) {
        size_t section = strcspn(table[i].name, ".");
        size_t runs = 1;

        for (size_t j = i + 1; j < count; j++) {
            tap_check(strcmp(table[i].name, table[j].name) != 0);
            if (strncmp(table[i].name, table[j].name, section + 1) == 0) {
                tap_equal(j, i + runs);
                runs++;
            }
        }
        tap_check(strchr(table[i].help, '.') != NULL);
    }
}

/* One past a bound, as it would stand in the file. */
static void print_past(const struct settings_entry *entry,
                       uint64_t value,
                       char ret[64])
{
    snprintf(ret,
             64,
             "%llu%s",
             (unsigned long long)value,
             entry->type == SETTINGS_DURATION ? "ms" : "");
}

TAP_CASE(settings_accept_both_bounds_and_nothing_past_them)
{
    struct settings s;
    size_t count;
    const struct settings_entry *table = settings_entries(&count);

    settings_init(&s);
    for (size_t i = 0; i < count; i++) {
        char text[64];

        if (table[i].type != SETTINGS_NUMBER &&
            table[i].type != SETTINGS_SIZE &&
            table[i].type != SETTINGS_DURATION) {
            continue;
        }
        print_past(&table[i], table[i].least, text);
        tap_equal(assign(&s, table[i].name, text, NULL), 0);
        print_past(&table[i], table[i].most, text);
        tap_equal(assign(&s, table[i].name, text, NULL), 0);
        print_past(&table[i], table[i].most + 1, text);
        expect_refused(table[i].name, text, "is larger than");
        if (table[i].least > 0) {
            print_past(&table[i], table[i].least - 1, text);
            expect_refused(table[i].name, text, "is smaller than");
        }
    }
    settings_done(&s);
}

TAP_CASE(settings_print_bounds_that_they_read_again)
{
    struct settings s;
    size_t count;
    const struct settings_entry *table = settings_entries(&count);

    settings_init(&s);
    for (size_t i = 0; i < count; i++) {
        char text[SETTINGS_VALUE_BYTES_MAX];

        if (table[i].most == 0 || table[i].type == SETTINGS_LIST) {
            continue;
        }
        settings_print_value(&table[i], table[i].most, text);
        tap_equal(assign(&s, table[i].name, text, NULL), 0);
    }
    settings_done(&s);
}

TAP_CASE(settings_say_what_is_wrong_with_a_value)
{
    expect_refused("limits.body_bytes_max", "9G", "9G is larger than 64M");
    expect_refused("limits.body_bytes_max", "lots", "'lots' is not a size");
    expect_refused("limits.idle_timeout", "5", "'5' is not a length of time");
    expect_refused("shards", "4K", "'4K' is not a number");
    expect_refused("websocket.compression", "1", "'1' is not true or false");
    expect_refused("log_level", "loud", "not one of: debug info warn error");
    expect_refused("data_dir", "", "empty");
    expect_refused("listen", "8080", "HOST:PORT");
}

TAP_CASE(settings_read_true_and_false_in_three_ways)
{
    static const char *const yes[] = {"true", "yes", "on"};
    static const char *const no[] = {"false", "no", "off"};
    struct settings s;

    settings_init(&s);
    for (size_t i = 0; i < 3; i++) {
        tap_equal(assign(&s, "websocket.compression", yes[i], NULL), 0);
        tap_check(s.websocket_compression);
        tap_equal(assign(&s, "websocket.compression", no[i], NULL), 0);
        tap_check(!s.websocket_compression);
    }
    settings_done(&s);
}

TAP_CASE(settings_keep_a_value_when_a_new_one_is_refused)
{
    struct settings s;
    struct why why;

    settings_init(&s);
    tap_equal(assign(&s, "limits.head_bytes_max", "64K", NULL), 0);
    tap_check(assign(&s, "limits.head_bytes_max", "9G", &why) != 0);
    tap_equal(s.limits_head_bytes_max, 65536);
    tap_check(assign(&s, "data_dir", "", &why) != 0);
    tap_equal_text(bytes_text(s.data_dir), "/var/lib/weir");
    settings_done(&s);
}

TAP_CASE(settings_replace_lists_whole)
{
    struct bytes words[] = {bytes_text("a"), bytes_text("b")};
    struct settings s;

    settings_init(&s);
    tap_equal(
        settings_assign(entry_of("cors.allowed_origins"), &s, words, 2, NULL),
        0);
    tap_equal(s.cors_allowed_origins.count, 2);
    tap_equal_text(bytes_text(s.cors_allowed_origins.items[1]), "b");
    tap_equal(
        settings_assign(entry_of("cors.allowed_origins"), &s, words, 0, NULL),
        0);
    tap_equal(s.cors_allowed_origins.count, 0);
    settings_done(&s);
}

TAP_CASE(settings_bound_lists_and_their_items)
{
    struct bytes words[65];
    struct settings s;
    struct why why;

    settings_init(&s);
    for (size_t i = 0; i < 65; i++) {
        words[i] = bytes_text("x");
    }
    tap_equal(
        settings_assign(entry_of("keys.issuer_files"), &s, words, 64, NULL), 0);
    tap_equal(
        settings_assign(entry_of("keys.issuer_files"), &s, words, 65, &why),
        RC_TOO_LARGE);
    tap_equal(s.keys_issuer_files.count, 64);
    words[1] = bytes_text("");
    tap_equal(
        settings_assign(entry_of("keys.issuer_files"), &s, words, 2, &why),
        RC_MALFORMED);
    tap_check(strstr(why.text, "item 2") != NULL);
    settings_done(&s);
}

static int add(struct settings *s, const char *name)
{
    struct settings_namespace *added;

    return settings_namespace_add(s, bytes_text(name), &added, NULL);
}

TAP_CASE(settings_namespaces_have_names_of_1_to_50_bytes)
{
    char name[52] = {0};
    struct settings s;

    settings_init(&s);
    memset(name, 'n', 50);
    tap_equal(add(&s, name), 0);
    name[50] = 'n';
    tap_equal(add(&s, name), RC_MALFORMED);
    tap_equal(add(&s, "a"), 0);
    tap_equal(add(&s, "A-9"), 0);
    tap_equal(add(&s, ""), RC_MALFORMED);
    tap_equal(add(&s, "-a"), RC_MALFORMED);
    tap_equal(add(&s, "a-"), RC_MALFORMED);
    tap_equal(add(&s, "a_b"), RC_MALFORMED);
    tap_equal(add(&s, "a/b"), RC_MALFORMED);
    tap_equal(add(&s, "a"), RC_EXISTS);
    tap_equal(s.namespace_count, 3);
    tap_equal_text(bytes_text(s.namespaces[2].name), "A-9");
    tap_equal(s.namespaces[2].durability, SETTINGS_DURABILITY_QUORUM);
    tap_check(s.namespaces[2].history);
    tap_equal(s.namespaces[2].age_max_ms, 24 * 3600 * 1000);
    tap_equal(s.namespaces[2].events_max, 1000000);
    tap_equal(s.namespaces[2].bytes_max, 1024 * 1024 * 1024);
    tap_equal(s.namespaces[2].replay_ms, 0);
    settings_done(&s);
}

TAP_CASE(settings_bound_namespaces)
{
    char name[16];
    struct settings s;

    settings_init(&s);
    for (int i = 0; i < SETTINGS_NAMESPACES_MAX; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        tap_equal(add(&s, name), 0);
    }
    tap_equal(add(&s, "more"), RC_TOO_LARGE);
    settings_done(&s);
}

TAP_CASE(settings_done_accepts_a_zeroed_one)
{
    struct settings s = {0};

    settings_done(&s);
    tap_check(s.data_dir == NULL);
}

TAP_MAIN()
