/* SPDX-License-Identifier: MIT */
#include "crypto/cbc_hmac_engine.h"

#ifdef HAVE_IPSEC_MB
#include "crypto/ipsecmb.h"
#if IMB_VERSION_NUM >= IMB_VERSION(1, 3, 0)
#define HAS_HASH_BURSTS
#endif
#endif

#ifdef HAS_HASH_BURSTS
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"

/*
 * CBC encryption and a hash go from block to block, so one packet alone leaves most of a CPU idle. Here the packets of
 * a batch go side by side, each in a lane of the vector registers: one burst of the cipher and one of the HMAC, which
 * are complete when the call returns. Hence nothing of a key stays in a manager, and a forged packet is not decrypted.
 *
 * A round of the lanes takes the same time however few of them are in use. Small batches are hashed with the CPU's SHA
 * instructions two packets at a time, where it has them, and are left to OpenSSL otherwise.
 */
#define KEY_ALIGN 64
#define ROUND_WORDS 60             /* AES-256: 15 round keys */
#define BLOCK_MAX 128              /* of SHA-512 */
#define TEXT_MAX (65534 - 2 * 16)  /* IV, text and padding fit the library's 16-bit lengths */
#define NEVER UINT_MAX

/* How many packets make the widest vectors the fastest choice: of 64, 32 and 16 bytes. */
struct lanes_from {
    unsigned avx512;
    unsigned avx2;
    unsigned less;
};

struct mb_digest {
    const char *name;
    IMB_HASH_ALG algorithm;
    unsigned block;                /* bytes */
    bool narrow;                   /* SHA instructions are for it */
    struct lanes_from plain;       /* than OpenSSL */
    struct lanes_from against_sha; /* than the SHA instructions */
};

static const struct mb_digest digests[] = {
    {"SHA1", IMB_AUTH_HMAC_SHA_1, 64, true, {2, 3, 3}, {5, NEVER, NEVER}},
    {"SHA224", IMB_AUTH_HMAC_SHA_224, 64, true, {2, 3, 3}, {8, NEVER, NEVER}},
    {"SHA256", IMB_AUTH_HMAC_SHA_256, 64, true, {2, 3, 3}, {8, NEVER, NEVER}},
    {"SHA384", IMB_AUTH_HMAC_SHA_384, 128, false, {2, 3, NEVER}, {2, 3, NEVER}},
    {"SHA512", IMB_AUTH_HMAC_SHA_512, 128, false, {2, 3, NEVER}, {2, 3, NEVER}},
};

#define DIGEST_COUNT (sizeof(digests) / sizeof(digests[0]))

struct mb_engine {
    IMB_MGR *manager; /* used for its function pointers only: constant */
    bool has_narrow;
};

struct mb_key {
    uint32_t encrypt[ROUND_WORDS];
    uint32_t decrypt[ROUND_WORDS];
    uint8_t inner[DIGEST_SIZE_MAX]; /* state of the hash behind the key's block */
    uint8_t outer[DIGEST_SIZE_MAX];
    const struct mb_digest *digest;
    size_t wide_from; /* packets */
};

/* Made for the first batch. */
struct mb_scratch {
    IMB_MGR *wide;
    IMB_MGR *narrow; /* NULL: no SHA instructions */
    IMB_JOB jobs[CBC_HMAC_BATCH_MAX];
    uint8_t tags[CBC_HMAC_BATCH_MAX][DIGEST_SIZE_MAX];
    uint8_t genuine[CBC_HMAC_BATCH_MAX]; /* job of the cipher -> record */
};

struct mb_worker {
    const struct mb_engine *engine;
    struct mb_scratch *scratch;
    bool failed; /* no scratch can be made */
};

_Static_assert(CBC_HMAC_BATCH_MAX <= IMB_MAX_BURST_SIZE, "a batch is one burst");
_Static_assert(CBC_HMAC_BATCH_MAX <= UINT8_MAX, "genuine[] can tell them apart");

/* ------------------------------------------------------------------ engine and keys */

static int mb_engine_init(void **engine_state)
{
    IMB_MGR *manager = ipsecmb_manager_new(IPSECMB_WIDE);
    if (!manager) {
        return ERR_UNSUPPORTED;
    }
    struct mb_engine *engine = mem_zalloc(sizeof(*engine));
    engine->manager = manager;
    engine->has_narrow = (manager->features & IMB_FEATURE_SHANI) != 0;
    *engine_state = engine;
    return 0;
}

static void mb_engine_free(void *engine_state)
{
    struct mb_engine *engine = engine_state;
    ipsecmb_manager_free(engine->manager);
    free(engine);
}

static const struct mb_digest *find_digest(const struct digest_info *info)
{
    for (size_t i = 0; i < DIGEST_COUNT; i++) {
        if (strcmp(digests[i].name, info->name) == 0) {
            return &digests[i];
        }
    }
    return NULL;
}

static size_t wide_from(const struct mb_engine *engine, const struct mb_digest *digest)
{
    const struct lanes_from *from = engine->has_narrow ? &digest->against_sha : &digest->plain;
    if (engine->manager->used_arch >= IMB_ARCH_AVX512) {
        return from->avx512;
    }
    return engine->manager->used_arch == IMB_ARCH_AVX2 ? from->avx2 : from->less;
}

