/* Any query: what is decoded is no longer than what came. */
#include "base/check.h"
#include "proto/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes rest = bytes_of(data, len);
    struct buffer out;
    struct bytes name;
    struct bytes value;
    size_t sum = 0;

    buffer_init(&out, len + 1);
    while (query_next(&rest, &out, &name, &value) == 0) {
        sum += name.len + value.len;
        check(out.len == sum && sum <= len);
    }
    buffer_done(&out);
    return 0;
}
