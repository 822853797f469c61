/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/err.h"
#include "base/secret.h"
#include "crypto/hmac.h"
#include "session/wrap_private.h"

/* header(9) || HMAC(L) || replay id(8) || body; hashed: replay id || header || body (3.3) */

static int mac(const struct wrap *w, const struct keyfile_slot *slot, const uint8_t *replay_id, const uint8_t *header,
               struct span body, uint8_t out[HMAC_SIZE_MAX])
{
    const struct span parts[] = {{replay_id, WRAP_REPLAY_ID_SIZE}, {header, WRAP_HEADER_SIZE}, body};
    return hmac_once(w->digest, slot->hmac, w->hmac_size, parts, 3, out) == w->hmac_size ? 0 : ERR_CRYPTO;
}

int wrap_auth_seal(const struct wrap *w, const uint8_t replay_id[WRAP_REPLAY_ID_SIZE], const uint8_t *header,
                   struct span body, uint8_t *out)
{
    uint8_t tag[HMAC_SIZE_MAX];
    int err = mac(w, w->out, replay_id, header, body, tag);
    if (err) {
        return err;
    }
    struct wr o = wr_init(out, WRAP_HEADER_SIZE + wrap_overhead(w) + body.len);
    wr_bytes(&o, header, WRAP_HEADER_SIZE);
    wr_bytes(&o, tag, w->hmac_size);
    wr_bytes(&o, replay_id, WRAP_REPLAY_ID_SIZE);
    wr_bytes(&o, body.data, body.len);
    return (int)wr_len(&o);
}

int wrap_auth_open(const struct wrap *w, const uint8_t *packet, size_t len, uint8_t *body, const uint8_t **replay_id)
{
    struct rd r = rd_init(packet, len);
    const uint8_t *header = rd_bytes(&r, WRAP_HEADER_SIZE);
    const uint8_t *given = rd_bytes(&r, w->hmac_size);
    *replay_id = rd_bytes(&r, WRAP_REPLAY_ID_SIZE);
    struct span rest = rd_rest(&r);
    if (!rd_ok(&r) || rest.len == 0) {
        return ERR_FORMAT;
    }
    uint8_t tag[HMAC_SIZE_MAX];
    int err = mac(w, w->in, *replay_id, header, rest, tag);
    if (err) {
        return err;
    }
    if (!secret_equal(tag, given, w->hmac_size)) {
        return ERR_AUTH;
    }
    memcpy(body, rest.data, rest.len);
    return (int)rest.len;
}
