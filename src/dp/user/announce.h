/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_ANNOUNCE_H
#define VPND_DP_USER_ANNOUNCE_H

/*
 * Nothing in the protocol says how large a peer's replay window is, and stock peers have 64 packets: one key's packets
 * must leave in order then. Two vpnd tell each other in a message inside the tunnel that others ignore.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;
struct worker;

/** announce_tick - tell the peer our window if it was not told often enough yet. Worker 0's timer. */
void announce_tick(struct worker *w, struct peer *peer);

/** announce_received - whether a payload from the peer was such a message, which is taken note of. Worker. */
bool announce_received(struct peer *peer, const uint8_t *payload, size_t len);

#endif
