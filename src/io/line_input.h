/* Lines from a descriptor on a libuv loop, whatever it is: terminal, pipe,
 * socket, file. Read only as fast as they are taken. */
#ifndef IO_LINE_INPUT_H
#define IO_LINE_INPUT_H

#include "base/bytes.h"
#include "base/rc.h"

#include <uv.h>

struct line_input;

/* `ready` is called whenever line_input_next() may have something new to say,
 * never before this returns. The descriptor stays the caller's. */
struct line_input *line_input_open(uv_loop_t *loop,
                                   int fd,
                                   size_t line_bytes_max,
                                   void (*ready)(void *context),
                                   void *context);

/* 0: a line without its newline, borrowed until the next call. RC_AGAIN: none
 * yet, `ready` will tell. RC_CLOSED: the end; a last line without a newline
 * came before. RC_TOO_LARGE: over `line_bytes_max`. RC_IO: see errno. */
int line_input_next(struct line_input *in, struct bytes *ret_line);

/* No call of `ready` follows. Accepts NULL. */
void line_input_close(struct line_input *in);

#endif
