/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/epoch.h"
#include "crypto/limits.h"
#include "dp/user/keyslot_format.h"

#define BODY_HEAD DATA_PKT_EPOCH_ID_SIZE
#define BODY_TAIL DATA_PKT_TAG_SIZE
#define AAD_SIZE (DATA_PKT_V2_HEADER + DATA_PKT_EPOCH_ID_SIZE)
#define FUTURE 16               /* receive keys kept ready beyond the current epoch */
#define EPOCH_MAX 65535u
#define COUNTER_MAX ((UINT64_C(1) << 48) - 1)

/** The key of one epoch and direction. */
struct epoch_key {
    struct rcu_item rcu;
    struct aead_key *aead;
    uint8_t iv[EPOCH_IV_SIZE];
    uint16_t epoch;
    _Atomic uint64_t next;   /* send: counter of the next packet */
    _Atomic uint64_t usage;
    _Atomic uint64_t failed;
};

/** Both directions; all but @tx and @step_past under the key slot's rx_lock. */
struct epoch_keys {
    const struct aead_engine *engine;
    struct rcu_domain *rcu;
    const struct cipher_info *cipher;
    struct epoch_chain tx_chain;         /* at the epoch of @tx */
    struct epoch_chain rx_chain;         /* at the epoch of the last future key */
    struct epoch_key *_Atomic tx;
    _Atomic uint32_t step_past;          /* the sender has to leave this epoch (and those before) */
    struct epoch_key *current;
    struct epoch_key *retiring;
    struct epoch_key *future[FUTURE];    /* [i]: epoch current + 1 + i; NULL at the very end */
    struct replay retiring_replay;
};

static int make_key(const struct epoch_keys *e, const struct epoch_chain *chain, struct epoch_key **out)
{
    uint8_t raw[CIPHER_KEY_MAX];
    struct epoch_key *k = mem_zalloc(sizeof(*k));
    int err = epoch_keys(chain, raw, e->cipher->key_size, k->iv);
    if (!err) {
        err = aead_key_new(e->engine, e->cipher->name, raw, &k->aead);
    }
    secret_wipe(raw, sizeof(raw));
    if (err) {
        free(k);
        return err;
    }
    k->epoch = chain->epoch;
    atomic_init(&k->next, 1);
    *out = k;
    return 0;
}

static void free_key(struct epoch_key *k)
{
    if (k) {
        aead_key_free(k->aead);
        secret_wipe(k, sizeof(*k));
        free(k);
    }
}

static void release(struct rcu_item *item)
{
    free_key(container_of(item, struct epoch_key, rcu));
}

static void retire(struct epoch_keys *e, struct epoch_key *k)
{
    if (k) {
        rcu_domain_defer(e->rcu, &k->rcu, release);
    }
}

/* Derive the future key at the end of the list; leaves NULL when there are no more epochs. */
static void refill(struct epoch_keys *e, unsigned at)
{
    e->future[at] = NULL;
    if (e->rx_chain.epoch < EPOCH_MAX && epoch_next(&e->rx_chain) == 0) {
        (void)make_key(e, &e->rx_chain, &e->future[at]);
    }
}

int keyslot_epoch_new(const struct aead_engine *engine, struct rcu_domain *rcu, const struct dp_key *key,
                      const struct keyslot_replay *replay, struct keyslot *ks)
{
    struct epoch_keys *e = mem_zalloc(sizeof(*e));
    ks->epoch = e;
    ks->body_head = BODY_HEAD;
    ks->body_tail = BODY_TAIL;
    e->engine = engine;
    e->rcu = rcu;
    e->cipher = ks->cipher;
    replay_init(&e->retiring_replay, replay->window, replay->seconds);
    epoch_start(&e->tx_chain, key->tx.cipher);
    epoch_start(&e->rx_chain, key->rx.cipher);
    struct epoch_key *tx = NULL;
    int err = make_key(e, &e->tx_chain, &tx);
    atomic_store(&e->tx, tx);
    if (!err) {
        err = make_key(e, &e->rx_chain, &e->current);
    }
    for (unsigned i = 0; !err && i < FUTURE; i++) {
        refill(e, i);
        err = e->future[i] ? 0 : ERR_CRYPTO;
    }
    return err;
}

void keyslot_epoch_free(struct keyslot *ks)
{
    struct epoch_keys *e = ks->epoch;
    if (!e) {
        return;
    }
    free_key(atomic_load(&e->tx));
    free_key(e->current);
    free_key(e->retiring);
    for (unsigned i = 0; i < FUTURE; i++) {
        free_key(e->future[i]);
    }
    epoch_wipe(&e->tx_chain);
    epoch_wipe(&e->rx_chain);
    replay_free(&e->retiring_replay);
    secret_wipe(e, sizeof(*e));
    free(e);
}

/* ------------------------------------------------------------------ sending */

