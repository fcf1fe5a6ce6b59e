/* What it costs to know that an event's text is one JSON value: proto/json
 * beside json-c, a general library that builds a tree. A line for each text;
 * alternates between the two sides, because a processor's speed drifts. */
#include "proto/json.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Both sides have a type of this name. */
#define json_type json_c_type
#include <json-c/json.h>
#undef json_type

#define ROUNDS 7
#define ROUND_SECONDS 0.2
#define TEXT_BYTES_MAX 65536

static struct json_tokener *tokener;

static double now_s(void)
{
    struct timespec now;

    check(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool with_weir(struct bytes text)
{
    return json_valid(text);
}

static bool with_json_c(struct bytes text)
{
    struct json_object *tree;

    json_tokener_reset(tokener);
    tree =
        json_tokener_parse_ex(tokener, (const char *)text.data, (int)text.len);
    if (json_tokener_get_error(tokener) != json_tokener_success) {
        return false;
    }
    json_object_put(tree);
    return true;
}

/* Nanoseconds for one text, over a round. */
static double round_ns(bool (*valid)(struct bytes), struct bytes text)
{
    double begin = now_s();
    double end;
    uint64_t count = 0;

    do {
        for (int i = 0; i < 100; i++) {
            check(valid(text));
        }
        count += 100;
        end = now_s();
    } while (end - begin < ROUND_SECONDS);
    return (end - begin) * 1e9 / (double)count;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static void measure(const char *what, struct bytes text)
{
    double weir[ROUNDS];
    double json_c[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++) {
        weir[i] = round_ns(with_weir, text);
        json_c[i] = round_ns(with_json_c, text);
    }
    qsort(weir, ROUNDS, sizeof(weir[0]), compare);
    qsort(json_c, ROUNDS, sizeof(json_c[0]), compare);
    printf("%-36s %6zu bytes  weir %9.0f ns  json-c %9.0f ns  ratio %.3f\n",
           what,
           text.len,
           weir[ROUNDS / 2],
           json_c[ROUNDS / 2],
           weir[ROUNDS / 2] / json_c[ROUNDS / 2]);
}

/* `begin`, `middle` until there are `len` bytes, and `end`. */
static struct bytes text_of(const char *begin,
                            const char *middle,
                            const char *end,
                            size_t len)
{
    struct buffer out;

    buffer_init(&out, TEXT_BYTES_MAX);
    buffer_append(&out, bytes_text(begin));
    while (out.len + strlen(end) < len) {
        buffer_append(&out, bytes_text(middle));
    }
    buffer_append(&out, bytes_text(end));
    check(!out.overflowed);
    return buffer_view(&out);
}

int main(void)
{
    tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    check(tokener != NULL);
    json_tokener_set_flags(tokener,
                           JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    measure("an event as weir bench sends it",
            text_of("{\"weir\":\"000000010000000000ab18a1b2c3d4e5f600\","
                    "\"pad\":\"",
                    "x",
                    "\"}",
                    128));
    measure("an event with a few members",
            bytes_text("{\"room\":\"42\",\"from\":{\"id\":7,\"name\":\"Ann\"},"
                       "\"text\":\"Good morning, all of you\","
                       "\"tags\":[\"a\",\"b\"],\"at\":1764000000.5,"
                       "\"edited\":false,\"reply\":null}"));
    measure(
        "many small members",
        text_of(
            "[{\"n\":0}", ",{\"n\":1,\"on\":true,\"to\":\"abc\"}", "]", 4096));
    measure("one long string",
            text_of("\"", "The quick brown fox. ", "\"", 16384));
    json_tokener_free(tokener);
    return 0;
}
