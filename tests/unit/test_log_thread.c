/* What is published becomes durable in its order and comes back to every
 * shard, whatever the log says to it. */
#include "src/io/log_thread.h"

#include "src/io/logger.h"
#include "tests/lib/fault_io.h"
#include "tests/lib/log_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>

#define SHARDS 2

struct node {
    struct log *log;
    struct log_thread *thread;
    struct intake intake;
    struct metrics metrics;
    uv_loop_t loop;
    struct mailbox mailboxes[SHARDS];
    struct mailbox *list[SHARDS];
};

static void on_mail(void *context)
{
    (void)context; /* the cases take the mail themselves */
}

static void node_init(struct node *n, const char *dir, uint64_t age_max_ms)
{
    struct log_thread_options options = {.intake = &n->intake,
                                         .shard_count = SHARDS,
                                         .metrics = &n->metrics,
                                         .age_max_ms = age_max_ms,
                                         .quorum_timeout_ms = 60000};

    memset(n, 0, sizeof(*n));
    n->intake.bytes_max = SIZE_MAX;
    n->log = fixture_open(dir);
    options.log = n->log;
    tap_equal(uv_loop_init(&n->loop), 0);
    for (int i = 0; i < SHARDS; i++) {
        tap_equal(mailbox_init(&n->mailboxes[i], &n->loop, on_mail, n), 0);
        n->list[i] = &n->mailboxes[i];
    }
    n->thread = log_thread_new(&options);
}

static void node_start(struct node *n)
{
    log_thread_start(n->thread, n->list);
}

static void node_stop(struct node *n)
{
    log_thread_stop(n->thread);
    n->thread = NULL;
}

static void node_done(struct node *n)
{
    node_stop(n);
    for (int i = 0; i < SHARDS; i++) {
        const struct mail *mail;
        size_t count = mailbox_take(&n->mailboxes[i], &mail);

        for (size_t letter = 0; letter < count; letter++) {
            batch_unref(mail[letter].content);
        }
        mailbox_close(&n->mailboxes[i]);
    }
    uv_run(&n->loop, UV_RUN_DEFAULT);
    for (int i = 0; i < SHARDS; i++) {
        mailbox_done(&n->mailboxes[i]);
    }
    tap_equal(uv_loop_close(&n->loop), 0);
    log_close(n->log);
    tap_equal(atomic_load(&n->intake.bytes), 0);
}

/* A charged publish of `count` events whose content is `len` bytes; its
 * client_id is `number`. */
static struct publish *publish_of(struct node *n,
                                  uint64_t number,
                                  size_t count,
                                  size_t len)
{
    struct publish *p = publish_new(0, number, bytes_text("op"));
    char *content = alloc_raw(len);

    memset(content, '1', len);
    for (size_t i = 0; i < count; i++) {
        publish_add(p,
                    bytes_text("/default/a"),
                    bytes_of(content, len),
                    bytes_of(NULL, 0),
                    PROBLEM_NONE,
                    NULL);
    }
    free(content);
    tap_check(intake_charge(&n->intake, p->bytes));
    return p;
}

static void publish(struct node *n, struct publish *p)
{
    struct list publishes;

    list_init(&publishes);
    list_push_back(&publishes, &p->node);
    log_thread_publish(n->thread, &publishes);
    tap_check(list_empty(&publishes));
}

static void sleep_ms(long ms)
{
    struct timespec t = {.tv_sec = 0, .tv_nsec = ms * 1000000};

    (void)nanosleep(&t, NULL);
}

/* The next letters of a shard, waited for up to ten seconds. */
static size_t take(struct node *n, int shard, const struct mail **ret)
{
    for (int i = 0; i < 10000; i++) {
        size_t count = mailbox_take(&n->mailboxes[shard], ret);

        if (count > 0) {
            return count;
        }
        sleep_ms(1);
    }
    tap_fail(__FILE__, __LINE__, "mail comes");
}

/* The only batch that waits for shard 0. */
static struct batch *take_one(struct node *n)
{
    const struct mail *mail;

    tap_equal(take(n, 0, &mail), 1);
    tap_equal(mail[0].kind, MAIL_BATCH);
    return mail[0].content;
}

static struct publish *answer_of(struct batch *batch)
{
    tap_check(!list_empty(&batch->answers[0]));
    return list_entry(batch->answers[0].next, struct publish, node);
}

