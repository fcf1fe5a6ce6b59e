/* Hubs that hear each other at once and lose nothing; what else can happen to
 * them is the simulator's (tests/sim). */
#include "cluster/hub.h"

#include "base/check.h"
#include "base/event.h"
#include "base/splitmix.h"
#include "tests/lib/tap.h"

#include <sodium.h>

#define NODES_MAX 3
#define SOCKETS_MAX 32
#define ROUNDS_MAX 200

struct socket {
    size_t node;
    struct hub_link *link;
    struct socket *other;
    bool open;
};

struct node {
    struct hub *hub;
    struct vector have;
    uint64_t random;
    uint64_t starts;
    bool deaf;   /* nothing reaches it, and nothing leaves it */
    size_t room; /* of a socket, in one go; 0: all */
    size_t connects;
    size_t counts[HUB_SEEDS_WANTED + 1]; /* of events */
    enum link_end end;                   /* of the last link */
};

struct world {
    struct node nodes[NODES_MAX];
    size_t count;
    struct moment now;
    struct socket sockets[SOCKETS_MAX];
    size_t socket_count;
};

static uint64_t id(size_t node)
{
    return 0x100 + 2 * node;
}

static struct gossip_address address(size_t node)
{
    struct gossip_address a = {.port = 7946};

    a.ip[10] = 0xff;
    a.ip[11] = 0xff;
    a.ip[12] = 10;
    a.ip[15] = (uint8_t)(node + 1);
    return a;
}

static void have(void *context, struct vector *ret)
{
    const struct node *n = context;

    *ret = n->have;
}

static void low_water(void *context, struct vector *ret)
{
    (void)context;
    *ret = (struct vector){0};
}

static uint64_t seek(void *context, const struct vector *after)
{
    (void)context;
    (void)after;
    return 1;
}

/* The nodes have only vectors: what they are asked for has left their logs. */
static int read(void *context,
                uint64_t from,
                size_t bytes_max,
                bool (*visit)(void *visitor,
                              const struct replication_record *r),
                void *visitor)
{
    (void)context;
    (void)from;
    (void)bytes_max;
    (void)visit;
    (void)visitor;
    return 0;
}

static void store(void *context, const struct peer_events *events)
{
    (void)context;
    (void)events;
    check_unreachable();
}

static void forked(void *context, uint64_t origin, uint64_t from, uint64_t to)
{
    (void)context;
    (void)origin;
    (void)from;
    (void)to;
    tap_check(false);
}

static void skip(void *context, uint64_t origin, uint64_t from, uint64_t to)
{
    struct node *n = context;

    (void)from;
    (void)vector_raise(&n->have, origin, to);
}

static void entropy(void *context, void *ret, size_t len)
{
    struct node *n = context;
    uint8_t *out = ret;

    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)splitmix_next(&n->random);
    }
}

static void issuers(void *context, const struct peer_issuers *given)
{
    (void)context;
    (void)given;
}

static void start_with(struct world *w,
                       size_t node,
                       uint64_t identity,
                       const uint8_t secret[CLUSTER_SECRET_BYTES],
                       bool joins,
                       struct bytes table)
{
    struct node *n = &w->nodes[node];
    const struct hub_options options = {
        .identity = identity,
        .run = node + 1 + NODES_MAX * n->starts++,
        .address = address(node),
        .urls = "https://a.example https://b.example",
        .secret = secret,
        .table = table,
        .joins = joins,
        .random_seed = node,
        .settings = hub_settings_default(),
        .replication = {.context = n,
                        .have = have,
                        .low_water = low_water,
                        .seek = seek,
                        .read = read,
                        .store = store,
                        .skip = skip,
                        .forked = forked},
        .entropy = entropy,
        .issuers = issuers,
    };

    n->random = node + 1;
    n->hub = hub_new(&options, w->now);
    if (node >= w->count) {
        w->count = node + 1;
    }
}

static void start(struct world *w,
                  size_t node,
                  uint64_t identity,
                  const uint8_t secret[CLUSTER_SECRET_BYTES],
                  bool joins)
{
    start_with(w, node, identity, secret, joins, bytes_text(""));
}

