/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_PUSH_UPDATE_H
#define VPND_SERVER_PUSH_UPDATE_H

#include <stdbool.h>

struct instance;

/** push_update_valid - whether @options, separated by commas, may be sent to connected clients: each an option that
 *  OpenVPN 2.7 can change in a running client, perhaps with "-" (remove), "?" (optional) or "-?" before it.
 *  Return: false after one log line that says which is wrong. */
bool push_update_valid(const char *options);

/** push_update_send - PUSH_UPDATE with @options, which are valid, to a client that is connected and announced that it
 *  understands it. With `ifconfig` or `ifconfig-ipv6` among them the server routes the client's new address from now
 *  on. Return: whether it was sent; when not because of an address, one log line says why. Loop thread. */
bool push_update_send(struct instance *instance, const char *options);

#endif
