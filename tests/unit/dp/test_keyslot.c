/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../wire/vectors.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/span.h"
#include "crypto/limits.h"
#include "dp/user/keyslot.h"
#include "wire/data_pkt.h"
#include "wire/opcode.h"

#define RECORD_MAX 2048
#define HEADROOM KEYSLOT_HEAD_MAX

static struct crypto_engines *engines;
static struct rcu_domain rcu;
static struct keyslot_worker worker;
static const struct keyslot_replay window64 = {.window = 64, .seconds = 15};

static void setup(void)
{
    cr_assert_eq(crypto_engines_new(NULL, &engines), 0);
    rcu_domain_init(&rcu);
    cr_assert_eq(rcu_domain_start(&rcu), 0);
    keyslot_worker_init(&worker, engines);
}

static void teardown(void)
{
    rcu_domain_stop(&rcu);
    keyslot_worker_free(&worker);
    crypto_engines_free(engines);
}

TestSuite(keyslot, .init = setup, .fini = teardown);

static struct keyslot *make(const struct dp_key *key, const struct keyslot_replay *replay)
{
    struct keyslot *ks = NULL;
    cr_assert_eq(keyslot_new(engines, &rcu, key, replay, &ks), 0, "%s", key->cipher);
    return ks;
}

/* Open one record. Return: the verdict; the payload is in *p. */
static unsigned open_one(struct keyslot *ks, uint8_t *record, size_t len, struct packet *p)
{
    bool report = false;
    *p = (struct packet){.data = record, .len = (uint32_t)len, .verdict = PACKET_OK};
    (void)keyslot_open(&worker, ks, p, 1, 1000, &report);
    return p->verdict;
}

/* ------------------------------------------------------------------ vectors */

static void check_open(struct keyslot *ks, const json_t *v, const char *payload_key)
{
    uint8_t wire[RECORD_MAX];
    uint8_t copy[RECORD_MAX];
    uint8_t payload[RECORD_MAX];
    struct packet p;
    size_t len = vectors_hex(v, "wire", wire, sizeof(wire));
    size_t want = vectors_hex(v, payload_key, payload, sizeof(payload));
    if (!ks->digest || ks->digest->size) {
        memcpy(copy, wire, len);
        copy[len - 1] ^= 0x80;
        cr_assert_eq(open_one(ks, copy, len, &p), DP_DROP_AUTH);
    }
    memcpy(copy, wire, len);
    cr_assert_eq(open_one(ks, copy, len, &p), PACKET_OK);
    cr_assert_eq(p.len, want);
    cr_assert_arr_eq(p.data, payload, want);
    memcpy(copy, wire, len);
    cr_assert_eq(open_one(ks, copy, len, &p), DP_DROP_REPLAY);
}

static void check_seal(struct keyslot *ks, const json_t *v, const char *payload_key)
{
    uint8_t wire[RECORD_MAX];
    uint8_t buffer[HEADROOM + RECORD_MAX];
    size_t len = vectors_hex(v, "wire", wire, sizeof(wire));
    struct keyslot_header header = {.data_v1 = opcode_of(wire[0]) == OPCODE_DATA_V1,
                                    .tx_id = be32_load(wire) & 0xFFFFFF};
    struct packet p = {.data = buffer + HEADROOM, .verdict = PACKET_OK};
    bool report = false;
    p.len = (uint32_t)vectors_hex(v, payload_key, p.data, RECORD_MAX);
    cr_assert_eq(keyslot_seal(&worker, ks, &header, &p, 1, &report), 1);
    cr_assert_eq(p.verdict, PACKET_OK);
    cr_assert_eq(p.len, len);
    cr_assert_arr_eq(p.data, wire, len);
}

Test(keyslot, aead_vectors_both_ways)
{
    json_t *root = vectors_load("data_aead.json");
    size_t i;
    json_t *v;
    json_array_foreach (root, i, v) {
        uint8_t wire[RECORD_MAX];
        vectors_hex(v, "wire", wire, sizeof(wire));
        struct dp_key key = {.key_id = opcode_key_id(wire[0]), .cipher = vectors_text(v, "cipher")};
        vectors_hex(v, "cipher_key", key.rx.cipher, sizeof(key.rx.cipher));
        vectors_hex(v, "implicit_iv", key.rx.hmac, sizeof(key.rx.hmac));
        key.tx = key.rx;
        struct keyslot *ks = make(&key, &window64);
        check_open(ks, v, "plaintext");
        atomic_store(&ks->tx_next, (uint64_t)vectors_number(v, "packet_id"));
        check_seal(ks, v, "plaintext");
        keyslot_free(ks);
    }
    cr_assert_gt(i, 20);
    json_decref(root);
}

