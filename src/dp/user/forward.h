/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_FORWARD_H
#define VPND_DP_USER_FORWARD_H

/* Where a packet goes: from the device to peers, from a peer to the device or to other peers, and who may send what. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dp/user/gso.h"

struct device;
struct peer;
struct tun_packet;
struct worker;

/** forward_has_many - whether forward_prefetch() pays: tun, and many addresses. Worker. */
bool forward_has_many(const struct worker *w);

/** forward_prefetch - begin to fetch what carrying @n packets (at most ROUTE_PREFETCH_MAX) that were read from the
 *  device will need. Worker. */
void forward_prefetch(const struct worker *w, const struct tun_packet *packets, unsigned n);

/** forward_from_device - one read: vnet header and packet. Worker. */
void forward_from_device(struct worker *w, const struct device *device, uint8_t *read, size_t len);

/** forward_from_peer - one decrypted, unframed packet, writable, with 16 free bytes before it; it stays in place
 *  until rx_flush_device(). Worker. */
void forward_from_peer(struct worker *w, struct peer *peer, uint8_t *data, size_t len);

/** forward_flood - give @plan to every peer that takes broadcasts in this VLAN, except @except. Worker. */
void forward_flood(struct worker *w, const struct gso_plan *plan, uint16_t vlan, const struct peer *except);

/** forward_tap_from_device - tap, multipoint. Worker. */
void forward_tap_from_device(struct worker *w, uint8_t *read, size_t len);

/** forward_tap_from_peer - tap, multipoint. Worker. */
void forward_tap_from_peer(struct worker *w, struct peer *peer, uint8_t *data, size_t len);

/** forward_clamp - lower the MSS of a SYN to what @peer can carry. @ip: IP packet. Worker. */
void forward_clamp(const struct peer *peer, uint8_t *ip, size_t len);

/** forward_plan_single - a plan for one finished packet. */
struct gso_plan forward_plan_single(const uint8_t *data, size_t len);

#endif
