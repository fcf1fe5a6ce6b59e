/* Protobuf does the encoding; what it leaves open (lengths, counts, values) is
 * checked here before a record is handed on. A table is not one message: each
 * record stands behind its length, so that reading costs the memory of one. */
#include "proto/gossip.h"

#include "base/check.h"
#include "proto/gossip.pb-c.h"
#include "proto/pack.h"

#include <assert.h>

#define IPV4_BYTES 4
#define IPV6_BYTES 16
#define PORT_BYTES 2
#define ADDRESS_BYTES_MAX (IPV6_BYTES + PORT_BYTES)

static_assert((int)GOSSIP_ALIVE == (int)WEIR__MEMBER__STATE__ALIVE &&
                  (int)GOSSIP_SUSPECT == (int)WEIR__MEMBER__STATE__SUSPECT &&
                  (int)GOSSIP_DEAD == (int)WEIR__MEMBER__STATE__DEAD &&
                  (int)GOSSIP_LEFT == (int)WEIR__MEMBER__STATE__LEFT &&
                  (int)GOSSIP_FORGOTTEN == (int)WEIR__MEMBER__STATE__FORGOTTEN,
              "states are on the wire as they are");
static_assert((int)GOSSIP_NEWS == (int)WEIR__GOSSIP__KIND__NEWS &&
                  (int)GOSSIP_TABLE == (int)WEIR__GOSSIP__KIND__TABLE,
              "kinds are on the wire as they are");

