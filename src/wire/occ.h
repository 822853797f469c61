/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_OCC_H
#define VPND_WIRE_OCC_H

#include "base/span.h"
#include "wire/mtu.h"

/* The options string that peers exchange and compare for warnings (control channel spec, 5). */
#define OCC_MAX 256 /* longest string that we send, NUL included */

/** What the string tells; everything as configured, not as negotiated. */
struct occ_config {
    struct mtu_link link;      /* of the configured cipher and auth; tap, tcp, compression marker and fragment matter */
    bool server;               /* TLS server */
    bool p2p;                  /* neither pull nor mode server */
    bool device_null;
    unsigned tun_mtu;          /* configured, or the `tun-mtu X occ` number */
    unsigned link_mtu;         /* 0: computed */
    bool tun_ipv6;             /* p2p with an IPv6 ifconfig */
    const char *ifconfig_local;  /* p2p: ifconfig operands, NULL for none; tun p2p: the two addresses */
    const char *ifconfig_remote;
    bool ifconfig_net;         /* subnet or tap: the operands are network and netmask and are not mirrored */
    bool compress;             /* any compression framing is configured */
    int key_direction;         /* -1 none, 0, 1 */
    const char *cipher;        /* library name; NULL: not configured (BF-CBC stands in) */
    bool cipher_listed;        /* the configured cipher is a member of data-ciphers */
    unsigned key_bits;         /* of the cipher; 0 for none */
    const char *auth;          /* digest name; NULL or an AEAD cipher: "[null-digest]" */
    bool tls_auth;
};

/**
 * occ_build - compose the string
 * @of_peer: mirror it: what the peer should send if it agrees with us
 * Return: length, or ERR_LIMIT.
 */
int occ_build(const struct occ_config *config, bool of_peer, char *out, size_t cap);

/** occ_item - the argument part of the item named @name ("cipher" gives "AES-256-GCM"; empty for a bare word).
 *  Return: false when the item is absent. */
bool occ_item(const char *options, const char *name, struct span *value);

/** occ_cipher - the `cipher` item with "[null-cipher]" as "none". Return: false when absent or too long. */
bool occ_cipher(const char *options, char *out, size_t cap);

enum occ_difference_kind {
    OCC_INCONSISTENT,   /* both have the item with other values: @local, @remote */
    OCC_ONLY_LOCAL,     /* we expected it, the peer did not send it: @local */
    OCC_ONLY_REMOTE,    /* @remote */
    OCC_VERSION,        /* the strings have other versions: nothing else is compared */
};

struct occ_difference {
    enum occ_difference_kind kind;
    struct span local;  /* whole item, e.g. "link-mtu 1541" */
    struct span remote;
};

#define OCC_DEVICE_KIND_HINT "Hint: nothing passes between tun and tap: 'dev' has to be of the same kind at both ends"

/** occ_is_device_kind - one end has a tun and the other one a tap device: no packet passes. */
bool occ_is_device_kind(const struct occ_difference *difference);

/**
 * occ_compare - report every difference worth a line (items that never matter are left out)
 * @expected: occ_build(of_peer = true)
 * @fn: called for each difference; the spans live as long as the strings
 * Return: number of differences.
 */
unsigned occ_compare(const char *expected, const char *received,
                     void (*fn)(void *arg, const struct occ_difference *difference), void *arg);

#endif
