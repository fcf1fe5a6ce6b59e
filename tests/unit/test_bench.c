/* src/bench, src/pub, src/sub: command lines that are refused, with the status
 * of a wrong command line, before anything is sent. */
#include "src/commands.h"
#include "src/options.h"
#include "tests/lib/tap.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS_MAX 16
#define COMPLAINT_BYTES_MAX 4096

static char complaint[COMPLAINT_BYTES_MAX];

/* Run a command and keep what it writes to standard error. */
static int run(int (*command)(int, char **), const char *first, va_list words)
{
    char *argv[WORDS_MAX + 1];
    char name[] = "weir";
    char path[512];
    int saved = dup(STDERR_FILENO);
    int argc = 0;
    int status;
    int fd;
    ssize_t len;

    argv[argc++] = name;
    for (const char *word = first; word != NULL;
         word = va_arg(words, const char *)) {
        tap_check(argc < WORDS_MAX);
        argv[argc++] = strdup(word);
    }
    argv[argc] = NULL;
    snprintf(path, sizeof(path), "%s/stderr", tap_temp_dir());
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    tap_check(fd >= 0 && saved >= 0);
    fflush(stderr);
    dup2(fd, STDERR_FILENO);
    status = command(argc, argv);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    len = pread(fd, complaint, sizeof(complaint) - 1, 0);
    complaint[len < 0 ? 0 : len] = '\0';
    close(fd);
    for (int i = 1; i < argc; i++) {
        free(argv[i]);
    }
    return status;
}

static void refused(int (*command)(int, char **),
                    const char *sentence,
                    const char *first,
                    ...)
{
    va_list words;
    int status;

    va_start(words, first);
    status = run(command, first, words);
    va_end(words);
    tap_equal(status, OPTIONS_EXIT_USAGE);
    tap_check(strstr(complaint, sentence) != NULL);
    tap_check(strstr(complaint, "--help") != NULL);
}

TAP_CASE(pub_wants_a_url_and_a_channel)
{
    refused(pub_main, "too few", NULL);
    refused(pub_main, "too few", "http://127.0.0.1:1", NULL);
}

TAP_CASE(pub_refuses_what_is_no_url)
{
    refused(pub_main, "must begin", "127.0.0.1:1", "/a/b", "1", NULL);
}

TAP_CASE(pub_refuses_options_that_it_does_not_have)
{
    refused(pub_main,
            "no option '--count'",
            "http://127.0.0.1:1",
            "/a/b",
            "--count",
            "1",
            NULL);
}

TAP_CASE(sub_wants_a_url_and_a_channel)
{
    refused(sub_main, "too few", "http://127.0.0.1:1", NULL);
}

TAP_CASE(sub_counts_from_one)
{
    refused(sub_main,
            "--count takes a number from 1",
            "http://127.0.0.1:1",
            "/a/b",
            "--count",
            "0",
            NULL);
}

TAP_CASE(sub_refuses_a_ca_that_is_not_there)
{
    refused(sub_main,
            "/nonexistent.pem",
            "https://127.0.0.1:1",
            "/a/b",
            "--ca",
            "/nonexistent.pem",
            NULL);
}

TAP_CASE(bench_wants_a_measurement_that_it_knows)
{
    refused(bench_main,
            "no measurement 'latency'",
            "latency",
            "http://127.0.0.1:1",
            NULL);
    refused(bench_main, "too few", "fanout", NULL);
}

TAP_CASE(bench_refuses_options_of_another_measurement)
{
    refused(bench_main,
            "--rate is for 'fanout', not for 'publish'",
            "publish",
            "http://127.0.0.1:1",
            "--rate",
            "50",
            NULL);
    refused(bench_main,
            "--connections is for 'idle', not for 'fanout'",
            "fanout",
            "http://127.0.0.1:1",
            "--connections",
            "50",
            NULL);
}

TAP_CASE(bench_refuses_numbers_beyond_its_limits)
{
    refused(bench_main,
            "--size takes a number from 64",
            "fanout",
            "http://127.0.0.1:1",
            "--size",
            "63",
            NULL);
    refused(bench_main,
            "--window takes a number from 1 to 1024",
            "publish",
            "http://127.0.0.1:1",
            "--window",
            "1025",
            NULL);
}

TAP_CASE(bench_refuses_a_transport_that_it_does_not_know)
{
    refused(bench_main,
            "http, ws or nchan",
            "publish",
            "http://127.0.0.1:1",
            "--transport",
            "sse",
            NULL);
}

TAP_CASE(bench_refuses_a_channel_that_is_too_long)
{
    char prefix[256] = {0};

    memset(prefix, 'c', 201);
    refused(bench_main,
            "longer than 200",
            "fanout",
            "http://127.0.0.1:1",
            "--channel",
            prefix,
            NULL);
}

TAP_MAIN()
