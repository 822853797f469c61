/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_UDP_RETURN_H
#define VPND_CLIENT_UDP_RETURN_H

/*
 * `remote-parallel` while a connection is up: what was found about UDP and TCP in one line, and, as long as TCP is in
 * use although there are UDP remotes, a look at UDP from time to time. Loop thread only.
 */
struct client;

/** udp_return_connected - a connection came up; @verdict: what the race found, or NULL. Begins to look for UDP if
 *  this is TCP. */
void udp_return_connected(struct client *c, const char *verdict);

/** udp_return_now - the network changed: look at once. */
void udp_return_now(struct client *c);

/** udp_return_stop - no connection any more. */
void udp_return_stop(struct client *c);

#endif
