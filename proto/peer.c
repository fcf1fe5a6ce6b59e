/* protobuf-c reads and writes all frames but EVENTS; what it leaves open
 * (counts, lengths, order) is checked here before a frame is handed on. */
#include "proto/peer.h"

#include "base/check.h"
#include "base/event.h"
#include "base/text.h"
#include "proto/pack.h"
#include "proto/peer.pb-c.h"

/* The length in a head does not count itself. */
#define LENGTH_BYTES 4

/* A vector as messages; it must stay where it is. */
struct places {
    Weir__PeerPlace places[VECTOR_ORIGINS_MAX];
    Weir__PeerPlace *pointers[VECTOR_ORIGINS_MAX];
};

static Weir__PeerPlace **places_of(const struct vector *v, struct places *out)
{
    check(v->count <= VECTOR_ORIGINS_MAX);
    for (size_t i = 0; i < v->count; i++) {
        weir__peer_place__init(&out->places[i]);
        out->places[i].origin = v->entries[i].origin;
        out->places[i].sequence = v->entries[i].sequence;
        out->pointers[i] = &out->places[i];
    }
    return out->pointers;
}

static ProtobufCBinaryData field_of(struct bytes bytes, size_t len_max)
{
    check(bytes.len <= len_max);
    return pack_field(bytes.data, bytes.len);
}

static void put(enum peer_kind kind,
                const ProtobufCMessage *message,
                struct buffer *out)
{
    size_t len = protobuf_c_message_get_packed_size(message);

    check(len <= PEER_CONTROL_BYTES_MAX - PEER_HEAD_BYTES);
    buffer_u32(out, (uint32_t)(len + PEER_HEAD_BYTES - LENGTH_BYTES));
    buffer_u8(out, (uint8_t)kind);
    pack_append(message, out);
}

static void put_hello(const struct peer_hello *hello, struct buffer *out)
{
    Weir__PeerHello message = WEIR__PEER_HELLO__INIT;
    ProtobufCBinaryData urls[PEER_URLS_MAX];
    struct places have;
    struct places low_water;

    check(hello->url_count <= PEER_URLS_MAX);
    for (size_t i = 0; i < hello->url_count; i++) {
        urls[i] = field_of(hello->urls[i], PEER_URL_BYTES_MAX);
    }
    message.version = hello->version;
    message.version_least = hello->version_least;
    message.node = hello->node;
    message.run = hello->run;
    message.wall_ms = hello->wall_ms;
    message.features = hello->features;
    message.name = field_of(hello->name, PEER_NAME_BYTES_MAX);
    message.n_urls = hello->url_count;
    message.urls = urls;
    message.n_have = hello->have.count;
    message.have = places_of(&hello->have, &have);
    message.n_low_water = hello->low_water.count;
    message.low_water = places_of(&hello->low_water, &low_water);
    put(PEER_HELLO, &message.base, out);
}

static void put_vector(enum peer_kind kind,
                       const struct vector *v,
                       struct buffer *out)
{
    Weir__PeerVector message = WEIR__PEER_VECTOR__INIT;
    struct places places;

    message.n_places = v->count;
    message.places = places_of(v, &places);
    put(kind, &message.base, out);
}

static void put_stop(const struct peer_stop *stop, struct buffer *out)
{
    Weir__PeerStop message = WEIR__PEER_STOP__INIT;
    uint64_t origins[VECTOR_ORIGINS_MAX];

    check(stop->count <= VECTOR_ORIGINS_MAX);
    memcpy(origins, stop->origins, sizeof(origins));
    message.n_origins = stop->count;
    message.origins = origins;
    put(PEER_STOP, &message.base, out);
}

static void put_gap(const struct peer_gap *gap, struct buffer *out)
{
    Weir__PeerGap message = WEIR__PEER_GAP__INIT;

    message.origin = gap->origin;
    message.from = gap->from;
    message.to = gap->to;
    put(PEER_GAP, &message.base, out);
}

