/* `weir serve`'s command line, turned into the settings of the node that is to
 * run: from a configuration file, or for development. */
#ifndef SRC_SERVE_OPTIONS_H
#define SRC_SERVE_OPTIONS_H

#include "src/bridge/authority.h"
#include "src/dev.h"
#include "src/settings.h"

struct serve_options {
    struct settings settings;
    bool is_dev;
    struct dev dev; /* where its files are, when is_dev */
};

/* True: serve with `ret`, which serve_options_done() frees. False: end with
 * `ret_status`; what there is to say has been said (--help, --version,
 * --check, --sample-config, or a complaint on standard error). */
bool serve_options_read(int argc,
                        char **argv,
                        struct serve_options *ret,
                        int *ret_status);
void serve_options_done(struct serve_options *o);

/* Believe every issuer that the settings name, reading the files of those that
 * are in files. */
int serve_options_trust(const struct settings *s,
                        struct authority *authority,
                        struct why *why);

#endif
