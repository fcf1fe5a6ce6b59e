/* What is a channel, a pattern, a grant; their canonical form; what covers
 * what. */
#include "base/rc.h"
#include "proto/channel_name.h"
#include "tests/lib/tap.h"

typedef int parser(struct bytes text, struct channel_name *ret);

#define SEGMENT_50 "abcdefghijABCDEFGHIJ0123456789abcdefghij-BCDEFGHI0"

static void takes(parser *parse, const char *text, const char *canonical)
{
    struct channel_name name;

    if (parse(bytes_text(text), &name) != RC_OK) {
        tap_fail(__FILE__, __LINE__, text);
    }
    tap_equal_text(channel_name_view(&name), canonical);
}

static void refuses(parser *parse, const char *text)
{
    struct channel_name name = {.len = 7};

    if (parse(bytes_text(text), &name) != RC_MALFORMED) {
        tap_fail(__FILE__, __LINE__, text);
    }
    tap_equal(name.len, 7);
}

TAP_CASE(channel_name_has_one_slash_in_front_and_none_behind)
{
    takes(channel_name_parse, "/default/room", "/default/room");
    takes(channel_name_parse, "default/room", "/default/room");
    takes(channel_name_parse, "default/room/", "/default/room");
    takes(channel_name_parse, "/default/room/", "/default/room");
    takes(channel_name_parse, "a", "/a");
    takes(channel_name_parse, "/a/", "/a");
}

TAP_CASE(channel_name_refuses_more_slashes)
{
    refuses(channel_name_parse, "//a");
    refuses(channel_name_parse, "a//");
    refuses(channel_name_parse, "/a//b");
    refuses(channel_name_parse, "//");
    refuses(channel_name_parse, "/");
    refuses(channel_name_parse, "");
    refuses(channel_name_parse, "a//b");
}

TAP_CASE(channel_name_takes_segments_of_1_to_50_bytes)
{
    takes(channel_name_parse, "/x/" SEGMENT_50, "/x/" SEGMENT_50);
    takes(channel_name_parse, SEGMENT_50, "/" SEGMENT_50);
    refuses(channel_name_parse, "/x/" SEGMENT_50 "1");
    refuses(channel_name_parse, SEGMENT_50 "1/x");
}

TAP_CASE(channel_name_takes_1_to_5_segments)
{
    takes(channel_name_parse, "a/b/c/d/e", "/a/b/c/d/e");
    takes(channel_name_parse, "/a/b/c/d/e/", "/a/b/c/d/e");
    refuses(channel_name_parse, "a/b/c/d/e/f");
    refuses(channel_name_parse, "/a/b/c/d/e/f/");
}

TAP_CASE(channel_name_holds_the_longest_name_and_pattern)
{
    static const char longest[] = "/" SEGMENT_50 "/" SEGMENT_50 "/" SEGMENT_50
                                  "/" SEGMENT_50 "/" SEGMENT_50;
    struct channel_name name;

    takes(channel_name_parse, longest, longest);
    tap_equal(sizeof(longest) - 1, 5 * 51);
    tap_equal(channel_name_parse_pattern(
                  bytes_text("/" SEGMENT_50 "/" SEGMENT_50 "/" SEGMENT_50
                             "/" SEGMENT_50 "/" SEGMENT_50 "/*"),
                  &name),
              RC_OK);
    tap_equal(name.len, CHANNEL_NAME_BYTES_MAX);
}

TAP_CASE(channel_name_takes_hyphens_only_between_other_bytes)
{
    takes(channel_name_parse, "/a-b/c--d", "/a-b/c--d");
    refuses(channel_name_parse, "/-");
    refuses(channel_name_parse, "/-a");
    refuses(channel_name_parse, "/a-");
    refuses(channel_name_parse, "/a/-b");
    refuses(channel_name_parse, "/a/b-");
    refuses(channel_name_parse, "/a-/b");
}

