/* SPDX-License-Identifier: MIT */
#include "crypto/provider.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <stdio.h>

#include "base/err.h"

int provider_load(const char *const *names, const char **bad)
{
    for (size_t i = 0; names[i]; i++) {
        if (!OSSL_PROVIDER_load(NULL, names[i])) {
            *bad = names[i];
            return ERR_NOT_FOUND;
        }
    }
    return 0;
}

const char *provider_library(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

const char *provider_error(char *out, size_t cap)
{
    unsigned long first = ERR_get_error();
    while (ERR_get_error()) {
    }
    if (first) {
        ERR_error_string_n(first, out, cap);
    } else if (cap) {
        out[0] = '\0';
    }
    return out;
}
