/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "crypto/limits.h"
#include "dp/user/keyslot_format.h"

#define BODY_HEAD (DATA_PKT_ID_SIZE + DATA_PKT_TAG_SIZE)

int keyslot_aead_new(const struct aead_engine *engine, const struct dp_key *key, struct keyslot *ks)
{
    struct aead_key *tx = NULL;
    struct aead_key *rx = NULL;
    int err = aead_key_new(engine, ks->cipher->name, key->tx.cipher, &tx);
    ks->tx = tx;
    if (!err) {
        err = aead_key_new(engine, ks->cipher->name, key->rx.cipher, &rx);
        ks->rx = rx;
    }
    memcpy(ks->tx_iv, key->tx.hmac, DATA_PKT_IMPLICIT_IV_SIZE);
    memcpy(ks->rx_iv, key->rx.hmac, DATA_PKT_IMPLICIT_IV_SIZE);
    ks->body_head = BODY_HEAD;
    return err;
}

static inline void nonce_of(uint8_t nonce[AEAD_NONCE_SIZE], const uint8_t *id, const uint8_t iv[12])
{
    memcpy(nonce, id, DATA_PKT_ID_SIZE);
    memcpy(nonce + DATA_PKT_ID_SIZE, iv, DATA_PKT_IMPLICIT_IV_SIZE);
}

unsigned keyslot_aead_seal(struct keyslot_worker *kw, struct keyslot *ks, const struct keyslot_header *header,
                           struct packet *p, unsigned n, bool *report)
{
    uint64_t id = 0;
    unsigned usable = keyslot_take_ids(ks, n, &id, report);
    uint64_t usage = 0;
    unsigned head = keyslot_head(ks, header->data_v1);
    for (unsigned i = 0; i < usable; i++) {
        uint8_t *record = p[i].data - head;
        unsigned header_size = format_header_write(record, ks, header);
        uint8_t *id_at = record + header_size;
        be32_store(id_at, (uint32_t)(id + i));
        struct aead_op *op = &kw->aead_ops[i];
        op->in = p[i].data;
        op->out = p[i].data;
        op->tag = id_at + DATA_PKT_ID_SIZE;
        op->aad = header->data_v1 ? id_at : record;
        op->aad_len = (uint16_t)(header->data_v1 ? DATA_PKT_ID_SIZE : header_size + DATA_PKT_ID_SIZE);
        op->len = p[i].len;
        nonce_of(op->nonce, id_at, ks->tx_iv);
        usage += limit_blocks_of(p[i].len);
        p[i].data = record;
        p[i].len += head;
    }
    unsigned ok = (unsigned)aead_seal(kw->aead, ks->tx, kw->aead_ops, usable);
    for (unsigned i = 0; ok < usable && i < usable; i++) {
        if (!kw->aead_ops[i].ok) {
            p[i].verdict = DP_DROP_SEND;
        }
    }
    for (unsigned i = usable; i < n; i++) {
        p[i].verdict = DP_DROP_KEY_EXHAUSTED;
    }
    if (keyslot_note_usage(ks, &ks->tx_usage, usage)) {
        *report = true;
    }
    return ok;
}

/* Turn the records that may be new into operations. Return: their number. */
static unsigned prepare_open(struct keyslot_worker *kw, struct keyslot *ks, struct packet *p, unsigned n)
{
    unsigned ops = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned header_size = format_header_size(p[i].data);
        if (p[i].len < header_size + BODY_HEAD + 1) {
            p[i].verdict = DP_DROP_SHORT;
            continue;
        }
        uint8_t *id_at = p[i].data + header_size;
        uint32_t id = be32_load(id_at);
        if (!replay_fresh(&ks->replay, id)) {
            p[i].verdict = DP_DROP_REPLAY;
            continue;
        }
        struct aead_op *op = &kw->aead_ops[ops];
        op->tag = id_at + DATA_PKT_ID_SIZE;
        op->in = op->tag + DATA_PKT_TAG_SIZE;
        op->out = op->tag + DATA_PKT_TAG_SIZE;
        op->aad = header_size == DATA_PKT_V2_HEADER ? p[i].data : id_at;
        op->aad_len = (uint16_t)(header_size == DATA_PKT_V2_HEADER ? DATA_PKT_V2_HEADER + DATA_PKT_ID_SIZE
                                                                   : DATA_PKT_ID_SIZE);
        op->len = p[i].len - header_size - BODY_HEAD;
        nonce_of(op->nonce, id_at, ks->rx_iv);
        kw->ids[ops] = id;
        kw->index[ops] = (uint16_t)i;
        ops++;
    }
    return ops;
}

unsigned keyslot_aead_open(struct keyslot_worker *kw, struct keyslot *ks, struct packet *p, unsigned n, uint32_t now,
                           bool *report)
{
    if (atomic_load_explicit(&ks->failed, memory_order_relaxed) > LIMIT_FAILED_HARD) {
        for (unsigned i = 0; i < n; i++) {
            p[i].verdict = DP_DROP_KEY_EXHAUSTED;
        }
        return 0;
    }
    (void)pthread_mutex_lock(&ks->rx_lock);
    unsigned ops = prepare_open(kw, ks, p, n);
    (void)pthread_mutex_unlock(&ks->rx_lock);
    unsigned good = ops ? (unsigned)aead_open(kw->aead, ks->rx, kw->aead_ops, ops) : 0;
    unsigned kept = 0;
    uint64_t usage = 0;
    (void)pthread_mutex_lock(&ks->rx_lock);
    for (unsigned i = 0; i < ops; i++) {
        struct packet *packet = &p[kw->index[i]];
        const struct aead_op *op = &kw->aead_ops[i];
        if (!op->ok) {
            packet->verdict = DP_DROP_AUTH;
        } else if (!replay_accept(&ks->replay, kw->ids[i], now)) {
            packet->verdict = DP_DROP_REPLAY;
        } else {
            packet->data = op->out;
            packet->len = op->len;
            usage += limit_blocks_of(op->len);
            kept++;
        }
    }
    (void)pthread_mutex_unlock(&ks->rx_lock);
    if (good < ops) {
        uint64_t failed = atomic_fetch_add_explicit(&ks->failed, ops - good, memory_order_relaxed) + ops - good;
        *report |= failed > LIMIT_FAILED_SOFT && !atomic_exchange(&ks->exhausted, true);
    }
    *report |= keyslot_note_usage(ks, &ks->rx_usage, usage);
    return kept;
}
