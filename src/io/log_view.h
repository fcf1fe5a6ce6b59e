/* A shard's view of the log: what it may ask at once, and pages of records. */
#ifndef IO_LOG_VIEW_H
#define IO_LOG_VIEW_H

#include "src/bridge/shard.h"
#include "storage/log.h"

/* Good for as long as the log is open. */
struct shard_lookup log_view_lookup(struct log *log);

/* Read a page of at most LOG_PAGE_BYTES_MAX and give it to `step`, records and
 * end, while the shard wants more. Returns how many bytes of output it led to,
 * about. */
size_t log_view_read(struct log *log,
                     const struct shard_page *page,
                     void (*step)(void *context, struct shard_input *in),
                     void *context);

#endif