/* Move the send chain forward to @epoch. Under rx_lock. */
static void advance_tx(struct epoch_keys *e, unsigned epoch)
{
    struct epoch_key *old = atomic_load_explicit(&e->tx, memory_order_relaxed);
    if (old->epoch >= epoch || epoch > EPOCH_MAX) {
        return;
    }
    while (e->tx_chain.epoch < epoch) {
        if (epoch_next(&e->tx_chain)) {
            return;
        }
    }
    struct epoch_key *k = NULL;
    if (make_key(e, &e->tx_chain, &k) == 0) {
        atomic_store_explicit(&e->tx, k, memory_order_release);
        retire(e, old);
    }
}

static bool tx_used_up(const struct keyslot *ks, const struct epoch_key *k)
{
    return (ks->limited && atomic_load_explicit(&k->usage, memory_order_relaxed) >= ks->usage_soft) ||
           atomic_load_explicit(&k->next, memory_order_relaxed) > COUNTER_MAX - KEYSLOT_BATCH_MAX ||
           atomic_load_explicit(&ks->epoch->step_past, memory_order_relaxed) >= k->epoch;
}

/* The key to send with, after moving on if the present one is used up. */
static struct epoch_key *sender(struct keyslot *ks, bool *report)
{
    struct epoch_keys *e = ks->epoch;
    struct epoch_key *k = atomic_load_explicit(&e->tx, memory_order_acquire);
    if (tx_used_up(ks, k) && k->epoch < EPOCH_MAX) {
        (void)pthread_mutex_lock(&ks->rx_lock);
        advance_tx(e, k->epoch + 1u);
        k = atomic_load_explicit(&e->tx, memory_order_relaxed);
        (void)pthread_mutex_unlock(&ks->rx_lock);
    }
    if (k->epoch >= LIMIT_EPOCH_RENEGOTIATE && !atomic_exchange(&ks->exhausted, true)) {
        *report = true;
    }
    return k;
}

static inline void nonce_of(uint8_t nonce[AEAD_NONCE_SIZE], const uint8_t *id, const uint8_t iv[EPOCH_IV_SIZE])
{
    memcpy(nonce, iv, EPOCH_IV_SIZE);
    for (unsigned i = 0; i < DATA_PKT_EPOCH_ID_SIZE; i++) {
        nonce[i] ^= id[i];
    }
}

unsigned keyslot_epoch_seal(struct keyslot_worker *kw, struct keyslot *ks, const struct keyslot_header *header,
                            struct packet *p, unsigned n, bool *report)
{
    struct epoch_key *k = sender(ks, report);
    uint64_t counter = atomic_fetch_add_explicit(&k->next, n, memory_order_relaxed);
    struct keyslot_header v2 = {.tx_id = header->tx_id};
    uint64_t usage = 0;
    unsigned usable = counter + n - 1 <= COUNTER_MAX ? n : 0;
    for (unsigned i = 0; i < n; i++) {
        if (i >= usable) {
            p[i].verdict = DP_DROP_KEY_EXHAUSTED;
            continue;
        }
        uint8_t *record = p[i].data - AAD_SIZE;
        (void)format_header_write(record, ks, &v2);
        be64_store(record + DATA_PKT_V2_HEADER, (uint64_t)k->epoch << 48 | (counter + i));
        struct aead_op *op = &kw->aead_ops[i];
        op->in = p[i].data;
        op->out = p[i].data;
        op->tag = p[i].data + p[i].len;
        op->aad = record;
        op->aad_len = AAD_SIZE;
        op->len = p[i].len;
        nonce_of(op->nonce, record + DATA_PKT_V2_HEADER, k->iv);
        usage += limit_blocks_of(p[i].len);
        p[i].data = record;
        p[i].len += AAD_SIZE + BODY_TAIL;
    }
    unsigned ok = (unsigned)aead_seal(kw->aead, k->aead, kw->aead_ops, usable);
    for (unsigned i = 0; ok < usable && i < usable; i++) {
        if (!kw->aead_ops[i].ok) {
            p[i].verdict = DP_DROP_SEND;
        }
    }
    atomic_fetch_add_explicit(&k->usage, usage, memory_order_relaxed);
    return ok;
}

/* ------------------------------------------------------------------ receiving */

/* The key and window for a received epoch; NULL: unknown epoch. Under rx_lock. */
static struct epoch_key *find_rx(struct keyslot *ks, unsigned epoch, struct replay **replay)
{
    struct epoch_keys *e = ks->epoch;
    *replay = NULL;
    if (epoch == e->current->epoch) {
        *replay = &ks->replay;
        return e->current;
    }
    if (e->retiring && epoch == e->retiring->epoch) {
        *replay = &e->retiring_replay;
        return e->retiring;
    }
    if (epoch > e->current->epoch && epoch <= e->current->epoch + (unsigned)FUTURE && epoch <= EPOCH_MAX - FUTURE - 1) {
        return e->future[epoch - e->current->epoch - 1];
    }
    return NULL;
}

/* A packet of a later epoch has authenticated: it is the current one now. Under rx_lock. */
static void advance_rx(struct keyslot *ks, unsigned epoch)
{
    struct epoch_keys *e = ks->epoch;
    unsigned step = epoch - e->current->epoch;
    struct replay window = e->retiring_replay;
    e->retiring_replay = ks->replay;
    ks->replay = window;
    replay_reset(&ks->replay);
    retire(e, e->retiring);
    e->retiring = e->current;
    e->current = e->future[step - 1];
    for (unsigned i = 0; i + 1 < step; i++) {
        retire(e, e->future[i]);
    }
    for (unsigned i = 0; i < FUTURE; i++) {
        if (i + step < FUTURE) {
            e->future[i] = e->future[i + step];
        } else {
            refill(e, i);
        }
    }
    advance_tx(e, epoch);
}

