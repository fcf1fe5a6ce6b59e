/* What `weir bench` was asked to do. */
#ifndef SRC_BENCH_SETTINGS_H
#define SRC_BENCH_SETTINGS_H

#include "src/client.h"

#define BENCH_SETTINGS_CONNECTIONS_MAX 60000 /* what a peer's ports allow */
#define BENCH_SETTINGS_WINDOW_MAX 1024

enum bench_settings_mode {
    BENCH_SETTINGS_FANOUT,
    BENCH_SETTINGS_PUBLISH,
    BENCH_SETTINGS_IDLE,
    BENCH_SETTINGS_REPLAY,
};

enum bench_settings_transport {
    BENCH_SETTINGS_HTTP,
    BENCH_SETTINGS_WS,
    BENCH_SETTINGS_NCHAN, /* POST /pub?id=CHANNEL with the bare event */
};

struct bench_settings {
    enum bench_settings_mode mode;
    enum bench_settings_transport transport;
    const struct client *client;
    const char *channel;  /* channels are this, "-" and a number */
    uint64_t connections; /* subscribers; publishers when publishing */
    uint64_t channels;
    uint64_t window; /* outstanding: end to end, or for each publisher */
    uint64_t events; /* of the past that is replayed */
    uint64_t rate;   /* events a second; 0: as the window allows */
    uint64_t size;   /* bytes of an event */
    uint64_t seconds;
    uint64_t warmup;     /* seconds */
    uint64_t server_pid; /* 0: not known */
    bool subscribed;     /* publishing: each channel has a subscriber */
    bool json;
};

#endif
