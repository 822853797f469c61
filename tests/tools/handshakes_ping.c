/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "crypto/aead.h"
#include "handshakes.h"
#include "wire/data_pkt.h"

#define HMAC_AREA 64 /* behind the cipher area of a direction */

struct pinger {
    struct aead_engine *engine;
    struct aead_worker *worker;
};

struct pinger *pinger_new(void)
{
    struct pinger *p = mem_zalloc(sizeof *p);
    BUG_ON(aead_engine_new("auto", &p->engine));
    p->worker = aead_worker_new(p->engine);
    return p;
}

void pinger_free(struct pinger *p)
{
    if (p) {
        aead_worker_free(p->worker);
        aead_engine_free(p->engine);
        free(p);
    }
}

void pinger_key_set(struct pinger *p, struct pinger_key *k, const uint8_t material[SESSION_KEY_MATERIAL_SIZE],
                    const char *cipher, uint32_t peer_id)
{
    pinger_key_free(k);
    BUG_ON(aead_key_new(p->engine, cipher, material, &k->key)); /* the first half is the client's */
    memcpy(k->iv, material + HMAC_AREA, sizeof k->iv);
    k->peer_id = peer_id;
    k->next_id = 1;
}

void pinger_key_free(struct pinger_key *k)
{
    aead_key_free(k->key);
    memset(k, 0, sizeof *k);
}

void pinger_send(struct pinger *p, struct pinger_key *k, struct link *l)
{
    uint8_t packet[DATA_PKT_AEAD_OVERHEAD + DATA_PKT_MAGIC_SIZE];
    uint8_t *payload = packet + DATA_PKT_AEAD_OVERHEAD;
    if (!k->key) {
        return;
    }
    be32_store(packet, data_pkt_v2_word(0, k->peer_id));
    be32_store(packet + DATA_PKT_V2_HEADER, k->next_id++);
    memcpy(payload, data_pkt_ping, DATA_PKT_MAGIC_SIZE);
    struct aead_op op = {.in = payload, .out = payload, .len = DATA_PKT_MAGIC_SIZE,
                         .tag = packet + DATA_PKT_V2_HEADER + DATA_PKT_ID_SIZE, .aad = packet,
                         .aad_len = DATA_PKT_V2_HEADER + DATA_PKT_ID_SIZE};
    memcpy(op.nonce, packet + DATA_PKT_V2_HEADER, DATA_PKT_ID_SIZE);
    memcpy(op.nonce + DATA_PKT_ID_SIZE, k->iv, sizeof k->iv);
    if (aead_seal(p->worker, k->key, &op, 1) == 1) {
        (void)link_send(l, packet, sizeof packet); /* lost: the next one counts */
    }
}
