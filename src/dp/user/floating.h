/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_FLOATING_H
#define VPND_DP_USER_FLOATING_H

#include <stdbool.h>

#include "dp/dp.h"

struct peer;
struct worker;

/**
 * floating_move - an authenticated packet of @peer came from @where: move the peer there (data channel spec, 2; server
 * spec, 4). At most a few times a second for one peer, so that nobody makes us work for every packet.
 * Return: false when the packet has to be dropped: the peer may not move, or the address is another peer's. Worker.
 */
bool floating_move(struct worker *w, struct peer *peer, const struct dp_path *where);

#endif
