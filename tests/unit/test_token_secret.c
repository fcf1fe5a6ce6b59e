/* A secret is found again, and its file is nobody else's. */
#include "src/io/token_secret.h"

#include "src/io/file.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char directory[64];
static char path[128];

static void make_directory(void)
{
    (void)snprintf(directory, sizeof(directory), "/tmp/test_token.XXXXXX");
    tap_check(mkdtemp(directory) != NULL);
    (void)snprintf(path, sizeof(path), "%s/token_secret", directory);
}

static void remove_directory(void)
{
    (void)unlink(path);
    tap_equal(rmdir(directory), 0);
}

static bool same(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, TOKEN_SECRET_BYTES) == 0;
}

TAP_CASE(a_secret_is_made_once_and_found_again)
{
    uint8_t first[TOKEN_SECRET_BYTES];
    uint8_t again[TOKEN_SECRET_BYTES];

    make_directory();
    token_secret_find(NULL, directory, first);
    tap_check(file_exists(path));
    tap_check(!file_permits(path, 077));
    token_secret_find(NULL, directory, again);
    tap_check(same(first, again));
    remove_directory();
}

TAP_CASE(two_directories_have_two_secrets)
{
    uint8_t one[TOKEN_SECRET_BYTES];
    uint8_t other[TOKEN_SECRET_BYTES];

    make_directory();
    token_secret_find(NULL, directory, one);
    remove_directory();
    make_directory();
    token_secret_find(NULL, directory, other);
    remove_directory();
    tap_check(!same(one, other));
}

TAP_CASE(a_file_that_holds_none_stays_and_the_secret_is_this_run_s)
{
    static const char *const texts[] = {
        "",
        "weirtoken1_\n",
        "weirtoken1_AAAA\n",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "weirtoken1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\n",
        "weirtoken1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    uint8_t one[TOKEN_SECRET_BYTES];
    uint8_t other[TOKEN_SECRET_BYTES];

    make_directory();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct buffer kept;

        tap_equal(file_write(path, 0600, bytes_text(texts[i]), NULL), 0);
        token_secret_find(NULL, directory, one);
        token_secret_find(NULL, directory, other);
        tap_check(!same(one, other));
        buffer_init(&kept, 100);
        tap_equal(file_read(path, &kept, NULL), 0);
        tap_equal_text(buffer_view(&kept), texts[i]);
        buffer_done(&kept);
    }
    remove_directory();
}

TAP_CASE(where_no_file_can_be_the_secret_is_this_run_s)
{
    uint8_t one[TOKEN_SECRET_BYTES];
    uint8_t other[TOKEN_SECRET_BYTES];

    token_secret_find(NULL, "/nonexistent/directory", one);
    token_secret_find(NULL, "/nonexistent/directory", other);
    tap_check(!same(one, other));
}

TAP_CASE(the_nodes_of_a_cluster_have_the_same_and_no_file)
{
    const uint8_t cluster[CLUSTER_SECRET_BYTES] = {1, 2, 3};
    uint8_t one[TOKEN_SECRET_BYTES];
    uint8_t other[TOKEN_SECRET_BYTES];

    make_directory();
    token_secret_find(cluster, directory, one);
    token_secret_find(cluster, "/nonexistent", other);
    tap_check(same(one, other));
    tap_check(!file_exists(path));
    remove_directory();
}

TAP_MAIN()