TAP_CASE(a_publish_is_in_the_log_when_it_comes_back)
{
    struct node n;
    struct batch *batch;
    uint64_t origin;
    uint64_t sequence;

    node_init(&n, fixture_dir(), 0);
    node_start(&n);
    publish(&n, publish_of(&n, 1, 3, 10));
    batch = take_one(&n);

    tap_equal(batch->event_count, 3);
    tap_equal(fixture_stat(n.log).event_count, 3);
    tap_equal(batch->events[0]->place, fixture_stat(n.log).first_place);
    tap_equal(batch->events[2]->place, fixture_stat(n.log).last_place);
    tap_equal(answer_of(batch)->problem, PROBLEM_NONE);
    tap_check(event_from_uuid(
        answer_of(batch)->items[2].outcome.identifier, &origin, &sequence));
    tap_equal(origin, FIXTURE_ORIGIN);
    tap_equal(sequence, fixture_stat(n.log).last_sequence);
    batch_unref(batch);
    node_done(&n);
}

TAP_CASE(every_shard_gets_the_same_batch)
{
    struct node n;
    const struct mail *mail;
    struct batch *batch;

    node_init(&n, fixture_dir(), 0);
    node_start(&n);
    publish(&n, publish_of(&n, 1, 1, 10));
    batch = take_one(&n);
    tap_equal(take(&n, 1, &mail), 1);
    tap_check(mail[0].content == batch);
    batch_unref(batch);
    batch_unref(batch);
    node_done(&n);
}

TAP_CASE(what_waits_together_is_one_transaction)
{
    struct node n;
    struct batch *batch;

    node_init(&n, fixture_dir(), 0);
    for (uint64_t i = 0; i < 100; i++) {
        publish(&n, publish_of(&n, i, 2, 10));
    }
    node_start(&n);
    batch = take_one(&n);

    tap_equal(batch->event_count, 200);
    tap_equal(n.metrics.log_batch_events_count, 1);
    tap_equal(n.metrics.log_batch_events_sum, 200);
    tap_equal(n.metrics.events, 200);
    batch_unref(batch);
    node_done(&n);
}

TAP_CASE(publishes_keep_their_order)
{
    struct node n;
    struct batch *batch;
    uint64_t number = 0;

    node_init(&n, fixture_dir(), 0);
    for (uint64_t i = 0; i < 50; i++) {
        publish(&n, publish_of(&n, i, 1, 10 + i));
    }
    node_start(&n);
    batch = take_one(&n);

    list_each(node, &batch->answers[0])
    {
        tap_equal(list_entry(node, struct publish, node)->client_id, number);
        tap_equal(batch->events[number]->content.len, 10 + number);
        number++;
    }
    tap_equal(number, 50);
    batch_unref(batch);
    node_done(&n);
}

TAP_CASE(publishing_an_empty_list_does_nothing)
{
    struct node n;
    struct list none;

    node_init(&n, fixture_dir(), 0);
    node_start(&n);
    list_init(&none);
    log_thread_publish(n.thread, &none);
    node_stop(&n);
    tap_equal(n.metrics.log_batch_events_count, 0);
    node_done(&n);
}

static struct publish *keyed(struct node *n, const char *key)
{
    struct publish *p = publish_new(0, 1, bytes_text("op"));

    publish_add(p,
                bytes_text("/default/a"),
                bytes_text("1"),
                bytes_text(key),
                PROBLEM_NONE,
                NULL);
    tap_check(intake_charge(&n->intake, p->bytes));
    return p;
}

TAP_CASE(an_event_whose_key_the_log_has_is_answered_with_its_name)
{
    struct node n;
    struct batch *first;
    struct batch *second;

    node_init(&n, fixture_dir(), 0);
    node_start(&n);
    publish(&n, keyed(&n, "k"));
    first = take_one(&n);
    publish(&n, keyed(&n, "k"));
    second = take_one(&n);

    tap_equal(first->event_count, 1);
    tap_equal(second->event_count, 0);
    tap_equal(answer_of(second)->problem, PROBLEM_NONE);
    tap_equal(memcmp(answer_of(first)->items[0].outcome.identifier,
                     answer_of(second)->items[0].outcome.identifier,
                     16),
              0);
    tap_equal(fixture_stat(n.log).event_count, 1);
    tap_equal(n.metrics.events, 1);
    tap_equal(n.metrics.events_repeated, 1);
    batch_unref(first);
    batch_unref(second);
    node_done(&n);
}

