/* Cases that register themselves and print TAP, one line a case, so that
 * `make check` prints what the part under test does.
 *
 *     TAP_CASE(bytes_take_leaves_the_rest_when_too_few_are_left)
 *     {
 *         tap_check(!bytes_take(&rest, 4, &head));
 *         tap_equal(rest.len, 3);
 *     }
 *
 *     TAP_MAIN()
 *
 * A failed check ends its case, not the program; outside a case, the program.
 */
#ifndef TESTS_LIB_TAP_H
#define TESTS_LIB_TAP_H

#include "base/bytes.h"

#include <stdint.h>

struct tap_case {
    const char *name;
    void (*run)(void);
    struct tap_case *next;
};

void tap_register(struct tap_case *c);
int tap_run(int argc, char **argv); /* an argument runs only that case */

#define TAP_CASE(case_name)                                                 \
    static void case_name(void);                                            \
    static struct tap_case tap_##case_name = {#case_name, case_name, 0};    \
    __attribute__((constructor)) static void tap_register_##case_name(void) \
    {                                                                       \
        tap_register(&tap_##case_name);                                     \
    }                                                                       \
    static void case_name(void)

#define TAP_MAIN()                  \
    int main(int argc, char **argv) \
    {                               \
        return tap_run(argc, argv); \
    }

/* Each prints both values when they differ, and ends the case. */
#define tap_check(condition) \
    ((condition) ? (void)0 : tap_fail(__FILE__, __LINE__, #condition))
#define tap_equal(actual, expected) \
    tap_equal_at(                   \
        __FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))
/* struct bytes against a C string. */
#define tap_equal_text(actual, expected) \
    tap_equal_text_at(__FILE__, __LINE__, #actual, (actual), (expected))

_Noreturn void tap_fail(const char *file, int line, const char *condition);
void tap_equal_at(const char *file,
                  int line,
                  const char *what,
                  int64_t actual,
                  int64_t expected);
void tap_equal_text_at(const char *file,
                       int line,
                       const char *what,
                       struct bytes actual,
                       const char *expected);

/* A fresh directory below $TMPDIR, removed with all in it when the program
 * ends. */
const char *tap_temp_dir(void);

#endif
