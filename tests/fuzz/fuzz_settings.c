/* The text of a configuration file: whatever it says, either it is taken, and
 * every value is within its bounds, or a sentence names the line. */
#include "base/check.h"
#include "src/settings_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bounds(const struct settings *s)
{
    size_t count;
    const struct settings_entry *table = settings_entries(&count);

    for (size_t i = 0; i < count; i++) {
        const void *field = (const char *)s + table[i].offset;

        if (table[i].type == SETTINGS_NUMBER ||
            table[i].type == SETTINGS_SIZE ||
            table[i].type == SETTINGS_DURATION) {
            uint64_t value = *(const uint64_t *)field;

            check(value >= table[i].least && value <= table[i].most);
        }
    }
    check(s->namespace_count > 0);
    check(s->namespace_count <= SETTINGS_NAMESPACES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size); /* so that reading past it is seen */
    struct settings s;
    struct why why = {""};

    check(exact != NULL || size == 0);
    if (size > 0) {
        memcpy(exact, data, size);
    }
    settings_init(&s);
    if (settings_file_parse(&s, "f", bytes_of(exact, size), &why) == 0) {
        check_bounds(&s);
    } else {
        check(strncmp(why.text, "f:", 2) == 0);
        check(strtoul(why.text + 2, NULL, 10) <= size + 1);
    }
    settings_done(&s);
    free(exact);
    return 0;
}
