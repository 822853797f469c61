/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/cert.h"
#include "crypto/digest.h"
#include "handshake.h"
#include "hooks/env.h"

#define expect_log(text) cr_assert_not_null(strstr(scene_log(), text), "log lacks '%s':\n%s", text, scene_log())
#define refuse_log(text) cr_assert_null(strstr(scene_log(), text), "log has '%s':\n%s", text, scene_log())

static char server_subject[] = "C=DE, O=Spec Org, CN=server1";

Test(verify, a_valid_pair_is_accepted)
{
    struct scene s;
    scene_open(&s);
    cr_assert(scene_handshake(&s), "%s", scene_log());
    cr_assert(auth_peer_has_certificate(s.seen_by_server));
    cr_assert_str_eq(auth_peer_common_name(s.seen_by_server), "client1");
    cr_assert_str_eq(auth_peer_subject(s.seen_by_server, 0), "C=DE, O=Spec Org, OU=unit, CN=client1");
    cr_assert_str_eq(auth_peer_subject(s.seen_by_server, 1), "C=DE, O=Spec Org, CN=TestCA");
    cr_assert_eq(auth_peer_depth(s.seen_by_server), 2);
    cr_assert_null(auth_peer_fingerprint(s.seen_by_server, 2));
    cr_assert_gt(auth_peer_expires(s.seen_by_server), 0);
    expect_log("VERIFY OK: depth=1, C=DE, O=Spec Org, CN=TestCA\n");
    expect_log("10.0.0.1:5000 VERIFY OK: depth=0, C=DE, O=Spec Org, OU=unit, CN=client1\n");
    scene_close(&s);
}

Test(verify, facts_for_hooks)
{
    struct scene s;
    struct env env = {0};
    char fingerprint[DIGEST_TEXT_MAX];
    scene_open(&s);
    test_cert_free(&s.client);
    s.client = test_cert_make(&s.ca, &(struct test_cert_plan){.subject = "OU=one,OU=two,CN=c", .serial = 256 + 7});
    scene_use(&s, &s.client_config, &s.client);
    cr_assert(scene_handshake(&s));
    auth_peer_export(s.seen_by_server, 0, &env);
    cr_assert_str_eq(env_get(&env, "common_name"), "c");
    cr_assert_str_eq(env_get(&env, "X509_0_OU"), "one");
    cr_assert_str_eq(env_get(&env, "X509_0_OU_1"), "two");
    cr_assert_str_eq(env_get(&env, "X509_1_CN"), "TestCA");
    cr_assert_str_eq(env_get(&env, "tls_id_0"), "OU=one, OU=two, CN=c");
    cr_assert_str_eq(env_get(&env, "tls_serial_0"), "263");
    cr_assert_str_eq(env_get(&env, "tls_serial_hex_0"), "01:07");
    digest_format(auth_peer_fingerprint(s.seen_by_server, 0), 32, fingerprint);
    cr_assert_str_eq(env_get(&env, "tls_digest_sha256_0"), fingerprint);
    cr_assert_eq(strlen(env_get(&env, "tls_digest_1")), 59);
    cr_assert_null(auth_peer_pem(s.seen_by_server, 0));
    env_free(&env);
    auth_peer_export(s.seen_by_server, 1, &env);
    cr_assert_null(env_get(&env, "tls_id_0"));
    cr_assert_not_null(env_get(&env, "tls_id_1"));
    env_free(&env);
    scene_close(&s);
}

Test(verify, x509_track_limits_what_is_exported)
{
    struct scene s;
    struct env env = {0};
    static char ou[] = "OU", cn[] = "CN", sha1[] = "SHA1", ku[] = "keyUsage";
    struct config_x509_track items[] = {{ou, false}, {cn, true}, {sha1, false}, {ku, false}};
    scene_open(&s);
    s.server_config.x509_track = (struct config_x509_track_list){items, 4, 4};
    s.server_config.tls_export_cert = (char[]){"/tmp"};
    cr_assert(scene_handshake(&s));
    auth_peer_export(s.seen_by_server, 0, &env);
    cr_assert_str_eq(env_get(&env, "X509_0_OU"), "unit");
    cr_assert_str_eq(env_get(&env, "X509_1_CN"), "TestCA");
    cr_assert_str_eq(env_get(&env, "X509_0_keyUsage"), "Digital Signature");
    cr_assert_str_eq(env_get(&env, "X509_0_SHA1"), env_get(&env, "tls_digest_0"));
    cr_assert_null(env_get(&env, "X509_0_C"));
    cr_assert_null(env_get(&env, "X509_1_O"));
    cr_assert_eq(strncmp(auth_peer_pem(s.seen_by_server, 0), "-----BEGIN CERTIFICATE-----", 27), 0);
    env_free(&env);
    scene_close(&s);
}

