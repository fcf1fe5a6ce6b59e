/* Put together in memory, so that a line leaves in one write. */
#include "src/say.h"

#include "base/cleanup.h"
#include "base/visible.h"
#include "proto/json.h"

#include <stdarg.h>

#define SAY_LINE_BYTES_MAX 4096

void say_line(const char *who, const char *format, ...)
{
    CLEANUP(buffer_done) struct buffer out;
    char line[SAY_LINE_BYTES_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    buffer_init(&out, (strlen(who) + sizeof(line)) * VISIBLE_FACTOR);
    buffer_text(&out, who);
    buffer_text(&out, ": ");
    visible_text(bytes_text(line), &out);
    buffer_u8(&out, '\n');
    (void)fwrite(out.data, 1, out.len, stderr);
}

void say_text(FILE *to, struct bytes text)
{
    CLEANUP(buffer_done) struct buffer out;

    buffer_init(&out, text.len * VISIBLE_FACTOR + 1);
    visible_lines(text, &out);
    (void)fwrite(out.data, 1, out.len, to);
}

void say_json(FILE *to, struct bytes json)
{
    CLEANUP(buffer_done) struct buffer out;

    if (!json_valid(json)) {
        say_text(to, json);
        return;
    }
    buffer_init(&out, json.len * VISIBLE_FACTOR + 1);
    visible_json(json, &out);
    (void)fwrite(out.data, 1, out.len, to);
}
