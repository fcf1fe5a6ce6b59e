/* X.509 version 3 by OpenSSL's C interface. */
#include "src/io/certificate.h"

#include "base/check.h"
#include "base/cleanup.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define SERIAL_BYTES 16

static void x509_cleanup(X509 **x)
{
    X509_free(*x);
}

static void key_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void bio_cleanup(BIO **bio)
{
    BIO_free(*bio);
}

#define AUTO_X509 CLEANUP(x509_cleanup) X509
#define AUTO_KEY CLEANUP(key_cleanup) EVP_PKEY
#define AUTO_BIO CLEANUP(bio_cleanup) BIO

void certificate_done(struct certificate *c)
{
    buffer_done(&c->pem);
    buffer_done(&c->key_pem);
}

static void take_text(BIO *bio, struct buffer *ret)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);

    check(len > 0);
    buffer_init(ret, CERTIFICATE_PEM_BYTES_MAX);
    buffer_append(ret, bytes_of(text, (size_t)len));
    check(!ret->overflowed);
}

static void print(X509 *x, EVP_PKEY *key, struct certificate *ret)
{
    AUTO_BIO *pem = BIO_new(BIO_s_mem());
    AUTO_BIO *key_pem = BIO_new(BIO_s_mem());

    check(PEM_write_bio_X509(pem, x));
    check(PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL));
    take_text(pem, &ret->pem);
    take_text(key_pem, &ret->key_pem);
}

static X509 *read_certificate(struct bytes pem)
{
    AUTO_BIO *bio = NULL;
    X509 *x;

    if (pem.len == 0 || pem.len > CERTIFICATE_PEM_BYTES_MAX) {
        return NULL;
    }
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    ERR_clear_error();
    return x;
}

/* A key with a passphrase must fail, not ask on the terminal. */
static int refuse_passphrase(char *to, int size, int writing, void *context)
{
    (void)to;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static EVP_PKEY *read_key(struct bytes pem)
{
    AUTO_BIO *bio = NULL;
    EVP_PKEY *key;

    if (pem.len == 0 || pem.len > CERTIFICATE_PEM_BYTES_MAX) {
        return NULL;
    }
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, NULL);
    ERR_clear_error();
    return key;
}

static void set_serial(X509 *x)
{
    uint8_t serial[SERIAL_BYTES];
    BIGNUM *number;

    check(RAND_bytes(serial, sizeof(serial)) == 1);
    serial[0] =
        (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, full length */
    number = BN_bin2bn(serial, sizeof(serial), NULL);
    check(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL);
    BN_free(number);
}

static void set_time(ASN1_TIME *time, uint64_t seconds)
{
    check(ASN1_TIME_set(time, (time_t)seconds) != NULL);
}

/* Everything but the issuer, the extensions and the signature. */
static X509 *draft(const struct certificate_request *request, EVP_PKEY *key)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);

    check(request->from_s < request->until_s);
    check(X509_set_version(x, X509_VERSION_3));
    set_serial(x);
    set_time(X509_getm_notBefore(x), request->from_s);
    set_time(X509_getm_notAfter(x), request->until_s);
    check(X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_UTF8, (const uint8_t *)request->name, -1, -1, 0));
    check(X509_set_pubkey(x, key));
    return x;
}

static void extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    check(extension != NULL);
    check(X509_add_ext(x, extension, -1));
    X509_EXTENSION_free(extension);
}

void certificate_make_authority(const struct certificate_request *request,
                                struct certificate *ret)
{
    AUTO_KEY *key = EVP_EC_gen("P-256");
    AUTO_X509 *x = draft(request, key);

    check(X509_set_issuer_name(x, X509_get_subject_name(x)));
    extend(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    extend(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(x, x, NID_subject_key_identifier, "hash");
    check(X509_sign(x, key, EVP_sha256()) > 0);
    print(x, key, ret);
}

/* Letters, digits, '-' and '.': as a name may stand in a certificate. */
static bool is_dns_name(const char *host)
{
    size_t len = strlen(host);

    return len > 0 && len <= 253 && host[0] != '.' &&
           strspn(host,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                  "0123456789-._") == len;
}

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, address) == 1 ||
           inet_pton(AF_INET6, host, address) == 1;
}

