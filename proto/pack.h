/* protobuf-c with weir's memory, views and buffers: what every file that reads
 * or writes protobuf messages needs, and only those may include. */
#ifndef PROTO_PACK_H
#define PROTO_PACK_H

#include "base/buffer.h"

#include <protobuf-c/protobuf-c.h>

/* A view of a bytes field, valid as long as its message. */
static inline struct bytes pack_view(ProtobufCBinaryData field)
{
    return bytes_of(field.data, field.len);
}

/* A bytes field that borrows. protobuf-c has no read-only view of bytes;
 * packing only reads them. */
static inline ProtobufCBinaryData pack_field(const void *data, size_t len)
{
    return (ProtobufCBinaryData){
        .len = len,
        .data = (uint8_t *)(uintptr_t)data,
    };
}

/* Append the message's encoding. */
void pack_append(const ProtobufCMessage *message, struct buffer *out);

/* The message that `packed` is the whole encoding of, or NULL. Fields that the
 * descriptor does not know are let be. What is allocated is a small multiple
 * of the input, which the caller has bounded. pack_free() accepts NULL. */
ProtobufCMessage *pack_read(const ProtobufCMessageDescriptor *descriptor,
                            struct bytes packed);
void pack_free(ProtobufCMessage *message);

#endif