static void put_fetch(const struct peer_fetch *fetch, struct buffer *out)
{
    Weir__PeerFetch message = WEIR__PEER_FETCH__INIT;

    message.origin = fetch->origin;
    message.after = fetch->after;
    message.until = fetch->until;
    put(PEER_FETCH, &message.base, out);
}

static void put_fetched(const struct peer_events *events, struct buffer *out)
{
    size_t len = events->fields.len + PEER_HEAD_BYTES;

    check(len <= PEER_FRAME_BYTES_MAX);
    buffer_u32(out, (uint32_t)(len - LENGTH_BYTES));
    buffer_u8(out, PEER_FETCHED);
    buffer_append(out, events->fields);
}

static void put_issuers(const struct peer_issuers *issuers, struct buffer *out)
{
    Weir__PeerIssuers message = WEIR__PEER_ISSUERS__INIT;
    ProtobufCBinaryData records[PEER_ISSUERS_MAX];

    check(issuers->count <= PEER_ISSUERS_MAX);
    for (size_t i = 0; i < issuers->count; i++) {
        records[i] = field_of(issuers->records[i], PEER_ISSUER_BYTES_MAX);
    }
    message.n_records = issuers->count;
    message.records = records;
    put(PEER_ISSUERS, &message.base, out);
}

static void put_members(struct bytes table, struct buffer *out)
{
    Weir__PeerMembers message = WEIR__PEER_MEMBERS__INIT;

    message.table = field_of(table, PEER_CONTROL_BYTES_MAX);
    put(PEER_MEMBERS, &message.base, out);
}

static void put_nonce(enum peer_kind kind, uint64_t nonce, struct buffer *out)
{
    Weir__PeerNonce message = WEIR__PEER_NONCE__INIT;

    message.nonce = nonce;
    put(kind, &message.base, out);
}

static void put_goodbye(uint32_t reason, struct buffer *out)
{
    Weir__PeerGoodbye message = WEIR__PEER_GOODBYE__INIT;

    message.reason = reason;
    put(PEER_GOODBYE, &message.base, out);
}

static void put_error(const struct peer_error *error, struct buffer *out)
{
    Weir__PeerError message = WEIR__PEER_ERROR__INIT;

    message.code = error->code;
    message.text = field_of(error->text, PEER_TEXT_BYTES_MAX);
    put(PEER_ERROR, &message.base, out);
}

void peer_encode(const struct peer_frame *frame, struct buffer *out)
{
    switch (frame->kind) {
    case PEER_HELLO:
        put_hello(&frame->hello, out);
        return;
    case PEER_HAVE:
        put_vector(PEER_HAVE, &frame->have, out);
        return;
    case PEER_WANT:
        put_vector(PEER_WANT, &frame->want, out);
        return;
    case PEER_STOP:
        put_stop(&frame->stop, out);
        return;
    case PEER_GAP:
        put_gap(&frame->gap, out);
        return;
    case PEER_FETCH:
        put_fetch(&frame->fetch, out);
        return;
    case PEER_FETCHED:
        put_fetched(&frame->events, out);
        return;
    case PEER_ISSUERS:
        put_issuers(&frame->issuers, out);
        return;
    case PEER_MEMBERS:
        put_members(frame->members, out);
        return;
    case PEER_PING:
    case PEER_PONG:
        put_nonce(frame->kind, frame->nonce, out);
        return;
    case PEER_GOODBYE:
        put_goodbye(frame->goodbye, out);
        return;
    case PEER_ERROR:
        put_error(&frame->error, out);
        return;
    case PEER_SKIPPED:
    case PEER_EVENTS:
        break;
    }
    check_unreachable();
}

static bool is_origin(uint64_t origin)
{
    return origin != 0 && origin <= EVENT_ORIGIN_MAX;
}

static bool read_text(ProtobufCBinaryData field,
                      size_t len_max,
                      struct bytes *ret)
{
    *ret = pack_view(field);
    return ret->len <= len_max && text_utf8_valid(*ret);
}

