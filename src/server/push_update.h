/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_PUSH_UPDATE_H
#define VPND_SERVER_PUSH_UPDATE_H

#include <stdbool.h>

struct instance;

/** push_update_valid - whether @options, separated by commas, may be sent to connected clients: each an option that
 *  OpenVPN 2.7 can change in a running client, perhaps with "-" (remove), "?" (optional) or "-?" before it.
 *  `ifconfig` is not among them: the addresses of a connected client stay.
 *  Return: false after one log line that says which is wrong. */
bool push_update_valid(const char *options);

/** push_update_send - PUSH_UPDATE with @options, which are valid, to a client that is connected and announced that it
 *  understands it. Return: whether it was sent. Loop thread. */
bool push_update_send(struct instance *instance, const char *options);

#endif
