/* Counters: one set a shard and one for the log thread, summed when somebody
 * asks for /metrics. Each is written by one thread and read by any. */
#ifndef BRIDGE_METRICS_H
#define BRIDGE_METRICS_H

#include "base/buffer.h"

#include <stdatomic.h>

/* X(name, kind, help) */
#define METRICS_MAP(X)                                                       \
    X(connections_opened, "counter", "Connections accepted")                 \
    X(connections_open, "gauge", "Connections open now")                     \
    X(connections_refused, "counter", "Connections over the limit")          \
    X(connections_silent, "counter", "Connections of peers that vanished")   \
    X(websockets_open, "gauge", "WebSocket connections open now")            \
    X(subscriptions_open, "gauge", "Subscriptions open now")                 \
    X(http_requests, "counter", "HTTP requests answered")                    \
    X(http_faults, "counter", "HTTP requests that could not be read")        \
    X(messages_in, "counter", "WebSocket messages read")                     \
    X(publishes, "counter", "Publish requests taken")                        \
    X(publishes_refused, "counter", "Publish requests answered by an error") \
    X(events, "counter", "Events accepted")                                  \
    X(events_repeated, "counter", "Events not stored again: known by key")   \
    X(peer_events, "counter", "Events that other nodes sent")                \
    X(peer_events_refused, "counter", "Frames of them that were not whole")  \
    X(cluster_datagrams, "counter", "Datagrams of other nodes")              \
    X(cluster_datagrams_foreign, "counter", "Datagrams of no weir at all")   \
    X(cluster_datagrams_secret, "counter", "Datagrams of another secret")    \
    X(cluster_links_open, "gauge", "Links to other nodes open now")          \
    X(cluster_forks, "counter", "Gaps left by nodes that were set back")     \
    X(cluster_origins, "gauge", "Origins whose events are told apart")       \
    X(cluster_links_foreign, "counter", "Connections of other protocols")    \
    X(cluster_links_secret, "counter", "Connections with another secret")    \
    X(cluster_links_broken, "counter", "Links with bytes that were changed") \
    X(cluster_links_silent, "counter", "Links ended because of silence")     \
    X(cluster_links_crowded, "counter", "Connections closed for newer ones") \
    X(cluster_links_refused, "counter", "Links ended by refusing the peer")  \
    X(deliveries, "counter", "Events sent to subscribers")                   \
    X(replays_begun, "counter", "Times a subscription went to the log")      \
    X(catchup_begun, "counter", "Of these, for a client that was too slow")  \
    X(replay_pages, "counter", "Pages of the log read for subscriptions")    \
    X(replay_records, "counter", "Events in these pages")                    \
    X(gaps, "counter", "Gaps that subscribers were told of")                 \
    X(catchup_lost, "counter", "Clients without cursors closed: a gap")      \
    X(unfinished_bytes, "gauge", "Bytes of what has not wholly come")        \
    X(unfinished_refused, "counter", "Of these, refused: over the budget")   \
    X(timeouts, "counter", "Connections closed because of a time limit")     \
    X(keys_refused, "counter", "API keys refused")                           \
    X(keys_refused_again, "counter", "Of these, known to be bad")            \
    X(keys_unchecked, "counter", "Of these, not checked: bad ones before")   \
    X(answers_held, "counter", "Answers to bad keys that were held back")    \
    X(log_batch_events_sum, "counter", "Events in the log's transactions")   \
    X(log_batch_events_count, "counter", "Transactions of the log")          \
    X(log_failures, "counter", "Transactions that the log refused")          \
    X(events_lost,                                                           \
      "counter",                                                             \
      "Events answered from memory that the log then refused")               \
    X(log_trimmed, "counter", "Events that left the window")                 \
    X(log_corrupt_records, "gauge", "Records whose checksum does not fit")   \
    X(records_repaired, "counter", "Corrupt records that were made whole")   \
    X(repairs_wanted, "gauge", "Holes that no node in reach could fill")     \
    X(log_record_bytes, "gauge", "Bytes of records in the window")           \
    X(log_events, "gauge", "Events in the window")                           \
    X(log_evicted, "counter", "Trimmed before older ones of others")         \
    X(log_index_bytes, "gauge", "Memory for where events are, about")        \
    X(log_index_bytes_max, "gauge", "What it may become")

struct metrics {
#define X(name, kind, help) atomic_uint_least64_t name;
    METRICS_MAP(X)
#undef X
};

/* Only the owning thread adds, so this needs no locked instruction. */
#define metrics_add(m, name, n)                                       \
    atomic_store_explicit(                                            \
        &(m)->name,                                                   \
        atomic_load_explicit(&(m)->name, memory_order_relaxed) + (n), \
        memory_order_relaxed)
#define metrics_set(m, name, n) \
    atomic_store_explicit(&(m)->name, (n), memory_order_relaxed)

/* The sums of `count` sets, as Prometheus text: "weir_events 12". */
void metrics_print(struct metrics *const *sets,
                   size_t count,
                   struct buffer *out);

#endif
