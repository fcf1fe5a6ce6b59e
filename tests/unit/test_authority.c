/* Keys are believed when an issuer we trust signed them, they hold now and not
 * a bit was changed; the cache changes none of that. */
#include "src/bridge/authority.h"
#include "tests/lib/tap.h"

#include <sodium.h>
#include <stdio.h>

#define NOW_S 1700000000

static const struct moment now = {.wall_ms = NOW_S * UINT64_C(1000)};

struct issuer {
    uint8_t public_key[32];
    uint8_t secret[64];
};

static struct issuer issuer_of(uint8_t number)
{
    uint8_t seed[32] = {number};
    struct issuer issuer;

    crypto_sign_seed_keypair(issuer.public_key, issuer.secret, seed);
    return issuer;
}

static struct channel_name grant_of(const char *text)
{
    struct channel_name name;

    tap_equal(channel_name_parse_grant(bytes_text(text), &name), RC_OK);
    return name;
}

static struct channel_name channel_of(const char *text)
{
    struct channel_name name;

    tap_equal(channel_name_parse_pattern(bytes_text(text), &name), RC_OK);
    return name;
}

static struct api_key key_named(const char *id)
{
    struct api_key key = {.publish_count = 1, .subscribe_count = 2};

    snprintf(key.id, sizeof(key.id), "%s", id);
    key.publish[0] = grant_of("/default/orders/*");
    key.subscribe[0] = grant_of("/default/a");
    key.subscribe[1] = grant_of("/default/b/*");
    return key;
}

/* The text of `key`, in memory that the next call uses again. */
static struct bytes text_of(struct api_key *key, const struct issuer *issuer)
{
    static struct buffer text;

    buffer_done(&text);
    buffer_init(&text, API_KEY_TEXT_BYTES_MAX);
    authority_sign(key, issuer->secret, &text);
    tap_check(!text.overflowed);
    return buffer_view(&text);
}

static int check_at(struct authority *a, uint64_t wall_s, struct bytes text)
{
    struct moment moment = {.wall_ms = wall_s * 1000};
    const struct api_key *key;

    return authority_check(a, moment, text, &key);
}

static struct authority *trusting(const struct issuer *issuer)
{
    struct authority *a = authority_new(1);

    tap_equal(authority_trust(a, issuer->public_key), RC_OK);
    return a;
}

TAP_CASE(a_key_of_a_trusted_issuer_is_believed_and_read)
{
    struct issuer issuer = issuer_of(1);
    struct authority *a = trusting(&issuer);
    struct api_key key = key_named("backend-1");
    const struct api_key *read = NULL;

    key.admin = true;
    tap_equal(authority_check(a, now, text_of(&key, &issuer), &read), RC_OK);

    tap_equal_text(bytes_text(read->id), "backend-1");
    tap_check(read->admin);
    tap_equal(read->publish_count, 1);
    tap_equal(read->subscribe_count, 2);
    tap_equal(memcmp(read->issuer, issuer.public_key, 32), 0);
    authority_free(a);
}

TAP_CASE(a_key_of_a_foreign_issuer_is_denied)
{
    struct issuer ours = issuer_of(1);
    struct issuer foreign = issuer_of(2);
    struct authority *a = trusting(&ours);
    struct api_key key = key_named("x");

    tap_equal(check_at(a, NOW_S, text_of(&key, &foreign)), RC_DENIED);
    authority_trust(a, foreign.public_key);
    tap_equal(check_at(a, NOW_S, text_of(&key, &foreign)), RC_OK);
    authority_free(a);
}

TAP_CASE(whoever_trusts_nobody_believes_nothing)
{
    struct issuer issuer = issuer_of(1);
    struct authority *a = authority_new(1);
    struct api_key key = key_named("x");

    tap_equal(check_at(a, NOW_S, text_of(&key, &issuer)), RC_DENIED);
    authority_free(a);
}

