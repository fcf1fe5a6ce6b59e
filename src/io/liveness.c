/* Telling peers who are silent from peers who are full. */
#include "src/io/liveness.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define LOOKS 9 /* in the time that a peer may be silent */

#define STATE_CLOSED 7 /* TCP_CLOSE, which <linux/tcp.h> does not name */

uint64_t liveness_interval_ms(uint64_t silence_ms)
{
    return silence_ms / LOOKS + 1;
}

void liveness_init(struct liveness *l, uint64_t now_ms, uint64_t silence_ms)
{
    *l = (struct liveness){.moved_ms = now_ms,
                           .timeout_ms = (uint32_t)silence_ms};
}

bool liveness_look(struct liveness *l,
                   uint64_t now_ms,
                   uint64_t silence_ms,
                   const struct liveness_sign *sign)
{
    uint64_t still_ms;
    uint64_t timeout_ms;

    if (!sign->waits || sign->acked != l->acked) {
        l->acked = sign->acked;
        l->moved_ms = now_ms;
        l->timeout_ms = (uint32_t)silence_ms;
        return true;
    }
    /* It stands still since some time after `moved_ms`, and the kernel counts
     * from then: a third more, in which several questions fit. */
    still_ms = now_ms - l->moved_ms;
    timeout_ms = still_ms + silence_ms / 3;
    if (timeout_ms > silence_ms && sign->heard_ms_ago < silence_ms * 2 / 3) {
        l->timeout_ms =
            timeout_ms < UINT32_MAX / 2 ? (uint32_t)timeout_ms : UINT32_MAX / 2;
    }
    return still_ms < silence_ms || sign->heard_ms_ago < silence_ms;
}

bool liveness_read(int fd, struct liveness_sign *ret)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    memset(&info, 0, sizeof(info));
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
        info.tcpi_state == STATE_CLOSED) {
        return false;
    }
    *ret = (struct liveness_sign){
        .waits = info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0,
        .acked = info.tcpi_bytes_acked,
        .heard_ms_ago = info.tcpi_last_ack_recv,
    };
    return true;
}

void liveness_tell(int fd, uint32_t timeout_ms)
{
    (void)setsockopt(
        fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
}
