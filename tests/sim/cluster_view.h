/* What one subscriber has seen, from its first subscribe on, wherever it goes:
 * every event for it, once, each publisher's in order, and where it has none, a
 * gap that it was told of. Knows frames only as their members. */
#ifndef TESTS_SIM_CLUSTER_VIEW_H
#define TESTS_SIM_CLUSTER_VIEW_H

#include "tests/sim/cluster_check.h"

enum view_begin {
    VIEW_PLAIN,   /* no cursors: it begins anew with each connection */
    VIEW_CURSORS, /* what comes from now on */
    VIEW_PAST,    /* all, or the last */
};

struct check_view {
    struct check *check;
    size_t index;
    enum view_begin begin;
    const char *pattern;
    bool on;
    bool begun;
    size_t node;
    size_t event_then; /* so many events were known when it began */
    uint64_t fact_then;
    struct vector start;
    struct vector at;
    uint8_t *seen;  /* by event: seen, or told that it is gone */
    uint32_t *last; /* by connection and channel: the last number */
};

void view_init(struct check_view *v, struct check *c, size_t index);
void view_done(struct check_view *v);

/* A subscriber comes to be. */
void view_new(struct check_view *v, const char *pattern, enum view_begin begin);

/* What it is told: that it is subscribed at `node` (`cursor`: len 0 for a plain
 * one), events, gaps; and that its connection is no more. */
void view_on(struct check_view *v, size_t node, struct bytes cursor);
void view_data(struct check_view *v,
               struct bytes content,
               struct bytes channel,
               struct bytes cursor);
struct view_gap {
    struct bytes reason;
    struct bytes from;
    struct bytes to;
    struct bytes missed; /* len 0: not told */
};
void view_gap(struct check_view *v, const struct view_gap *gap);
void view_off(struct check_view *v);

/* Whether a node must know the cursor that it has. */
bool view_knows(const struct check_view *v, size_t node);

/* The number of an event that it still lacks although somebody has it; 0:
 * none. */
uint64_t view_lacks(const struct check_view *v);

#endif
