/* src/sub_output: the form of a line, and an output that is stuck or gone. */
#include "src/sub_output.h"

#include "tests/lib/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static struct sub_output output;
static int data[2];
static int wake[2];

static void begin(void)
{
    signal(SIGPIPE, SIG_IGN);
    tap_equal(pipe(data), 0);
    tap_equal(pipe(wake), 0);
    sub_output_init(&output, data[1], wake[0]);
}

static void end(void)
{
    sub_output_done(&output);
    close(data[0]);
    close(data[1]);
    close(wake[0]);
    close(wake[1]);
}

static void add(const char *event, const char *cursor)
{
    struct bytes place =
        cursor == NULL ? bytes_of(NULL, 0) : bytes_text(cursor);

    tap_equal(sub_output_event(
                  &output, bytes_text("/default/a"), bytes_text(event), place),
              RC_OK);
}

TAP_CASE(sub_output_makes_a_line_of_json)
{
    begin();
    add("{\"a\":1}", NULL);

    tap_equal_text(
        buffer_view(&output.lines),
        "{\"channel\":\"/default/a\",\"event\":{\"a\":1},\"cursor\":null}\n");
    end();
}

TAP_CASE(sub_output_writes_a_cursor_as_a_string)
{
    begin();
    add("1", "v1\"x");

    tap_equal_text(
        buffer_view(&output.lines),
        "{\"channel\":\"/default/a\",\"event\":1,\"cursor\":\"v1\\\"x\"}\n");
    end();
}

TAP_CASE(sub_output_keeps_an_event_on_one_line)
{
    begin();
    add("[1,\r\n\"a\\n\"]", NULL);

    tap_equal_text(buffer_view(&output.lines),
                   "{\"channel\":\"/default/a\",\"event\":[1,  \"a\\n\"],"
                   "\"cursor\":null}\n");
    end();
}

TAP_CASE(sub_output_refuses_an_event_that_is_not_json)
{
    begin();

    tap_equal(sub_output_event(&output,
                               bytes_text("/default/a"),
                               bytes_text("{\"a\":"),
                               bytes_of(NULL, 0)),
              RC_MALFORMED);
    tap_equal(output.lines.len, 0);
    end();
}

TAP_CASE(sub_output_writes_what_was_gathered)
{
    char got[256];
    size_t len;

    begin();
    add("1", NULL);
    add("2", NULL);
    len = output.lines.len;

    tap_equal(sub_output_flush(&output), RC_OK);
    tap_equal(output.lines.len, 0);
    tap_equal(read(data[0], got, sizeof(got)), len);
    tap_equal(sub_output_flush(&output), RC_OK);
    end();
}

TAP_CASE(sub_output_tells_that_the_reader_went_away)
{
    begin();
    add("1", NULL);
    close(data[0]);

    tap_equal(sub_output_flush(&output), RC_CLOSED);
    data[0] = open("/dev/null", O_RDONLY);
    end();
}

static void fill_pipe(void)
{
    static const char block[4096];
    int flags = fcntl(data[1], F_GETFL);

    tap_equal(fcntl(data[1], F_SETFL, flags | O_NONBLOCK), 0);
    while (write(data[1], block, sizeof(block)) > 0) {
    }
    tap_equal(fcntl(data[1], F_SETFL, flags), 0);
}

TAP_CASE(sub_output_hears_a_signal_while_it_is_stuck)
{
    begin();
    add("1", NULL);
    fill_pipe();
    tap_equal(write(wake[1], "x", 1), 1);

    tap_equal(sub_output_flush(&output), RC_EXPIRED);
    end();
}

TAP_CASE(sub_output_writes_before_it_hears_a_signal)
{
    begin();
    add("1", NULL);
    tap_equal(write(wake[1], "x", 1), 1);

    tap_equal(sub_output_flush(&output), RC_OK);
    end();
}

TAP_MAIN()
