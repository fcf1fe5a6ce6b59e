/* Damage that a disk or a person can do to a log: it is found, named in a
 * sentence, costs nothing else, and never leads to a deletion. */
#include "storage/log.h"

#include "tests/lib/damage.h"
#include "tests/lib/log_fixture.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SECOND (UINT64_C(1000) << 16)

static const char *path_in(const char *dir, const char *name)
{
    static char path[320];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static unsigned flip(const char *dir, const char *needle)
{
    return damage_flip(dir, needle, 1);
}

/* Ten events, sequences 1001 to 1010, at places 1 to 10; the contents begin
 * with their sequence, so that one of them can be found in the file. */
static const char *log_of_ten(void)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);

    fixture_append(log, 1001, 10, 100);
    log_close(log);
    return dir;
}

static void expect_one_missing(const char *dir, uint64_t sequence)
{
    struct log *log = fixture_open(dir);
    struct fixture_found found = fixture_read_all(log);
    struct log_stat stat = fixture_stat(log);

    tap_equal(stat.corrupt_count, 1);
    tap_equal(stat.event_count, 9);
    tap_equal(found.count, 9);
    tap_equal(found.wrong, 0);
    tap_equal(found.gaps, sequence == 1001 || sequence == 1010 ? 0 : 1);
    tap_equal(stat.first_place, 1);
    tap_equal(stat.last_place, 10);

    /* The rest goes on, and a second reading counts it once. */
    fixture_append(log, 1011, 1, 100);
    tap_equal(fixture_read_all(log).count, 10);
    tap_equal(fixture_stat(log).corrupt_count, 1);
    tap_equal(fixture_stat(log).last_place, 11);
    log_close(log);
}

TAP_CASE(log_passes_over_a_flipped_first_record)
{
    const char *dir = log_of_ten();

    tap_check(flip(dir, "\"1001:") > 0);
    expect_one_missing(dir, 1001);
}

TAP_CASE(log_passes_over_a_flipped_record_in_the_middle)
{
    const char *dir = log_of_ten();

    tap_check(flip(dir, "\"1005:") > 0);
    expect_one_missing(dir, 1005);
}

static void append_keyed(struct log *log, uint64_t sequence)
{
    struct event *event = event_new_keyed(
        bytes_text("/default/a"), bytes_text("\"needle\""), bytes_text("k"));

    event->origin = FIXTURE_ORIGIN;
    event->sequence = sequence;
    tap_equal(log_append(log, &event, 1, NULL), 0);
    event_unref(event);
}

/* The sequence of the event that append_keyed() wrote; 0: it is not found. */
static uint64_t find_keyed(struct log *log)
{
    uint64_t origin;
    uint64_t sequence = 0;
    int rc = log_find_key(log,
                          bytes_text("/default/a"),
                          bytes_text("k"),
                          &origin,
                          &sequence,
                          NULL);

    tap_check(rc == 0 || rc == RC_NOT_FOUND);
    return sequence;
}

TAP_CASE(log_lets_an_event_be_published_again_whose_record_was_flipped)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);

    append_keyed(log, 1001);
    tap_equal(find_keyed(log), 1001);
    tap_check(flip(dir, "\"needle\"") > 0);
    tap_equal(find_keyed(log), 0);
    append_keyed(log, 1002);
    tap_equal(find_keyed(log), 1002);
    log_close(log);
    log = fixture_open(dir);
    tap_equal(find_keyed(log), 1002);
    log_close(log);
}

TAP_CASE(log_passes_over_a_flipped_last_record)
{
    const char *dir = log_of_ten();

    tap_check(flip(dir, "\"1010:") > 0);
    expect_one_missing(dir, 1010);
}

TAP_CASE(log_keeps_a_corrupt_record_where_it_is)
{
    const char *dir = log_of_ten();

    tap_check(flip(dir, "\"1005:") > 0);
    log_close(fixture_open(dir));
    tap_check(flip(dir,
                   "\"\x11"
                   "005:") > 0);

    /* Flipped back, it is as good as ever. */
    struct log *log = fixture_open(dir);

    tap_equal(fixture_stat(log).corrupt_count, 0);
    tap_equal(fixture_read_all(log).count, 10);
    log_close(log);
}

TAP_CASE(log_finds_a_record_that_goes_bad_while_it_runs)
{
    const char *dir = log_of_ten();
    struct log *log = fixture_open(dir);
    const uint64_t places[] = {4, 5, 6};
    struct fixture_found found = {0};

    tap_equal(fixture_stat(log).corrupt_count, 0);
    tap_check(flip(dir, "\"1005:") > 0);
    tap_equal(log_read_places(log, places, 3, fixture_visit, &found, NULL), 0);
    tap_equal(found.count, 2);
    tap_equal(found.wrong, 0);
    tap_equal(fixture_stat(log).corrupt_count, 1);

    /* The index cannot tell its channel any more and is right all the same. */
    tap_equal(fixture_trim_all(log, UINT64_MAX), 10);
    tap_equal(fixture_stat(log).corrupt_count, 0);
    fixture_append(log, 1011, 3, 100);
    tap_equal(fixture_read_all(log).count, 3);
    log_close(log);
}

