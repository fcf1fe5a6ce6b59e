/* Any bytes as the text of a key and as its payload: what is read can be
 * written again and then reads the same. */
#include "base/check.h"
#include "base/rc.h"
#include "proto/api_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void as_payload(struct bytes payload)
{
    static struct api_key key;
    static struct api_key again;
    struct buffer encoded;
    struct buffer encoded_again;

    if (api_key_decode(payload, &key) != RC_OK) {
        return;
    }
    check(key.publish_count <= API_KEY_GRANTS_MAX);
    check(key.subscribe_count <= API_KEY_GRANTS_MAX);
    buffer_init(&encoded, 2 * API_KEY_TEXT_BYTES_MAX);
    buffer_init(&encoded_again, 2 * API_KEY_TEXT_BYTES_MAX);
    api_key_encode(&key, &encoded);
    check(!encoded.overflowed);
    check(encoded.len <= payload.len);
    check(api_key_decode(buffer_view(&encoded), &again) == RC_OK);
    api_key_encode(&again, &encoded_again);
    check(bytes_equal(buffer_view(&encoded), buffer_view(&encoded_again)));
    buffer_done(&encoded);
    buffer_done(&encoded_again);
}

static void as_text(struct bytes text)
{
    struct api_key_signed key;
    struct api_key_signed again;
    struct buffer printed;

    if (api_key_parse(text, &key) != RC_OK) {
        return;
    }
    buffer_init(&printed, API_KEY_TEXT_BYTES_MAX);
    api_key_print(buffer_view(&key.payload), key.signature, &printed);
    check(!printed.overflowed);
    check(api_key_parse(buffer_view(&printed), &again) == RC_OK);
    check(bytes_equal(buffer_view(&key.payload), buffer_view(&again.payload)));
    as_payload(buffer_view(&key.payload));
    buffer_done(&again.payload);
    buffer_done(&key.payload);
    buffer_done(&printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    as_text(bytes_of(data, len));
    as_payload(bytes_of(data, len));
    return 0;
}
