/* src/url: the forms of a server's address, and the sentence for each fault. */
#include "src/url.h"

#include "tests/lib/tap.h"

#include <stdio.h>

static struct url parsed(const char *text)
{
    struct url url = {0};
    struct why why = {""};

    tap_equal(url_parse(text, &url, &why), RC_OK);
    return url;
}

static void refused(const char *text, const char *part)
{
    struct url url = {.port = 77};
    struct why why = {""};

    tap_equal(url_parse(text, &url, &why), RC_MALFORMED);
    tap_check(strstr(why.text, part) != NULL);
    tap_check(strstr(why.text, "is not a server's URL") != NULL);
    tap_equal(url.port, 77);
}

static void authority_is(const char *text, const char *expected)
{
    struct url url = parsed(text);
    char authority[URL_AUTHORITY_BYTES_MAX];

    url_authority(&url, authority);
    tap_equal_text(bytes_text(authority), expected);
}

TAP_CASE(url_reads_host_and_port)
{
    struct url url = parsed("http://127.0.0.1:8080");

    tap_check(!url.tls);
    tap_check(!url.host_is_ipv6);
    tap_equal_text(bytes_text(url.host), "127.0.0.1");
    tap_equal(url.port, 8080);
}

TAP_CASE(url_knows_the_ports_of_the_schemes)
{
    tap_equal(parsed("http://a").port, 80);
    tap_equal(parsed("ws://a").port, 80);
    tap_equal(parsed("https://a").port, 443);
    tap_equal(parsed("wss://a").port, 443);
}

TAP_CASE(url_knows_which_schemes_mean_tls)
{
    tap_check(!parsed("http://a").tls);
    tap_check(!parsed("ws://a").tls);
    tap_check(parsed("https://a").tls);
    tap_check(parsed("wss://a").tls);
}

TAP_CASE(url_takes_the_paths_of_the_protocol)
{
    tap_equal(parsed("http://a:1/").port, 1);
    tap_equal(parsed("http://a:2/event").port, 2);
    tap_equal(parsed("ws://a:3/event/realtime").port, 3);
}

TAP_CASE(url_refuses_other_paths_and_queries)
{
    refused("http://a/events", "/events");
    refused("http://a//", "//");
    refused("http://a/event/", "/event/");
    refused("http://a/event?x=1", "/event?x=1");
}

TAP_CASE(url_reads_an_ipv6_address_in_brackets)
{
    struct url url = parsed("https://[::1]:8443/event");

    tap_check(url.host_is_ipv6);
    tap_equal_text(bytes_text(url.host), "::1");
    tap_equal(url.port, 8443);
    tap_equal(parsed("http://[fe80::1]").port, 80);
}

TAP_CASE(url_refuses_broken_brackets)
{
    refused("http://[::1", "IPv6");
    refused("http://[::1]8080", "IPv6");
    refused("http://[]:8080", "host is missing");
    refused("http://[::g]", "character");
    refused("http://::1:8080", "host is missing");
    refused("http://fe80::1:8080", "port");
}

TAP_CASE(url_refuses_other_schemes)
{
    refused("", "must begin");
    refused("localhost:8080", "must begin");
    refused("ftp://a", "must begin");
    refused("http:/a", "must begin");
    refused("HTTP//a", "must begin");
}

TAP_CASE(url_refuses_a_missing_host)
{
    refused("http://", "host is missing");
    refused("http://:8080", "host is missing");
    refused("http:///event", "host is missing");
}

TAP_CASE(url_refuses_ports_out_of_range)
{
    tap_equal(parsed("http://a:1").port, 1);
    tap_equal(parsed("http://a:65535").port, 65535);

    refused("http://a:0", "port '0'");
    refused("http://a:65536", "port '65536'");
    refused("http://a:", "port ''");
    refused("http://a:80x", "port '80x'");
    refused("http://a:-1", "port '-1'");
    refused("http://a:99999999999999999999", "port");
}

TAP_CASE(url_refuses_characters_that_no_host_has)
{
    refused("http://user@a", "character");
    refused("http://a b", "character");
    refused("http://a\r\nX: y", "character");
    refused("http://\xc3\xa4", "character");
}

TAP_CASE(url_takes_a_host_of_255_characters_and_no_more)
{
    char text[320];

    snprintf(text, sizeof(text), "http://%0255d:9", 0);
    tap_equal(strlen(parsed(text).host), 255);

    snprintf(text, sizeof(text), "http://%0256d:9", 0);
    refused(text, "longer than 255");
}

TAP_CASE(url_authority_leaves_out_the_usual_port)
{
    authority_is("http://a:80", "a");
    authority_is("https://a:443", "a");
    authority_is("http://a:443", "a:443");
    authority_is("https://a:80", "a:80");
    authority_is("ws://a:8080", "a:8080");
}

TAP_CASE(url_authority_brackets_an_ipv6_address)
{
    authority_is("http://[::1]", "[::1]");
    authority_is("http://[::1]:8080", "[::1]:8080");
}

TAP_MAIN()
