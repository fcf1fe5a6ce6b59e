/* src/io/line_input: lines from pipes and files, in whatever pieces. */
#include "src/io/line_input.h"

#include "base/buffer.h"
#include "tests/lib/peer.h"
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_MAX_BYTES 100

static uv_loop_t loop;
static struct line_input *input;
static struct buffer lines; /* a '|' behind each */
static unsigned calls;
static bool called;
static bool ended;
static int last;

static void take_all(void)
{
    struct bytes line;

    while ((last = line_input_next(input, &line)) == 0) {
        buffer_append(&lines, line);
        buffer_u8(&lines, '|');
    }
    ended = last != RC_AGAIN;
}

static void on_ready(void *context)
{
    tap_check(context == &loop);
    calls++;
    called = true;
    take_all();
}

static void begin(int fd)
{
    tap_equal(uv_loop_init(&loop), 0);
    buffer_done(&lines);
    buffer_init(&lines, 1 << 20);
    calls = 0;
    called = ended = false;
    input = line_input_open(&loop, fd, LINE_MAX_BYTES, on_ready, &loop);
    tap_equal(calls, 0);
}

static void end(void)
{
    line_input_close(input);
    peer_end_loop(&loop);
}

static void put(int fd, const char *text)
{
    tap_equal(write(fd, text, strlen(text)), strlen(text));
}

/* A file with this content, open for reading. */
static int file_with(const char *content)
{
    char path[512];
    int fd;

    snprintf(path, sizeof(path), "%s/input", tap_temp_dir());
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    tap_check(fd >= 0);
    put(fd, content);
    tap_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void file_gives(const char *content, const char *expected, int rc)
{
    int fd = file_with(content);

    begin(fd);
    tap_check(peer_await(&loop, &ended));
    tap_equal_text(buffer_view(&lines), expected);
    tap_equal(last, rc);
    end();
    close(fd);
}

TAP_CASE(line_input_reads_a_file)
{
    file_gives("one\ntwo\n", "one|two|", RC_CLOSED);
}

TAP_CASE(line_input_takes_a_last_line_without_a_newline)
{
    file_gives("one\ntwo", "one|two|", RC_CLOSED);
}

TAP_CASE(line_input_keeps_empty_lines)
{
    file_gives("\n\none\n\n", "||one||", RC_CLOSED);
}

TAP_CASE(line_input_of_nothing_ends_at_once)
{
    file_gives("", "", RC_CLOSED);
}

TAP_CASE(line_input_takes_a_line_of_the_limit_and_no_longer)
{
    char content[256];
    char expected[256];

    snprintf(content, sizeof(content), "%0100d\nx\n", 0);
    snprintf(expected, sizeof(expected), "%0100d|x|", 0);
    file_gives(content, expected, RC_CLOSED);

    snprintf(content, sizeof(content), "x\n%0101d\n", 0);
    file_gives(content, "x|", RC_TOO_LARGE);

    snprintf(content, sizeof(content), "x\n%0101d", 0);
    file_gives(content, "x|", RC_TOO_LARGE);
}

TAP_CASE(line_input_says_why_it_cannot_read)
{
    int fd = open(tap_temp_dir(), O_RDONLY);

    begin(fd);
    tap_check(peer_await(&loop, &ended));
    tap_equal(last, RC_IO);
    tap_equal(errno, EISDIR);
    end();
    close(fd);
}

TAP_CASE(line_input_gives_lines_of_a_pipe_as_they_come)
{
    int fds[2];

    tap_equal(pipe(fds), 0);
    begin(fds[0]);
    put(fds[1], "one\ntw");
    tap_check(peer_await(&loop, &called));
    tap_equal_text(buffer_view(&lines), "one|");
    tap_equal(last, RC_AGAIN);

    called = false;
    put(fds[1], "o\n");
    tap_check(peer_await(&loop, &called));
    tap_equal_text(buffer_view(&lines), "one|two|");

    put(fds[1], "three");
    close(fds[1]);
    tap_check(peer_await(&loop, &ended));
    tap_equal_text(buffer_view(&lines), "one|two|three|");
    tap_equal(last, RC_CLOSED);
    end();
    close(fds[0]);
}

TAP_CASE(line_input_restores_the_descriptor)
{
    int fds[2];
    int flags;

    tap_equal(pipe(fds), 0);
    flags = fcntl(fds[0], F_GETFL);
    begin(fds[0]);
    tap_check((fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
    end();

    tap_equal(fcntl(fds[0], F_GETFL), flags);
    close(fds[0]);
    close(fds[1]);
}

TAP_CASE(line_input_reads_much_in_order)
{
    struct buffer all;
    FILE *file = tmpfile();
    int fd;

    tap_check(file != NULL);
    fd = fileno(file);
    buffer_init(&all, 1 << 20);
    for (int i = 0; i < 50000; i++) {
        fprintf(file, "%d\n", i);
        buffer_printf(&all, "%d|", i);
    }
    fflush(file);
    tap_equal(lseek(fd, 0, SEEK_SET), 0);

    begin(fd);
    tap_check(peer_await(&loop, &ended));
    tap_check(calls > 1);
    tap_check(bytes_equal(buffer_view(&lines), buffer_view(&all)));
    end();
    buffer_done(&all);
    fclose(file);
}

TAP_CASE(line_input_close_accepts_null)
{
    line_input_close(NULL);
    tap_check(true);
}

TAP_MAIN()
