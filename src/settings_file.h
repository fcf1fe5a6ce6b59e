/* A configuration file as settings. Every complaint reads "FILE:LINE: what is
 * wrong", about the first thing that is. */
#ifndef SRC_SETTINGS_FILE_H
#define SRC_SETTINGS_FILE_H

#include "src/settings.h"

#define SETTINGS_FILE_BYTES_MAX (1024 * 1024)

/* Change what the text sets in `s`, which settings_init() has prepared. After a
 * failure `s` holds some of it and is only good for settings_done(). Without
 * any namespace in the text there is one, "default". `name` is the file's, for
 * the sentences. RC_MALFORMED, RC_TOO_LARGE, RC_EXISTS, RC_NOT_FOUND. */
int settings_file_parse(struct settings *s,
                        const char *name,
                        struct bytes text,
                        struct why *why);

/* As settings_file_parse(), of the file at `path`. */
int settings_file_read(struct settings *s, const char *path, struct why *why);

#endif