static void expect_client_certificate(const struct test_cert_plan *plan, bool accepted, const char *log_text)
{
    struct scene s;
    scene_open(&s);
    test_cert_free(&s.client);
    s.client = test_cert_make(&s.ca, plan);
    scene_use(&s, &s.client_config, &s.client);
    cr_assert_eq(scene_handshake(&s), accepted, "%s", scene_log());
    cr_assert_eq(auth_peer_has_certificate(s.seen_by_server), accepted);
    if (log_text) {
        expect_log(log_text);
    }
    scene_close(&s);
}

Test(verify, expired_and_future_certificates)
{
    expect_client_certificate(&(struct test_cert_plan){.subject = "CN=old", .from_s = -7200, .until_s = -3600,
                                                       .serial = 77},
                              false, "VERIFY ERROR: depth=0, error=certificate has expired: CN=old, serial=77\n");
    expect_client_certificate(&(struct test_cert_plan){.subject = "CN=new", .from_s = 7200, .until_s = 9000}, false,
                              "VERIFY ERROR: depth=0, error=certificate is not yet valid: CN=new");
}

Test(verify, unusable_common_names)
{
    static const char long_name[] = "12345678901234567890123456789012345678901234567890123456789012345";
    expect_client_certificate(&(struct test_cert_plan){.subject = "O=no name"}, false,
                              "VERIFY ERROR: could not extract CN from X509 subject string ('O=no name')");
    expect_client_certificate(&(struct test_cert_plan){.cn_bytes = long_name, .cn_len = 65}, false,
                              "could not extract CN from X509 subject string");
    expect_client_certificate(&(struct test_cert_plan){.cn_bytes = long_name, .cn_len = 64}, true, NULL);
    expect_client_certificate(&(struct test_cert_plan){.cn_bytes = "admin\0.evil", .cn_len = 11}, false,
                              "VERIFY ERROR");
    expect_client_certificate(&(struct test_cert_plan){.cn_bytes = "", .cn_len = 0}, false, "VERIFY ERROR");
}

Test(verify, control_characters_in_names_are_replaced)
{
    struct scene s;
    scene_open(&s);
    test_cert_free(&s.client);
    s.client = test_cert_make(&s.ca, &(struct test_cert_plan){.cn_bytes = "a\nb\x7f" "c", .cn_len = 5});
    scene_use(&s, &s.client_config, &s.client);
    cr_assert(scene_handshake(&s));
    cr_assert_str_eq(auth_peer_common_name(s.seen_by_server), "a_b_c");
    cr_assert_str_eq(auth_peer_subject(s.seen_by_server, 0), "CN=a\\0Ab\\7Fc");
    scene_close(&s);
}

Test(verify, another_authority_is_refused)
{
    struct scene s;
    scene_open(&s);
    struct test_cert other = test_cert_make(NULL, &(struct test_cert_plan){.subject = "CN=Other CA", .ca = true});
    test_cert_free(&s.client);
    s.client = test_cert_make(&other, &(struct test_cert_plan){.subject = "CN=client1"});
    scene_use(&s, &s.client_config, &s.client);
    cr_assert_not(scene_handshake(&s));
    expect_log("VERIFY ERROR: depth=0, error=unable to get local issuer certificate: CN=client1, serial=");
    test_cert_free(&other);
    scene_close(&s);
}

