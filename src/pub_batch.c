/* A ring: answers come in the order of the requests. */
#include "src/pub_batch.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>

bool pub_batch_full(const struct pub_batches *b)
{
    return b->added - b->answered == PUB_BATCH_WAITING_MAX ||
           b->bytes >= PUB_BATCH_BYTES_MAX;
}

bool pub_batch_none(const struct pub_batches *b)
{
    return b->added == b->answered;
}

void pub_batch_add(struct pub_batches *b,
                   uint64_t first,
                   size_t count,
                   size_t bytes)
{
    check(!pub_batch_full(b));
    check(first > 0 && count > 0);
    b->items[b->added++ % PUB_BATCH_WAITING_MAX] =
        (struct pub_batch){.first = first, .count = count, .bytes = bytes};
    b->bytes += bytes;
}

struct pub_batch pub_batch_take(struct pub_batches *b)
{
    struct pub_batch *oldest;

    check(!pub_batch_none(b));
    oldest = &b->items[b->answered++ % PUB_BATCH_WAITING_MAX];
    check(b->bytes >= oldest->bytes);
    b->bytes -= oldest->bytes;
    return *oldest;
}

uint64_t pub_batch_first(const struct pub_batches *b)
{
    check(!pub_batch_none(b));
    return b->items[b->answered % PUB_BATCH_WAITING_MAX].first;
}

static int refuse(uint64_t first,
                  size_t count,
                  enum rc rc,
                  struct bytes type,
                  struct bytes message,
                  struct why *why)
{
    char events[64];

    if (count == 1) {
        (void)snprintf(events, sizeof(events), "event %" PRIu64 " was", first);
    } else {
        (void)snprintf(events,
                       sizeof(events),
                       "events %" PRIu64 " to %" PRIu64 " were",
                       first,
                       first + count - 1);
    }
    return why_set(why,
                   rc,
                   "%s refused: %.*s%s%.*s",
                   events,
                   (int)type.len,
                   (const char *)type.data,
                   type.len > 0 && message.len > 0 ? ": " : "",
                   (int)message.len,
                   (const char *)message.data);
}

int pub_batch_judge(struct pub_batch batch,
                    const struct server_msg *answer,
                    struct why *why)
{
    const struct server_msg_outcome *failed = &answer->failed[0];

    if (answer->error_count > 0) {
        return refuse(batch.first,
                      batch.count,
                      RC_DENIED,
                      answer->error_type,
                      answer->error_message,
                      why);
    }
    if (answer->successful_count + answer->failed_count != batch.count) {
        return why_set(why,
                       RC_MALFORMED,
                       "the server's answer does not say what became of event "
                       "%" PRIu64 " and those after it",
                       batch.first);
    }
    if (answer->failed_count > 0) {
        return refuse(batch.first + failed->index,
                      1,
                      RC_TOO_LARGE,
                      failed->code,
                      failed->message,
                      why);
    }
    return 0;
}

void pub_batch_identifiers(const struct server_msg *answer, struct buffer *out)
{
    for (size_t index = 0; index < CLIENT_MSG_EVENTS_MAX; index++) {
        for (size_t i = 0; i < answer->successful_count; i++) {
            if (answer->successful[i].index == index) {
                buffer_append(out, answer->successful[i].identifier);
                buffer_u8(out, '\n');
            }
        }
    }
}
