/* --check reads everything that a start would read, and makes nothing. */
#include "src/serve_options.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "src/io/cluster_address.h"
#include "src/io/issuer.h"
#include "src/io/tls.h"
#include "src/options.h"
#include "src/say.h"
#include "src/serve_cluster.h"
#include "src/settings_file.h"
#include "src/settings_print.h"

#include <time.h>

#define DEV_TLS_LISTEN "127.0.0.1:8443"
#define CLUSTER_JOIN_MAX 64

static const struct options_entry entries[] = {
    {"dev",
     "DIR",
     "Run for development with all data in DIR, which is made when absent: an "
     "API key with every right in DIR/dev/api-key, a CA in DIR/dev/ca.pem, "
     "the namespace \"default\", a console at /console.",
     false},
    {"listen",
     "HOST:PORT",
     "With --dev: where to listen for HTTP; 127.0.0.1:8080 when not given.",
     false},
    {"tls-listen",
     "HOST:PORT",
     "With --dev: where to listen for HTTPS; " DEV_TLS_LISTEN " when not "
     "given.",
     false},
    {"cluster-listen",
     "HOST:PORT",
     "With --dev: where to listen for the cluster's other nodes.",
     false},
    {"join",
     "HOST:PORT,...",
     "With --dev: nodes of the cluster to find the others by.",
     false},
    {"cluster-secret-file",
     "FILE",
     "With --dev: the cluster's secret, as 'weir key secret' prints it.",
     false},
    {"config", "FILE", "Run as the file says, see weir.conf(5).", false},
    {"check",
     NULL,
     "With --config: only check the file and those that it names.",
     false},
    {"sample-config",
     NULL,
     "Print a configuration file with every setting and exit.",
     false},
};

static const struct options_command command = {
    .name = "weir serve",
    .operands = "",
    .summary = "Run a node until SIGTERM or SIGINT. Once it accepts "
               "connections it prints 'weir ready' and its URLs on standard "
               "output. SIGHUP makes it read its certificate again.",
    .entries = entries,
    .entry_count = sizeof(entries) / sizeof(entries[0]),
};

static int complain(const struct why *why)
{
    say_line("weir serve", "%s", why->text);
    return 1;
}

static void print_buffer(void (*print)(struct buffer *out))
{
    CLEANUP(buffer_done) struct buffer text;

    buffer_init(&text, SETTINGS_PRINT_BYTES_MAX);
    print(&text);
    fwrite(text.data, 1, text.len, stdout);
}

/* What only a table can know: which options go together. */
static int check_together(const struct options *o)
{
    bool dev = options_has(o, "dev");
    bool config = options_has(o, "config");

    if (dev == config) {
        return options_complain(&command,
                                dev ? "--dev and --config exclude each other"
                                    : "expects --dev DIR or --config FILE");
    }
    if (config && (options_has(o, "listen") || options_has(o, "tls-listen") ||
                   options_has(o, "cluster-listen") || options_has(o, "join") ||
                   options_has(o, "cluster-secret-file"))) {
        return options_complain(
            &command,
            "--listen, --tls-listen, --cluster-listen, --join and "
            "--cluster-secret-file go with --dev; with --config the file says "
            "that");
    }
    if (dev && options_has(o, "check")) {
        return options_complain(&command, "--check goes with --config");
    }
    return 0;
}

static int take_address(const struct options *o,
                        const char *name,
                        const char *initial,
                        struct address *ret)
{
    const char *text = options_value(o, name);
    struct why why;

    if (address_parse(bytes_text(text != NULL ? text : initial), ret, &why) !=
        0) {
        return options_complain(&command, "--%s: %s", name, why.text);
    }
    return 0;
}

