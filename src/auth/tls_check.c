/* SPDX-License-Identifier: MIT */
#include "auth/tls_check.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/cert.h"
#include "auth/tls_setup.h"
#include "base/buf.h"
#include "base/err.h"
#include "config/config.h"

#define FILE_MAX (16u << 20)
#define DAY 86400u
#define SOON_DAYS 30
#define RSA_BITS_MIN 2048
#define TEXT_MAX 600

/** One run. */
struct examination {
    const struct config *config;
    const struct config_reporter *reporter;
    uint64_t now;
    unsigned errors;
};

/* Where an option was written, for the front of a line. */
static void place(const struct config *config, const char *option, char *out, size_t cap)
{
    *out = '\0';
    for (size_t i = config->statements.count; i > 0; i--) { /* the last one counts */
        const struct config_statement *statement = &config->statements.items[i - 1];
        size_t n = strlen(option);
        if (strncmp(statement->text, option, n) == 0 && (statement->text[n] == ' ' || !statement->text[n])) {
            snprintf(out, cap, "%s:%u: ", statement->source, statement->line);
            return;
        }
    }
}

static void report(struct examination *e, enum config_level level, const char *option, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void report(struct examination *e, enum config_level level, const char *option, const char *format, ...)
{
    char at[256], text[TEXT_MAX], line[TEXT_MAX + 300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    place(e->config, option, at, sizeof(at));
    snprintf(line, sizeof(line), "%s: %s%s", level == CONFIG_ERROR ? "Options error" : "WARNING", at, text);
    e->reporter->line(e->reporter->arg, level, line);
    e->errors += level == CONFIG_ERROR;
}

/* ------------------------------------------------------------------ dates */

static void date(uint64_t unix_s, char out[16])
{
    time_t t = (time_t)unix_s;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(out, 16, "%Y-%m-%d", &tm);
}

static void judge_end(struct examination *e, const char *option, const char *what, uint64_t end, const char *remedy)
{
    char day[16];
    if (end == 0) {
        return;
    }
    date(end, day);
    if (end <= e->now) {
        report(e, CONFIG_ERROR, option, "%s: %s has expired on %s; %s", option, what, day, remedy);
    } else if (end - e->now < SOON_DAYS * DAY) {
        report(e, CONFIG_WARNING, option, "%s: %s expires in %u days, on %s; %s", option, what,
               (unsigned)((end - e->now) / DAY), day, remedy);
    }
}

/* ------------------------------------------------------------------ certificates */

static void judge_strength(struct examination *e, const char *option, const char *name, const X509 *cert)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    int digest = NID_undef;
    if (key && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
        report(e, CONFIG_WARNING, option, "%s: the RSA key of '%s' has %d bits only; make a new one with 2048 or more, or "
               "an EC key", option, name, EVP_PKEY_get_bits(key));
    }
    bool self_signed = X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) == 0;
    if (!self_signed && OBJ_find_sigid_algs(X509_get_signature_nid(cert), &digest, NULL) == 1 &&
        (digest == NID_md5 || digest == NID_sha1)) {
        report(e, CONFIG_WARNING, option, "%s: the signature of '%s' uses %s, which can be forged; have it signed anew with "
               "SHA-256", option, name, OBJ_nid2sn(digest));
    }
}

static void judge_certificate(struct examination *e, const char *option, const X509 *cert)
{
    char *name = cert_subject(cert);
    char what[300];
    struct tm tm;
    snprintf(what, sizeof(what), "the certificate of '%s'", name ? name : "?");
    if (X509_cmp_time(X509_get0_notBefore(cert), (time_t[]){(time_t)e->now}) > 0 &&
        ASN1_TIME_to_tm(X509_get0_notBefore(cert), &tm) == 1) {
        report(e, CONFIG_ERROR, option, "%s: %s is valid only from %04d-%02d-%02d; check this machine's clock", option,
               what, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    }
    judge_end(e, option, what, cert_not_after(cert), "renew it");
    judge_strength(e, option, name ? name : "?", cert);
    free(name);
}

static BIO *open_text(const struct config_file *file, struct buf *text)
{
    bool there = config_file_given(file) && config_file_read(file, text) == 0;
    return there ? BIO_new_mem_buf(text->data ? (const void *)text->data : "", (int)text->len) : NULL;
}

static void judge_certificates(struct examination *e, const char *option, const struct config_file *file)
{
    struct buf text = BUF_INIT(FILE_MAX);
    BIO *bio = open_text(file, &text);
    X509 *cert;
    while (bio && (cert = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL))) {
        judge_certificate(e, option, cert);
        X509_free(cert);
    }
    ERR_clear_error();
    BIO_free(bio);
    buf_free(&text, false);
}

static void judge_revocations(struct examination *e)
{
    const struct config_crl_verify *option = &e->config->crl_verify;
    struct buf text = BUF_INIT(FILE_MAX);
    BIO *bio = option->is_dir ? NULL : open_text(&option->file, &text);
    X509_CRL *list;
    while (bio && (list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) {
        struct tm tm;
        const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);
        if (next && ASN1_TIME_to_tm(next, &tm) == 1) {
            judge_end(e, "crl-verify", "the revocation list", (uint64_t)timegm(&tm),
                      "rebuild it (pki crl), or no client will get in any more");
        }
        X509_CRL_free(list);
    }
    ERR_clear_error();
    BIO_free(bio);
    buf_free(&text, false);
}

unsigned tls_check(const struct config *config, const struct config_reporter *reporter, uint64_t unix_s)
{
    struct examination e = {.config = config, .reporter = reporter, .now = unix_s};
    struct tls_setup *setup = NULL;
    struct tls_setup_request request = {.config = config, .server = config->tls_server};
    int rc = tls_setup_new(&request, &setup);
    tls_setup_free(setup);
    if (rc == ERR_AUTH) {
        report(&e, CONFIG_WARNING, "key", "the private key has a pass phrase, which --check does not ask for; whether key "
               "and certificate belong together was not checked");
    } else if (rc < 0) {
        e.errors++; /* the loader said what is wrong */
    }
    judge_certificates(&e, "ca", &config->ca);
    judge_certificates(&e, "cert", &config->cert);
    judge_certificates(&e, "extra-certs", &config->extra_certs);
    judge_revocations(&e);
    return e.errors;
}
