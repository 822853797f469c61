/* SPDX-License-Identifier: MIT */
#include "crypto/epoch.h"

#include <string.h>

#include "base/err.h"
#include "base/secret.h"

void epoch_start(struct epoch_chain *chain, const uint8_t cipher_area[HKDF_SECRET_SIZE])
{
    memcpy(chain->secret, cipher_area, HKDF_SECRET_SIZE);
    chain->epoch = EPOCH_FIRST;
}

int epoch_next(struct epoch_chain *chain)
{
    if (chain->epoch == UINT16_MAX) {
        return ERR_LIMIT;
    }
    uint8_t next[HKDF_SECRET_SIZE];
    int err = hkdf_label(chain->secret, "datakey upd", next, sizeof(next));
    if (!err) {
        memcpy(chain->secret, next, sizeof(next));
        chain->epoch++;
    }
    secret_wipe(next, sizeof(next));
    return err;
}

int epoch_keys(const struct epoch_chain *chain, uint8_t *key, size_t key_len, uint8_t iv[EPOCH_IV_SIZE])
{
    int err = hkdf_label(chain->secret, "data_key", key, key_len);
    return err ? err : hkdf_label(chain->secret, "data_iv", iv, EPOCH_IV_SIZE);
}

void epoch_wipe(struct epoch_chain *chain)
{
    secret_wipe(chain, sizeof(*chain));
}
