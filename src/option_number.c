/* Decimal digits alone: no sign, no blanks, no unit. */
#include "src/option_number.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>

bool option_number(const struct options *o,
                   const char *name,
                   uint64_t least,
                   uint64_t most,
                   uint64_t *number)
{
    const char *text = options_value(o, name);
    uint64_t value;

    check(least <= most);
    if (text == NULL) {
        return true;
    }
    if (!text_decimal(bytes_text(text), &value) || value < least ||
        value > most) {
        (void)options_complain(o->command,
                               "--%s takes a number from %" PRIu64
                               " to %" PRIu64 ", not '%s'",
                               name,
                               least,
                               most,
                               text);
        return false;
    }
    *number = value;
    return true;
}
