/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_KEEPALIVE_H
#define VPND_DP_USER_KEEPALIVE_H

struct worker;

/** keepalive_tick - once a second on worker 0: pings, timeouts, inactivity, fragments and learnt addresses that have
 *  grown old. Worker. */
void keepalive_tick(struct worker *w);

#endif
