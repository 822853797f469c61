/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_MTU_PROBE_H
#define VPND_DP_USER_MTU_PROBE_H

/*
 * Paths that swallow long datagrams without a word are found by asking: OCC messages, which OpenVPN answers as well,
 * padded to the size in question (wire/mtu_search.h decides which). It happens once after the connection is up or has
 * moved, and again after ten minutes with traffic; a peer that does not answer is left alone. Probes leave as data
 * does: whether they may be fragmented on the way is the socket's matter (`mtu-disc`).
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/mtu_search.h"

struct peer;
struct worker;

#define MTU_PROBE_UNKNOWN INT32_MAX

/** Of each peer. Worker 0's, but for the atomics. */
struct mtu_probe {
    struct mtu_search search;
    uint32_t finished_s;             /* monotonic second in which the search ended */
    uint64_t carried;                /* tunnel packets of both directions up to then */
    _Atomic uint32_t heard;          /* enum mtu_search_sign since the last tick */
    _Atomic uint32_t datagram;       /* length of the datagrams that are out, bytes */
    _Atomic uint32_t payload;        /* and of their payload */
    _Atomic int32_t bias;            /* the peer's loads are so much shorter than asked for; MTU_PROBE_UNKNOWN at first */
    atomic_bool stale;               /* the path is another one: start over */
};

/** mtu_probe_tick - go on with the search. @budget: peers that may still be served this second, counted down.
 *  Worker 0's timer. */
void mtu_probe_tick(struct worker *w, struct peer *peer, unsigned *budget);

/** mtu_probe_received - look at an OCC message for an answer. Return: true when nobody else needs it. Worker. */
bool mtu_probe_received(struct peer *peer, const uint8_t *payload, size_t len);

#endif
