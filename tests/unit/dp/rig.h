/* SPDX-License-Identifier: MIT */
#ifndef VPND_TESTS_DP_RIG_H
#define VPND_TESTS_DP_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dp/dp.h"

/*
 * Two real data planes, with threads, in one process, over loopback; a socket pair stands for each tun or tap device:
 *
 *   test <--device--> [server dp] <--UDP or TCP--> [client dp] <--device--> test
 *
 * Everything that is waited for has a limit of five seconds.
 */
#define RIG_PACKET_MAX 66000
#define RIG_SERVER_ADDRESS "10.8.0.1"
#define RIG_CLIENT_ADDRESS "10.8.0.2"

struct rig_end {
    struct dp *dp;
    struct dp_config config;
    struct dp_peer peer;
    int device;               /* the test's end of the device */
    union addr address;       /* UDP: where it listens */
    struct dp_event events[64];
    unsigned event_count;
};

struct rig {
    struct rig_end s;
    struct rig_end c;
    struct dp_key key;        /* the client's; the server has it mirrored */
    bool tcp;
    bool vnet;                /* the server's and the client's devices have vnet headers */
    unsigned mtu;
};

/** rig_init - settings of a plain tunnel: point to point client, server with routes, AES-256-GCM, UDP. */
void rig_init(struct rig *rig);

/** rig_start - open everything and add the peers with keys. */
void rig_start(struct rig *rig);

/** rig_stop - close everything. */
void rig_stop(struct rig *rig);

/** rig_udp - a bound UDP socket on loopback. */
int rig_udp(union addr *address);

/** rig_mirrored - the other end's view of a key. */
struct dp_key rig_mirrored(const struct dp_key *key);

/** rig_key - a key with material made from @seed. */
struct dp_key rig_key(const char *cipher, const char *auth, enum dp_key_format format, unsigned seed);

/** rig_send - a packet comes out of @end's kernel. */
void rig_send(struct rig *rig, struct rig_end *end, const uint8_t *packet, size_t len);

/** rig_receive - the next packet that @end hands to its kernel. Return: its length. */
size_t rig_receive(struct rig *rig, struct rig_end *end, uint8_t *out);

/** rig_expect - the next packet at @end is exactly this one. */
void rig_expect(struct rig *rig, struct rig_end *end, const uint8_t *packet, size_t len);

/** rig_carry - send at one end, expect at the other. */
void rig_carry(struct rig *rig, struct rig_end *from, struct rig_end *to, const uint8_t *packet, size_t len);

/** rig_udp4 - an IPv4 UDP packet with right checksums. Return: its length, 28 + @payload. */
size_t rig_udp4(uint8_t *out, const char *from, const char *to, unsigned payload, unsigned fill);

/** rig_udp6 - the same with IPv6, 48 + @payload. */
size_t rig_udp6(uint8_t *out, const char *from, const char *to, unsigned payload, unsigned fill);

/** rig_event - wait for an event of @type; those before it are kept. */
struct dp_event rig_event(struct rig_end *end, enum dp_event_type type);

/** rig_drain - collect the events that are there. */
void rig_drain(struct rig_end *end);

/** rig_await_drops - wait until @end has counted at least @n drops under @reason. */
void rig_await_drops(struct rig_end *end, enum dp_drop reason, uint64_t n);

/** rig_drops - drops so far. */
uint64_t rig_drops(const struct rig_end *end, enum dp_drop reason);

/** rig_route - lead a network to a peer of the server. */
void rig_route(struct rig *rig, const char *network, uint32_t peer);

#endif
