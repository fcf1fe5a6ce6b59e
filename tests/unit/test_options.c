/* Command lines as shells hand them over. Complaints go to standard error,
 * which these cases close over with a pipe. */
#include "src/options.h"

#include "tests/lib/tap.h"

#include <unistd.h>

static const struct options_entry entries[] = {
    {"flag", NULL, "A switch.", false},
    {"file", "FILE", "A value.", false},
    {"tag", "TAG", "Values.", true},
};

static const struct options_command command = {
    .name = "weir test",
    .operands = "ONE [TWO]",
    .operands_min = 1,
    .operands_max = 2,
    .summary = "A command.",
    .details = "Details.\n",
    .entries = entries,
    .entry_count = 3,
};

#define WORDS_MAX 600

struct line {
    struct options options;
    bool go_on;
    int status;
    char said[2048]; /* on both outputs */
    char *argv[WORDS_MAX];
};

/* Parse words, catching what is printed. */
static void parse(struct line *l, const char *const *words, size_t count)
{
    int pipe_ends[2];
    int saved[2] = {dup(1), dup(2)};
    ssize_t len;

    tap_equal(pipe(pipe_ends), 0);
    for (size_t i = 0; i <= count; i++) {
        l->argv[i] = (char *)(uintptr_t)(i == 0 ? "test" : words[i - 1]);
    }
    fflush(stdout);
    dup2(pipe_ends[1], 1);
    dup2(pipe_ends[1], 2);
    l->go_on = options_parse(
        &command, (int)count + 1, l->argv, &l->options, &l->status);
    fflush(stdout);
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    close(saved[0]);
    close(saved[1]);
    close(pipe_ends[1]);
    len = read(pipe_ends[0], l->said, sizeof(l->said) - 1);
    l->said[len < 0 ? 0 : len] = 0;
    close(pipe_ends[0]);
}