static const struct settings_entry *entry_of(const char *name)
{
    size_t count;
    const struct settings_entry *table = settings_entries(&count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    check_unreachable();
}

static void set_text(struct settings *s, const char *name, const char *value)
{
    struct bytes text = bytes_text(value);

    check(settings_assign(entry_of(name), s, &text, 1, NULL) == 0);
}

/* The words between commas; one too many is left to the setting to refuse. */
static int take_join(struct settings *s, const char *value)
{
    struct bytes words[CLUSTER_JOIN_MAX + 1];
    size_t count = 0;
    struct why why;

    for (bool more = true; more && count <= CLUSTER_JOIN_MAX;) {
        size_t len = strcspn(value, ",");

        more = value[len] == ',';
        words[count++] = bytes_of((const uint8_t *)value, len);
        value += len + more;
    }
    if (settings_assign(entry_of("cluster.join"), s, words, count, &why) != 0) {
        return options_complain(&command, "--join: %s", why.text);
    }
    return 0;
}

static int read_dev_cluster(const struct options *o, struct settings *s)
{
    const char *secret = options_value(o, "cluster-secret-file");
    const char *join = options_value(o, "join");
    int status;

    if (!options_has(o, "cluster-listen")) {
        return join == NULL && secret == NULL
                   ? 0
                   : options_complain(&command,
                                      "--join and --cluster-secret-file go "
                                      "with --cluster-listen");
    }
    status = take_address(o, "cluster-listen", "", &s->cluster_listen);
    if (status != 0) {
        return status;
    }
    if (secret == NULL) {
        return options_complain(&command,
                                "--cluster-listen needs --cluster-secret-file");
    }
    set_text(s, "cluster.secret_file", secret);
    return join == NULL ? 0 : take_join(s, join);
}

static int read_dev(const struct options *o, struct serve_options *ret)
{
    struct settings *s = &ret->settings;
    struct settings_namespace *added;
    struct why why;
    int status = take_address(o, "listen", "127.0.0.1:8080", &s->listen);

    if (status == 0) {
        status = take_address(o, "tls-listen", DEV_TLS_LISTEN, &s->tls_listen);
    }
    if (status == 0) {
        status = read_dev_cluster(o, s);
    }
    if (status != 0) {
        return status;
    }
    if (dev_prepare(options_value(o, "dev"),
                    s->tls_listen.host,
                    (uint64_t)time(NULL),
                    &ret->dev,
                    &why) != 0) {
        return complain(&why);
    }
    ret->is_dev = true;
    set_text(s, "data_dir", ret->dev.data_dir);
    set_text(s, "tls.certificate", ret->dev.certificate);
    set_text(s, "tls.key", ret->dev.certificate_key);
    set_text(s, "keys.issuer_files", ret->dev.issuer_public);
    check(settings_namespace_add(s, bytes_text("default"), &added, &why) == 0);
    return 0;
}

int serve_options_trust(const struct settings *s,
                        struct authority *authority,
                        struct why *why)
{
    uint8_t key[ISSUER_PUBLIC_BYTES];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < s->keys_issuers.count; i++) {
        rc = issuer_parse(bytes_text(s->keys_issuers.items[i]), key, why);
        if (rc == 0) {
            rc = authority_trust(authority, key);
        }
    }
    for (size_t i = 0; rc == 0 && i < s->keys_issuer_files.count; i++) {
        rc = issuer_read_public(s->keys_issuer_files.items[i], key, why);
        if (rc == 0) {
            rc = authority_trust(authority, key);
        }
    }
    if (rc == RC_TOO_LARGE) {
        return why_set(why,
                       rc,
                       "more than %d issuers in keys.issuers and "
                       "keys.issuer_files",
                       AUTHORITY_ISSUERS_MAX);
    }
    return rc;
}

/* The files that the settings name. */
static int check_files(const struct settings *s, struct why *why)
{
    struct authority *authority = authority_new(0);
    struct tls_context *tls = NULL;
    int rc = serve_options_trust(s, authority, why);

    authority_free(authority);
    if (rc == 0 && serve_cluster_wanted(s)) {
        struct serve_cluster cluster;
        struct gossip_address address;

        rc = serve_cluster_read(s, &cluster, why);
        if (rc == 0) {
            rc = cluster_address_find(&cluster.server.listen,
                                      &cluster.server.advertise,
                                      &address,
                                      why);
        }
        serve_cluster_done(&cluster);
    }
    if (rc == 0 && s->tls_listen.host[0] != 0) {
        rc = tls_context_new_server(s->tls_certificate, s->tls_key, &tls, why);
        tls_context_unref(tls);
    }
    return rc;
}

static int read_config(const struct options *o, struct serve_options *ret)
{
    struct why why;

    if (settings_file_read(&ret->settings, options_value(o, "config"), &why) !=
        0) {
        return complain(&why);
    }
    return 0;
}

bool serve_options_read(int argc,
                        char **argv,
                        struct serve_options *ret,
                        int *ret_status)
{
    struct options options;
    struct why why;

    if (!options_parse(&command, argc, argv, &options, ret_status)) {
        if (*ret_status == 0 && options_has(&options, "help")) {
            printf("\n");
            print_buffer(settings_print_help);
        }
        return false;
    }
    if (options_has(&options, "sample-config")) {
        print_buffer(settings_print_sample);
        return false;
    }
    *ret_status = check_together(&options);
    if (*ret_status != 0) {
        return false;
    }
    memset(ret, 0, sizeof(*ret));
    settings_init(&ret->settings);
    *ret_status = options_has(&options, "dev") ? read_dev(&options, ret)
                                               : read_config(&options, ret);
    if (*ret_status == 0 && options_has(&options, "check")) {
        if (check_files(&ret->settings, &why) != 0) {
            *ret_status = complain(&why);
        } else {
            printf("%s: good\n", options_value(&options, "config"));
        }
        serve_options_done(ret);
        return false;
    }
    if (*ret_status != 0) {
        serve_options_done(ret);
    }
    return *ret_status == 0;
}

void serve_options_done(struct serve_options *o)
{
    settings_done(&o->settings);
}