static const uint8_t secret[CLUSTER_SECRET_BYTES] = {1};

static void start_again(struct world *w, size_t node, struct bytes table)
{
    start_with(w, node, id(node), secret, false, table);
}

/* Nodes that join the first. */
static void begin(struct world *w, size_t count)
{
    check(sodium_init() >= 0);
    *w = (struct world){.now = {.mono_ms = 10, .wall_ms = 1000}};
    for (size_t i = 0; i < count; i++) {
        start(w, i, id(i), secret, i > 0);
    }
}

static void end(struct world *w)
{
    for (size_t i = 0; i < w->count; i++) {
        hub_free(w->nodes[i].hub);
    }
}

static void step(struct world *w, size_t node, struct hub_input *in)
{
    hub_step(w->nodes[node].hub, w->now, in);
}

static struct socket *open_socket(struct world *w, size_t node)
{
    struct socket *s = &w->sockets[w->socket_count++];

    tap_check(w->socket_count <= SOCKETS_MAX);
    *s = (struct socket){.node = node, .open = true};
    return s;
}

/* A connection from one to the other, who is taken for `expected`. */
static struct socket *connect_nodes(struct world *w,
                                    size_t from,
                                    size_t to,
                                    uint64_t expected)
{
    struct socket *s = open_socket(w, from);
    struct socket *t = open_socket(w, to);
    struct hub_input connected = {
        .kind = HUB_INPUT_CONNECTED, .socket = s, .node = expected};
    struct hub_input accepted = {.kind = HUB_INPUT_ACCEPTED, .socket = t};

    s->other = t;
    t->other = s;
    step(w, from, &connected);
    step(w, to, &accepted);
    s->link = connected.link;
    t->link = accepted.link;
    return s;
}

static void give_seed(struct world *w, size_t node)
{
    const struct gossip_address seed = address(0);
    struct hub_input in = {
        .kind = HUB_INPUT_SEEDS, .addresses = &seed, .address_count = 1};

    step(w, node, &in);
}

static bool carry_datagrams(struct world *w, size_t node)
{
    struct gossip_address to;
    struct buffer bytes;
    bool any = false;

    buffer_init(&bytes, GOSSIP_DATAGRAM_BYTES_MAX);
    while (hub_next_datagram(w->nodes[node].hub, &to, &bytes)) {
        size_t other = (size_t)to.ip[15] - 1;
        struct hub_input in = {.kind = HUB_INPUT_DATAGRAM,
                               .bytes = buffer_view(&bytes),
                               .source = address(node)};

        if (other < w->count && !w->nodes[other].deaf && !w->nodes[node].deaf) {
            step(w, other, &in);
        }
        buffer_clear(&bytes);
        any = true;
    }
    buffer_done(&bytes);
    return any;
}

static bool make_connections(struct world *w, size_t node)
{
    struct gossip_address to;
    uint64_t expected;
    bool any = false;

    while (hub_connect_next(w->nodes[node].hub, &expected, &to)) {
        size_t other = (size_t)to.ip[15] - 1;
        struct hub_input refused = {.kind = HUB_INPUT_REFUSED,
                                    .node = expected};

        w->nodes[node].connects++;
        if (w->nodes[other].deaf || w->nodes[node].deaf) {
            step(w, node, &refused);
        } else {
            connect_nodes(w, node, other, expected);
        }
        any = true;
    }
    return any;
}

static bool carry_bytes(struct world *w, size_t node)
{
    struct hub_link *link;
    struct bytes bytes;
    void *socket;
    bool any = false;

    while (hub_link_next_output(w->nodes[node].hub, &link, &socket, &bytes)) {
        struct socket *s = socket;
        size_t room = w->nodes[node].room;
        size_t taken = room != 0 && room < bytes.len ? room : bytes.len;
        struct hub_input in = {.kind = HUB_INPUT_BYTES,
                               .link = s->other->link,
                               .bytes = bytes_of(bytes.data, taken)};

        if (s->other->open && !w->nodes[node].deaf &&
            !w->nodes[s->other->node].deaf) {
            step(w, s->other->node, &in);
        }
        hub_link_sent(w->nodes[node].hub, link, taken);
        any = true;
    }
    return any;
}