TAP_CASE(a_key_that_names_an_issuer_who_did_not_sign_it_is_denied)
{
    struct issuer ours = issuer_of(1);
    struct issuer foreign = issuer_of(2);
    struct authority *a = trusting(&ours);
    struct api_key key = key_named("x");

    /* The foreign secret with our public key as its second half. */
    memcpy(foreign.secret + 32, ours.public_key, 32);
    tap_equal(check_at(a, NOW_S, text_of(&key, &foreign)), RC_DENIED);
    authority_free(a);
}

TAP_CASE(changing_any_character_makes_a_key_worthless)
{
    struct issuer issuer = issuer_of(1);
    struct authority *a = trusting(&issuer);
    struct api_key key = key_named("x");
    struct bytes text = text_of(&key, &issuer);
    uint8_t changed[API_KEY_TEXT_BYTES_MAX];

    tap_equal(check_at(a, NOW_S, text), RC_OK);
    memcpy(changed, text.data, text.len);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t before = changed[i];
        int rc;

        changed[i] = before == 'A' ? 'B' : 'A';
        rc = check_at(a, NOW_S, bytes_of(changed, text.len));
        tap_check(rc == RC_DENIED || rc == RC_MALFORMED);
        changed[i] = before;
    }
    tap_equal(check_at(a, NOW_S, bytes_of(changed, text.len)), RC_OK);
    authority_free(a);
}

TAP_CASE(what_is_no_key_is_malformed)
{
    struct issuer issuer = issuer_of(1);
    struct authority *a = trusting(&issuer);
    struct api_key key = key_named("x");
    struct bytes text = text_of(&key, &issuer);
    static char long_text[API_KEY_TEXT_BYTES_MAX + 1] = "weir1_";

    memset(long_text + 6, 'A', sizeof(long_text) - 6);
    tap_equal(check_at(a, NOW_S, bytes_of(NULL, 0)), RC_MALFORMED);
    tap_equal(check_at(a, NOW_S, bytes_text("weir1_")), RC_MALFORMED);
    tap_equal(check_at(a, NOW_S, bytes_text("da2-abc")), RC_MALFORMED);
    tap_equal(check_at(a, NOW_S, bytes_of(text.data, text.len / 2)),
              RC_MALFORMED);
    tap_equal(check_at(a, NOW_S, bytes_of(long_text, sizeof(long_text))),
              RC_MALFORMED);
    authority_free(a);
}

TAP_CASE(a_failed_check_leaves_the_result_alone)
{
    struct authority *a = authority_new(1);
    const struct api_key *read = NULL;

    tap_equal(authority_check(a, now, bytes_text("no"), &read), RC_MALFORMED);
    tap_check(read == NULL);
    authority_free(a);
}

TAP_CASE(a_key_holds_from_its_first_second_to_the_one_before_its_last)
{
    struct issuer issuer = issuer_of(1);
    struct authority *a = trusting(&issuer);
    struct api_key key = key_named("x");
    struct bytes text;

    key.not_before_s = NOW_S;
    key.expires_s = NOW_S + 10;
    text = text_of(&key, &issuer);

    tap_equal(check_at(a, NOW_S - 1, text), RC_EXPIRED);
    tap_equal(check_at(a, NOW_S, text), RC_OK);
    tap_equal(check_at(a, NOW_S + 9, text), RC_OK);
    tap_equal(check_at(a, NOW_S + 10, text), RC_EXPIRED);
    tap_equal(check_at(a, NOW_S + 9, text), RC_OK);
    authority_free(a);
}

TAP_CASE(a_key_without_times_holds_for_ever)
{
    struct issuer issuer = issuer_of(1);
    struct authority *a = trusting(&issuer);
    struct api_key key = key_named("x");
    struct bytes text = text_of(&key, &issuer);

    tap_equal(check_at(a, 0, text), RC_OK);
    tap_equal(check_at(a, UINT32_MAX, text), RC_OK);
    authority_free(a);
}

TAP_CASE(an_expired_key_with_a_bad_signature_is_denied_not_expired)
{
    struct issuer ours = issuer_of(1);
    struct issuer foreign = issuer_of(2);
    struct authority *a = trusting(&ours);
    struct api_key key = key_named("x");

    key.expires_s = 1;
    tap_equal(check_at(a, NOW_S, text_of(&key, &foreign)), RC_DENIED);
    tap_equal(check_at(a, NOW_S, text_of(&key, &ours)), RC_EXPIRED);
    authority_free(a);
}