/* Three events of one channel, of which its window keeps one. */
TAP_CASE(log_does_not_count_what_is_damaged_among_the_missed)
{
    const struct log_window window = {
        .name_space = bytes_text("default"),
        .channel = {.events_max = 1, .bytes_max = INDEX_UNLIMITED},
        .age_max_ms = INDEX_UNLIMITED};
    struct log_options options = fixture_options(log_of_ten());
    const struct index_range range = {.since = UINT64_MAX, .until = UINT64_MAX};
    const struct vector none = {0};
    const struct log_reader reader = {
        .channel = fixture_channel(1005), .from = 1, .after = &none};
    struct index_lost lost;
    struct log_missed missed;
    struct log *log;
    uint64_t place;

    options.windows = &window;
    options.window_count = 1;
    log = fixture_open_with(&options);
    (void)index_read(log_index(log), reader.channel, &range, &place, 1, &lost);
    tap_equal(lost.count, 2);
    tap_equal(log_window_missed(log, &reader, &lost, &missed, NULL), 0);
    tap_equal(missed.count, 2);
    tap_check(missed.exact);
    tap_check(flip(options.dir, "\"1005:") > 0);
    tap_equal(log_window_missed(log, &reader, &lost, &missed, NULL), 0);
    tap_check(!missed.exact);
    log_close(log);
}

/* Put `bytes` at `place`, past the log. */
static void put_raw(const char *dir, uint64_t place, struct bytes bytes)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val key = {.mv_size = sizeof(place), .mv_data = &place};
    MDB_val value = {.mv_size = bytes.len};

    tap_equal(mdb_env_create(&env), 0);
    tap_equal(mdb_env_set_maxdbs(env, 2), 0);
    tap_equal(mdb_env_open(env, dir, 0, 0600), 0);
    tap_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    tap_equal(mdb_dbi_open(txn, "events", MDB_INTEGERKEY, &dbi), 0);
    tap_equal(mdb_put(txn, dbi, &key, &value, MDB_RESERVE), 0);
    memcpy(value.mv_data, bytes.data, bytes.len);
    tap_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

TAP_CASE(log_passes_over_torn_and_empty_records)
{
    const char *dir = log_of_ten();
    struct event *event = fixture_event(1005, 100);
    uint8_t record[512];
    struct log *log;
    struct fixture_found found;

    record_encode(event, record);
    put_raw(dir, 5, bytes_of(record, record_len(event) / 2));
    put_raw(dir, 6, bytes_of(record, 0));
    put_raw(dir, 11, bytes_of(record, 1));
    event_unref(event);

    log = fixture_open(dir);
    found = fixture_read_all(log);
    tap_equal(found.count, 8);
    tap_equal(found.wrong, 0);
    tap_equal(fixture_stat(log).corrupt_count, 3);
    tap_equal(fixture_stat(log).last_place, 11);
    fixture_append(log, 1011, 1, 100);
    tap_equal(fixture_read_all(log).last_place, 12);
    log_close(log);
}

TAP_CASE(log_trims_a_corrupt_head_no_sooner_than_what_follows_it)
{
    const char *dir = fixture_dir();
    struct log *log = fixture_open(dir);

    for (uint64_t second = 1; second <= 5; second++) {
        fixture_append(log, second * SECOND, 1, 100);
    }
    log_close(log);
    put_raw(dir, 1, bytes_text("torn"));
    put_raw(dir, 2, bytes_text("torn"));

    log = fixture_open(dir);
    tap_equal(fixture_stat(log).corrupt_count, 2);
    tap_equal(fixture_trim_all(log, 3000), 0);
    tap_equal(fixture_stat(log).corrupt_count, 2);
    tap_equal(fixture_trim_all(log, 3001), 3);
    tap_equal(fixture_stat(log).corrupt_count, 0);
    tap_equal(fixture_stat(log).first_place, 4);
    log_close(log);
}

TAP_CASE(log_that_is_all_corrupt_is_left_alone_by_age)
{
    const char *dir = log_of_ten();
    struct log *log;

    for (uint64_t place = 1; place <= 10; place++) {
        put_raw(dir, place, bytes_text("torn"));
    }
    log = fixture_open(dir);
    tap_equal(fixture_stat(log).corrupt_count, 10);
    tap_equal(fixture_trim_all(log, UINT64_MAX), 0);
    fixture_append(log, 2000, 1, 100);
    tap_equal(fixture_read_all(log).count, 1);
    log_close(log);
}

