/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_LOOP_GUARD_H
#define VPND_CLIENT_LOOP_GUARD_H

/*
 * The data plane drops packets of the tunnel's own connection that a route sends back into the tunnel; this says so,
 * a line a second at most. Loop thread only.
 */
struct client;

/** loop_guard_start - begin to look. */
void loop_guard_start(struct client *c);

/** loop_guard_stop - end. */
void loop_guard_stop(struct client *c);

#endif
