/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_MTU_H
#define VPND_WIRE_MTU_H

#include <stdbool.h>
#include <stdint.h>

/* Sizes of encapsulated packets (data channel spec, 13; control channel spec, 5.2). All sizes in bytes. */

enum mtu_cipher_kind {
    MTU_CIPHER_NONE,
    MTU_CIPHER_AEAD,   /* 32-bit packet id */
    MTU_CIPHER_EPOCH,  /* AEAD with epoch and 48-bit counter */
    MTU_CIPHER_CBC,
    MTU_CIPHER_STREAM, /* CFB, OFB */
};

/** All that decides how much a packet grows on its way out. */
struct mtu_link {
    enum mtu_cipher_kind kind;
    unsigned block_size;  /* of the cipher; 16 AES, 8 BF/3DES, 1 ChaCha20 (matters for CBC and link-mtu only) */
    unsigned iv_size;     /* CBC and stream modes: equal to the block size as a rule; 12 AEAD */
    unsigned hmac_size;   /* non-AEAD: digest size, 0 for `auth none` */
    bool tcp;
    bool outer_ipv6;
    bool socks;           /* UDP through a SOCKS proxy */
    bool data_v1;         /* 1-byte header */
    bool tap;
    bool compress_marker; /* FA/FB style framing: one byte; none for v2 */
    bool fragment;        /* fragment header in use */
};

/** How a `mssfix` or `fragment` number is meant. */
enum mtu_mode {
    MTU_MODE_PACKET, /* our packet without IP and UDP/TCP headers */
    MTU_MODE_MTU,    /* the whole outer IP packet */
    MTU_MODE_FIXED,  /* mssfix only: the inner packet */
};

/** mtu_proto_header - bytes around the encrypted payload: headers, packet id in clear, tag or HMAC and IV. */
unsigned mtu_proto_header(const struct mtu_link *link);

/** mtu_payload_overhead - bytes added to the payload before encryption: tap, compression, fragment, CBC id. */
unsigned mtu_payload_overhead(const struct mtu_link *link);

/** mtu_ip_overhead - outer IP and UDP/TCP header. */
unsigned mtu_ip_overhead(const struct mtu_link *link);

/** mtu_mss - clamp for IPv4 SYNs under `mssfix value` (IPv6: 20 less). Return: 0 when @value leaves no room. */
unsigned mtu_mss(const struct mtu_link *link, unsigned value, enum mtu_mode mode);

/** mtu_fragment_chunk - largest payload of one datagram under `fragment value`. Return: 0 when there is no room. */
unsigned mtu_fragment_chunk(const struct mtu_link *link, unsigned value, enum mtu_mode mode);

/** mtu_inner - largest inner packet (tap: without its Ethernet header) whose outer IP packet fits @path_mtu.
 *  Return: 0 when there is no room. */
unsigned mtu_inner(const struct mtu_link *link, unsigned path_mtu);

/** mtu_outer - size of the outer IP packet of an inner packet of @inner bytes (exact; tap: Ethernet included in @inner). */
unsigned mtu_outer(const struct mtu_link *link, unsigned inner);

/** mtu_link_mtu - `link-mtu` as shown in the options string, from the *configured* cipher and digest.
 *  @cipher_unset: no `cipher` was configured: counted as BF-CBC. */
unsigned mtu_link_mtu(const struct mtu_link *link, unsigned tun_mtu, bool cipher_unset);

/** mtu_tun_mtu - the tunnel's MTU under `link-mtu` @link_mtu, as OpenVPN 2.6 counts it: from the *configured* cipher and
 *  digest, a BF-CBC that nobody configured being no cipher; tap, compression and fragment do not count. Return: 0 when
 *  there is no room. */
unsigned mtu_tun_mtu(const struct mtu_link *link, unsigned link_mtu, bool cipher_unset);

#endif
