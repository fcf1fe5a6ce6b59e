/* Gossip survives its encoding; every limit is kept on the way in, and what a
 * later version may add is passed over. */
#include "base/rc.h"
#include "proto/gossip.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

/* Encodings by hand: field 9 of Gossip is a member. */
#define FROM "\x11\x01\0\0\0\0\0\0\0"          /* from: 1 */
#define ID "\x09\x02\0\0\0\0\0\0\0"            /* id: 2 */
#define RUN "\x39\x03\0\0\0\0\0\0\0"           /* run: 3 */
#define ALIVE "\x18\x01"                       /* state: ALIVE */
#define ADDRESS "\x22\x06\x7f\0\0\x01\x1f\x90" /* 127.0.0.1:8080 */
#define MEMBER ID ALIVE ADDRESS RUN            /* 28 bytes */

static struct gossip_address ipv4(uint8_t last, uint16_t port)
{
    struct gossip_address address = {.port = port};

    address.ip[10] = 0xff;
    address.ip[11] = 0xff;
    address.ip[12] = 10;
    address.ip[15] = last;
    return address;
}

static struct gossip_member member_of(uint64_t id)
{
    struct gossip_member member = {
        .id = id,
        .incarnation = 77,
        .state = GOSSIP_SUSPECT,
        .address = ipv4(1, 9000),
        .started_ms = 1700000000000,
        .run = UINT64_MAX,
        .rival = 5,
        .accuser_count = 2,
        .accusers = {8, UINT64_MAX},
    };

    strcpy(member.urls, "https://a.example:8443 http://b.example");
    return member;
}

static void check_same(const struct gossip_member *a,
                       const struct gossip_member *b)
{
    tap_check(a->id == b->id);
    tap_check(a->incarnation == b->incarnation);
    tap_equal(a->state, b->state);
    tap_check(gossip_address_equal(&a->address, &b->address));
    tap_check(a->started_ms == b->started_ms);
    tap_check(a->run == b->run);
    tap_check(a->rival == b->rival);
    tap_equal(a->accuser_count, b->accuser_count);
    for (size_t i = 0; i < a->accuser_count; i++) {
        tap_check(a->accusers[i] == b->accusers[i]);
    }
    tap_equal_text(bytes_text(a->urls), b->urls);
}

static int read_raw(const void *data, size_t len, struct gossip *ret)
{
    /* Of exact size, so that a sanitizer sees a read past the end. */
    uint8_t *exact = malloc(len > 0 ? len : 1);
    int rc;

    memcpy(exact, data, len);
    rc = gossip_read(bytes_of(exact, len), ret);
    free(exact);
    return rc;
}

#define read_literal(text, ret) read_raw((text), sizeof(text) - 1, (ret))

static int round_trip(const struct gossip *message, struct gossip *ret)
{
    struct buffer out;
    int rc;

    buffer_init(&out, 1 << 20);
    gossip_write(message, &out);
    rc = read_raw(out.data, out.len, ret);
    buffer_done(&out);
    return rc;
}

TAP_CASE(gossip_read_gives_back_what_was_written)
{
    static struct gossip message = {
        .kind = GOSSIP_PING_REQUEST,
        .from = 1,
        .incarnation = 12,
        .sequence = UINT32_MAX,
        .target = 3,
        .digest = UINT64_MAX,
        .wanted = true,
        .member_count = 2,
    };
    static struct gossip back;

    message.target_address = ipv4(9, 65535);
    message.members[0] = member_of(4);
    message.members[1] = (struct gossip_member){
        .id = 5,
        .state = GOSSIP_FORGOTTEN,
        .address = {.ip = {[15] = 1}, .port = 1}, /* ::1 */
        .run = 1,
    };
    tap_equal(round_trip(&message, &back), RC_OK);
    tap_equal(back.kind, GOSSIP_PING_REQUEST);
    tap_equal(back.from, 1);
    tap_equal(back.incarnation, 12);
    tap_equal(back.sequence, UINT32_MAX);
    tap_equal(back.target, 3);
    tap_check(back.digest == UINT64_MAX);
    tap_equal(back.wanted, true);
    tap_check(
        gossip_address_equal(&back.target_address, &message.target_address));
    tap_equal(back.member_count, 2);
    check_same(&back.members[0], &message.members[0]);
    check_same(&back.members[1], &message.members[1]);
}