Test(keyslot, hmac_vectors_both_ways)
{
    json_t *root = vectors_load("data_cbc_cfb_ofb_none.json");
    size_t i;
    json_t *v;
    json_array_foreach (root, i, v) {
        uint8_t wire[RECORD_MAX];
        vectors_hex(v, "wire", wire, sizeof(wire));
        struct dp_key key = {.key_id = opcode_key_id(wire[0]),
                             .format = DP_FORMAT_CBC,
                             .cipher = vectors_text(v, "cipher"),
                             .auth = vectors_text(v, "auth")};
        if (vectors_text(v, "cipher_key")) {
            vectors_hex(v, "cipher_key", key.rx.cipher, sizeof(key.rx.cipher));
        }
        if (vectors_text(v, "hmac_key")) {
            vectors_hex(v, "hmac_key", key.rx.hmac, sizeof(key.rx.hmac));
        }
        key.tx = key.rx;
        struct keyslot *ks = make(&key, &window64);
        check_open(ks, v, "payload");
        if (ks->cipher->kind != CIPHER_CBC) { /* CBC has a random IV */
            atomic_store(&ks->tx_next, (uint64_t)vectors_number(v, "packet_id"));
            atomic_store(&ks->tx_time, (uint32_t)vectors_number(v, "packet_time"));
            check_seal(ks, v, "payload");
        }
        keyslot_free(ks);
    }
    cr_assert_gt(i, 50);
    json_decref(root);
}

/* The chain that a captured packet belongs to starts the key. */
static bool epoch_secret(const json_t *chains, const json_t *packet, uint8_t secret[32])
{
    size_t i;
    json_t *c;
    json_array_foreach (chains, i, c) {
        json_t *first = json_array_get(json_object_get(c, "keys"), 0);
        if (strcmp(vectors_text(first, "data_key"), vectors_text(packet, "data_key")) == 0) {
            return vectors_hex(first, "epoch_secret", secret, 32) == 32;
        }
    }
    return false;
}

Test(keyslot, epoch_captures_both_ways)
{
    json_t *root = vectors_load("data_epoch.json");
    json_t *packets = json_object_get(root, "packets");
    size_t i;
    json_t *v;
    unsigned checked = 0;
    json_array_foreach (packets, i, v) {
        struct dp_key key = {.format = DP_FORMAT_EPOCH, .cipher = vectors_text(v, "cipher")};
        if (vectors_number(v, "epoch") != 1 || !epoch_secret(json_object_get(root, "chains"), v, key.rx.cipher)) {
            continue;
        }
        key.tx = key.rx;
        struct keyslot *ks = make(&key, &window64);
        check_open(ks, v, "plaintext");
        uint8_t payload[RECORD_MAX];
        uint8_t buffer[HEADROOM + RECORD_MAX];
        uint8_t wire[RECORD_MAX];
        size_t len = vectors_hex(v, "wire", wire, sizeof(wire));
        struct keyslot_header header = {.tx_id = be32_load(wire) & 0xFFFFFF};
        struct packet p = {.verdict = PACKET_OK};
        bool report = false;
        for (long n = 1; n <= vectors_number(v, "counter"); n++) { /* as many as it took until the captured one */
            p.data = buffer + HEADROOM;
            p.len = (uint32_t)vectors_hex(v, "plaintext", payload, sizeof(payload));
            memcpy(p.data, payload, p.len);
            cr_assert_eq(keyslot_seal(&worker, ks, &header, &p, 1, &report), 1);
        }
        cr_assert_eq(p.len, len);
        cr_assert_arr_eq(p.data, wire, len);
        keyslot_free(ks);
        checked++;
    }
    cr_assert_gt(checked, 0);
    json_decref(root);
}