TAP_CASE(a_publish_of_refused_events_comes_back_without_a_transaction)
{
    static const uint8_t identifier[16] = {1};
    struct publish *p = publish_new(0, 1, bytes_text("op"));
    struct node n;
    struct batch *batch;

    node_init(&n, fixture_dir(), 0);
    publish_add(p,
                bytes_text("/default/a"),
                bytes_text("1"),
                bytes_of(NULL, 0),
                PROBLEM_EVENT_TOO_LARGE,
                identifier);
    tap_check(intake_charge(&n.intake, p->bytes));
    node_start(&n);
    publish(&n, p);
    batch = take_one(&n);

    tap_equal(batch->event_count, 0);
    tap_equal(answer_of(batch)->problem, PROBLEM_NONE);
    tap_equal(n.metrics.log_batch_events_count, 0);
    batch_unref(batch);
    node_done(&n);
}

TAP_CASE(stopping_finishes_what_waits)
{
    struct node n;

    node_init(&n, fixture_dir(), 0);
    node_start(&n);
    for (uint64_t i = 0; i < 500; i++) {
        publish(&n, publish_of(&n, i, 1, 10));
    }
    node_stop(&n);
    tap_equal(fixture_stat(n.log).event_count, 500);
    node_done(&n);
}

static void await_events(struct node *n, uint64_t count)
{
    for (int i = 0; i < 10000 && n->metrics.log_batch_events_sum < count; i++) {
        sleep_ms(1);
    }
    tap_equal(n->metrics.log_batch_events_sum, count);
}

TAP_CASE(fewer_events_than_wait_for_a_quorum_do_not_gather_for_ever)
{
    const struct vector safe = {0};
    struct node n;

    node_init(&n, fixture_dir(), 0);
    log_thread_cluster(n.thread, &safe, false, true);
    node_start(&n);
    for (uint64_t number = 1; number <= 3; number++) {
        struct publish *p = publish_of(&n, number, number == 1 ? 5 : 1, 10);

        p->durability = NAMESPACE_QUORUM;
        publish(&n, p);
        await_events(&n, 4 + number);
    }
    node_stop(&n);
    node_done(&n);
}

TAP_CASE(origins_that_are_gone_are_pruned_and_every_shard_is_told)
{
    const size_t count = VECTOR_ORIGINS_MAX / 2 + 5;
    uint64_t *nodes = alloc_zero(sizeof(nodes[0]));
    const struct mail *mail;
    struct vector have;
    struct node n;
    struct why why;

    node_init(&n, fixture_dir(), 0);
    for (size_t i = 1; i <= count; i++) {
        struct event *event = fixture_event(i, 30);

        event->origin = 0x10000 + 2 * i;
        event->predecessor = 0;
        tap_equal(log_append(n.log, &event, 1, &why), 0);
        event_unref(event);
    }
    tap_equal(log_trim(n.log, UINT64_MAX, count, NULL), (int)count);
    nodes[0] = 0x10000 + 2; /* a member's stay */
    node_start(&n);
    log_thread_prune(n.thread, nodes, 1);
    for (int shard = 0; shard < SHARDS; shard++) {
        struct batch *batch;

        tap_equal(take(&n, shard, &mail), 1);
        batch = mail[0].content;
        log_seek_vector(n.log, &have);
        tap_check(vector_equal(batch->have, &have));
        batch_unref(batch);
    }
    tap_check(have.count <= VECTOR_ORIGINS_MAX / 2 + 2);
    tap_check(vector_knows(&have, 0x10000 + 2));
    tap_check(!vector_knows(&have, 0x10000 + 4));
    node_done(&n);
}

TAP_CASE(a_thread_that_was_never_started_can_be_stopped)
{
    struct node n;

    node_init(&n, fixture_dir(), 0);
    node_stop(&n);
    log_thread_stop(NULL);
    node_done(&n);
}

TAP_CASE(a_burst_of_the_largest_events_is_taken_in_several_transactions)
{
    enum { PUBLISHES = 20 };
    struct node n;
    const struct mail *mail;
    size_t count;

    node_init(&n, fixture_dir(), 0);
    for (uint64_t i = 0; i < PUBLISHES; i++) {
        publish(&n,
                publish_of(
                    &n, i, CLIENT_MSG_EVENTS_MAX, CLIENT_MSG_EVENT_BYTES_MAX));
    }
    node_start(&n);
    node_stop(&n);

    tap_equal(n.metrics.log_failures, 0);
    tap_equal(n.metrics.events, PUBLISHES * CLIENT_MSG_EVENTS_MAX);
    count = mailbox_take(&n.mailboxes[0], &mail);
    tap_check(count > 1);
    for (size_t i = 0; i < count; i++) {
        tap_equal(answer_of(mail[i].content)->problem, PROBLEM_NONE);
        batch_unref(mail[i].content);
    }
    node_done(&n);
}

