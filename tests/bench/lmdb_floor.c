/* LMDB alone, to compare the log with: appends batches of records, each batch a
 * transaction with full sync, as fast as the disk allows.
 *
 *     lmdb_floor DIR SECONDS EVENTS BYTES
 *
 * DIR must exist and be empty; EVENTS is the mean number of records in a batch
 * and may have a fraction; BYTES is the size of a record. */
#include "base/check.h"

#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MAP_BYTES (UINT64_C(8) << 30)
#define RECORD_BYTES_MAX 1000000

static void must(int rc)
{
    if (rc != 0) {
        fprintf(stderr, "lmdb_floor: %s\n", mdb_strerror(rc));
        exit(1);
    }
}

static double now_s(void)
{
    struct timespec now;

    check(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage usage;

    check(getrusage(RUSAGE_SELF, &usage) == 0);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static MDB_env *environment_open(const char *dir, MDB_dbi *ret_dbi)
{
    MDB_env *env;
    MDB_txn *txn;

    must(mdb_env_create(&env));
    must(mdb_env_set_mapsize(env, MAP_BYTES));
    must(mdb_env_open(env, dir, 0, 0600));
    must(mdb_txn_begin(env, NULL, 0, &txn));
    must(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY | MDB_CREATE, ret_dbi));
    must(mdb_txn_commit(txn));
    return env;
}

static void append(
    MDB_env *env, MDB_dbi dbi, uint64_t first, uint64_t count, MDB_val value)
{
    MDB_txn *txn;

    must(mdb_txn_begin(env, NULL, 0, &txn));
    for (uint64_t key = first; key < first + count; key++) {
        MDB_val name = {sizeof(key), &key};

        must(mdb_put(txn, dbi, &name, &value, MDB_APPEND));
    }
    must(mdb_txn_commit(txn));
}

static void run(MDB_env *env,
                MDB_dbi dbi,
                double seconds,
                double batch_events,
                MDB_val value)
{
    double begin_s = now_s();
    double begin_cpu_s = cpu_s();
    double owed = 0;
    double elapsed_s;
    uint64_t batches = 0;
    uint64_t events = 0;

    do {
        uint64_t count;

        /* What the fraction owes makes some batches one longer. */
        owed += batch_events;
        count = (uint64_t)owed;
        owed -= (double)count;
        append(env, dbi, events + 1, count, value);
        events += count;
        batches++;
        elapsed_s = now_s() - begin_s;
    } while (elapsed_s < seconds);
    printf("{\"batches_per_s\":%.1f,\"events_per_s\":%.1f,"
           "\"cpu_us_per_event\":%.3f}\n",
           (double)batches / elapsed_s,
           (double)events / elapsed_s,
           (cpu_s() - begin_cpu_s) * 1e6 / (double)events);
}

int main(int argc, char **argv)
{
    MDB_val value;
    MDB_env *env;
    MDB_dbi dbi;
    double batch_events;

    if (argc != 5) {
        fprintf(stderr, "Usage: lmdb_floor DIR SECONDS EVENTS BYTES\n");
        return 2;
    }
    batch_events = strtod(argv[3], NULL);
    value.mv_size = strtoul(argv[4], NULL, 10);
    if (batch_events < 1 || value.mv_size == 0 ||
        value.mv_size > RECORD_BYTES_MAX) {
        fprintf(stderr,
                "lmdb_floor: EVENTS is 1 or more, BYTES 1 to %d\n",
                RECORD_BYTES_MAX);
        return 2;
    }
    value.mv_data = calloc(1, value.mv_size);
    check(value.mv_data != NULL);
    env = environment_open(argv[1], &dbi);
    run(env, dbi, strtod(argv[2], NULL), batch_events, value);
    mdb_env_close(env);
    free(value.mv_data);
    return 0;
}
