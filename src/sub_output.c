/* Writes no more at a time than a pipe takes without blocking once poll() said
 * that it takes any. */
#include "src/sub_output.h"

#include "base/visible.h"
#include "proto/json.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

/* One event with its names, all of it escaped, and what was gathered before. */
#define LINES_BYTES_MAX (64 * 1024 * 1024)

void sub_output_init(struct sub_output *o, int fd, int signal_fd)
{
    o->fd = fd;
    o->signal_fd = signal_fd;
    buffer_init(&o->lines, LINES_BYTES_MAX);
}

void sub_output_done(struct sub_output *o)
{
    buffer_done(&o->lines);
}

static void string_write(struct bytes text, struct buffer *out)
{
    struct buffer escaped;

    if (text.data == NULL) {
        buffer_text(out, "null");
        return;
    }
    buffer_init(&escaped, LINES_BYTES_MAX);
    json_escape(text, &escaped);
    buffer_u8(out, '"');
    visible_json(buffer_view(&escaped), out);
    buffer_u8(out, '"');
    buffer_done(&escaped);
}

int sub_output_event(struct sub_output *o,
                     struct bytes channel,
                     struct bytes event,
                     struct bytes cursor)
{
    if (!json_valid(event)) {
        return RC_MALFORMED;
    }
    buffer_text(&o->lines, "{\"channel\":");
    string_write(channel, &o->lines);
    buffer_text(&o->lines, ",\"event\":");
    visible_json(event, &o->lines);
    buffer_text(&o->lines, ",\"cursor\":");
    string_write(cursor, &o->lines);
    buffer_text(&o->lines, "}\n");
    return 0;
}

/* Wait until some can be written. */
static int output_wait(const struct sub_output *o)
{
    struct pollfd fds[2] = {
        {.fd = o->fd, .events = POLLOUT},
        {.fd = o->signal_fd, .events = POLLIN},
    };

    for (;;) {
        if (poll(fds, 2, -1) < 0) {
            if (errno != EINTR) {
                return RC_IO;
            }
        } else if ((fds[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
            return RC_CLOSED;
        } else if ((fds[0].revents & POLLOUT) != 0) {
            return 0;
        } else if (fds[1].revents != 0) {
            return RC_EXPIRED;
        }
    }
}

int sub_output_flush(struct sub_output *o)
{
    struct bytes rest = buffer_view(&o->lines);

    while (rest.len > 0) {
        int rc = output_wait(o);
        ssize_t n;

        if (rc != 0) {
            return rc;
        }
        n = write(o->fd, rest.data, rest.len < PIPE_BUF ? rest.len : PIPE_BUF);
        if (n >= 0) {
            rest = bytes_from(rest, (size_t)n);
        } else if (errno == EPIPE) {
            return RC_CLOSED;
        } else if (errno != EINTR && errno != EAGAIN) {
            return RC_IO;
        }
    }
    buffer_clear(&o->lines);
    return 0;
}
