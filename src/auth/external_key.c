/* SPDX-License-Identifier: MIT */
#include "auth/external_key.h"

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define NAME "vpndexternal"
#define PROPERTIES "provider=" NAME
#define OTHERS "provider!=" NAME
#define PARAM_KEY "vpnd-key"  /* pointer to the struct external_key, in an octet string */
#define DIGEST_NAME_MAX 32
#define DIGEST_INFO_MAX 32
#define PADDED_MAX 2048

/* A key of ours: its public half in the library's hands. */
struct key_data {
    EVP_PKEY *public;
    const struct external_key *key;
};

/* ------------------------------------------------------------------ keys */

static void *key_new(void *provider)
{
    (void)provider;
    return mem_zalloc(sizeof(struct key_data));
}

static void key_free(void *data)
{
    struct key_data *d = data;
    if (d) {
        EVP_PKEY_free(d->public);
        free(d);
    }
}

static int key_has(const void *data, int selection)
{
    const struct key_data *d = data;
    (void)selection;
    return d && d->public;
}

static int key_match(const void *a, const void *b, int selection)
{
    const struct key_data *one = a;
    const struct key_data *other = b;
    (void)selection;
    return EVP_PKEY_eq(one->public, other->public) == 1;
}

static int key_import(struct key_data *d, const char *type, const OSSL_PARAM params[])
{
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, PARAM_KEY);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, OTHERS);
    int ok = ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
             EVP_PKEY_fromdata(ctx, &d->public, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)(uintptr_t)params) == 1;
    EVP_PKEY_CTX_free(ctx);
    if (p && p->data_size == sizeof(d->key)) {
        memcpy(&d->key, p->data, sizeof(d->key));
    }
    return ok;
}

static int key_import_rsa(void *data, int selection, const OSSL_PARAM params[])
{
    (void)selection;
    return key_import(data, "RSA", params);
}

static int key_import_ec(void *data, int selection, const OSSL_PARAM params[])
{
    (void)selection;
    return key_import(data, "EC", params);
}

static const OSSL_PARAM *key_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_octet_string(PARAM_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)selection;
    return types;
}

/* Only the public half can leave. */
static int key_export(void *data, int selection, OSSL_CALLBACK *callback, void *arg)
{
    const struct key_data *d = data;
    if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) {
        return 0;
    }
    return EVP_PKEY_export(d->public, selection, callback, arg);
}

static int key_get_params(void *data, OSSL_PARAM params[])
{
    const struct key_data *d = data;
    return EVP_PKEY_get_params(d->public, params);
}

static const OSSL_PARAM *key_gettable(void *provider)
{
    static const OSSL_PARAM known[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)provider;
    return known;
}

static const char *key_signs_ec(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

static const char *key_signs_rsa(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "RSA" : NULL;
}

/* ------------------------------------------------------------------ signatures */

struct signing {
    const struct key_data *key;
    char digest[DIGEST_NAME_MAX]; /* as TLS names it */
    int padding;
    bool salt_max;
};

static void *sign_new(void *provider, const char *properties)
{
    struct signing *s = mem_zalloc(sizeof(*s));
    (void)provider;
    (void)properties;
    s->padding = RSA_PKCS1_PADDING;
    return s;
}

static void sign_free(void *ctx)
{
    free(ctx);
}

static void *sign_dup(void *ctx)
{
    struct signing *copy = mem_zalloc(sizeof(*copy));
    memcpy(copy, ctx, sizeof(*copy));
    return copy;
}

static void set_padding(struct signing *s, const OSSL_PARAM *p)
{
    int number = 0;
    if (p->data_type == OSSL_PARAM_UTF8_STRING) {
        s->padding = strcmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0 ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
    } else if (OSSL_PARAM_get_int(p, &number)) {
        s->padding = number;
    }
}

static int sign_set_params(void *ctx, const OSSL_PARAM params[])
{
    struct signing *s = ctx;
    const OSSL_PARAM *p = params ? OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE) : NULL;
    if (p) {
        set_padding(s, p);
    }
    p = params ? OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN) : NULL;
    int salt = RSA_PSS_SALTLEN_DIGEST;
    if (p && p->data_type == OSSL_PARAM_UTF8_STRING) {
        s->salt_max = strcmp(p->data, OSSL_PKEY_RSA_PSS_SALT_LEN_MAX) == 0;
    } else if (p && OSSL_PARAM_get_int(p, &salt)) {
        s->salt_max = salt == RSA_PSS_SALTLEN_MAX;
    }
    return 1;
}

static const OSSL_PARAM *sign_settable(void *ctx, void *provider)
{
    static const OSSL_PARAM known[] = {
        OSSL_PARAM_int(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
        OSSL_PARAM_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)ctx;
    (void)provider;
    return known;
}

static int sign_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[])
{
    struct signing *s = ctx;
    s->key = key;
    (void)snprintf(s->digest, sizeof(s->digest), "%s", digest ? digest : "");
    return sign_set_params(ctx, params);
}

