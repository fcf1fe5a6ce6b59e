/* The console's files by their paths. */
#include "src/bridge/console.h"

#include "proto/http_reply.h"

struct file {
    const char *path;
    const char *content_type;
    const uint8_t *data;
    size_t len;
};

#include "src/bridge/console_files.inc" /* files[] */

bool console_find(struct bytes path,
                  const char **ret_content_type,
                  struct bytes *ret_body)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (bytes_equal_text(path, files[i].path)) {
            *ret_content_type = files[i].content_type;
            *ret_body = bytes_of(files[i].data, files[i].len);
            return true;
        }
    }
    return false;
}

void console_fields(struct buffer *out)
{
    /* It may connect to any node, which the user names. */
    http_reply_field(out,
                     "content-security-policy",
                     bytes_text("default-src 'none'; script-src 'self'; "
                                "style-src 'self'; img-src data:; "
                                "connect-src 'self' http: https: ws: wss:; "
                                "base-uri 'none'; form-action 'none'; "
                                "frame-ancestors 'none'"));
    http_reply_field(out, "x-content-type-options", bytes_text("nosniff"));
    http_reply_field(out, "referrer-policy", bytes_text("no-referrer"));
    http_reply_field(
        out, "cross-origin-opener-policy", bytes_text("same-origin"));
    http_reply_field(
        out, "cross-origin-resource-policy", bytes_text("same-origin"));
}
