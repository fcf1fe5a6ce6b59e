/* What is printed of the table is what the table says. */
#include "src/settings_print.h"

#include "src/settings_file.h"
#include "tests/lib/tap.h"

#include <stdio.h>

static void print(void (*printer)(struct buffer *out), struct buffer *out)
{
    buffer_init(out, SETTINGS_PRINT_BYTES_MAX);
    printer(out);
    buffer_u8(out, 0);
    tap_check(!out->overflowed);
}

TAP_CASE(settings_print_sample_changes_nothing_when_it_is_read)
{
    struct settings sample;
    struct settings untouched;
    struct buffer text;
    struct why why;

    print(settings_print_sample, &text);
    settings_init(&sample);
    settings_init(&untouched);
    tap_equal(settings_file_parse(
                  &sample, "s", bytes_text((const char *)text.data), &why),
              0);
    tap_equal_text(bytes_text(sample.data_dir), untouched.data_dir);
    tap_equal(sample.limits_queue_bytes_max, untouched.limits_queue_bytes_max);
    tap_equal(sample.log_age_max_ms, untouched.log_age_max_ms);
    tap_equal(sample.tls_listen.host[0], 0);
    tap_equal(sample.cors_allowed_origins.count, 1);
    tap_equal(sample.namespace_count, 1);
    settings_done(&sample);
    settings_done(&untouched);
    buffer_done(&text);
}

TAP_CASE(settings_print_sample_fits_in_80_columns)
{
    struct buffer text;
    struct bytes rest;
    struct bytes line;

    print(settings_print_sample, &text);
    rest = bytes_of(text.data, text.len - 1);
    while (bytes_split(&rest, '\n', &line)) {
        tap_check(line.len <= 80);
        tap_check(line.len == 0 || line.data[line.len - 1] != ' ');
    }
    buffer_done(&text);
}

TAP_CASE(settings_print_help_and_sample_have_every_setting)
{
    struct buffer sample;
    struct buffer help;
    size_t count;
    const struct settings_entry *table = settings_entries(&count);

    print(settings_print_sample, &sample);
    print(settings_print_help, &help);
    for (size_t i = 0; i < count; i++) {
        const char *dot = strchr(table[i].name, '.');
        char line[64];

        snprintf(
            line, sizeof(line), "%s =", dot == NULL ? table[i].name : dot + 1);
        tap_check(strstr((const char *)sample.data, line) != NULL);
        snprintf(line, sizeof(line), "\n  %s ", table[i].name);
        tap_check(strstr((const char *)help.data, line) != NULL);
    }
    buffer_done(&sample);
    buffer_done(&help);
}

TAP_CASE(settings_print_bounds_names_the_type_and_its_range)
{
    static const char *const expected[] = {
        "text",
        "HOST:PORT",
        "number, 0 to 256",
        "time, 0 to 10min",
        "one of debug info warn error",
    };
    size_t count;
    const struct settings_entry *table = settings_entries(&count);

    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        struct buffer out;

        buffer_init(&out, 100);
        settings_print_bounds(&table[i], &out);
        tap_equal_text(buffer_view(&out), expected[i]);
        buffer_done(&out);
    }
}

TAP_MAIN()
