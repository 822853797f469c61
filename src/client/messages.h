/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_MESSAGES_H
#define VPND_CLIENT_MESSAGES_H

struct client;

/** messages_init - nothing was received yet; once, before the first connection. */
void messages_init(struct client *c);

/** messages_receive - act on one control message of the server (control channel spec, 8 and 9). A server that sends
 *  very many loses its client. Loop thread. */
void messages_receive(struct client *c, const char *text);

#endif
