/* Mail arrives all, once, in order, and wakes its loop. */
#include "src/io/mailbox.h"

#include "tests/lib/tap.h"

#include <stdlib.h>

struct reader {
    uv_loop_t loop;
    struct mailbox mailbox;
    size_t wakes;
    size_t count;
    size_t expected; /* close the mailbox when so many have come */
    uintptr_t *seen;
};

static void on_mail(void *context)
{
    struct reader *r = context;
    const struct mail *mail;
    size_t count = mailbox_take(&r->mailbox, &mail);

    r->wakes++;
    for (size_t i = 0; i < count; i++) {
        tap_check(r->count < r->expected);
        tap_equal(mail[i].kind, MAIL_BATCH);
        r->seen[r->count++] = (uintptr_t)mail[i].content;
    }
    if (r->count == r->expected) {
        mailbox_close(&r->mailbox);
    }
}

static void reader_init(struct reader *r, size_t expected)
{
    *r = (struct reader){.expected = expected};
    r->seen = calloc(expected + 1, sizeof(r->seen[0]));
    tap_equal(uv_loop_init(&r->loop), 0);
    tap_equal(mailbox_init(&r->mailbox, &r->loop, on_mail, r), 0);
}

static void reader_done(struct reader *r)
{
    uv_run(&r->loop, UV_RUN_DEFAULT);
    mailbox_done(&r->mailbox);
    tap_equal(uv_loop_close(&r->loop), 0);
    free(r->seen);
}

static void post(struct reader *r, uintptr_t number)
{
    struct mail mail = {.kind = MAIL_BATCH};

    mail.content = (void *)number; /* never looked behind */
    mailbox_post(&r->mailbox, &mail, 1);
}

TAP_CASE(a_letter_wakes_the_loop_and_is_taken)
{
    struct reader r;

    reader_init(&r, 1);
    post(&r, 7);
    uv_run(&r.loop, UV_RUN_DEFAULT);

    tap_equal(r.count, 1);
    tap_equal(r.seen[0], 7);
    reader_done(&r);
}

TAP_CASE(letters_that_wait_are_taken_at_once_in_their_order)
{
    enum { COUNT = 1000 };
    struct reader r;

    reader_init(&r, COUNT);
    for (uintptr_t i = 0; i < COUNT; i++) {
        post(&r, i);
    }
    uv_run(&r.loop, UV_RUN_DEFAULT);

    tap_equal(r.wakes, 1);
    for (uintptr_t i = 0; i < COUNT; i++) {
        tap_equal(r.seen[i], i);
    }
    reader_done(&r);
}

TAP_CASE(several_letters_can_be_posted_together)
{
    struct mail letters[5];
    struct reader r;

    reader_init(&r, 5);
    for (uintptr_t i = 0; i < 5; i++) {
        letters[i] = (struct mail){.kind = MAIL_BATCH, .content = (void *)i};
    }
    mailbox_post(&r.mailbox, letters, 2);
    mailbox_post(&r.mailbox, letters + 2, 3);
    uv_run(&r.loop, UV_RUN_DEFAULT);

    for (uintptr_t i = 0; i < 5; i++) {
        tap_equal(r.seen[i], i);
    }
    reader_done(&r);
}

TAP_CASE(posting_nothing_wakes_nobody)
{
    struct reader r;

    reader_init(&r, 1);
    mailbox_post(&r.mailbox, NULL, 0);
    uv_run(&r.loop, UV_RUN_NOWAIT);
    tap_equal(r.wakes, 0);
    post(&r, 1);
    reader_done(&r);
}

TAP_CASE(an_empty_mailbox_gives_nothing)
{
    const struct mail *mail;
    struct reader r;

    reader_init(&r, 1);
    tap_equal(mailbox_take(&r.mailbox, &mail), 0);
    post(&r, 1);
    tap_equal(mailbox_take(&r.mailbox, &mail), 1);
    tap_equal((uintptr_t)mail[0].content, 1);
    tap_equal(mailbox_take(&r.mailbox, &mail), 0);
    mailbox_close(&r.mailbox);
    reader_done(&r);
}

TAP_CASE(a_letter_posted_by_the_one_who_takes_wakes_again)
{
    struct reader r;
    const struct mail *mail;

    reader_init(&r, 1);
    post(&r, 1);
    tap_equal(mailbox_take(&r.mailbox, &mail), 1);
    post(&r, 2);
    tap_equal((uintptr_t)mail[0].content, 1); /* still valid */
    uv_run(&r.loop, UV_RUN_DEFAULT);
    tap_equal(r.seen[0], 2);
    reader_done(&r);
}

TAP_CASE(mail_that_is_left_when_the_loop_has_ended_can_still_be_taken)
{
    const struct mail *mail;
    struct reader r;

    reader_init(&r, 1);
    mailbox_close(&r.mailbox);
    uv_run(&r.loop, UV_RUN_DEFAULT);
    post(&r, 9);
    tap_equal(mailbox_take(&r.mailbox, &mail), 1);
    tap_equal((uintptr_t)mail[0].content, 9);
    reader_done(&r);
}

enum { WRITERS = 4, LETTERS = 5000 };

struct writer {
    struct reader *reader;
    uintptr_t number;
};

static void *write_letters(void *argument)
{
    struct writer *w = argument;

    for (uintptr_t i = 0; i < LETTERS; i++) {
        post(w->reader, w->number * LETTERS + i);
    }
    return NULL;
}

TAP_CASE(letters_of_many_threads_all_arrive_those_of_each_in_order)
{
    pthread_t threads[WRITERS];
    struct writer writers[WRITERS];
    uintptr_t next[WRITERS] = {0};
    struct reader r;

    reader_init(&r, (size_t)WRITERS * LETTERS);
    for (uintptr_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.reader = &r, .number = i};
        tap_equal(pthread_create(&threads[i], NULL, write_letters, &writers[i]),
                  0);
    }
    uv_run(&r.loop, UV_RUN_DEFAULT);
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
    }

    tap_equal(r.count, WRITERS * LETTERS);
    for (size_t i = 0; i < r.count; i++) {
        uintptr_t writer = r.seen[i] / LETTERS;

        tap_equal(r.seen[i] % LETTERS, next[writer]);
        next[writer]++;
    }
    reader_done(&r);
}

TAP_CASE(the_room_of_a_flood_is_given_back)
{
    struct reader r;
    const struct mail *mail;

    reader_init(&r, 1);
    for (uintptr_t i = 1; i <= 20000; i++) {
        post(&r, i);
    }
    tap_equal(mailbox_take(&r.mailbox, &mail), 20000);
    tap_check(r.mailbox.taken_capacity >= 20000);
    for (int i = 0; i < 2; i++) {
        post(&r, 1);
        tap_equal(mailbox_take(&r.mailbox, &mail), 1);
    }
    tap_check(r.mailbox.taken_capacity < 5000);
    tap_check(r.mailbox.waiting_capacity < 5000);
    post(&r, 1);
    reader_done(&r);
}

TAP_MAIN()