#define PARSE(line, ...)                      \
    parse((line),                             \
          (const char *const[]){__VA_ARGS__}, \
          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void expect_usage(const struct line *l, const char *words)
{
    tap_check(!l->go_on);
    tap_equal(l->status, OPTIONS_EXIT_USAGE);
    tap_check(strstr(l->said, words) != NULL);
    tap_check(strstr(l->said, "Try 'weir test --help'.") != NULL);
}

TAP_CASE(options_are_read_in_any_order)
{
    struct line l;

    PARSE(&l, "one", "--file", "f", "two", "--flag");
    tap_check(l.go_on);
    tap_check(options_has(&l.options, "flag"));
    tap_equal_text(bytes_text(options_value(&l.options, "file")), "f");
    tap_equal(l.options.operand_count, 2);
    tap_equal_text(bytes_text(l.options.operands[0]), "one");
    tap_equal_text(bytes_text(l.options.operands[1]), "two");
    tap_equal(l.said[0], 0);
}

TAP_CASE(options_that_were_not_given_are_absent)
{
    struct line l;

    PARSE(&l, "one");
    tap_check(!options_has(&l.options, "flag"));
    tap_check(options_value(&l.options, "file") == NULL);
    tap_check(options_value_at(&l.options, "tag", 0) == NULL);
}

TAP_CASE(options_take_values_behind_a_sign)
{
    struct line l;

    PARSE(&l, "--file=a=b", "--tag=", "one");
    tap_check(l.go_on);
    tap_equal_text(bytes_text(options_value(&l.options, "file")), "a=b");
    tap_equal_text(bytes_text(options_value(&l.options, "tag")), "");
}

TAP_CASE(options_take_a_value_that_looks_like_an_option)
{
    struct line l;

    PARSE(&l, "--file", "--flag", "one");
    tap_check(l.go_on);
    tap_equal_text(bytes_text(options_value(&l.options, "file")), "--flag");
    tap_check(!options_has(&l.options, "flag"));
}

TAP_CASE(options_that_repeat_are_kept_in_order)
{
    struct line l;

    PARSE(&l, "--tag", "a", "one", "--tag", "b");
    tap_check(l.go_on);
    tap_equal_text(bytes_text(options_value_at(&l.options, "tag", 0)), "a");
    tap_equal_text(bytes_text(options_value_at(&l.options, "tag", 1)), "b");
    tap_check(options_value_at(&l.options, "tag", 2) == NULL);
}

TAP_CASE(options_end_at_two_dashes)
{
    struct line l;

    PARSE(&l, "--", "--flag", "--");
    tap_check(l.go_on);
    tap_check(!options_has(&l.options, "flag"));
    tap_equal(l.options.operand_count, 2);
    tap_equal_text(bytes_text(l.options.operands[0]), "--flag");
    tap_equal_text(bytes_text(l.options.operands[1]), "--");
}

TAP_CASE(options_take_one_dash_as_an_operand)
{
    struct line l;

    PARSE(&l, "-");
    tap_check(l.go_on);
    tap_equal_text(bytes_text(l.options.operands[0]), "-");
}

TAP_CASE(options_that_there_are_not_are_refused)
{
    struct line l;

    PARSE(&l, "--no", "one");
    expect_usage(&l, "there is no option '--no'");
    PARSE(&l, "--fla", "one");
    expect_usage(&l, "there is no option '--fla'");
    PARSE(&l, "-f", "one");
    expect_usage(&l, "there is no option '-f'");
    PARSE(&l, "--=x", "one");
    expect_usage(&l, "there is no option '--'");
}

TAP_CASE(options_that_need_a_value_say_so)
{
    struct line l;

    PARSE(&l, "one", "--file");
    expect_usage(&l, "'--file' needs a value: FILE");
}

TAP_CASE(options_that_take_no_value_say_so)
{
    struct line l;

    PARSE(&l, "one", "--flag=yes");
    expect_usage(&l, "'--flag' takes no value");
}

TAP_CASE(options_given_twice_are_refused)
{
    struct line l;

    PARSE(&l, "one", "--file", "a", "--file", "a");
    expect_usage(&l, "'--file' is given twice");
    PARSE(&l, "one", "--flag", "--flag");
    expect_usage(&l, "'--flag' is given twice");
}

TAP_CASE(options_count_operands)
{
    struct line l;

    PARSE(&l, "--flag");
    expect_usage(&l, "too few arguments, expects: ONE [TWO]");
    PARSE(&l, "one", "two", "three");
    expect_usage(&l, "unexpected argument 'three'");
}

TAP_CASE(options_are_bounded)
{
    const char *words[WORDS_MAX - 2];
    struct line l;

    words[0] = "one";
    for (size_t i = 1; i < WORDS_MAX - 2; i += 2) {
        words[i] = "--tag";
        words[i + 1 < WORDS_MAX - 2 ? i + 1 : i] = "x";
    }
    parse(&l, words, 1 + 2 * OPTIONS_GIVEN_MAX);
    tap_check(l.go_on);
    parse(&l, words, 1 + 2 * (OPTIONS_GIVEN_MAX + 1));
    expect_usage(&l, "more than 256 options");
}

TAP_CASE(options_help_shows_everything_and_succeeds)
{
    struct line l;

    PARSE(&l, "--help");
    tap_check(!l.go_on);
    tap_equal(l.status, 0);
    tap_check(strstr(l.said, "Usage: weir test [OPTION]... ONE [TWO]\n") !=
              NULL);
    tap_check(strstr(l.said, "\n  --flag ") != NULL);
    tap_check(strstr(l.said, "\n  --file FILE ") != NULL);
    tap_check(strstr(l.said, "\n  --version ") != NULL);
    tap_check(strstr(l.said, "\nDetails.\n") != NULL);
    PARSE(&l, "-h", "one", "--flag");
    tap_equal(l.status, 0);
}

TAP_CASE(options_version_names_the_program)
{
    struct line l;

    PARSE(&l, "--version");
    tap_check(!l.go_on);
    tap_equal(l.status, 0);
    tap_check(strncmp(l.said, "weir ", 5) == 0);
}

TAP_MAIN()
