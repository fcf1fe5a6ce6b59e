/* A name is judged in place and copied only once it is known to be good: the
 * canonical form is the text between the optional slashes with one in front. */
#include "proto/channel_name.h"

#include "base/check.h"
#include "base/rc.h"

static bool is_alphanumeric(uint8_t byte)
{
    uint8_t letter = byte | 0x20;

    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9');
}

static bool is_segment(struct bytes segment)
{
    if (segment.len == 0 || segment.len > CHANNEL_NAME_SEGMENT_BYTES_MAX ||
        segment.data[0] == '-' || segment.data[segment.len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < segment.len; i++) {
        if (!is_alphanumeric(segment.data[i]) && segment.data[i] != '-') {
            return false;
        }
    }
    return true;
}

/* Whether `path` is 1 to 5 good segments with single slashes between them. */
static bool is_path(struct bytes path, size_t *ret_namespace_len)
{
    struct bytes segment;
    size_t count = 0;

    if (path.len == 0 || path.data[path.len - 1] == '/') {
        return false;
    }
    while (bytes_split(&path, '/', &segment)) {
        if (count == CHANNEL_NAME_SEGMENTS_MAX || !is_segment(segment)) {
            return false;
        }
        if (count == 0) {
            *ret_namespace_len = segment.len;
        }
        count++;
    }
    return true;
}

static void fill(struct channel_name *name,
                 struct bytes path,
                 size_t namespace_len,
                 bool wildcard)
{
    size_t len = 1 + path.len;

    check(len + 2 <= CHANNEL_NAME_BYTES_MAX);
    name->text[0] = '/';
    if (path.len > 0) {
        memcpy(name->text + 1, path.data, path.len);
    }
    if (wildcard) {
        if (path.len > 0) {
            name->text[len++] = '/';
        }
        name->text[len++] = '*';
    }
    name->len = (uint16_t)len;
    name->namespace_len = (uint8_t)namespace_len;
    name->wildcard = wildcard;
}

/* Drop the byte `edge` at the front of `text`, if it is there. */
static void drop_front(struct bytes *text, uint8_t edge)
{
    if (text->len > 0 && text->data[0] == edge) {
        *text = bytes_from(*text, 1);
    }
}

/* Drop the bytes of `tail` at the end of `text`; whether they were there. */
static bool drop_back(struct bytes *text, const char *tail)
{
    struct bytes end = bytes_text(tail);

    if (text->len < end.len ||
        !bytes_equal(bytes_from(*text, text->len - end.len), end)) {
        return false;
    }
    text->len -= end.len;
    return true;
}

static int parse(struct bytes path, bool wildcard, struct channel_name *ret)
{
    size_t namespace_len = 0;

    drop_front(&path, '/');
    if (!is_path(path, &namespace_len)) {
        return RC_MALFORMED;
    }
    fill(ret, path, namespace_len, wildcard);
    return RC_OK;
}

int channel_name_parse(struct bytes text, struct channel_name *ret)
{
    (void)drop_back(&text, "/");
    return parse(text, false, ret);
}

int channel_name_parse_pattern(struct bytes text, struct channel_name *ret)
{
    if (drop_back(&text, "/*")) {
        return parse(text, true, ret);
    }
    return channel_name_parse(text, ret);
}

int channel_name_parse_grant(struct bytes text, struct channel_name *ret)
{
    if (bytes_equal_text(text, "/*") || bytes_equal_text(text, "*")) {
        fill(ret, bytes_of(NULL, 0), 0, true);
        return RC_OK;
    }
    return channel_name_parse_pattern(text, ret);
}

struct bytes channel_name_view(const struct channel_name *name)
{
    return bytes_of(name->text, name->len);
}

struct bytes channel_name_namespace(const struct channel_name *name)
{
    return bytes_of(name->text + 1, name->namespace_len);
}

struct bytes channel_name_prefix(const struct channel_name *name)
{
    return bytes_of(name->text, name->len - (name->wildcard ? 1u : 0u));
}

bool channel_name_covers(const struct channel_name *pattern,
                         const struct channel_name *name)
{
    check(pattern->len > 1 && name->len > 1);
    if (pattern->wildcard) {
        return bytes_starts_with(channel_name_view(name),
                                 channel_name_prefix(pattern));
    }
    return bytes_equal(channel_name_view(name), channel_name_view(pattern));
}