TAP_CASE(gossip_read_gives_back_each_kind_and_state)
{
    for (int kind = GOSSIP_NEWS; kind <= GOSSIP_TABLE; kind++) {
        struct gossip message = {.kind = (enum gossip_kind)kind, .from = 1};
        static struct gossip back;

        message.target_address = ipv4(1, 1);
        for (int state = GOSSIP_ALIVE; state <= GOSSIP_FORGOTTEN; state++) {
            message.members[message.member_count] = member_of(2);
            message.members[message.member_count].state =
                (enum gossip_state)state;
            message.members[message.member_count++].accuser_count = 0;
        }
        tap_equal(round_trip(&message, &back), RC_OK);
        tap_equal(back.kind, kind);
        for (int state = GOSSIP_ALIVE; state <= GOSSIP_FORGOTTEN; state++) {
            tap_equal(back.members[state - 1].state, state);
        }
    }
}

TAP_CASE(gossip_member_bytes_is_what_a_member_adds)
{
    struct gossip message = {.kind = GOSSIP_NEWS, .from = 1};
    struct buffer out;
    size_t before;

    buffer_init(&out, 1 << 20);
    gossip_write(&message, &out);
    before = out.len;
    for (size_t urls = 0; urls <= GOSSIP_URLS_BYTES_MAX; urls++) {
        struct gossip_member member = member_of(3);

        memset(member.urls, 'u', urls);
        member.urls[urls] = '\0';
        message.members[0] = member;
        message.member_count = 1;
        buffer_clear(&out);
        gossip_write(&message, &out);
        tap_equal(out.len - before, gossip_member_bytes(&member));
    }
    buffer_done(&out);
}

TAP_CASE(gossip_write_keeps_the_largest_within_its_bounds)
{
    struct gossip head = {
        .kind = GOSSIP_TABLE,
        .from = UINT64_MAX,
        .incarnation = GOSSIP_INCARNATION_MAX,
        .sequence = UINT32_MAX,
        .target = UINT64_MAX,
        .target_address = {.ip = {1}, .port = 65535},
        .digest = UINT64_MAX,
        .wanted = true,
    };
    struct gossip_member largest = {
        .id = UINT64_MAX,
        .incarnation = GOSSIP_INCARNATION_MAX,
        .state = GOSSIP_SUSPECT,
        .address = {.ip = {1}, .port = 65535},
        .started_ms = UINT64_MAX,
        .run = UINT64_MAX,
        .rival = UINT64_MAX,
        .accuser_count = GOSSIP_ACCUSERS_MAX,
        .accusers = {1, 2, 3, 4},
    };
    struct buffer out;

    memset(largest.urls, '~', GOSSIP_URLS_BYTES_MAX);
    buffer_init(&out, 1 << 20);
    gossip_write(&head, &out);
    tap_check(out.len <= GOSSIP_HEAD_BYTES_MAX);
    tap_check(gossip_member_bytes(&largest) <= GOSSIP_MEMBER_BYTES_MAX);
    /* Two records that must go, as with a comparison, always fit. */
    tap_check(GOSSIP_HEAD_BYTES_MAX + 2 * GOSSIP_MEMBER_BYTES_MAX <=
              GOSSIP_BYTES_MAX);
    buffer_done(&out);
}

TAP_CASE(gossip_read_takes_a_datagram_made_by_hand)
{
    static struct gossip back;
    struct gossip_address address = {
        .ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, .port = 8080};

    tap_equal(read_literal("\x08\x02" FROM "\x4a\x1c" MEMBER, &back), RC_OK);
    tap_equal(back.kind, GOSSIP_PING);
    tap_equal(back.from, 1);
    tap_equal(back.member_count, 1);
    tap_equal(back.members[0].id, 2);
    tap_equal(back.members[0].run, 3);
    tap_check(gossip_address_equal(&back.members[0].address, &address));
}