TAP_CASE(log_whose_file_is_cut_short_is_refused_and_left_alone)
{
    const char *dir = log_of_ten();
    struct log_options options = fixture_options(dir);
    struct stat before;
    struct stat after;

    tap_equal(truncate(path_in(dir, "data.mdb"), 3 * 4096), 0);
    tap_equal(stat(path_in(dir, "data.mdb"), &before), 0);
    fixture_open_fails(&options, RC_CORRUPT, "cut short");
    tap_equal(stat(path_in(dir, "data.mdb"), &after), 0);
    tap_equal(after.st_size, before.st_size);
    tap_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

static void write_file(const char *path, const char *text, size_t repeat)
{
    FILE *file = fopen(path, "w");

    tap_check(file != NULL);
    while (repeat-- > 0) {
        fputs(text, file);
    }
    tap_equal(fclose(file), 0);
}

TAP_CASE(log_refuses_a_file_that_is_not_a_log)
{
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(dir);

    tap_equal(mkdir(dir, 0700), 0);
    write_file(path_in(dir, "data.mdb"), "dear diary, ", 10000);
    fixture_open_fails(&options, RC_CORRUPT, "not a log");
    write_file(path_in(dir, "data.mdb"), "short", 1);
    fixture_open_fails(&options, RC_CORRUPT, "not a log");
}

TAP_CASE(log_refuses_a_database_of_another_program)
{
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(dir);
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val pair = {.mv_size = 5, .mv_data = (char[]){"other"}};

    tap_equal(mkdir(dir, 0700), 0);
    tap_equal(mdb_env_create(&env), 0);
    tap_equal(mdb_env_open(env, dir, 0, 0600), 0);
    tap_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    tap_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    tap_equal(mdb_put(txn, dbi, &pair, &pair, 0), 0);
    tap_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    fixture_open_fails(&options, RC_CORRUPT, "not a weir log");
}

TAP_CASE(log_refuses_a_file_where_its_directory_should_be)
{
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(dir);

    write_file(dir, "x", 1);
    fixture_open_fails(&options, RC_CORRUPT, "not a directory");
}

TAP_CASE(log_refuses_a_directory_without_a_parent)
{
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(path_in(dir, "below"));

    fixture_open_fails(&options, RC_NOT_FOUND, "No such file");
}

TAP_CASE(log_refuses_a_budget_below_the_smallest)
{
    const char *dir = fixture_dir();
    struct log_options options = fixture_options(dir);

    options.bytes_max = LOG_BYTES_MIN - 1;
    fixture_open_fails(&options, RC_MALFORMED, "below the smallest");
    tap_check(access(dir, F_OK) != 0);
    options.bytes_max = LOG_BYTES_MIN;
    log_close(fixture_open_with(&options));
}

/* Replace a value in `meta`; NULL removes it. */
static void set_meta(const char *dir,
                     const char *name,
                     const uint64_t *number,
                     size_t len)
{
    char key_text[16];
    uint64_t copy = number == NULL ? 0 : *number;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val key = {.mv_size = strlen(name), .mv_data = key_text};
    MDB_val value = {.mv_size = len, .mv_data = &copy};

    memcpy(key_text, name, strlen(name));
    tap_equal(mdb_env_create(&env), 0);
    tap_equal(mdb_env_set_maxdbs(env, 2), 0);
    tap_equal(mdb_env_open(env, dir, 0, 0600), 0);
    tap_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    tap_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);
    tap_equal(number == NULL ? mdb_del(txn, dbi, &key, NULL)
                             : mdb_put(txn, dbi, &key, &value, 0),
              0);
    tap_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

TAP_CASE(log_of_a_future_format_is_refused_and_not_changed)
{
    const char *dir = log_of_ten();
    struct log_options options = fixture_options(dir);
    uint64_t format = LOG_FORMAT_VERSION + 1;
    struct stat before;
    struct stat after;

    set_meta(dir, "format", &format, sizeof(format));
    tap_equal(stat(path_in(dir, "data.mdb"), &before), 0);
    fixture_open_fails(&options, RC_UNSUPPORTED, "run the newer weir");
    tap_equal(stat(path_in(dir, "data.mdb"), &after), 0);
    tap_equal(after.st_size, before.st_size);
    tap_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
    tap_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);

    format = LOG_FORMAT_VERSION;
    set_meta(dir, "format", &format, sizeof(format));
    log_close(fixture_open(dir));
}

