/* Whether what is made here is what OpenSSL's own verification accepts is for
 * test_tls; these cases are about which certificates still serve. */
#include "src/io/certificate.h"

#include "tests/lib/tap.h"

#define DAY_S UINT64_C(86400)
#define MADE_S UINT64_C(1700000000)

static const char *const hosts[] = {"localhost", "127.0.0.1", "::1"};
static const char *const more_hosts[] = {"localhost", "weir.example"};
static const char *const bad_hosts[] = {"no good,DNS:evil"};
static const char *const empty_hosts[] = {""};

static const struct certificate_request authority_request = {
    .name = "authority",
    .from_s = MADE_S,
    .until_s = MADE_S + 10 * DAY_S,
};
static const struct certificate_request server_request = {
    .name = "server",
    .hosts = hosts,
    .host_count = 3,
    .from_s = MADE_S,
    .until_s = MADE_S + 5 * DAY_S,
};

struct chain {
    struct certificate ca;
    struct certificate server;
};

static void chain_init(struct chain *c)
{
    memset(c, 0, sizeof(*c));
    certificate_make_authority(&authority_request, &c->ca);
    tap_equal(certificate_issue(&server_request, &c->ca, &c->server, NULL), 0);
}

static void chain_done(struct chain *c)
{
    certificate_done(&c->ca);
    certificate_done(&c->server);
}

static bool serves(const struct chain *c,
                   const struct certificate_request *request,
                   uint64_t at_s)
{
    return certificate_serves(
        &c->server, buffer_view(&c->ca.pem), request, at_s);
}

TAP_CASE(certificate_serves_its_hosts_from_its_first_to_its_last_second)
{
    struct chain c;

    chain_init(&c);
    tap_check(!serves(&c, &server_request, MADE_S - 1));
    tap_check(serves(&c, &server_request, MADE_S + 1));
    tap_check(serves(&c, &server_request, MADE_S + 5 * DAY_S - 1));
    tap_check(!serves(&c, &server_request, MADE_S + 5 * DAY_S + 1));
    chain_done(&c);
}

TAP_CASE(certificate_does_not_serve_a_host_it_does_not_hold)
{
    struct certificate_request request = server_request;
    struct chain c;

    chain_init(&c);
    request.hosts = more_hosts;
    request.host_count = 1;
    tap_check(serves(&c, &request, MADE_S + 1));
    request.host_count = 2;
    tap_check(!serves(&c, &request, MADE_S + 1));
    chain_done(&c);
}

TAP_CASE(certificate_does_not_serve_under_another_authority)
{
    struct chain c;
    struct chain other;

    chain_init(&c);
    chain_init(&other);
    tap_check(!certificate_serves(
        &c.server, buffer_view(&other.ca.pem), &server_request, MADE_S + 1));
    chain_done(&c);
    chain_done(&other);
}

TAP_CASE(certificate_does_not_serve_with_another_key)
{
    struct chain c;
    struct chain other;
    struct certificate mixed;

    chain_init(&c);
    chain_init(&other);
    mixed.pem = c.server.pem;
    mixed.key_pem = other.server.key_pem;
    tap_check(!certificate_serves(
        &mixed, buffer_view(&c.ca.pem), &server_request, MADE_S + 1));
    chain_done(&c);
    chain_done(&other);
}

TAP_CASE(certificate_that_is_no_pem_does_not_serve)
{
    struct chain c;

    chain_init(&c);
    buffer_clear(&c.server.pem);
    tap_check(!serves(&c, &server_request, MADE_S + 1));
    buffer_text(&c.server.pem, "-----BEGIN CERTIFICATE-----\nAAAA\n");
    tap_check(!serves(&c, &server_request, MADE_S + 1));
    chain_done(&c);
}

static void expect_refused(const char *const *names, size_t count)
{
    struct certificate_request request = server_request;
    struct certificate made = {0};
    struct chain c;
    struct why why;

    chain_init(&c);
    request.hosts = names;
    request.host_count = count;
    tap_equal(certificate_issue(&request, &c.ca, &made, &why), RC_MALFORMED);
    tap_check(strstr(why.text, "neither a host name nor an address") != NULL);
    tap_check(made.pem.data == NULL);
    chain_done(&c);
}

TAP_CASE(certificate_refuses_a_host_that_would_smuggle_another)
{
    expect_refused(bad_hosts, 1);
}

TAP_CASE(certificate_refuses_an_empty_host)
{
    expect_refused(empty_hosts, 1);
}

TAP_CASE(certificate_refuses_an_authority_whose_key_is_anothers)
{
    struct certificate made = {0};
    struct certificate mixed;
    struct chain c;
    struct chain other;
    struct why why;

    chain_init(&c);
    chain_init(&other);
    mixed.pem = c.ca.pem;
    mixed.key_pem = other.ca.key_pem;
    tap_equal(certificate_issue(&server_request, &mixed, &made, &why),
              RC_MALFORMED);
    tap_check(strstr(why.text, "do not fit") != NULL);
    chain_done(&c);
    chain_done(&other);
}

TAP_MAIN()
