/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_DATA_KEYS_H
#define VPND_NODE_DATA_KEYS_H

/*
 * Carries derived keys from a session to the data plane, and remembers which key id sits in which slot.
 * Thread: the loop thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dp/dp.h"
#include "session/session.h"

struct config;
struct config_connection;

/** The outcome of negotiation that key and peer depend on; fixed by the first key of a session. */
struct data_negotiated {
    char cipher[32];                   /* library spelling, "none" allowed */
    char auth[32];                     /* digest for CBC formats */
    bool epoch;                        /* protocol-flags aead-epoch */
    enum session_derivation derivation;
    bool cc_exit;                      /* EXIT goes over the control channel */
    bool dynamic_crypt;                /* dyn-tls-crypt */
    uint32_t tx_id;                    /* peer id to send; DP_PEER_ID_NONE for none */
    bool data_v1;
};

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
    const struct config *config;
    const struct config_connection *connection; /* client: the entry in use; NULL: top level */
    const struct data_negotiated *negotiated;
    bool tcp;
    unsigned ping_s;         /* keepalive in force, after push */
    unsigned ping_timeout_s;
};

/**
 * data_peer_fill - mssfix, fragment, framing, replay window, keepalive, inactivity, data format of @out
 * Leaves id, path and may_float to the caller.
 */
void data_peer_fill(const struct data_peer_request *request, struct dp_peer *out);

/** data_framing - compression framing from `comp-lzo` and `compress` arguments (NULL: option absent; "": without
 *  argument). Return: the framing; *usable false when the argument is unknown. */
enum dp_framing data_framing(const char *comp_lzo, const char *compress, bool *usable);

#endif