TAP_CASE(log_without_a_whole_identity_is_refused)
{
    static const char *const names[] = {"origin", "place", "vector"};
    const uint64_t zero = 0;
    const uint64_t large = EVENT_ORIGIN_MAX + 1;

    for (size_t n = 0; n < 3; n++) {
        const char *dir = log_of_ten();
        struct log_options options = fixture_options(dir);

        set_meta(dir, names[n], &zero, 3);
        fixture_open_fails(&options, RC_CORRUPT, "identity");
        set_meta(dir, names[n], NULL, 0);
        fixture_open_fails(&options, RC_CORRUPT, "identity");
    }
    const char *dir = log_of_ten();
    struct log_options options = fixture_options(dir);

    set_meta(dir, "origin", &zero, sizeof(zero));
    fixture_open_fails(&options, RC_CORRUPT, "identity");
    set_meta(dir, "origin", &large, sizeof(large));
    fixture_open_fails(&options, RC_CORRUPT, "identity");
    set_meta(dir, "format", NULL, 0);
    fixture_open_fails(&options, RC_CORRUPT, "not a weir log");
}

#define LEFT_OUT 77

/* Run `body` in a process of its own; its checks count as ours. Returns false
 * when it could not be run here. */
static bool in_child(void (*body)(const char *dir), const char *dir)
{
    int status = 0;
    pid_t child = fork();

    tap_check(child >= 0);
    if (child == 0) {
        body(dir);
        _exit(0);
    }
    tap_equal(waitpid(child, &status, 0), child);
    tap_check(WIFEXITED(status));
    if (WEXITSTATUS(status) == LEFT_OUT) {
        return false;
    }
    tap_equal(WEXITSTATUS(status), 0);
    return true;
}

static void require(bool condition)
{
    if (!condition) {
        _exit(1);
    }
}

static void second_weir(const char *dir)
{
    struct log_options options = fixture_options(dir);
    struct why why = {0};
    struct log *log = NULL;
    char number[32];

    require(log_open(&log, &options, &why) == RC_BUSY);
    snprintf(number, sizeof(number), "process %d;", (int)getppid());
    require(strstr(why.text, number) != NULL);
}

TAP_CASE(log_lets_one_process_in_and_names_it_to_the_second)
{
    const char *dir = log_of_ten();
    struct log *log = fixture_open(dir);

    in_child(second_weir, dir);
    fixture_append(log, 1011, 1, 100);
    log_close(log);
    log_close(fixture_open(dir));
}

static void look_beside(const char *dir)
{
    struct log_options options = {.dir = dir, .read_only = true};
    struct log *log = NULL;
    struct log_stat stat;
    struct fixture_found found = {0};

    require(log_open(&log, &options, NULL) == 0);
    log_stat(log, &stat);
    require(stat.origin == FIXTURE_ORIGIN);
    require(stat.event_count == 10 && stat.last_sequence == 1010);
    require(log_read(log, 0, 65536, fixture_visit, &found, NULL) == 0);
    require(found.count == 10 && found.wrong == 0);
    log_close(log);
}

TAP_CASE(log_can_be_looked_at_beside_a_running_node)
{
    const char *dir = log_of_ten();
    struct log *log = fixture_open(dir);

    in_child(look_beside, dir);
    fixture_append(log, 1011, 1, 100);
    log_close(log);
}

TAP_CASE(log_is_not_made_by_looking)
{
    const char *dir = fixture_dir();
    struct log_options options = {.dir = dir, .read_only = true};

    fixture_open_fails(&options, RC_NOT_FOUND, "no log");
    tap_check(access(dir, F_OK) != 0);
    tap_equal(mkdir(dir, 0700), 0);
    fixture_open_fails(&options, RC_NOT_FOUND, "no log");
}

/* Root may write anywhere but on a read-only mount, which lasts as long as the
 * process that sees it; others are stopped by the directory's mode. */
static void make_read_only(const char *dir)
{
    if (geteuid() != 0) {
        require(unlink(path_in(dir, "lock")) == 0);
        require(chmod(dir, 0500) == 0);
        return;
    }
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(dir, dir, NULL, MS_BIND, NULL) != 0 ||
        mount(NULL, dir, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0) {
        _exit(LEFT_OUT);
    }
}

static void refused_as_read_only(const char *dir)
{
    struct log_options options = fixture_options(dir);
    struct why why = {0};
    struct log *log = NULL;

    make_read_only(dir);
    require(log_open(&log, &options, &why) == RC_DENIED);
    require(strstr(why.text, "cannot write") != NULL);
}

TAP_CASE(log_in_a_read_only_directory_is_refused_with_a_sentence)
{
    const char *dir = log_of_ten();

    if (!in_child(refused_as_read_only, dir)) {
        printf("# left out: root without the right to mount\n");
        return;
    }
    tap_equal(chmod(dir, 0700), 0);
    log_close(fixture_open(dir));
}

TAP_MAIN()
