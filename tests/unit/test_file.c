/* Files that are there, that are not, and that must not be. */
#include "src/io/file.h"

#include "tests/lib/tap.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void at(const char *name, char *ret)
{
    tap_equal(file_join(tap_temp_dir(), name, ret, NULL), 0);
}

static void expect_content(const char *path, const char *content)
{
    struct buffer b;

    buffer_init(&b, 1000);
    tap_equal(file_read(path, &b, NULL), 0);
    tap_equal_text(buffer_view(&b), content);
    buffer_done(&b);
}

/* Files in a directory, to see that no temporary one is left behind. */
static int count_files(const char *directory)
{
    DIR *d = opendir(directory);
    int count = 0;

    while (readdir(d) != NULL) {
        count++;
    }
    closedir(d);
    return count - 2; /* "." and ".." */
}

TAP_CASE(file_write_makes_a_file_with_its_permissions)
{
    char path[FILE_PATH_BYTES_MAX];
    struct stat found;

    at("made", path);
    tap_equal(file_write(path, 0600, bytes_text("content"), NULL), 0);
    expect_content(path, "content");
    tap_equal(stat(path, &found), 0);
    tap_equal(found.st_mode & 0777, 0600);
}

TAP_CASE(file_write_replaces_content_and_permissions)
{
    char path[FILE_PATH_BYTES_MAX];
    struct stat found;

    at("replaced", path);
    tap_equal(file_write(path, 0600, bytes_text("a long first one"), NULL), 0);
    tap_equal(file_write(path, 0644, bytes_text("second"), NULL), 0);
    expect_content(path, "second");
    tap_equal(stat(path, &found), 0);
    tap_equal(found.st_mode & 0777, 0644);
}

TAP_CASE(file_write_leaves_nothing_beside_the_file)
{
    char directory[FILE_PATH_BYTES_MAX];
    char path[FILE_PATH_BYTES_MAX];
    struct why why;

    at("alone", directory);
    tap_equal(file_make_directory(directory, NULL), 0);
    tap_equal(file_join(directory, "one", path, NULL), 0);
    tap_equal(file_write(path, 0600, bytes_text("1"), NULL), 0);
    tap_equal(file_create(path, 0600, bytes_text("2"), &why), RC_EXISTS);
    tap_equal(count_files(directory), 1);
}

TAP_CASE(file_write_says_which_directory_is_not_there)
{
    struct why why;

    tap_equal(file_write("/no/such/file", 0600, bytes_text("x"), &why),
              RC_NOT_FOUND);
    tap_check(strstr(why.text, "/no/such/file") != NULL);
}

TAP_CASE(file_create_keeps_a_file_that_is_there)
{
    char path[FILE_PATH_BYTES_MAX];

    at("kept", path);
    tap_equal(file_create(path, 0600, bytes_text("first"), NULL), 0);
    tap_equal(file_create(path, 0600, bytes_text("second"), NULL), RC_EXISTS);
    expect_content(path, "first");
}

TAP_CASE(file_read_takes_a_file_of_exactly_the_limit_and_no_more)
{
    char path[FILE_PATH_BYTES_MAX];
    struct buffer b;
    struct why why;

    at("limit", path);
    tap_equal(file_write(path, 0600, bytes_text("12345678"), NULL), 0);
    buffer_init(&b, 8);
    tap_equal(file_read(path, &b, &why), 0);
    tap_equal(b.len, 8);
    buffer_done(&b);
    buffer_init(&b, 7);
    tap_equal(file_read(path, &b, &why), RC_TOO_LARGE);
    tap_check(strstr(why.text, "larger than 7 bytes") != NULL);
    buffer_done(&b);
}

TAP_CASE(file_read_says_what_is_not_there)
{
    struct buffer b;
    struct why why;

    buffer_init(&b, 8);
    tap_equal(file_read("/no/such/file", &b, &why), RC_NOT_FOUND);
    tap_check(strstr(why.text, "'/no/such/file'") != NULL);
    tap_equal(file_read("/", &b, &why), RC_IO);
    buffer_done(&b);
}

TAP_CASE(file_make_directory_is_content_with_one_that_is_there)
{
    char path[FILE_PATH_BYTES_MAX];
    struct stat found;

    at("directory", path);
    tap_equal(file_make_directory(path, NULL), 0);
    tap_equal(file_make_directory(path, NULL), 0);
    tap_equal(stat(path, &found), 0);
    tap_equal(found.st_mode & 0777, 0700);
}

TAP_CASE(file_make_directory_refuses_a_file_in_its_place)
{
    char path[FILE_PATH_BYTES_MAX];
    struct why why;

    at("in-the-way", path);
    tap_equal(file_write(path, 0600, bytes_text(""), NULL), 0);
    tap_equal(file_make_directory(path, &why), RC_EXISTS);
    tap_check(strstr(why.text, "not a directory") != NULL);
}

TAP_CASE(file_join_refuses_a_path_over_the_limit)
{
    char name[FILE_PATH_BYTES_MAX];
    char path[FILE_PATH_BYTES_MAX];

    memset(name, 'a', sizeof(name) - 3);
    name[sizeof(name) - 3] = 0;
    tap_equal(file_join("d", name, path, NULL), 0);
    tap_equal(strlen(path), FILE_PATH_BYTES_MAX - 1);
    tap_equal(file_join("dd", name, path, NULL), RC_TOO_LARGE);
}

TAP_MAIN()
