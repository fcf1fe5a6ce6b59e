/* Any text: valid exactly when its tokens end well, skipping agrees with
 * reading, and every string survives being escaped and unescaped. */
#include "base/check.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What a string stands for, escaped and unescaped again; a string that had no
 * escapes is its own escaped form. */
static void check_string(struct json_token string)
{
    struct buffer plain;
    struct buffer escaped;
    struct buffer again;

    buffer_init(&plain, string.raw.len);
    buffer_init(&escaped, string.raw.len);
    buffer_init(&again, string.raw.len);
    json_unescape(string, &plain);
    json_escape(buffer_view(&plain), &escaped);
    check(string.escaped || bytes_equal(buffer_view(&escaped), string.raw));
    string.raw = buffer_view(&escaped);
    json_unescape(string, &again);
    check(!plain.overflowed && !escaped.overflowed && !again.overflowed);
    check(bytes_equal(buffer_view(&plain), buffer_view(&again)));
    buffer_done(&plain);
    buffer_done(&escaped);
    buffer_done(&again);
}

static bool walk(struct bytes text)
{
    struct json_token token;
    struct json j;

    json_init(&j, text);
    do {
        token = json_next(&j);
        check(j.offset <= text.len);
        if (token.type == JSON_STRING) {
            check_string(token);
        }
    } while (token.type != JSON_INVALID && token.type != JSON_END);
    return token.type == JSON_END;
}

static bool skip(struct bytes text)
{
    struct json j;

    json_init(&j, text);
    return json_skip(&j, json_next(&j)) && json_next(&j).type == JSON_END;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes text = bytes_of(data, len);
    bool valid = json_valid(text);

    check(walk(text) == valid);
    check(skip(text) == valid);
    return 0;
}
