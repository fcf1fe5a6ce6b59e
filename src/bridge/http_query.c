/* Parameter by parameter. */
#include "src/bridge/http_query.h"

#include "base/rc.h"
#include "proto/query.h"
#include "src/bridge/shard_state.h"

enum problem http_query_read(struct client *client,
                             struct replay_request *begin,
                             enum problem (*take)(void *context,
                                                  struct bytes name,
                                                  struct bytes value),
                             void *context)
{
    struct buffer *text = &client->shard->text;
    struct bytes rest = http_request_query(client->request);
    struct bytes name;
    struct bytes value;
    int rc;

    buffer_clear(text);
    /* Room for all of it at once: what is in it already does not move. */
    if (rest.len > 0 && buffer_reserve(text, rest.len) == NULL) {
        return PROBLEM_QUERY_MALFORMED;
    }
    while ((rc = query_next(&rest, text, &name, &value)) == 0) {
        enum problem problem = PROBLEM_NONE;

        if (!replay_request_take(name, value, begin, &problem)) {
            problem = take(context, name, value);
        }
        if (problem != PROBLEM_NONE) {
            return problem;
        }
    }
    return rc == RC_NOT_FOUND ? PROBLEM_NONE : PROBLEM_QUERY_MALFORMED;
}