static bool mb_supports(const void *engine_state, const struct cipher_info *cipher, const struct digest_info *info)
{
    const struct mb_engine *engine = engine_state;
    const struct mb_digest *digest = find_digest(info);
    bool aes = strcmp(cipher->name, "AES-128-CBC") == 0 || strcmp(cipher->name, "AES-192-CBC") == 0 ||
               strcmp(cipher->name, "AES-256-CBC") == 0;
    return aes && digest && ((digest->narrow && engine->has_narrow) || wide_from(engine, digest) != NEVER);
}

static void hash_block(const IMB_MGR *manager, IMB_HASH_ALG algorithm, const uint8_t *block, uint8_t *state)
{
    switch (algorithm) {
    case IMB_AUTH_HMAC_SHA_1: IMB_SHA1_ONE_BLOCK(manager, block, state); break;
    case IMB_AUTH_HMAC_SHA_224: IMB_SHA224_ONE_BLOCK(manager, block, state); break;
    case IMB_AUTH_HMAC_SHA_256: IMB_SHA256_ONE_BLOCK(manager, block, state); break;
    case IMB_AUTH_HMAC_SHA_384: IMB_SHA384_ONE_BLOCK(manager, block, state); break;
    default: IMB_SHA512_ONE_BLOCK(manager, block, state); break;
    }
}

/* RFC 2104: the hash's state behind the padded key. */
static void start_hash(const IMB_MGR *manager, const struct mb_digest *digest, const struct cbc_hmac_key *key,
                       uint8_t pad, uint8_t *state)
{
    uint8_t block[BLOCK_MAX];
    for (unsigned i = 0; i < digest->block; i++) {
        block[i] = (uint8_t)((i < key->digest->size ? key->hmac_key[i] : 0) ^ pad);
    }
    hash_block(manager, digest->algorithm, block, state);
    secret_wipe(block, sizeof(block));
}

static void mb_key_init(const void *engine_state, struct cbc_hmac_key *key)
{
    const struct mb_engine *engine = engine_state;
    struct mb_key *expanded = mem_aligned(KEY_ALIGN, sizeof(*expanded));
    if (key->cipher->key_size == IMB_KEY_128_BYTES) {
        IMB_AES_KEYEXP_128(engine->manager, key->cipher_key, expanded->encrypt, expanded->decrypt);
    } else if (key->cipher->key_size == IMB_KEY_192_BYTES) {
        IMB_AES_KEYEXP_192(engine->manager, key->cipher_key, expanded->encrypt, expanded->decrypt);
    } else {
        IMB_AES_KEYEXP_256(engine->manager, key->cipher_key, expanded->encrypt, expanded->decrypt);
    }
    expanded->digest = find_digest(key->digest);
    BUG_ON(!expanded->digest); /* it was supported */
    expanded->wide_from = wide_from(engine, expanded->digest);
    start_hash(engine->manager, expanded->digest, key, 0x36, expanded->inner);
    start_hash(engine->manager, expanded->digest, key, 0x5c, expanded->outer);
    key->expanded = expanded;
}

static void mb_key_free(struct cbc_hmac_key *key)
{
    secret_wipe(key->expanded, sizeof(struct mb_key));
    free(key->expanded);
}

/* ------------------------------------------------------------------ workers */

static void *mb_worker_new(const void *engine_state)
{
    struct mb_worker *worker = mem_zalloc(sizeof(*worker));
    worker->engine = engine_state;
    return worker;
}

static void mb_worker_free(void *worker_state)
{
    struct mb_worker *worker = worker_state;
    struct mb_scratch *s = worker->scratch;
    if (s) {
        ipsecmb_manager_free(s->wide);
        ipsecmb_manager_free(s->narrow);
        secret_wipe(s, sizeof(*s));
        free(s);
    }
    free(worker);
}

static struct mb_scratch *scratch_of(struct mb_worker *worker)
{
    if (!worker->scratch && !worker->failed) {
        IMB_MGR *wide = ipsecmb_manager_new(IPSECMB_WIDE);
        worker->failed = !wide;
        if (wide) {
            worker->scratch = mem_zalloc(sizeof(*worker->scratch));
            worker->scratch->wide = wide;
            worker->scratch->narrow = worker->engine->has_narrow ? ipsecmb_manager_new(IPSECMB_NARROW) : NULL;
        }
    }
    return worker->scratch;
}

static bool mb_takes(void *worker_state, const struct cbc_hmac_key *key, const struct cbc_hmac_record *records,
                     size_t n)
{
    const struct mb_key *k = key->expanded;
    const struct mb_scratch *s = scratch_of(worker_state);
    if (!s || (n < k->wide_from && !(k->digest->narrow && s->narrow))) {
        return false;
    }
    size_t longest = 0;
    for (size_t i = 0; i < n; i++) {
        longest = records[i].len > longest ? records[i].len : longest;
    }
    return longest <= TEXT_MAX;
}

/* ------------------------------------------------------------------ bursts */

