/* SPDX-License-Identifier: MIT */
#include "crypto/cbc_hmac.h"

#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/span.h"
#include "crypto/cbc_hmac_engine.h"

#define SHORT_ID_SIZE 4
#define RANDOM_SIZE 4096 /* IVs are drawn in bulk */
#define DESCRIBE_MAX 64

#define TEST_PACKETS 18  /* a full round of the widest vectors and the beginning of another */
#define TEST_ROOM 1536
#define TEST_STEP 79     /* bytes by which one packet is longer than the one before */

struct cbc_hmac_engine {
    const struct cbc_hmac_ops *fast; /* NULL: OpenSSL only */
    void *fast_state;
    _Atomic uint64_t next_serial;
    char text[DESCRIBE_MAX];
};

struct cbc_hmac_worker {
    struct cbc_hmac_evp *evp;
    const struct cbc_hmac_ops *fast;
    void *fast_state;
    uint8_t random[RANDOM_SIZE];
    size_t random_left;
    struct cbc_hmac_record records[CBC_HMAC_BATCH_MAX];
    uint8_t index[CBC_HMAC_BATCH_MAX]; /* record -> operation */
};

/* ------------------------------------------------------------------ keys */

static struct cbc_hmac_layout layout_of(const struct cipher_info *cipher, const struct digest_info *digest)
{
    bool long_id = cipher->kind == CIPHER_CFB || cipher->kind == CIPHER_OFB;
    return (struct cbc_hmac_layout){
        .head = (size_t)digest->size + cipher->iv_size + (long_id ? 0 : SHORT_ID_SIZE),
        .tail_max = cipher->kind == CIPHER_CBC ? cipher->block_size : 0,
        .long_id = long_id,
    };
}

static bool is_fast(const struct cbc_hmac_engine *engine, const struct cipher_info *cipher,
                    const struct digest_info *digest)
{
    return engine->fast && engine->fast->supports(engine->fast_state, cipher, digest);
}

/* Sizes were checked. @fast: expanded for the fast implementation, too. */
static int key_make(struct cbc_hmac_engine *engine, const struct cipher_info *cipher, const uint8_t *cipher_key,
                    const struct digest_info *digest, const uint8_t *hmac_key, bool fast, struct cbc_hmac_key **out)
{
    struct cbc_hmac_key *key = mem_zalloc(sizeof(*key));
    key->cipher = cipher;
    key->digest = digest;
    key->layout = layout_of(cipher, digest);
    key->serial = atomic_fetch_add_explicit(&engine->next_serial, 1, memory_order_relaxed) + 1;
    if (cipher->key_size) {
        memcpy(key->cipher_key, cipher_key, cipher->key_size);
        key->evp = EVP_CIPHER_fetch(NULL, cipher->name, NULL);
    }
    if (digest->size) {
        memcpy(key->hmac_key, hmac_key, digest->size);
    }
    if (cipher->key_size && !key->evp) {
        cbc_hmac_key_free(key);
        return ERR_UNSUPPORTED;
    }
    if (fast) {
        key->fast = engine->fast;
        key->fast->key_init(engine->fast_state, key);
    }
    *out = key;
    return 0;
}

int cbc_hmac_key_new(const struct cbc_hmac_engine *engine, const char *cipher, const uint8_t *cipher_key,
                     const char *auth, const uint8_t *hmac_key, struct cbc_hmac_key **out)
{
    static const uint8_t zero[CIPHER_KEY_MAX];
    const struct cipher_info *info = cipher_find(cipher);
    const struct digest_info *digest = digest_find(auth);
    if (!info || !digest || cipher_is_aead(info) || !cipher_available(info) || !digest_available(digest)) {
        return ERR_UNSUPPORTED;
    }
    if (info->key_size && secret_equal(cipher_key, zero, info->key_size)) {
        return ERR_CRYPTO;
    }
    /* Only the serial changes, and it is atomic. */
    return key_make((struct cbc_hmac_engine *)(uintptr_t)engine, info, cipher_key, digest, hmac_key,
                    is_fast(engine, info, digest), out);
}

void cbc_hmac_key_free(struct cbc_hmac_key *key)
{
    if (key) {
        if (key->fast) {
            key->fast->key_free(key);
        }
        EVP_CIPHER_free(key->evp);
        secret_wipe(key, sizeof(*key));
        free(key);
    }
}

