/* SPDX-License-Identifier: MIT */

/*
 * Records of data packets: from a stranger, and from a peer that seals whatever it likes. The first byte chooses
 * format and cipher.
 */
#include <stdlib.h>
#include <string.h>

#include "dp/user/keyslot.h"
#include "fuzz.h"
#include "wire/data_pkt.h"

static const struct {
    enum dp_key_format format;
    const char *cipher;
    const char *auth;
} kinds[] = {
    {DP_FORMAT_AEAD, "AES-256-GCM", NULL},        {DP_FORMAT_AEAD, "CHACHA20-POLY1305", NULL},
    {DP_FORMAT_EPOCH, "AES-256-GCM", NULL},       {DP_FORMAT_EPOCH, "CHACHA20-POLY1305", NULL},
    {DP_FORMAT_CBC, "AES-128-CBC", "SHA256"},     {DP_FORMAT_CBC, "AES-256-CBC", "SHA1"},
    {DP_FORMAT_CBC, "AES-256-CBC", "none"},       {DP_FORMAT_CBC, "AES-128-CFB", "SHA256"},
    {DP_FORMAT_CBC, "AES-128-OFB", "none"},       {DP_FORMAT_CBC, "none", "none"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Made once: starting the crypto engines tests them, which takes long. */
static struct crypto_engines *engines(void)
{
    static struct crypto_engines *made;
    if (!made) {
        FUZZ_REQUIRE(crypto_engines_new(NULL, &made) == 0);
    }
    return made;
}

static struct keyslot *slot(unsigned kind)
{
    static struct rcu_domain rcu; /* nothing is retired */
    const struct keyslot_replay replay = {.window = 64, .seconds = 15};
    struct dp_key key = {.format = kinds[kind].format, .cipher = kinds[kind].cipher, .auth = kinds[kind].auth};
    memset(&key.tx, 0x11, sizeof(key.tx));
    memset(&key.rx, 0x11, sizeof(key.rx));
    struct keyslot *ks = NULL;
    FUZZ_REQUIRE(keyslot_new(engines(), &rcu, &key, &replay, &ks) == 0);
    return ks;
}

/* Whether it is a record of ours, and inside the room that it was given. */
static bool opened(struct keyslot_worker *worker, struct keyslot *ks, uint8_t *record, size_t len, struct packet *p)
{
    struct data_pkt_header header;
    bool report = false;
    *p = (struct packet){.data = record, .len = (uint32_t)len, .verdict = PACKET_OK};
    if (data_pkt_header_read(record, len, &header) != 0) {
        return false;
    }
    unsigned kept = keyslot_open(worker, ks, p, 1, 1000, &report);
    FUZZ_REQUIRE(kept == (p->verdict == PACKET_OK));
    FUZZ_REQUIRE(!kept || (p->data >= record && p->data + p->len <= record + len));
    return kept;
}

static void stranger(struct keyslot_worker *worker, struct keyslot *ks, const uint8_t *data, size_t size)
{
    struct packet p;
    uint8_t *record = fuzz_copy(data, size);
    (void)opened(worker, ks, record, size, &p);
    free(record);
}

/* What one end seals, the other opens, once. */
static void peer(struct keyslot_worker *worker, unsigned kind, const uint8_t *data, size_t size)
{
    struct keyslot *tx = slot(kind);
    struct keyslot *rx = slot(kind);
    size_t room = KEYSLOT_HEAD_MAX + size + KEYSLOT_TAIL_MAX;
    uint8_t *out = malloc(room);
    FUZZ_REQUIRE(out);
    memcpy(out + KEYSLOT_HEAD_MAX, data, size);
    struct packet p = {.data = out + KEYSLOT_HEAD_MAX, .len = (uint32_t)size, .verdict = PACKET_OK};
    struct keyslot_header header = {.tx_id = 7, .data_v1 = size & 1};
    bool report = false;
    FUZZ_REQUIRE(keyslot_seal(worker, tx, &header, &p, 1, &report) == 1);
    FUZZ_REQUIRE(p.data >= out && p.data + p.len <= out + room);
    uint8_t *first = fuzz_copy(p.data, p.len);
    uint8_t *second = fuzz_copy(p.data, p.len);
    struct packet got;
    FUZZ_REQUIRE(opened(worker, rx, first, p.len, &got));
    FUZZ_REQUIRE(got.len == size && memcmp(got.data, data, size) == 0);
    FUZZ_REQUIRE(!opened(worker, rx, second, p.len, &got));
    free(first);
    free(second);
    free(out);
    keyslot_free(tx);
    keyslot_free(rx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyslot_worker worker;
    static bool ready;
    if (size < 2) {
        return 0;
    }
    if (!ready) {
        keyslot_worker_init(&worker, engines());
        ready = true;
    }
    unsigned kind = data[0] % KINDS;
    struct keyslot *ks = slot(kind);
    stranger(&worker, ks, data + 1, size - 1);
    keyslot_free(ks);
    peer(&worker, kind, data + 1, size - 1);
    return 0;
}
