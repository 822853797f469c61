/* SPDX-License-Identifier: MIT */
#include "dp/user/keyslot.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/limits.h"
#include "dp/user/keyslot_format.h"

_Static_assert(offsetof(struct keyslot, tx_next) <= 192, "what every packet reads fits three lines");
_Static_assert(offsetof(struct keyslot, rx_lock) % 64 == 0, "senders and receivers share no line");

void keyslot_worker_init(struct keyslot_worker *kw, const struct crypto_engines *engines)
{
    memset(kw, 0, sizeof(*kw));
    kw->aead = aead_worker_new(engines->aead);
    kw->cbc = cbc_hmac_worker_new(engines->cbc);
}

void keyslot_worker_free(struct keyslot_worker *kw)
{
    aead_worker_free(kw->aead);
    cbc_hmac_worker_free(kw->cbc);
    secret_wipe(kw, sizeof(*kw));
}

static int expand(const struct crypto_engines *engines, struct rcu_domain *rcu, const struct dp_key *key,
                  const struct keyslot_replay *replay, struct keyslot *ks)
{
    switch (key->format) {
    case DP_FORMAT_AEAD:
        return keyslot_aead_new(engines->aead, key, ks);
    case DP_FORMAT_CBC:
        return keyslot_cbc_new(engines->cbc, key, ks);
    case DP_FORMAT_EPOCH:
        return keyslot_epoch_new(engines->aead, rcu, key, replay, ks);
    }
    return ERR_UNSUPPORTED;
}

int keyslot_new(const struct crypto_engines *engines, struct rcu_domain *rcu, const struct dp_key *key,
                const struct keyslot_replay *replay, struct keyslot **out)
{
    const struct cipher_info *cipher = cipher_find(key->cipher);
    if (!cipher || cipher_is_aead(cipher) != (key->format != DP_FORMAT_CBC)) {
        return ERR_UNSUPPORTED;
    }
    struct keyslot *ks = mem_aligned(64, sizeof(*ks));
    ks->cipher = cipher;
    ks->key_id = key->key_id;
    ks->format = (uint8_t)key->format;
    uint64_t limit = limit_usage(cipher, key->format == DP_FORMAT_EPOCH);
    ks->limited = limit != LIMIT_NONE;
    ks->usage_soft = limit;
    ks->limit_bytes = key->limit_bytes;
    ks->limit_packets = key->limit_packets;
    atomic_init(&ks->tx_next, 1);
    (void)pthread_mutex_init(&ks->tx_lock, NULL);
    (void)pthread_mutex_init(&ks->rx_lock, NULL);
    replay_init(&ks->replay, replay->window, replay->seconds);
    int err = expand(engines, rcu, key, replay, ks);
    if (err) {
        keyslot_free(ks);
        return err;
    }
    *out = ks;
    return 0;
}

void keyslot_free(struct keyslot *ks)
{
    if (!ks) {
        return;
    }
    aead_key_free((struct aead_key *)ks->tx);
    aead_key_free((struct aead_key *)ks->rx);
    cbc_hmac_key_free((struct cbc_hmac_key *)ks->cbc_tx);
    cbc_hmac_key_free((struct cbc_hmac_key *)ks->cbc_rx);
    keyslot_epoch_free(ks);
    replay_free(&ks->replay);
    (void)pthread_mutex_destroy(&ks->tx_lock);
    (void)pthread_mutex_destroy(&ks->rx_lock);
    secret_wipe(ks, sizeof(*ks));
    free(ks);
}

static void release(struct rcu_item *item)
{
    keyslot_free(container_of(item, struct keyslot, rcu));
}

void keyslot_retire(struct rcu_domain *rcu, struct keyslot *ks)
{
    if (ks) {
        rcu_domain_defer(rcu, &ks->rcu, release);
    }
}

void keyslot_link(const struct keyslot *ks, struct mtu_link *link)
{
    link->block_size = ks->cipher->block_size;
    link->iv_size = ks->cipher->iv_size;
    link->hmac_size = ks->digest ? ks->digest->size : 0;
    if (ks->format == DP_FORMAT_EPOCH) {
        link->kind = MTU_CIPHER_EPOCH;
    } else if (ks->format == DP_FORMAT_AEAD) {
        link->kind = MTU_CIPHER_AEAD;
    } else if (ks->cipher->kind == CIPHER_CBC) {
        link->kind = MTU_CIPHER_CBC;
    } else {
        link->kind = ks->cipher->kind == CIPHER_NONE ? MTU_CIPHER_NONE : MTU_CIPHER_STREAM;
    }
}

bool keyslot_note_carried(struct keyslot *ks, uint64_t bytes, unsigned packets)
{
    if (!ks->limit_bytes && !ks->limit_packets) {
        return false;
    }
    bytes += atomic_fetch_add_explicit(&ks->carried_bytes, bytes, memory_order_relaxed);
    uint64_t count = packets + atomic_fetch_add_explicit(&ks->carried_packets, packets, memory_order_relaxed);
    bool beyond = (ks->limit_bytes && bytes >= ks->limit_bytes) || (ks->limit_packets && count >= ks->limit_packets);
    return beyond && !atomic_exchange(&ks->exhausted, true);
}

bool keyslot_note_usage(struct keyslot *ks, _Atomic uint64_t *counter, uint64_t usage)
{
    if (!ks->limited) {
        return false;
    }
    uint64_t before = atomic_fetch_add_explicit(counter, usage, memory_order_relaxed);
    return before + usage > ks->usage_soft && !atomic_exchange(&ks->exhausted, true);
}

unsigned keyslot_take_ids(struct keyslot *ks, unsigned n, uint64_t *first, bool *report)
{
    uint64_t id = atomic_fetch_add_explicit(&ks->tx_next, n, memory_order_relaxed);
    *first = id;
    if (id + n > LIMIT_PACKET_ID_SOFT && !atomic_exchange(&ks->exhausted, true)) {
        *report = true;
    }
    if (id > UINT32_MAX) {
        return 0;
    }
    uint64_t left = (uint64_t)UINT32_MAX - id + 1;
    return left < n ? (unsigned)left : n;
}

unsigned keyslot_seal(struct keyslot_worker *kw, struct keyslot *ks, const struct keyslot_header *header,
                      struct packet *p, unsigned n, bool *report)
{
    switch ((enum dp_key_format)ks->format) {
    case DP_FORMAT_AEAD:
        return keyslot_aead_seal(kw, ks, header, p, n, report);
    case DP_FORMAT_CBC:
        return keyslot_cbc_seal(kw, ks, header, p, n, report);
    case DP_FORMAT_EPOCH:
        return keyslot_epoch_seal(kw, ks, header, p, n, report);
    }
    return 0;
}

unsigned keyslot_open(struct keyslot_worker *kw, struct keyslot *ks, struct packet *p, unsigned n, uint32_t now,
                      bool *report)
{
    switch ((enum dp_key_format)ks->format) {
    case DP_FORMAT_AEAD:
        return keyslot_aead_open(kw, ks, p, n, now, report);
    case DP_FORMAT_CBC:
        return keyslot_cbc_open(kw, ks, p, n, now);
    case DP_FORMAT_EPOCH:
        return keyslot_epoch_open(kw, ks, p, n, now, report);
    }
    return 0;
}