static bool close_sockets(struct world *w, size_t node)
{
    void *socket;
    bool any = false;

    while (hub_link_next_close(w->nodes[node].hub, &socket)) {
        struct socket *s = socket;
        struct hub_input in = {.kind = HUB_INPUT_CLOSED,
                               .link = s->other->link};

        s->open = false;
        if (s->other->open) {
            s->other->open = false;
            step(w, s->other->node, &in);
        }
        any = true;
    }
    return any;
}

static void take_events(struct world *w, size_t node)
{
    struct hub_event event;

    while (hub_next_event(w->nodes[node].hub, &event)) {
        w->nodes[node].counts[event.kind]++;
        if (event.kind == HUB_UNLINKED || event.kind == HUB_STRANGER) {
            w->nodes[node].end = event.end;
        }
        if (event.kind == HUB_SEEDS_WANTED) {
            give_seed(w, node);
        }
    }
}

/* Until nobody has anything to say. */
static void run(struct world *w)
{
    bool any = true;

    for (size_t rounds = 0; any; rounds++) {
        tap_check(rounds < ROUNDS_MAX);
        any = false;
        for (size_t i = 0; i < w->count; i++) {
            any = carry_datagrams(w, i) || any;
            any = make_connections(w, i) || any;
            any = carry_bytes(w, i) || any;
            any = close_sockets(w, i) || any;
            take_events(w, i);
        }
    }
}

static void pass(struct world *w, uint64_t ms)
{
    struct hub_input tick = {.kind = HUB_INPUT_TICK};

    for (uint64_t until = w->now.mono_ms + ms; w->now.mono_ms < until;) {
        w->now.mono_ms += 50;
        w->now.wall_ms += 50;
        for (size_t i = 0; i < w->count; i++) {
            step(w, i, &tick);
        }
        run(w);
    }
}

static void join(struct world *w)
{
    for (size_t i = 1; i < w->count; i++) {
        give_seed(w, i);
    }
    run(w);
    pass(w, 2000);
}

static bool linked(const struct world *w, size_t a, size_t b)
{
    struct hub_link_stat stat;

    hub_link_stat(w->nodes[a].hub, id(b), &stat);
    return stat.open;
}

TAP_CASE(members_are_linked_once_and_the_lower_connects)
{
    struct world w;

    begin(&w, 3);
    join(&w);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            tap_equal(linked(&w, i, k), i != k);
        }
        tap_equal(w.nodes[i].counts[HUB_LINKED], 2);
    }
    tap_equal(w.nodes[0].connects, 2);
    tap_equal(w.nodes[1].connects, 1);
    tap_equal(w.nodes[2].connects, 0);
    end(&w);
}

TAP_CASE(a_peer_with_another_secret_is_a_stranger)
{
    const uint8_t other[CLUSTER_SECRET_BYTES] = {2};
    struct world w;

    begin(&w, 1);
    start(&w, 1, id(1), other, true);
    give_seed(&w, 1);
    run(&w);
    tap_equal(membership_size(hub_membership(w.nodes[0].hub)), 1);
    connect_nodes(&w, 0, 1, id(1));
    run(&w);
    tap_equal(w.nodes[1].counts[HUB_STRANGER], 1);
    tap_equal(w.nodes[1].end, LINK_END_SECRET);
    tap_equal(hub_link_ends(w.nodes[1].hub, LINK_END_SECRET), 1);
    tap_check(!w.sockets[0].open && !w.sockets[1].open);
    end(&w);
}

TAP_CASE(a_peer_with_our_identity_is_refused)
{
    struct world w;

    begin(&w, 1);
    start(&w, 1, id(0), secret, true);
    connect_nodes(&w, 0, 1, id(1));
    run(&w);
    tap_equal(w.nodes[0].counts[HUB_LINKED], 0);
    tap_equal(w.nodes[1].counts[HUB_LINKED], 0);
    tap_check(!w.sockets[0].open && !w.sockets[1].open);
    end(&w);
}