/* ------------------------------------------------------------------ two ends */

struct ends {
    struct keyslot *a;
    struct keyslot *b;
};

static struct ends pair(const char *cipher, const char *auth, enum dp_key_format format)
{
    struct rand_seeded r;
    struct dp_key key = {.key_id = 2, .format = format, .cipher = cipher, .auth = auth};
    rand_seeded_init(&r, 7);
    rand_fill(&r.source, &key.tx, sizeof(key.tx));
    rand_fill(&r.source, &key.rx, sizeof(key.rx));
    struct dp_key mirrored = key;
    mirrored.tx = key.rx;
    mirrored.rx = key.tx;
    return (struct ends){make(&key, &window64), make(&mirrored, &window64)};
}

static void free_ends(struct ends *e)
{
    keyslot_free(e->a);
    keyslot_free(e->b);
}

#define BATCH 48
#define ROOM (HEADROOM + 1500 + KEYSLOT_TAIL_MAX)

/* @n payloads of random sizes, sealed by one end. */
static void seal_batch(struct keyslot *ks, bool v1, struct rand_seeded *r, uint8_t (*buffers)[ROOM],
                       uint8_t (*payloads)[1500], uint32_t *sizes, struct packet *p, unsigned n)
{
    struct keyslot_header header = {.data_v1 = v1, .tx_id = 0x123456};
    bool report = false;
    for (unsigned i = 0; i < n; i++) {
        sizes[i] = 1 + rand_below(&r->source, 1500);
        rand_fill(&r->source, payloads[i], sizes[i]);
        p[i] = (struct packet){.data = buffers[i] + HEADROOM, .len = sizes[i], .verdict = PACKET_OK};
        memcpy(p[i].data, payloads[i], sizes[i]);
    }
    cr_assert_eq(keyslot_seal(&worker, ks, &header, p, n, &report), n);
    cr_assert_not(report);
    for (unsigned i = 0; i < n; i++) {
        cr_assert_geq(p[i].data, buffers[i]);
        cr_assert_leq(p[i].len, sizes[i] + keyslot_head(ks, v1) + ks->body_tail);
        cr_assert_eq(opcode_key_id(p[i].data[0]), 2);
    }
}

/* Every third record is changed in one byte, every fifth comes twice; what opens is what was sealed. */
static void round_trips(const char *cipher, const char *auth, enum dp_key_format format, bool v1)
{
    static uint8_t buffers[BATCH][ROOM];
    static uint8_t payloads[BATCH][1500];
    uint32_t sizes[BATCH];
    struct packet p[BATCH];
    struct ends e = pair(cipher, auth, format);
    struct rand_seeded r;
    bool authentic = !auth || strcmp(auth, "none") != 0;
    rand_seeded_init(&r, 8);
    for (unsigned round = 0; round < 20; round++) {
        bool report = false;
        seal_batch(e.a, v1, &r, buffers, payloads, sizes, p, BATCH);
        for (unsigned i = 0; authentic && i < BATCH; i += 3) {
            unsigned header = v1 ? 1 : 4;
            p[i].data[header + rand_below(&r.source, p[i].len - header)] ^= 0x10;
        }
        unsigned kept = keyslot_open(&worker, e.b, p, BATCH, 1000, &report);
        unsigned good = 0;
        for (unsigned i = 0; i < BATCH; i++) {
            bool forged = authentic && i % 3 == 0;
            cr_assert(forged ? p[i].verdict == DP_DROP_AUTH || p[i].verdict == DP_DROP_REPLAY ||
                                   p[i].verdict == DP_DROP_UNKNOWN_KEY
                             : p[i].verdict == PACKET_OK,
                      "%s %s: packet %u: verdict %u", cipher, auth ? auth : "", i, p[i].verdict);
            if (!forged) {
                cr_assert_eq(p[i].len, sizes[i]);
                cr_assert_arr_eq(p[i].data, payloads[i], sizes[i]);
                good++;
            }
        }
        cr_assert_eq(kept, good);
    }
    free_ends(&e);
}

