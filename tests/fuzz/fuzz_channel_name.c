/* Any text as a channel, a pattern and a grant: each kind includes the one
 * before, the canonical form reads as itself, and a pattern covers itself. */
#include "base/check.h"
#include "base/rc.h"
#include "proto/channel_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

typedef int parser(struct bytes text, struct channel_name *ret);

static bool parses(parser *parse, struct bytes text)
{
    struct channel_name star;
    struct channel_name name;
    struct channel_name again;

    if (parse(text, &name) != RC_OK) {
        return false;
    }
    check(name.len <= CHANNEL_NAME_BYTES_MAX);
    check(name.text[0] == '/');
    check(name.wildcard == (name.text[name.len - 1] == '*'));
    check(parse(channel_name_view(&name), &again) == RC_OK);
    check(bytes_equal(channel_name_view(&name), channel_name_view(&again)));
    check(name.namespace_len == again.namespace_len);
    check(channel_name_covers(&name, &again));
    check(channel_name_parse_grant(bytes_text("*"), &star) == RC_OK);
    check(channel_name_covers(&star, &name));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes text = bytes_of(data, len);
    bool channel = parses(channel_name_parse, text);
    bool pattern = parses(channel_name_parse_pattern, text);
    bool grant = parses(channel_name_parse_grant, text);

    check(pattern || !channel);
    check(grant || !pattern);
    return 0;
}
