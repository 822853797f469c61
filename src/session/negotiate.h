/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_NEGOTIATE_H
#define VPND_SESSION_NEGOTIATE_H

/*
 * What two ends agree on after the key exchange: cipher, key derivation, data format, exit notification, dynamic
 * tls-crypt (control channel spec, 6 and 7). Pure functions over text; nothing is allocated. Thread: any.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/cipher.h"
#include "session/session.h"
#include "wire/peer_info.h"

#define NEGOTIATE_PROTO_CLIENT 8094u /* a pull client that can do everything */
#define NEGOTIATE_PROTO_P2P 7850u    /* a point-to-point end likewise */
#define NEGOTIATE_TEXT_MAX 384
#define NEGOTIATE_PEER_ID_DEFAULT 0x76706e /* point-to-point without key export */

/** Our side, from the configuration. */
struct negotiate_policy {
    const char *data_ciphers;  /* normalised list (cipher_list_normalise()) */
    const char *fallback;      /* data-ciphers-fallback or what stands for it; NULL: none */
    uint32_t proto;            /* enum peer_info_proto bits that we can honour */
    bool force_key_export;     /* force-tls-key-material-export */
};

/** The peer's side, from its key exchange. */
struct negotiate_peer {
    uint32_t proto;                       /* IV_PROTO; 0 when absent or nonsense */
    bool has_ciphers;                     /* IV_CIPHERS was sent */
    char ciphers[NEGOTIATE_TEXT_MAX];     /* IV_CIPHERS, else what IV_NCP=2 implies, else "" */
    unsigned ncp;                         /* IV_NCP */
    unsigned mtu;                         /* IV_MTU, 0: absent */
    char occ_cipher[CIPHER_NAME_MAX];     /* `cipher` of the options string, "none" for [null-cipher]; "" absent */
    bool occ_comp_lzo;                    /* options string has comp-lzo */
};

/** negotiate_peer_parse - read peer info and options string; NULL is an absent one. */
void negotiate_peer_parse(const char *peer_info, const char *options_string, struct negotiate_peer *out);

/** The outcome, fixed by the first key of a session. */
struct negotiated {
    char cipher[CIPHER_NAME_MAX];
    enum session_derivation derivation;
    bool epoch;          /* AEAD epoch data format */
    bool data_v2;        /* data packets carry a peer id */
    bool cc_exit;        /* EXIT as a control message */
    bool dynamic_crypt;  /* session_enable_dynamic_crypt() */
    bool push_cipher;    /* server: put `cipher` into the push reply */
    bool push_mtu;       /* server: put `tun-mtu` into the push reply */
};

/**
 * negotiate_server - a server's choice for a client (7.2)
 * @refusal: text of the AUTH_FAILED message (after "AUTH_FAILED,") when it fails; static
 * Return: 0 or ERR_UNSUPPORTED.
 */
int negotiate_server(const struct negotiate_policy *policy, const struct negotiate_peer *peer, struct negotiated *out,
                     const char **refusal);

/** negotiate_flags_option - the push option that carries the outcome: "protocol-flags ..." or
 *  "key-derivation tls-ekm" for older clients, "" for none. Return: @out. */
const char *negotiate_flags_option(const struct negotiate_peer *peer, const struct negotiated *outcome,
                                   char out[NEGOTIATE_TEXT_MAX]);

/** What a client was pushed; NULL or false where it was not. */
struct negotiate_pushed {
    const char *cipher;
    const char *protocol_flags;   /* arguments, joined by blanks */
    const char *key_derivation;   /* argument of the old option */
    bool has_peer_id;
    const char *server_options;   /* the server's options string */
};

/**
 * negotiate_client - what a pull client makes of the push reply (7.3)
 * @error: one line for the log when it fails, NEGOTIATE_TEXT_MAX bytes
 * Return: 0, or ERR_UNSUPPORTED: reconnect. Unknown flags are skipped; *unknown_flag (may be NULL) names the first.
 */
int negotiate_client(const struct negotiate_policy *policy, const struct negotiate_pushed *pushed,
                     struct negotiated *out, char error[NEGOTIATE_TEXT_MAX], char unknown_flag[CIPHER_NAME_MAX]);

/**
 * negotiate_p2p - both ends without push (7.6)
 * @tls_server: our TLS role
 * Return: 0, or ERR_UNSUPPORTED: no cipher, no data channel.
 */
int negotiate_p2p(const struct negotiate_policy *policy, const struct negotiate_peer *peer, bool tls_server,
                  struct negotiated *out);

/** negotiate_p2p_peer_id - the peer id of both directions of such a link. Return: id, or negative. */
int negotiate_p2p_peer_id(struct session *session, const struct negotiated *outcome);

#endif