TAP_CASE(gossip_read_takes_what_a_later_version_says_as_far_as_it_knows)
{
    static struct gossip back;

    /* An unknown kind, an unknown field, an unknown state among known. */
    tap_equal(read_literal("\x08\x63" FROM "\x4a\x1c" MEMBER, &back), RC_OK);
    tap_equal(back.kind, GOSSIP_NEWS);
    tap_equal(back.member_count, 1);
    tap_equal(read_literal("\x08\x02" FROM "\xa0\x06\x01", &back), RC_OK);
    tap_equal(back.kind, GOSSIP_PING);
    tap_equal(read_literal("\x08\x01" FROM "\x4a\x1c" ID "\x18\x09" ADDRESS RUN
                           "\x4a\x1c" MEMBER,
                           &back),
              RC_OK);
    tap_equal(back.member_count, 1);
    tap_equal(back.members[0].state, GOSSIP_ALIVE);
}

TAP_CASE(gossip_read_refuses_what_is_no_message)
{
    static struct gossip back;

    tap_equal(read_literal("", &back), RC_MALFORMED);
    tap_equal(read_literal("GET / HTTP/1.1\r\n\r\n", &back), RC_MALFORMED);
    tap_equal(read_literal("\x08\x02", &back), RC_MALFORMED); /* no sender */
    tap_equal(read_literal("\x08\x02" FROM "\x4a\x1d" MEMBER, &back),
              RC_MALFORMED);
    tap_equal(read_literal("\x08\x03" FROM, &back),
              RC_MALFORMED); /* a request without an address */
}

TAP_CASE(gossip_read_refuses_members_that_lack_a_field)
{
    static struct gossip back;

    tap_equal(read_literal(FROM "\x4a\x13" ALIVE ADDRESS RUN, &back),
              RC_MALFORMED);
    tap_equal(read_literal(FROM "\x4a\x14" ID ALIVE RUN, &back), RC_MALFORMED);
    tap_equal(read_literal(FROM "\x4a\x13" ID ALIVE ADDRESS, &back),
              RC_MALFORMED);
}

TAP_CASE(gossip_read_refuses_bad_addresses)
{
    static struct gossip back;

    tap_equal(read_literal(FROM "\x4a\x1b" ID ALIVE
                                "\x22\x05\x7f\0\0\x01\x1f" RUN,
                           &back),
              RC_MALFORMED);
    tap_equal(read_literal(FROM "\x4a\x1c" ID ALIVE
                                "\x22\x06\x7f\0\0\x01\0\0" RUN,
                           &back),
              RC_MALFORMED); /* port 0 */
    tap_equal(read_literal(FROM "\x4a\x16" ID ALIVE "\x22\0" RUN, &back),
              RC_MALFORMED);
}

static int read_changed(void (*change)(struct gossip_member *member))
{
    struct gossip message = {.kind = GOSSIP_NEWS, .from = 1, .member_count = 1};
    static struct gossip back;

    message.members[0] = member_of(2);
    change(&message.members[0]);
    return round_trip(&message, &back);
}

static void change_nothing(struct gossip_member *member)
{
    (void)member;
}

static void change_incarnation(struct gossip_member *member)
{
    member->incarnation = GOSSIP_INCARNATION_MAX + 1;
}

static void change_urls(struct gossip_member *member)
{
    member->urls[3] = '\n';
}

static void change_run(struct gossip_member *member)
{
    member->run = 0;
}

static void change_state(struct gossip_member *member)
{
    member->state = GOSSIP_ALIVE; /* with accusers */
}

TAP_CASE(gossip_read_refuses_values_out_of_their_range)
{
    tap_equal(read_changed(change_nothing), RC_OK);
    tap_equal(read_changed(change_incarnation), RC_MALFORMED);
    tap_equal(read_changed(change_urls), RC_MALFORMED);
    tap_equal(read_changed(change_run), RC_MALFORMED);
    tap_equal(read_changed(change_state), RC_MALFORMED);
}

