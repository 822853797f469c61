/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/err.h"
#include "dp/user/keyslot_format.h"

int keyslot_cbc_new(const struct cbc_hmac_engine *engine, const struct dp_key *key, struct keyslot *ks)
{
    struct cbc_hmac_key *tx = NULL;
    struct cbc_hmac_key *rx = NULL;
    ks->digest = digest_find(key->auth);
    if (!ks->digest) {
        return ERR_UNSUPPORTED;
    }
    int err = cbc_hmac_key_new(engine, ks->cipher->name, key->tx.cipher, ks->digest->name, key->tx.hmac, &tx);
    ks->cbc_tx = tx;
    if (!err) {
        err = cbc_hmac_key_new(engine, ks->cipher->name, key->rx.cipher, ks->digest->name, key->rx.hmac, &rx);
        ks->cbc_rx = rx;
    }
    if (err) {
        return err;
    }
    struct cbc_hmac_layout layout = cbc_hmac_key_layout(tx);
    ks->body_head = (uint16_t)layout.head;
    ks->body_tail = (uint16_t)layout.tail_max;
    if (layout.long_id) {
        atomic_store(&ks->tx_time, (uint32_t)clock_read().unix_s);
    }
    return layout.head + DATA_PKT_V2_HEADER > KEYSLOT_HEAD_MAX || layout.tail_max > KEYSLOT_TAIL_MAX
               ? ERR_UNSUPPORTED
               : 0;
}

unsigned keyslot_cbc_seal(struct keyslot_worker *kw, struct keyslot *ks, const struct keyslot_header *header,
                          struct packet *p, unsigned n, bool *report)
{
    uint64_t id = 0;
    unsigned usable = keyslot_take_ids(ks, n, &id, report);
    uint32_t time = atomic_load_explicit(&ks->tx_time, memory_order_relaxed);
    for (unsigned i = 0; i < usable; i++) {
        uint8_t *body = p[i].data - ks->body_head;
        kw->seals[i] = (struct cbc_hmac_seal){
            .in = p[i].data, .len = p[i].len, .out = body, .id = (uint32_t)(id + i), .time = time};
    }
    unsigned ok = (unsigned)cbc_hmac_seal(kw->cbc, ks->cbc_tx, kw->seals, usable);
    unsigned header_size = header->data_v1 ? DATA_PKT_V1_HEADER : DATA_PKT_V2_HEADER;
    for (unsigned i = 0; i < usable; i++) {
        if (!kw->seals[i].ok) {
            p[i].verdict = DP_DROP_SEND;
        }
        p[i].data = kw->seals[i].out - header_size;
        p[i].len = (uint32_t)kw->seals[i].out_len + header_size;
        (void)format_header_write(p[i].data, ks, header);
    }
    for (unsigned i = usable; i < n; i++) {
        p[i].verdict = DP_DROP_KEY_EXHAUSTED;
    }
    return ok;
}

unsigned keyslot_cbc_open(struct keyslot_worker *kw, struct keyslot *ks, struct packet *p, unsigned n, uint32_t now)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned header_size = format_header_size(p[i].data);
        kw->opens[i] = (struct cbc_hmac_open){.in = p[i].data + header_size, .len = p[i].len - header_size};
    }
    unsigned good = (unsigned)cbc_hmac_open(kw->cbc, ks->cbc_rx, kw->opens, n);
    unsigned kept = 0;
    bool long_id = cbc_hmac_key_layout(ks->cbc_rx).long_id;
    (void)pthread_mutex_lock(&ks->rx_lock);
    for (unsigned i = 0; i < n; i++) {
        const struct cbc_hmac_open *op = &kw->opens[i];
        if (!op->ok) {
            p[i].verdict = DP_DROP_AUTH;
        } else if (!(long_id ? replay_accept_long(&ks->replay, op->time, op->id, now)
                             : replay_accept(&ks->replay, op->id, now))) {
            p[i].verdict = DP_DROP_REPLAY;
        } else if (op->payload_len == 0) {
            p[i].verdict = DP_DROP_SHORT;
        } else {
            p[i].data = op->payload;
            p[i].len = (uint32_t)op->payload_len;
            kept++;
        }
    }
    (void)pthread_mutex_unlock(&ks->rx_lock);
    if (good < n) {
        atomic_fetch_add_explicit(&ks->failed, n - good, memory_order_relaxed);
    }
    return kept;
}