static const uint8_t ipv4_prefix[IPV6_BYTES - IPV4_BYTES] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool gossip_address_equal(const struct gossip_address *a,
                          const struct gossip_address *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool gossip_address_is_nowhere(const struct gossip_address *address)
{
    static const struct gossip_address nowhere = {.port = 0};

    return gossip_address_equal(address, &nowhere);
}

const char *gossip_state_name(enum gossip_state state)
{
    switch (state) {
    case GOSSIP_ALIVE:
        return "alive";
    case GOSSIP_SUSPECT:
        return "suspect";
    case GOSSIP_DEAD:
        return "dead";
    case GOSSIP_LEFT:
        return "left";
    case GOSSIP_FORGOTTEN:
        return "forgotten";
    }
    check_unreachable();
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int gossip_member_compare(const struct gossip_member *a,
                          const struct gossip_member *b)
{
    int order = compare_u64(a->incarnation, b->incarnation);

    check(a->id == b->id);
    order = order != 0 ? order : compare_u64(a->state, b->state);
    order = order != 0 ? order : compare_u64(a->started_ms, b->started_ms);
    return order != 0 ? order : compare_u64(a->run, b->run);
}

/* A record as protobuf-c wants it; it borrows from itself and the record. */
struct packed_member {
    Weir__Member message;
    uint8_t address[ADDRESS_BYTES_MAX];
};

static ProtobufCBinaryData address_field(const struct gossip_address *address,
                                         uint8_t room[ADDRESS_BYTES_MAX])
{
    bool ipv4 = memcmp(address->ip, ipv4_prefix, sizeof(ipv4_prefix)) == 0;
    size_t skipped = ipv4 ? sizeof(ipv4_prefix) : 0;
    size_t len = IPV6_BYTES - skipped;

    if (gossip_address_is_nowhere(address)) {
        return pack_field(NULL, 0);
    }
    memcpy(room, address->ip + skipped, len);
    room[len] = (uint8_t)(address->port >> 8);
    room[len + 1] = (uint8_t)(address->port & 0xff);
    return pack_field(room, len + PORT_BYTES);
}

static void fill_member(const struct gossip_member *member,
                        struct packed_member *ret)
{
    Weir__Member *message = &ret->message;

    check(member->id != 0 && member->accuser_count <= GOSSIP_ACCUSERS_MAX);
    weir__member__init(message);
    message->id = member->id;
    message->incarnation = member->incarnation;
    message->state = (Weir__Member__State)member->state;
    message->address = address_field(&member->address, ret->address);
    message->urls = pack_field(member->urls, strlen(member->urls));
    message->started_ms = member->started_ms;
    message->run = member->run;
    message->rival = member->rival;
    message->n_accusers = member->accuser_count;
    message->accusers = (uint64_t *)(uintptr_t)member->accusers;
}

size_t gossip_member_bytes(const struct gossip_member *member)
{
    struct packed_member packed;
    size_t len;

    fill_member(member, &packed);
    len = weir__member__get_packed_size(&packed.message);
    check(len <= GOSSIP_MEMBER_BYTES_MAX);
    return len + (len < 128 ? 2 : 3); /* the field's tag and length */
}

void gossip_write(const struct gossip *message, struct buffer *out)
{
    struct packed_member packed[GOSSIP_MEMBERS_MAX];
    Weir__Member *members[GOSSIP_MEMBERS_MAX];
    uint8_t target_address[ADDRESS_BYTES_MAX];
    Weir__Gossip gossip = WEIR__GOSSIP__INIT;

    check(message->member_count <= GOSSIP_MEMBERS_MAX);
    for (size_t i = 0; i < message->member_count; i++) {
        fill_member(&message->members[i], &packed[i]);
        members[i] = &packed[i].message;
    }
    gossip.kind = (Weir__Gossip__Kind)message->kind;
    gossip.from = message->from;
    gossip.incarnation = message->incarnation;
    gossip.sequence = message->sequence;
    gossip.target = message->target;
    gossip.target_address =
        address_field(&message->target_address, target_address);
    gossip.digest = message->digest;
    gossip.wanted = message->wanted;
    gossip.n_members = message->member_count;
    gossip.members = members;
    pack_append(&gossip.base, out);
}

/* False: not an address. A field that is absent is nowhere. */
static bool read_address(ProtobufCBinaryData field, struct gossip_address *ret)
{
    struct gossip_address address = {.port = 0};
    struct bytes rest = pack_view(field);
    struct bytes ip;

    if (rest.len == 0) {
        *ret = address;
        return true;
    }
    if (rest.len != IPV4_BYTES + PORT_BYTES && rest.len != ADDRESS_BYTES_MAX) {
        return false;
    }
    check(bytes_take(&rest, rest.len - PORT_BYTES, &ip));
    memcpy(address.ip, ipv4_prefix, sizeof(ipv4_prefix));
    memcpy(address.ip + (IPV6_BYTES - ip.len), ip.data, ip.len);
    address.port = (uint16_t)(rest.data[0] << 8 | rest.data[1]);
    *ret = address;
    return address.port != 0;
}

static bool read_urls(struct bytes field, char ret[GOSSIP_URLS_BYTES_MAX + 1])
{
    if (field.len > GOSSIP_URLS_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < field.len; i++) {
        if (field.data[i] < 0x20 || field.data[i] > 0x7e) {
            return false;
        }
        ret[i] = (char)field.data[i];
    }
    ret[field.len] = '\0';
    return true;
}

static bool is_state(Weir__Member__State state)
{
    return state >= WEIR__MEMBER__STATE__ALIVE &&
           state <= WEIR__MEMBER__STATE__FORGOTTEN;
}

static bool read_accusers(const Weir__Member *message,
                          struct gossip_member *ret)
{
    if (message->n_accusers > GOSSIP_ACCUSERS_MAX ||
        (message->n_accusers > 0 && ret->state != GOSSIP_SUSPECT)) {
        return false;
    }
    ret->accuser_count = message->n_accusers;
    for (size_t i = 0; i < message->n_accusers; i++) {
        ret->accusers[i] = message->accusers[i];
    }
    return true;
}

/* RC_UNSUPPORTED: in a state that only a later version knows. */
static int read_member(const Weir__Member *message, struct gossip_member *ret)
{
    if (!is_state(message->state)) {
        return RC_UNSUPPORTED;
    }
    *ret = (struct gossip_member){
        .id = message->id,
        .incarnation = message->incarnation,
        .state = (enum gossip_state)message->state,
        .started_ms = message->started_ms,
        .run = message->run,
        .rival = message->rival,
    };
    if (ret->id == 0 || ret->run == 0 ||
        ret->incarnation > GOSSIP_INCARNATION_MAX ||
        !read_address(message->address, &ret->address) ||
        gossip_address_is_nowhere(&ret->address) ||
        !read_urls(pack_view(message->urls), ret->urls) ||
        !read_accusers(message, ret)) {
        return RC_MALFORMED;
    }
    return RC_OK;
}

static bool read_members(const Weir__Gossip *message, struct gossip *ret)
{
    ret->member_count = 0;
    if (message->n_members > GOSSIP_MEMBERS_MAX) {
        return false;
    }
    for (size_t i = 0; i < message->n_members; i++) {
        int rc =
            read_member(message->members[i], &ret->members[ret->member_count]);

        if (rc == RC_MALFORMED) {
            return false;
        }
        ret->member_count += rc == RC_OK;
    }
    return true;
}

static bool read_message(const Weir__Gossip *message, struct gossip *ret)
{
    bool known = message->kind >= WEIR__GOSSIP__KIND__NEWS &&
                 message->kind <= WEIR__GOSSIP__KIND__TABLE;

    ret->kind = known ? (enum gossip_kind)message->kind : GOSSIP_NEWS;
    ret->from = message->from;
    ret->incarnation = message->incarnation;
    ret->sequence = message->sequence;
    ret->target = message->target;
    ret->digest = message->digest;
    ret->wanted = message->wanted != 0;
    return ret->from != 0 && ret->incarnation <= GOSSIP_INCARNATION_MAX &&
           read_address(message->target_address, &ret->target_address) &&
           (ret->kind != GOSSIP_PING_REQUEST ||
            !gossip_address_is_nowhere(&ret->target_address)) &&
           read_members(message, ret);
}

int gossip_read(struct bytes datagram, struct gossip *ret)
{
    ProtobufCMessage *message;
    bool good;

    if (datagram.len > GOSSIP_BYTES_MAX) {
        return RC_TOO_LARGE;
    }
    message = pack_read(&weir__gossip__descriptor, datagram);
    good = message != NULL && read_message((Weir__Gossip *)message, ret);
    pack_free(message);
    return good ? RC_OK : RC_MALFORMED;
}

void gossip_table_append(const struct gossip_member *member, struct buffer *out)
{
    struct packed_member packed;

    fill_member(member, &packed);
    buffer_u16(out, (uint16_t)weir__member__get_packed_size(&packed.message));
    pack_append(&packed.message.base, out);
}

/* Split off the next record. RC_UNSUPPORTED: to be left out. */
static int table_next(struct bytes *rest, struct gossip_member *ret)
{
    ProtobufCMessage *message;
    struct bytes record;
    uint16_t len;
    int rc;

    if (!bytes_take_u16(rest, &len) || len > GOSSIP_MEMBER_BYTES_MAX ||
        !bytes_take(rest, len, &record)) {
        return RC_MALFORMED;
    }
    message = pack_read(&weir__member__descriptor, record);
    rc = message != NULL ? read_member((Weir__Member *)message, ret)
                         : RC_MALFORMED;
    pack_free(message);
    return rc;
}

int gossip_table_read(struct bytes table,
                      void (*take)(void *context,
                                   const struct gossip_member *member),
                      void *context)
{
    struct gossip_member member;

    if (table.len > GOSSIP_TABLE_BYTES_MAX) {
        return RC_TOO_LARGE;
    }
    for (struct bytes rest = table; rest.len > 0;) {
        if (table_next(&rest, &member) == RC_MALFORMED) {
            return RC_MALFORMED;
        }
    }
    for (struct bytes rest = table; rest.len > 0;) {
        if (table_next(&rest, &member) == RC_OK) {
            take(context, &member);
        }
    }
    return RC_OK;
}