Test(keyslot, every_format_round_trips)
{
    static const char *const aead[] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM", "CHACHA20-POLY1305"};
    for (unsigned i = 0; i < 4; i++) {
        round_trips(aead[i], NULL, DP_FORMAT_AEAD, false);
        round_trips(aead[i], NULL, DP_FORMAT_AEAD, true);
        round_trips(aead[i], NULL, DP_FORMAT_EPOCH, false);
    }
    static const char *const ciphers[] = {"AES-128-CBC", "AES-256-CBC", "AES-256-CFB", "AES-256-OFB", "none"};
    static const char *const auths[] = {"SHA1", "SHA256", "SHA512", "none"};
    for (unsigned c = 0; c < 5; c++) {
        for (unsigned a = 0; a < 4; a++) {
            round_trips(ciphers[c], auths[a], DP_FORMAT_CBC, c & 1);
        }
    }
}

Test(keyslot, short_records_are_refused)
{
    static const struct {
        const char *cipher;
        enum dp_key_format format;
    } all[] = {{"AES-256-GCM", DP_FORMAT_AEAD}, {"AES-256-GCM", DP_FORMAT_EPOCH}, {"AES-256-CBC", DP_FORMAT_CBC},
               {"AES-256-OFB", DP_FORMAT_CBC},  {"none", DP_FORMAT_CBC}};
    for (unsigned i = 0; i < 5; i++) {
        struct ends e = pair(all[i].cipher, "SHA1", all[i].format);
        uint8_t payload[200] = {1, 2, 3};
        for (size_t len = 4; len < 150; len++) {
            uint8_t *record = malloc(len); /* so that a read beyond its end shows */
            struct packet p;
            memcpy(record, payload, len);
            be32_store(record, data_pkt_v2_word(2, 0x123456));
            unsigned verdict = open_one(e.b, record, len, &p);
            cr_assert_neq(verdict, PACKET_OK, "%s, %zu bytes", all[i].cipher, len);
            free(record);
        }
        free_ends(&e);
    }
}

Test(keyslot, packet_ids_never_wrap)
{
    static uint8_t buffers[BATCH][ROOM];
    struct ends e = pair("AES-256-GCM", NULL, DP_FORMAT_AEAD);
    struct keyslot_header header = {.tx_id = 1};
    struct packet p[4];
    bool report = false;
    atomic_store(&e.a->tx_next, (uint64_t)LIMIT_PACKET_ID_SOFT - 1);
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (struct packet){.data = buffers[i] + HEADROOM, .len = 20, .verdict = PACKET_OK};
    }
    cr_assert_eq(keyslot_seal(&worker, e.a, &header, p, 4, &report), 4);
    cr_assert(report, "control must hear of it in time");
    report = false;
    atomic_store(&e.a->tx_next, (uint64_t)UINT32_MAX - 1);
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (struct packet){.data = buffers[i] + HEADROOM, .len = 20, .verdict = PACKET_OK};
    }
    cr_assert_eq(keyslot_seal(&worker, e.a, &header, p, 4, &report), 2, "the last two ids");
    cr_assert_not(report, "once is enough");
    cr_assert_eq(p[1].verdict, PACKET_OK);
    cr_assert_eq(p[2].verdict, DP_DROP_KEY_EXHAUSTED);
    p[0] = (struct packet){.data = buffers[0] + HEADROOM, .len = 20, .verdict = PACKET_OK};
    cr_assert_eq(keyslot_seal(&worker, e.a, &header, p, 1, &report), 0, "and none ever again");
    free_ends(&e);
}

Test(keyslot, usage_limit_of_gcm_is_reported)
{
    static uint8_t buffer[ROOM];
    struct keyslot_header header = {.tx_id = 1};
    for (unsigned chacha = 0; chacha < 2; chacha++) {
        struct ends e = pair(chacha ? "CHACHA20-POLY1305" : "AES-256-GCM", NULL, DP_FORMAT_AEAD);
        struct packet p = {.data = buffer + HEADROOM, .len = 20, .verdict = PACKET_OK};
        bool report = false;
        atomic_store(&e.a->tx_usage, (UINT64_C(1) << 36) / 8 * 7);
        cr_assert_eq(keyslot_seal(&worker, e.a, &header, &p, 1, &report), 1);
        cr_assert_eq(report, !chacha);
        free_ends(&e);
    }
}

/* ------------------------------------------------------------------ epochs */