static void note_failures(struct keyslot *ks, struct epoch_key *k, unsigned failed)
{
    uint64_t all = atomic_fetch_add_explicit(&k->failed, failed, memory_order_relaxed) + failed;
    if (all > LIMIT_FAILED_SOFT) {
        atomic_store_explicit(&ks->epoch->step_past, k->epoch, memory_order_relaxed);
    }
}

/* Commit what authenticated. Under rx_lock. Return: packets kept. */
static unsigned commit(struct keyslot_worker *kw, struct keyslot *ks, struct epoch_key *k, struct packet *p,
                       unsigned ops, uint32_t now)
{
    unsigned kept = 0;
    uint64_t usage = 0;
    for (unsigned i = 0; i < ops; i++) {
        struct packet *packet = &p[kw->index[i]];
        const struct aead_op *op = &kw->aead_ops[i];
        if (!op->ok) {
            packet->verdict = DP_DROP_AUTH;
            continue;
        }
        if (k->epoch > ks->epoch->current->epoch) {
            advance_rx(ks, k->epoch);
        }
        struct replay *replay;
        if (find_rx(ks, k->epoch, &replay) != k || !replay_accept(replay, kw->ids[i], now)) {
            packet->verdict = DP_DROP_REPLAY;
            continue;
        }
        packet->data = op->out;
        packet->len = op->len;
        usage += limit_blocks_of(op->len);
        kept++;
    }
    uint64_t all = atomic_fetch_add_explicit(&k->usage, usage, memory_order_relaxed) + usage;
    if (ks->limited && all >= ks->usage_soft) {
        atomic_store_explicit(&ks->epoch->step_past, k->epoch, memory_order_relaxed);
    }
    return kept;
}

/* Open a run of records of one epoch. */
static unsigned open_run(struct keyslot_worker *kw, struct keyslot *ks, struct packet *p, unsigned n, uint32_t now)
{
    unsigned epoch = be16_load(p[0].data + DATA_PKT_V2_HEADER);
    struct replay *replay;
    (void)pthread_mutex_lock(&ks->rx_lock);
    struct epoch_key *k = find_rx(ks, epoch, &replay);
    bool dead = !k || atomic_load_explicit(&k->failed, memory_order_relaxed) > LIMIT_FAILED_HARD;
    unsigned ops = 0;
    for (unsigned i = 0; i < n; i++) {
        uint8_t *id_at = p[i].data + DATA_PKT_V2_HEADER;
        uint64_t id = be64_load(id_at) & COUNTER_MAX;
        if (dead || (replay ? !replay_fresh(replay, id) : id == 0)) {
            p[i].verdict = dead ? DP_DROP_UNKNOWN_KEY : DP_DROP_REPLAY;
            continue;
        }
        struct aead_op *op = &kw->aead_ops[ops];
        op->in = p[i].data + AAD_SIZE;
        op->out = p[i].data + AAD_SIZE;
        op->len = p[i].len - AAD_SIZE - BODY_TAIL;
        op->tag = p[i].data + p[i].len - BODY_TAIL;
        op->aad = p[i].data;
        op->aad_len = AAD_SIZE;
        nonce_of(op->nonce, id_at, k->iv);
        kw->ids[ops] = id;
        kw->index[ops] = (uint16_t)i;
        ops++;
    }
    (void)pthread_mutex_unlock(&ks->rx_lock);
    if (!ops) {
        return 0;
    }
    unsigned good = (unsigned)aead_open(kw->aead, k->aead, kw->aead_ops, ops);
    if (good < ops) {
        note_failures(ks, k, ops - good);
    }
    (void)pthread_mutex_lock(&ks->rx_lock);
    unsigned kept = commit(kw, ks, k, p, ops, now);
    (void)pthread_mutex_unlock(&ks->rx_lock);
    return kept;
}

static bool well_formed(struct packet *p)
{
    if (format_header_size(p->data) == DATA_PKT_V2_HEADER && p->len >= AAD_SIZE + BODY_TAIL + 1) {
        return true;
    }
    p->verdict = DP_DROP_SHORT;
    return false;
}

unsigned keyslot_epoch_open(struct keyslot_worker *kw, struct keyslot *ks, struct packet *p, unsigned n, uint32_t now,
                            bool *report)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < n;) {
        if (!well_formed(&p[i])) {
            i++;
            continue;
        }
        unsigned end = i + 1;
        while (end < n && well_formed(&p[end]) &&
               memcmp(p[i].data + DATA_PKT_V2_HEADER, p[end].data + DATA_PKT_V2_HEADER, 2) == 0) {
            end++;
        }
        kept += open_run(kw, ks, &p[i], end - i, now);
        i = end;
    }
    (void)report;
    return kept;
}