Test(verify, chain_through_an_intermediate)
{
    struct scene s;
    scene_open(&s);
    struct test_cert sub = test_cert_make(&s.ca, &(struct test_cert_plan){.subject = "CN=Sub CA", .ca = true});
    test_cert_free(&s.client);
    s.client = test_cert_make(&sub, &(struct test_cert_plan){.subject = "CN=deep"});
    scene_use(&s, &s.client_config, &s.client);
    cr_assert_not(scene_handshake(&s));
    s.client_config.extra_certs = test_inline(scene_keep(&s, test_cert_pem(&sub)));
    cr_assert(scene_handshake(&s), "%s", scene_log());
    cr_assert_eq(auth_peer_depth(s.seen_by_server), 3);
    test_cert_free(&sub);
    scene_close(&s);
}

Test(verify, remote_cert_tls)
{
    struct scene s;
    scene_open(&s);
    s.client_config.remote_cert_tls = CONFIG_PEER_SERVER;
    s.server_config.remote_cert_tls = CONFIG_PEER_CLIENT;
    cr_assert(scene_handshake(&s), "%s", scene_log());
    expect_log("VERIFY KU OK\n");
    expect_log("++ Certificate has EKU (str) TLS Web Server Authentication, expects TLS Web Server Authentication\n");
    expect_log("VERIFY EKU OK\n");
    s.server_config.remote_cert_tls = CONFIG_PEER_SERVER;
    cr_assert_not(scene_handshake(&s));
    expect_log("VERIFY EKU ERROR\n");
    scene_close(&s);
}

Test(verify, remote_cert_tls_wants_key_usage)
{
    struct scene s;
    scene_open(&s);
    test_cert_free(&s.client);
    s.client = test_cert_make(&s.ca, &(struct test_cert_plan){.subject = "CN=c",
                                                              .extensions = {"extendedKeyUsage=clientAuth"}});
    scene_use(&s, &s.client_config, &s.client);
    s.server_config.remote_cert_tls = CONFIG_PEER_CLIENT;
    cr_assert_not(scene_handshake(&s));
    expect_log("VERIFY KU ERROR\n");
    scene_close(&s);
}

Test(verify, remote_cert_ku_values)
{
    struct scene s;
    scene_open(&s);
    s.client_config.remote_cert_ku = (struct config_key_usage){.required = true, .count = 2, .values = {0x20, 0x80}};
    cr_assert(scene_handshake(&s));
    s.client_config.remote_cert_ku = (struct config_key_usage){.required = true, .count = 2, .values = {0xa0, 0x08}};
    cr_assert_not(scene_handshake(&s));
    expect_log("ERROR: Certificate has key usage 0080, expected");
    s.client_config.remote_cert_ku = (struct config_key_usage){.required = true};
    cr_assert(scene_handshake(&s));
    scene_close(&s);
}

Test(verify, remote_cert_eku_by_oid_or_name)
{
    struct scene s;
    scene_open(&s);
    s.client_config.remote_cert_eku = (char[]){"1.3.6.1.5.5.7.3.1"};
    cr_assert(scene_handshake(&s));
    s.client_config.remote_cert_eku = (char[]){"TLS Web Server Authentication"};
    cr_assert(scene_handshake(&s));
    s.client_config.remote_cert_eku = (char[]){"1.2.3.4"};
    cr_assert_not(scene_handshake(&s));
    expect_log("++ Certificate has EKU (oid) 1.3.6.1.5.5.7.3.1, expects 1.2.3.4\n");
    scene_close(&s);
}

Test(verify, ns_cert_type)
{
    struct scene s;
    scene_open(&s);
    s.client_config.ns_cert_type = CONFIG_PEER_SERVER;
    cr_assert(scene_handshake(&s), "%s", scene_log());
    expect_log("VERIFY OK: nsCertType=SERVER\n");
    s.client_config.ns_cert_type = CONFIG_PEER_CLIENT;
    cr_assert_not(scene_handshake(&s));
    expect_log("VERIFY nsCertType ERROR: C=DE, O=Spec Org, CN=server1, require nsCertType=CLIENT\n");
    scene_close(&s);
}

static void check_name(const char *name, enum config_name_check check, bool accepted)
{
    struct scene s;
    char copy[128];
    snprintf(copy, sizeof(copy), "%s", name);
    scene_open(&s);
    s.client_config.verify_x509_name = (struct config_verify_name){copy, check};
    cr_assert_eq(scene_handshake(&s), accepted, "%s\n%s", name, scene_log());
    expect_log(accepted ? "VERIFY X509NAME OK: C=DE, O=Spec Org, CN=server1\n"
                        : "VERIFY X509NAME ERROR: C=DE, O=Spec Org, CN=server1, must be ");
    scene_close(&s);
}