struct cbc_hmac_layout cbc_hmac_key_layout(const struct cbc_hmac_key *key)
{
    return key->layout;
}

/* ------------------------------------------------------------------ workers */

struct cbc_hmac_worker *cbc_hmac_worker_new(const struct cbc_hmac_engine *engine)
{
    struct cbc_hmac_worker *worker = mem_zalloc(sizeof(*worker));
    worker->evp = cbc_hmac_evp_new();
    worker->fast = engine->fast;
    worker->fast_state = engine->fast ? engine->fast->worker_new(engine->fast_state) : NULL;
    return worker;
}

void cbc_hmac_worker_free(struct cbc_hmac_worker *worker)
{
    if (!worker) {
        return;
    }
    cbc_hmac_evp_free(worker->evp);
    if (worker->fast) {
        worker->fast->worker_free(worker->fast_state);
    }
    secret_wipe(worker, sizeof(*worker));
    free(worker);
}

static bool take_random(struct cbc_hmac_worker *worker, uint8_t *out, size_t n)
{
    if (worker->random_left < n) {
        if (RAND_bytes(worker->random, sizeof(worker->random)) != 1) {
            return false;
        }
        worker->random_left = sizeof(worker->random);
    }
    worker->random_left -= n;
    memcpy(out, worker->random + worker->random_left, n);
    return true;
}

/* Whether the fast implementation does the worker's @n records. */
static bool goes_fast(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, size_t n)
{
    return key->fast && worker->fast->takes(worker->fast_state, key, worker->records, n);
}

/* ------------------------------------------------------------------ sealing */

/* IV and, in front of the payload, the packet id: everything that is not payload. */
static bool write_head(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, const struct cbc_hmac_seal *op,
                       uint8_t *iv)
{
    size_t iv_size = key->cipher->iv_size;
    if (key->layout.long_id) {
        memset(iv, 0, iv_size);
        be32_store(iv, op->id);
        be32_store(iv + 4, op->time);
        return true;
    }
    be32_store(iv + iv_size, op->id);
    if (op->iv && iv_size) {
        memcpy(iv, op->iv, iv_size);
        return true;
    }
    return iv_size == 0 || take_random(worker, iv, iv_size);
}

static bool prepare_seal(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, const struct cbc_hmac_seal *op,
                         struct cbc_hmac_record *r)
{
    r->tag = op->out;
    r->iv = op->out + key->digest->size;
    r->text = r->iv + key->cipher->iv_size;
    r->len = op->len + (key->layout.long_id ? 0 : SHORT_ID_SIZE);
    if (op->len && op->in != op->out + key->layout.head) {
        memcpy(op->out + key->layout.head, op->in, op->len);
    }
    return write_head(worker, key, op, r->iv);
}

static size_t seal_batch(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, struct cbc_hmac_seal *ops,
                         size_t n)
{
    size_t count = 0;
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        ops[i].ok = prepare_seal(worker, key, &ops[i], &worker->records[count]);
        worker->index[count] = (uint8_t)i;
        count += ops[i].ok;
    }
    if (count == 0) {
        return 0;
    }
    if (goes_fast(worker, key, count)) {
        worker->fast->seal(worker->fast_state, key, worker->records, count);
    } else {
        cbc_hmac_evp_seal(worker->evp, key, worker->records, count);
    }
    for (size_t i = 0; i < count; i++) {
        struct cbc_hmac_seal *op = &ops[worker->index[i]];
        op->out_len = (size_t)key->digest->size + key->cipher->iv_size + worker->records[i].len;
        op->ok = worker->records[i].ok;
        done += op->ok;
    }
    return done;
}

size_t cbc_hmac_seal(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, struct cbc_hmac_seal *ops,
                     size_t n)
{
    size_t done = 0;
    for (size_t i = 0; i < n; i += CBC_HMAC_BATCH_MAX) {
        done += seal_batch(worker, key, ops + i, n - i < CBC_HMAC_BATCH_MAX ? n - i : CBC_HMAC_BATCH_MAX);
    }
    return done;
}

/* ------------------------------------------------------------------ opening */