static size_t seal_epoch(struct keyslot *ks, uint8_t *out)
{
    uint8_t buffer[ROOM] = {0};
    struct keyslot_header header = {.tx_id = 5};
    struct packet p = {.data = buffer + HEADROOM, .len = 30, .verdict = PACKET_OK};
    bool report = false;
    cr_assert_eq(keyslot_seal(&worker, ks, &header, &p, 1, &report), 1);
    memcpy(out, p.data, p.len);
    return p.len;
}

static unsigned epoch_of(const uint8_t *record)
{
    return be16_load(record + DATA_PKT_V2_HEADER);
}

/* Make the sender leave its epoch: its key is used up. Seals one record of the new one. */
static size_t next_epoch(struct keyslot *ks, uint8_t *out)
{
    uint64_t saved = ks->usage_soft;
    ks->usage_soft = 0;
    size_t len = seal_epoch(ks, out);
    ks->usage_soft = saved;
    return len;
}

Test(keyslot, epochs_move_on_together)
{
    struct ends e = pair("AES-256-GCM", NULL, DP_FORMAT_EPOCH);
    uint8_t old[ROOM];
    uint8_t older[ROOM];
    uint8_t now[ROOM];
    struct packet p;
    size_t older_len = seal_epoch(e.a, older);
    size_t len = seal_epoch(e.a, old);
    cr_assert_eq(epoch_of(old), 1);
    cr_assert_eq(seal_epoch(e.b, now), len);
    cr_assert_eq(epoch_of(now), 1);
    size_t now_len = next_epoch(e.a, now);
    cr_assert_eq(epoch_of(now), 2);
    cr_assert_eq(be64_load(now + DATA_PKT_V2_HEADER) & 0xFFFFFFFFFFFF, 1, "the counter begins again");
    uint8_t forged[ROOM];
    memcpy(forged, now, now_len);
    forged[now_len - 1] ^= 1;
    cr_assert_eq(open_one(e.b, forged, now_len, &p), DP_DROP_AUTH);
    size_t reply_len = seal_epoch(e.b, forged);
    cr_assert_eq(epoch_of(forged), 1, "a forgery moves nothing");
    cr_assert_eq(open_one(e.a, forged, reply_len, &p), PACKET_OK);
    cr_assert_eq(open_one(e.b, now, now_len, &p), PACKET_OK);
    reply_len = seal_epoch(e.b, forged);
    cr_assert_eq(epoch_of(forged), 2, "the receiver follows");
    cr_assert_eq(open_one(e.a, forged, reply_len, &p), PACKET_OK);
    cr_assert_eq(open_one(e.b, old, len, &p), PACKET_OK, "the retiring key still opens");
    now_len = next_epoch(e.a, now);
    cr_assert_eq(epoch_of(now), 3);
    cr_assert_eq(open_one(e.b, now, now_len, &p), PACKET_OK);
    cr_assert_eq(open_one(e.b, older, older_len, &p), DP_DROP_UNKNOWN_KEY, "but only the last one");
    free_ends(&e);
}

Test(keyslot, only_sixteen_epochs_ahead)
{
    struct ends e = pair("AES-128-GCM", NULL, DP_FORMAT_EPOCH);
    uint8_t record[40][ROOM];
    size_t len[40];
    struct packet p;
    for (unsigned i = 0; i < 40; i++) {
        len[i] = next_epoch(e.a, record[i]);
        cr_assert_eq(epoch_of(record[i]), i + 2);
    }
    cr_assert_eq(open_one(e.b, record[16], len[16], &p), DP_DROP_UNKNOWN_KEY, "epoch 18 while at 1");
    cr_assert_eq(open_one(e.b, record[15], len[15], &p), PACKET_OK, "epoch 17");
    cr_assert_eq(open_one(e.b, record[0], len[0], &p), DP_DROP_UNKNOWN_KEY, "skipped epochs are gone");
    cr_assert_eq(open_one(e.b, record[31], len[31], &p), PACKET_OK, "epoch 33");
    for (unsigned i = 32; i < 40; i++) {
        cr_assert_eq(open_one(e.b, record[i], len[i], &p), PACKET_OK);
    }
    free_ends(&e);
}
