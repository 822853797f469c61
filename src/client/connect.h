/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_CONNECT_H
#define VPND_CLIENT_CONNECT_H

struct attempt;
struct client;

/*
 * Which server to try next, when, and the attempt that is in charge. Loop thread only.
 */

/** connect_next - choose what comes next and start the pause before it (none for the first attempt). Ends the
 *  process when there is nothing left to try. */
void connect_next(struct client *c);

/** connect_abort - end every attempt; the tunnel and its configuration stay. */
void connect_abort(struct client *c);

/** connect_hurry - the network changed: a pause that is under way ends now. */
void connect_hurry(struct client *c);

/** connect_adopt - @a is the attempt in charge from now on; what was in charge before is the caller's to free. */
void connect_adopt(struct client *c, struct attempt *a);

/** connect_announce_peer - the server's name and address to log, environment and the ipchange program. */
void connect_announce_peer(struct client *c);

/** connect_after_announcement - call @then once the ipchange program has ended, at once if none runs. Dropped by
 *  connect_abort(). */
void connect_after_announcement(struct client *c, void (*then)(struct client *c));

#endif