/* Return: false when the packet is too short, or no whole blocks. */
static bool prepare_open(const struct cbc_hmac_key *key, const struct cbc_hmac_open *op, struct cbc_hmac_record *r)
{
    size_t head = (size_t)key->digest->size + key->cipher->iv_size;
    if (op->len < head) {
        return false;
    }
    r->tag = op->in;
    r->iv = op->in + key->digest->size;
    r->text = op->in + head;
    r->len = op->len - head;
    return key->cipher->kind != CIPHER_CBC || (r->len && r->len % key->cipher->block_size == 0);
}

/* What an authentic record says. Return: false when it is too short for a packet id. */
static bool take_payload(const struct cbc_hmac_key *key, const struct cbc_hmac_record *r, struct cbc_hmac_open *op)
{
    size_t id_size = key->layout.long_id ? 0 : SHORT_ID_SIZE;
    if (r->len < id_size) {
        return false;
    }
    op->id = be32_load(id_size ? r->text : r->iv);
    op->time = id_size ? 0 : be32_load(r->iv + 4);
    op->payload = r->text + id_size;
    op->payload_len = r->len - id_size;
    return true;
}

static size_t open_batch(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, struct cbc_hmac_open *ops,
                         size_t n)
{
    size_t count = 0;
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        ops[i].ok = prepare_open(key, &ops[i], &worker->records[count]);
        worker->index[count] = (uint8_t)i;
        count += ops[i].ok;
    }
    if (count == 0) {
        return 0;
    }
    if (goes_fast(worker, key, count)) {
        worker->fast->open(worker->fast_state, key, worker->records, count);
    } else {
        cbc_hmac_evp_open(worker->evp, key, worker->records, count);
    }
    for (size_t i = 0; i < count; i++) {
        struct cbc_hmac_open *op = &ops[worker->index[i]];
        op->ok = worker->records[i].ok && take_payload(key, &worker->records[i], op);
        done += op->ok;
    }
    return done;
}

size_t cbc_hmac_open(struct cbc_hmac_worker *worker, const struct cbc_hmac_key *key, struct cbc_hmac_open *ops,
                     size_t n)
{
    size_t done = 0;
    for (size_t i = 0; i < n; i += CBC_HMAC_BATCH_MAX) {
        done += open_batch(worker, key, ops + i, n - i < CBC_HMAC_BATCH_MAX ? n - i : CBC_HMAC_BATCH_MAX);
    }
    return done;
}

/* ------------------------------------------------------------------ self-test */

struct test {
    struct cbc_hmac_worker *worker;
    struct cbc_hmac_key *tested;
    struct cbc_hmac_key *reference;
    uint8_t plain[TEST_ROOM];
    uint8_t got[TEST_PACKETS][TEST_ROOM];
    uint8_t want[TEST_PACKETS][TEST_ROOM];
};

/* Seal @n packets with both and compare, open those of the one, and refuse a forgery among them. */
static bool batch_agrees(struct test *t, size_t n)
{
    struct cbc_hmac_seal seals[TEST_PACKETS];
    struct cbc_hmac_seal wanted[TEST_PACKETS];
    struct cbc_hmac_open opens[TEST_PACKETS];
    for (size_t i = 0; i < n; i++) {
        seals[i] = (struct cbc_hmac_seal){.in = t->plain, .len = i * TEST_STEP, .out = t->got[i], .id = (uint32_t)i + 1,
                                          .iv = t->plain + 16 * i};
        wanted[i] = seals[i];
        wanted[i].out = t->want[i];
    }
    bool ok = cbc_hmac_seal(t->worker, t->tested, seals, n) == n && cbc_hmac_seal(t->worker, t->reference, wanted, n) == n;
    for (size_t i = 0; ok && i < n; i++) {
        ok = seals[i].out_len == wanted[i].out_len && memcmp(t->got[i], t->want[i], wanted[i].out_len) == 0;
        opens[i] = (struct cbc_hmac_open){.in = t->got[i], .len = wanted[i].out_len};
    }
    t->got[n / 2][0] ^= 1;
    ok = ok && cbc_hmac_open(t->worker, t->tested, opens, n) == n - 1 && !opens[n / 2].ok;
    for (size_t i = 0; ok && i < n; i++) {
        ok = i == n / 2 || (opens[i].id == i + 1 && opens[i].payload_len == i * TEST_STEP &&
                            memcmp(opens[i].payload, t->plain, i * TEST_STEP) == 0);
    }
    return ok;
}