static bool read_vector(Weir__PeerPlace *const *places,
                        size_t count,
                        struct vector *ret)
{
    uint64_t last = 0;

    if (count > VECTOR_ORIGINS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_origin(places[i]->origin) || places[i]->origin <= last) {
            return false;
        }
        last = places[i]->origin;
        ret->entries[i] = (struct vector_entry){
            .origin = last, .sequence = places[i]->sequence};
    }
    ret->count = count;
    return true;
}

static bool read_hello(const Weir__PeerHello *message, struct peer_hello *ret)
{
    if (message->version < message->version_least ||
        message->version_least == 0 || !is_origin(message->node) ||
        message->n_urls > PEER_URLS_MAX) {
        return false;
    }
    ret->version = message->version;
    ret->version_least = message->version_least;
    ret->node = message->node;
    ret->run = message->run;
    ret->wall_ms = message->wall_ms;
    ret->features = message->features;
    ret->url_count = message->n_urls;
    for (size_t i = 0; i < message->n_urls; i++) {
        if (!read_text(message->urls[i], PEER_URL_BYTES_MAX, &ret->urls[i])) {
            return false;
        }
    }
    return read_text(message->name, PEER_NAME_BYTES_MAX, &ret->name) &&
           read_vector(message->have, message->n_have, &ret->have) &&
           read_vector(
               message->low_water, message->n_low_water, &ret->low_water);
}

static bool read_stop(const Weir__PeerStop *message, struct peer_stop *ret)
{
    if (message->n_origins > VECTOR_ORIGINS_MAX) {
        return false;
    }
    for (size_t i = 0; i < message->n_origins; i++) {
        if (!is_origin(message->origins[i])) {
            return false;
        }
        ret->origins[i] = message->origins[i];
    }
    ret->count = message->n_origins;
    return true;
}

static bool read_gap(const Weir__PeerGap *message, struct peer_gap *ret)
{
    *ret = (struct peer_gap){
        .origin = message->origin, .from = message->from, .to = message->to};
    return is_origin(ret->origin) && ret->from < ret->to;
}

static bool read_fetch(const Weir__PeerFetch *message, struct peer_fetch *ret)
{
    *ret = (struct peer_fetch){.origin = message->origin,
                               .after = message->after,
                               .until = message->until};
    return is_origin(ret->origin) && ret->after < ret->until;
}

static bool read_issuers(const Weir__PeerIssuers *message,
                         struct peer_issuers *ret)
{
    if (message->n_records > PEER_ISSUERS_MAX) {
        return false;
    }
    for (size_t i = 0; i < message->n_records; i++) {
        ret->records[i] = pack_view(message->records[i]);
        if (ret->records[i].len > PEER_ISSUER_BYTES_MAX) {
            return false;
        }
    }
    ret->count = message->n_records;
    return true;
}

/* NULL: a kind that is not known, or not protobuf-c's to read. */
static const ProtobufCMessageDescriptor *descriptor_of(enum peer_kind kind)
{
    switch (kind) {
    case PEER_HELLO:
        return &weir__peer_hello__descriptor;
    case PEER_HAVE:
    case PEER_WANT:
        return &weir__peer_vector__descriptor;
    case PEER_STOP:
        return &weir__peer_stop__descriptor;
    case PEER_GAP:
        return &weir__peer_gap__descriptor;
    case PEER_FETCH:
        return &weir__peer_fetch__descriptor;
    case PEER_ISSUERS:
        return &weir__peer_issuers__descriptor;
    case PEER_MEMBERS:
        return &weir__peer_members__descriptor;
    case PEER_PING:
    case PEER_PONG:
        return &weir__peer_nonce__descriptor;
    case PEER_GOODBYE:
        return &weir__peer_goodbye__descriptor;
    case PEER_ERROR:
        return &weir__peer_error__descriptor;
    case PEER_SKIPPED:
    case PEER_EVENTS:
    case PEER_FETCHED:
        break;
    }
    return NULL;
}

