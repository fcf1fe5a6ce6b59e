/* One of four words, each with its own kind of value. */
#include "proto/replay_request.h"

#include "base/text.h"
#include "proto/cursor.h"

static const struct {
    const char *name;
    enum replay_kind kind;
    uint64_t count_max;
} words[] = {
    {"after", REPLAY_AFTER, 0},
    {"last", REPLAY_LAST, REPLAY_LAST_MAX},
    {"seconds", REPLAY_SECONDS, REPLAY_SECONDS_MAX},
    {"all", REPLAY_ALL, 0},
};

#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

static enum problem take_cursor(struct bytes text, struct replay_request *ret)
{
    return cursor_parse(text, &ret->after) == 0 ? PROBLEM_NONE
                                                : PROBLEM_CURSOR_MALFORMED;
}

static enum problem take_count(struct bytes text,
                               uint64_t count_max,
                               struct replay_request *ret)
{
    return text_decimal(text, &ret->count) && ret->count <= count_max
               ? PROBLEM_NONE
               : PROBLEM_REPLAY_MALFORMED;
}

static enum problem take_json(size_t word,
                              struct json_token value,
                              struct buffer *scratch,
                              struct replay_request *ret)
{
    ret->kind = words[word].kind;
    switch (ret->kind) {
    case REPLAY_AFTER:
        return value.type == JSON_STRING
                   ? take_cursor(json_text(value, scratch), ret)
                   : PROBLEM_REPLAY_MALFORMED;
    case REPLAY_LAST:
    case REPLAY_SECONDS:
        return value.type == JSON_NUMBER
                   ? take_count(value.raw, words[word].count_max, ret)
                   : PROBLEM_REPLAY_MALFORMED;
    case REPLAY_ALL:
        return value.type == JSON_TRUE ? PROBLEM_NONE
                                       : PROBLEM_REPLAY_MALFORMED;
    case REPLAY_NONE:
        break;
    }
    return PROBLEM_REPLAY_MALFORMED;
}

static size_t find_word(struct json_token name)
{
    size_t word = 0;

    while (word < WORD_COUNT && !json_equal_text(name, words[word].name)) {
        word++;
    }
    return word;
}

enum problem replay_request_read(struct json *reader,
                                 struct json_token first,
                                 struct buffer *scratch,
                                 struct replay_request *ret)
{
    enum problem problem = PROBLEM_NONE;
    struct json_token name;

    *ret = (struct replay_request){.kind = REPLAY_NONE};
    if (first.type != JSON_OBJECT_BEGIN) {
        (void)json_skip(reader, first);
        return PROBLEM_REPLAY_MALFORMED;
    }
    while ((name = json_next(reader)).type == JSON_STRING) {
        size_t word = find_word(name);
        struct json_token value = json_next(reader);

        /* An unknown member is a misspelt one: all would be sent, or none. */
        if (word == WORD_COUNT || ret->kind != REPLAY_NONE) {
            problem = PROBLEM_REPLAY_MALFORMED;
        } else if (problem == PROBLEM_NONE) {
            problem = take_json(word, value, scratch, ret);
        }
        (void)json_skip(reader, value);
    }
    return problem == PROBLEM_NONE && ret->kind == REPLAY_NONE
               ? PROBLEM_REPLAY_MALFORMED
               : problem;
}

bool replay_request_take(struct bytes name,
                         struct bytes value,
                         struct replay_request *ret,
                         enum problem *ret_problem)
{
    size_t word = 0;

    while (word < WORD_COUNT && !bytes_equal_text(name, words[word].name)) {
        word++;
    }
    if (word == WORD_COUNT) {
        return false;
    }
    if (ret->kind != REPLAY_NONE) {
        *ret_problem = PROBLEM_REPLAY_MALFORMED;
        return true;
    }
    ret->kind = words[word].kind;
    if (ret->kind == REPLAY_AFTER) {
        *ret_problem = take_cursor(value, ret);
    } else if (ret->kind == REPLAY_ALL) {
        *ret_problem = bytes_equal_text(value, "true")
                           ? PROBLEM_NONE
                           : PROBLEM_REPLAY_MALFORMED;
    } else {
        *ret_problem = take_count(value, words[word].count_max, ret);
    }
    return true;
}
