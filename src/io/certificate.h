/* Certificates made here, for development and tests: an authority of one's own
 * and servers' certificates that it signs. EC P-256, in PEM. */
#ifndef IO_CERTIFICATE_H
#define IO_CERTIFICATE_H

#include "base/buffer.h"
#include "base/why.h"

#define CERTIFICATE_PEM_BYTES_MAX 65536
#define CERTIFICATE_HOSTS_MAX 16

/* A certificate and its private key, both PEM text. */
struct certificate {
    struct buffer pem;
    struct buffer key_pem;
};

struct certificate_request {
    const char *name;         /* common name */
    const char *const *hosts; /* DNS names and IP addresses; servers only */
    size_t host_count;
    uint64_t from_s; /* Unix time */
    uint64_t until_s;
};

void certificate_done(struct certificate *c); /* accepts a zeroed one */

/* An authority that may sign servers' certificates and no further authority. */
void certificate_make_authority(const struct certificate_request *request,
                                struct certificate *ret);

/* A server's certificate, signed by `authority`. RC_MALFORMED: the authority's
 * PEM cannot be read or its key is another's, or a host is neither a DNS name
 * nor an address. */
int certificate_issue(const struct certificate_request *request,
                      const struct certificate *authority,
                      struct certificate *ret,
                      struct why *why);

/* Whether a certificate and its key fit each other, it is signed by
 * `authority_pem`, holds each host, and is valid at `at_s`. */
bool certificate_serves(const struct certificate *c,
                        struct bytes authority_pem,
                        const struct certificate_request *request,
                        uint64_t at_s);

#endif
