/* Whole small files: read with a limit, written so that a crash leaves the old
 * file or the new one, never half of either. Sentences name the file. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include "base/buffer.h"
#include "base/why.h"

#define FILE_PATH_BYTES_MAX 4096

/* Append the whole file to `ret`. RC_NOT_FOUND, RC_DENIED, RC_IO;
 * RC_TOO_LARGE: more than `ret` has room for. */
int file_read(const char *path, struct buffer *ret, struct why *why);

/* Write a file of permissions `mode` in place of any older one, and sync it
 * and its directory. RC_DENIED, RC_NO_SPACE, RC_NOT_FOUND (the directory),
 * RC_IO: the old file stands as it was. */
int file_write(const char *path,
               unsigned mode,
               struct bytes content,
               struct why *why);

/* As file_write(), but RC_EXISTS when there is such a file. */
int file_create(const char *path,
                unsigned mode,
                struct bytes content,
                struct why *why);

/* Make a directory of mode 0700, unless there is one. Its parent must be. */
int file_make_directory(const char *path, struct why *why);

bool file_exists(const char *path);

/* Whether it is there and any of these permission bits is set. */
bool file_permits(const char *path, unsigned bits);

/* "dir/name" into `ret` of FILE_PATH_BYTES_MAX; RC_TOO_LARGE. */
int file_join(const char *directory,
              const char *name,
              char *ret,
              struct why *why);

#endif
