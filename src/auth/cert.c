/* SPDX-License-Identifier: MIT */
#include "auth/cert.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "hooks/env.h"

#define FIELD_MAX 64          /* bytes of one name field, as in certificates */
#define OID_TEXT_MAX 256
#define ATTRIBUTE_NAME_MAX 128
#define SERIAL_BYTES_MAX 60

/* Contents of a memory BIO as a string of ours; the BIO is freed. NULL when a NUL byte is inside. */
static char *take_text(BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    char *text = len >= 0 && (len == 0 || !memchr(data, 0, (size_t)len)) ? mem_strndup(data ? data : "", (size_t)len)
                                                                         : NULL;
    BIO_free(bio);
    return text;
}

static void clean(char *text)
{
    for (char *at = text; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            *at = '_';
        }
    }
}

char *cert_subject(const X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0,
                                   XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | ASN1_STRFLGS_UTF8_CONVERT |
                                       ASN1_STRFLGS_ESC_CTRL) < 0) {
        BIO_free(bio);
        return NULL;
    }
    char *text = take_text(bio);
    if (text) {
        clean(text);
        if (text[0] == '-') {
            text[0] = '_';
        }
    }
    return text;
}

/* ------------------------------------------------------------------ the common name */

/* Copy a certificate string; false when it is longer than @cap - 1 bytes or holds a NUL byte. */
static bool copy_string(const ASN1_STRING *value, char *out, size_t cap)
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, value);
    bool ok = len > 0 && (size_t)len < cap && !memchr(utf8, 0, (size_t)len);
    if (ok) {
        memcpy(out, utf8, (size_t)len);
        out[len] = '\0';
    }
    OPENSSL_free(utf8);
    return ok;
}

static bool subject_field(const X509 *cert, const char *field, char *out, size_t cap)
{
    ASN1_OBJECT *object = OBJ_txt2obj(field, 0);
    const X509_NAME *name = X509_get_subject_name(cert);
    int last = -1;
    for (int at = -1; object && (at = X509_NAME_get_index_by_OBJ(name, object, at)) >= 0;) {
        last = at;
    }
    ASN1_OBJECT_free(object);
    return last >= 0 && copy_string(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)), out, cap);
}

static bool mail_of_extension(const X509 *cert, int nid, char *out, size_t cap)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, nid, NULL, NULL);
    bool found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_EMAIL) {
            found = copy_string(name->d.rfc822Name, out, cap);
        }
    }
    GENERAL_NAMES_free(names);
    return found;
}

static bool serial_field(const X509 *cert, char *out, size_t cap)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    bool ok = hex && strlen(hex) + 2 < cap;
    if (ok) {
        memcpy(out, "0x", 2);
        memcpy(out + 2, hex, strlen(hex) + 1);
    }
    OPENSSL_free(hex);
    BN_free(number);
    return ok;
}

static bool one_field(const X509 *cert, const char *field, char *out, size_t cap)
{
    if (strcmp(field, "ext:subjectAltName") == 0) {
        return mail_of_extension(cert, NID_subject_alt_name, out, cap);
    }
    if (strcmp(field, "ext:issuerAltName") == 0) {
        return mail_of_extension(cert, NID_issuer_alt_name, out, cap);
    }
    return strcmp(field, "serialNumber") == 0 ? serial_field(cert, out, cap) : subject_field(cert, field, out, cap);
}

const char *cert_username(const X509 *cert, const struct config_text_list *fields, char *out, size_t cap)
{
    size_t limit = cap < FIELD_MAX + 1 ? cap : FIELD_MAX + 1;
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < fields->count; i++) {
        if (i && len + 1 < limit) {
            out[len++] = '_';
        }
        if (!one_field(cert, fields->items[i].text, out + len, limit - len)) {
            out[0] = '\0';
            return fields->items[i].text;
        }
        len += strlen(out + len);
    }
    clean(out);
    return NULL;
}

/* ------------------------------------------------------------------ numbers and digests */

char *cert_serial_decimal(const X509 *cert)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *decimal = number ? BN_bn2dec(number) : NULL;
    char *text = mem_strdup(decimal);
    OPENSSL_free(decimal);
    BN_free(number);
    return text;
}

const char *cert_serial_hex(const X509 *cert, char out[CERT_SERIAL_HEX_MAX])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    int len = ASN1_STRING_length(serial);
    return digest_format(ASN1_STRING_get0_data(serial), len < SERIAL_BYTES_MAX ? (size_t)len : SERIAL_BYTES_MAX, out);
}

int cert_fingerprint(const X509 *cert, bool sha256, uint8_t *out)
{
    return X509_digest(cert, sha256 ? EVP_sha256() : EVP_sha1(), out, NULL) == 1 ? 0 : ERR_CRYPTO;
}

uint64_t cert_not_after(const X509 *cert)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1) {
        return 0;
    }
    time_t t = timegm(&tm);
    return t > 0 ? (uint64_t)t : 0;
}

/* ------------------------------------------------------------------ usage */

bool cert_is_type(X509 *cert, enum config_peer_kind kind)
{
    bool client = kind == CONFIG_PEER_CLIENT;
    if (X509_check_purpose(cert, client ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER, 0) == 1) {
        return true;
    }
    ASN1_BIT_STRING *bits = X509_get_ext_d2i(cert, NID_netscape_cert_type, NULL, NULL);
    bool fits = bits && bits->length > 0 && (bits->data[0] & (client ? NS_SSL_CLIENT : NS_SSL_SERVER));
    ASN1_BIT_STRING_free(bits);
    return fits;
}

