/* Files as operators write them, right and wrong; the sentence is what they
 * see. */
#include "src/settings_file.h"

#include "src/io/file.h"
#include "tests/lib/tap.h"

#define ISSUER "weirpublic1_6HrQEWB3KvbG0tdP-dFBm1JvUHA7h6k8rGNpJ8ijDS8"

static int parse(struct settings *s, const char *text, struct why *why)
{
    settings_init(s);
    return settings_file_parse(s, "weir.conf", bytes_text(text), why);
}

static void expect_refused(const char *text, const char *sentence)
{
    struct settings s;
    struct why why;

    tap_check(parse(&s, text, &why) != 0);
    tap_equal_text(bytes_text(why.text), sentence);
    settings_done(&s);
}

TAP_CASE(settings_file_of_nothing_has_the_default_namespace)
{
    struct settings s;

    tap_equal(parse(&s, "", NULL), 0);
    tap_equal(s.namespace_count, 1);
    tap_equal_text(bytes_text(s.namespaces[0].name), "default");
    settings_done(&s);
}

TAP_CASE(settings_file_sets_what_it_says)
{
    struct settings s;
    struct why why;
    int rc = parse(&s,
                   "data_dir = /tmp/x # here\n"
                   "limits { body_bytes_max = 1M; idle_timeout = 5min }\n"
                   "limits.head_bytes_max = 16K\n"
                   "keys { issuers = [" ISSUER "] }\n"
                   "cors { allowed_origins = [\"https://a.example\", "
                   "\"https://b.example:8443\"] }\n"
                   "namespace \"orders\" { durability = disk }\n"
                   "namespace news { }\n",
                   &why);

    tap_equal(rc, 0);
    tap_equal_text(bytes_text(s.data_dir), "/tmp/x");
    tap_equal(s.limits_body_bytes_max, 1024 * 1024);
    tap_equal(s.limits_head_bytes_max, 16384);
    tap_equal(s.limits_idle_timeout_ms, 300000);
    tap_equal(s.keys_issuers.count, 1);
    tap_equal_text(bytes_text(s.cors_allowed_origins.items[1]),
                   "https://b.example:8443");
    tap_equal(s.namespace_count, 2);
    tap_equal_text(bytes_text(s.namespaces[0].name), "orders");
    tap_equal_text(bytes_text(s.namespaces[1].name), "news");
    settings_done(&s);
}

TAP_CASE(settings_file_names_file_line_and_setting)
{
    expect_refused("\n\nlimits {\n  body_bytes_max = 9G\n}\n",
                   "weir.conf:4: limits.body_bytes_max: 9G is larger than 64M");
    expect_refused("limits.body_bytes_max = 9G",
                   "weir.conf:1: limits.body_bytes_max: 9G is larger than 64M");
}

TAP_CASE(settings_file_refuses_settings_that_there_are_not)
{
    expect_refused("limit = 1", "weir.conf:1: there is no setting 'limit'");
    expect_refused("limits {\n shards = 1\n}",
                   "weir.conf:2: there is no setting 'limits.shards'");
    expect_refused("namespace a { shards = 1 }",
                   "weir.conf:1: there is no setting 'shards' of a namespace");
}

TAP_CASE(settings_file_refuses_sections_that_there_are_not)
{
    expect_refused("limit { }", "weir.conf:1: there is no section 'limit'");
    expect_refused("lim { }", "weir.conf:1: there is no section 'lim'");
    expect_refused("shards { }", "weir.conf:1: there is no section 'shards'");
    expect_refused("limits x { }",
                   "weir.conf:1: there is no section 'limits' with a title");
    expect_refused("limits { limits { } }",
                   "weir.conf:1: there is no section 'limits'");
    expect_refused("namespace a { limits { } }",
                   "weir.conf:1: there is no section 'limits' in a namespace");
    expect_refused("limits { namespace a { } }",
                   "weir.conf:1: there is no section 'namespace' with a title");
}

TAP_CASE(settings_file_refuses_a_setting_twice)
{
    expect_refused("shards = 1\nshards = 1\n",
                   "weir.conf:2: shards: already set in line 1");
    expect_refused("log.age_max = 1h\nlog { bytes_max = 1G\nage_max = 2h }",
                   "weir.conf:3: log.age_max: already set in line 1");
    expect_refused("namespace a { durability = disk\ndurability = disk }",
                   "weir.conf:2: durability: already set in line 1");
}

TAP_CASE(settings_file_lets_each_namespace_set_the_same)
{
    struct settings s;

    tap_equal(parse(&s,
                    "namespace a { durability = disk }\n"
                    "namespace b { durability = disk }\n",
                    NULL),
              0);
    tap_equal(s.namespace_count, 2);
    settings_done(&s);
}

