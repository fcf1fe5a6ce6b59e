/* Written through a temporary file beside the target, then renamed or linked
 * to its name: both put the finished file there in one step. */
#include "src/io/file.h"

#include "base/check.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES 4096

static enum rc rc_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return RC_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return RC_DENIED;
    case ENOSPC:
    case EDQUOT:
        return RC_NO_SPACE;
    case EEXIST:
        return RC_EXISTS;
    default:
        return RC_IO;
    }
}

static int failed(struct why *why, const char *what, const char *path)
{
    int error = errno;

    return why_set(
        why, rc_of(error), "cannot %s '%s': %s", what, path, strerror(error));
}

static void close_cleanup(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

int file_read(const char *path, struct buffer *ret, struct why *why)
{
    CLEANUP(close_cleanup) int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t some[READ_BYTES];

    if (fd < 0) {
        return failed(why, "open", path);
    }
    for (;;) {
        ssize_t n = read(fd, some, sizeof(some));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return failed(why, "read", path);
        }
        if (n == 0) {
            return 0;
        }
        buffer_append(ret, bytes_of(some, (size_t)n));
        if (ret->overflowed) {
            return why_set(why,
                           RC_TOO_LARGE,
                           "'%s' is larger than %zu bytes",
                           path,
                           ret->cap);
        }
    }
}

static int write_all(int fd, struct bytes content)
{
    while (content.len > 0) {
        ssize_t n = write(fd, content.data, content.len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        content = bytes_from(content, (size_t)n);
    }
    return 0;
}

/* Make the file's name itself survive a crash. */
static int sync_directory(const char *path)
{
    char directory[FILE_PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    CLEANUP(close_cleanup) int fd = -1;

    check(len < sizeof(directory));
    memcpy(directory, path, len);
    directory[len] = 0;
    if (slash == NULL || len == 0) {
        memcpy(directory, slash == NULL ? "." : "/", 2);
    }
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : fsync(fd);
}

/* Fill a temporary file beside `path`; its name is in `ret`. */
static int write_temporary(const char *path,
                           unsigned mode,
                           struct bytes content,
                           char *ret,
                           struct why *why)
{
    int len = snprintf(ret, FILE_PATH_BYTES_MAX, "%s.XXXXXX", path);
    CLEANUP(close_cleanup) int fd = -1;

    if (len >= FILE_PATH_BYTES_MAX) {
        return why_set(why, RC_TOO_LARGE, "'%s' is too long a path", path);
    }
    fd = mkostemp(ret, O_CLOEXEC);
    if (fd < 0) {
        return failed(why, "write", path);
    }
    if (write_all(fd, content) != 0 || fchmod(fd, (mode_t)mode) != 0 ||
        fsync(fd) != 0) {
        int rc = failed(why, "write", path);

        unlink(ret);
        return rc;
    }
    return 0;
}

int file_write(const char *path,
               unsigned mode,
               struct bytes content,
               struct why *why)
{
    char temporary[FILE_PATH_BYTES_MAX];
    int rc = write_temporary(path, mode, content, temporary, why);

    if (rc != 0) {
        return rc;
    }
    if (rename(temporary, path) != 0) {
        rc = failed(why, "write", path);
        unlink(temporary);
        return rc;
    }
    return sync_directory(path) == 0 ? 0 : failed(why, "sync", path);
}

int file_create(const char *path,
                unsigned mode,
                struct bytes content,
                struct why *why)
{
    char temporary[FILE_PATH_BYTES_MAX];
    int rc = write_temporary(path, mode, content, temporary, why);

    if (rc != 0) {
        return rc;
    }
    if (link(temporary, path) != 0) {
        rc = failed(why, "make", path);
    }
    unlink(temporary);
    if (rc == 0 && sync_directory(path) != 0) {
        rc = failed(why, "sync", path);
    }
    return rc;
}

int file_make_directory(const char *path, struct why *why)
{
    struct stat stat_now;

    if (mkdir(path, 0700) == 0) {
        return 0;
    }
    if (errno != EEXIST) {
        return failed(why, "make directory", path);
    }
    if (stat(path, &stat_now) != 0) {
        return failed(why, "use", path);
    }
    if (!S_ISDIR(stat_now.st_mode)) {
        return why_set(why, RC_EXISTS, "'%s' is not a directory", path);
    }
    return 0;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_permits(const char *path, unsigned bits)
{
    struct stat found;

    return stat(path, &found) == 0 && (found.st_mode & bits) != 0;
}

int file_join(const char *directory,
              const char *name,
              char *ret,
              struct why *why)
{
    int len = snprintf(ret, FILE_PATH_BYTES_MAX, "%s/%s", directory, name);

    if (len < 0 || len >= FILE_PATH_BYTES_MAX) {
        return why_set(
            why, RC_TOO_LARGE, "'%s/%s' is too long a path", directory, name);
    }
    return 0;
}
