/* Sections are opened and closed as the names in the table change. */
#include "src/settings_print.h"

#include "base/check.h"
#include "src/duration.h"

#include <inttypes.h>
#include <stdio.h>

#define COLUMNS 78
#define NAME_COLUMNS 33

static void print_size(uint64_t value, char *ret)
{
    static const char units[] = "KMG";
    size_t unit = 0;

    if (value == 0 || value % 1024 != 0) {
        snprintf(ret, SETTINGS_VALUE_BYTES_MAX, "%" PRIu64, value);
        return;
    }
    value /= 1024;
    while (value % 1024 == 0 && units[unit + 1] != 0) {
        value /= 1024;
        unit++;
    }
    snprintf(
        ret, SETTINGS_VALUE_BYTES_MAX, "%" PRIu64 "%c", value, units[unit]);
}

void settings_print_value(const struct settings_entry *entry,
                          uint64_t value,
                          char ret[SETTINGS_VALUE_BYTES_MAX])
{
    if (entry->type == SETTINGS_SIZE) {
        print_size(value, ret);
    } else if (entry->type == SETTINGS_DURATION) {
        duration_print(value, ret);
    } else {
        snprintf(ret, SETTINGS_VALUE_BYTES_MAX, "%" PRIu64, value);
    }
}

static struct bytes section_of(const struct settings_entry *entry)
{
    struct bytes rest = bytes_text(entry->name);
    struct bytes section;

    check(bytes_split(&rest, '.', &section));
    return rest.len == 0 ? bytes_of(NULL, 0) : section;
}

/* A sentence as comments, broken between words. */
static void print_comment(const char *indent,
                          const char *sentence,
                          struct buffer *out)
{
    struct bytes rest = bytes_text(sentence);
    struct bytes word;
    size_t column = 0;

    while (bytes_split(&rest, ' ', &word)) {
        if (column == 0 || column + 1 + word.len > COLUMNS) {
            buffer_printf(out, "%s%s#", column == 0 ? "" : "\n", indent);
            column = strlen(indent) + 1;
        }
        buffer_u8(out, ' ');
        buffer_append(out, word);
        column += 1 + word.len;
    }
    buffer_u8(out, '\n');
}

static void print_bound_pair(const struct settings_entry *entry,
                             const char *what,
                             struct buffer *out)
{
    char least[SETTINGS_VALUE_BYTES_MAX];
    char most[SETTINGS_VALUE_BYTES_MAX];

    settings_print_value(entry, entry->least, least);
    settings_print_value(entry, entry->most, most);
    buffer_printf(out, "%s, %s to %s", what, least, most);
}

void settings_print_bounds(const struct settings_entry *entry,
                           struct buffer *out)
{
    struct bytes rest;
    struct bytes choice;

    switch (entry->type) {
    case SETTINGS_BOOL:
        buffer_text(out, "true or false");
        return;
    case SETTINGS_NUMBER:
        print_bound_pair(entry, "number", out);
        return;
    case SETTINGS_SIZE:
        print_bound_pair(entry, "size", out);
        return;
    case SETTINGS_DURATION:
        print_bound_pair(entry, "time", out);
        return;
    case SETTINGS_TEXT:
        buffer_text(out, "text");
        return;
    case SETTINGS_LIST:
        buffer_text(out, "list, at most ");
        buffer_decimal(out, entry->most);
        return;
    case SETTINGS_ADDRESS:
        buffer_text(out, "HOST:PORT");
        return;
    case SETTINGS_CHOICE:
        break;
    }
    rest = bytes_text(entry->choices);
    buffer_text(out, "one of");
    while (bytes_split(&rest, ' ', &choice)) {
        buffer_u8(out, ' ');
        buffer_append(out, choice);
    }
}

static void print_entry(const struct settings_entry *entry,
                        const char *indent,
                        const char *name,
                        struct buffer *out)
{
    bool set = entry->initial[0] != 0;
    bool list = entry->type == SETTINGS_LIST;
    const char *quote =
        set && (list || entry->type == SETTINGS_TEXT) ? "\"" : "";

    print_comment(indent, entry->help, out);
    buffer_printf(out, "%s# (", indent);
    settings_print_bounds(entry, out);
    buffer_text(out, ")\n");
    if (!set && !list) {
        buffer_printf(out,
                      "%s#%s = %s\n",
                      indent,
                      name,
                      entry->type == SETTINGS_ADDRESS ? "HOST:PORT" : "FILE");
        return;
    }
    buffer_printf(out,
                  "%s%s = %s%s%s%s%s\n",
                  indent,
                  name,
                  list ? "[" : "",
                  quote,
                  entry->initial,
                  quote,
                  list ? "]" : "");
}

static void print_node(struct buffer *out)
{
    size_t count;
    const struct settings_entry *table = settings_entries(&count);
    struct bytes section = bytes_of(NULL, 0);

    for (size_t i = 0; i < count; i++) {
        struct bytes here = section_of(&table[i]);
        const char *name = table[i].name + (here.len > 0 ? here.len + 1 : 0);

        if (!bytes_equal(here, section)) {
            if (section.len > 0) {
                buffer_text(out, "}\n");
            }
            buffer_printf(
                out, "\n%.*s {\n", (int)here.len, (const char *)here.data);
            section = here;
        } else {
            buffer_text(out, "\n");
        }
        print_entry(&table[i], here.len > 0 ? "    " : "", name, out);
    }
    if (section.len > 0) {
        buffer_text(out, "}\n");
    }
}

void settings_print_sample(struct buffer *out)
{
    size_t count;
    const struct settings_entry *table = settings_namespace_entries(&count);

    buffer_text(out,
                "# Configuration of weir, weir.conf(5): every setting, as it "
                "is when this file\n"
                "# does not say. Check a file with: weir serve --config FILE "
                "--check\n");
    print_node(out);
    buffer_text(out,
                "\n# A namespace for each first part of a channel's name; "
                "without any there is\n# one, \"default\".\n"
                "namespace \"default\" {\n");
    for (size_t i = 0; i < count; i++) {
        print_entry(&table[i], "    ", table[i].name, out);
    }
    buffer_text(out, "}\n");
    check(!out->overflowed);
}

static void print_help_of(const struct settings_entry *table,
                          size_t count,
                          struct buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        const char *initial = table[i].initial;

        buffer_printf(out,
                      "  %-*s %-16s ",
                      NAME_COLUMNS,
                      table[i].name,
                      initial[0] != 0 ? initial : "-");
        settings_print_bounds(&table[i], out);
        buffer_u8(out, '\n');
    }
}

void settings_print_help(struct buffer *out)
{
    size_t count;
    const struct settings_entry *table = settings_entries(&count);

    buffer_printf(out,
                  "Settings of a configuration file, what they are when it "
                  "does not say, and\nwhat they may be; weir.conf(5) explains "
                  "them:\n");
    print_help_of(table, count, out);
    buffer_text(out, "\nSettings of each namespace \"NAME\" { }:\n");
    table = settings_namespace_entries(&count);
    print_help_of(table, count, out);
    check(!out->overflowed);
}