Test(verify, verify_x509_name_kinds)
{
    check_name(server_subject, CONFIG_NAME_SUBJECT, true);
    check_name("server1", CONFIG_NAME_SUBJECT, false);
    check_name("server1", CONFIG_NAME_EXACT, true);
    check_name("Server1", CONFIG_NAME_EXACT, false);
    check_name("server", CONFIG_NAME_EXACT, false);
    check_name("server", CONFIG_NAME_PREFIX, true);
    check_name("server11", CONFIG_NAME_PREFIX, false);
}

Test(verify, username_fields)
{
    struct scene s;
    static char mail[] = "ext:subjectAltName", serial[] = "serialNumber", ou[] = "OU", oid[] = "2.5.4.3";
    struct config_text fields[2] = {{mail}, {NULL}};
    scene_open(&s);
    test_cert_free(&s.client);
    s.client = test_cert_make(&s.ca, &(struct test_cert_plan){.subject = "OU=a,OU=b,CN=c", .serial = 0xABC,
                                                              .extensions = {"subjectAltName=email:x@y,email:m@n"}});
    scene_use(&s, &s.client_config, &s.client);
    s.server_config.x509_username_field = (struct config_text_list){fields, 1, 1};
    cr_assert(scene_handshake(&s), "%s", scene_log());
    cr_assert_str_eq(auth_peer_common_name(s.seen_by_server), "m@n");
    fields[0].text = serial;
    cr_assert(scene_handshake(&s));
    cr_assert_str_eq(auth_peer_common_name(s.seen_by_server), "0x0ABC");
    fields[0].text = ou;
    fields[1].text = oid;
    s.server_config.x509_username_field.count = 2;
    cr_assert(scene_handshake(&s));
    cr_assert_str_eq(auth_peer_common_name(s.seen_by_server), "b_c");
    fields[1].text = (char[]){"ext:issuerAltName"};
    cr_assert_not(scene_handshake(&s));
    expect_log("could not extract ext:issuerAltName from X509 subject string");
    scene_close(&s);
}

Test(verify, peer_fingerprint_with_authority)
{
    struct scene s;
    struct config_fingerprint list[2] = {{{0}}, {{0}}};
    scene_open(&s);
    cert_fingerprint(s.server.cert, true, list[1].digest);
    s.client_config.peer_fingerprint = (struct config_fingerprint_list){list, 2, 2};
    cr_assert(scene_handshake(&s), "%s", scene_log());
    list[1].digest[5] ^= 1;
    cr_assert_not(scene_handshake(&s));
    expect_log("/--peer-fingerprint certificate hash verification failed. (got certificate fingerprint: ");
    scene_close(&s);
}

Test(verify, peer_fingerprint_alone)
{
    struct scene s;
    struct config_fingerprint list = {{0}};
    scene_open(&s);
    struct test_cert self = test_cert_make(NULL, &(struct test_cert_plan){.subject = "CN=self"});
    scene_use(&s, &s.client_config, &self);
    s.server_config.ca = (struct config_file){0};
    s.server_config.peer_fingerprint = (struct config_fingerprint_list){&list, 1, 1};
    cr_assert_not(scene_handshake(&s));
    cr_assert_not(auth_peer_has_certificate(s.seen_by_server));
    cert_fingerprint(self.cert, true, list.digest);
    cr_assert(scene_handshake(&s), "%s", scene_log());
    cr_assert_str_eq(auth_peer_common_name(s.seen_by_server), "self");
    cr_assert_eq(auth_peer_depth(s.seen_by_server), 1);
    /* signed by an authority that nobody knows: the fingerprint is enough */
    scene_use(&s, &s.client_config, &s.client);
    cert_fingerprint(s.client.cert, true, list.digest);
    cr_assert(scene_handshake(&s), "%s", scene_log());
    cr_assert_str_eq(auth_peer_common_name(s.seen_by_server), "client1");
    test_cert_free(&self);
    scene_close(&s);
}

