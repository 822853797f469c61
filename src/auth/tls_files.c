/* SPDX-License-Identifier: MIT */
#include "auth/tls_files.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/external_key.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "config/config.h"
#include "crypto/provider.h"

#define FILE_MAX (16u << 20)
#define PASSPHRASE_MAX 1024
#define REASON_MAX 256

/* The pass phrase, and whether a file asked for it. */
struct phrase {
    char text[PASSPHRASE_MAX];
    bool known;
    bool asked;
};

static const char *library_reason(char out[REASON_MAX])
{
    provider_error(out, REASON_MAX);
    return out[0] ? out : "wrong contents";
}

static int cannot_load(const char *what, const struct config_file *file)
{
    char reason[REASON_MAX];
    log_error("Cannot load %s %s: %s", what, file->path, library_reason(reason));
    return ERR_CONFIG;
}

/* Contents of a file option as a BIO over @text, which the caller keeps and frees. */
static BIO *open_file(const char *what, const struct config_file *file, struct buf *text)
{
    *text = BUF_INIT(FILE_MAX);
    int err = config_file_read(file, text);
    if (err) {
        log_error("Cannot load %s %s: %s", what, file->path, err_str(err));
        return NULL;
    }
    return BIO_new_mem_buf(text->data ? (const void *)text->data : "", (int)text->len);
}

static void close_file(BIO *bio, struct buf *text)
{
    BIO_free(bio);
    buf_free(text, true);
}

static bool is_uri(const struct config_file *file)
{
    return !file->is_inline && (strncmp(file->path, "pkcs11:", 7) == 0 || strncmp(file->path, "file:", 5) == 0);
}

/* ------------------------------------------------------------------ authorities */

static int load_ca_file(const struct config_file *file, SSL_CTX *ctx)
{
    struct buf text;
    BIO *bio = open_file("CA certificate file", file, &text);
    if (!bio) {
        close_file(bio, &text);
        return ERR_CONFIG;
    }
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    STACK_OF(X509_INFO) *entries = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
    int added = 0;
    for (int i = 0; entries && i < sk_X509_INFO_num(entries); i++) {
        const X509_INFO *entry = sk_X509_INFO_value(entries, i);
        if (entry->x509 && X509_STORE_add_cert(store, entry->x509) == 1) {
            added++;
            sk_X509_NAME_push(names, X509_NAME_dup(X509_get_subject_name(entry->x509)));
        }
        if (entry->crl) {
            X509_STORE_add_crl(store, entry->crl);
        }
    }
    bool readable = entries != NULL;
    sk_X509_INFO_pop_free(entries, X509_INFO_free);
    close_file(bio, &text);
    SSL_CTX_set_client_CA_list(ctx, names);
    if (!readable) {
        return cannot_load("CA certificate file", file);
    }
    if (added == 0) {
        log_error("Cannot load CA certificate file %s (no entries were read)", file->path);
        return ERR_CONFIG;
    }
    ERR_clear_error();
    return 0;
}

static int load_ca_dir(const char *dir, SSL_CTX *ctx)
{
    X509_LOOKUP *lookup = X509_STORE_add_lookup(SSL_CTX_get_cert_store(ctx), X509_LOOKUP_hash_dir());
    if (!lookup || X509_LOOKUP_add_dir(lookup, dir, X509_FILETYPE_PEM) != 1) {
        char reason[REASON_MAX];
        log_error("Cannot add lookup at --capath %s: %s", dir, library_reason(reason));
        return ERR_CONFIG;
    }
    X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return 0;
}

/* ------------------------------------------------------------------ our own */

static int pass_phrase_cb(char *out, int cap, int writing, void *arg)
{
    struct phrase *phrase = arg;
    (void)writing;
    phrase->asked = true;
    size_t len = strlen(phrase->text);
    if (!phrase->known || len > (size_t)cap) {
        return -1;
    }
    memcpy(out, phrase->text, len);
    return (int)len;
}

static int key_refused(const char *what, const struct config_file *file, const struct phrase *phrase)
{
    if (!phrase->asked) {
        return cannot_load(what, file);
    }
    ERR_clear_error();
    if (phrase->known) {
        log_error("Cannot load %s %s: private key password verification failed", what, file->path);
    }
    return ERR_AUTH;
}

/* A certificate or key named by a URI, through whatever providers are loaded. */
static void *load_uri(const char *uri, int type, struct phrase *phrase)
{
    UI_METHOD *ui = UI_UTIL_wrap_read_pem_callback(pass_phrase_cb, 0);
    OSSL_STORE_CTX *store = OSSL_STORE_open(uri, ui, phrase, NULL, NULL);
    void *found = NULL;
    while (store && !found && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (!info) {
            continue;
        }
        if (OSSL_STORE_INFO_get_type(info) == type) {
            found = type == OSSL_STORE_INFO_CERT ? (void *)OSSL_STORE_INFO_get1_CERT(info)
                                                 : (void *)OSSL_STORE_INFO_get1_PKEY(info);
        }
        OSSL_STORE_INFO_free(info);
    }
    OSSL_STORE_close(store);
    UI_destroy_method(ui);
    return found;
}

