/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "crypto/aead_engine.h"

#ifdef HAVE_IPSEC_MB
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/ipsecmb.h"

/*
 * AES-GCM goes through the one-shot direct calls: the expanded key is read-only and the context lies on the
 * stack, so nothing belongs to a thread. ChaCha20-Poly1305 goes through the job interface, which is a sixth
 * faster than the direct calls at 1400 bytes and a third at 64, but needs a manager for each thread.
 */
#define EXPANDED_ALIGN 64
#define TEXT_MAX 48

struct mb_engine {
    IMB_MGR *manager; /* used for its function pointers only: constant */
    char text[TEXT_MAX];
};

struct mb_worker {
    const struct mb_engine *engine;
    IMB_MGR *jobs; /* made for the first ChaCha20-Poly1305 packet */
};

typedef void (*gcm_fn)(const struct gcm_key_data *key, struct gcm_context_data *context, uint8_t *out,
                       const uint8_t *in, uint64_t len, const uint8_t *iv, const uint8_t *aad, uint64_t aad_len,
                       uint8_t *tag, uint64_t tag_len);

static int mb_engine_init(void **engine_state)
{
    IMB_MGR *manager = ipsecmb_manager_new(IPSECMB_WIDE);
    if (!manager) {
        return ERR_UNSUPPORTED;
    }
    struct mb_engine *engine = mem_zalloc(sizeof(*engine));
    engine->manager = manager;
    ipsecmb_version(engine->text, sizeof(engine->text));
    *engine_state = engine;
    return 0;
}

static void mb_engine_free(void *engine_state)
{
    struct mb_engine *engine = engine_state;
    ipsecmb_manager_free(engine->manager);
    free(engine);
}

static const char *mb_describe(const void *engine_state)
{
    const struct mb_engine *engine = engine_state;
    return engine->text;
}

static bool mb_supports(const void *engine_state, enum aead_algorithm algorithm)
{
    (void)engine_state;
    return algorithm == AEAD_AES_128_GCM || algorithm == AEAD_AES_192_GCM || algorithm == AEAD_AES_256_GCM ||
           algorithm == AEAD_CHACHA20_POLY1305;
}

static int mb_key_init(const void *engine_state, struct aead_key *key)
{
    const struct mb_engine *engine = engine_state;
    if (key->algorithm == AEAD_CHACHA20_POLY1305) {
        return 0;
    }
    struct gcm_key_data *expanded = mem_aligned(EXPANDED_ALIGN, sizeof(*expanded));
    if (key->algorithm == AEAD_AES_128_GCM) {
        IMB_AES128_GCM_PRE(engine->manager, key->raw, expanded);
    } else if (key->algorithm == AEAD_AES_192_GCM) {
        IMB_AES192_GCM_PRE(engine->manager, key->raw, expanded);
    } else {
        IMB_AES256_GCM_PRE(engine->manager, key->raw, expanded);
    }
    key->expanded = expanded;
    key->expanded_size = sizeof(*expanded);
    return 0;
}

static void mb_key_free(struct aead_key *key)
{
    if (key->expanded) {
        secret_wipe(key->expanded, sizeof(struct gcm_key_data));
        free(key->expanded);
    }
}

static void *mb_worker_new(const void *engine_state)
{
    struct mb_worker *worker = mem_zalloc(sizeof(*worker));
    worker->engine = engine_state;
    return worker;
}

static void mb_worker_free(void *worker_state)
{
    struct mb_worker *worker = worker_state;
    ipsecmb_manager_free(worker->jobs);
    free(worker);
}

static gcm_fn gcm_function(const IMB_MGR *manager, enum aead_algorithm algorithm, bool sealing)
{
    if (algorithm == AEAD_AES_128_GCM) {
        return sealing ? manager->gcm128_enc : manager->gcm128_dec;
    }
    if (algorithm == AEAD_AES_192_GCM) {
        return sealing ? manager->gcm192_enc : manager->gcm192_dec;
    }
    return sealing ? manager->gcm256_enc : manager->gcm256_dec;
}

