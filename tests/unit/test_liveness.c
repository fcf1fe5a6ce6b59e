/* Who is silent is given up; who says that he is full is not. */
#include "src/io/liveness.h"

#include "tests/lib/tap.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define SILENCE_MS 90000

/* A look each interval for so long; the peer was heard `heard_ms` before each,
 * or, with MOMENT_NEVER, never since the first. */
static bool look_on(struct liveness *l,
                    uint64_t *now_ms,
                    uint64_t for_ms,
                    uint64_t heard_ms_ago)
{
    uint64_t begin_ms = *now_ms;
    uint64_t end_ms = *now_ms + for_ms;
    struct liveness_sign sign = {.waits = true, .acked = l->acked};

    while (*now_ms < end_ms) {
        *now_ms += liveness_interval_ms(SILENCE_MS);
        sign.heard_ms_ago =
            heard_ms_ago == UINT64_MAX ? *now_ms - begin_ms : heard_ms_ago;
        if (!liveness_look(l, *now_ms, SILENCE_MS, &sign)) {
            return false;
        }
    }
    return true;
}

TAP_CASE(one_who_acknowledges_that_he_is_full_is_waited_for)
{
    struct liveness l;
    uint64_t now_ms = 1000;

    liveness_init(&l, now_ms, SILENCE_MS);
    for (int hour = 1; hour <= 48; hour++) {
        tap_check(look_on(&l, &now_ms, 3600000, 30000));
        /* The kernel counts from the beginning. */
        tap_check(l.timeout_ms > now_ms - 1000);
        tap_check(l.timeout_ms <= now_ms - 1000 + SILENCE_MS / 3);
    }
}

TAP_CASE(one_who_acknowledges_nothing_is_given_up)
{
    struct liveness l;
    uint64_t now_ms = 1000;

    liveness_init(&l, now_ms, SILENCE_MS);
    tap_check(!look_on(&l, &now_ms, 3600000, UINT64_MAX));
    tap_check(now_ms - 1000 >= SILENCE_MS);
    tap_check(now_ms - 1000 <=
              SILENCE_MS + 2 * liveness_interval_ms(SILENCE_MS));
    /* And the kernel may do so, too. */
    tap_check(l.timeout_ms <= SILENCE_MS);
}

TAP_CASE(one_who_vanishes_while_full_is_given_up)
{
    struct liveness l;
    uint64_t now_ms = 1000;
    uint64_t vanished_ms;

    liveness_init(&l, now_ms, SILENCE_MS);
    tap_check(look_on(&l, &now_ms, 3600000, 30000));
    vanished_ms = now_ms;
    tap_check(!look_on(&l, &now_ms, 3600000, UINT64_MAX));
    tap_check(now_ms - vanished_ms <=
              SILENCE_MS + 2 * liveness_interval_ms(SILENCE_MS));
}

TAP_CASE(one_for_whom_nothing_waits_may_be_silent)
{
    struct liveness l;
    const struct liveness_sign sign = {.heard_ms_ago = 10000000};

    liveness_init(&l, 0, SILENCE_MS);
    for (uint64_t now_ms = 0; now_ms < 10000000; now_ms += 10000) {
        tap_check(liveness_look(&l, now_ms, SILENCE_MS, &sign));
        tap_equal(l.timeout_ms, SILENCE_MS);
    }
}

TAP_CASE(what_is_sent_after_a_long_silence_has_all_the_time)
{
    struct liveness l;
    struct liveness_sign sign = {.heard_ms_ago = 10000000};

    liveness_init(&l, 0, SILENCE_MS);
    tap_check(liveness_look(&l, 10000000, SILENCE_MS, &sign));
    sign.waits = true;
    tap_check(liveness_look(&l, 10010000, SILENCE_MS, &sign));
    tap_check(liveness_look(&l, 10089999, SILENCE_MS, &sign));
    tap_check(!liveness_look(&l, 10090000, SILENCE_MS, &sign));
}

TAP_CASE(progress_begins_the_time_anew)
{
    struct liveness l;
    struct liveness_sign sign = {.waits = true};

    liveness_init(&l, 0, SILENCE_MS);
    for (uint64_t now_ms = 0; now_ms < 10000000; now_ms += 10000) {
        sign.acked++;
        tap_check(liveness_look(&l, now_ms, SILENCE_MS, &sign));
        tap_equal(l.timeout_ms, SILENCE_MS);
    }
}

/* Both ends of a connection over the loopback. */
static void connect_pair(int ret[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int window = 4096;

    tap_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    tap_equal(listen(listener, 1), 0);
    tap_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    ret[0] = socket(AF_INET, SOCK_STREAM, 0);
    tap_equal(
        setsockopt(ret[0], SOL_SOCKET, SO_RCVBUF, &window, sizeof(window)), 0);
    tap_equal(connect(ret[0], (struct sockaddr *)&at, sizeof(at)), 0);
    ret[1] = accept(listener, NULL, NULL);
    tap_check(ret[1] >= 0);
    close(listener);
}

TAP_CASE(the_kernel_tells_what_waits_and_takes_a_time)
{
    static char bytes[1 << 18];
    struct liveness_sign sign;
    unsigned told = 0;
    socklen_t len = sizeof(told);
    int ends[2];

    connect_pair(ends);
    tap_check(liveness_read(ends[1], &sign));
    tap_check(!sign.waits);

    while (send(ends[1], bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
    }
    tap_check(liveness_read(ends[1], &sign));
    tap_check(sign.waits);
    tap_check(sign.heard_ms_ago < 60000);

    liveness_tell(ends[1], 12345);
    tap_equal(getsockopt(ends[1], IPPROTO_TCP, TCP_USER_TIMEOUT, &told, &len),
              0);
    tap_equal(told, 12345);
    close(ends[0]);
    close(ends[1]);
}

TAP_CASE(a_connection_that_was_reset_is_at_its_end)
{
    struct linger at_once = {.l_onoff = 1};
    struct liveness_sign sign;
    int ends[2];

    connect_pair(ends);
    tap_equal(
        setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
        0);
    close(ends[0]);
    tap_check(!liveness_read(ends[1], &sign));
    close(ends[1]);
}

TAP_MAIN()