static bool pair_passes(struct cbc_hmac_engine *engine, struct test *t, const struct cipher_info *cipher,
                        const struct digest_info *digest)
{
    bool ok = key_make(engine, cipher, t->plain, digest, t->plain + CIPHER_KEY_MAX, true, &t->tested) == 0 &&
              key_make(engine, cipher, t->plain, digest, t->plain + CIPHER_KEY_MAX, false, &t->reference) == 0 &&
              batch_agrees(t, TEST_PACKETS) && batch_agrees(t, 3) && batch_agrees(t, 1);
    cbc_hmac_key_free(t->tested);
    cbc_hmac_key_free(t->reference);
    t->tested = NULL;
    t->reference = NULL;
    return ok;
}

/* Every combination that OpenSSL has as well. */
static bool passes(struct cbc_hmac_engine *engine)
{
    static const char *const ciphers[] = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"};
    static const char *const auths[] = {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512"};
    bool ok = true;
    struct test *t = mem_zalloc(sizeof(*t));
    t->worker = cbc_hmac_worker_new(engine);
    for (size_t i = 0; i < sizeof(t->plain); i++) {
        t->plain[i] = (uint8_t)(0xa5 ^ i * 31 ^ i >> 5);
    }
    for (size_t c = 0; ok && c < sizeof(ciphers) / sizeof(ciphers[0]); c++) {
        for (size_t a = 0; ok && a < sizeof(auths) / sizeof(auths[0]); a++) {
            const struct cipher_info *cipher = cipher_find(ciphers[c]);
            const struct digest_info *digest = digest_find(auths[a]);
            bool both = is_fast(engine, cipher, digest) && cipher_available(cipher) && digest_available(digest);
            ok = !both || pair_passes(engine, t, cipher, digest);
        }
    }
    cbc_hmac_worker_free(t->worker);
    free(t);
    return ok;
}

/* ------------------------------------------------------------------ choosing */

static int start_fast(struct cbc_hmac_engine *engine, bool wanted)
{
    const struct cbc_hmac_ops *fast = cbc_hmac_ipsecmb_ops();
    int err = fast ? fast->engine_init(&engine->fast_state) : ERR_UNSUPPORTED;
    if (err) {
        return err;
    }
    engine->fast = fast;
    if (passes(engine)) {
        return 0;
    }
    if (!wanted) {
        log_warn("WARNING: %s and OpenSSL disagree about AES-CBC; using OpenSSL", fast->name);
    }
    fast->engine_free(engine->fast_state);
    engine->fast = NULL;
    return ERR_CRYPTO;
}

int cbc_hmac_engine_new(const char *name, struct cbc_hmac_engine **out)
{
    bool automatic = !name || strcmp(name, "auto") == 0;
    bool wanted = name && strcmp(name, "ipsec-mb") == 0;
    if (!automatic && !wanted && strcmp(name, "openssl") != 0) {
        return ERR_UNSUPPORTED;
    }
    struct cbc_hmac_engine *engine = mem_zalloc(sizeof(*engine));
    int err = automatic || wanted ? start_fast(engine, wanted) : 0;
    if (err == ERR_CRYPTO && wanted) {
        cbc_hmac_engine_free(engine);
        return err;
    }
    char by[DESCRIBE_MAX / 2] = "OpenSSL";
    if (engine->fast) {
        engine->fast->describe(by, sizeof(by));
    }
    (void)snprintf(engine->text, sizeof(engine->text), "AES-CBC: %s", by);
    *out = engine;
    return 0;
}

void cbc_hmac_engine_free(struct cbc_hmac_engine *engine)
{
    if (engine) {
        if (engine->fast) {
            engine->fast->engine_free(engine->fast_state);
        }
        free(engine);
    }
}

const char *cbc_hmac_engine_describe(const struct cbc_hmac_engine *engine)
{
    return engine->text;
}

const char *cbc_hmac_engine_name(const struct cbc_hmac_engine *engine, const char *cipher, const char *auth)
{
    const struct cipher_info *info = cipher_find(cipher);
    const struct digest_info *digest = digest_find(auth);
    return info && digest && is_fast(engine, info, digest) ? engine->fast->name : "openssl";
}
