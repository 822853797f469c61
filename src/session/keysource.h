/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_KEYSOURCE_H
#define VPND_SESSION_KEYSOURCE_H

/* Random material of the key exchange and the legacy derivation of data keys from it (7.4.2). */
#include <stdbool.h>
#include <stdint.h>

#include "base/rand.h"
#include "session/session.h"
#include "wire/keymethod.h"

/** One side's contribution. Keep it in secret memory and wipe it after use. */
struct keysource {
    uint8_t pre_master[KEYMETHOD_PRE_MASTER_SIZE]; /* the client's only */
    uint8_t random1[KEYMETHOD_RANDOM_SIZE];
    uint8_t random2[KEYMETHOD_RANDOM_SIZE];
};

/** keysource_fill - fresh random bytes. */
void keysource_fill(struct keysource *k, const struct rand_source *rand, bool client);

/** keysource_derive - the 256 bytes of key material by OpenVPN's PRF. Return: 0 or ERR_CRYPTO (no MD5: FIPS). */
int keysource_derive(const struct keysource *client, const struct keysource *server,
                     const uint8_t client_id[SESSION_ID_SIZE], const uint8_t server_id[SESSION_ID_SIZE],
                     uint8_t out[SESSION_KEY_MATERIAL_SIZE]);

#endif