/* "SHA2-256" is called SHA256 by management clients. */
static const char *digest_word(const char *digest, char out[DIGEST_NAME_MAX])
{
    if (strncmp(digest, "SHA2-", 5) == 0) {
        (void)snprintf(out, DIGEST_NAME_MAX, "SHA%s", digest + 5);
    } else {
        (void)snprintf(out, DIGEST_NAME_MAX, "%s", digest);
    }
    return out;
}

/* DER before the hash (RFC 8017, 9.2). Return: length, 0 for a digest that TLS does not sign with. */
static size_t digest_info(const char *digest, uint8_t out[DIGEST_INFO_MAX])
{
    static const struct {
        const char *name;
        uint8_t id; /* last byte of 2.16.840.1.101.3.4.2 */
        uint8_t len;
    } known[] = {{"SHA256", 1, 32}, {"SHA384", 2, 48}, {"SHA512", 3, 64}, {"SHA224", 4, 28}};
    static const uint8_t sha1[] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                                   0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
    if (strcmp(digest, "SHA1") == 0) {
        memcpy(out, sha1, sizeof(sha1));
        return sizeof(sha1);
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(digest, known[i].name) == 0) {
            const uint8_t der[] = {0x30, (uint8_t)(0x11 + known[i].len), 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                   0x65, 0x03, 0x04, 0x02, known[i].id, 0x05, 0x00, 0x04, known[i].len};
            memcpy(out, der, sizeof(der));
            return sizeof(der);
        }
    }
    return 0;
}

/* 00 01 FF .. FF 00 DATA, as long as the modulus. Return: length or 0. */
static size_t pad_pkcs1(const uint8_t *data, size_t len, size_t modulus, uint8_t out[PADDED_MAX])
{
    if (modulus > PADDED_MAX || len + 11 > modulus) {
        return 0;
    }
    memset(out, 0xFF, modulus);
    out[0] = 0;
    out[1] = 1;
    out[modulus - len - 1] = 0;
    memcpy(out + modulus - len, data, len);
    return modulus;
}

static int sign_rsa_pkcs1(const struct signing *s, const char *digest, const uint8_t *hash, size_t len, uint8_t *sig)
{
    const struct external_key *k = s->key->key;
    uint8_t info[DIGEST_INFO_MAX + EVP_MAX_MD_SIZE];
    uint8_t padded[PADDED_MAX];
    size_t n = digest_info(digest, info);
    if (n == 0) {
        return ERR_UNSUPPORTED;
    }
    memcpy(info + n, hash, len);
    if (k->nopadding && !k->pkcs1) {
        size_t size = pad_pkcs1(info, n + len, (size_t)EVP_PKEY_get_size(s->key->public), padded);
        return size ? k->sign(k->arg, "RSA_NO_PADDING", padded, size, sig) : ERR_LIMIT;
    }
    return k->sign(k->arg, "RSA_PKCS1_PADDING", info, n + len, sig);
}

/* The whole message goes out with the names of everything that has to be done to it. */
static int sign_message(const struct signing *s, const char *digest, const uint8_t *data, size_t len, uint8_t *sig)
{
    const struct external_key *k = s->key->key;
    char algorithm[128];
    if (!EVP_PKEY_is_a(s->key->public, "RSA")) {
        (void)snprintf(algorithm, sizeof(algorithm), "ECDSA,hashalg=%s,data=message", digest);
    } else if (s->padding == RSA_PKCS1_PSS_PADDING) {
        (void)snprintf(algorithm, sizeof(algorithm), "RSA_PKCS1_PSS_PADDING,hashalg=%s,saltlen=%s,data=message", digest,
                       s->salt_max ? "max" : "digest");
    } else {
        (void)snprintf(algorithm, sizeof(algorithm), "RSA_PKCS1_PADDING,hashalg=%s,data=message", digest);
    }
    return k->sign(k->arg, algorithm, data, len, sig);
}

static int sign_hash(const struct signing *s, const char *digest, const uint8_t *hash, size_t len, uint8_t *sig)
{
    const struct external_key *k = s->key->key;
    char algorithm[128];
    if (!EVP_PKEY_is_a(s->key->public, "RSA")) {
        return k->sign(k->arg, "ECDSA", hash, len, sig);
    }
    if (s->padding != RSA_PKCS1_PSS_PADDING) {
        return sign_rsa_pkcs1(s, digest, hash, len, sig);
    }
    if (!k->pss) {
        return ERR_UNSUPPORTED;
    }
    (void)snprintf(algorithm, sizeof(algorithm), "RSA_PKCS1_PSS_PADDING,hashalg=%s,saltlen=%s", digest,
                   s->salt_max ? "max" : "digest");
    return k->sign(k->arg, algorithm, hash, len, sig);
}