TAP_CASE(channel_name_takes_letters_digits_and_hyphens_only)
{
    for (unsigned i = 0; i < 256; i++) {
        char text[] = {'a', (char)i, 'b'};
        bool good = (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z') ||
                    (i >= '0' && i <= '9') || i == '-' || i == '/';
        struct channel_name name;

        tap_equal(channel_name_parse(bytes_of(text, 3), &name),
                  good ? RC_OK : RC_MALFORMED);
    }
}

TAP_CASE(channel_name_keeps_the_case_of_letters)
{
    takes(channel_name_parse, "/Default/Room", "/Default/Room");
}

TAP_CASE(channel_name_knows_its_namespace)
{
    struct channel_name name;

    tap_equal(channel_name_parse(bytes_text("news/uk/sport"), &name), RC_OK);
    tap_equal_text(channel_name_namespace(&name), "news");
    tap_check(!name.wildcard);
    tap_equal(channel_name_parse(bytes_text("/solo/"), &name), RC_OK);
    tap_equal_text(channel_name_namespace(&name), "solo");
    tap_equal(channel_name_parse_pattern(bytes_text("/news/*"), &name), RC_OK);
    tap_equal_text(channel_name_namespace(&name), "news");
    tap_check(name.wildcard);
}

TAP_CASE(channel_name_refuses_a_wildcard_to_publish_to)
{
    refuses(channel_name_parse, "/a/*");
    refuses(channel_name_parse, "/*");
    refuses(channel_name_parse, "*");
    refuses(channel_name_parse, "/a*");
}

TAP_CASE(channel_name_pattern_may_end_in_a_star)
{
    takes(channel_name_parse_pattern, "/default/*", "/default/*");
    takes(channel_name_parse_pattern, "default/*", "/default/*");
    takes(channel_name_parse_pattern, "/a/b/c/d/*", "/a/b/c/d/*");
    takes(channel_name_parse_pattern, "/a/b/c/d/e/*", "/a/b/c/d/e/*");
    takes(channel_name_parse_pattern, "default/room/", "/default/room");
}

TAP_CASE(channel_name_pattern_refuses_a_star_elsewhere)
{
    refuses(channel_name_parse_pattern, "/*");
    refuses(channel_name_parse_pattern, "*");
    refuses(channel_name_parse_pattern, "//*");
    refuses(channel_name_parse_pattern, "/a/**");
    refuses(channel_name_parse_pattern, "/a/*/");
    refuses(channel_name_parse_pattern, "/a/*/b");
    refuses(channel_name_parse_pattern, "/a/*/*");
    refuses(channel_name_parse_pattern, "/a//*");
    refuses(channel_name_parse_pattern, "/a/b*");
    refuses(channel_name_parse_pattern, "/*/a");
    refuses(channel_name_parse_pattern, "/a/b/c/d/e/f/*");
}

TAP_CASE(channel_name_grant_may_be_the_star_alone)
{
    struct channel_name grant;

    takes(channel_name_parse_grant, "/*", "/*");
    takes(channel_name_parse_grant, "*", "/*");
    takes(channel_name_parse_grant, "/a/*", "/a/*");
    takes(channel_name_parse_grant, "a/b", "/a/b");
    refuses(channel_name_parse_grant, "//*");
    refuses(channel_name_parse_grant, "**");
    refuses(channel_name_parse_grant, "/*/");
    refuses(channel_name_parse_grant, "");

    tap_equal(channel_name_parse_grant(bytes_text("*"), &grant), RC_OK);
    tap_equal(grant.namespace_len, 0);
    tap_check(grant.wildcard);
    tap_equal_text(channel_name_prefix(&grant), "/");
}

TAP_CASE(channel_name_prefix_is_the_text_without_the_star)
{
    struct channel_name name;

    tap_equal(channel_name_parse_pattern(bytes_text("a/b/*"), &name), RC_OK);
    tap_equal_text(channel_name_prefix(&name), "/a/b/");
    tap_equal(channel_name_parse_pattern(bytes_text("a/b"), &name), RC_OK);
    tap_equal_text(channel_name_prefix(&name), "/a/b");
}

static bool covers(const char *pattern, const char *text)
{
    struct channel_name grant;
    struct channel_name name;

    tap_equal(channel_name_parse_grant(bytes_text(pattern), &grant), RC_OK);
    tap_equal(channel_name_parse_grant(bytes_text(text), &name), RC_OK);
    return channel_name_covers(&grant, &name);
}

TAP_CASE(channel_name_wildcard_covers_every_depth_below_and_not_itself)
{
    tap_check(covers("/default/*", "/default/messages"));
    tap_check(covers("/default/*", "/default/a/b/c/d"));
    tap_check(!covers("/default/*", "/default"));
    tap_check(!covers("/default/*", "/defaults/a"));
    tap_check(!covers("/default/*", "/other/default/a"));
    tap_check(!covers("/default/*", "/Default/a"));
    tap_check(covers("/a/b/*", "/a/b/c"));
    tap_check(!covers("/a/b/*", "/a/bb/c"));
}

TAP_CASE(channel_name_exact_name_covers_itself_only)
{
    tap_check(covers("/a/b", "a/b/"));
    tap_check(!covers("/a/b", "/a/b/c"));
    tap_check(!covers("/a/b", "/a"));
    tap_check(!covers("/a/b", "/a/*"));
    tap_check(!covers("/a/b", "/a/b/*"));
}

TAP_CASE(channel_name_wildcard_covers_narrower_wildcards)
{
    tap_check(covers("/a/*", "/a/*"));
    tap_check(covers("/a/*", "/a/b/*"));
    tap_check(!covers("/a/b/*", "/a/*"));
    tap_check(!covers("/a/*", "/*"));
}

TAP_CASE(channel_name_star_alone_covers_everything)
{
    tap_check(covers("*", "/a"));
    tap_check(covers("/*", "/a/b/c/d/e"));
    tap_check(covers("/*", "/a/*"));
    tap_check(covers("/*", "/*"));
}

TAP_MAIN()
