/* Every function here checks the length before it moves a pointer, and keeps
 * away from memcmp() with the NULL that an empty view may hold. */
#include "base/bytes.h"

#include "base/check.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool bytes_equal_text(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_text(text));
}

bool bytes_equal_nocase(struct bytes a, const char *text)
{
    struct bytes b = bytes_text(text);

    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

bool bytes_starts_with(struct bytes a, struct bytes prefix)
{
    return a.len >= prefix.len &&
           bytes_equal(bytes_of(a.data, prefix.len), prefix);
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

struct bytes bytes_from(struct bytes all, size_t offset)
{
    check(offset <= all.len);
    if (offset == 0) {
        return all;
    }
    return bytes_of(all.data + offset, all.len - offset);
}

bool bytes_take(struct bytes *rest, size_t n, struct bytes *ret_head)
{
    if (n > rest->len) {
        return false;
    }
    *ret_head = bytes_of(rest->data, n);
    *rest = bytes_from(*rest, n);
    return true;
}

bool bytes_split(struct bytes *rest, char separator, struct bytes *ret_head)
{
    const uint8_t *end;

    if (rest->len == 0) {
        return false;
    }
    end = memchr(rest->data, separator, rest->len);
    if (end == NULL) {
        return bytes_take(rest, rest->len, ret_head);
    }
    bytes_take(rest, (size_t)(end - rest->data), ret_head);
    *rest = bytes_from(*rest, 1);
    return true;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct bytes bytes_trim(struct bytes all)
{
    while (all.len > 0 && is_blank(all.data[0])) {
        all = bytes_from(all, 1);
    }
    while (all.len > 0 && is_blank(all.data[all.len - 1])) {
        all.len--;
    }
    return all;
}

/* The first `size` bytes as a little-endian number. */
static bool take_number(struct bytes *rest, size_t size, uint64_t *ret)
{
    struct bytes head;
    uint64_t value = 0;

    if (!bytes_take(rest, size, &head)) {
        return false;
    }
    for (size_t i = size; i > 0; i--) {
        value = value << 8 | head.data[i - 1];
    }
    *ret = value;
    return true;
}

bool bytes_take_u8(struct bytes *rest, uint8_t *ret)
{
    uint64_t value;

    if (!take_number(rest, sizeof(*ret), &value)) {
        return false;
    }
    *ret = (uint8_t)value;
    return true;
}

bool bytes_take_u16(struct bytes *rest, uint16_t *ret)
{
    uint64_t value;

    if (!take_number(rest, sizeof(*ret), &value)) {
        return false;
    }
    *ret = (uint16_t)value;
    return true;
}

bool bytes_take_u32(struct bytes *rest, uint32_t *ret)
{
    uint64_t value;

    if (!take_number(rest, sizeof(*ret), &value)) {
        return false;
    }
    *ret = (uint32_t)value;
    return true;
}

bool bytes_take_u64(struct bytes *rest, uint64_t *ret)
{
    return take_number(rest, sizeof(*ret), ret);
}
