/* The committer on a real log. */
#ifndef IO_LOG_COMMIT_H
#define IO_LOG_COMMIT_H

#include "src/bridge/commit.h"
#include "src/io/log_thread.h"

/* A committer for the log of `options`, with what was on disk and hidden before
 * the start; `answer` as commit_options has it. */
struct commit *log_commit_new(const struct log_thread_options *options,
                              void (*answer)(void *context,
                                             struct batch *batch),
                              void *answer_context);

#endif
