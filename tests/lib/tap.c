/* Runs the registered cases in the order of their file and reports on each. A
 * failing check leaves its case by longjmp. */
#include "tests/lib/tap.h"

#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TAP_SHOWN_BYTES_MAX 200

static struct tap_case *first;
static struct tap_case **last = &first;
static jmp_buf leave_case;
static bool in_case;
static char temp_dir[512];

void tap_register(struct tap_case *c)
{
    *last = c;
    last = &c->next;
}

/* Whoever runs no cases, a fuzz target, ends here. */
static _Noreturn void leave(void)
{
    if (!in_case) {
        fflush(stdout);
        abort();
    }
    longjmp(leave_case, 1);
}

static void print_name(const char *name)
{
    for (; *name != '\0'; name++) {
        putchar(*name == '_' ? ' ' : *name);
    }
}

static bool run_case(const struct tap_case *c, int number)
{
    volatile bool passed = false; /* read after longjmp */

    in_case = true;
    if (setjmp(leave_case) == 0) {
        c->run();
        passed = true;
    }
    in_case = false;
    printf("%s %d - ", passed ? "ok" : "not ok", number);
    print_name(c->name);
    putchar('\n');
    fflush(stdout);
    return passed;
}

static int remove_entry(const char *path,
                        const struct stat *status,
                        int type,
                        struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static void remove_temp_dir(void)
{
    if (temp_dir[0] != '\0') {
        (void)nftw(temp_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        temp_dir[0] = '\0';
    }
}

int tap_run(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;
    int count = 0;
    int failed = 0;

    atexit(remove_temp_dir);
    for (const struct tap_case *c = first; c != NULL; c = c->next) {
        if (only == NULL || strcmp(only, c->name) == 0) {
            failed += run_case(c, ++count) ? 0 : 1;
        }
    }
    printf("1..%d\n", count);
    return failed == 0 && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

_Noreturn void tap_fail(const char *file, int line, const char *condition)
{
    printf("# %s:%d: not true: %s\n", file, line, condition);
    leave();
}

void tap_equal_at(const char *file,
                  int line,
                  const char *what,
                  int64_t actual,
                  int64_t expected)
{
    if (actual != expected) {
        printf("# %s:%d: %s is %" PRId64 ", expected %" PRId64 "\n",
               file,
               line,
               what,
               actual,
               expected);
        leave();
    }
}

static void print_shown(struct bytes text)
{
    putchar('"');
    for (size_t i = 0; i < text.len && i < TAP_SHOWN_BYTES_MAX; i++) {
        uint8_t c = text.data[i];

        if (c >= ' ' && c <= '~') {
            putchar(c);
        } else {
            printf("\\x%02x", c);
        }
    }
    printf(text.len > TAP_SHOWN_BYTES_MAX ? "\"..." : "\"");
}

void tap_equal_text_at(const char *file,
                       int line,
                       const char *what,
                       struct bytes actual,
                       const char *expected)
{
    size_t len = strlen(expected);

    if (actual.len != len ||
        (len > 0 && memcmp(actual.data, expected, len) != 0)) {
        printf("# %s:%d: %s is ", file, line, what);
        print_shown(actual);
        printf(", expected ");
        print_shown(bytes_of(expected, len));
        putchar('\n');
        leave();
    }
}

const char *tap_temp_dir(void)
{
    const char *base = getenv("TMPDIR");

    if (temp_dir[0] == '\0') {
        snprintf(temp_dir,
                 sizeof(temp_dir),
                 "%s/weir-test-XXXXXX",
                 base != NULL && base[0] != '\0' ? base : "/tmp");
        if (mkdtemp(temp_dir) == NULL) {
            perror(temp_dir);
            exit(EXIT_FAILURE);
        }
    }
    return temp_dir;
}
