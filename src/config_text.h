/* The configuration file's grammar: settings, sections and lists, in a small
 * subset of the Universal Configuration Language.
 *
 *     # a comment, to the end of its line
 *     name = value            a bare word, or "quoted text" without escapes
 *     name = [a, "b c"]       a list, over several lines if it is long
 *     section {               settings of a section, each on a line of its own
 *         name = value        or ended by ';'
 *     }
 *     section "title" { ... }
 *
 * Written here because every complaint must name its line, and a library that
 * hands back a finished tree has forgotten it. What the names mean is for
 * src/settings. */
#ifndef SRC_CONFIG_TEXT_H
#define SRC_CONFIG_TEXT_H

#include "base/bytes.h"
#include "base/why.h"

#define CONFIG_TEXT_VALUES_MAX 256 /* items of one list */
#define CONFIG_TEXT_DEPTH_MAX 4    /* sections inside each other */

enum config_text_kind {
    CONFIG_TEXT_END,
    CONFIG_TEXT_SETTING,
    CONFIG_TEXT_SECTION,
    CONFIG_TEXT_SECTION_END,
};

/* Views point into the text. */
struct config_text_item {
    enum config_text_kind kind;
    unsigned line;
    bool is_list;
    bool has_title;
    struct bytes name;
    struct bytes title;
    size_t value_count; /* 1 unless it is a list */
    struct bytes values[CONFIG_TEXT_VALUES_MAX];
};

struct config_text {
    struct bytes rest;
    unsigned line; /* where the reader stands, from 1; after a failure, the
                      line that is wrong */
    unsigned depth;
};

void config_text_init(struct config_text *t, struct bytes text);

/* The next item. RC_MALFORMED: a sentence without the line; reading on makes
 * no sense. */
int config_text_next(struct config_text *t,
                     struct config_text_item *ret,
                     struct why *why);

#endif
