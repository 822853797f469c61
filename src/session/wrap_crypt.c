/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/secret.h"
#include "crypto/aes_ctr.h"
#include "crypto/hmac.h"
#include "session/wrap_private.h"

/* header(9) || replay id(8) || tag(32) || ciphertext; the tag covers header, replay id and plain body (3.4) */

#define CRYPT_MAC_KEY_SIZE 32

static int mac(const struct keyfile_slot *slot, const uint8_t *prefix, struct span body, uint8_t out[HMAC_SIZE_MAX])
{
    const struct span parts[] = {{prefix, WRAP_HEADER_SIZE + WRAP_REPLAY_ID_SIZE}, body};
    return hmac_once("SHA256", slot->hmac, CRYPT_MAC_KEY_SIZE, parts, 2, out) == WRAP_TAG_SIZE ? 0 : ERR_CRYPTO;
}

int wrap_crypt_seal(const struct wrap *w, const uint8_t replay_id[WRAP_REPLAY_ID_SIZE], const uint8_t *header,
                    struct span body, uint8_t *out)
{
    struct wr o = wr_init(out, WRAP_HEADER_SIZE + WRAP_CRYPT_OVERHEAD + body.len);
    wr_bytes(&o, header, WRAP_HEADER_SIZE);
    wr_bytes(&o, replay_id, WRAP_REPLAY_ID_SIZE);
    uint8_t tag[HMAC_SIZE_MAX];
    int err = mac(w->out, out, body, tag);
    if (err) {
        return err;
    }
    wr_bytes(&o, tag, WRAP_TAG_SIZE);
    err = aes_ctr_once(w->out->cipher, tag, body.data, o.p, body.len);
    return err ? err : (int)(wr_len(&o) + body.len);
}

int wrap_crypt_open(const struct wrap *w, const uint8_t *packet, size_t len, uint8_t *body, const uint8_t **replay_id)
{
    struct rd r = rd_init(packet, len);
    (void)rd_bytes(&r, WRAP_HEADER_SIZE);
    *replay_id = rd_bytes(&r, WRAP_REPLAY_ID_SIZE);
    const uint8_t *given = rd_bytes(&r, WRAP_TAG_SIZE);
    struct span cipher = rd_rest(&r);
    if (!rd_ok(&r) || cipher.len == 0) {
        return ERR_FORMAT;
    }
    uint8_t tag[HMAC_SIZE_MAX];
    int err = aes_ctr_once(w->in->cipher, given, cipher.data, body, cipher.len);
    if (!err) {
        err = mac(w->in, packet, (struct span){body, cipher.len}, tag);
    }
    if (!err && !secret_equal(tag, given, WRAP_TAG_SIZE)) {
        err = ERR_AUTH;
    }
    return err ? err : (int)cipher.len;
}
