/* The words of the command line as the member that the server reads. */
#include "src/sub_begin.h"

#include "proto/replay_request.h"
#include "src/option_number.h"

#include <stdio.h>

/* The options that say where to begin, as a member of the subscribe message. */
bool sub_begin_read(const struct options *o, char ret[SUB_BEGIN_BYTES_MAX])
{
    static const char *const names[] = {"after", "last", "seconds", "all"};
    static const uint64_t most[] = {0, REPLAY_LAST_MAX, REPLAY_SECONDS_MAX, 0};
    const char *after = options_value(o, "after");
    size_t given = 0;

    (void)snprintf(ret, SUB_BEGIN_BYTES_MAX, SUB_BEGIN_NOW);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint64_t count = 0;

        if (!options_has(o, names[i])) {
            continue;
        }
        given++;
        if (most[i] > 0) {
            if (!option_number(o, names[i], 0, most[i], &count)) {
                return false;
            }
            (void)snprintf(ret,
                           SUB_BEGIN_BYTES_MAX,
                           "\"replay\":{\"%s\":%llu}",
                           names[i],
                           (unsigned long long)count);
        }
    }
    if (given > 1) {
        (void)options_complain(
            o->command,
            "more than one of --after, --last, --seconds and --all");
        return false;
    }
    if (options_has(o, "all")) {
        (void)snprintf(ret, SUB_BEGIN_BYTES_MAX, "\"replay\":{\"all\":true}");
    }
    if (after != NULL) {
        struct vector v;

        if (cursor_parse(bytes_text(after), &v) != 0) {
            (void)options_complain(
                o->command, "'%.100s' is not a cursor", after);
            return false;
        }
        (void)snprintf(
            ret, SUB_BEGIN_BYTES_MAX, "\"replay\":{\"after\":\"%s\"}", after);
    }
    return true;
}
