/* Any bytes as a sealed datagram, as one that was opened, and as a table: what
 * is read can be written again and then reads the same; and a membership that
 * is given it stays in its bounds. */
#include "base/check.h"
#include "base/rc.h"
#include "cluster/membership.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t key[SEAL_KEY_BYTES];

static void as_sealed(struct bytes datagram)
{
    struct seal_counters counters = {0};
    struct buffer opened;

    buffer_init(&opened, GOSSIP_DATAGRAM_BYTES_MAX);
    /* No input makes the tag but by chance. */
    check(seal_open(key, datagram, &opened, &counters) != RC_OK);
    check(opened.len == 0);
    buffer_done(&opened);
}

static void as_gossip(struct bytes datagram)
{
    static struct gossip message;
    static struct gossip again;
    struct buffer first;
    struct buffer second;

    if (gossip_read(datagram, &message) != RC_OK) {
        return;
    }
    check(message.member_count <= GOSSIP_MEMBERS_MAX);
    buffer_init(&first, 1 << 20);
    buffer_init(&second, 1 << 20);
    gossip_write(&message, &first);
    if (first.len <= GOSSIP_BYTES_MAX) {
        check(gossip_read(buffer_view(&first), &again) == RC_OK);
        gossip_write(&again, &second);
        check(bytes_equal(buffer_view(&first), buffer_view(&second)));
    }
    buffer_done(&first);
    buffer_done(&second);
}

static void drain(struct membership *m)
{
    struct membership_event event;
    struct gossip_address to;
    struct buffer out;

    buffer_init(&out, GOSSIP_BYTES_MAX);
    for (unsigned i = 0; membership_next_event(m, &event); i++) {
        check(i < 1000);
    }
    for (unsigned i = 0; membership_next_send(m, &to, &out); i++) {
        check(i < 1000);
        buffer_clear(&out);
    }
    buffer_done(&out);
}

static void as_news(struct bytes datagram)
{
    struct membership_input in = {
        .kind = MEMBERSHIP_INPUT_DATAGRAM,
        .datagram = {.bytes = datagram, .source = {.port = 1}},
    };
    struct membership_options options = {
        .id = 2,
        .run = 3,
        .started_ms = 1000,
        .address = {.port = 2},
        .urls = "",
        .random_seed = 1,
        .settings = membership_settings_default,
    };
    struct membership *m = membership_new(&options, 0);

    membership_step(m, 0, &in);
    drain(m);
    (void)membership_table_merge(m, 0, datagram);
    drain(m);
    for (uint64_t now_ms = 0; now_ms < 60000; now_ms += 500) {
        membership_step(m,
                        now_ms,
                        &(struct membership_input){
                            .kind = MEMBERSHIP_INPUT_TICK,
                        });
        drain(m);
    }
    membership_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    as_sealed(bytes_of(data, len));
    as_gossip(bytes_of(data, len));
    as_news(bytes_of(data, len));
    return 0;
}
