/* One walk over the object serves all its sources: pairs are kept when their
 * name is known and checked to be strings when it is not. */
#include "proto/credentials.h"

#include "base/check.h"
#include "base/rc.h"
#include "base/text.h"

/* Keep one pair; false when it was kept before. */
static bool keep(struct bytes name,
                 struct json_token value,
                 struct buffer *scratch,
                 struct credentials *pairs)
{
    struct bytes *field = NULL;

    if (bytes_equal_nocase(name, "x-api-key")) {
        field = &pairs->api_key;
    } else if (bytes_equal_nocase(name, "authorization")) {
        field = &pairs->authorization;
    }
    if (field == NULL) {
        return true;
    }
    if (field->data != NULL) {
        return false;
    }
    *field = json_text(value, scratch);
    return true;
}

int credentials_read(struct json *reader,
                     struct json_token first,
                     struct buffer *scratch,
                     struct credentials *ret)
{
    struct credentials pairs = {0};
    size_t begin = reader->offset;
    bool good = true;

    if (first.type != JSON_OBJECT_BEGIN) {
        (void)json_skip(reader, first);
        return RC_MALFORMED;
    }
    for (;;) {
        struct json_token name = json_next(reader);
        struct json_token value;

        if (name.type != JSON_STRING) {
            good = good && name.type == JSON_OBJECT_END;
            break;
        }
        value = json_next(reader);
        if (value.type != JSON_STRING) {
            good = false;
            (void)json_skip(reader, value);
        } else if (good) {
            good = keep(json_text(name, scratch), value, scratch, &pairs);
        }
    }
    if (!good || reader->offset - begin >= CREDENTIALS_BYTES_MAX) {
        return RC_MALFORMED;
    }
    *ret = pairs;
    return RC_OK;
}

int credentials_from_json(struct bytes object,
                          struct buffer *scratch,
                          struct credentials *ret)
{
    struct credentials pairs;
    struct json reader;
    int rc;

    if (object.len > CREDENTIALS_BYTES_MAX ||
        buffer_reserve(scratch, object.len) == NULL) {
        return RC_MALFORMED;
    }
    json_init(&reader, object);
    rc = credentials_read(&reader, json_next(&reader), scratch, &pairs);
    if (rc != RC_OK) {
        return rc;
    }
    if (json_next(&reader).type != JSON_END) {
        return RC_MALFORMED;
    }
    *ret = pairs;
    return RC_OK;
}

/* Read the text behind "header-". */
static int from_header(struct bytes encoded,
                       struct buffer *scratch,
                       struct credentials *ret)
{
    size_t bytes_max = text_base64url_bytes_max(encoded.len);
    size_t begin = scratch->len;
    size_t len = 0;
    uint8_t *room;

    /* Padding counts for a little more than it decodes to. */
    if (bytes_max > CREDENTIALS_BYTES_MAX + 3) {
        return RC_MALFORMED;
    }
    /* Room for the object and for what is unescaped behind it, so that neither
     * moves. */
    room = buffer_reserve(scratch, 2 * bytes_max);
    if (room == NULL || !text_base64url_decode(encoded, room, &len)) {
        return RC_MALFORMED;
    }
    check(len <= bytes_max);
    buffer_advance(scratch, len);
    return credentials_from_json(
        bytes_from(buffer_view(scratch), begin), scratch, ret);
}

int credentials_from_subprotocols(struct bytes list,
                                  struct buffer *scratch,
                                  bool *ret_offered,
                                  struct credentials *ret)
{
    static const struct bytes prefix = BYTES_LITERAL("header-");
    struct credentials pairs = {0};
    struct bytes encoded = {0};
    struct bytes item;
    bool offered = false;
    size_t header_count = 0;

    while (bytes_split(&list, ',', &item)) {
        item = bytes_trim(item);
        if (bytes_equal_text(item, "aws-appsync-event-ws")) {
            offered = true;
        } else if (bytes_starts_with(item, prefix)) {
            encoded = bytes_from(item, prefix.len);
            header_count++;
        }
    }
    *ret_offered = offered;
    if (header_count > 1) {
        return RC_MALFORMED;
    }
    if (header_count == 1 && from_header(encoded, scratch, &pairs) != RC_OK) {
        return RC_MALFORMED;
    }
    *ret = pairs;
    return RC_OK;
}
