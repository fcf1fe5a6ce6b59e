/* What can be waited for is read when it is readable. The rest, files, never
 * blocks for long, and is read when somebody asks. */
#include "src/io/line_input.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES 65536

struct line_input {
    union {
        uv_handle_t handle;
        uv_poll_t poll;
        uv_idle_t idle;
    } wait;
    bool pollable;
    bool ended;
    int fd;
    int flags;  /* the descriptor's, to be restored */
    int failed; /* errno of a read */
    size_t line_bytes_max;
    size_t taken;   /* of `bytes`: lines that were handed out */
    size_t scanned; /* of `bytes`: known to hold no newline behind `taken` */
    struct buffer bytes;
    void (*ready)(void *context);
    void *context;
};

static void wait_stop(struct line_input *in)
{
    if (in->pollable) {
        (void)uv_poll_stop(&in->wait.poll);
    } else {
        (void)uv_idle_stop(&in->wait.idle);
    }
}

static void read_some(struct line_input *in)
{
    uint8_t *room;
    ssize_t n;

    buffer_consume(&in->bytes, in->taken);
    in->scanned -= in->taken;
    in->taken = 0;
    room = buffer_reserve(&in->bytes, READ_BYTES);
    check(room != NULL);
    n = read(in->fd, room, READ_BYTES);
    if (n > 0) {
        buffer_advance(&in->bytes, (size_t)n);
    } else if (n == 0) {
        in->ended = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        in->failed = errno;
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct line_input *in = poll->data;

    (void)status; /* an error of the descriptor is one of the read, too */
    (void)events;
    wait_stop(in);
    read_some(in);
    in->ready(in->context);
}

static void on_idle(uv_idle_t *idle)
{
    struct line_input *in = idle->data;

    wait_stop(in);
    read_some(in);
    in->ready(in->context);
}

static void wait_start(struct line_input *in)
{
    if (in->pollable) {
        check(uv_poll_start(&in->wait.poll, UV_READABLE, on_poll) == 0);
    } else {
        check(uv_idle_start(&in->wait.idle, on_idle) == 0);
    }
}

struct line_input *line_input_open(uv_loop_t *loop,
                                   int fd,
                                   size_t line_bytes_max,
                                   void (*ready)(void *context),
                                   void *context)
{
    struct line_input *in = alloc_zero(sizeof(*in));

    in->fd = fd;
    in->flags = fcntl(fd, F_GETFL);
    in->line_bytes_max = line_bytes_max;
    in->ready = ready;
    in->context = context;
    buffer_init(&in->bytes, line_bytes_max + 2 * READ_BYTES);
    in->pollable = uv_poll_init(loop, &in->wait.poll, fd) == 0;
    if (!in->pollable) {
        check(uv_idle_init(loop, &in->wait.idle) == 0);
    }
    in->wait.handle.data = in;
    wait_start(in);
    return in;
}

int line_input_next(struct line_input *in, struct bytes *ret_line)
{
    struct bytes rest = bytes_from(buffer_view(&in->bytes), in->taken);
    size_t skip = in->scanned - in->taken;
    const uint8_t *end = rest.len == skip
                             ? NULL
                             : memchr(rest.data + skip, '\n', rest.len - skip);
    size_t len = end == NULL ? rest.len : (size_t)(end - rest.data);

    in->scanned = in->bytes.len;
    if (len > in->line_bytes_max) {
        return RC_TOO_LARGE;
    }
    if (end == NULL && in->failed != 0) {
        errno = in->failed;
        return RC_IO;
    }
    if (end == NULL && !in->ended) {
        wait_start(in);
        return RC_AGAIN;
    }
    if (end == NULL && len == 0) {
        return RC_CLOSED;
    }
    in->taken += len + (end == NULL ? 0 : 1);
    in->scanned = in->taken;
    *ret_line = bytes_of(rest.data, len);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct line_input *in = handle->data;

    /* libuv made it non-blocking, for whoever shares it as well. */
    if (in->pollable && in->flags >= 0) {
        (void)fcntl(in->fd, F_SETFL, in->flags);
    }
    buffer_done(&in->bytes);
    free(in);
}

void line_input_close(struct line_input *in)
{
    if (in != NULL) {
        uv_close(&in->wait.handle, on_closed);
    }
}
