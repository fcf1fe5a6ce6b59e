/* Memory of messages comes from base/alloc, so that it is never NULL: a message
 * that cannot be read is malformed, and nothing else. */
#include "proto/pack.h"

#include "base/alloc.h"
#include "base/check.h"

#include <stdlib.h>

static void *allocate(void *context, size_t size)
{
    (void)context;
    return alloc_raw(size);
}

static void release(void *context, void *pointer)
{
    (void)context;
    free(pointer);
}

static ProtobufCAllocator allocator = {allocate, release, NULL};

void pack_append(const ProtobufCMessage *message, struct buffer *out)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *room = buffer_reserve(out, len);

    if (room != NULL) {
        check(protobuf_c_message_pack(message, room) == len);
        buffer_advance(out, len);
    }
}

ProtobufCMessage *pack_read(const ProtobufCMessageDescriptor *descriptor,
                            struct bytes packed)
{
    return protobuf_c_message_unpack(
        descriptor, &allocator, packed.len, packed.data);
}

void pack_free(ProtobufCMessage *message)
{
    if (message != NULL) {
        protobuf_c_message_free_unpacked(message, &allocator);
    }
}