static int use_certificate(const struct config_file *file, SSL_CTX *ctx, X509 *cert)
{
    int err = cert && SSL_CTX_use_certificate(ctx, cert) == 1 ? 0 : cannot_load("certificate file", file);
    X509_free(cert);
    return err;
}

static int add_chain(const char *what, const struct config_file *file, SSL_CTX *ctx, BIO *bio, bool required)
{
    int added = 0;
    X509 *cert;
    while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        if (SSL_CTX_add_extra_chain_cert(ctx, cert) != 1) {
            X509_free(cert);
            return cannot_load(what, file);
        }
        added++;
    }
    if (required && added == 0) {
        return cannot_load(what, file);
    }
    ERR_clear_error();
    return 0;
}

static int load_certificate(const struct config_file *file, SSL_CTX *ctx, struct phrase *phrase)
{
    if (is_uri(file)) {
        return use_certificate(file, ctx, load_uri(file->path, OSSL_STORE_INFO_CERT, phrase));
    }
    struct buf text;
    BIO *bio = open_file("certificate file", file, &text);
    int err = bio ? use_certificate(file, ctx, PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) : ERR_CONFIG;
    if (!err) {
        err = add_chain("certificate file", file, ctx, bio, false);
    }
    close_file(bio, &text);
    return err;
}

static int load_extra(const struct config_file *file, SSL_CTX *ctx)
{
    struct buf text;
    BIO *bio = open_file("extra certificate file", file, &text);
    int err = bio ? add_chain("extra certificate file", file, ctx, bio, true) : ERR_CONFIG;
    close_file(bio, &text);
    return err;
}

static int use_key(const char *what, const struct config_file *file, SSL_CTX *ctx, EVP_PKEY *key,
                   const struct phrase *phrase)
{
    if (!key) {
        return key_refused(what, file, phrase);
    }
    ERR_clear_error();
    const X509 *cert = SSL_CTX_get0_certificate(ctx);
    int err = 0;
    if (cert && X509_check_private_key(cert, key) != 1) {
        ERR_clear_error();
        log_error("Cannot load %s %s: Private key does not match the certificate", what, file->path);
        err = ERR_CONFIG;
    } else if (SSL_CTX_use_PrivateKey(ctx, key) != 1) {
        err = cannot_load(what, file);
    }
    EVP_PKEY_free(key);
    return err;
}

static int load_key(const struct config_file *file, SSL_CTX *ctx, struct phrase *phrase)
{
    if (is_uri(file)) {
        return use_key("private key", file, ctx, load_uri(file->path, OSSL_STORE_INFO_PKEY, phrase), phrase);
    }
    struct buf text;
    BIO *bio = open_file("private key file", file, &text);
    int err = ERR_CONFIG;
    if (bio) {
        err = use_key("private key file", file, ctx, PEM_read_bio_PrivateKey(bio, NULL, pass_phrase_cb, phrase), phrase);
    }
    close_file(bio, &text);
    return err;
}

/* ------------------------------------------------------------------ PKCS #12 */

static PKCS12 *parse_pkcs12(const struct config_file *file)
{
    struct buf text = BUF_INIT(FILE_MAX);
    PKCS12 *p12 = NULL;
    int err = config_file_read(file, &text);
    if (err) {
        log_error("Error reading PKCS#12 file %s: %s", file->path, err_str(err));
        buf_free(&text, true);
        return NULL;
    }
    if (file->is_inline && text.len) {
        int n = base64_decode((const char *)text.data, text.len, text.data, text.len);
        text.len = n > 0 ? (size_t)n : 0;
    }
    const unsigned char *at = text.data;
    if (text.len) {
        p12 = d2i_PKCS12(NULL, &at, (long)text.len);
    }
    if (!p12) {
        char reason[REASON_MAX];
        log_error("Error reading PKCS#12 file %s: %s", file->path, library_reason(reason));
    }
    buf_free(&text, true);
    return p12;
}

/* The authorities inside are trusted when no ca is given, else they only complete our own chain. */
static void use_pkcs12_authorities(const struct config *config, SSL_CTX *ctx, STACK_OF(X509) *authorities)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    for (int i = 0; i < sk_X509_num(authorities); i++) {
        X509 *cert = sk_X509_value(authorities, i);
        if (config_file_given(&config->ca)) {
            (void)SSL_CTX_add1_chain_cert(ctx, cert);
        } else {
            (void)X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert);
            sk_X509_NAME_push(names, X509_NAME_dup(X509_get_subject_name(cert)));
        }
    }
    if (config_file_given(&config->ca)) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
    } else {
        SSL_CTX_set_client_CA_list(ctx, names);
    }
}

