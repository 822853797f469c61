/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_WRAP_PRIVATE_H
#define VPND_SESSION_WRAP_PRIVATE_H

/* What the files of the wrapping share; not for others. */
#include "session/wrap.h"

#define WRAP_REPLAY_ID_SIZE 8
#define WRAP_TAG_SIZE 32
#define WRAP_DIGEST_NAME_MAX 32

struct wrap_config {
    enum wrap_mode mode;
    bool server;
    bool has_v2_server;
    bool has_v2_client;
    bool v2_force_cookie;
    unsigned v2_max_age_days;
    enum keyfile_direction direction;
    uint8_t hmac_size;
    char digest[WRAP_DIGEST_NAME_MAX];
    struct secret keys; /* a struct wrap_keys */
};

struct wrap_keys {
    struct keyfile_static key;
    struct keyfile_slot v2_server;
    struct keyfile_v2_client v2_client;
};

/** wrap_keys_of - the keys in their locked memory. */
static inline struct wrap_keys *wrap_keys_of(const struct wrap_config *config)
{
    return (struct wrap_keys *)(void *)config->keys.data;
}

/** The two formats; arguments and results as wrap_seal() and wrap_open(), replay id given or taken. */
int wrap_auth_seal(const struct wrap *w, const uint8_t replay_id[WRAP_REPLAY_ID_SIZE], const uint8_t *header,
                   struct span body, uint8_t *out);
int wrap_auth_open(const struct wrap *w, const uint8_t *packet, size_t len, uint8_t *body, const uint8_t **replay_id);
int wrap_crypt_seal(const struct wrap *w, const uint8_t replay_id[WRAP_REPLAY_ID_SIZE], const uint8_t *header,
                    struct span body, uint8_t *out);
int wrap_crypt_open(const struct wrap *w, const uint8_t *packet, size_t len, uint8_t *body,
                    const uint8_t **replay_id);

#endif
