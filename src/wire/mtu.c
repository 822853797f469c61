/* SPDX-License-Identifier: MIT */
#include "wire/mtu.h"

#define IPV4_TCP_HEADERS 40u
#define TAP_EXTRA 32u   /* what tun-mtu-extra adds for tap devices */
#define ETHER_HEADER 14u

static unsigned packet_id_size(const struct mtu_link *link)
{
    return link->kind == MTU_CIPHER_STREAM || link->kind == MTU_CIPHER_EPOCH ? 8 : 4;
}

static bool is_aead(const struct mtu_link *link)
{
    return link->kind == MTU_CIPHER_AEAD || link->kind == MTU_CIPHER_EPOCH;
}

unsigned mtu_proto_header(const struct mtu_link *link)
{
    unsigned n = link->data_v1 ? 1 : 4;
    if (link->tcp) {
        n += 2;
    } else if (link->socks) {
        n += 10;
    }
    if (link->kind != MTU_CIPHER_CBC) {
        n += packet_id_size(link);
    }
    if (is_aead(link)) {
        return n + 16;
    }
    return n + link->hmac_size + (link->kind == MTU_CIPHER_NONE ? 0 : link->iv_size);
}

unsigned mtu_payload_overhead(const struct mtu_link *link)
{
    return (link->tap ? TAP_EXTRA : 0) + (link->compress_marker ? 1 : 0) + (link->fragment ? 4 : 0) +
           (link->kind == MTU_CIPHER_CBC ? packet_id_size(link) : 0);
}

unsigned mtu_ip_overhead(const struct mtu_link *link)
{
    return (link->outer_ipv6 ? 40u : 20u) + (link->tcp ? 20u : 8u);
}

/* Largest plaintext whose ciphertext, padding included, is at most @room. */
static unsigned cipher_fit(const struct mtu_link *link, unsigned room)
{
    if (link->kind != MTU_CIPHER_CBC || link->block_size == 0) {
        return room;
    }
    unsigned whole = room / link->block_size * link->block_size;
    return whole ? whole - 1 : 0;
}

static unsigned minus(unsigned a, unsigned b)
{
    return a > b ? a - b : 0;
}

/* Room for plaintext in a packet limited to @value. */
static unsigned plaintext_room(const struct mtu_link *link, unsigned value, enum mtu_mode mode)
{
    unsigned outside = mtu_proto_header(link) + (mode == MTU_MODE_MTU ? mtu_ip_overhead(link) : 0);
    return cipher_fit(link, minus(value, outside));
}

unsigned mtu_mss(const struct mtu_link *link, unsigned value, enum mtu_mode mode)
{
    if (mode == MTU_MODE_FIXED) {
        return minus(value, IPV4_TCP_HEADERS);
    }
    return minus(plaintext_room(link, value, mode), mtu_payload_overhead(link) + IPV4_TCP_HEADERS);
}

unsigned mtu_fragment_chunk(const struct mtu_link *link, unsigned value, enum mtu_mode mode)
{
    return minus(plaintext_room(link, value, mode), 4 + (link->kind == MTU_CIPHER_CBC ? packet_id_size(link) : 0));
}

unsigned mtu_inner(const struct mtu_link *link, unsigned path_mtu)
{
    unsigned overhead = mtu_payload_overhead(link);
    if (link->tap) {
        overhead = overhead - TAP_EXTRA + ETHER_HEADER;
    }
    return minus(plaintext_room(link, path_mtu, MTU_MODE_MTU), overhead);
}

unsigned mtu_outer(const struct mtu_link *link, unsigned inner)
{
    unsigned plain = inner + mtu_payload_overhead(link) - (link->tap ? TAP_EXTRA : 0);
    if (link->kind == MTU_CIPHER_CBC && link->block_size) {
        plain = (plain / link->block_size + 1) * link->block_size;
    }
    return plain + mtu_proto_header(link) + mtu_ip_overhead(link);
}

unsigned mtu_link_mtu(const struct mtu_link *link, unsigned tun_mtu, bool cipher_unset)
{
    unsigned n = tun_mtu + (link->tap ? TAP_EXTRA : 0) + (link->compress_marker ? 1 : 0) + (link->fragment ? 4 : 0) +
                 (link->tcp ? 2 : 0) + 1 + (link->kind == MTU_CIPHER_STREAM ? 8 : 4);
    if (cipher_unset) {
        return n + 16 + link->hmac_size;
    }
    if (is_aead(link)) {
        return n + 16 + 12 + link->block_size;
    }
    if (link->kind == MTU_CIPHER_NONE) {
        return n + link->hmac_size;
    }
    return n + link->block_size + link->iv_size + link->hmac_size;
}

unsigned mtu_tun_mtu(const struct mtu_link *link, unsigned link_mtu, bool cipher_unset)
{
    struct mtu_link bare = *link;
    bare.tap = bare.compress_marker = bare.fragment = false;
    unsigned counted_too_much = cipher_unset ? 16 : bare.kind == MTU_CIPHER_CBC ? 4 : 0;
    return minus(link_mtu, mtu_link_mtu(&bare, 0, cipher_unset) - counted_too_much);
}
