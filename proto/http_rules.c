/* The first rule that is broken gives the status and the reason. */
#include "proto/http_rules.h"

#include "base/check.h"

static void refuse(struct http_rules *rules, int status, const char *reason)
{
    if (rules->status == 0) {
        rules->status = status;
        rules->reason = reason;
    }
}

/* The bytes of a name or address (RFC 3986, 3.2.2), and of what stands between
 * brackets. */
static bool host_byte(uint8_t byte, bool bracketed)
{
    uint8_t letter = byte | 0x20;

    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') ||
           (bracketed && byte == ':') ||
           (byte != 0 && strchr("-._~%!$&'()*+,;=", byte) != NULL);
}

/* RFC 9110, 7.2: a host, which may be empty, and perhaps a port. */
static bool host_valid(struct bytes host)
{
    bool bracketed = host.len > 0 && host.data[0] == '[';
    size_t at = bracketed ? 1 : 0;

    while (at < host.len && host_byte(host.data[at], bracketed)) {
        at++;
    }
    if (bracketed) {
        if (at < 3 || at == host.len || host.data[at] != ']') {
            return false;
        }
        at++;
    }
    if (at < host.len && host.data[at] == ':') {
        at++;
        while (at < host.len && host.data[at] >= '0' && host.data[at] <= '9') {
            at++;
        }
    }
    return at == host.len;
}

/* Drop the scheme and authority of an absolute-form target, which must name a
 * host (RFC 9110, 4.2.1). */
static bool skip_origin(struct http_rules *rules, struct bytes *target)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(schemes[i]);
        size_t origin;

        if (target->len <= len ||
            !bytes_equal_nocase(bytes_of(target->data, len), schemes[i])) {
            continue;
        }
        origin = len;
        while (len < target->len && target->data[len] != '/' &&
               target->data[len] != '?') {
            len++;
        }
        if (!host_valid(bytes_of(target->data + origin, len - origin)) ||
            len == origin || target->data[origin] == ':') {
            refuse(rules, 400, "the request target names no host");
        }
        *target = bytes_from(*target, len);
        return true;
    }
    return false;
}

/* RFC 9112, 3.2: origin-form, absolute-form, or the "*" of OPTIONS. */
static void read_target(struct http_rules *rules,
                        struct bytes target,
                        bool options)
{
    bool absolute = skip_origin(rules, &target);
    bool star = options && bytes_equal_text(target, "*");
    size_t path_len = 0;

    if (memchr(target.data, '#', target.len) != NULL) {
        refuse(rules, 400, "the request target holds a fragment");
        return;
    }
    while (path_len < target.len && target.data[path_len] != '?') {
        path_len++;
    }
    rules->path = bytes_of(target.data, path_len);
    if (path_len < target.len) {
        rules->query = bytes_from(target, path_len + 1);
    }
    if (absolute && path_len == 0) {
        rules->path = bytes_text("/");
    } else if (!star && (path_len == 0 || target.data[0] != '/')) {
        refuse(rules, 400, "the request target is not a path");
    }
}

/* RFC 9110, 5.6.2: a bit for each byte below 128 that a token may hold. */
static const uint64_t token_bits[2] = {
    UINT64_C(0x03ff6cfa00000000), /* ! # $ % & ' * + - . 0-9 */
    UINT64_C(0x57ffffffc7fffffe), /* A-Z ^ _ ` a-z | ~ */
};

/* How many bytes of a token `text` begins with. */
static size_t token_len(struct bytes text)
{
    size_t len = 0;

    while (len < text.len && text.data[len] < 128 &&
           (token_bits[text.data[len] / 64] >> text.data[len] % 64 & 1) != 0) {
        len++;
    }
    return len;
}

static bool token_valid(struct bytes token)
{
    return token.len > 0 && token_len(token) == token.len;
}

/* Whether a request begins with a token where its method is. */
static bool has_method(struct bytes raw)
{
    size_t len;

    while (bytes_starts_with(raw, bytes_text("\r\n"))) {
        raw = bytes_from(raw, 2);
    }
    len = token_len(raw);
    return len > 0 && (len == raw.len || raw.data[len] == ' ');
}

/* llhttp also takes the protocols RTSP and ICE, spaces before the target, a
 * field without a name, in its loose mode a space in one, and CR LF CR as the
 * end. The raw bytes settle it. */
