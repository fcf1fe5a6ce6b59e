/* src/pub_batch: which requests wait, and what an answer means for their
 * events. */
#include "src/pub_batch.h"

#include "tests/lib/tap.h"

static struct why why;

static struct server_msg successful(size_t count)
{
    struct server_msg msg = {.successful_count = count};

    for (size_t i = 0; i < count; i++) {
        msg.successful[i].index = i;
        msg.successful[i].identifier = bytes_text(i == 0 ? "first" : "other");
    }
    return msg;
}

static int judge(uint64_t first, size_t count, const struct server_msg *msg)
{
    struct pub_batch batch = {.first = first, .count = count, .bytes = 10};

    why.text[0] = '\0';
    return pub_batch_judge(batch, msg, &why);
}

static void says(const char *sentence)
{
    tap_equal_text(bytes_text(why.text), sentence);
}

TAP_CASE(pub_batch_answers_come_in_the_order_of_requests)
{
    struct pub_batches b = {0};

    tap_check(pub_batch_none(&b));
    pub_batch_add(&b, 1, 5, 100);
    pub_batch_add(&b, 6, 2, 50);

    tap_equal(pub_batch_first(&b), 1);
    tap_equal(pub_batch_take(&b).first, 1);
    tap_equal(pub_batch_first(&b), 6);
    tap_check(!pub_batch_none(&b));
    tap_equal(pub_batch_take(&b).first, 6);
    tap_check(pub_batch_none(&b));
    tap_equal(b.bytes, 0);
}

TAP_CASE(pub_batch_is_full_at_its_number_of_requests)
{
    struct pub_batches b = {0};

    for (uint64_t i = 0; i < PUB_BATCH_WAITING_MAX; i++) {
        tap_check(!pub_batch_full(&b));
        pub_batch_add(&b, i + 1, 1, 1);
    }
    tap_check(pub_batch_full(&b));
    (void)pub_batch_take(&b);
    tap_check(!pub_batch_full(&b));
    pub_batch_add(&b, 17, 1, 1);
    tap_equal(pub_batch_take(&b).first, 2);
}

TAP_CASE(pub_batch_is_full_at_its_number_of_bytes)
{
    struct pub_batches b = {0};

    pub_batch_add(&b, 1, 1, PUB_BATCH_BYTES_MAX - 1);
    tap_check(!pub_batch_full(&b));
    pub_batch_add(&b, 2, 1, 1);
    tap_check(pub_batch_full(&b));
    (void)pub_batch_take(&b);
    tap_check(!pub_batch_full(&b));
}

TAP_CASE(pub_batch_is_content_when_every_event_was_taken)
{
    struct server_msg msg = successful(3);

    tap_equal(judge(1, 3, &msg), RC_OK);
}

TAP_CASE(pub_batch_names_the_events_of_a_refused_request)
{
    struct server_msg msg = {
        .error_count = 1,
        .error_type = BYTES_LITERAL("BadRequestException"),
        .error_message = BYTES_LITERAL("Invalid Channel Format"),
    };

    tap_equal(judge(6, 5, &msg), RC_DENIED);
    says("events 6 to 10 were refused: BadRequestException: "
         "Invalid Channel Format");

    tap_equal(judge(6, 1, &msg), RC_DENIED);
    says("event 6 was refused: BadRequestException: Invalid Channel Format");
}

TAP_CASE(pub_batch_says_a_refusal_without_a_message)
{
    struct server_msg msg = {
        .error_count = 1,
        .error_type = BYTES_LITERAL("UnauthorizedException"),
    };

    tap_equal(judge(1, 1, &msg), RC_DENIED);
    says("event 1 was refused: UnauthorizedException");
}

TAP_CASE(pub_batch_names_the_one_event_that_failed)
{
    struct server_msg msg = successful(1);

    msg.failed_count = 1;
    msg.failed[0].index = 1;
    msg.failed[0].code = bytes_text("EventTooLargeException");
    msg.failed[0].message = bytes_text("too large");

    tap_equal(judge(11, 2, &msg), RC_TOO_LARGE);
    says("event 12 was refused: EventTooLargeException: too large");
}

TAP_CASE(pub_batch_does_not_believe_an_answer_that_is_not_whole)
{
    struct server_msg msg = successful(2);

    tap_equal(judge(1, 3, &msg), RC_MALFORMED);
    tap_check(strstr(why.text, "event 1") != NULL);
    tap_equal(judge(1, 1, &msg), RC_MALFORMED);
}

TAP_CASE(pub_batch_prints_identifiers_in_the_order_of_events)
{
    struct server_msg msg = successful(2);
    struct buffer out;

    msg.successful[0].index = 4;
    msg.successful[1].index = 2;
    buffer_init(&out, 1024);
    pub_batch_identifiers(&msg, &out);

    tap_equal_text(buffer_view(&out), "other\nfirst\n");
    buffer_done(&out);
}

TAP_MAIN()