TAP_CASE(gossip_read_refuses_more_than_its_limits)
{
    static struct gossip back;
    struct buffer out;

    buffer_init(&out, 1 << 20);
    buffer_append(&out, bytes_of(FROM, 9));
    for (int i = 0; i < GOSSIP_MEMBERS_MAX; i++) {
        buffer_append(&out, bytes_of("\x4a\x1c" MEMBER, 30));
    }
    tap_equal(read_raw(out.data, out.len, &back), RC_OK);
    tap_equal(back.member_count, GOSSIP_MEMBERS_MAX);
    buffer_append(&out, bytes_of("\x4a\x1c" MEMBER, 30));
    tap_equal(read_raw(out.data, out.len, &back), RC_MALFORMED);
    buffer_clear(&out);
    buffer_append(&out, bytes_of(FROM, 9));
    while (out.len < GOSSIP_BYTES_MAX) {
        buffer_append(&out, bytes_of("\x98\x06\x01", 3)); /* unknown */
    }
    tap_equal(read_raw(out.data, GOSSIP_BYTES_MAX + 1, &back), RC_TOO_LARGE);
    buffer_done(&out);
}

TAP_CASE(gossip_member_compare_is_by_incarnation_then_state_then_start)
{
    struct gossip_member a = member_of(1);
    struct gossip_member b = a;

    tap_equal(gossip_member_compare(&a, &b), 0);
    b.accuser_count = 0;
    b.rival = 0;
    tap_equal(gossip_member_compare(&a, &b), 0);
    b.run = 1;
    tap_check(gossip_member_compare(&a, &b) > 0);
    b.started_ms++;
    tap_check(gossip_member_compare(&a, &b) < 0);
    b.state = GOSSIP_ALIVE;
    tap_check(gossip_member_compare(&a, &b) > 0);
    b.incarnation++;
    tap_check(gossip_member_compare(&a, &b) < 0);
    tap_check(gossip_member_compare(&b, &a) > 0);
}

TAP_CASE(gossip_state_name_names_each_state)
{
    tap_equal_text(bytes_text(gossip_state_name(GOSSIP_ALIVE)), "alive");
    tap_equal_text(bytes_text(gossip_state_name(GOSSIP_SUSPECT)), "suspect");
    tap_equal_text(bytes_text(gossip_state_name(GOSSIP_DEAD)), "dead");
    tap_equal_text(bytes_text(gossip_state_name(GOSSIP_LEFT)), "left");
    tap_equal_text(bytes_text(gossip_state_name(GOSSIP_FORGOTTEN)),
                   "forgotten");
}

static void count_member(void *context, const struct gossip_member *member)
{
    uint64_t *sum = context;

    *sum += member->id;
}

TAP_CASE(gossip_table_read_gives_back_each_member_of_a_table)
{
    struct buffer table;
    uint64_t sum = 0;

    buffer_init(&table, GOSSIP_TABLE_BYTES_MAX);
    tap_equal(gossip_table_read(buffer_view(&table), count_member, &sum),
              RC_OK);
    for (uint64_t id = 1; id <= 1000; id++) {
        struct gossip_member member = member_of(id);

        gossip_table_append(&member, &table);
    }
    tap_check(!table.overflowed);
    tap_equal(gossip_table_read(buffer_view(&table), count_member, &sum),
              RC_OK);
    tap_equal(sum, 500500);
    buffer_done(&table);
}

TAP_CASE(gossip_table_read_takes_nothing_of_a_table_that_is_cut)
{
    struct gossip_member member = member_of(1);
    struct buffer table;
    uint64_t sum = 0;
    size_t one;

    buffer_init(&table, GOSSIP_TABLE_BYTES_MAX);
    gossip_table_append(&member, &table);
    one = table.len;
    gossip_table_append(&member, &table);
    for (size_t len = 1; len < table.len; len++) {
        if (len != one) {
            tap_equal(gossip_table_read(
                          bytes_of(table.data, len), count_member, &sum),
                      RC_MALFORMED);
        }
    }
    tap_equal(sum, 0);
    tap_equal(
        gossip_table_read(bytes_of(table.data, GOSSIP_TABLE_BYTES_MAX + 1),
                          count_member,
                          &sum),
        RC_TOO_LARGE);
    buffer_done(&table);
}

TAP_MAIN()
