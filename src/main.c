/* Picks the command. */
#include "src/commands.h"
#include "src/options.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static const struct {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", "Run a node.", serve_main},
    {"pub", "Publish events.", pub_main},
    {"sub", "Subscribe, and print events as they come.", sub_main},
    {"status", "Show a cluster's members and what each has.", status_main},
    {"cluster", "Tell a cluster of a node that is gone.", status_cluster_main},
    {"key", "Make issuers of API keys, issue and show keys.", key_main},
    {"log", "Show what is on disk, and check it.", log_command_main},
    {"bench", "Measure a server, and check what it delivers.", bench_main},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
    fprintf(out,
            "Usage: weir COMMAND [OPTION]...\n"
            "A self-hosted event bridge that speaks the AWS AppSync Events "
            "protocol.\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(out,
            "\n'weir COMMAND --help' explains a command, weir(1) all of "
            "them.\n");
}

static int complain(const char *what, const char *word)
{
    fprintf(stderr, "weir: %s%s\nTry 'weir --help'.\n", what, word);
    return OPTIONS_EXIT_USAGE;
}

/* A standard descriptor that came closed would be given to the next file or
 * socket, and complaints written into that. */
static void open_standard(void)
{
    int fd = open("/dev/null", O_RDWR);

    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = open("/dev/null", O_RDWR);
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* Whoever read our output has what it wanted, such as head. */
static bool reader_went_away(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

/* Success is only what has been written. */
static int end(int status)
{
    bool flushed = fflush(stdout) == 0;
    const char *reason = flushed ? "some of it is lost" : strerror(errno);

    if (status != 0 || (flushed && ferror(stdout) == 0) || reader_went_away()) {
        return status;
    }
    fprintf(stderr, "weir: cannot write to standard output: %s\n", reason);
    return 1;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        return complain("expects a command", "");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        options_print_version(stdout);
        return 0;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return complain("there is no command ", argv[1]);
}

int main(int argc, char **argv)
{
    open_standard();
    /* A reader that went away is an error of its write, not our end. */
    signal(SIGPIPE, SIG_IGN);
    return end(run(argc, argv));
}
