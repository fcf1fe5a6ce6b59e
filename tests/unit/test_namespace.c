/* Namespaces are there when they were added, and only then. */
#include "src/bridge/namespace.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <string.h>

static bool has(const struct namespace_table *t, const char *name)
{
    return namespace_table_find(t, bytes_text(name)) != NULL;
}

TAP_CASE(a_table_begins_empty)
{
    struct namespace_table t;

    namespace_table_init(&t, 1);
    tap_check(!has(&t, "default"));
    namespace_table_done(&t);
}

TAP_CASE(a_namespace_that_was_added_is_there)
{
    struct namespace_table t;

    namespace_table_init(&t, 1);
    namespace_table_add(&t, bytes_text("default"), NULL);

    tap_check(has(&t, "default"));
    tap_check(!has(&t, "defaul"));
    tap_check(!has(&t, "defaults"));
    tap_check(!has(&t, "Default"));
    tap_check(!has(&t, ""));
    namespace_table_done(&t);
}

TAP_CASE(a_namespace_has_the_rules_that_it_was_added_with)
{
    const struct namespace_rules rules = {.durability = NAMESPACE_MEMORY,
                                          .replay_s = 30};
    const struct namespace_rules other = {.replay_s = 31};
    struct namespace_table t;

    namespace_table_init(&t, 1);
    namespace_table_add(&t, bytes_text("a"), NULL);
    namespace_table_add(&t, bytes_text("b"), &rules);
    namespace_table_add(&t, bytes_text("b"), &other);
    tap_check(namespace_table_find(&t, bytes_text("a"))->history);
    tap_equal(namespace_table_find(&t, bytes_text("a"))->durability,
              NAMESPACE_QUORUM);
    tap_check(!namespace_table_find(&t, bytes_text("b"))->history);
    tap_equal(namespace_table_find(&t, bytes_text("b"))->replay_s, 30);
    tap_equal(namespace_table_find(&t, bytes_text("b"))->durability,
              NAMESPACE_MEMORY);
    namespace_table_done(&t);
}

TAP_CASE(a_name_is_copied)
{
    struct namespace_table t;
    char name[] = "orders";

    namespace_table_init(&t, 1);
    namespace_table_add(&t, bytes_text(name), NULL);
    memset(name, 'x', sizeof(name) - 1);

    tap_check(has(&t, "orders"));
    tap_check(!has(&t, "xxxxxx"));
    namespace_table_done(&t);
}

static void add_numbered(struct namespace_table *t, int number)
{
    char name[16];

    snprintf(name, sizeof(name), "n%d", number);
    namespace_table_add(t, bytes_text(name), NULL);
}

TAP_CASE(a_namespace_added_twice_is_there_once_also_in_a_full_table)
{
    struct namespace_table t;

    namespace_table_init(&t, 1);
    for (int i = 0; i < NAMESPACE_COUNT_MAX; i++) {
        add_numbered(&t, i);
    }
    tap_equal(t.by_name.count, NAMESPACE_COUNT_MAX);
    add_numbered(&t, 0);
    add_numbered(&t, NAMESPACE_COUNT_MAX - 1);

    tap_equal(t.by_name.count, NAMESPACE_COUNT_MAX);
    tap_check(has(&t, "n0"));
    tap_check(has(&t, "n1023"));
    tap_check(!has(&t, "n1024"));
    namespace_table_done(&t);
}

TAP_MAIN()
