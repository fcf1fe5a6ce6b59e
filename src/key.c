/* `weir key`: four commands of its own behind one word. Issuing needs the
 * issuer's secret, the others need nothing. */
#include "base/check.h"
#include "base/cleanup.h"
#include "proto/cluster_secret.h"
#include "src/bridge/authority.h"
#include "src/commands.h"
#include "src/duration.h"
#include "src/io/file.h"
#include "src/io/issuer.h"
#include "src/options.h"
#include "src/say.h"
#include "src/timestamp.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int complain(const struct options_command *command,
                    const struct why *why)
{
    say_line(command->name, "%s", why->text);
    return 1;
}

static const struct options_command issuer_command = {
    .name = "weir key issuer",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "Make an issuer: its secret in FILE, which must not exist, and "
               "its public key in FILE.pub. Nodes are given the public key; "
               "the secret stays with whoever issues keys.",
};

static int issuer_run(int argc, char **argv)
{
    struct options o;
    struct why why;
    char public_path[FILE_PATH_BYTES_MAX];
    char text[ISSUER_PUBLIC_TEXT_BYTES];
    uint8_t public_key[ISSUER_PUBLIC_BYTES];
    int status;

    if (!options_parse(&issuer_command, argc, argv, &o, &status)) {
        return status;
    }
    if (issuer_create(o.operands[0], &why) != 0) {
        return complain(&issuer_command, &why);
    }
    snprintf(public_path, sizeof(public_path), "%s.pub", o.operands[0]);
    if (issuer_read_public(public_path, public_key, &why) != 0) {
        return complain(&issuer_command, &why);
    }
    issuer_print(public_key, text);
    printf("%s\n", text);
    return 0;
}

static const struct options_entry issue_entries[] = {
    {"issuer", "FILE", "The issuer's secret, from 'weir key issuer'.", false},
    {"id",
     "ID",
     "What lists and logs call the key: letters, digits, '.', '_', '-'; a "
     "random one when not given.",
     false},
    {"publish",
     "PATTERN",
     "A channel, or channels such as /orders/*, to which it may publish; * is "
     "every channel.",
     true},
    {"subscribe",
     "PATTERN",
     "A channel or channels to which it may subscribe.",
     true},
    {"admin", NULL, "It may use what is for administrators.", false},
    {"valid", "DURATION", "How long from now it is valid, such as 30d.", false},
    {"expires",
     "TIME",
     "When it stops being valid: 2026-12-31, 2026-12-31T12:00:00Z or Unix "
     "seconds; never when neither this nor --valid is given.",
     false},
    {"not-before", "TIME", "When it starts being valid.", false},
};

static const struct options_command issue_command = {
    .name = "weir key issue",
    .operands = "",
    .summary = "Issue an API key and print it. A key cannot be taken back "
               "before it expires, so give it an end.",
    .details = "Examples:\n"
               "  weir key issue --issuer issuer --publish '/orders/*' "
               "--valid 90d\n"
               "  weir key issue --issuer issuer --id page --subscribe "
               "/news/today \\\n"
               "      --expires 2030-01-01\n",
    .entries = issue_entries,
    .entry_count = sizeof(issue_entries) / sizeof(issue_entries[0]),
};

/* Read the patterns given as option `name`. */
static int take_grants(const struct options *o,
                       const char *name,
                       struct channel_name *ret,
                       size_t *ret_count)
{
    size_t count = 0;
    const char *text = options_value_at(o, name, 0);

    for (; text != NULL; text = options_value_at(o, name, count)) {
        if (count == API_KEY_GRANTS_MAX) {
            return options_complain(
                o->command, "more than %d --%s", API_KEY_GRANTS_MAX, name);
        }
        if (channel_name_parse_grant(bytes_text(text), &ret[count]) != 0) {
            return options_complain(o->command,
                                    "--%s: '%s' is neither a channel such as "
                                    "/orders/new nor channels such as "
                                    "/orders/*",
                                    name,
                                    text);
        }
        count++;
    }
    *ret_count = count;
    return 0;
}

static int take_time(const struct options *o, const char *name, uint64_t *ret_s)
{
    const char *text = options_value(o, name);

    if (text != NULL && !timestamp_parse(bytes_text(text), ret_s)) {
        return options_complain(o->command,
                                "--%s: '%s' is not a time such as 2026-12-31, "
                                "2026-12-31T12:00:00Z or Unix seconds",
                                name,
                                text);
    }
    return 0;
}

static int take_times(const struct options *o,
                      uint64_t now_s,
                      struct api_key *key)
{
    const char *valid = options_value(o, "valid");
    uint64_t ms = 0;
    int status = take_time(o, "not-before", &key->not_before_s);

