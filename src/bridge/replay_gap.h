/* What the members of a page are told that they cannot have: at most one gap a
 * page, before its events. */
#ifndef BRIDGE_REPLAY_GAP_H
#define BRIDGE_REPLAY_GAP_H

#include "base/vector.h"

#include <stdbool.h>

struct replay_page;
struct shard;

/* Its members are told of everything up to `to` before they get its events. */
void replay_gap_add(struct replay_page *page,
                    const struct vector *to,
                    const char *reason);

/* Whether a gap may still come; one behind what the page has is for the next
 * page, which begins with it. */
bool replay_gap_fits(const struct replay_page *page);

/* Of a page that was read up to `covered_place`: something at its end is
 * corrupt. */
void replay_gap_corrupt(struct shard *shard,
                        struct replay_page *page,
                        uint64_t covered_place);

/* It has met the present, and lacks the last events of an origin. */
void replay_gap_tail(const struct shard *shard, struct replay_page *page);

/* Before it is read: what its members have yet to see and has left the log
 * already. */
void replay_gap_begin(const struct shard *shard, struct replay_page *page);

/* Once it was read: whether more has left the log meanwhile. It then has no
 * events, only the gap: its members are told and read again from where they
 * are, unless it is read again itself. */
bool replay_gap_trimmed(struct shard *shard, struct replay_page *page);

#endif
