/* Counts failures in a row; the modulus says when all have had their turn. */
#include "src/client_list.h"

#include "base/rc.h"

#define URL_BYTES_MAX 1024

static int add(struct client_list *l,
               const struct client_arguments *arguments,
               struct bytes text,
               struct why *why)
{
    struct client_arguments one = *arguments;
    char url[URL_BYTES_MAX];
    int rc;

    if (l->count == CLIENT_LIST_MAX) {
        return why_set(why, RC_MALFORMED, "more than %d URLs", CLIENT_LIST_MAX);
    }
    if (text.len >= sizeof(url)) {
        return why_set(why,
                       RC_MALFORMED,
                       "a URL is longer than %d characters",
                       URL_BYTES_MAX - 1);
    }
    (void)snprintf(
        url, sizeof(url), "%.*s", (int)text.len, (const char *)text.data);
    one.url = url;
    rc = client_init(&l->clients[l->count], &one, why);
    l->count += rc == 0;
    return rc;
}

int client_list_init(struct client_list *l,
                     const struct client_arguments *arguments,
                     struct why *why)
{
    const char *url = arguments->url;
    int rc = 0;

    memset(l, 0, sizeof(*l));
    for (bool more = true; rc == 0 && more;) {
        size_t len = strcspn(url, ",");

        more = url[len] == ',';
        rc = add(l, arguments, bytes_of(url, len), why);
        url += len + more;
    }
    if (rc != 0) {
        client_list_done(l);
    }
    return rc;
}

void client_list_done(struct client_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        client_done(&l->clients[i]);
    }
    memset(l, 0, sizeof(*l));
}

void client_list_succeeded(struct client_list *l)
{
    l->succeeded = true;
    l->failed = 0;
    l->denied = 0;
}

bool client_list_failed(struct client_list *l, int rc)
{
    l->current = (l->current + 1) % l->count;
    l->failed++;
    l->denied = rc == RC_DENIED ? l->denied + 1 : 0;
    return l->denied < l->count && (l->succeeded || l->failed < l->count);
}

unsigned client_list_rounds(const struct client_list *l)
{
    return (unsigned)(l->failed / l->count);
}
