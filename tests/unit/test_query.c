/* Queries, a parameter at a time. */
#include "proto/query.h"

#include "tests/lib/tap.h"

/* "name=value;" for each parameter, then the code that ended it. */
static int all(const char *query, struct buffer *ret)
{
    struct bytes rest = bytes_text(query);
    struct buffer out;
    struct bytes name;
    struct bytes value;
    int rc;

    buffer_init(&out, 256);
    buffer_init(ret, 256);
    while ((rc = query_next(&rest, &out, &name, &value)) == 0) {
        buffer_append(ret, name);
        buffer_text(ret, "=");
        buffer_append(ret, value);
        buffer_text(ret, ";");
    }
    buffer_done(&out);
    return rc;
}

static void reads_as(const char *query, const char *wanted)
{
    struct buffer got;

    tap_equal(all(query, &got), RC_NOT_FOUND);
    tap_equal_text(buffer_view(&got), wanted);
    buffer_done(&got);
}

TAP_CASE(parameters_come_in_order_and_decoded)
{
    reads_as("a=1&b=2", "a=1;b=2;");
    reads_as("channel=%2Fdefault%2f*&x=a+b", "channel=/default/*;x=a b;");
    reads_as("a=b=c", "a=b=c;");
    reads_as("%61=%41", "a=A;");
}

TAP_CASE(names_and_values_may_be_empty_and_empty_parameters_are_none)
{
    reads_as("", "");
    reads_as("&&", "");
    reads_as("a", "a=;");
    reads_as("a=&=b", "a=;=b;");
}

TAP_CASE(a_percent_sign_needs_two_digits)
{
    static const char *const wrong[] = {
        "a=%", "a=%4", "a=%4&b=1", "%g1", "a=%1g"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct buffer got;

        tap_equal(all(wrong[i], &got), RC_MALFORMED);
        buffer_done(&got);
    }
}

TAP_CASE(what_does_not_fit_is_said)
{
    struct bytes rest = bytes_text("aaaa=bbbb");
    struct buffer out;
    struct bytes name;
    struct bytes value;

    buffer_init(&out, 8);
    tap_equal(query_next(&rest, &out, &name, &value), RC_TOO_LARGE);
    buffer_done(&out);
}

TAP_MAIN()