/* The hosts as OpenSSL's "DNS:localhost,IP:127.0.0.1". */
static int print_hosts(const struct certificate_request *request,
                       struct buffer *out,
                       struct why *why)
{
    check(request->host_count > 0);
    check(request->host_count <= CERTIFICATE_HOSTS_MAX);
    for (size_t i = 0; i < request->host_count; i++) {
        const char *host = request->hosts[i];

        if (!is_address(host) && !is_dns_name(host)) {
            return why_set(why,
                           RC_MALFORMED,
                           "'%s' is neither a host name nor an address",
                           host);
        }
        buffer_printf(out,
                      "%s%s:%s",
                      i == 0 ? "" : ",",
                      is_address(host) ? "IP" : "DNS",
                      host);
    }
    buffer_u8(out, 0);
    check(!out->overflowed);
    return 0;
}

static void complete(X509 *x, X509 *ca, EVP_PKEY *ca_key, const char *hosts)
{
    check(X509_set_issuer_name(x, X509_get_subject_name(ca)));
    extend(x, ca, NID_basic_constraints, "critical,CA:FALSE");
    extend(x, ca, NID_key_usage, "critical,digitalSignature");
    extend(x, ca, NID_ext_key_usage, "serverAuth");
    extend(x, ca, NID_subject_key_identifier, "hash");
    extend(x, ca, NID_authority_key_identifier, "keyid");
    extend(x, ca, NID_subject_alt_name, hosts);
    check(X509_sign(x, ca_key, EVP_sha256()) > 0);
}

int certificate_issue(const struct certificate_request *request,
                      const struct certificate *authority,
                      struct certificate *ret,
                      struct why *why)
{
    AUTO_X509 *ca = read_certificate(buffer_view(&authority->pem));
    AUTO_KEY *ca_key = read_key(buffer_view(&authority->key_pem));
    CLEANUP(buffer_done) struct buffer hosts;
    int rc;

    buffer_init(&hosts, CERTIFICATE_HOSTS_MAX * 300);
    if (ca == NULL || ca_key == NULL || !X509_check_private_key(ca, ca_key)) {
        ERR_clear_error();
        return why_set(why,
                       RC_MALFORMED,
                       "the authority's certificate and key cannot be read or "
                       "do not fit each other");
    }
    rc = print_hosts(request, &hosts, why);
    if (rc == 0) {
        AUTO_KEY *key = EVP_EC_gen("P-256");
        AUTO_X509 *x = draft(request, key);

        complete(x, ca, ca_key, (const char *)hosts.data);
        print(x, key, ret);
    }
    return rc;
}

static bool holds(X509 *x, const char *host)
{
    return is_address(host) ? X509_check_ip_asc(x, host, 0) == 1
                            : X509_check_host(x, host, 0, 0, NULL) == 1;
}

bool certificate_serves(const struct certificate *c,
                        struct bytes authority_pem,
                        const struct certificate_request *request,
                        uint64_t at_s)
{
    AUTO_X509 *x = read_certificate(buffer_view(&c->pem));
    AUTO_KEY *key = read_key(buffer_view(&c->key_pem));
    AUTO_X509 *ca = read_certificate(authority_pem);
    time_t at = (time_t)at_s;
    bool good = x != NULL && key != NULL && ca != NULL &&
                X509_check_private_key(x, key) == 1 &&
                X509_verify(x, X509_get0_pubkey(ca)) == 1 &&
                X509_cmp_time(X509_get0_notBefore(x), &at) < 0 &&
                X509_cmp_time(X509_get0_notAfter(x), &at) > 0;

    for (size_t i = 0; good && i < request->host_count; i++) {
        good = holds(x, request->hosts[i]);
    }
    ERR_clear_error();
    return good;
}