TAP_CASE(somebody_else_at_an_address_is_not_taken_for_who_was_expected)
{
    struct world w;

    begin(&w, 2);
    connect_nodes(&w, 0, 1, id(2));
    run(&w);
    tap_equal(w.nodes[0].counts[HUB_LINKED], 0);
    tap_equal(w.nodes[0].end, LINK_END_REFUSED);
    end(&w);
}

TAP_CASE(a_second_connection_of_a_member_takes_the_place_of_the_first)
{
    struct world w;

    begin(&w, 2);
    join(&w);
    tap_check(linked(&w, 0, 1));
    connect_nodes(&w, 0, 1, id(1));
    run(&w);
    tap_check(linked(&w, 0, 1) && linked(&w, 1, 0));
    tap_check(!w.sockets[0].open && !w.sockets[1].open);
    tap_check(w.sockets[2].open && w.sockets[3].open);
    end(&w);
}

/* Node 0's link, as by somebody between the nodes. */
static void cut(struct world *w)
{
    for (size_t i = 0; i < w->socket_count; i++) {
        struct hub_input in = {.kind = HUB_INPUT_CLOSED,
                               .link = w->sockets[i].link};

        if (w->sockets[i].open) {
            w->sockets[i].open = false;
            step(w, w->sockets[i].node, &in);
        }
    }
}

TAP_CASE(a_link_that_keeps_ending_is_made_again_after_longer_and_longer)
{
    struct world w;
    size_t before;

    begin(&w, 2);
    join(&w);
    pass(&w, 5000);
    before = w.nodes[0].connects;
    cut(&w);
    pass(&w, 50);
    tap_check(linked(&w, 0, 1)); /* at once: it had been good for long */
    for (size_t i = 0; i < 10; i++) {
        cut(&w);
        pass(&w, 50);
    }
    tap_check(w.nodes[0].connects > before + 2);
    tap_check(w.nodes[0].connects <= before + 5);
    pass(&w, 5000);
    tap_check(linked(&w, 0, 1));
    end(&w);
}

TAP_CASE(a_full_socket_is_passed_over_until_it_has_room)
{
    struct socket *s;
    struct world w;

    begin(&w, 2);
    w.nodes[0].room = 10;
    s = connect_nodes(&w, 0, 1, id(1));
    run(&w);
    tap_equal(w.nodes[0].counts[HUB_LINKED], 0);
    w.nodes[0].room = 0;
    run(&w);
    tap_equal(w.nodes[0].counts[HUB_LINKED], 0);
    hub_link_writable(w.nodes[0].hub, s->link);
    run(&w);
    tap_equal(w.nodes[0].counts[HUB_LINKED], 1);
    tap_equal(w.nodes[1].counts[HUB_LINKED], 1);
    end(&w);
}

TAP_CASE(strangers_are_bounded_and_the_oldest_makes_room)
{
    struct hub_input in = {.kind = HUB_INPUT_ACCEPTED};
    struct world w;
    int sockets[HUB_LINKS_MAX + 1];
    void *closed;

    begin(&w, 1);
    for (size_t i = 0; i < HUB_LINKS_MAX; i++) {
        in.socket = &sockets[i];
        step(&w, 0, &in);
        tap_check(in.link != NULL);
    }
    tap_check(!hub_link_next_close(w.nodes[0].hub, &closed));
    in.socket = &sockets[HUB_LINKS_MAX];
    step(&w, 0, &in);
    tap_check(in.link != NULL);
    tap_check(hub_link_next_close(w.nodes[0].hub, &closed));
    tap_check(closed == &sockets[0]);
    tap_check(!hub_link_next_close(w.nodes[0].hub, &closed));
    /* Those that say nothing go when their time is up. */
    w.now.mono_ms += hub_settings_default().link.handshake_timeout_ms;
    step(&w, 0, &(struct hub_input){.kind = HUB_INPUT_TICK});
    for (size_t i = 0; i < HUB_LINKS_MAX; i++) {
        tap_check(hub_link_next_close(w.nodes[0].hub, &closed));
    }
    tap_check(!hub_link_next_close(w.nodes[0].hub, &closed));
    end(&w);
}

