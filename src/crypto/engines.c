/* SPDX-License-Identifier: MIT */
#include "crypto/engines.h"

#include <stdlib.h>

#include "base/mem.h"

int crypto_engines_new(const char *name, struct crypto_engines **out)
{
    struct crypto_engines *engines = mem_zalloc(sizeof(*engines));
    int err = aead_engine_new(name, &engines->aead);
    if (!err) {
        err = cbc_hmac_engine_new(name, &engines->cbc);
    }
    if (err) {
        crypto_engines_free(engines);
        return err;
    }
    engines->text =
        mem_printf("%s, %s", aead_engine_describe(engines->aead), cbc_hmac_engine_describe(engines->cbc));
    *out = engines;
    return 0;
}

void crypto_engines_free(struct crypto_engines *engines)
{
    if (engines) {
        aead_engine_free(engines->aead);
        cbc_hmac_engine_free(engines->cbc);
        free(engines->text);
        free(engines);
    }
}

const char *crypto_engines_describe(const struct crypto_engines *engines)
{
    return engines->text;
}
