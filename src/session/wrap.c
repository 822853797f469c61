/* SPDX-License-Identifier: MIT */
#include "session/wrap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/cipher.h"
#include "session/wrap_private.h"

static int check(const struct wrap_params *p, uint8_t *hmac_size)
{
    bool v2 = p->v2_server || p->v2_client;
    if ((p->mode == WRAP_NONE) != !p->key || (p->v2_server && !p->server) || (p->v2_client && p->server) ||
        (p->v2_client && p->mode != WRAP_NONE) || (v2 && p->v2_server && p->v2_client)) {
        return ERR_CONFIG;
    }
    if (p->mode != WRAP_TLS_AUTH) {
        return 0;
    }
    const struct digest_info *digest = p->digest ? digest_find(p->digest) : NULL;
    if (!digest || digest->size == 0 || !digest_available(digest)) {
        return ERR_UNSUPPORTED;
    }
    *hmac_size = digest->size;
    return 0;
}

int wrap_config_new(const struct wrap_params *p, struct wrap_config **out)
{
    uint8_t hmac_size = 0;
    int err = check(p, &hmac_size);
    if (err) {
        return err;
    }
    struct wrap_config *config = mem_zalloc(sizeof *config);
    config->mode = p->mode;
    config->server = p->server;
    config->has_v2_server = p->v2_server != NULL;
    config->has_v2_client = p->v2_client != NULL;
    config->v2_force_cookie = p->v2_force_cookie;
    config->v2_max_age_days = p->v2_max_age_days;
    config->direction = p->direction;
    config->hmac_size = hmac_size;
    if (p->mode == WRAP_TLS_AUTH) {
        snprintf(config->digest, sizeof config->digest, "%s", digest_find(p->digest)->name);
    }
    config->keys = secret_alloc(sizeof(struct wrap_keys));
    struct wrap_keys *keys = wrap_keys_of(config);
    if (p->key) {
        keys->key = *p->key;
    }
    if (p->v2_server) {
        keys->v2_server = *p->v2_server;
    }
    if (p->v2_client) {
        keys->v2_client = *p->v2_client;
    }
    *out = config;
    return 0;
}

void wrap_config_free(struct wrap_config *config)
{
    if (config) {
        secret_free(&config->keys);
        free(config);
    }
}

enum wrap_mode wrap_config_mode(const struct wrap_config *config)
{
    return config->mode;
}

bool wrap_config_is_v2(const struct wrap_config *config)
{
    return config->has_v2_server || config->has_v2_client;
}

bool wrap_config_plain(const struct wrap_config *config)
{
    return config->mode == WRAP_NONE && !wrap_config_is_v2(config);
}

bool wrap_config_force_cookie(const struct wrap_config *config)
{
    return config->v2_force_cookie;
}

void wrap_init_crypt(struct wrap *w, const struct keyfile_static *key, bool server, unsigned window, unsigned seconds)
{
    enum keyfile_direction direction = server ? KEYFILE_NORMAL : KEYFILE_INVERSE;
    *w = (struct wrap){
        .mode = WRAP_TLS_CRYPT,
        .out = keyfile_slot_out(key, direction),
        .in = keyfile_slot_in(key, direction),
    };
    replay_window_init(&w->receive, window, seconds);
}

void wrap_init(struct wrap *w, const struct wrap_config *config, unsigned window, unsigned seconds)
{
    const struct keyfile_static *key = &wrap_keys_of(config)->key;
    if (config->mode == WRAP_TLS_CRYPT) {
        wrap_init_crypt(w, key, config->server, window, seconds);
        return;
    }
    *w = (struct wrap){.mode = config->mode};
    if (config->mode == WRAP_TLS_AUTH) {
        w->digest = config->digest;
        w->hmac_size = config->hmac_size;
        w->out = keyfile_slot_out(key, config->direction);
        w->in = keyfile_slot_in(key, config->direction);
    }
    replay_window_init(&w->receive, window, seconds);
}

size_t wrap_overhead(const struct wrap *w)
{
    switch (w->mode) {
    case WRAP_TLS_AUTH:
        return w->hmac_size + (size_t)WRAP_REPLAY_ID_SIZE;
    case WRAP_TLS_CRYPT:
        return WRAP_CRYPT_OVERHEAD;
    case WRAP_NONE:
        break;
    }
    return 0;
}

int wrap_seal(struct wrap *w, struct clock_now now, const uint8_t *header, const uint8_t *body, size_t len,
              uint8_t *out, size_t cap)
{
    size_t head = WRAP_HEADER_SIZE + wrap_overhead(w);
    if (len > cap || cap - len < head) {
        return ERR_LIMIT;
    }
    if (w->mode == WRAP_NONE) {
        memcpy(out, header, WRAP_HEADER_SIZE);
        memcpy(out + WRAP_HEADER_SIZE, body, len);
        return (int)(head + len);
    }
    uint32_t counter;
    uint32_t time;
    int err = replay_send_next(&w->send, now.unix_s, &counter, &time);
    if (err) {
        return err;
    }
    uint8_t replay_id[WRAP_REPLAY_ID_SIZE];
    be32_store(replay_id, counter);
    be32_store(replay_id + 4, time);
    struct span plain = {body, len};
    return w->mode == WRAP_TLS_AUTH ? wrap_auth_seal(w, replay_id, header, plain, out)
                                    : wrap_crypt_seal(w, replay_id, header, plain, out);
}

int wrap_open(struct wrap *w, const struct clock_now *now, const uint8_t *packet, size_t len, uint8_t *body,
              uint32_t *counter)
{
    if (counter) {
        *counter = 0;
    }
    if (w->mode == WRAP_NONE) {
        if (len <= WRAP_HEADER_SIZE) {
            return ERR_FORMAT;
        }
        memcpy(body, packet + WRAP_HEADER_SIZE, len - WRAP_HEADER_SIZE);
        return (int)(len - WRAP_HEADER_SIZE);
    }
    const uint8_t *replay_id;
    int n = w->mode == WRAP_TLS_AUTH ? wrap_auth_open(w, packet, len, body, &replay_id)
                                     : wrap_crypt_open(w, packet, len, body, &replay_id);
    if (n < 0) {
        return n;
    }
    if (counter) {
        *counter = be32_load(replay_id);
    }
    if (now) {
        int err = replay_window_check(&w->receive, now->mono_ms, be32_load(replay_id), be32_load(replay_id + 4));
        if (err) {
            return err;
        }
    }
    return n;
}

void wrap_dynamic_key(const struct wrap_config *config, const struct keyfile_static *kc,
                      struct keyfile_static *inout)
{
    const struct keyfile_static *mix = kc;
    if (!mix && config->has_v2_client) {
        mix = &wrap_keys_of(config)->v2_client.kc;
    }
    if (!mix && config->mode != WRAP_NONE) {
        mix = &wrap_keys_of(config)->key;
    }
    if (!mix) {
        return;
    }
    const uint8_t *from = (const uint8_t *)mix;
    uint8_t *to = (uint8_t *)inout;
    for (size_t i = 0; i < sizeof *inout; i++) {
        to[i] ^= from[i];
    }
}
