/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/cert.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "handshake.h"

#define DAY 86400u

#define expect_log(text) cr_assert_not_null(strstr(scene_log(), text), "log lacks '%s':\n%s", text, scene_log())

static struct scene s;

static void setup(void)
{
    scene_open(&s);
}

static void teardown(void)
{
    scene_close(&s);
}

TestSuite(tls_setup, .init = setup, .fini = teardown);

/* The server's configuration is refused with @err and a line that has @text. */
static void expect_refused(const char *passphrase, int err, const char *text)
{
    struct tls_setup *setup = NULL;
    struct tls_setup_request request = {.config = &s.server_config, .server = true, .passphrase = passphrase};
    scene_log_reset();
    cr_assert_eq(tls_setup_new(&request, &setup), err, "%s", scene_log());
    cr_assert_null(setup);
    expect_log(text);
}

static char *write_file(const char *text)
{
    char name[] = "/tmp/vpnd-test.XXXXXX";
    int fd = mkstemp(name);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return scene_keep(&s, strdup(name));
}

/* ------------------------------------------------------------------ files */

Test(tls_setup, files_that_hold_something_else)
{
    static char garbage[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    static char empty[] = "";
    static char missing[] = "/nonexistent/ca.crt";
    struct config_file good = s.server_config.ca;
    s.server_config.ca = test_inline(garbage);
    expect_refused(NULL, ERR_CONFIG, "Cannot load CA certificate file [INLINE]");
    s.server_config.ca = test_inline(empty);
    expect_refused(NULL, ERR_CONFIG, "Cannot load CA certificate file [INLINE] (no entries were read)");
    s.server_config.ca = (struct config_file){.path = missing};
    expect_refused(NULL, ERR_CONFIG, "Cannot load CA certificate file /nonexistent/ca.crt");
    s.server_config.ca = good;
    good = s.server_config.cert;
    s.server_config.cert = test_inline(garbage);
    expect_refused(NULL, ERR_CONFIG, "Cannot load certificate file [INLINE]");
    s.server_config.cert = good;
    s.server_config.extra_certs = test_inline(empty);
    expect_refused(NULL, ERR_CONFIG, "Cannot load extra certificate file [INLINE]");
    s.server_config.extra_certs = (struct config_file){0};
    s.server_config.dh = test_inline(garbage);
    expect_refused(NULL, ERR_CONFIG, "Cannot load DH parameters from [INLINE]");
    s.server_config.dh = (struct config_file){0};
    s.server_config.key = test_inline(garbage);
    expect_refused(NULL, ERR_CONFIG, "Cannot load private key file [INLINE]");
}

Test(tls_setup, a_key_of_another_certificate)
{
    s.server_config.key = s.client_config.key;
    expect_refused(NULL, ERR_CONFIG, "Private key does not match the certificate");
}

Test(tls_setup, dh_none)
{
    static char none[] = "none";
    s.server_config.dh = (struct config_file){.path = none};
    cr_assert(scene_handshake(&s), "%s", scene_log());
}

Test(tls_setup, an_encrypted_key)
{
    s.server_config.key = test_inline(scene_keep(&s, test_key_pem(&s.server, "open sesame")));
    struct tls_setup *setup = NULL;
    struct tls_setup_request request = {.config = &s.server_config, .server = true};
    cr_assert_eq(tls_setup_new(&request, &setup), ERR_AUTH);
    cr_assert_null(strstr(scene_log(), "verification failed"), "nothing was tried");
    expect_refused("open barley", ERR_AUTH, "private key password verification failed");
    request.passphrase = "open sesame";
    cr_assert_eq(tls_setup_new(&request, &setup), 0, "%s", scene_log());
    tls_setup_free(setup);
}

Test(tls_setup, askpass_file)
{
    s.server_config.key = test_inline(scene_keep(&s, test_key_pem(&s.server, "open sesame")));
    s.server_config.askpass.enabled = true;
    s.server_config.askpass.path = write_file("open sesame\nsomething else\n");
    cr_assert(scene_handshake(&s), "%s", scene_log());
    (void)unlink(s.server_config.askpass.path);
    expect_refused(NULL, ERR_CONFIG, "askpass: cannot open");
    s.server_config.askpass.path = write_file("");
    expect_refused(NULL, ERR_CONFIG, "is empty");
    (void)unlink(s.server_config.askpass.path);
}

/* The client's key and certificate with the authority as PKCS #12, in base64. */
static char *pkcs12(const char *phrase)
{
    STACK_OF(X509) *authorities = sk_X509_new_null();
    sk_X509_push(authorities, s.ca.cert);
    PKCS12 *p12 = PKCS12_create(phrase, "client1", s.client.key, s.client.cert, authorities, 0, 0, 0, 0, 0);
    unsigned char *der = NULL;
    int len = i2d_PKCS12(p12, &der);
    cr_assert_gt(len, 0);
    char *text = base64_encode(der, (size_t)len);
    OPENSSL_free(der);
    PKCS12_free(p12);
    sk_X509_free(authorities);
    return scene_keep(&s, text);
}

Test(tls_setup, pkcs12_replaces_all_three)
{
    s.client_config.ca = s.client_config.cert = s.client_config.key = (struct config_file){0};
    s.client_config.pkcs12 = test_inline(pkcs12(""));
    cr_assert(scene_handshake(&s), "%s", scene_log());
    cr_assert_str_eq(auth_peer_common_name(s.seen_by_server), "client1");
}

Test(tls_setup, pkcs12_with_a_pass_phrase)
{
    static char garbage[] = "AAAAAAAA";
    s.server_config.ca = s.server_config.cert = s.server_config.key = (struct config_file){0};
    s.server_config.pkcs12 = test_inline(pkcs12("open sesame"));
    expect_refused("open barley", ERR_AUTH, "private key password verification failed");
    s.server_config.pkcs12 = test_inline(garbage);
    expect_refused(NULL, ERR_CONFIG, "Error reading PKCS#12 file [INLINE]");
}

Test(tls_setup, extra_certs_complete_the_chain)
{
    struct test_cert middle = test_cert_make(&s.ca, &(struct test_cert_plan){.subject = "CN=Middle", .ca = true});
    test_cert_free(&s.client);
    s.client = test_cert_make(&middle, &(struct test_cert_plan){.subject = "CN=client1"});
    scene_use(&s, &s.client_config, &s.client);
    cr_assert_not(scene_handshake(&s), "the chain is not complete without it");
    s.client_config.extra_certs = test_inline(scene_keep(&s, test_cert_pem(&middle)));
    cr_assert(scene_handshake(&s), "%s", scene_log());
    cr_assert_eq(auth_peer_depth(s.seen_by_server), 3);
    test_cert_free(&middle);
}

Test(tls_setup, capath_with_its_lists)
{
    char dir[] = "/tmp/vpnd-test.XXXXXX";
    char path[128];
    cr_assert_not_null(mkdtemp(dir));
    unsigned long hash = X509_NAME_hash_ex(X509_get_subject_name(s.ca.cert), NULL, NULL, NULL);
    snprintf(path, sizeof(path), "%s/%08lx.0", dir, hash);
    FILE *f = fopen(path, "w");
    fputs(s.server_config.ca.data, f);
    fclose(f);
    s.server_config.ca = (struct config_file){0};
    s.server_config.capath = dir;
    cr_assert(scene_handshake(&s), "a list that is missing only warns: %s", scene_log());
    snprintf(path, sizeof(path), "%s/%08lx.r0", dir, hash);
    f = fopen(path, "w");
    char *list = test_crl_pem(&s.ca, &s.client, 3600);
    fputs(list, f);
    free(list);
    fclose(f);
    cr_assert_not(scene_handshake(&s));
    expect_log("certificate revoked");
    (void)unlink(path);
    snprintf(path, sizeof(path), "%s/%08lx.0", dir, hash);
    (void)unlink(path);
    (void)rmdir(dir);
}

/* ------------------------------------------------------------------ what both ends have to agree on */

Test(tls_setup, versions_that_do_not_meet)
{
    s.server_config.tls_version_min.version = CONFIG_TLS_1_3;
    s.client_config.tls_version_max = CONFIG_TLS_1_2;
    cr_assert_not(scene_handshake(&s));
    s.client_config.tls_version_max = CONFIG_TLS_1_3;
    cr_assert(scene_handshake(&s), "%s", scene_log());
    s.server_config.tls_version_min.version = CONFIG_TLS_1_3;
    s.server_config.tls_version_max = CONFIG_TLS_1_2;
    cr_assert(scene_handshake(&s), "a maximum below the minimum wins: %s", scene_log());
}

Test(tls_setup, ciphers_that_do_not_meet)
{
    static char one[] = "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384";
    static char two[] = "ECDHE-ECDSA-CHACHA20-POLY1305";
    static char unknown[] = "TLS-NOTHING";
    s.server_config.tls_version_max = CONFIG_TLS_1_2;
    s.server_config.tls_cipher = one;
    s.client_config.tls_cipher = two;
    cr_assert_not(scene_handshake(&s));
    s.client_config.tls_cipher = one;
    cr_assert(scene_handshake(&s), "%s", scene_log());
    s.server_config.tls_cipher = unknown;
    expect_refused(NULL, ERR_CONFIG, "Failed to set restricted TLS cipher list: TLS-NOTHING");
}

Test(tls_setup, suites_that_do_not_meet)
{
    static char one[] = "TLS_AES_256_GCM_SHA384";
    static char two[] = "TLS-CHACHA20-POLY1305-SHA256";
    static char unknown[] = "TLS_NOTHING";
    s.server_config.tls_version_min.version = CONFIG_TLS_1_3;
    s.server_config.tls_ciphersuites = one;
    s.client_config.tls_ciphersuites = two;
    cr_assert_not(scene_handshake(&s));
    s.server_config.tls_ciphersuites = two;
    cr_assert(scene_handshake(&s), "%s", scene_log());
    s.server_config.tls_ciphersuites = unknown;
    expect_refused(NULL, ERR_CONFIG, "Failed to set restricted TLS 1.3 cipher list: TLS_NOTHING");
}

Test(tls_setup, groups_that_do_not_meet)
{
    static char one[] = "secp384r1";
    static char two[] = "X25519";
    static char unknown[] = "nothing";
    s.server_config.tls_groups = one;
    s.client_config.tls_groups = two;
    s.server_config.tls_version_min.version = CONFIG_TLS_1_3;
    cr_assert_not(scene_handshake(&s));
    s.client_config.tls_groups = NULL;
    s.client_config.ecdh_curve = one;
    cr_assert(scene_handshake(&s), "%s", scene_log());
    s.server_config.tls_groups = unknown;
    expect_refused(NULL, ERR_CONFIG, "Failed to set allowed TLS group list: nothing");
}

Test(tls_setup, a_profile_that_certificates_do_not_reach)
{
    test_cert_free(&s.client);
    s.client = test_cert_make(&s.ca, &(struct test_cert_plan){.subject = "CN=client1", .rsa = true});
    scene_use(&s, &s.client_config, &s.client);
    cr_assert(scene_handshake(&s), "%s", scene_log());
    s.server_config.tls_cert_profile = CONFIG_PROFILE_SUITEB;
    cr_assert_not(scene_handshake(&s), "2048 bits of RSA are less than 128 bits of security");
}

/* ------------------------------------------------------------------ expiry */

static unsigned count(const char *text)
{
    unsigned n = 0;
    for (const char *at = scene_log(); (at = strstr(at, text)) != NULL; at++) {
        n++;
    }
    return n;
}

Test(tls_setup, the_end_of_our_certificate_is_announced)
{
    struct tls_setup *setup = NULL;
    struct tls_setup_request request = {.config = &s.server_config, .server = true};
    cr_assert_eq(tls_setup_new(&request, &setup), 0);
    uint64_t end = cert_not_after(s.server.cert);
    tls_setup_tick(setup, end - 31 * DAY);
    cr_assert_eq(count("expires in"), 0);
    tls_setup_tick(setup, end - 29 * DAY);
    tls_setup_tick(setup, end - 28 * DAY);
    cr_assert_eq(count("expires in"), 1, "%s", scene_log());
    expect_log("WARNING: our certificate [INLINE] expires in 29 days");
    tls_setup_tick(setup, end - 13 * DAY);
    tls_setup_tick(setup, end - 12 * DAY);
    tls_setup_tick(setup, end - 2 * DAY);
    tls_setup_tick(setup, end - DAY);
    cr_assert_eq(count("expires in"), 3, "%s", scene_log());
    tls_setup_tick(setup, end + 1);
    tls_setup_tick(setup, end + 5);
    cr_assert_eq(count("has expired"), 1);
    tls_setup_free(setup);
}

Test(tls_setup, the_end_of_a_revocation_list_is_announced)
{
    char *list = scene_keep(&s, test_crl_pem(&s.ca, NULL, 10 * (long)DAY));
    struct tls_setup *setup = NULL;
    struct tls_setup_request request = {.config = &s.server_config, .server = true};
    s.server_config.crl_verify.file = test_inline(list);
    cr_assert_eq(tls_setup_new(&request, &setup), 0);
    uint64_t now = (uint64_t)time(NULL);
    tls_setup_tick(setup, now);
    expect_log("WARNING: the CRL [INLINE] expires in ");
    tls_setup_tick(setup, now + 11 * DAY);
    expect_log("WARNING: the CRL [INLINE] has expired");
    tls_setup_free(setup);
}

/* ------------------------------------------------------------------ lists for people */

Test(tls_setup, lists)
{
    struct buf text = BUF_INIT(65536);
    cr_assert_eq(tls_setup_show_ciphers(&s.server_config, &text), 0);
    cr_assert_not_null(strstr(buf_str(&text), "\nTLS_AES_256_GCM_SHA384\n"));
    cr_assert_not_null(strstr(buf_str(&text), "\nTLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384\n"));
    buf_reset(&text);
    cr_assert_eq(tls_setup_show_groups(&text), 0);
    cr_assert_not_null(strstr(buf_str(&text), "\nX25519\n"));
    buf_free(&text, false);
}
