/* One field names several events by adding their numbers, which a key in a
 * message may spell as well: an event that was sent over HTTP can be repeated
 * on a WebSocket. */
#include "proto/idempotency.h"

#include "base/check.h"
#include "base/event.h"
#include "base/rc.h"

#define SUFFIX_BYTES 2 /* "/0" */

_Static_assert(IDEMPOTENCY_KEYS_MAX <= 10, "a number is one digit");
_Static_assert(IDEMPOTENCY_KEY_BYTES_MAX + SUFFIX_BYTES == EVENT_KEY_BYTES_MAX,
               "an event holds the longest key");

bool idempotency_key_valid(struct bytes key)
{
    if (key.len == 0 || key.len > IDEMPOTENCY_KEY_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] < 0x21 || key.data[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

/* Take one item of the array; false when it is not a good key, or one too many.
 */
static bool take_key(struct json *reader,
                     struct json_token item,
                     struct buffer *scratch,
                     struct idempotency *keys)
{
    struct bytes key;

    if (item.type != JSON_STRING) {
        (void)json_skip(reader, item);
        return false;
    }
    if (keys->count == IDEMPOTENCY_KEYS_MAX) {
        return false;
    }
    key = json_text(item, scratch);
    keys->keys[keys->count++] = key;
    return idempotency_key_valid(key);
}

int idempotency_read(struct json *reader,
                     struct json_token first,
                     struct buffer *scratch,
                     struct idempotency *ret)
{
    struct idempotency keys = {0};
    bool good = true;

    if (first.type != JSON_ARRAY_BEGIN) {
        (void)json_skip(reader, first);
        return RC_MALFORMED;
    }
    for (;;) {
        struct json_token item = json_next(reader);

        if (item.type == JSON_ARRAY_END) {
            break;
        }
        if (item.type == JSON_INVALID) {
            return RC_MALFORMED;
        }
        good = take_key(reader, item, scratch, &keys) && good;
    }
    if (!good || keys.count == 0) {
        return RC_MALFORMED;
    }
    *ret = keys;
    return 0;
}

int idempotency_from_field(struct bytes value,
                           size_t count,
                           struct buffer *text,
                           struct idempotency *ret)
{
    size_t len = value.len + SUFFIX_BYTES;

    check(count > 0 && count <= IDEMPOTENCY_KEYS_MAX);
    buffer_clear(text);
    /* All the room at once, so that no key moves. */
    if (!idempotency_key_valid(value) ||
        buffer_reserve(text, count * len) == NULL) {
        return RC_MALFORMED;
    }
    ret->count = count;
    for (size_t i = 0; i < count; i++) {
        buffer_append(text, value);
        buffer_u8(text, '/');
        buffer_u8(text, (uint8_t)('0' + i));
        ret->keys[i] = bytes_of(text->data + i * len, len);
    }
    return 0;
}