static int silence(void)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    tap_check(fd >= 0);
    logger_init(fd, LOGGER_INFO);
    return fd;
}

static void speak(int fd)
{
    logger_init(STDERR_FILENO, LOGGER_INFO);
    close(fd);
}

TAP_CASE(a_batch_that_the_log_refuses_comes_back_failed_and_the_next_is_taken)
{
    struct node n;
    struct batch *batch;
    int silent = silence();

    node_init(&n, fixture_dir(), 0);
    node_start(&n);
    publish(&n, publish_of(&n, 1, 2, LOG_RECORD_BYTES_MAX + 1));
    batch = take_one(&n);
    tap_equal(batch->event_count, 0);
    tap_equal(answer_of(batch)->problem, PROBLEM_STORAGE);
    batch_unref(batch);
    tap_equal(n.metrics.log_failures, 1);

    publish(&n, publish_of(&n, 2, 1, 10));
    batch = take_one(&n);
    tap_equal(answer_of(batch)->problem, PROBLEM_NONE);
    tap_equal(batch->event_count, 1);
    tap_equal(batch->events[0]->predecessor, 0);
    batch_unref(batch);
    node_done(&n);
    speak(silent);
}

TAP_CASE(sequences_go_on_after_a_restart)
{
    const char *dir = fixture_dir();
    struct node n;
    struct batch *batch;
    uint64_t last;

    node_init(&n, dir, 0);
    node_start(&n);
    publish(&n, publish_of(&n, 1, 1, 10));
    node_stop(&n);
    last = fixture_stat(n.log).last_sequence;
    node_done(&n);
    node_init(&n, dir, 0);
    node_start(&n);
    publish(&n, publish_of(&n, 2, 1, 10));
    batch = take_one(&n);

    tap_equal(batch->events[0]->predecessor, last);
    tap_check(batch->events[0]->sequence > last);
    tap_equal(batch->events[0]->place, 2);
    batch_unref(batch);
    node_done(&n);
}

TAP_CASE(events_over_the_age_limit_leave_while_nothing_is_published)
{
    struct node n;
    struct batch *batch;

    node_init(&n, fixture_dir(), 1);
    node_start(&n);
    publish(&n, publish_of(&n, 1, 5, 10));
    batch = take_one(&n);
    batch_unref(batch);
    for (int i = 0; i < 10000 && fixture_stat(n.log).event_count > 0; i++) {
        sleep_ms(1);
    }
    node_stop(&n);

    tap_equal(fixture_stat(n.log).event_count, 0);
    tap_equal(n.metrics.log_trimmed, 5);
    tap_equal(n.metrics.log_events, 0);
    node_done(&n);
}

TAP_CASE(without_an_age_limit_they_stay)
{
    struct node n;
    struct batch *batch;

    node_init(&n, fixture_dir(), 0);
    node_start(&n);
    publish(&n, publish_of(&n, 1, 5, 10));
    batch = take_one(&n);
    batch_unref(batch);
    /* The idle trimming, which comes after a second, also counts. */
    for (int i = 0; i < 10000 && n.metrics.log_events == 0; i++) {
        sleep_ms(1);
    }
    node_stop(&n);

    tap_equal(n.metrics.log_events, 5);
    tap_equal(n.metrics.log_trimmed, 0);
    node_done(&n);
}

enum { THREADS = 4, ROUNDS = 100 };

struct publisher {
    struct node *node;
    uint64_t number;
};

static void *publish_many(void *argument)
{
    struct publisher *publisher = argument;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        publish(
            publisher->node,
            publish_of(publisher->node, publisher->number * ROUNDS + i, 1, 10));
    }
    return NULL;
}

