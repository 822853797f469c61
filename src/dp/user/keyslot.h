/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_KEYSLOT_H
#define VPND_DP_USER_KEYSLOT_H

/*
 * One data key in both directions: packet ids, replay window, limits, and the record formats around the crypto
 * engines (data channel spec, 5 to 9). Published to workers by pointer; the fields that workers change are atomic or
 * under one of the two locks.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "crypto/cipher.h"
#include "crypto/engines.h"
#include "dp/dp.h"
#include "dp/user/packet.h"
#include "dp/user/rcu.h"
#include "dp/user/replay.h"
#include "wire/mtu.h"

#define KEYSLOT_BATCH_MAX 128
#define KEYSLOT_HEAD_MAX 128 /* most bytes in front of a payload in any format, opcode header included */
#define KEYSLOT_TAIL_MAX 32  /* most bytes behind it */

struct epoch_keys;

/** Crypto scratch of one thread. */
struct keyslot_worker {
    struct aead_worker *aead;
    struct cbc_hmac_worker *cbc;
    union {
        struct aead_op aead_ops[KEYSLOT_BATCH_MAX];
        struct cbc_hmac_seal seals[KEYSLOT_BATCH_MAX];
        struct cbc_hmac_open opens[KEYSLOT_BATCH_MAX];
    };
    uint64_t ids[KEYSLOT_BATCH_MAX];
    uint16_t index[KEYSLOT_BATCH_MAX]; /* operation -> packet */
};

/** What the record's header says. */
struct keyslot_header {
    uint32_t tx_id;
    bool data_v1;
};

struct keyslot {
    /* set once */
    const struct aead_key *tx;
    const struct aead_key *rx;
    uint8_t key_id;
    uint8_t format; /* enum dp_key_format */
    uint8_t tx_iv[12];
    uint8_t rx_iv[12];
    uint16_t body_head; /* bytes between the opcode header and the payload */
    uint16_t body_tail; /* most bytes behind the payload */
    bool limited;       /* the AEAD usage limit applies */
    uint64_t usage_soft;
    uint64_t limit_bytes;   /* of the user, both directions; 0 none */
    uint64_t limit_packets;
    const struct cbc_hmac_key *cbc_tx;
    const struct cbc_hmac_key *cbc_rx;
    struct epoch_keys *epoch;
    const struct cipher_info *cipher;
    const struct digest_info *digest;
    struct rcu_item rcu;

    /* senders */
    _Alignas(64) _Atomic uint64_t tx_next; /* packet id of the next packet; from 1 */
    _Atomic uint64_t tx_usage;             /* blocks and packets */
    _Atomic uint32_t tx_time;              /* CFB, OFB: second of the first packet */
    atomic_bool exhausted;                 /* the soft limit was reported */
    pthread_mutex_t tx_lock;               /* keeps ids in order on the wire where the peer's window is small */

    /* receivers */
    _Alignas(64) pthread_mutex_t rx_lock;  /* replay window and the epoch state */
    struct replay replay;
    _Atomic uint64_t rx_usage;
    _Atomic uint64_t failed;               /* packets that did not authenticate */
    _Atomic uint64_t carried_bytes;        /* both directions; counted only under a limit of the user */
    _Atomic uint64_t carried_packets;
};

/** keyslot_worker_init - scratch for one thread. */
void keyslot_worker_init(struct keyslot_worker *kw, const struct crypto_engines *engines);

/** keyslot_worker_free - wipe and release. */
void keyslot_worker_free(struct keyslot_worker *kw);

/** Replay settings of a new key. */
struct keyslot_replay {
    uint32_t window; /* 0: strict order */
    uint32_t seconds;
};

/**
 * keyslot_new - expand a key for both directions
 * Return: 0 and *out, ERR_UNSUPPORTED (cipher), ERR_CRYPTO (weak or refused key). Control thread.
 */
int keyslot_new(const struct crypto_engines *engines, struct rcu_domain *rcu, const struct dp_key *key,
                const struct keyslot_replay *replay, struct keyslot **out);

/** keyslot_free - wipe and release; no reader is left. NULL is fine. Any thread. */
void keyslot_free(struct keyslot *ks);

/** keyslot_retire - keyslot_free() after a grace period; the slot must be unlinked. */
void keyslot_retire(struct rcu_domain *rcu, struct keyslot *ks);

/** keyslot_head - bytes between the record's start and the payload. */
static inline unsigned keyslot_head(const struct keyslot *ks, bool data_v1)
{
    return (data_v1 ? 1u : 4u) + ks->body_head;
}

/** keyslot_prefetch - begin to fetch what keyslot_seal() reads first. Worker. */
static inline void keyslot_prefetch(const struct keyslot *ks)
{
    __builtin_prefetch(&ks->tx_iv);
    __builtin_prefetch(&ks->tx_next, 1);
    __builtin_prefetch(ks->tx ? (const void *)ks->tx : (const void *)ks->cbc_tx);
}

/** keyslot_prefetch_key - the same for the expanded key, when keyslot_prefetch() has had its time. Worker. */
static inline void keyslot_prefetch_key(const struct keyslot *ks)
{
    if (ks->tx) {
        aead_key_prefetch(ks->tx);
    }
}

/** keyslot_link - fill in the cipher's part of a size computation. */
void keyslot_link(const struct keyslot *ks, struct mtu_link *link);

/**
 * keyslot_seal - turn payloads into records, in place
 * @p: n packets (at most KEYSLOT_BATCH_MAX) with keyslot_head() writable bytes before and body_tail after each;
 *     afterwards data and len are the record's
 * @report: set when the soft limit was reached for the first time (DP_EV_KEY_EXHAUSTED)
 * Packets that get no packet id have a verdict DP_DROP_KEY_EXHAUSTED; those that the library failed, DP_DROP_SEND.
 * Return: packets sealed. Worker, reader side.
 */
unsigned keyslot_seal(struct keyslot_worker *kw, struct keyslot *ks, const struct keyslot_header *header,
                      struct packet *p, unsigned n, bool *report);

/**
 * keyslot_open - turn records of this key into payloads, in place
 * @p: n records with whole opcode headers; afterwards payloads, or a verdict
 * @now: seconds, for the replay window
 * Return: packets with the verdict PACKET_OK. Worker, reader side.
 */
unsigned keyslot_open(struct keyslot_worker *kw, struct keyslot *ks, struct packet *p, unsigned n, uint32_t now,
                      bool *report);

/** keyslot_note_carried - count records of either direction; true when the user's limit was passed just now. Any
 *  worker. */
bool keyslot_note_carried(struct keyslot *ks, uint64_t bytes, unsigned packets);

/** keyslot_note_usage - count @usage on a direction; true when its soft limit was passed just now. Private to
 *  the formats. */
bool keyslot_note_usage(struct keyslot *ks, _Atomic uint64_t *counter, uint64_t usage);

/** keyslot_take_ids - n packet ids of 32 bits. Return: how many of them are usable. Private to the formats. */
unsigned keyslot_take_ids(struct keyslot *ks, unsigned n, uint64_t *first, bool *report);

#endif
