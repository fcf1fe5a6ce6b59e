/* src/client: where the key comes from, and what of the command line is
 * refused before anything is sent. */
#include "src/client.h"

#include "proto/api_key.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>

static struct client client;
static struct why why;

static int init(const char *key, const char *key_file, const char *url)
{
    const struct client_arguments arguments = {
        .url = url,
        .key = key,
        .key_file = key_file,
    };

    why.text[0] = '\0';
    return client_init(&client, &arguments, &why);
}

static const char *key_file(const char *content)
{
    static char path[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/key", tap_temp_dir());
    file = fopen(path, "w");
    tap_check(file != NULL);
    fputs(content, file);
    fclose(file);
    return path;
}

static void key_is(const char *expected)
{
    tap_equal_text(buffer_view(&client.key), expected);
    client_done(&client);
}

TAP_CASE(client_takes_the_key_of_the_command_line_first)
{
    setenv(CLIENT_KEY_VARIABLE, "variable", 1);
    tap_equal(init("option", key_file("file"), "http://a"), RC_OK);
    key_is("option");
}

TAP_CASE(client_takes_the_key_of_a_file_before_the_environment)
{
    setenv(CLIENT_KEY_VARIABLE, "variable", 1);
    tap_equal(init(NULL, key_file("file"), "http://a"), RC_OK);
    key_is("file");
}

TAP_CASE(client_takes_the_key_of_the_environment)
{
    setenv(CLIENT_KEY_VARIABLE, "variable", 1);
    tap_equal(init(NULL, NULL, "http://a"), RC_OK);
    key_is("variable");
}

TAP_CASE(client_goes_without_a_key)
{
    setenv(CLIENT_KEY_VARIABLE, "", 1);
    tap_equal(init(NULL, NULL, "http://a"), RC_OK);
    key_is("");

    unsetenv(CLIENT_KEY_VARIABLE);
    tap_equal(init(NULL, NULL, "http://a"), RC_OK);
    key_is("");
}

TAP_CASE(client_ignores_white_space_around_a_key)
{
    tap_equal(init(NULL, key_file(" \tkey-1\r\n\n"), "http://a"), RC_OK);
    key_is("key-1");
}

TAP_CASE(client_refuses_keys_that_no_header_carries)
{
    tap_equal(init("two words", NULL, "http://a"), RC_MALFORMED);
    tap_check(strstr(why.text, "--key") != NULL);
    tap_check(strstr(why.text, "two words") == NULL);
    tap_equal(init("a\r\nb: c", NULL, "http://a"), RC_MALFORMED);
    tap_equal(init("\xc3\xa4", NULL, "http://a"), RC_MALFORMED);
    tap_equal(init("", NULL, "http://a"), RC_MALFORMED);
    tap_check(strstr(why.text, "empty") != NULL);
    tap_equal(init(NULL, key_file("\n"), "http://a"), RC_MALFORMED);
}

TAP_CASE(client_takes_a_key_of_the_limit_and_no_longer)
{
    static char key[API_KEY_TEXT_BYTES_MAX + 2];

    memset(key, 'k', API_KEY_TEXT_BYTES_MAX);
    tap_equal(init(key, NULL, "http://a"), RC_OK);
    tap_equal(client.key.len, API_KEY_TEXT_BYTES_MAX);
    client_done(&client);

    key[API_KEY_TEXT_BYTES_MAX] = 'k';
    tap_equal(init(key, NULL, "http://a"), RC_MALFORMED);
    tap_check(strstr(why.text, "longer") != NULL);
}

TAP_CASE(client_says_which_key_file_it_cannot_read)
{
    tap_equal(init(NULL, "/nonexistent/key", "http://a"), RC_NOT_FOUND);
    tap_check(strstr(why.text, "/nonexistent/key") != NULL);
}

TAP_CASE(client_refuses_a_ca_for_a_plain_url)
{
    const struct client_arguments arguments = {
        .url = "http://a",
        .ca_file = "ca.pem",
    };

    tap_equal(client_init(&client, &arguments, &why), RC_MALFORMED);
    tap_check(strstr(why.text, "--ca") != NULL);
}

TAP_CASE(client_says_what_is_wrong_with_a_url)
{
    tap_equal(init(NULL, NULL, "gopher://a"), RC_MALFORMED);
    tap_check(strstr(why.text, "gopher://a") != NULL);
}

TAP_CASE(client_hands_its_server_and_key_to_connections)
{
    struct ws_client_options ws;
    struct http_client_options http;

    tap_equal(init("k", NULL, "http://[::1]:8080/event"), RC_OK);
    ws = client_ws_options(&client);
    http = client_http_options(&client);

    tap_equal_text(bytes_text(ws.target.host), "::1");
    tap_equal(ws.target.port, 8080);
    tap_check(ws.target.tls == NULL);
    tap_equal_text(ws.who.host, "[::1]:8080");
    tap_equal_text(ws.who.api_key, "k");
    tap_equal_text(bytes_text(http.authority), "[::1]:8080");
    tap_equal_text(bytes_text(http.path), "/event");
    tap_equal_text(http.api_key, "k");
    client_done(&client);
}

TAP_CASE(client_channel_has_one_slash_in_front)
{
    static const char *const forms[] = {
        "default/room", "/default/room", "default/room/", "/default/room/"};
    struct buffer out;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        buffer_init(&out, 64);
        client_channel(forms[i], &out);
        tap_equal_text(buffer_view(&out), "/default/room");
        buffer_done(&out);
    }
    buffer_init(&out, 64);
    client_channel("", &out);
    tap_equal_text(buffer_view(&out), "/");
    buffer_done(&out);
}

TAP_CASE(client_done_accepts_what_was_never_begun)
{
    struct client none = {0};

    client_done(&none);
    tap_check(none.pool == NULL);
}

TAP_MAIN()
