/* From settings to a server's cluster. */
#include "src/serve_cluster.h"

#include "base/cleanup.h"

#include <sodium.h>
#include <stdio.h>

bool serve_cluster_wanted(const struct settings *s)
{
    return s->cluster_listen.host[0] != '\0';
}

static int read_secret(const char *path, uint8_t *ret, struct why *why)
{
    CLEANUP(buffer_done) struct buffer text;
    int rc;

    buffer_init(&text, CLUSTER_SECRET_TEXT_BYTES + 1);
    rc = file_read(path, &text, why);
    if (rc == RC_TOO_LARGE ||
        (rc == 0 && cluster_secret_parse(buffer_view(&text), ret) != 0)) {
        rc = why_set(why,
                     RC_MALFORMED,
                     "'%s' does not hold the secret of a cluster, as 'weir key "
                     "secret' prints it",
                     path);
    }
    /* A group may be the service's own. */
    if (rc == 0 && file_permits(path, 007)) {
        rc = why_set(why,
                     RC_DENIED,
                     "'%s' can be read or changed by everybody; chmod o= it",
                     path);
    }
    if (text.data != NULL) {
        sodium_memzero(text.data, text.len);
    }
    return rc;
}

static int read_seeds(const struct settings_list *join,
                      struct serve_cluster *ret,
                      struct why *why)
{
    for (size_t i = 0; i < join->count; i++) {
        struct address address;
        int rc = address_parse(bytes_text(join->items[i]), &address, why);

        if (rc != 0) {
            return why_wrap(why, rc, "cluster.join: '%s'", join->items[i]);
        }
        if (address.port == 0) {
            return why_set(why,
                           RC_MALFORMED,
                           "cluster.join: '%s': nobody listens on port 0",
                           join->items[i]);
        }
        ret->seeds[ret->server.seed_count++] = address_listener(&address);
    }
    return 0;
}

static int read_urls(const struct settings_list *urls,
                     struct serve_cluster *ret,
                     struct why *why)
{
    size_t len = 0;

    for (size_t i = 0; i < urls->count; i++) {
        size_t more = strlen(urls->items[i]);

        if (len + more + 1 > GOSSIP_URLS_BYTES_MAX) {
            return why_set(why,
                           RC_TOO_LARGE,
                           "cluster.urls: more than %d bytes in all",
                           GOSSIP_URLS_BYTES_MAX);
        }
        if (len > 0) {
            ret->urls[len++] = ' ';
        }
        memcpy(ret->urls + len, urls->items[i], more);
        len += more;
    }
    return 0;
}

int serve_cluster_read(const struct settings *s,
                       struct serve_cluster *ret,
                       struct why *why)
{
    int rc;

    memset(ret, 0, sizeof(*ret));
    ret->server.listen = address_listener(&s->cluster_listen);
    ret->server.advertise = address_listener(&s->cluster_advertise);
    ret->server.seeds = ret->seeds;
    ret->server.secret = ret->secret;
    rc = read_secret(s->cluster_secret_file, ret->secret, why);
    if (rc == 0) {
        rc = read_seeds(&s->cluster_join, ret, why);
    }
    if (rc == 0) {
        rc = read_urls(&s->cluster_urls, ret, why);
    }
    if (rc == 0) {
        rc = file_join(s->data_dir, "members", ret->table_file, why);
    }
    ret->server.urls = s->cluster_urls.count > 0 ? ret->urls : NULL;
    ret->server.table_file = ret->table_file;
    return rc;
}

void serve_cluster_done(struct serve_cluster *c)
{
    sodium_memzero(c->secret, sizeof(c->secret));
}