TAP_CASE(settings_file_refuses_namespaces_that_cannot_be)
{
    expect_refused("namespace { }",
                   "weir.conf:1: a namespace needs its name: namespace "
                   "\"default\" { }");
    expect_refused("namespace a { }\nnamespace a { }",
                   "weir.conf:2: namespace 'a' is there twice");
    expect_refused("namespace \"a b\" { }",
                   "weir.conf:1: 'a b' is not the name of a namespace: 1 to 50 "
                   "letters, digits and '-', no '-' at either end");
    expect_refused("namespace a { durability = tape }",
                   "weir.conf:1: durability: 'tape' is not one of: quorum "
                   "disk memory");
    expect_refused("namespace a { replay = 25h }",
                   "weir.conf:1: replay: 25h is larger than 1d");
}

TAP_CASE(settings_file_refuses_lists_where_one_value_belongs)
{
    expect_refused("shards = [1]",
                   "weir.conf:1: shards: expects one value, not a list");
    expect_refused("listen = []",
                   "weir.conf:1: listen: expects one value, not a list");
}

TAP_CASE(settings_file_takes_one_value_for_a_list)
{
    struct settings s;

    tap_equal(parse(&s, "cors.allowed_origins = https://a.example", NULL), 0);
    tap_equal(s.cors_allowed_origins.count, 1);
    settings_done(&s);
}

TAP_CASE(settings_file_refuses_grammar_with_its_line)
{
    expect_refused("shards = 1\n}\n", "weir.conf:2: '}' ends no section");
}

TAP_CASE(settings_file_refuses_tls_without_certificate_or_key)
{
    expect_refused("\ntls.listen = 127.0.0.1:8443\ntls.key = k\n",
                   "weir.conf:2: tls.listen: needs tls.certificate and "
                   "tls.key");
    expect_refused("tls.listen = 127.0.0.1:8443\ntls.certificate = c\n",
                   "weir.conf:1: tls.listen: needs tls.certificate and "
                   "tls.key");
}

TAP_CASE(settings_file_refuses_a_part_of_a_cluster)
{
    struct settings s;

    expect_refused("\ncluster.listen = 127.0.0.1:7946",
                   "weir.conf:2: cluster.listen: needs cluster.secret_file; "
                   "'weir key secret' makes a secret");
    expect_refused("cluster.join = [192.0.2.1:7946]",
                   "weir.conf:1: cluster.join: needs cluster.listen");
    expect_refused("cluster { advertise = 192.0.2.1:7946 }",
                   "weir.conf:1: cluster.advertise: needs cluster.listen");
    expect_refused("\n\ncluster.secret_file = secret",
                   "weir.conf:3: cluster.secret_file: needs cluster.listen");
    expect_refused("cluster.urls = http://a.example",
                   "weir.conf:1: cluster.urls: needs cluster.listen");
    tap_equal(parse(&s,
                    "cluster { listen = 127.0.0.1:7946; secret_file = s\n"
                    "urls = [http://a.example, \"https://[2001:db8::1]\"] }",
                    NULL),
              0);
    settings_done(&s);
}

TAP_CASE(settings_file_refuses_urls_that_are_none)
{
    expect_refused("cluster { listen = 127.0.0.1:7946; secret_file = s\n"
                   "urls = [http://a.example, b.example] }",
                   "weir.conf:2: cluster.urls: 'b.example' is not a server's "
                   "URL: it must begin with http://, https://, ws:// or "
                   "wss://");
}

TAP_CASE(settings_file_refuses_a_timeout_before_the_keepalive)
{
    expect_refused("websocket.keepalive = 300s",
                   "weir.conf:1: websocket.timeout: must be longer than "
                   "websocket.keepalive");
    expect_refused("\nwebsocket.timeout = 25s",
                   "weir.conf:2: websocket.timeout: must be longer than "
                   "websocket.keepalive");
}

TAP_CASE(settings_file_refuses_issuers_that_are_no_keys)
{
    expect_refused("keys.issuers = [\"" ISSUER "\", \"x\"]",
                   "weir.conf:1: keys.issuers: item 2: not an issuer's public "
                   "key: weirpublic1_ and 43 characters");
    expect_refused("keys.issuers = weirsecret1_x",
                   "weir.conf:1: keys.issuers: item 1: this is an issuer's "
                   "secret; a node needs the public key, which begins with "
                   "weirpublic1_");
}

TAP_CASE(settings_file_refuses_what_is_not_utf_8)
{
    expect_refused("shards = 1\ndata_dir = \"\xff\"\n",
                   "weir.conf:2: not UTF-8 text");
}

TAP_CASE(settings_file_reads_a_file_and_says_which_is_not_there)
{
    char path[FILE_PATH_BYTES_MAX];
    struct settings s;
    struct why why;

    tap_equal(file_join(tap_temp_dir(), "a.conf", path, NULL), 0);
    tap_equal(file_write(path, 0600, bytes_text("shards = 3\n"), NULL), 0);
    settings_init(&s);
    tap_equal(settings_file_read(&s, path, &why), 0);
    tap_equal(s.shards, 3);
    tap_equal(settings_file_read(&s, "/no/such.conf", &why), RC_NOT_FOUND);
    tap_check(strstr(why.text, "'/no/such.conf'") != NULL);
    settings_done(&s);
}

TAP_MAIN()
