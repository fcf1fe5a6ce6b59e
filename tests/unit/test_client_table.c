/* Clients are found by id as long as they are there, and never after. */
#include "src/bridge/client_table.h"
#include "src/bridge/shard_state.h"
#include "tests/lib/shard_world.h"

struct table {
    struct shard_world *world;
    struct client_table clients;
};

static void table_init(struct table *t)
{
    t->world = shard_world_new(NULL);
    client_table_init(&t->clients);
}

static void table_done(struct table *t)
{
    client_table_done(&t->clients);
    shard_world_free(t->world);
}

static struct client *add(struct table *t, void *socket)
{
    return client_table_add(&t->clients, t->world->shard, socket);
}

TAP_CASE(an_empty_table_counts_nobody)
{
    struct table t;

    table_init(&t);
    tap_equal(client_table_count(&t.clients), 0);
    table_done(&t);
}

TAP_CASE(a_client_is_found_by_its_id_and_knows_its_socket)
{
    struct table t;
    int socket;
    struct client *c;

    table_init(&t);
    c = add(&t, &socket);

    tap_check(client_table_find(&t.clients, c->id) == c);
    tap_check(c->socket == &socket);
    tap_check(c->shard == t.world->shard);
    tap_equal(client_table_count(&t.clients), 1);
    table_done(&t);
}

TAP_CASE(the_id_of_a_client_that_left_finds_nobody)
{
    struct table t;
    struct client *c;
    uint64_t id;

    table_init(&t);
    c = add(&t, NULL);
    id = c->id;
    client_table_remove(&t.clients, c);

    tap_check(client_table_find(&t.clients, id) == NULL);
    tap_equal(client_table_count(&t.clients), 0);
    table_done(&t);
}

TAP_CASE(the_next_client_in_the_same_slot_has_another_id)
{
    struct table t;
    struct client *c;
    uint64_t id;

    table_init(&t);
    c = add(&t, NULL);
    id = c->id;
    client_table_remove(&t.clients, c);
    c = add(&t, NULL);

    tap_equal((uint32_t)c->id, (uint32_t)id);
    tap_check(c->id != id);
    tap_check(client_table_find(&t.clients, id) == NULL);
    tap_check(client_table_find(&t.clients, c->id) == c);
    table_done(&t);
}

TAP_CASE(no_id_is_zero)
{
    struct table t;

    table_init(&t);
    tap_check(add(&t, NULL)->id != 0);
    table_done(&t);
}

TAP_CASE(ids_stay_while_the_table_grows)
{
    enum { COUNT = 1000 };
    struct client *clients[COUNT];
    uint64_t ids[COUNT];
    struct table t;

    table_init(&t);
    for (int i = 0; i < COUNT; i++) {
        clients[i] = add(&t, NULL);
        ids[i] = clients[i]->id;
    }

    tap_equal(client_table_count(&t.clients), COUNT);
    for (int i = 0; i < COUNT; i++) {
        tap_equal(clients[i]->id, ids[i]);
        tap_check(client_table_find(&t.clients, ids[i]) == clients[i]);
    }
    table_done(&t);
}

TAP_CASE(slots_of_those_that_left_are_used_before_the_table_grows)
{
    enum { COUNT = 64 };
    struct client *clients[COUNT];
    struct table t;
    uint32_t slots;

    table_init(&t);
    for (int i = 0; i < COUNT; i++) {
        clients[i] = add(&t, NULL);
    }
    slots = t.clients.slot_count;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < COUNT; i++) {
            client_table_remove(&t.clients, clients[i]);
        }
        for (int i = 0; i < COUNT; i++) {
            clients[i] = add(&t, NULL);
        }
    }

    tap_equal(t.clients.slot_count, slots);
    tap_equal(client_table_count(&t.clients), COUNT);
    table_done(&t);
}

TAP_CASE(a_table_that_ends_frees_who_is_left)
{
    struct table t;

    table_init(&t);
    (void)add(&t, NULL);
    client_table_remove(&t.clients, add(&t, NULL));
    (void)add(&t, NULL);
    tap_equal(client_table_count(&t.clients), 2);
    table_done(&t); /* the leak checker would tell */
}

TAP_MAIN()
