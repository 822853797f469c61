/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_DATA_KEYS_H
#define VPND_NODE_DATA_KEYS_H

/*
 * Carries derived keys from a session to the data plane, and remembers which key id sits in which slot.
 * Thread: the loop thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "crypto/cipher.h"
#include "dp/dp.h"
#include "session/negotiate.h"
#include "session/session.h"

/** The outcome of negotiation that key and peer depend on; fixed by the first key of a session. */
struct data_negotiated {
    struct negotiated outcome;    /* session/negotiate.h */
    char auth[CIPHER_NAME_MAX];   /* digest for CBC formats, "none" allowed */
    uint32_t tx_id;               /* peer id to send; DP_PEER_ID_NONE for none */
    uint64_t limit_bytes;         /* reneg-bytes, or its default for weak ciphers; 0 none */
    uint64_t limit_packets;       /* reneg-pkts; 0 none */
};

/** data_negotiated_configure - what @config says about keys of the negotiated cipher: digest and limits. After
 *  @negotiated->outcome is known. */
void data_negotiated_configure(struct data_negotiated *negotiated, const struct config *config);

/** data_key_format - AEAD, epoch or CBC for this cipher. */
enum dp_key_format data_key_format(const struct data_negotiated *negotiated);

/**
 * data_key_make - cut 256 bytes of key material into a struct dp_key (control channel spec, 7.4)
 * @role: ours in TLS; the client sends with the first half
 * The caller wipes @out with secret_wipe() after use. Its strings point into @negotiated.
 */
void data_key_make(const uint8_t material[SESSION_KEY_MATERIAL_SIZE], enum session_role role,
                   const struct data_negotiated *negotiated, uint8_t key_id, struct dp_key *out);

/** Which key ids the data plane holds for one peer. Zero-initialised means none. */
struct data_keys {
    struct dp *dp;
    uint32_t peer;
    bool has_primary;
    bool has_secondary;
    uint8_t primary;   /* key id that sends */
    uint8_t secondary; /* being introduced, or the lame duck */
    uint64_t since_ms; /* monotonic: when the newest key was installed */
};

/** data_keys_init - bookkeeping for @peer, without keys. */
void data_keys_init(struct data_keys *keys, struct dp *dp, uint32_t peer);

/**
 * data_keys_install - derive and install the key @key_id of @session
 * The first key of a peer goes into the primary slot and sends at once, later ones wait in the secondary slot for
 * data_keys_switch(). @session must be at rest (in its event callback).
 * Return: 0 or negative (session_export_keys(), dp_key_new()).
 */
int data_keys_install(struct data_keys *keys, struct session *session, enum session_role role,
                      const struct data_negotiated *negotiated, uint8_t key_id);

/** data_keys_install_material - as above with material derived before; wiped by the caller. */
int data_keys_install_material(struct data_keys *keys, const uint8_t material[SESSION_KEY_MATERIAL_SIZE],
                               enum session_role role, const struct data_negotiated *negotiated, uint8_t key_id);

/** data_keys_switch - SESSION_EV_SEND_SWITCH: send with @key_id. Return: 0 or ERR_NOT_FOUND. */
int data_keys_switch(struct data_keys *keys, uint8_t key_id);

/** data_keys_expire - SESSION_EV_KEY_EXPIRED: forget @key_id. Return: 0 or ERR_NOT_FOUND. */
int data_keys_expire(struct data_keys *keys, uint8_t key_id);

/** data_keys_clear - delete both keys (the session was replaced by a new one). */
void data_keys_clear(struct data_keys *keys);

/** What config and negotiation say about one peer, besides its identity. */
struct data_peer_request {
    const struct config *config;                /* with pushed options applied */
    const struct config_connection *connection; /* client: the entry in use; NULL: top level */
    const struct config_client *client;         /* server: the client's own values; NULL: those of @config */
    const struct data_negotiated *negotiated;
    bool tcp;
};

/**
 * data_peer_fill - data format, framing, mssfix, fragment, replay window, keepalive and inactivity of @out
 * Leaves id, path and may_float to the caller. Keepalive is `ping` with `ping-restart` or `ping-exit`.
 */
void data_peer_fill(const struct data_peer_request *request, struct dp_peer *out);

/** data_framing - the data plane's framing for an option value; NONE for CONFIG_COMPRESS_MIGRATE. */
enum dp_framing data_framing(enum config_compress compress);

#endif