TAP_CASE(only_so_many_issuers_are_trusted_each_counted_once)
{
    struct authority *a = authority_new(1);
    uint8_t issuer[API_KEY_ISSUER_BYTES] = {0};

    for (unsigned i = 0; i < AUTHORITY_ISSUERS_MAX; i++) {
        issuer[0] = (uint8_t)i;
        tap_equal(authority_trust(a, issuer), RC_OK);
        tap_equal(authority_trust(a, issuer), RC_OK);
    }
    issuer[0] = AUTHORITY_ISSUERS_MAX;
    tap_equal(authority_trust(a, issuer), RC_TOO_LARGE);
    authority_free(a);
}

TAP_CASE(more_keys_than_are_remembered_are_all_believed)
{
    struct issuer issuer = issuer_of(1);
    struct authority *a = trusting(&issuer);

    for (unsigned i = 0; i < AUTHORITY_CACHE_MAX + 10; i++) {
        struct api_key key = {0};

        snprintf(key.id, sizeof(key.id), "key-%u", i);
        tap_equal(check_at(a, NOW_S, text_of(&key, &issuer)), RC_OK);
        snprintf(key.id, sizeof(key.id), "key-%u", i / 2);
        tap_equal(check_at(a, NOW_S, text_of(&key, &issuer)), RC_OK);
    }
    authority_free(a);
}

/* A good key's text with a signature that `number` made bad. */
static struct bytes bad_text_of(const struct issuer *issuer, unsigned number)
{
    static const char digits[] = "ABCDEFGHIJKLMNOP";
    static char bad[API_KEY_TEXT_BYTES_MAX];
    struct api_key key = key_named("x");
    struct bytes text = text_of(&key, issuer);

    memcpy(bad, text.data, text.len);
    for (int i = 0; i < 5; i++) {
        bad[text.len - 70 + (size_t)i] = digits[number >> 4 * i & 15];
    }
    return bytes_of(bad, text.len);
}

static int check_within(struct authority *a,
                        struct bytes text,
                        bool limited,
                        struct authority_cost *ret)
{
    const struct api_key *key;

    *ret = (struct authority_cost){.limited = limited};
    return authority_check_within(a, now, text, ret, &key);
}

TAP_CASE(a_bad_key_is_checked_once)
{
    struct issuer issuer = issuer_of(1);
    struct authority *a = trusting(&issuer);
    struct authority_cost cost;

    tap_equal(check_within(a, bad_text_of(&issuer, 1), false, &cost),
              RC_DENIED);
    tap_check(cost.checked && !cost.known);
    for (int i = 0; i < 3; i++) {
        tap_equal(check_within(a, bad_text_of(&issuer, 1), i == 2, &cost),
                  RC_DENIED);
        tap_check(!cost.checked && cost.known);
    }
    tap_equal(check_within(a, bad_text_of(&issuer, 2), false, &cost),
              RC_DENIED);
    tap_check(cost.checked && !cost.known);
    authority_free(a);
}

TAP_CASE(more_bad_keys_than_are_remembered_push_out_no_good_one)
{
    struct issuer issuer = issuer_of(1);
    struct authority *a = trusting(&issuer);
    struct api_key key = key_named("good");
    struct authority_cost cost;

    tap_equal(check_within(a, text_of(&key, &issuer), false, &cost), RC_OK);
    tap_check(cost.checked);
    for (unsigned i = 0; i < AUTHORITY_CACHE_MAX + 10; i++) {
        tap_equal(check_at(a, NOW_S, bad_text_of(&issuer, i)), RC_DENIED);
    }
    tap_equal(check_within(a, text_of(&key, &issuer), true, &cost), RC_OK);
    tap_check(!cost.checked);
    tap_equal(check_within(a, bad_text_of(&issuer, 0), false, &cost),
              RC_DENIED);
    tap_check(cost.checked);
    authority_free(a);
}