TAP_CASE(the_committer_is_told_who_is_there)
{
    struct hub_state state;
    struct world w;

    begin(&w, 3);
    tap_check(hub_next_state(w.nodes[0].hub, &state));
    tap_check(state.alone && state.majority);
    tap_check(!hub_next_state(w.nodes[0].hub, &state));
    join(&w);
    tap_check(hub_next_state(w.nodes[0].hub, &state));
    tap_check(!state.alone && state.majority);
    w.nodes[1].deaf = true;
    w.nodes[2].deaf = true;
    pass(&w, 60000);
    tap_check(hub_next_state(w.nodes[0].hub, &state));
    tap_check(!state.alone && !state.majority);
    tap_check(!linked(&w, 0, 1) && !linked(&w, 0, 2));
    w.nodes[1].deaf = false;
    pass(&w, 60000);
    tap_check(hub_next_state(w.nodes[0].hub, &state));
    tap_check(!state.alone && state.majority);
    tap_check(linked(&w, 0, 1));
    end(&w);
}

TAP_CASE(what_two_of_three_have_is_safe)
{
    uint64_t origin = id(0) | EVENT_ORIGIN_QUORUM;
    struct hub_input committed = {.kind = HUB_INPUT_COMMITTED};
    struct hub_state state;
    struct world w;

    begin(&w, 3);
    join(&w);
    (void)vector_raise(&w.nodes[0].have, origin, 70);
    step(&w, 0, &committed);
    (void)hub_next_state(w.nodes[0].hub, &state);
    tap_equal(vector_get(&state.safe, origin), 0);
    (void)vector_raise(&w.nodes[1].have, origin, 70);
    step(&w, 1, &committed);
    run(&w);
    tap_check(hub_next_state(w.nodes[0].hub, &state));
    tap_equal(vector_get(&state.safe, origin), 70);
    end(&w);
}

TAP_CASE(a_node_that_leaves_says_so_and_is_not_counted)
{
    struct hub_input leave = {.kind = HUB_INPUT_LEAVE};
    struct hub_state state;
    struct world w;

    begin(&w, 2);
    join(&w);
    step(&w, 1, &leave);
    run(&w);
    pass(&w, 10000);
    tap_equal(w.nodes[1].counts[HUB_GONE], 1);
    tap_check(hub_next_state(w.nodes[0].hub, &state));
    tap_check(state.alone);
    end(&w);
}

TAP_CASE(a_member_whose_link_is_down_lacks_what_it_may_lack)
{
    struct hub_input committed = {.kind = HUB_INPUT_COMMITTED};
    struct world w;
    struct hub_input closed = {.kind = HUB_INPUT_CLOSED};

    begin(&w, 2);
    join(&w);
    tap_check(hub_handed_on(w.nodes[0].hub));
    for (size_t i = 0; i < 2; i++) {
        closed.link = w.sockets[i].link;
        w.sockets[i].open = false;
        step(&w, w.sockets[i].node, &closed);
    }
    tap_check(!linked(&w, 0, 1));
    (void)vector_raise(&w.nodes[0].have, id(0), 70);
    step(&w, 0, &committed);
    tap_check(!hub_handed_on(w.nodes[0].hub));
    pass(&w, 2000);
    tap_check(linked(&w, 0, 1));
    tap_equal(vector_get(&w.nodes[1].have, id(0)), 70);
    step(&w, 1, &committed);
    run(&w);
    tap_check(hub_handed_on(w.nodes[0].hub));
    end(&w);
}

/* Its own table may be of a time when there were fewer. */
TAP_CASE(a_majority_is_counted_when_a_peer_has_said_whom_it_knows)
{
    struct hub_state state;
    struct buffer table;
    struct world w;

    begin(&w, 2);
    join(&w);
    buffer_init(&table, GOSSIP_TABLE_BYTES_MAX);
    hub_table(w.nodes[1].hub, &table);
    hub_free(w.nodes[1].hub);
    w.sockets[0].open = false;
    w.sockets[1].open = false;
    start_again(&w, 1, buffer_view(&table));
    buffer_done(&table);
    connect_nodes(&w, 0, 1, id(1));
    while (!linked(&w, 1, 0)) {
        tap_check(carry_bytes(&w, 0) || carry_bytes(&w, 1));
    }
    tap_check(hub_next_state(w.nodes[1].hub, &state));
    tap_check(!state.majority);
    run(&w);
    tap_check(hub_next_state(w.nodes[1].hub, &state));
    tap_check(state.majority);
    end(&w);
}