/* `frame->message` is of the frame's kind. */
static bool read_message(struct peer_frame *frame)
{
    const void *message = frame->message;
    const Weir__PeerVector *vector = message;
    const Weir__PeerError *error = message;

    switch (frame->kind) {
    case PEER_HELLO:
        return read_hello(message, &frame->hello);
    case PEER_HAVE:
        return read_vector(vector->places, vector->n_places, &frame->have);
    case PEER_WANT:
        return read_vector(vector->places, vector->n_places, &frame->want);
    case PEER_STOP:
        return read_stop(message, &frame->stop);
    case PEER_GAP:
        return read_gap(message, &frame->gap);
    case PEER_FETCH:
        return read_fetch(message, &frame->fetch);
    case PEER_ISSUERS:
        return read_issuers(message, &frame->issuers);
    case PEER_MEMBERS:
        frame->members = pack_view(((const Weir__PeerMembers *)message)->table);
        return true;
    case PEER_PING:
    case PEER_PONG:
        frame->nonce = ((const Weir__PeerNonce *)message)->nonce;
        return true;
    case PEER_GOODBYE:
        frame->goodbye = ((const Weir__PeerGoodbye *)message)->reason;
        return true;
    case PEER_ERROR:
        frame->error.code = error->code;
        return read_text(error->text, PEER_TEXT_BYTES_MAX, &frame->error.text);
    case PEER_SKIPPED:
    case PEER_EVENTS:
    case PEER_FETCHED:
        break;
    }
    check_unreachable();
}

static int read_body(struct bytes body, struct peer_frame *frame)
{
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(frame->kind);

    frame->message = NULL;
    if (frame->kind == PEER_EVENTS || frame->kind == PEER_FETCHED) {
        return peer_events_read(body, &frame->events) &&
                       (frame->events.count > 0 || frame->kind == PEER_FETCHED)
                   ? 0
                   : RC_MALFORMED;
    }
    if (descriptor == NULL) {
        frame->kind = PEER_SKIPPED;
        return 0;
    }
    frame->message = pack_read(descriptor, body);
    if (frame->message == NULL) {
        return RC_MALFORMED;
    }
    if (!read_message(frame)) {
        peer_frame_done(frame);
        return RC_MALFORMED;
    }
    return 0;
}

int peer_decode(struct bytes *rest, struct peer_frame *ret)
{
    struct bytes all = *rest;
    struct bytes body;
    uint32_t len;
    uint8_t kind;
    int rc;

    if (!bytes_take_u32(&all, &len)) {
        return RC_AGAIN;
    }
    if (len < PEER_HEAD_BYTES - LENGTH_BYTES) {
        return RC_MALFORMED;
    }
    if (len > PEER_FRAME_BYTES_MAX - LENGTH_BYTES) {
        return RC_TOO_LARGE;
    }
    if (!bytes_take_u8(&all, &kind)) {
        return RC_AGAIN;
    }
    if (descriptor_of(kind) != NULL &&
        len > PEER_CONTROL_BYTES_MAX - LENGTH_BYTES) {
        return RC_TOO_LARGE;
    }
    if (!bytes_take(&all, len - (PEER_HEAD_BYTES - LENGTH_BYTES), &body)) {
        return RC_AGAIN;
    }
    ret->kind = kind;
    rc = read_body(body, ret);
    if (rc == 0) {
        *rest = all;
    }
    return rc;
}

void peer_frame_done(struct peer_frame *frame)
{
    pack_free(frame->message);
    frame->message = NULL;
}

uint32_t peer_version_common(const struct peer_hello *a,
                             const struct peer_hello *b)
{
    uint32_t version = a->version < b->version ? a->version : b->version;

    return version >= a->version_least && version >= b->version_least ? version
                                                                      : 0;
}