bool cert_has_key_usage(X509 *cert, const struct config_key_usage *wanted, uint32_t *found)
{
    bool present = X509_get_ext_by_NID(cert, NID_key_usage, -1) >= 0;
    uint32_t usage = present ? X509_get_key_usage(cert) : 0;
    *found = usage;
    bool fits = present && wanted->count == 0;
    for (size_t i = 0; present && i < wanted->count; i++) {
        fits = fits || (usage & wanted->values[i]) == wanted->values[i];
    }
    return fits;
}

bool cert_has_extended_key_usage(X509 *cert, const char *wanted, const char *tag)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
    bool fits = false;
    for (int i = 0; !fits && i < sk_ASN1_OBJECT_num(usages); i++) {
        const ASN1_OBJECT *usage = sk_ASN1_OBJECT_value(usages, i);
        char text[OID_TEXT_MAX];
        static const char *const forms[] = {"str", "oid"};
        for (int numeric = 0; !fits && numeric < 2; numeric++) {
            if (OBJ_obj2txt(text, sizeof(text), usage, numeric) <= 0) {
                continue;
            }
            log_write(LOG_SEV_DEBUG, 4, tag, "++ Certificate has EKU (%s) %s, expects %s", forms[numeric], text, wanted);
            fits = strcmp(text, wanted) == 0;
        }
    }
    EXTENDED_KEY_USAGE_free(usages);
    return fits;
}

/* ------------------------------------------------------------------ for hooks */

/* X509_DEPTH_NAME; a name that is there already gets _1, _2 and so on. */
static void export_one(struct env *env, unsigned depth, const char *attribute, const char *value)
{
    char name[ATTRIBUTE_NAME_MAX + 32];
    int len = snprintf(name, sizeof(name), "X509_%u_%.*s", depth, ATTRIBUTE_NAME_MAX, attribute);
    for (unsigned i = 1; env_get(env, name) && i < 100; i++) {
        snprintf(name + len, sizeof(name) - (size_t)len, "_%u", i);
    }
    env_set(env, name, value);
}

static void export_entry(struct env *env, unsigned depth, const char *attribute, const ASN1_STRING *value)
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, value);
    if (len >= 0 && !memchr(utf8, 0, (size_t)len)) {
        export_one(env, depth, attribute, (const char *)utf8);
    }
    if (len >= 0) {
        OPENSSL_free(utf8);
    }
}

static void export_subject(const X509 *cert, unsigned depth, struct env *env)
{
    const X509_NAME *name = X509_get_subject_name(cert);
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        const ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(entry);
        int nid = OBJ_obj2nid(object);
        char dotted[OID_TEXT_MAX];
        const char *attribute = nid == NID_undef ? NULL : OBJ_nid2sn(nid);
        if (!attribute && OBJ_obj2txt(dotted, sizeof(dotted), object, 1) > 0) {
            attribute = dotted;
        }
        if (attribute) {
            export_entry(env, depth, attribute, X509_NAME_ENTRY_get_data(entry));
        }
    }
}

static void export_extension(const X509 *cert, unsigned depth, const char *attribute, struct env *env)
{
    int at = X509_get_ext_by_NID(cert, OBJ_txt2nid(attribute), -1);
    BIO *bio = at >= 0 ? BIO_new(BIO_s_mem()) : NULL;
    if (bio && X509V3_EXT_print(bio, X509_get_ext(cert, at), 0, 0) == 1) {
        char *text = take_text(bio);
        if (text) {
            export_one(env, depth, attribute, text);
        }
        free(text);
        return;
    }
    BIO_free(bio);
}

static void export_tracked(const X509 *cert, unsigned depth, const char *attribute, struct env *env)
{
    bool sha1 = strcmp(attribute, "SHA1") == 0;
    if (sha1 || strcmp(attribute, "SHA256") == 0) {
        uint8_t digest[DIGEST_SHA256_SIZE];
        char text[DIGEST_TEXT_MAX];
        if (cert_fingerprint(cert, !sha1, digest) == 0) {
            export_one(env, depth, attribute, digest_format(digest, sha1 ? 20 : 32, text));
        }
        return;
    }
    int nid = OBJ_txt2nid(attribute);
    const X509_NAME *name = X509_get_subject_name(cert);
    bool in_subject = false;
    for (int at = -1; nid != NID_undef && (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;) {
        export_entry(env, depth, attribute, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
        in_subject = true;
    }
    if (!in_subject && nid != NID_undef) {
        export_extension(cert, depth, attribute, env);
    }
}

void cert_export(X509 *cert, unsigned depth, const struct config_x509_track_list *track, struct env *env)
{
    if (track->count == 0) {
        export_subject(cert, depth, env);
    }
    for (size_t i = 0; i < track->count; i++) {
        if (depth == 0 || track->items[i].full_chain) {
            export_tracked(cert, depth, track->items[i].attribute, env);
        }
    }
}

char *cert_pem(X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_X509(bio, cert) != 1) {
        BIO_free(bio);
        return NULL;
    }
    return take_text(bio);
}

struct x509_st *cert_ref(struct x509_st *cert)
{
    X509_up_ref(cert);
    return cert;
}

void cert_unref(struct x509_st *cert)
{
    X509_free(cert);
}