/* One ChaCha20-Poly1305 operation; @tag receives the computed tag. */
static bool chacha(IMB_MGR *jobs, const struct aead_key *key, const struct aead_op *op, bool sealing, uint8_t *tag)
{
    if (op->len == 0) { /* the job interface refuses it */
        struct chacha20_poly1305_context_data context;
        IMB_CHACHA20_POLY1305_INIT(jobs, key->raw, &context, op->nonce, op->aad, op->aad_len);
        IMB_CHACHA20_POLY1305_ENC_FINALIZE(jobs, &context, tag, AEAD_TAG_SIZE);
        return true;
    }
    IMB_JOB *job = IMB_GET_NEXT_JOB(jobs);
    job->cipher_direction = sealing ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    job->chain_order = sealing ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    job->enc_keys = key->raw;
    job->dec_keys = key->raw;
    job->key_len_in_bytes = key->key_size;
    job->u.CHACHA20_POLY1305.aad = op->aad;
    job->u.CHACHA20_POLY1305.aad_len_in_bytes = op->aad_len;
    job->src = op->in;
    job->dst = op->out;
    job->iv = op->nonce;
    job->iv_len_in_bytes = AEAD_NONCE_SIZE;
    job->cipher_start_src_offset_in_bytes = 0;
    job->msg_len_to_cipher_in_bytes = op->len;
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = op->len;
    job->auth_tag_output = tag;
    job->auth_tag_output_len_in_bytes = AEAD_TAG_SIZE;
    job = IMB_SUBMIT_JOB(jobs);
    if (!job) {
        job = IMB_FLUSH_JOB(jobs);
    }
    return job && job->status == IMB_STATUS_COMPLETED;
}

static bool have_jobs(struct mb_worker *worker)
{
    if (!worker->jobs) {
        worker->jobs = ipsecmb_manager_new(IPSECMB_WIDE);
    }
    return worker->jobs != NULL;
}

static size_t mb_seal(void *worker_state, const struct aead_key *key, struct aead_op *ops, size_t n)
{
    struct mb_worker *worker = worker_state;
    if (key->algorithm == AEAD_CHACHA20_POLY1305) {
        bool ready = have_jobs(worker);
        size_t done = 0;
        for (size_t i = 0; i < n; i++) {
            ops[i].ok = ready && chacha(worker->jobs, key, &ops[i], true, ops[i].tag);
            done += ops[i].ok;
        }
        return done;
    }
    gcm_fn seal = gcm_function(worker->engine->manager, key->algorithm, true);
    struct gcm_context_data context;
    for (size_t i = 0; i < n; i++) {
        struct aead_op *op = &ops[i];
        seal(key->expanded, &context, op->out, op->in, op->len, op->nonce, op->aad, op->aad_len, op->tag,
             AEAD_TAG_SIZE);
        op->ok = true;
    }
    return n;
}

static size_t mb_open(void *worker_state, const struct aead_key *key, struct aead_op *ops, size_t n)
{
    struct mb_worker *worker = worker_state;
    bool is_chacha = key->algorithm == AEAD_CHACHA20_POLY1305;
    bool ready = !is_chacha || have_jobs(worker);
    gcm_fn open = is_chacha ? NULL : gcm_function(worker->engine->manager, key->algorithm, false);
    struct gcm_context_data context;
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        struct aead_op *op = &ops[i];
        uint8_t tag[AEAD_TAG_SIZE];
        if (open) {
            open(key->expanded, &context, op->out, op->in, op->len, op->nonce, op->aad, op->aad_len, tag,
                 AEAD_TAG_SIZE);
            op->ok = true;
        } else {
            op->ok = ready && chacha(worker->jobs, key, op, false, tag);
        }
        op->ok = op->ok && secret_equal(tag, op->tag, AEAD_TAG_SIZE);
        done += op->ok;
    }
    return done;
}

static const struct aead_ops ops_table = {
    .name = "ipsec-mb",
    .engine_init = mb_engine_init,
    .engine_free = mb_engine_free,
    .describe = mb_describe,
    .supports = mb_supports,
    .key_init = mb_key_init,
    .key_free = mb_key_free,
    .worker_new = mb_worker_new,
    .worker_free = mb_worker_free,
    .seal = mb_seal,
    .open = mb_open,
};

const struct aead_ops *aead_ipsecmb_ops(void)
{
    return &ops_table;
}

#else

const struct aead_ops *aead_ipsecmb_ops(void)
{
    return NULL;
}

#endif
