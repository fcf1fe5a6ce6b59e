/* Protobuf does the encoding; what it leaves open (lengths, characters, counts)
 * is checked here before a key is handed on. */
#include "proto/api_key.h"

#include "base/check.h"
#include "base/rc.h"
#include "base/text.h"
#include "proto/keys.pb-c.h"
#include "proto/pack.h"

static bool is_id(struct bytes id)
{
    if (id.len == 0 || id.len > API_KEY_ID_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < id.len; i++) {
        uint8_t byte = id.data[i];
        uint8_t letter = byte | 0x20;

        if ((letter < 'a' || letter > 'z') && (byte < '0' || byte > '9') &&
            byte != '.' && byte != '_' && byte != '-') {
            return false;
        }
    }
    return true;
}

void api_key_signed_bytes(struct bytes payload, struct buffer *out)
{
    static const char context[] = "weir api key 1";

    /* With its NUL: no other text that weir signs begins like this. */
    buffer_append(out, bytes_of(context, sizeof(context)));
    buffer_append(out, payload);
}

static void fields_of(const struct channel_name *grants,
                      size_t count,
                      ProtobufCBinaryData *fields)
{
    check(count <= API_KEY_GRANTS_MAX);
    for (size_t i = 0; i < count; i++) {
        fields[i] = pack_field(grants[i].text, grants[i].len);
    }
}

void api_key_encode(const struct api_key *key, struct buffer *payload)
{
    ProtobufCBinaryData publish[API_KEY_GRANTS_MAX];
    ProtobufCBinaryData subscribe[API_KEY_GRANTS_MAX];
    Weir__ApiKey message = WEIR__API_KEY__INIT;

    check(is_id(bytes_text(key->id)));
    fields_of(key->publish, key->publish_count, publish);
    fields_of(key->subscribe, key->subscribe_count, subscribe);
    message.issuer = pack_field(key->issuer, sizeof(key->issuer));
    message.id = pack_field(key->id, strlen(key->id));
    message.n_publish = key->publish_count;
    message.publish = publish;
    message.n_subscribe = key->subscribe_count;
    message.subscribe = subscribe;
    message.admin = key->admin;
    message.not_before_s = key->not_before_s;
    message.expires_s = key->expires_s;
    pack_append(&message.base, payload);
}

static bool read_grants(const ProtobufCBinaryData *fields,
                        size_t count,
                        struct channel_name *grants)
{
    if (count > API_KEY_GRANTS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct bytes text = pack_view(fields[i]);

        if (channel_name_parse_grant(text, &grants[i]) != RC_OK ||
            !bytes_equal(text, channel_name_view(&grants[i]))) {
            return false;
        }
    }
    return true;
}

static bool read_message(const Weir__ApiKey *message, struct api_key *key)
{
    if (message->issuer.len != sizeof(key->issuer) ||
        !is_id(pack_view(message->id))) {
        return false;
    }
    memcpy(key->issuer, message->issuer.data, sizeof(key->issuer));
    memcpy(key->id, message->id.data, message->id.len);
    key->admin = message->admin != 0;
    key->not_before_s = message->not_before_s;
    key->expires_s = message->expires_s;
    key->publish_count = message->n_publish;
    key->subscribe_count = message->n_subscribe;
    return read_grants(message->publish, message->n_publish, key->publish) &&
           read_grants(
               message->subscribe, message->n_subscribe, key->subscribe);
}

int api_key_decode(struct bytes payload, struct api_key *ret)
{
    struct api_key key = {0};
    Weir__ApiKey *message;
    bool good;

    if (payload.len > API_KEY_TEXT_BYTES_MAX) {
        return RC_MALFORMED;
    }
    message = (Weir__ApiKey *)pack_read(&weir__api_key__descriptor, payload);
    if (message == NULL) {
        return RC_MALFORMED;
    }
    good = read_message(message, &key);
    pack_free(&message->base);
    if (!good) {
        return RC_MALFORMED;
    }
    *ret = key;
    return RC_OK;
}

void api_key_print(struct bytes payload,
                   const uint8_t signature[API_KEY_SIGNATURE_BYTES],
                   struct buffer *text)
{
    Weir__SignedKey message = WEIR__SIGNED_KEY__INIT;
    uint8_t packed[API_KEY_TEXT_BYTES_MAX];
    size_t packed_len;
    size_t text_len;
    uint8_t *room;

    message.payload = pack_field(payload.data, payload.len);
    message.signature = pack_field(signature, API_KEY_SIGNATURE_BYTES);
    packed_len = weir__signed_key__get_packed_size(&message);
    text_len = text_base64url_len(packed_len);
    if (text_len + strlen(API_KEY_TEXT_PREFIX) > API_KEY_TEXT_BYTES_MAX) {
        text->overflowed = true;
        return;
    }
    check(weir__signed_key__pack(&message, packed) == packed_len);
    buffer_text(text, API_KEY_TEXT_PREFIX);
    room = buffer_reserve(text, text_len);
    if (room != NULL) {
        text_base64url_encode(bytes_of(packed, packed_len), (char *)room);
        buffer_advance(text, text_len);
    }
}

/* The decoder also takes padding and the alphabet of plain base64; a key has
 * one spelling. */
static bool is_base64url(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];

        if (byte == '=' || byte == '+' || byte == '/') {
            return false;
        }
    }
    return true;
}

int api_key_parse(struct bytes text, struct api_key_signed *ret)
{
    static const struct bytes prefix = BYTES_LITERAL(API_KEY_TEXT_PREFIX);
    uint8_t packed[API_KEY_TEXT_BYTES_MAX];
    size_t packed_len = 0;
    Weir__SignedKey *message;
    bool good;

    if (text.len > API_KEY_TEXT_BYTES_MAX) {
        return RC_TOO_LARGE;
    }
    if (!bytes_starts_with(text, prefix)) {
        return RC_MALFORMED;
    }
    text = bytes_from(text, prefix.len);
    check(text_base64url_bytes_max(text.len) <= sizeof(packed));
    if (!is_base64url(text) ||
        !text_base64url_decode(text, packed, &packed_len)) {
        return RC_MALFORMED;
    }
    message = (Weir__SignedKey *)pack_read(&weir__signed_key__descriptor,
                                           bytes_of(packed, packed_len));
    if (message == NULL) {
        return RC_MALFORMED;
    }
    good = message->payload.len > 0 &&
           message->signature.len == API_KEY_SIGNATURE_BYTES;
    if (good) {
        memcpy(ret->signature, message->signature.data, sizeof(ret->signature));
        buffer_init(&ret->payload, API_KEY_TEXT_BYTES_MAX);
        buffer_append(&ret->payload, pack_view(message->payload));
    }
    pack_free(&message->base);
    return good ? RC_OK : RC_MALFORMED;
}
