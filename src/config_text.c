/* A reader with one character of foresight. */
#include "src/config_text.h"

#include "base/check.h"

#define NONE (-1)

static int peek(const struct config_text *t)
{
    return t->rest.len == 0 ? NONE : t->rest.data[0];
}

static void step(struct config_text *t)
{
    check(t->rest.len > 0);
    if (t->rest.data[0] == '\n') {
        t->line++;
    }
    t->rest = bytes_from(t->rest, 1);
}

static void skip_comment(struct config_text *t)
{
    while (peek(t) != NONE && peek(t) != '\n') {
        step(t);
    }
}

/* White space inside a line, and a comment that ends it. */
static void skip_blanks(struct config_text *t)
{
    while (peek(t) == ' ' || peek(t) == '\t' || peek(t) == '\r') {
        step(t);
    }
    if (peek(t) == '#') {
        skip_comment(t);
    }
}

static void skip_lines(struct config_text *t, bool semicolons)
{
    skip_blanks(t);
    while (peek(t) == '\n' || (semicolons && peek(t) == ';')) {
        step(t);
        skip_blanks(t);
    }
}

static bool is_name_byte(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

static bool is_word_byte(int c)
{
    return c > ' ' && c < 0x7f && strchr("{}[]\",;#=\\'", c) == NULL;
}

static struct bytes take_while(struct config_text *t, bool (*fits)(int c))
{
    struct bytes start = t->rest;

    while (fits(peek(t))) {
        step(t);
    }
    return bytes_of(start.data, start.len - t->rest.len);
}

static int expected(struct why *why, const char *what)
{
    return why_set(why, RC_MALFORMED, "expects %s", what);
}

static int take_quoted(struct config_text *t,
                       struct bytes *ret,
                       struct why *why)
{
    struct bytes start;
    size_t len = 0;

    step(t);
    start = t->rest;
    while (peek(t) != '"') {
        if (peek(t) == NONE || peek(t) == '\n') {
            return why_set(
                why, RC_MALFORMED, "a quoted text does not end in its line");
        }
        if (peek(t) == '\\' || peek(t) < ' ' || peek(t) == 0x7f) {
            return why_set(why,
                           RC_MALFORMED,
                           "a quoted text cannot hold a backslash or a control "
                           "character");
        }
        step(t);
        len++;
    }
    step(t);
    *ret = bytes_of(start.data, len);
    return 0;
}

static int take_value(struct config_text *t, struct bytes *ret, struct why *why)
{
    if (peek(t) == '"') {
        return take_quoted(t, ret, why);
    }
    if (!is_word_byte(peek(t))) {
        return expected(why, "a value: a word, a \"quoted text\" or a [list]");
    }
    *ret = take_while(t, is_word_byte);
    return 0;
}

static int take_list(struct config_text *t,
                     struct config_text_item *item,
                     struct why *why)
{
    int rc;

    item->is_list = true;
    step(t);
    for (;;) {
        skip_lines(t, false);
        if (peek(t) == ']') {
            step(t);
            return 0;
        }
        if (item->value_count == CONFIG_TEXT_VALUES_MAX) {
            return why_set(why,
                           RC_TOO_LARGE,
                           "a list holds at most %d values",
                           CONFIG_TEXT_VALUES_MAX);
        }
        rc = take_value(t, &item->values[item->value_count], why);
        if (rc != 0) {
            return rc;
        }
        item->value_count++;
        skip_lines(t, false);
        if (peek(t) == ',') {
            step(t);
        } else if (peek(t) != ']') {
            return expected(why, "',' or ']' in a list");
        }
    }
}

static int open_section(struct config_text *t,
                        struct config_text_item *item,
                        struct why *why)
{
    step(t);
    if (t->depth == CONFIG_TEXT_DEPTH_MAX) {
        return why_set(why, RC_TOO_LARGE, "too many sections in each other");
    }
    t->depth++;
    item->kind = CONFIG_TEXT_SECTION;
    return 0;
}

static int end_statement(struct config_text *t, struct why *why)
{
    skip_blanks(t);
    if (peek(t) == ';') {
        step(t);
    } else if (peek(t) != '\n' && peek(t) != '}' && peek(t) != NONE) {
        return expected(why,
                        "the end of the line or ';' after a value (a value "
                        "with spaces or signs stands in quotes)");
    }
    return 0;
}

/* What follows a name: "= value", a list, "{", or a title and "{". */
static int take_rest(struct config_text *t,
                     struct config_text_item *item,
                     struct why *why)
{
    bool assigned;
    int rc;

    skip_blanks(t);
    if (peek(t) == '{') {
        return open_section(t, item, why);
    }
    assigned = peek(t) == '=' || peek(t) == ':';
    if (assigned) {
        step(t);
        skip_blanks(t);
    }
    item->kind = CONFIG_TEXT_SETTING;
    if (peek(t) == '[') {
        rc = take_list(t, item, why);
        return rc != 0 ? rc : end_statement(t, why);
    }
    rc = take_value(t, &item->values[0], why);
    if (rc != 0) {
        return rc;
    }
    item->value_count = 1;
    skip_blanks(t);
    if (!assigned && peek(t) == '{') {
        item->has_title = true;
        item->title = item->values[0];
        item->value_count = 0;
        return open_section(t, item, why);
    }
    return end_statement(t, why);
}

void config_text_init(struct config_text *t, struct bytes text)
{
    *t = (struct config_text){.rest = text, .line = 1};
}

int config_text_next(struct config_text *t,
                     struct config_text_item *ret,
                     struct why *why)
{
    skip_lines(t, true);
    ret->line = t->line;
    ret->is_list = false;
    ret->has_title = false;
    ret->value_count = 0;
    if (peek(t) == NONE) {
        ret->kind = CONFIG_TEXT_END;
        return t->depth == 0 ? 0 : expected(why, "'}' to end a section");
    }
    if (peek(t) == '}') {
        if (t->depth == 0) {
            return why_set(why, RC_MALFORMED, "'}' ends no section");
        }
        step(t);
        t->depth--;
        ret->kind = CONFIG_TEXT_SECTION_END;
        return 0;
    }
    if (!is_name_byte(peek(t))) {
        return expected(why, "the name of a setting or section");
    }
    ret->name = take_while(t, is_name_byte);
    return take_rest(t, ret, why);
}