static void set_cipher(IMB_JOB *job, const struct cbc_hmac_key *key, const struct cbc_hmac_record *r)
{
    const struct mb_key *k = key->expanded;
    job->enc_keys = k->encrypt;
    job->dec_keys = k->decrypt;
    job->key_len_in_bytes = key->cipher->key_size;
    job->src = r->text;
    job->dst = r->text;
    job->cipher_start_src_offset_in_bytes = 0;
    job->msg_len_to_cipher_in_bytes = r->len;
    job->iv = r->iv;
    job->iv_len_in_bytes = key->cipher->iv_size;
}

/* Return: all of them were done. */
static bool run_cipher(struct mb_scratch *s, const struct cbc_hmac_key *key, size_t n, IMB_CIPHER_DIRECTION direction)
{
    return IMB_SUBMIT_CIPHER_BURST(s->wide, s->jobs, (uint32_t)n, IMB_CIPHER_CBC, direction,
                                   (IMB_KEY_SIZE_BYTES)key->cipher->key_size) == n;
}

static void set_hash(IMB_JOB *job, const struct cbc_hmac_key *key, const struct cbc_hmac_record *r, uint8_t *tag)
{
    const struct mb_key *k = key->expanded;
    job->src = r->iv;
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = key->cipher->iv_size + r->len;
    job->auth_tag_output = tag;
    job->auth_tag_output_len_in_bytes = key->digest->size;
    job->u.HMAC._hashed_auth_key_xor_ipad = k->inner;
    job->u.HMAC._hashed_auth_key_xor_opad = k->outer;
}

static bool run_hash(struct mb_scratch *s, const struct cbc_hmac_key *key, size_t n)
{
    const struct mb_key *k = key->expanded;
    bool narrow = n < k->wide_from && k->digest->narrow && s->narrow;
    IMB_MGR *manager = narrow ? s->narrow : s->wide;
    return IMB_SUBMIT_HASH_BURST(manager, s->jobs, (uint32_t)n, k->digest->algorithm) == n;
}

static void pad(struct cbc_hmac_record *r, unsigned block)
{
    size_t n = block - r->len % block;
    memset(r->text + r->len, (int)n, n);
    r->len += n;
}

static void mb_seal(void *worker_state, const struct cbc_hmac_key *key, struct cbc_hmac_record *records, size_t n)
{
    struct mb_scratch *s = scratch_of(worker_state);
    for (size_t i = 0; i < n; i++) {
        pad(&records[i], key->cipher->block_size);
        set_cipher(&s->jobs[i], key, &records[i]);
    }
    bool ok = run_cipher(s, key, n, IMB_DIR_ENCRYPT);
    for (size_t i = 0; i < n; i++) {
        set_hash(&s->jobs[i], key, &records[i], records[i].tag);
    }
    ok = ok && run_hash(s, key, n);
    for (size_t i = 0; i < n; i++) {
        records[i].ok = ok;
    }
}

/* PKCS #7. The sender is known by now, so that how long this takes tells nobody anything. */
static bool unpad(struct cbc_hmac_record *r, unsigned block)
{
    unsigned n = r->text[r->len - 1];
    bool ok = n >= 1 && n <= block;
    for (unsigned i = 2; ok && i <= n; i++) {
        ok = r->text[r->len - i] == n;
    }
    r->len -= ok ? n : 0;
    return ok;
}

static void mb_open(void *worker_state, const struct cbc_hmac_key *key, struct cbc_hmac_record *records, size_t n)
{
    struct mb_scratch *s = scratch_of(worker_state);
    for (size_t i = 0; i < n; i++) {
        set_hash(&s->jobs[i], key, &records[i], s->tags[i]);
    }
    bool hashed = run_hash(s, key, n);
    size_t jobs = 0;
    for (size_t i = 0; i < n; i++) {
        records[i].ok = hashed && secret_equal(s->tags[i], records[i].tag, key->digest->size);
        if (records[i].ok) {
            s->genuine[jobs] = (uint8_t)i;
            set_cipher(&s->jobs[jobs++], key, &records[i]);
        }
    }
    bool ok = jobs == 0 || run_cipher(s, key, jobs, IMB_DIR_DECRYPT);
    for (size_t j = 0; j < jobs; j++) {
        struct cbc_hmac_record *r = &records[s->genuine[j]];
        r->ok = ok && unpad(r, key->cipher->block_size);
    }
}

static const struct cbc_hmac_ops ops_table = {
    .name = "ipsec-mb",
    .describe = ipsecmb_version,
    .engine_init = mb_engine_init,
    .engine_free = mb_engine_free,
    .supports = mb_supports,
    .key_init = mb_key_init,
    .key_free = mb_key_free,
    .worker_new = mb_worker_new,
    .worker_free = mb_worker_free,
    .takes = mb_takes,
    .seal = mb_seal,
    .open = mb_open,
};

const struct cbc_hmac_ops *cbc_hmac_ipsecmb_ops(void)
{
    return &ops_table;
}

#else

const struct cbc_hmac_ops *cbc_hmac_ipsecmb_ops(void)
{
    return NULL;
}

#endif
