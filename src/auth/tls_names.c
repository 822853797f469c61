/* SPDX-License-Identifier: MIT */
#include "auth/tls_names.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define NAME_MAX_LEN 96

/* Copy with every dash turned into an underscore. */
static void underscored(const char *in, char *out, size_t cap)
{
    size_t i = 0;
    for (; in[i] && i + 1 < cap; i++) {
        out[i] = in[i] == '-' ? '_' : in[i];
    }
    out[i] = '\0';
}

/* OpenSSL's name of an IANA suite, or NULL. */
static const char *openssl_name(const char *name)
{
    char wanted[NAME_MAX_LEN];
    underscored(name, wanted, sizeof(wanted));
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    const char *found = NULL;
    if (ctx) {
        SSL_CTX_set_security_level(ctx, 0);
        (void)SSL_CTX_set_cipher_list(ctx, "ALL:COMPLEMENTOFALL:@SECLEVEL=0");
        STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
        for (int i = 0; !found && i < sk_SSL_CIPHER_num(all); i++) {
            const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);
            const char *standard = SSL_CIPHER_standard_name(cipher);
            found = standard && strcmp(standard, wanted) == 0 ? SSL_CIPHER_get_name(cipher) : NULL;
        }
        SSL_CTX_free(ctx);
    }
    return found; /* static inside the library */
}

/* Call @map for each entry of a colon-separated list and join the results. */
static int map_list(const char *list, struct buf *out, const char *(*map)(const char *entry, char *scratch))
{
    int err = 0;
    for (const char *at = list; !err && *at;) {
        const char *colon = strchrnul(at, ':');
        char entry[NAME_MAX_LEN];
        char scratch[NAME_MAX_LEN];
        int len = (int)(colon - at);
        if (len >= (int)sizeof(entry)) {
            return ERR_LIMIT;
        }
        snprintf(entry, sizeof(entry), "%.*s", len, at);
        if (len) {
            err = buf_printf(out, "%s%s", out->len ? ":" : "", map(entry, scratch));
        }
        at = *colon ? colon + 1 : colon;
    }
    return err;
}

static const char *map_cipher(const char *entry, char *scratch)
{
    size_t prefix = strspn(entry, "!+-");
    bool iana = strncmp(entry + prefix, "TLS-", 4) == 0 || strncmp(entry + prefix, "TLS_", 4) == 0;
    const char *name = iana ? openssl_name(entry + prefix) : NULL;
    if (!name) {
        return entry;
    }
    snprintf(scratch, NAME_MAX_LEN, "%.*s%s", (int)prefix, entry, name);
    return scratch;
}

static const char *map_suite(const char *entry, char *scratch)
{
    underscored(entry, scratch, NAME_MAX_LEN);
    return scratch;
}

static const char *map_group(const char *entry, char *scratch)
{
    static const char *const pairs[][2] = {{"secp256r1", "prime256v1"}, {"P-256", "prime256v1"}};
    (void)scratch;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (strcmp(entry, pairs[i][0]) == 0) {
            return pairs[i][1];
        }
    }
    return entry;
}

int tls_names_ciphers(const char *list, struct buf *out)
{
    return map_list(list, out, map_cipher);
}

int tls_names_suites(const char *list, struct buf *out)
{
    return map_list(list, out, map_suite);
}

int tls_names_groups(const char *list, struct buf *out)
{
    return map_list(list, out, map_group);
}
