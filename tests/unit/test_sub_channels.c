/* src/sub_channels: where each subscription goes on. */
#include "src/sub_channels.h"

#include "tests/lib/tap.h"

#include <stdio.h>

static const struct client_request_identity who = {
    .host = BYTES_LITERAL("h"),
};
static const char *const names[] = {"/default/a", "/default/*"};
static struct sub_channels channels;
static struct buffer out;

static void begin(const char *start)
{
    sub_channels_done(&channels);
    sub_channels_init(&channels, names, 2, start);
}

static void begin_with_last_5(void)
{
    begin("\"replay\":{\"last\":5}");
}

static void asks_for(size_t index, const char *wish)
{
    char text[8192];

    buffer_done(&out);
    buffer_init(&out, sizeof(text));
    sub_channels_request(&channels, index, &who, &out);
    snprintf(text,
             sizeof(text),
             "{\"type\":\"subscribe\",\"id\":\"%zu\",\"channel\":\"%s\",%s,"
             "\"authorization\":{\"host\":\"h\"}}",
             index,
             names[index],
             wish);
    tap_equal_text(buffer_view(&out), text);
}

TAP_CASE(sub_channels_begin_where_they_are_told)
{
    begin("\"cursor\":true");
    asks_for(0, "\"cursor\":true");
    begin_with_last_5();
    asks_for(0, "\"replay\":{\"last\":5}");
    asks_for(1, "\"replay\":{\"last\":5}");
}

TAP_CASE(sub_channels_go_on_from_where_they_were_subscribed)
{
    begin_with_last_5();
    sub_channels_subscribed(&channels, 0, bytes_text("c-1"));

    asks_for(0, "\"replay\":{\"after\":\"c-1\"}");
    asks_for(1, "\"replay\":{\"last\":5}");
}

TAP_CASE(sub_channels_go_on_behind_their_last_event)
{
    begin_with_last_5();
    sub_channels_subscribed(&channels, 1, bytes_text("c-1"));
    sub_channels_reached(&channels, 1, bytes_text("cursor-22"));
    sub_channels_reached(&channels, 1, bytes_text("c-3"));

    asks_for(1, "\"replay\":{\"after\":\"c-3\"}");
}

TAP_CASE(sub_channels_go_on_plainly_where_there_are_no_cursors)
{
    begin_with_last_5();
    sub_channels_subscribed(&channels, 0, bytes_of(NULL, 0));
    sub_channels_reached(&channels, 0, bytes_of(NULL, 0));

    asks_for(0, "\"cursor\":true");
}

TAP_CASE(sub_channels_keep_their_cursor_when_a_message_has_none)
{
    begin_with_last_5();
    sub_channels_subscribed(&channels, 0, bytes_text("c-1"));
    sub_channels_reached(&channels, 0, bytes_of(NULL, 0));

    asks_for(0, "\"replay\":{\"after\":\"c-1\"}");
}

TAP_CASE(sub_channels_keep_no_cursor_that_is_too_long)
{
    static char text[CURSOR_TEXT_MAX + 2];

    begin_with_last_5();
    memset(text, 'c', CURSOR_TEXT_MAX + 1);
    sub_channels_subscribed(&channels, 0, bytes_text("c-1"));
    sub_channels_reached(&channels, 0, bytes_text(text));
    asks_for(0, "\"cursor\":true");

    sub_channels_reached(&channels, 0, bytes_text(text + 1));
    tap_equal(channels.channels[0].cursor.len, CURSOR_TEXT_MAX);
}

TAP_CASE(sub_channels_find_their_own)
{
    size_t index = 9;

    begin_with_last_5();
    tap_check(sub_channels_find(&channels, bytes_text("0"), &index));
    tap_equal(index, 0);
    tap_check(sub_channels_find(&channels, bytes_text("1"), &index));
    tap_equal(index, 1);
    tap_check(!sub_channels_find(&channels, bytes_text("2"), &index));
    tap_check(!sub_channels_find(&channels, bytes_text(""), &index));
    tap_check(!sub_channels_find(&channels, bytes_text("-1"), &index));
    tap_check(!sub_channels_find(&channels, bytes_text("0x"), &index));
    tap_check(!sub_channels_find(
        &channels, bytes_text("18446744073709551616"), &index));
    tap_equal(index, 1);
}

TAP_MAIN()
