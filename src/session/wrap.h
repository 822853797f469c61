/* SPDX-License-Identifier: MIT */
#ifndef VPND_SESSION_WRAP_H
#define VPND_SESSION_WRAP_H

/*
 * Wrapping of control packets: none, tls-auth, tls-crypt, tls-crypt-v2 and the dynamic tls-crypt of renegotiations
 * (control channel spec, 3). A wrap_config holds the configured keys and is shared by all sessions; a struct wrap
 * is one session's use of one key: counters and replay window.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/span.h"
#include "crypto/keyfile.h"
#include "session/replay.h"

#define WRAP_HEADER_SIZE 9     /* opcode and sender's session id: always in clear */
#define WRAP_OVERHEAD_MAX 72   /* HMAC of 64 bytes and replay id */
#define WRAP_CRYPT_OVERHEAD 40 /* replay id and tag */

enum wrap_mode { WRAP_NONE, WRAP_TLS_AUTH, WRAP_TLS_CRYPT };

/** What the options say; everything is borrowed for the call. */
struct wrap_params {
    bool server;                             /* TLS role; decides the direction of tls-crypt */
    enum wrap_mode mode;                     /* of tls-auth and tls-crypt; WRAP_NONE with v2 alone */
    const struct keyfile_static *key;        /* of tls-auth or tls-crypt */
    enum keyfile_direction direction;        /* tls-auth only */
    const char *digest;                      /* tls-auth only: "SHA1", the `auth` option */
    const struct keyfile_slot *v2_server;    /* server with tls-crypt-v2; may stand beside @key */
    const struct keyfile_v2_client *v2_client; /* client with tls-crypt-v2 */
    bool v2_force_cookie;                    /* server: refuse v2 clients without cookie support on UDP */
    unsigned v2_max_age_days;                /* server: 0 = any age */
};

struct wrap_config;

/**
 * wrap_config_new - check and copy the keys
 * Return: 0 and *out, ERR_CONFIG (impossible combination), ERR_UNSUPPORTED (unknown digest). Thread: any.
 */
int wrap_config_new(const struct wrap_params *params, struct wrap_config **out);

/** wrap_config_free - wipe and release; NULL is fine. No session may use it any more. */
void wrap_config_free(struct wrap_config *config);

/** wrap_config_mode - how packets other than those of tls-crypt-v2 are wrapped. */
enum wrap_mode wrap_config_mode(const struct wrap_config *config);

/** wrap_config_is_v2 - a tls-crypt-v2 key is configured (either role). */
bool wrap_config_is_v2(const struct wrap_config *config);

/** wrap_config_wkc - a v2 client's wrapped key; empty otherwise. */
struct span wrap_config_wkc(const struct wrap_config *config);

/** wrap_config_plain - everything goes unwrapped. */
bool wrap_config_plain(const struct wrap_config *config);

/** wrap_config_force_cookie - v2 clients that cannot answer a cookie are refused on UDP. */
bool wrap_config_force_cookie(const struct wrap_config *config);

/**
 * wrap_config_open_wkc - take the wrapped client key off a packet of opcode 10 or 11
 * @kc: receives the client's key; wipe it;  @metadata: KEYFILE_METADATA_MAX bytes, type byte first
 * Return: bytes of metadata and *wkc_len, ERR_FORMAT, ERR_AUTH, ERR_BAD_STATE (no server key). Nothing is allocated.
 */
int wrap_config_open_wkc(const struct wrap_config *config, const uint8_t *packet, size_t len,
                         struct keyfile_static *kc, uint8_t metadata[KEYFILE_METADATA_MAX], size_t *wrapped_len);

/** wrap_config_metadata_ok - tls-crypt-v2-max-age: type 1 and young enough (true when no limit is set). */
bool wrap_config_metadata_ok(const struct wrap_config *config, const uint8_t *metadata, size_t len, uint64_t unix_s);

/** Keys of one direction pair; borrowed from the config or from a session's secret memory. */
struct wrap {
    enum wrap_mode mode;
    const char *digest;                      /* tls-auth: as configured */
    uint8_t hmac_size;
    const struct keyfile_slot *out;
    const struct keyfile_slot *in;
    struct replay_send send;
    struct replay_window receive;
};

/**
 * wrap_init - how a new session wraps: the configured tls-auth, tls-crypt or nothing
 * @window, @seconds: replay-window
 */
void wrap_init(struct wrap *w, const struct wrap_config *config, unsigned window, unsigned seconds);

/** wrap_init_crypt - tls-crypt under @key (Kc of tls-crypt-v2, or a dynamic key), which must outlive @w. */
void wrap_init_crypt(struct wrap *w, const struct keyfile_static *key, bool server, unsigned window, unsigned seconds);

/** wrap_init_client_v2 - a tls-crypt-v2 client under its Kc, announcing early negotiation by its first counter. */
void wrap_init_client_v2(struct wrap *w, const struct wrap_config *config, unsigned window, unsigned seconds);

/** wrap_overhead - bytes that wrapping adds to header and body. */
size_t wrap_overhead(const struct wrap *w);

/**
 * wrap_seal - build the packet to send
 * @header: WRAP_HEADER_SIZE bytes;  @out: at least WRAP_HEADER_SIZE + wrap_overhead() + @len bytes
 * Return: length of the packet, ERR_LIMIT (does not fit in @cap), ERR_CRYPTO.
 */
int wrap_seal(struct wrap *w, struct clock_now now, const uint8_t *header, const uint8_t *body, size_t len,
              uint8_t *out, size_t cap);

/**
 * wrap_open - check a received packet and give its body
 * @len: without a trailing WKc;  @body: at least @len bytes, receives the plain body
 * @counter: replay counter of the packet, 0 without wrapping (NULL if not wanted)
 * The replay window moves only after authentication; NULL @now skips the check (stateless filter).
 * Return: length of the body, ERR_FORMAT (too short), ERR_AUTH, ERR_REPLAY, ERR_CRYPTO.
 */
int wrap_open(struct wrap *w, const struct clock_now *now, const uint8_t *packet, size_t len, uint8_t *body,
              uint32_t *counter);

/**
 * wrap_dynamic_key - key of the dynamic tls-crypt (3.6): the exporter's bytes, mixed with the configured key
 * @inout: 256 bytes of exporter output, becomes the key;  @kc: of tls-crypt-v2, or NULL
 */
void wrap_dynamic_key(const struct wrap_config *config, const struct keyfile_static *kc,
                      struct keyfile_static *inout);

#endif
