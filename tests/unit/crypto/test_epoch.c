/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/err.h"
#include "crypto/cipher.h"
#include "crypto/epoch.h"
#include "vectors.h"

Test(epoch, control_epoch_keys)
{
    json_t *root = vectors_load("control_epoch_keys.json");
    json_t *epochs = json_object_get(root, "epochs");
    struct epoch_chain chain = {.epoch = 0};
    uint8_t key[32];
    uint8_t iv[EPOCH_IV_SIZE];
    size_t i;
    json_t *v;
    cr_assert_gt(json_array_size(epochs), 3);
    json_array_foreach (epochs, i, v) {
        if (i == 0) {
            vectors_hex(v, "E", key, 32);
            epoch_start(&chain, key);
        }
        while (chain.epoch < vectors_number(v, "epoch")) {
            cr_assert_eq(epoch_next(&chain), 0);
        }
        vectors_expect(v, "E", chain.secret, 32);
        cr_assert_eq(epoch_keys(&chain, key, 32, iv), 0);
        vectors_expect(v, "data_key_32", key, 32);
        vectors_expect(v, "data_iv_12", iv, 12);
        cr_assert_eq(epoch_keys(&chain, key, 16, iv), 0);
        vectors_expect(v, "data_key_16", key, 16);
    }
    json_decref(root);
}

Test(epoch, data_epoch_chains)
{
    json_t *root = vectors_load("data_epoch.json");
    json_t *chains = json_object_get(root, "chains");
    size_t i;
    size_t k;
    json_t *c;
    json_t *v;
    cr_assert_gt(json_array_size(chains), 0);
    json_array_foreach (chains, i, c) {
        const struct cipher_info *cipher = cipher_find(vectors_text(c, "cipher"));
        struct epoch_chain chain = {.epoch = 0};
        json_array_foreach (json_object_get(c, "keys"), k, v) {
            uint8_t key[32];
            uint8_t iv[EPOCH_IV_SIZE];
            if (k == 0) {
                vectors_hex(v, "epoch_secret", key, 32);
                epoch_start(&chain, key);
            } else {
                cr_assert_eq(epoch_next(&chain), 0);
            }
            cr_assert_eq(chain.epoch, vectors_number(v, "epoch"));
            vectors_expect(v, "epoch_secret", chain.secret, 32);
            cr_assert_eq(epoch_keys(&chain, key, cipher->key_size, iv), 0);
            vectors_expect(v, "data_key", key, cipher->key_size);
            vectors_expect(v, "implicit_iv", iv, 12);
        }
    }
    json_t *derive = json_object_get(root, "derive_check");
    struct epoch_chain late = {.epoch = 17};
    uint8_t key[24];
    uint8_t iv[EPOCH_IV_SIZE];
    vectors_hex(derive, "epoch_secret", late.secret, 32);
    cr_assert_eq(epoch_keys(&late, key, 24, iv), 0);
    vectors_expect(derive, "data_key", key, 24);
    vectors_expect(derive, "data_iv", iv, 12);
    json_decref(root);
}

Test(epoch, ends_at_65535)
{
    struct epoch_chain chain = {.epoch = UINT16_MAX - 1};
    cr_assert_eq(epoch_next(&chain), 0);
    cr_assert_eq(epoch_next(&chain), ERR_LIMIT);
    epoch_wipe(&chain);
    static const uint8_t zero[32];
    cr_assert(memcmp(chain.secret, zero, 32) == 0);
}
