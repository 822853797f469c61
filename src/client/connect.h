/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_CONNECT_H
#define VPND_CLIENT_CONNECT_H

struct client;

/*
 * One attempt: the next entry, its addresses, passwords, and the link to it. Loop thread only.
 */

/** connect_next - choose what comes next and start the pause before it (none for the first attempt). Ends the
 *  process when there is nothing left to try. */
void connect_next(struct client *c);

/** connect_abort - drop everything that belongs to the current attempt but the tunnel and its configuration. */
void connect_abort(struct client *c);

#endif
