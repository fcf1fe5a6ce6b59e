/* A publisher of a measurement: one connection over which prepared requests go
 * out, with only the digits in them replaced. */
#ifndef SRC_BENCH_PUBLISHER_H
#define SRC_BENCH_PUBLISHER_H

#include "src/bench_run.h"

#define BENCH_PUBLISHER_INDEX_BITS 16

struct bench_publisher;

struct bench_publisher_events {
    void (*ready)(void *context, struct bench_publisher *p);
    /* A publish was answered; `ok`: it was successful. */
    void (*answered)(void *context,
                     struct bench_publisher *p,
                     uint64_t sent_ns,
                     bool ok);
    /* One read's answers have all been told: publish and flush. */
    void (*read)(void *context, struct bench_publisher *p);
};

struct bench_publisher *bench_publisher_open(
    struct bench_run *run,
    uint32_t index,
    enum bench_settings_transport transport,
    const struct bench_publisher_events *events,
    void *context);

/* Prepare one event on a channel; `sent_ns` is the time that its latency counts
 * from. Its sequence is how many there were before. Not while the window is
 * full. */
void bench_publisher_publish(struct bench_publisher *p,
                             size_t channel,
                             uint64_t sent_ns);
void bench_publisher_flush(struct bench_publisher *p);

uint32_t bench_publisher_index(const struct bench_publisher *p);

/* What its events carry as publisher: its index and a number that this process
 * drew, so that events of another run are told apart. */
uint32_t bench_publisher_tag(const struct bench_publisher *p);
uint32_t bench_publisher_tag_index(uint32_t tag);
uint64_t bench_publisher_sequence(const struct bench_publisher *p);
uint64_t bench_publisher_outstanding(const struct bench_publisher *p);

/* Whether its connection still stands and takes one publish more. */
bool bench_publisher_free_slot(const struct bench_publisher *p);

void bench_publisher_close(struct bench_publisher *p);
void bench_publisher_free(struct bench_publisher *p); /* after the loop's end */

#endif
