/* No getopt: it keeps its place in global variables, accepts any abbreviation,
 * and prints complaints of its own. */
#include "src/options.h"

#include "base/why.h"
#include "src/say.h"

#include "base/check.h"
#include "config.h"

#include <stdarg.h>

#define NAME_COLUMNS 26
#define TEXT_COLUMNS 78

static const struct options_entry common[] = {
    {.name = "help", .help = "Print this and exit."},
    {.name = "version", .help = "Print the version and exit."},
};

#define COMMON_COUNT (sizeof(common) / sizeof(common[0]))

static const struct options_entry *find(const struct options_command *command,
                                        struct bytes name)
{
    for (size_t i = 0; i < command->entry_count; i++) {
        if (bytes_equal_text(name, command->entries[i].name)) {
            return &command->entries[i];
        }
    }
    for (size_t i = 0; i < COMMON_COUNT; i++) {
        if (bytes_equal_text(name, common[i].name)) {
            return &common[i];
        }
    }
    return NULL;
}

int options_complain(const struct options_command *command,
                     const char *format,
                     ...)
{
    char sentence[2 * WHY_BYTES_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    say_line(command->name, "%s", sentence);
    fprintf(stderr, "Try '%s --help'.\n", command->name);
    return OPTIONS_EXIT_USAGE;
}

/* Words of a sentence from `column` on, broken before TEXT_COLUMNS. */
static void print_wrapped(const char *sentence,
                          size_t indent,
                          size_t column,
                          FILE *out)
{
    struct bytes rest = bytes_text(sentence);
    struct bytes word;
    bool first = true;

    while (bytes_split(&rest, ' ', &word)) {
        if (!first && column + 1 + word.len > TEXT_COLUMNS) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        fprintf(out,
                "%s%.*s",
                first ? "" : " ",
                (int)word.len,
                (const char *)word.data);
        column += word.len + (first ? 0 : 1);
        first = false;
    }
    fputc('\n', out);
}

static void print_entry(const struct options_entry *entry, FILE *out)
{
    int len = fprintf(out,
                      "  --%s%s%s",
                      entry->name,
                      entry->argument != NULL ? " " : "",
                      entry->argument != NULL ? entry->argument : "");

    if (len + 1 > NAME_COLUMNS) {
        fputc('\n', out);
        len = 0;
    }
    fprintf(out, "%*s", NAME_COLUMNS - len, "");
    print_wrapped(entry->help, NAME_COLUMNS, NAME_COLUMNS, out);
}

void options_print_help(const struct options_command *command, FILE *out)
{
    fprintf(out,
            "Usage: %s [OPTION]...%s%s\n",
            command->name,
            command->operands[0] != 0 ? " " : "",
            command->operands);
    print_wrapped(command->summary, 0, 0, out);
    fprintf(out, "\n");
    for (size_t i = 0; i < command->entry_count; i++) {
        print_entry(&command->entries[i], out);
    }
    for (size_t i = 0; i < COMMON_COUNT; i++) {
        print_entry(&common[i], out);
    }
    if (command->details != NULL) {
        fprintf(out, "\n%s", command->details);
    }
}

void options_print_version(FILE *out)
{
    fprintf(out, "weir %s\n", PACKAGE_VERSION);
}

bool options_has(const struct options *o, const char *name)
{
    check(find(o->command, bytes_text(name)) != NULL);
    for (size_t i = 0; i < o->given_count; i++) {
        if (strcmp(o->given[i].entry->name, name) == 0) {
            return true;
        }
    }
    return false;
}

const char *options_value_at(const struct options *o,
                             const char *name,
                             size_t index)
{
    check(find(o->command, bytes_text(name)) != NULL);
    for (size_t i = 0; i < o->given_count; i++) {
        if (strcmp(o->given[i].entry->name, name) == 0 && index-- == 0) {
            return o->given[i].value;
        }
    }
    return NULL;
}

const char *options_value(const struct options *o, const char *name)
{
    return options_value_at(o, name, 0);
}

static int add_given(struct options *o,
                     const struct options_entry *entry,
                     const char *value)
{
    if (!entry->repeats && options_has(o, entry->name)) {
        return options_complain(
            o->command, "option '--%s' is given twice", entry->name);
    }
    if (o->given_count == OPTIONS_GIVEN_MAX) {
        return options_complain(
            o->command, "more than %d options", OPTIONS_GIVEN_MAX);
    }
    o->given[o->given_count].entry = entry;
    o->given[o->given_count].value = value;
    o->given_count++;
    return 0;
}

/* Take the option at argv[*at] and, when it needs one, its value behind it;
 * leaves `at` on the last word that was taken. */
static int take_option(struct options *o, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    const char *equals = strchr(word, '=');
    size_t len = equals == NULL ? strlen(word) : (size_t)(equals - word);
    const struct options_entry *entry = NULL;
    const char *value = equals == NULL ? NULL : equals + 1;

    if (strcmp(word, "-h") == 0) {
        return add_given(o, &common[0], NULL);
    }
    if (len > 2 && word[1] == '-') {
        entry = find(o->command, bytes_of(word + 2, len - 2));
    }
    if (entry == NULL) {
        return options_complain(
            o->command, "there is no option '%.*s'", (int)len, word);
    }
    if (entry->argument == NULL && value != NULL) {
        return options_complain(
            o->command, "option '--%s' takes no value", entry->name);
    }
    if (entry->argument != NULL && value == NULL) {
        if (*at + 1 == argc) {
            return options_complain(o->command,
                                    "option '--%s' needs a value: %s",
                                    entry->name,
                                    entry->argument);
        }
        value = argv[++*at];
    }
    return add_given(o, entry, value);
}

/* Take all words; operands move to the front of argv + 1. */
static int take_words(struct options *o, int argc, char **argv)
{
    bool only_operands = false;
    int operands = 0;

    for (int i = 1; i < argc; i++) {
        int status = 0;

        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = true;
        } else if (only_operands || argv[i][0] != '-' || argv[i][1] == 0) {
            argv[1 + operands++] = argv[i];
        } else {
            status = take_option(o, argc, argv, &i);
        }
        if (status != 0) {
            return status;
        }
    }
    o->operands = (const char *const *)(argv + 1);
    o->operand_count = (size_t)operands;
    return 0;
}

static int count_operands(const struct options *o)
{
    const struct options_command *command = o->command;

    if (o->operand_count < command->operands_min) {
        return options_complain(
            command, "too few arguments, expects: %s", command->operands);
    }
    if (o->operand_count > command->operands_max) {
        return options_complain(command,
                                "unexpected argument '%s'",
                                o->operands[command->operands_max]);
    }
    return 0;
}

bool options_parse(const struct options_command *command,
                   int argc,
                   char **argv,
                   struct options *ret,
                   int *ret_status)
{
    check(command->entry_count <= OPTIONS_ENTRIES_MAX);
    check(argc >= 1);
    *ret = (struct options){.command = command};
    *ret_status = take_words(ret, argc, argv);
    if (*ret_status != 0) {
        return false;
    }
    if (options_has(ret, "help")) {
        options_print_help(command, stdout);
        return false;
    }
    if (options_has(ret, "version")) {
        options_print_version(stdout);
        return false;
    }
    *ret_status = count_operands(ret);
    return *ret_status == 0;
}
