/* Messages of a server, as a client reads them. What is accepted must be JSON
 * and its views must lie within the scratch. */
#include "base/check.h"
#include "base/rc.h"
#include "proto/json.h"
#include "proto/server_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct bytes view, const struct buffer *scratch)
{
    if (view.data != NULL) {
        check(view.data >= scratch->data);
        check(view.data + view.len <= scratch->data + scratch->len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server_msg msg;
    struct buffer scratch;
    int rc;

    buffer_init(&scratch, 1 << 20);
    rc = server_msg_parse(bytes_of(data, size), &scratch, &msg);
    if (rc == RC_OK) {
        check(json_valid(bytes_of(data, size)));
        within(msg.id, &scratch);
        within(msg.event, &scratch);
        within(msg.channel, &scratch);
        within(msg.cursor, &scratch);
        within(msg.error_type, &scratch);
        within(msg.error_message, &scratch);
        check(msg.successful_count <= CLIENT_MSG_EVENTS_MAX);
        check(msg.failed_count <= CLIENT_MSG_EVENTS_MAX);
        for (size_t i = 0; i < msg.successful_count; i++) {
            within(msg.successful[i].identifier, &scratch);
        }
        for (size_t i = 0; i < msg.failed_count; i++) {
            within(msg.failed[i].identifier, &scratch);
            within(msg.failed[i].code, &scratch);
            within(msg.failed[i].message, &scratch);
        }
    } else {
        check(rc == RC_MALFORMED || rc == RC_TOO_LARGE);
    }
    buffer_done(&scratch);
    return 0;
}
