/* That memory comes as it was asked for; running out of it is not tried. */
#include "base/alloc.h"
#include "tests/lib/tap.h"

#include <stdlib.h>

TAP_CASE(raw_memory_of_no_bytes_is_not_null)
{
    void *memory = alloc_raw(0);

    tap_check(memory != NULL);
    free(memory);
}

TAP_CASE(zeroed_memory_is_zero_to_its_end)
{
    uint8_t *memory = alloc_zero(1000);

    for (size_t i = 0; i < 1000; i++) {
        tap_equal(memory[i], 0);
    }
    free(memory);
}

TAP_CASE(zeroed_memory_of_no_bytes_is_not_null)
{
    void *memory = alloc_zero(0);

    tap_check(memory != NULL);
    free(memory);
}

TAP_CASE(resizing_keeps_what_was_there)
{
    uint8_t *memory = alloc_raw(3);

    memcpy(memory, "abc", 3);
    memory = alloc_resize(memory, 100000);

    tap_equal_text(bytes_of(memory, 3), "abc");
    free(memory);
}

TAP_CASE(resizing_to_no_bytes_still_gives_memory)
{
    void *memory = alloc_resize(alloc_raw(8), 0);

    tap_check(memory != NULL);
    free(memory);
}

TAP_CASE(a_text_is_copied_with_its_end)
{
    const char *text = "weir";
    char *copy = alloc_text(text);

    tap_check(copy != text);
    tap_equal_text(bytes_text(copy), "weir");
    free(copy);
}

TAP_MAIN()
