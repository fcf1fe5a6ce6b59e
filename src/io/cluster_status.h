/* What is known of a cluster, as text for people and JSON for programs: one
 * thread writes it anew now and then, any reads the last. */
#ifndef IO_CLUSTER_STATUS_H
#define IO_CLUSTER_STATUS_H

#include "base/buffer.h"

#include <pthread.h>

#define CLUSTER_STATUS_BYTES_MAX ((size_t)1 << 20)

enum cluster_status_form {
    CLUSTER_STATUS_JSON,
    CLUSTER_STATUS_TEXT,
    CLUSTER_STATUS_URLS, /* JSON, for clients: where the nodes are */
    CLUSTER_STATUS_FORMS,
};

struct cluster_status {
    pthread_mutex_t lock;
    struct buffer forms[CLUSTER_STATUS_FORMS];
};

struct hub;
struct log;

void cluster_status_init(struct cluster_status *s);
void cluster_status_done(struct cluster_status *s);

/* Write all forms anew: of the hub's cluster; of a node on its own. */
void cluster_status_write(struct cluster_status *s,
                          const struct hub *hub,
                          uint64_t now_ms);
void cluster_status_write_alone(struct cluster_status *s,
                                uint64_t identity,
                                const char *urls);

/* Append one form. Any thread. */
void cluster_status_copy(struct cluster_status *s,
                         enum cluster_status_form form,
                         struct buffer *out);

#endif
