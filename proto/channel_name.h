/* Names of channels and patterns of channels, in their one canonical form.
 *
 * A channel is 1 to 5 segments of 1 to 50 letters, digits and '-', no '-' at
 * either end of a segment; the first segment is its namespace (AppSync Events
 * guide, "channel namespaces"). A slash in front and one behind are optional
 * on the way in; the canonical form is "/namespace/a/b". A pattern is a channel
 * or a channel with "/" "*" behind it: every channel below, at any depth, not
 * the channel itself. In a grant, "/" "*" alone covers every channel. */
#ifndef PROTO_CHANNEL_NAME_H
#define PROTO_CHANNEL_NAME_H

#include "base/bytes.h"

#define CHANNEL_NAME_SEGMENTS_MAX 5
#define CHANNEL_NAME_SEGMENT_BYTES_MAX 50
/* Five segments with their slashes, and a wildcard's two bytes. */
#define CHANNEL_NAME_BYTES_MAX (5 * 51 + 2)

struct channel_name {
    uint16_t len;          /* of text: the canonical form */
    uint8_t namespace_len; /* text[1 .. 1 + namespace_len) is the namespace */
    bool wildcard;         /* text ends in a star */
    char text[CHANNEL_NAME_BYTES_MAX];
};

/* A channel to publish to: no wildcard. RC_MALFORMED otherwise. */
int channel_name_parse(struct bytes text, struct channel_name *ret);

/* A channel or pattern to subscribe to. RC_MALFORMED otherwise. */
int channel_name_parse_pattern(struct bytes text, struct channel_name *ret);

/* What a key may do: as a pattern, or the star alone (namespace_len 0). */
int channel_name_parse_grant(struct bytes text, struct channel_name *ret);

struct bytes channel_name_view(const struct channel_name *name);
struct bytes channel_name_namespace(const struct channel_name *name);

/* What a wildcard's channels all begin with: the text without the star,
 * "/default/". For an exact name, the whole text. */
struct bytes channel_name_prefix(const struct channel_name *name);

/* Whether every channel that `name` (a channel or pattern, canonical) stands
 * for is covered by `pattern`. A wildcard is never covered by an exact name. */
bool channel_name_covers(const struct channel_name *pattern,
                         const struct channel_name *name);

#endif