Test(verify, verify_hash_is_about_the_issuer)
{
    struct scene s;
    struct config_fingerprint list = {{0}};
    scene_open(&s);
    s.client_config.verify_hash.hashes = (struct config_fingerprint_list){&list, 1, 1};
    cr_assert_not(scene_handshake(&s));
    expect_log("certificate hash verification failed");
    cert_fingerprint(s.ca.cert, false, list.digest);
    cr_assert(scene_handshake(&s), "%s", scene_log());
    s.client_config.verify_hash.sha256 = true;
    cert_fingerprint(s.ca.cert, true, list.digest);
    cr_assert(scene_handshake(&s));
    scene_close(&s);
}

Test(verify, client_certificate_require_optional_none)
{
    struct scene s;
    scene_open(&s);
    struct config_file cert = s.client_config.cert;
    struct config_file key = s.client_config.key;
    s.client_config.cert = s.client_config.key = (struct config_file){0};
    cr_assert_not(scene_handshake(&s));
    s.server_config.verify_client_cert = CONFIG_CLIENT_CERT_OPTIONAL;
    cr_assert(scene_handshake(&s), "%s", scene_log());
    cr_assert_not(auth_peer_has_certificate(s.seen_by_server));
    cr_assert_str_eq(auth_peer_common_name(s.seen_by_server), "");
    s.client_config.cert = cert;
    s.client_config.key = key;
    cr_assert(scene_handshake(&s));
    cr_assert(auth_peer_has_certificate(s.seen_by_server));
    cr_assert(auth_peer_unchanged(s.seen_by_server));
    s.client_config.cert = s.client_config.key = (struct config_file){0};
    cr_assert(scene_handshake(&s));
    cr_assert_not(auth_peer_unchanged(s.seen_by_server), "the certificate vanished in a renegotiation");
    s.server_config.verify_client_cert = CONFIG_CLIENT_CERT_NONE;
    cr_assert(scene_handshake(&s));
    scene_close(&s);
}

Test(verify, identity_may_not_change_in_a_session)
{
    struct scene s;
    scene_open(&s);
    struct auth_peer *other = auth_peer_new(NULL);
    cr_assert(scene_handshake(&s));
    cr_assert(scene_handshake(&s));
    cr_assert(auth_peer_unchanged(s.seen_by_server));
    cr_assert_not(auth_peer_same(other, s.seen_by_server));
    test_cert_free(&s.client);
    s.client = test_cert_make(&s.ca, &(struct test_cert_plan){.subject = "CN=client1"});
    scene_use(&s, &s.client_config, &s.client);
    cr_assert(scene_handshake(&s));
    cr_assert_not(auth_peer_unchanged(s.seen_by_server));
    auth_peer_free(other);
    scene_close(&s);
}

/* ------------------------------------------------------------------ CRLs */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

Test(verify, crl_inline)
{
    struct scene s;
    scene_open(&s);
    s.server_config.crl_verify.file = test_inline(scene_keep(&s, test_crl_pem(&s.ca, NULL, 86400)));
    cr_assert(scene_handshake(&s), "%s", scene_log());
    s.server_config.crl_verify.file = test_inline(scene_keep(&s, test_crl_pem(&s.ca, &s.client, 86400)));
    cr_assert_not(scene_handshake(&s));
    expect_log("VERIFY ERROR: depth=0, error=certificate revoked: C=DE, O=Spec Org, OU=unit, CN=client1, serial=");
    scene_log_reset();
    s.server_config.crl_verify.file = test_inline(scene_keep(&s, test_crl_pem(&s.ca, NULL, -600)));
    cr_assert_not(scene_handshake(&s));
    expect_log("error=CRL has expired");
    scene_log_reset();
    s.server_config.crl_verify.file = test_inline((char[]){"junk"});
    cr_assert_not(scene_handshake(&s));
    expect_log("VERIFY ERROR: CRL not loaded");
    scene_log_reset();
    char *half = scene_keep(&s, test_crl_pem(&s.ca, NULL, 86400));
    half = scene_keep(&s, strcat(strcpy(malloc(2 * strlen(half) + 1), half), half));
    s.server_config.crl_verify.file = test_inline(half);
    cr_assert(scene_handshake(&s), "%s", scene_log());
    refuse_log("cannot be read");
    half[strlen(half) - 60] = '\0';
    s.server_config.crl_verify.file = test_inline(half);
    cr_assert(scene_handshake(&s), "%s", scene_log());
    expect_log("CRL: what follows the first 1 CRLs in");
    scene_close(&s);
}