TAP_CASE(under_a_limit_only_what_is_known_is_believed)
{
    struct issuer issuer = issuer_of(1);
    struct issuer foreign = issuer_of(2);
    struct authority *a = trusting(&issuer);
    struct api_key key = key_named("good");
    struct authority_cost cost;

    tap_equal(check_within(a, text_of(&key, &issuer), true, &cost), RC_BUSY);
    tap_check(!cost.checked && !cost.known);
    tap_equal(check_within(a, text_of(&key, &issuer), false, &cost), RC_OK);
    tap_equal(check_within(a, text_of(&key, &issuer), true, &cost), RC_OK);
    /* What is bad without a look at the signature is told all the same. */
    tap_equal(check_within(a, text_of(&key, &foreign), true, &cost), RC_DENIED);
    tap_equal(check_within(a, bytes_text("no key"), true, &cost), RC_MALFORMED);
    authority_free(a);
}

TAP_CASE(rights_are_apart_and_cover_what_their_patterns_do)
{
    struct api_key key = key_named("x");
    struct channel_name order = channel_of("/default/orders/1");
    struct channel_name orders = channel_of("/default/orders/*");
    struct channel_name all = channel_of("/default/*");
    struct channel_name a = channel_of("/default/a");
    struct channel_name below_a = channel_of("/default/a/1");
    struct channel_name below_b = channel_of("/default/b/1");

    tap_check(authority_covers(&key, AUTHORITY_PUBLISH, &order));
    tap_check(!authority_covers(&key, AUTHORITY_SUBSCRIBE, &order));
    tap_check(authority_covers(&key, AUTHORITY_PUBLISH, &orders));
    tap_check(!authority_covers(&key, AUTHORITY_PUBLISH, &all));
    tap_check(authority_covers(&key, AUTHORITY_SUBSCRIBE, &a));
    tap_check(!authority_covers(&key, AUTHORITY_PUBLISH, &a));
    tap_check(!authority_covers(&key, AUTHORITY_SUBSCRIBE, &below_a));
    tap_check(authority_covers(&key, AUTHORITY_SUBSCRIBE, &below_b));
}

TAP_CASE(the_star_alone_covers_every_channel)
{
    struct api_key key = {.publish_count = 1};
    struct channel_name all = channel_of("/other/*");

    key.publish[0] = grant_of("/*");
    tap_check(authority_covers(&key, AUTHORITY_PUBLISH, &all));
    tap_check(!authority_covers(&key, AUTHORITY_SUBSCRIBE, &all));
}

TAP_CASE(being_an_admin_is_not_a_right_to_channels)
{
    struct api_key key = {.admin = true};
    struct channel_name name = channel_of("/default/a");

    tap_check(!authority_covers(&key, AUTHORITY_PUBLISH, &name));
    tap_check(!authority_covers(&key, AUTHORITY_SUBSCRIBE, &name));
}

TAP_CASE(a_key_too_large_for_its_text_is_not_signed)
{
    struct issuer issuer = issuer_of(1);
    struct api_key key = {.publish_count = API_KEY_GRANTS_MAX,
                          .subscribe_count = API_KEY_GRANTS_MAX};
    char long_name[CHANNEL_NAME_BYTES_MAX + 1] = "";
    struct buffer text;

    for (int i = 0; i < CHANNEL_NAME_SEGMENTS_MAX; i++) {
        snprintf(long_name + 51 * i, 52, "/%050d", i);
    }
    for (size_t i = 0; i < API_KEY_GRANTS_MAX; i++) {
        key.publish[i] = grant_of(long_name);
        key.subscribe[i] = grant_of(long_name);
    }
    snprintf(key.id, sizeof(key.id), "large");
    buffer_init(&text, API_KEY_TEXT_BYTES_MAX);
    authority_sign(&key, issuer.secret, &text);

    tap_check(text.overflowed);
    tap_equal(text.len, 0);
    buffer_done(&text);
}

TAP_CASE(free_accepts_null)
{
    authority_free(NULL);
    tap_check(true);
}

TAP_MAIN()
