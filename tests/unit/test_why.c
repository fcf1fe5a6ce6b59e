/* Sentences for people: written, wrapped, cut, and left alone where nobody
 * listens. */
#include "base/why.h"
#include "tests/lib/tap.h"

TAP_CASE(set_writes_the_sentence_and_returns_the_code)
{
    struct why why;

    tap_equal(why_set(&why, RC_IO, "'%s' is %d", "a", 1), RC_IO);
    tap_equal_text(bytes_text(why.text), "'a' is 1");
}

TAP_CASE(set_and_wrap_accept_nobody)
{
    tap_equal(why_set(NULL, RC_IO, "x"), RC_IO);
    tap_equal(why_wrap(NULL, RC_DENIED, "x"), RC_DENIED);
}

TAP_CASE(wrap_puts_the_context_in_front)
{
    struct why why;

    why_set(&why, RC_IO, "disk full");
    tap_equal(why_wrap(&why, RC_IO, "segment %d", 3), RC_IO);
    why_wrap(&why, RC_IO, "open");

    tap_equal_text(bytes_text(why.text), "open: segment 3: disk full");
}

TAP_CASE(a_long_sentence_is_cut_at_its_end)
{
    struct why why;

    why_set(&why, RC_IO, "%0600d", 7);
    tap_equal(strlen(why.text), WHY_BYTES_MAX - 1);

    why_wrap(&why, RC_IO, "front");
    tap_equal(strlen(why.text), WHY_BYTES_MAX - 1);
    tap_check(bytes_starts_with(bytes_text(why.text), bytes_text("front: 0")));
}

TAP_CASE(a_context_that_fills_it_all_leaves_no_room)
{
    struct why why;

    why_set(&why, RC_IO, "inner");
    why_wrap(&why, RC_IO, "%0600d", 7);

    tap_equal(strlen(why.text), WHY_BYTES_MAX - 1);
    tap_check(strstr(why.text, "inner") == NULL);
}

TAP_MAIN()