TAP_CASE(alone_a_node_is_ready_at_once)
{
    struct world w;

    begin(&w, 1);
    tap_check(hub_ready(w.nodes[0].hub, w.now));
    end(&w);
}

TAP_CASE(a_node_that_joins_waits_for_the_others_for_a_time)
{
    struct world w;

    begin(&w, 2);
    w.nodes[0].deaf = true;
    join(&w);
    tap_check(!hub_ready(w.nodes[1].hub, w.now));
    pass(&w, hub_settings_default().join_timeout_ms);
    tap_check(hub_ready(w.nodes[1].hub, w.now));
    end(&w);
}

TAP_CASE(a_node_is_ready_when_it_has_what_all_others_had)
{
    struct hub_input committed = {.kind = HUB_INPUT_COMMITTED};
    struct world w;

    begin(&w, 2);
    for (size_t i = 0; i < 2; i++) {
        (void)vector_raise(&w.nodes[i].have, id(0), 70 + i);
    }
    give_seed(&w, 1);
    run(&w);
    pass(&w, 1000);
    tap_check(linked(&w, 0, 1));
    /* One link is not enough while another member lives. */
    start(&w, 2, id(2), secret, true);
    connect_nodes(&w, 0, 2, id(2));
    while (!linked(&w, 2, 0)) {
        (void)carry_bytes(&w, 0);
        (void)carry_bytes(&w, 2);
    }
    (void)carry_bytes(&w, 0);
    (void)vector_raise(&w.nodes[2].have, id(0), 71);
    step(&w, 2, &committed);
    tap_check(!linked(&w, 2, 1));
    tap_check(!hub_ready(w.nodes[2].hub, w.now));
    give_seed(&w, 2);
    run(&w);
    pass(&w, 1000);
    tap_check(linked(&w, 2, 1));
    tap_check(hub_ready(w.nodes[2].hub, w.now));
    end(&w);
}

TAP_CASE(nothing_is_given_up_while_a_member_that_lives_has_no_link)
{
    struct world w;

    begin(&w, 2);
    join(&w);
    (void)vector_raise(&w.nodes[0].have, id(1), 70);
    start(&w, 2, id(2), secret, true);
    connect_nodes(&w, 0, 2, id(2));
    while (carry_bytes(&w, 0) || carry_bytes(&w, 2)) {
    }
    tap_check(linked(&w, 2, 0) && !linked(&w, 2, 1));
    tap_equal(vector_get(&w.nodes[2].have, id(1)), 0);
    run(&w);
    pass(&w, REPLICATION_RETRY_MS + 1000);
    tap_check(linked(&w, 2, 1));
    tap_equal(vector_get(&w.nodes[2].have, id(1)), 70);
    end(&w);
}

TAP_CASE(a_saved_table_brings_the_others_back_without_a_seed)
{
    struct buffer table;
    struct world w;

    begin(&w, 2);
    join(&w);
    buffer_init(&table, GOSSIP_TABLE_BYTES_MAX);
    hub_table(w.nodes[0].hub, &table);
    tap_check(table.len > 0);
    {
        const struct hub_options options = {
            .identity = id(0),
            .run = 77,
            .address = address(0),
            .urls = "",
            .secret = secret,
            .table = buffer_view(&table),
            .settings = hub_settings_default(),
            .replication = {.context = &w.nodes[0], .have = have},
            .entropy = entropy,
            .issuers = issuers,
        };
        struct hub *again = hub_new(&options, w.now);
        struct hub_state state;

        tap_equal(membership_size(hub_membership(again)), 2);
        tap_check(hub_next_state(again, &state));
        tap_check(!state.alone);
        tap_check(!hub_ready(again, w.now));
        hub_free(again);
    }
    buffer_done(&table);
    end(&w);
}

TAP_MAIN()
