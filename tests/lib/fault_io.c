/* The system's calls themselves are made without the C library's functions,
 * whose names these are. */
#include "tests/lib/fault_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static struct fault armed;
static bool is_armed;
static bool struck;

void fault_io_arm(const struct fault *fault)
{
    armed = *fault;
    is_armed = true;
    struck = false;
}

void fault_io_disarm(void)
{
    is_armed = false;
}

bool fault_io_struck(void)
{
    return struck;
}

static bool strikes(void)
{
    if (!is_armed || (struck && !armed.stays)) {
        return false;
    }
    if (armed.skip > 0) {
        armed.skip--;
        return false;
    }
    struck = true;
    return true;
}

static int failed(void)
{
    errno = armed.error;
    return -1;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    if (!strikes()) {
        return syscall(SYS_pwrite64, fd, data, len, at);
    }
    if (armed.kind == FAULT_HALF) {
        return syscall(SYS_pwrite64, fd, data, len / 2, at);
    }
    if (armed.kind == FAULT_AFTER) {
        (void)syscall(SYS_pwrite64, fd, data, len, at);
    }
    return failed();
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t at)
{
    return pwrite(fd, data, len, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (!strikes()) {
        return syscall(SYS_writev, fd, parts, count);
    }
    if (armed.kind == FAULT_HALF) {
        return syscall(SYS_write, fd, parts[0].iov_base, parts[0].iov_len / 2);
    }
    if (armed.kind == FAULT_AFTER) {
        (void)syscall(SYS_writev, fd, parts, count);
    }
    return failed();
}

int fdatasync(int fd)
{
    if (!strikes()) {
        return (int)syscall(SYS_fdatasync, fd);
    }
    if (armed.kind == FAULT_AFTER) {
        (void)syscall(SYS_fdatasync, fd);
    }
    return failed();
}

/* Returns the error and leaves errno alone. */
int posix_fallocate(int fd, off_t from, off_t len)
{
    if (strikes()) {
        return armed.error;
    }
    return syscall(SYS_fallocate, fd, 0, from, len) == 0 ? 0 : errno;
}

int posix_fallocate64(int fd, off_t from, off_t len)
{
    return posix_fallocate(fd, from, len);
}
