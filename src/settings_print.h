/* The table of settings as text for people. */
#ifndef SRC_SETTINGS_PRINT_H
#define SRC_SETTINGS_PRINT_H

#include "base/buffer.h"
#include "src/settings.h"

#define SETTINGS_PRINT_BYTES_MAX 65536

/* A configuration file that sets everything to what it is anyway, each with
 * its sentence; what is not set stands as a comment. */
void settings_print_sample(struct buffer *out);

/* "size, 1K to 64M", "one of debug, info, warn, error". */
void settings_print_bounds(const struct settings_entry *entry,
                           struct buffer *out);

/* A bound or value of `entry` as it would stand in the file. */
#define SETTINGS_VALUE_BYTES_MAX 32
void settings_print_value(const struct settings_entry *entry,
                          uint64_t value,
                          char ret[SETTINGS_VALUE_BYTES_MAX]);

/* For --help: a line a setting. */
void settings_print_help(struct buffer *out);

#endif