static void check_lines(struct http_rules *rules,
                        const struct http_head *head,
                        const struct http_rules_line *line)
{
    struct bytes raw = buffer_view(&head->raw);
    struct bytes version = bytes_from(raw, line->target_end);

    if (line->target < 2 || raw.data[line->target - 1] != ' ' ||
        raw.data[line->target - 2] == ' ' ||
        !bytes_starts_with(version, bytes_text(" HTTP/1."))) {
        refuse(rules, 400, "the request line is malformed");
    }
    for (size_t i = line->target; i < line->target_end; i++) {
        if (raw.data[i] <= ' ' || raw.data[i] >= 0x7f) {
            refuse(rules, 400, "the request target is not ASCII");
        }
    }
    if (raw.len < 4 || memcmp(raw.data + raw.len - 4, "\r\n\r\n", 4) != 0) {
        refuse(rules, 400, "the head does not end with an empty line");
    }
    for (size_t i = 0; i < head->field_count; i++) {
        struct bytes name;

        (void)http_head_at(head, i, &name);
        if (!token_valid(name) || raw.data[head->fields[i].name_end] != ':') {
            refuse(rules, 400, "a field's name is malformed");
        }
    }
}

static bool last_is_chunked(struct bytes codings)
{
    struct bytes coding = bytes_of(NULL, 0);

    while (codings.len > 0) {
        (void)bytes_split(&codings, ',', &coding);
    }
    return bytes_equal_nocase(bytes_trim(coding), "chunked");
}

/* RFC 9112, 6.1 and 6.3: one way to tell where the body ends, or none. Where
 * "chunked" is not the last coding, nobody can tell. */
static void check_framing(struct http_rules *rules,
                          const struct http_head *head,
                          unsigned version_minor)
{
    size_t codings = http_head_count(head, "transfer-encoding");
    size_t lengths = http_head_count(head, "content-length");
    struct bytes coding = http_head_find(head, "transfer-encoding");

    if (codings + lengths > 1) {
        refuse(rules, 400, "the body's length is told more than once");
    } else if (codings == 1 && version_minor == 0) {
        refuse(rules, 400, "HTTP/1.0 has no transfer codings");
    } else if (codings == 1 && !last_is_chunked(coding)) {
        refuse(rules, 400, "the last transfer coding is not chunked");
    } else if (codings == 1 && !bytes_equal_nocase(coding, "chunked")) {
        refuse(rules, 501, "no transfer coding but chunked is known");
    }
}

static void check_host(struct http_rules *rules,
                       const struct http_head *head,
                       unsigned version_minor)
{
    size_t hosts = http_head_count(head, "host");

    if (hosts > 1 || (hosts == 0 && version_minor > 0)) {
        refuse(rules, 400, "there must be exactly one Host field");
    } else if (!host_valid(http_head_find(head, "host"))) {
        refuse(rules, 400, "the Host field names no host");
    }
}

static void read_expect(struct http_rules *rules,
                        const struct http_head *head,
                        unsigned version_minor)
{
    for (size_t i = 0; i < head->field_count; i++) {
        struct bytes name;
        struct bytes value = http_head_at(head, i, &name);

        if (!bytes_equal_nocase(name, "expect")) {
            continue;
        }
        if (!bytes_equal_nocase(value, "100-continue")) {
            refuse(rules, 417, "the only expectation met is 100-continue");
        }
        /* RFC 9110, 10.1.1: ignored in HTTP/1.0. */
        rules->expects_continue = version_minor > 0;
    }
}

void http_rules_apply(const struct http_head *head,
                      const struct http_rules_line *line,
                      struct http_rules *ret)
{
    struct http_rules rules = {0};

    check(line->target <= line->target_end);
    check(line->target_end <= head->raw.len);
    check(line->version_minor <= 1);
    check_lines(&rules, head, line);
    check_framing(&rules, head, line->version_minor);
    check_host(&rules, head, line->version_minor);
    read_target(&rules,
                bytes_of(head->raw.data + line->target,
                         line->target_end - line->target),
                line->options);
    read_expect(&rules, head, line->version_minor);
    *ret = rules;
}

int http_rules_status(llhttp_errno_t error, struct bytes raw)
{
    if (error == HPE_INVALID_VERSION || error == HPE_PAUSED_H2_UPGRADE) {
        return 505;
    }
    return error == HPE_INVALID_METHOD && has_method(raw) ? 501 : 400;
}