    if (status == 0) {
        status = take_time(o, "expires", &key->expires_s);
    }
    if (status != 0) {
        return status;
    }
    if (valid != NULL && options_has(o, "expires")) {
        return options_complain(o->command,
                                "--valid and --expires exclude each other");
    }
    if (valid != NULL) {
        if (!duration_parse(bytes_text(valid), &ms) || ms < 1000) {
            return options_complain(o->command,
                                    "--valid: '%s' is not a length of time "
                                    "such as 90s, 24h or 30d",
                                    valid);
        }
        key->expires_s = now_s + ms / 1000;
    }
    if (key->expires_s != 0 &&
        (key->expires_s <= now_s || key->expires_s <= key->not_before_s)) {
        return options_complain(o->command, "the key would never be valid");
    }
    return 0;
}

static bool is_id(const char *id)
{
    size_t len = strlen(id);

    return len > 0 && len <= API_KEY_ID_BYTES_MAX &&
           strspn(id,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                  "0123456789._-") == len;
}

static int take_id(const struct options *o, struct api_key *key)
{
    const char *id = options_value(o, "id");
    uint64_t number = 0;

    if (id == NULL) {
        check(getrandom(&number, sizeof(number), 0) == sizeof(number));
        snprintf(key->id, sizeof(key->id), "key-%016" PRIx64, number);
        return 0;
    }
    if (!is_id(id)) {
        return options_complain(o->command,
                                "--id: expects 1 to %d letters, digits, '.', "
                                "'_' and '-'",
                                API_KEY_ID_BYTES_MAX);
    }
    snprintf(key->id, sizeof(key->id), "%s", id);
    return 0;
}

static int take_key(const struct options *o,
                    uint64_t now_s,
                    struct api_key *key)
{
    int status = take_id(o, key);

    if (status == 0) {
        status = take_grants(o, "publish", key->publish, &key->publish_count);
    }
    if (status == 0) {
        status =
            take_grants(o, "subscribe", key->subscribe, &key->subscribe_count);
    }
    if (status == 0) {
        status = take_times(o, now_s, key);
    }
    key->admin = options_has(o, "admin");
    if (status == 0 && !key->admin && key->publish_count == 0 &&
        key->subscribe_count == 0) {
        return options_complain(o->command,
                                "the key would grant nothing: give --publish, "
                                "--subscribe or --admin");
    }
    return status;
}

static int issue_run(int argc, char **argv)
{
    AUTO_FREE struct api_key *key = calloc(1, sizeof(*key));
    CLEANUP(buffer_done) struct buffer text;
    struct options o;
    struct why why;
    uint8_t secret[ISSUER_SECRET_BYTES];
    int status;

    check(key != NULL);
    buffer_init(&text, API_KEY_TEXT_BYTES_MAX);
    if (!options_parse(&issue_command, argc, argv, &o, &status)) {
        return status;
    }
    if (!options_has(&o, "issuer")) {
        return options_complain(&issue_command, "expects --issuer FILE");
    }
    status = take_key(&o, (uint64_t)time(NULL), key);
    if (status != 0) {
        return status;
    }
    if (issuer_read_secret(options_value(&o, "issuer"), secret, &why) != 0) {
        return complain(&issue_command, &why);
    }
    authority_sign(key, secret, &text);
    sodium_memzero(secret, sizeof(secret));
    if (text.overflowed) {
        why_set(&why,
                RC_TOO_LARGE,
                "the key would have more than %d characters: use fewer or "
                "wider patterns",
                API_KEY_TEXT_BYTES_MAX);
        return complain(&issue_command, &why);
    }
    printf("%.*s\n", (int)text.len, (const char *)text.data);
    return 0;
}

static const struct options_command show_command = {
    .name = "weir key show",
    .operands = "KEY|-",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "Print what an API key says; - reads it from standard input. "
               "Exits with 1 when it is not signed by the issuer it names. "
               "Whether a node believes that issuer is the node's to say.",
};

static void print_grants(const char *label,
                         const struct channel_name *names,
                         size_t count)
{
    printf("%-11s ", label);
    for (size_t i = 0; i < count; i++) {
        struct bytes name = channel_name_view(&names[i]);

        printf("%s%.*s",
               i == 0 ? "" : " ",
               (int)name.len,
               (const char *)name.data);
    }
    printf("%s\n", count == 0 ? "nothing" : "");
}

static void print_time(const char *label, uint64_t time_s, const char *never)
{
    char text[TIMESTAMP_TEXT_BYTES_MAX];

    timestamp_print(time_s, text);
    printf("%-11s %s\n", label, time_s == 0 ? never : text);
}

static const char *validity(const struct api_key *key, uint64_t now_s)
{
    if (key->not_before_s > now_s) {
        return "not yet";
    }
    return key->expires_s != 0 && key->expires_s <= now_s ? "expired" : "yes";
}

