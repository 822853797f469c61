/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_MTU_LEARN_H
#define VPND_DP_USER_MTU_LEARN_H

/* What a path carries: learnt from the kernel when it refuses a datagram, told to control, applied to the MSS clamp
 * and, for what can't be carried at all, answered with ICMP into the tunnel. */
#include <stdbool.h>
#include <stdint.h>

struct gso_plan;
struct peer;
struct worker;

/** mtu_learn - a datagram of @size payload bytes was refused with EMSGSIZE. Worker. */
void mtu_learn(struct worker *w, struct peer *peer, uint32_t size);

/** mtu_learn_too_big - answer a packet from the device that the path does not carry. Return: true when the packet
 *  is dealt with. Worker. */
bool mtu_learn_too_big(struct worker *w, struct peer *peer, const struct gso_plan *plan);

#endif