static int load_pkcs12(const struct config *config, SSL_CTX *ctx, struct phrase *phrase)
{
    const struct config_file *file = &config->pkcs12;
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    STACK_OF(X509) *authorities = NULL;
    PKCS12 *p12 = parse_pkcs12(file);
    if (!p12) {
        return ERR_CONFIG;
    }
    int err = 0;
    bool open = PKCS12_parse(p12, phrase->known ? phrase->text : "", &key, &cert, &authorities) == 1;
    PKCS12_free(p12);
    if (!open) {
        phrase->asked = true;
        return key_refused("PKCS#12 file", file, phrase);
    }
    if (!key || !cert) {
        log_error("Error reading PKCS#12 file %s: it holds no private key with its certificate", file->path);
        X509_free(cert);
        EVP_PKEY_free(key);
        err = ERR_CONFIG;
    } else {
        err = use_certificate(file, ctx, cert);
        if (err) {
            EVP_PKEY_free(key);
        } else {
            err = use_key("PKCS#12 file", file, ctx, key, phrase);
        }
    }
    if (!err) {
        use_pkcs12_authorities(config, ctx, authorities);
    }
    sk_X509_pop_free(authorities, X509_free);
    ERR_clear_error();
    return err;
}

/* ------------------------------------------------------------------ the rest */

static int load_dh(const struct config_file *file, SSL_CTX *ctx)
{
    if (!file->is_inline && strcmp(file->path, "none") == 0) {
        return 0;
    }
    struct buf text;
    BIO *bio = open_file("DH parameters from", file, &text);
    if (!bio) {
        close_file(bio, &text);
        return ERR_CONFIG;
    }
    EVP_PKEY *parameters = PEM_read_bio_Parameters(bio, NULL);
    close_file(bio, &text);
    if (!parameters || SSL_CTX_set0_tmp_dh_pkey(ctx, parameters) != 1) {
        EVP_PKEY_free(parameters);
        return cannot_load("DH parameters from", file);
    }
    ERR_clear_error();
    return 0;
}

static int read_phrase(const struct config *config, const char *passphrase, struct phrase *out)
{
    *out = (struct phrase){.known = passphrase != NULL};
    if (passphrase) {
        snprintf(out->text, sizeof(out->text), "%s", passphrase);
        return 0;
    }
    if (!config->askpass.enabled || !config->askpass.path) {
        return 0;
    }
    FILE *f = fopen(config->askpass.path, "re");
    if (!f) {
        log_error("askpass: cannot open %s: %s", config->askpass.path, strerror(errno));
        return ERR_CONFIG;
    }
    out->known = fgets(out->text, sizeof(out->text), f) != NULL;
    fclose(f);
    out->text[strcspn(out->text, "\r\n")] = '\0';
    if (!out->known) {
        log_error("askpass: %s is empty; its first line has to be the pass phrase", config->askpass.path);
        return ERR_CONFIG;
    }
    return 0;
}

/* A key that somebody else has: it belongs to the certificate that was loaded. */
static int use_external(const struct external_key *external, SSL_CTX *ctx)
{
    const X509 *cert = SSL_CTX_get0_certificate(ctx);
    EVP_PKEY *key = NULL;
    int err = cert ? external_key_new(X509_get0_pubkey(cert), external, &key) : ERR_NOT_FOUND;
    if (!err && SSL_CTX_use_PrivateKey(ctx, key) != 1) {
        err = ERR_UNSUPPORTED;
    }
    EVP_PKEY_free(key);
    if (err) {
        char reason[REASON_MAX];
        log_error("management-external-key: the certificate's key cannot be used from outside: %s", library_reason(reason));
        return ERR_CONFIG;
    }
    return 0;
}

static int load_certificate_text(const char *pem, SSL_CTX *ctx)
{
    struct config_file text = {.path = (char *)(uintptr_t)"from management", .data = (char *)(uintptr_t)pem, .len = strlen(pem), .is_inline = true};
    return load_certificate(&text, ctx, NULL);
}

static int load_own(const struct config *config, const struct tls_files_own *own, SSL_CTX *ctx, struct phrase *phrase)
{
    if (own->external) {
        int e = own->certificate ? load_certificate_text(own->certificate, ctx)
                                 : load_certificate(&config->cert, ctx, phrase);
        return e ? e : use_external(own->external, ctx);
    }
    if (config_file_given(&config->pkcs12)) {
        return load_pkcs12(config, ctx, phrase);
    }
    int err = config_file_given(&config->cert) ? load_certificate(&config->cert, ctx, phrase) : 0;
    if (!err && config_file_given(&config->key)) {
        err = load_key(&config->key, ctx, phrase);
    }
    return err;
}

int tls_files_load(const struct config *config, SSL_CTX *ctx, const struct tls_files_own *own)
{
    struct phrase phrase;
    int err = read_phrase(config, own->passphrase, &phrase);
    if (!err) {
        err = load_own(config, own, ctx, &phrase);
    }
    secret_wipe(&phrase, sizeof(phrase));
    if (!err && config_file_given(&config->ca)) {
        err = load_ca_file(&config->ca, ctx);
    }
    if (!err && config->capath) {
        err = load_ca_dir(config->capath, ctx);
    }
    if (!err && config_file_given(&config->extra_certs)) {
        err = load_extra(&config->extra_certs, ctx);
    }
    if (!err && config_file_given(&config->dh)) {
        err = load_dh(&config->dh, ctx);
    }
    return err;
}
