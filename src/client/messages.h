/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_MESSAGES_H
#define VPND_CLIENT_MESSAGES_H

struct client;

/** messages_receive - act on one control message of the server (control channel spec, 8 and 9). Loop thread. */
void messages_receive(struct client *c, const char *text);

#endif
