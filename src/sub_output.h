/* Standard output of `weir sub`: lines gathered and written at once, without
 * being deaf to signals or to a reader that went away while the output is
 * stuck. */
#ifndef SRC_SUB_OUTPUT_H
#define SRC_SUB_OUTPUT_H

#include "base/buffer.h"
#include "base/rc.h"

#define SUB_OUTPUT_GATHER_BYTES 65536

struct sub_output {
    int fd;
    int signal_fd; /* readable when the process is asked to end */
    struct buffer lines;
};

void sub_output_init(struct sub_output *o, int fd, int signal_fd);
void sub_output_done(struct sub_output *o);

/* Append the line of one event. `event` must be JSON; line breaks in it, which
 * can only be white space, become blanks. `cursor` without data is null.
 * RC_MALFORMED: the event is not JSON. */
int sub_output_event(struct sub_output *o,
                     struct bytes channel,
                     struct bytes event,
                     struct bytes cursor);

/* Write all that is gathered. RC_CLOSED: the reader went away. RC_EXPIRED: a
 * signal came while the output was stuck. RC_IO: see errno. */
int sub_output_flush(struct sub_output *o);

#endif