static int sign(void *ctx, unsigned char *sig, size_t *sig_len, size_t cap, const unsigned char *data, size_t len)
{
    const struct signing *s = ctx;
    int size = EVP_PKEY_get_size(s->key->public);
    char digest[DIGEST_NAME_MAX];
    uint8_t hash[EVP_MAX_MD_SIZE];
    uint8_t made[EXTERNAL_KEY_SIGNATURE_MAX];
    size_t hash_len = 0;
    if (!sig) {
        *sig_len = (size_t)size;
        return size > 0;
    }
    digest_word(s->digest, digest);
    int n = 0;
    if (s->key->key->digest) {
        n = sign_message(s, digest, data, len, made);
    } else if (EVP_Q_digest(NULL, s->digest, OTHERS, data, len, hash, &hash_len) == 1) {
        n = sign_hash(s, digest, hash, hash_len, made);
    }
    if (n <= 0 || (size_t)n > cap) {
        return 0;
    }
    memcpy(sig, made, (size_t)n);
    *sig_len = (size_t)n;
    return 1;
}

/* ------------------------------------------------------------------ the provider */

#define FN(id, fn) {id, (void (*)(void))(fn)}
#define KEY_FUNCTIONS(import, signs)                                                                                   \
    {                                                                                                                  \
        FN(OSSL_FUNC_KEYMGMT_NEW, key_new), FN(OSSL_FUNC_KEYMGMT_FREE, key_free),                                      \
            FN(OSSL_FUNC_KEYMGMT_HAS, key_has), FN(OSSL_FUNC_KEYMGMT_MATCH, key_match),                                \
            FN(OSSL_FUNC_KEYMGMT_IMPORT, import), FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_types),                       \
            FN(OSSL_FUNC_KEYMGMT_EXPORT, key_export), FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_types),                   \
            FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params), FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable),     \
            FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, signs), {0, NULL}                                               \
    }

static const OSSL_DISPATCH rsa_keys[] = KEY_FUNCTIONS(key_import_rsa, key_signs_rsa);
static const OSSL_DISPATCH ec_keys[] = KEY_FUNCTIONS(key_import_ec, key_signs_ec);
static const OSSL_DISPATCH signatures[] = {
    FN(OSSL_FUNC_SIGNATURE_NEWCTX, sign_new),
    FN(OSSL_FUNC_SIGNATURE_FREECTX, sign_free),
    FN(OSSL_FUNC_SIGNATURE_DUPCTX, sign_dup),
    FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, sign_init),
    FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign),
    FN(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, sign_set_params),
    FN(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, sign_settable),
    {0, NULL},
};

static const OSSL_ALGORITHM key_algorithms[] = {
    {"RSA:rsaEncryption", PROPERTIES, rsa_keys, NULL},
    {"EC:id-ecPublicKey", PROPERTIES, ec_keys, NULL},
    {NULL, NULL, NULL, NULL},
};
static const OSSL_ALGORITHM signature_algorithms[] = {
    {"RSA:rsaEncryption", PROPERTIES, signatures, NULL},
    {"ECDSA", PROPERTIES, signatures, NULL},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT:
        return key_algorithms;
    case OSSL_OP_SIGNATURE:
        return signature_algorithms;
    default:
        return NULL;
    }
}

static int init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provider)
{
    static const OSSL_DISPATCH functions[] = {FN(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query), {0, NULL}};
    (void)in;
    *out = functions;
    *provider = (void *)(uintptr_t)handle; /* never looked at; must not be NULL */
    return 1;
}

/* Once a process. Everybody else goes on with the library's own keys. */
static int load(void)
{
    if (OSSL_PROVIDER_available(NULL, NAME)) {
        return 0;
    }
    if (OSSL_PROVIDER_add_builtin(NULL, NAME, init) != 1 || !OSSL_PROVIDER_try_load(NULL, NAME, 1) ||
        EVP_set_default_properties(NULL, "?" OTHERS) != 1) {
        return ERR_UNSUPPORTED;
    }
    return 0;
}

/* The parameters of @public and a pointer to @key. */
static OSSL_PARAM *describe(EVP_PKEY *public, const struct external_key *key)
{
    OSSL_PARAM *known = NULL;
    OSSL_PARAM ours[] = {OSSL_PARAM_construct_octet_string(PARAM_KEY, &key, sizeof(key)), OSSL_PARAM_construct_end()};
    if (EVP_PKEY_todata(public, EVP_PKEY_PUBLIC_KEY, &known) != 1) {
        return NULL;
    }
    OSSL_PARAM *merged = OSSL_PARAM_merge(known, ours); /* shallow */
    OSSL_PARAM *all = merged ? OSSL_PARAM_dup(merged) : NULL;
    OSSL_PARAM_free(merged);
    OSSL_PARAM_free(known);
    return all;
}

int external_key_new(struct evp_pkey_st *public, const struct external_key *key, struct evp_pkey_st **out)
{
    const char *type = EVP_PKEY_is_a(public, "RSA") ? "RSA" : EVP_PKEY_is_a(public, "EC") ? "EC" : NULL;
    *out = NULL;
    if (!type || load() < 0) {
        return ERR_UNSUPPORTED;
    }
    OSSL_PARAM *params = describe(public, key);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, PROPERTIES);
    bool made = params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
                EVP_PKEY_fromdata(ctx, out, EVP_PKEY_KEYPAIR, params) == 1;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return made ? 0 : ERR_UNSUPPORTED;
}
