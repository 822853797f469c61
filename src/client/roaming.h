/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_ROAMING_H
#define VPND_CLIENT_ROAMING_H

/*
 * A host that changes networks or sleeps: the server is asked at once whether it still knows us. A session that
 * answers goes on; next to one that does not, a second connection is made, which takes over (successor.h). Loop
 * thread only.
 */
struct client;
struct roaming;

/** roaming_new - watch links, addresses, routes and clocks. Return: NULL when netlink refuses (logged): no watch. */
struct roaming *roaming_new(struct client *client);

/** roaming_connected - the tunnel is up (or up again): remember the way to the server. NULL is fine. */
void roaming_connected(struct roaming *roaming);

/** roaming_pausing - a pause between attempts begins: it ends early when a way out appears or changes. NULL is fine. */
void roaming_pausing(struct roaming *roaming);

/** roaming_stop - the connection ends: no question is open any more. NULL is fine. */
void roaming_stop(struct roaming *roaming);

/** roaming_free - NULL is fine. */
void roaming_free(struct roaming *roaming);

#endif