TAP_CASE(publishes_of_many_threads_all_come_back_those_of_each_in_order)
{
    struct publisher publishers[THREADS];
    pthread_t threads[THREADS];
    uint64_t next[THREADS] = {0};
    struct node n;
    size_t answers = 0;

    node_init(&n, fixture_dir(), 0);
    node_start(&n);
    for (uint64_t i = 0; i < THREADS; i++) {
        publishers[i] = (struct publisher){.node = &n, .number = i};
        tap_equal(
            pthread_create(&threads[i], NULL, publish_many, &publishers[i]), 0);
    }
    while (answers < THREADS * ROUNDS) {
        const struct mail *mail;
        size_t count = take(&n, 0, &mail);

        for (size_t i = 0; i < count; i++) {
            struct batch *batch = mail[i].content;

            list_each(node, &batch->answers[0])
            {
                uint64_t id = list_entry(node, struct publish, node)->client_id;

                tap_equal(id % ROUNDS, next[id / ROUNDS]);
                next[id / ROUNDS]++;
                answers++;
            }
            batch_unref(batch);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    tap_equal(n.metrics.events, THREADS * ROUNDS);
    node_done(&n);
}

/* In a process of its own: publish while every sync fails. */
static void fail_to_sync(const char *dir, int said)
{
    const struct fault fault = {
        .error = EIO, .kind = FAULT_BEFORE, .stays = true};
    const struct mail *mail;
    struct node n;

    logger_init(said, LOGGER_INFO);
    node_init(&n, dir, 0);
    node_start(&n);
    fault_io_arm(&fault);
    publish(&n, publish_of(&n, 1, 1, 10));
    (void)take(&n, 0, &mail);
}

TAP_CASE(a_failed_sync_ends_the_process_before_anything_is_answered)
{
    const char *dir = fixture_dir();
    char line[512] = {0};
    int said[2];
    int status = 0;
    pid_t child;

    tap_equal(pipe(said), 0);
    fflush(stdout);
    child = fork();
    tap_check(child >= 0);
    if (child == 0) {
        fail_to_sync(dir, said[1]);
        _exit(42); /* an answer came */
    }
    close(said[1]);
    tap_equal(waitpid(child, &status, 0), child);
    tap_check(WIFEXITED(status));
    tap_equal(WEXITSTATUS(status), 1);
    tap_check(read(said[0], line, sizeof(line) - 1) > 0);
    tap_check(strstr(line, " error log.failed reason=") != NULL);
    close(said[0]);
}

static void publish_from_memory(struct node *n, uint64_t number)
{
    struct publish *p = publish_of(n, number, 2, 10);

    p->durability = NAMESPACE_MEMORY;
    publish(n, p);
}

TAP_CASE(memory_is_answered_before_its_events_come_once_names_are_reserved)
{
    struct node n;
    struct batch *batch;
    const char *dir = fixture_dir();

    node_init(&n, dir, 0);
    node_start(&n);
    /* Nothing is reserved yet. */
    publish_from_memory(&n, 1);
    batch = take_one(&n);
    tap_equal(batch->event_count, 2);
    tap_equal(answer_of(batch)->client_id, 1);
    batch_unref(batch);
    tap_check(fixture_stat(n.log).reserved > fixture_stat(n.log).last_sequence);

    publish_from_memory(&n, 2);
    publish(&n, publish_of(&n, 3, 1, 10));
    for (size_t events = 0, answers = 0; events < 3 || answers < 2;) {
        const struct mail *mail;
        size_t count = take(&n, 0, &mail);

        for (size_t i = 0; i < count; i++) {
            batch = mail[i].content;
            if (!list_empty(&batch->answers[0])) {
                answers++;
                tap_equal(answer_of(batch)->client_id == 2,
                          batch->event_count == 0);
            }
            events += batch->event_count;
            batch_unref(batch);
        }
    }
    tap_equal(n.metrics.events_lost, 0);
    node_done(&n);
}

TAP_CASE(a_name_that_was_answered_from_memory_is_not_given_again)
{
    const char *dir = fixture_dir();
    struct node n;
    uint64_t reserved;
    struct batch *batch;

    node_init(&n, dir, 0);
    node_start(&n);
    publish_from_memory(&n, 1);
    batch_unref(take_one(&n));
    node_stop(&n);
    reserved = fixture_stat(n.log).reserved;
    node_done(&n);

    node_init(&n, dir, 0);
    node_start(&n);
    publish(&n, publish_of(&n, 1, 1, 10));
    batch = take_one(&n);
    tap_check(batch->events[0]->sequence > reserved);
    batch_unref(batch);
    node_done(&n);
}

TAP_CASE(what_was_answered_from_memory_and_refused_is_counted)
{
    struct node n;
    struct publish *p;
    int silent = silence();

    node_init(&n, fixture_dir(), 0);
    node_start(&n);
    publish_from_memory(&n, 1);
    batch_unref(take_one(&n));
    p = publish_of(&n, 2, 2, LOG_RECORD_BYTES_MAX + 1);
    p->durability = NAMESPACE_MEMORY;
    publish(&n, p);
    node_stop(&n);
    tap_equal(n.metrics.events_lost, 2);
    tap_equal(n.metrics.log_failures, 1);
    tap_equal(fixture_stat(n.log).event_count, 2);
    node_done(&n);
    speak(silent);
}

TAP_MAIN()