static void print_key(const struct api_key *key, bool good, uint64_t now_s)
{
    char issuer[ISSUER_PUBLIC_TEXT_BYTES];

    issuer_print(key->issuer, issuer);
    printf("%-11s %s\n", "id", key->id);
    printf("%-11s %s\n", "issuer", issuer);
    printf("%-11s %s\n",
           "signature",
           good ? "good" : "BAD: not made by that issuer");
    print_grants("publish", key->publish, key->publish_count);
    print_grants("subscribe", key->subscribe, key->subscribe_count);
    printf("%-11s %s\n", "admin", key->admin ? "yes" : "no");
    print_time("not before", key->not_before_s, "always");
    print_time("expires", key->expires_s, "never");
    printf("%-11s %s\n", "valid now", validity(key, now_s));
}

/* Whether the key is signed by the issuer it names, at whatever time. */
static bool is_signed(const struct api_key *key, struct bytes text)
{
    struct authority *authority = authority_new(0);
    const struct api_key *checked;
    struct moment now = {.wall_ms = (uint64_t)time(NULL) * 1000};
    int rc = authority_trust(authority, key->issuer);

    if (rc == 0) {
        rc = authority_check(authority, now, text, &checked);
    }
    authority_free(authority);
    return rc == 0 || rc == RC_EXPIRED;
}

static int read_key_text(const char *operand, struct buffer *ret)
{
    char some[API_KEY_TEXT_BYTES_MAX + 2];
    size_t len;

    if (strcmp(operand, "-") != 0) {
        buffer_text(ret, operand);
    } else {
        len = fread(some, 1, sizeof(some), stdin);
        buffer_append(ret, bytes_of(some, len));
    }
    return ret->overflowed ? RC_TOO_LARGE : 0;
}

static struct bytes without_line_end(struct bytes text)
{
    while (text.len > 0 && strchr("\r\n \t", text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

static int show_run(int argc, char **argv)
{
    AUTO_FREE struct api_key *key = calloc(1, sizeof(*key));
    CLEANUP(buffer_done) struct buffer buffer;
    struct api_key_signed parts = {0};
    struct options o;
    struct bytes text;
    int status;
    int rc;
    bool good;

    check(key != NULL);
    buffer_init(&buffer, API_KEY_TEXT_BYTES_MAX + 2);
    if (!options_parse(&show_command, argc, argv, &o, &status)) {
        return status;
    }
    rc = read_key_text(o.operands[0], &buffer);
    text = without_line_end(buffer_view(&buffer));
    if (rc == 0) {
        rc = api_key_parse(text, &parts);
    }
    if (rc == 0) {
        rc = api_key_decode(buffer_view(&parts.payload), key);
        buffer_done(&parts.payload);
    }
    if (rc != 0) {
        fprintf(stderr, "weir key show: this is not a whole API key\n");
        return 1;
    }
    good = is_signed(key, text);
    print_key(key, good, (uint64_t)time(NULL));
    return good ? 0 : 1;
}

static const struct options_command secret_command = {
    .name = "weir key secret",
    .operands = "",
    .summary = "Print a fresh secret for a cluster, which all its nodes are "
               "given in a file. Who has it can join the cluster and read all "
               "that its nodes say to each other.",
    .details = "Example:\n"
               "  (umask 077; weir key secret > cluster-secret)\n",
};

static int secret_run(int argc, char **argv)
{
    struct options o;
    char text[CLUSTER_SECRET_TEXT_BYTES];
    uint8_t secret[CLUSTER_SECRET_BYTES];
    int status;

    if (!options_parse(&secret_command, argc, argv, &o, &status)) {
        return status;
    }
    check(getrandom(secret, sizeof(secret), 0) == sizeof(secret));
    cluster_secret_print(secret, text);
    sodium_memzero(secret, sizeof(secret));
    printf("%s\n", text);
    sodium_memzero(text, sizeof(text));
    return 0;
}

static const struct {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"issuer", "Make an issuer: a secret and a public key.", issuer_run},
    {"issue", "Issue an API key.", issue_run},
    {"show", "Print what a key says.", show_run},
    {"secret", "Make a cluster's secret.", secret_run},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
    fprintf(out,
            "Usage: weir key COMMAND [OPTION]...\n"
            "API keys are signed by an issuer and checked by nodes without "
            "asking anyone.\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(out,
            "\nExamples:\n"
            "  weir key issuer issuer\n"
            "  weir key issue --issuer issuer --publish '/orders/*' "
            "--valid 90d > api-key\n"
            "  weir key show - < api-key\n"
            "\nNodes believe the issuers in the settings keys.issuers and "
            "keys.issuer_files.\n");
}

int key_main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr,
                "weir key: expects a command\nTry 'weir key --help'.\n");
        return OPTIONS_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return 0;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr,
            "weir key: there is no command '%s'\nTry 'weir key --help'.\n",
            argv[1]);
    return OPTIONS_EXIT_USAGE;
}
