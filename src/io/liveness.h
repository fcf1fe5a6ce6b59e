/* Whether the peer of a TCP connection is still there.
 *
 * The kernel asks an idle peer by itself (keep-alive), but not one for whom
 * bytes wait: without TCP_USER_TIMEOUT it gives such a peer up after a quarter
 * of an hour. With it, it also gives up one who is there and only reads
 * nothing, however often he acknowledges that he is full (tcp_probe_timer()).
 * So the time is pushed on for as long as acknowledgements come. As the kernel
 * asks again no later than at that time, it also bounds how long a peer who is
 * there may be silent. */
#ifndef IO_LIVENESS_H
#define IO_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

/* What the kernel knows. */
struct liveness_sign {
    bool waits;            /* something that the peer has not acknowledged */
    uint64_t acked;        /* bytes, ever */
    uint64_t heard_ms_ago; /* its last acknowledgement of anything */
};

struct liveness {
    uint64_t acked;
    uint64_t moved_ms; /* when it was last seen not to stand still */
    uint32_t timeout_ms;
};

/* How often to look, for a peer who may be silent so long. */
uint64_t liveness_interval_ms(uint64_t silence_ms);

void liveness_init(struct liveness *l, uint64_t now_ms, uint64_t silence_ms);

/* Take in a look; timeout_ms is then what the kernel should be told. False: it
 * has been silent for too long. */
bool liveness_look(struct liveness *l,
                   uint64_t now_ms,
                   uint64_t silence_ms,
                   const struct liveness_sign *sign);

/* False: the kernel has ended the connection. */
bool liveness_read(int fd, struct liveness_sign *ret);
void liveness_tell(int fd, uint32_t timeout_ms);

#endif
