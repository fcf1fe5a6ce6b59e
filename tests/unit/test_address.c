/* HOST:PORT with hosts of all three kinds, and what is none. */
#include "src/address.h"

#include "tests/lib/tap.h"

static void expect(const char *text, const char *host, uint16_t port)
{
    struct address address;
    char again[ADDRESS_TEXT_BYTES_MAX];
    struct why why;

    tap_equal(address_parse(bytes_text(text), &address, &why), 0);
    tap_equal_text(bytes_text(address.host), host);
    tap_equal(address.port, port);
    address_print(&address, again);
    tap_equal_text(bytes_text(again), text);
}

static void expect_refused(const char *text, const char *words)
{
    struct address address = {.port = 7};
    struct why why;

    tap_equal(address_parse(bytes_text(text), &address, &why), RC_MALFORMED);
    tap_check(strstr(why.text, words) != NULL);
    tap_equal(address.port, 7);
}

TAP_CASE(address_is_a_host_and_a_port)
{
    expect("127.0.0.1:8080", "127.0.0.1", 8080);
    expect("localhost:1", "localhost", 1);
    expect("a-b.example_1:443", "a-b.example_1", 443);
}

TAP_CASE(address_holds_an_ipv6_address_in_brackets)
{
    expect("[::1]:8080", "::1", 8080);
    expect("[fe80::1:2]:0", "fe80::1:2", 0);
}

TAP_CASE(address_accepts_ports_from_0_to_65535)
{
    expect("h:0", "h", 0);
    expect("h:65535", "h", 65535);
    expect_refused("h:65536", "0 to 65535");
    expect_refused("h:-1", "0 to 65535");
    expect_refused("h:http", "0 to 65535");
    expect_refused("h:", "0 to 65535");
}

TAP_CASE(address_refuses_what_has_no_host_or_no_port)
{
    expect_refused("", "HOST:PORT");
    expect_refused("8080", "HOST:PORT");
    expect_refused(":8080", "HOST:PORT");
    expect_refused("[]:8080", "HOST:PORT");
    expect_refused("[::1]", "HOST:PORT");
    expect_refused("[::1]8080", "HOST:PORT");
    expect_refused("[::1", "HOST:PORT");
}

TAP_CASE(address_refuses_hosts_with_other_bytes)
{
    expect_refused("a b:1", "HOST:PORT");
    expect_refused("h\xc3\xa9:1", "HOST:PORT");
    expect_refused("[localhost]:1", "HOST:PORT");
}

TAP_CASE(address_refuses_a_host_over_its_limit)
{
    char text[ADDRESS_TEXT_BYTES_MAX + 10];
    struct address address;

    memset(text, 'a', sizeof(text));
    memcpy(text + ADDRESS_HOST_BYTES_MAX, ":1", 3);
    tap_equal(address_parse(bytes_text(text), &address, NULL), 0);
    text[ADDRESS_HOST_BYTES_MAX] = 'a';
    memcpy(text + ADDRESS_HOST_BYTES_MAX + 1, ":1", 3);
    expect_refused(text, "too long");
}

TAP_MAIN()
