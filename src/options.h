/* Command lines: each command is a table of its options, from which they are
 * read and --help is printed. Options and operands may be mixed; "--" ends the
 * options; "--name=value" is "--name value". */
#ifndef SRC_OPTIONS_H
#define SRC_OPTIONS_H

#include "base/bytes.h"

#include <stdio.h>

#define OPTIONS_EXIT_USAGE 2   /* exit status of a wrong command line */
#define OPTIONS_ENTRIES_MAX 32 /* options of one command */
#define OPTIONS_GIVEN_MAX 256  /* options on one command line */

struct options_entry {
    const char *name;     /* without its dashes */
    const char *argument; /* what --help calls its value; NULL: takes none */
    const char *help;     /* one sentence */
    bool repeats;         /* may be given more than once */
};

struct options_command {
    const char *name;     /* "weir key issue" */
    const char *operands; /* what --help calls them: "URL CHANNEL"; "": none */
    size_t operands_min;
    size_t operands_max;
    const char *summary; /* one sentence */
    const char *details; /* paragraphs below the options; may be NULL */
    const struct options_entry *entries; /* besides --help and --version */
    size_t entry_count;
};

/* What was given; borrows argv. */
struct options {
    const struct options_command *command;
    size_t given_count;
    struct {
        const struct options_entry *entry;
        const char *value; /* NULL: it takes none */
    } given[OPTIONS_GIVEN_MAX];
    const char *const *operands;
    size_t operand_count;
};

/* Read what follows argv[0]; moves operands to the end of argv. True: go on.
 * False: end with `ret_status`, --help or --version has been printed or a
 * complaint written to standard error. */
bool options_parse(const struct options_command *command,
                   int argc,
                   char **argv,
                   struct options *ret,
                   int *ret_status);

/* Whether an option was given; its last value, or NULL; its values one by one,
 * NULL past the last. `name` must be in the command's table. */
bool options_has(const struct options *o, const char *name);
const char *options_value(const struct options *o, const char *name);
const char *options_value_at(const struct options *o,
                             const char *name,
                             size_t index);

void options_print_help(const struct options_command *command, FILE *out);
void options_print_version(FILE *out);

/* Write "weir key: SENTENCE" and where help is to standard error; returns
 * OPTIONS_EXIT_USAGE. */
int options_complain(const struct options_command *command,
                     const char *format,
                     ...) __attribute__((format(printf, 2, 3)));

#endif
