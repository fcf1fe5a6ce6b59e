/* Decoding what browsers encode. */
#include "proto/query.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode(struct bytes text, uint8_t *out, size_t *ret_len)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (c == '%') {
            int high = text.len - i > 2 ? hex_digit(text.data[i + 1]) : -1;
            int low = text.len - i > 2 ? hex_digit(text.data[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return RC_MALFORMED;
            }
            c = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        out[len++] = c;
    }
    *ret_len = len;
    return 0;
}

int query_next(struct bytes *rest,
               struct buffer *out,
               struct bytes *ret_name,
               struct bytes *ret_value)
{
    struct bytes parameter = {0};
    struct bytes name = {0};
    uint8_t *at;
    size_t name_len;
    size_t value_len;

    while (parameter.len == 0) {
        if (!bytes_split(rest, '&', &parameter)) {
            return RC_NOT_FOUND;
        }
    }
    at = buffer_reserve(out, parameter.len);
    if (at == NULL) {
        return RC_TOO_LARGE;
    }
    (void)bytes_split(&parameter, '=', &name);
    if (decode(name, at, &name_len) != 0 ||
        decode(parameter, at + name_len, &value_len) != 0) {
        return RC_MALFORMED;
    }
    *ret_name = bytes_of(at, name_len);
    *ret_value = bytes_of(at + name_len, value_len);
    buffer_advance(out, name_len + value_len);
    return 0;
}
