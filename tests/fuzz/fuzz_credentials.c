/* Any text as an object of pairs and as a list of subprotocols: what is read
 * fits in, and an object that is read alone is read behind "header-" too. */
#include "base/check.h"
#include "base/rc.h"
#include "base/text.h"
#include "proto/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SCRATCH_BYTES_MAX (1 << 20)

static void check_same(struct credentials a, struct credentials b)
{
    check(bytes_equal(a.api_key, b.api_key));
    check(bytes_equal(a.authorization, b.authorization));
}

/* The object as a client would put it into a list. */
static void check_encoded(struct bytes object, struct credentials expected)
{
    struct credentials pairs;
    struct buffer scratch;
    struct buffer list;
    size_t len = text_base64url_len(object.len);
    bool offered;

    buffer_init(&scratch, SCRATCH_BYTES_MAX);
    buffer_init(&list, SCRATCH_BYTES_MAX);
    buffer_text(&list, "aws-appsync-event-ws, header-");
    text_base64url_encode(object, (char *)buffer_reserve(&list, len));
    buffer_advance(&list, len);
    check(credentials_from_subprotocols(
              buffer_view(&list), &scratch, &offered, &pairs) == RC_OK);
    check(offered);
    check_same(pairs, expected);
    buffer_done(&scratch);
    buffer_done(&list);
}

static void as_object(struct bytes text)
{
    struct credentials pairs;
    struct buffer scratch;

    buffer_init(&scratch, SCRATCH_BYTES_MAX);
    if (credentials_from_json(text, &scratch, &pairs) == RC_OK) {
        check(json_valid(text));
        check(pairs.api_key.len < text.len);
        check(pairs.authorization.len < text.len);
        check_encoded(text, pairs);
    }
    buffer_done(&scratch);
}

static void as_list(struct bytes text)
{
    struct credentials pairs;
    struct buffer scratch;
    bool offered;

    buffer_init(&scratch, SCRATCH_BYTES_MAX);
    if (credentials_from_subprotocols(text, &scratch, &offered, &pairs) == 0) {
        check(pairs.api_key.len <= text.len);
        check(pairs.authorization.len <= text.len);
    }
    buffer_done(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len > SCRATCH_BYTES_MAX / 8) {
        return 0;
    }
    as_object(bytes_of(data, len));
    as_list(bytes_of(data, len));
    return 0;
}
