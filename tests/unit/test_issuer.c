/* Pairs that are made, read back, and refused when they are not whole. */
#include "src/io/issuer.h"

#include "src/io/file.h"
#include "tests/lib/tap.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

static void at(const char *name, char *ret)
{
    tap_equal(file_join(tap_temp_dir(), name, ret, NULL), 0);
}

TAP_CASE(issuer_create_makes_a_secret_and_its_public_key)
{
    char path[FILE_PATH_BYTES_MAX];
    char public_path[FILE_PATH_BYTES_MAX];
    uint8_t secret[ISSUER_SECRET_BYTES];
    uint8_t public_key[ISSUER_PUBLIC_BYTES];
    uint8_t derived[ISSUER_PUBLIC_BYTES];
    struct stat found;
    struct why why;

    at("made", path);
    at("made.pub", public_path);
    tap_equal(issuer_create(path, &why), 0);
    tap_equal(issuer_read_secret(path, secret, &why), 0);
    tap_equal(issuer_read_public(public_path, public_key, &why), 0);
    tap_equal(crypto_sign_ed25519_sk_to_pk(derived, secret), 0);
    tap_equal(memcmp(derived, public_key, sizeof(derived)), 0);
    tap_equal(stat(path, &found), 0);
    tap_equal(found.st_mode & 0777, 0600);
}

TAP_CASE(issuer_create_keeps_what_is_there)
{
    char path[FILE_PATH_BYTES_MAX];
    char public_path[FILE_PATH_BYTES_MAX];
    uint8_t before[ISSUER_SECRET_BYTES];
    uint8_t after[ISSUER_SECRET_BYTES];
    struct why why;

    at("kept", path);
    at("kept.pub", public_path);
    tap_equal(issuer_create(path, &why), 0);
    tap_equal(issuer_read_secret(path, before, &why), 0);
    tap_equal(issuer_create(path, &why), RC_EXISTS);
    tap_equal(remove(public_path), 0);
    tap_equal(issuer_create(path, &why), RC_EXISTS);
    tap_equal(issuer_read_secret(path, after, &why), 0);
    tap_equal(memcmp(before, after, sizeof(before)), 0);
}

TAP_CASE(issuer_text_comes_back_as_it_was)
{
    uint8_t key[ISSUER_PUBLIC_BYTES];
    uint8_t again[ISSUER_PUBLIC_BYTES];
    char text[ISSUER_PUBLIC_TEXT_BYTES];

    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t)(255 - i * 7);
    }
    issuer_print(key, text);
    tap_equal(strlen(text), ISSUER_PUBLIC_TEXT_BYTES - 1);
    tap_equal(issuer_parse(bytes_text(text), again, NULL), 0);
    tap_equal(memcmp(key, again, sizeof(key)), 0);
}

TAP_CASE(issuer_parse_refuses_every_shortened_text)
{
    uint8_t key[ISSUER_PUBLIC_BYTES] = {1};
    uint8_t again[ISSUER_PUBLIC_BYTES];
    char text[ISSUER_PUBLIC_TEXT_BYTES + 1];

    issuer_print(key, text);
    for (size_t len = 0; len < ISSUER_PUBLIC_TEXT_BYTES - 1; len++) {
        tap_equal(issuer_parse(bytes_of(text, len), again, NULL), RC_MALFORMED);
    }
    text[ISSUER_PUBLIC_TEXT_BYTES - 1] = 'A';
    tap_equal(
        issuer_parse(bytes_of(text, ISSUER_PUBLIC_TEXT_BYTES), again, NULL),
        RC_MALFORMED);
    text[20] = '!';
    tap_equal(
        issuer_parse(bytes_of(text, ISSUER_PUBLIC_TEXT_BYTES - 1), again, NULL),
        RC_MALFORMED);
}

TAP_CASE(issuer_parse_warns_of_a_secret_in_the_wrong_place)
{
    uint8_t key[ISSUER_PUBLIC_BYTES];
    struct why why;

    tap_equal(issuer_parse(bytes_text("weirsecret1_AAAA"), key, &why),
              RC_MALFORMED);
    tap_check(strstr(why.text, "secret") != NULL);
    tap_check(strstr(why.text, "AAAA") == NULL);
}

TAP_CASE(issuer_read_secret_refuses_a_file_that_others_can_read)
{
    char path[FILE_PATH_BYTES_MAX];
    uint8_t secret[ISSUER_SECRET_BYTES];
    struct why why;

    at("open", path);
    tap_equal(issuer_create(path, &why), 0);
    tap_equal(chmod(path, 0640), 0);
    tap_equal(issuer_read_secret(path, secret, &why), RC_DENIED);
    tap_check(strstr(why.text, "chmod 600") != NULL);
}

TAP_CASE(issuer_read_secret_refuses_a_public_key)
{
    char path[FILE_PATH_BYTES_MAX];
    uint8_t secret[ISSUER_SECRET_BYTES];
    struct why why;

    at("public", path);
    tap_equal(
        file_write(path,
                   0600,
                   bytes_text("weirpublic1_"
                              "6HrQEWB3KvbG0tdP-dFBm1JvUHA7h6k8rGNpJ8ijDS8"
                              "\n"),
                   NULL),
        0);
    tap_equal(issuer_read_secret(path, secret, &why), RC_MALFORMED);
    tap_equal(issuer_read_secret("/no/such", secret, &why), RC_NOT_FOUND);
}

TAP_MAIN()
