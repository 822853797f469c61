/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_MTU_LEARN_H
#define VPND_DP_USER_MTU_LEARN_H

/*
 * What fits the path to a peer. The kernel refuses datagrams longer than the path MTU that it knows; then it is asked
 * how much fits, the MSS clamp and fragment size follow, control is told, and what is still too long is cut (TCP) or
 * answered with "packet too big".
 */
#include <stdbool.h>
#include <stdint.h>

struct gso_plan;
struct peer;
struct worker;

/** mtu_learn - the kernel refused a datagram of @size bytes for @peer. Asks at most once a second. Worker; on
 *  the control thread, which holds the lock, it does nothing. */
void mtu_learn(struct worker *w, struct peer *peer, uint32_t size);

/** mtu_learn_refresh - now and then: whether a learnt limit still holds. Worker 0's timer. */
void mtu_learn_refresh(struct worker *w, struct peer *peer);

/** mtu_learn_expect - the peer is vpnd: long TCP segments of a large `tun-mtu` are better cut than sent as fragments,
 *  as the other end puts segments together again. Any thread. */
void mtu_learn_expect(struct peer *peer);

/**
 * mtu_learn_fit - make what was read from the device fit the path, where peer->fit_above says that it may not
 * @plan: TCP is cut into shorter segments
 * Return: false when it was answered with ICMP instead (and counted). Worker.
 */
bool mtu_learn_fit(struct worker *w, struct peer *peer, struct gso_plan *plan);

#endif
