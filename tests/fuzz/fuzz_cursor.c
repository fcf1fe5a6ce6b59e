/* Any text as a cursor: what is taken for one prints as a text that reads as
 * the same. */
#include "base/check.h"
#include "proto/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct vector v;
    struct vector again;
    struct buffer text;

    if (cursor_parse(bytes_of(data, len), &v) != 0) {
        return 0;
    }
    buffer_init(&text, CURSOR_TEXT_MAX);
    cursor_print(&v, &text);
    check(!text.overflowed);
    check(cursor_parse(buffer_view(&text), &again) == 0);
    check(vector_equal(&v, &again));
    buffer_done(&text);
    return 0;
}
