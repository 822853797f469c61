/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_MTU_LEARN_H
#define VPND_DP_USER_MTU_LEARN_H

/*
 * What fits the path to a peer. The kernel refuses datagrams longer than the path MTU that it knows; then it is asked
 * how much fits; what it cannot know is found by probes (mtu_probe.h). The MSS clamp and fragment size follow, control
 * is told, and what is still too long is cut (TCP) or answered with "packet too big".
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** What is known of the MTU of a peer's path, bytes; 0 no limit. Under the lock, but for the atomic. */
struct mtu_known {
    uint32_t told;         /* by the kernel */
    uint32_t found;        /* by probes */
    uint32_t said;         /* to control */
    atomic_bool swallowed; /* longer ones disappear without a word */
};

struct gso_plan;
struct mtu_search;
struct peer;
struct worker;

/** mtu_learn - the kernel refused a datagram of @size bytes for @peer. Asks at most once a second. Worker; on
 *  the control thread, which holds the lock, it does nothing. */
void mtu_learn(struct worker *w, struct peer *peer, uint32_t size);

/** mtu_learn_ask - the path's MTU as the kernel knows it. Return: 0 when that is nothing sensible, or it was asked in
 *  this second already: it takes several system calls, and a refused packet may be asked for at will. Worker. */
unsigned mtu_learn_ask(struct worker *w, struct peer *peer);

/** mtu_learn_told - take over what the kernel knows. Worker. */
void mtu_learn_told(struct worker *w, struct peer *peer, unsigned mtu);

/** mtu_learn_probed - take over what a search found, silently while it goes on. Worker 0's timer. */
void mtu_learn_probed(struct worker *w, struct peer *peer, const struct mtu_search *search, bool ended);

/** mtu_learn_forget - the peer has another path; the caller recomputes its sizes. Under the lock. */
void mtu_learn_forget(struct peer *peer);

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