Test(verify, crl_of_another_authority_only_warns)
{
    struct scene s;
    scene_open(&s);
    struct test_cert other = test_cert_make(NULL, &(struct test_cert_plan){.subject = "CN=Other CA", .ca = true});
    s.server_config.crl_verify.file = test_inline(scene_keep(&s, test_crl_pem(&other, NULL, 86400)));
    cr_assert(scene_handshake(&s), "%s", scene_log());
    expect_log("VERIFY WARNING: depth=0, unable to get certificate CRL: C=DE, O=Spec Org, OU=unit, CN=client1\n");
    test_cert_free(&other);
    scene_close(&s);
}

Test(verify, crl_file_is_read_again_when_it_changes)
{
    struct scene s;
    char path[] = "/tmp/vpnd-crl-XXXXXX";
    close(mkstemp(path));
    scene_open(&s);
    struct test_cert other = test_cert_make(NULL, &(struct test_cert_plan){.subject = "CN=Other CA", .ca = true});
    char *first = scene_keep(&s, test_crl_pem(&other, NULL, 86400));
    char *nobody = scene_keep(&s, test_crl_pem(&s.ca, NULL, 86400));
    char *client = scene_keep(&s, test_crl_pem(&s.ca, &s.client, 86400));
    char *both = malloc(strlen(first) + strlen(client) + 1);
    strcat(strcpy(both, first), client);
    scene_keep(&s, both);
    write_file(path, nobody);
    s.server_config.crl_verify.file = (struct config_file){.path = path};
    struct tls_setup *setup = NULL;
    cr_assert_eq(tls_setup_new(&(struct tls_setup_request){.config = &s.server_config, .server = true}, &setup), 0);
    expect_log("CRL: loaded 1 CRLs from file /tmp/vpnd-crl-");
    scene_log_reset();
    tls_setup_tick(setup, 0);
    refuse_log("CRL: loaded");
    cr_assert_not(tls_setup_revoked(setup, s.client.cert));
    cr_assert_not(tls_setup_revoked(setup, NULL));
    uint64_t version = tls_setup_revocations(setup);
    cr_assert_neq(version, 0);
    tls_setup_tick(setup, 0);
    cr_assert_eq(tls_setup_revocations(setup), version);
    write_file(path, both);
    tls_setup_tick(setup, 0);
    cr_assert_neq(tls_setup_revocations(setup), version);
    cr_assert(tls_setup_revoked(setup, s.client.cert));
    cr_assert_not(tls_setup_revoked(setup, s.server.cert));
    expect_log("CRL: loaded 2 CRLs from file /tmp/vpnd-crl-");
    unlink(path);
    scene_log_reset();
    tls_setup_tick(setup, 0);
    expect_log("WARNING: Failed to stat CRL file, not reloading CRL");
    tls_setup_free(setup);
    write_file(path, both);
    cr_assert_not(scene_handshake(&s));
    expect_log("error=certificate revoked");
    unlink(path);
    test_cert_free(&other);
    scene_close(&s);
}

Test(verify, crl_directory)
{
    struct scene s;
    char dir[] = "/tmp/vpnd-crl-XXXXXX";
    char file[128];
    cr_assert_not_null(mkdtemp(dir));
    scene_open(&s);
    s.server_config.crl_verify = (struct config_crl_verify){.file = {.path = dir}, .is_dir = true};
    cr_assert(scene_handshake(&s), "%s", scene_log());
    char *serial = cert_serial_decimal(s.client.cert);
    snprintf(file, sizeof(file), "%s/%s", dir, serial);
    write_file(file, "");
    cr_assert_not(scene_handshake(&s));
    expect_log("VERIFY CRL: depth=0, C=DE, O=Spec Org, OU=unit, CN=client1, serial=");
    unlink(file);
    rmdir(dir);
    cr_assert_not(scene_handshake(&s), "a directory that is gone must not accept everybody");
    free(serial);
    scene_close(&s);
}
