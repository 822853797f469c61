/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_KEYSLOT_FORMAT_H
#define VPND_DP_USER_KEYSLOT_FORMAT_H

/* The record formats behind keyslot_new(), keyslot_seal() and keyslot_open(); each has its file. Private. */
#include "base/span.h"
#include "dp/user/keyslot.h"
#include "wire/data_pkt.h"

/** format_header_write - opcode header of a record. Return: its size, 1 or 4. */
static inline unsigned format_header_write(uint8_t *at, const struct keyslot *ks, const struct keyslot_header *header)
{
    if (header->data_v1) {
        at[0] = opcode_byte(OPCODE_DATA_V1, ks->key_id);
        return DATA_PKT_V1_HEADER;
    }
    be32_store(at, data_pkt_v2_word(ks->key_id, header->tx_id));
    return DATA_PKT_V2_HEADER;
}

/** format_header_size - of a received record, which was checked before. */
static inline unsigned format_header_size(const uint8_t *record)
{
    return opcode_of(record[0]) == OPCODE_DATA_V2 ? DATA_PKT_V2_HEADER : DATA_PKT_V1_HEADER;
}

/* Each format's part of keyslot_new(), keyslot_seal() and keyslot_open(), which say what they do. */

/** Nonce of packet id and implicit IV, tag in front of the ciphertext. */
int keyslot_aead_new(const struct aead_engine *engine, const struct dp_key *key, struct keyslot *ks);
unsigned keyslot_aead_seal(struct keyslot_worker *kw, struct keyslot *ks, const struct keyslot_header *header,
                           struct packet *p, unsigned n, bool *report);
unsigned keyslot_aead_open(struct keyslot_worker *kw, struct keyslot *ks, struct packet *p, unsigned n, uint32_t now,
                           bool *report);

/** HMAC, IV and packet id inside the ciphertext; CFB, OFB and no cipher too. */
int keyslot_cbc_new(const struct cbc_hmac_engine *engine, const struct dp_key *key, struct keyslot *ks);
unsigned keyslot_cbc_seal(struct keyslot_worker *kw, struct keyslot *ks, const struct keyslot_header *header,
                          struct packet *p, unsigned n, bool *report);
unsigned keyslot_cbc_open(struct keyslot_worker *kw, struct keyslot *ks, struct packet *p, unsigned n, uint32_t now);

/** 64-bit packet ids with an epoch, tag behind the ciphertext. */
int keyslot_epoch_new(const struct aead_engine *engine, struct rcu_domain *rcu, const struct dp_key *key,
                      const struct keyslot_replay *replay, struct keyslot *ks);
void keyslot_epoch_free(struct keyslot *ks);
unsigned keyslot_epoch_seal(struct keyslot_worker *kw, struct keyslot *ks, const struct keyslot_header *header,
                            struct packet *p, unsigned n, bool *report);
unsigned keyslot_epoch_open(struct keyslot_worker *kw, struct keyslot *ks, struct packet *p, unsigned n, uint32_t now,
                            bool *report);

#endif
