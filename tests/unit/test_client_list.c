/* src/client_list: whose turn it is when servers fail. */
#include "src/client_list.h"

#include "tests/lib/tap.h"

static struct client_list list;
static struct why why;

static int init(const char *urls)
{
    const struct client_arguments arguments = {.url = urls};

    client_list_done(&list);
    return client_list_init(&list, &arguments, &why);
}

static void current_is(const char *authority)
{
    tap_equal_text(bytes_text(client_list_current(&list)->authority),
                   authority);
}

TAP_CASE(client_list_takes_one_url)
{
    tap_equal(init("http://a:1"), RC_OK);

    tap_equal(list.count, 1);
    current_is("a:1");
}

TAP_CASE(client_list_takes_urls_between_commas)
{
    tap_equal(init("http://a:1,ws://b:2/event,http://[::1]:3/"), RC_OK);

    tap_equal(list.count, 3);
    current_is("a:1");
}

TAP_CASE(client_list_takes_sixteen_urls_and_not_more)
{
    char urls[256] = "http://a";

    for (size_t i = 1; i < CLIENT_LIST_MAX; i++) {
        strcat(urls, ",http://a");
    }
    tap_equal(init(urls), RC_OK);
    tap_equal(list.count, CLIENT_LIST_MAX);

    strcat(urls, ",http://a");
    tap_equal(init(urls), RC_MALFORMED);
    tap_equal(list.count, 0);
}

TAP_CASE(client_list_refuses_what_is_no_url_wherever_it_stands)
{
    tap_equal(init(""), RC_MALFORMED);
    tap_equal(init(","), RC_MALFORMED);
    tap_equal(init("http://a,"), RC_MALFORMED);
    tap_equal(init(",http://a"), RC_MALFORMED);
    tap_equal(init("http://a,,http://b"), RC_MALFORMED);
    tap_equal(init("http://a,b"), RC_MALFORMED);
    tap_equal(init("http://a http://b"), RC_MALFORMED);
}

TAP_CASE(client_list_refuses_a_url_that_is_too_long)
{
    static char url[2048];

    memset(url, 'a', sizeof(url) - 1);
    memcpy(url, "http://", 7);
    tap_equal(init(url), RC_MALFORMED);
}

TAP_CASE(client_list_moves_on_around_and_around)
{
    tap_equal(init("http://a:1,http://b:2"), RC_OK);
    client_list_succeeded(&list);

    tap_check(client_list_failed(&list, RC_CLOSED));
    current_is("b:2");
    tap_check(client_list_failed(&list, RC_CLOSED));
    current_is("a:1");
}

TAP_CASE(client_list_stays_with_a_server_that_works)
{
    tap_equal(init("http://a:1,http://b:2"), RC_OK);
    tap_check(client_list_failed(&list, RC_CLOSED));
    client_list_succeeded(&list);

    current_is("b:2");
}

TAP_CASE(client_list_gives_up_when_all_failed_before_any_succeeded)
{
    tap_equal(init("http://a,http://b"), RC_OK);
    tap_check(client_list_failed(&list, RC_CLOSED));
    tap_check(!client_list_failed(&list, RC_CLOSED));

    tap_equal(init("http://a"), RC_OK);
    tap_check(!client_list_failed(&list, RC_CLOSED));
}

TAP_CASE(client_list_goes_on_for_ever_once_one_succeeded)
{
    tap_equal(init("http://a"), RC_OK);
    client_list_succeeded(&list);

    for (int i = 0; i < 100; i++) {
        tap_check(client_list_failed(&list, RC_CLOSED));
    }
}

TAP_CASE(client_list_gives_up_when_each_denies)
{
    tap_equal(init("http://a,http://b"), RC_OK);
    client_list_succeeded(&list);
    tap_check(client_list_failed(&list, RC_DENIED));
    tap_check(client_list_failed(&list, RC_CLOSED));
    tap_check(client_list_failed(&list, RC_DENIED));
    tap_check(!client_list_failed(&list, RC_DENIED));
}

TAP_CASE(client_list_counts_rounds)
{
    tap_equal(init("http://a,http://b"), RC_OK);
    client_list_succeeded(&list);
    tap_equal(client_list_rounds(&list), 0);
    (void)client_list_failed(&list, RC_CLOSED);
    tap_equal(client_list_rounds(&list), 0);
    (void)client_list_failed(&list, RC_CLOSED);
    tap_equal(client_list_rounds(&list), 1);

    client_list_succeeded(&list);
    tap_equal(client_list_rounds(&list), 0);
}

TAP_MAIN()
