/* The table is whole, and the rows that AppSync Events' clients look for read
 * as they expect. */
#include "proto/problem.h"
#include "tests/lib/tap.h"

static void both(enum problem problem,
                 int status,
                 const char *name,
                 const char *message)
{
    tap_equal(problem_status(problem), status);
    tap_equal_text(bytes_text(problem_name_http(problem)), name);
    tap_equal_text(bytes_text(problem_name_ws(problem)), name);
    tap_equal_text(bytes_text(problem_message_http(problem)), message);
    tap_equal_text(bytes_text(problem_message_ws(problem)), message);
}

TAP_CASE(problem_has_a_name_and_an_error_status_in_every_row)
{
    for (int i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++) {
        enum problem problem = (enum problem)i;

        tap_check(problem_name_http(problem)[0] != '\0');
        tap_check(problem_name_ws(problem)[0] != '\0');
        tap_check(problem_status(problem) >= 400);
        tap_check(problem_status(problem) < 600);
    }
}

TAP_CASE(problem_has_a_message_except_where_the_real_service_has_none)
{
    for (int i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++) {
        enum problem problem = (enum problem)i;
        bool silent = problem == PROBLEM_NAMESPACE_UNKNOWN ||
                      problem == PROBLEM_FORBIDDEN;

        tap_equal(problem_message_http(problem)[0] == '\0', silent);
        tap_equal(problem_message_ws(problem)[0] == '\0', silent);
    }
}

TAP_CASE(problem_none_is_a_success_without_a_name)
{
    both(PROBLEM_NONE, 200, "", "");
}

TAP_CASE(problem_names_what_is_not_authorized)
{
    both(PROBLEM_UNAUTHORIZED,
         401,
         "UnauthorizedException",
         "You are not authorized to make this call.");
    both(PROBLEM_NAMESPACE_UNKNOWN, 401, "UnauthorizedException", "");
    both(PROBLEM_FORBIDDEN, 403, "UnauthorizedException", "");
}

TAP_CASE(problem_has_two_names_for_too_many_events)
{
    enum problem problem = PROBLEM_EVENTS_TOO_MANY;

    tap_equal(problem_status(problem), 400);
    tap_equal_text(bytes_text(problem_name_http(problem)),
                   "BadRequestException");
    tap_equal_text(bytes_text(problem_message_http(problem)),
                   "Input exceeded 5 event limit");
    tap_equal_text(bytes_text(problem_name_ws(problem)), "InvalidInputError");
    tap_equal_text(bytes_text(problem_message_ws(problem)),
                   "input exceeded 5 event limit");
}

TAP_CASE(problem_keeps_the_sentences_that_clients_know)
{
    both(PROBLEM_EVENT_TOO_LARGE,
         400,
         "EventTooLargeException",
         "Transformed event is larger than 240KB");
    both(PROBLEM_CHANNEL_MALFORMED,
         400,
         "BadRequestException",
         "Invalid Channel Format");
    both(PROBLEM_TYPE_UNKNOWN,
         400,
         "UnsupportedOperation",
         "Operation not supported through the realtime channel");
}

static void named(enum problem problem, int status, const char *name)
{
    both(problem, status, name, problem_message_http(problem));
}

TAP_CASE(problem_names_what_is_wrong_with_subscriptions)
{
    named(PROBLEM_SUBSCRIPTION_EXISTS, 400, "DuplicatedOperationError");
    named(PROBLEM_SUBSCRIPTION_UNKNOWN, 400, "UnknownOperationError");
    named(PROBLEM_SUBSCRIPTIONS_TOO_MANY, 400, "MaxSubscriptionsReachedError");
    named(PROBLEM_SUBPROTOCOL, 400, "SubProtocolNotSupportedError");
}

TAP_CASE(problem_names_what_is_wrong_with_the_server)
{
    named(PROBLEM_BUSY, 429, "LimitExceededError");
    named(PROBLEM_STORAGE, 500, "InternalFailure");
}

TAP_CASE(problem_calls_all_else_a_bad_request)
{
    named(PROBLEM_MESSAGE_NOT_JSON, 400, "BadRequestException");
    named(PROBLEM_MESSAGE_MALFORMED, 400, "BadRequestException");
    named(PROBLEM_ID_MALFORMED, 400, "BadRequestException");
    named(PROBLEM_EVENTS_NONE, 400, "BadRequestException");
    named(PROBLEM_EVENT_NOT_STRING, 400, "BadRequestException");
    named(PROBLEM_EVENT_NOT_JSON, 400, "BadRequestException");
    named(PROBLEM_BINARY, 400, "BadRequestException");
    named(PROBLEM_BODY_TOO_LARGE, 413, "BadRequestException");
    named(PROBLEM_METHOD, 405, "BadRequestException");
    named(PROBLEM_ROUTE_UNKNOWN, 404, "NotFoundException");
}

TAP_MAIN()
