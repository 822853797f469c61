/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_KILL_SWITCH_H
#define VPND_CLIENT_KILL_SWITCH_H

/*
 * `kill-switch`: from the start of the process to its end nothing leaves the host but through the tunnel, except
 * packets to the servers and proxies that the client itself talks to. Every function takes NULL (option not given)
 * and then does nothing. Loop thread only.
 */
#include <stdbool.h>

#include "base/addr.h"

struct journal;
struct kill_switch;

/** kill_switch_new - close everything. Return: 0 and *out, or negative after one error line: do not go on. */
int kill_switch_new(const char *name, struct journal *journal, struct kill_switch **out);

/** kill_switch_free - open up again. */
void kill_switch_free(struct kill_switch *kill);

/** kill_switch_exit - @remote may be reached from now on. */
void kill_switch_exit(struct kill_switch *kill, const union addr *remote, bool tcp);

/** kill_switch_device - everything may leave through @device; NULL: it is gone. */
void kill_switch_device(struct kill_switch *kill, const char *device);

/** kill_switch_ask - a server's name is looked up: name servers may be asked until kill_switch_asked(). */
void kill_switch_ask(struct kill_switch *kill);

/** kill_switch_asked - one lookup that was announced ended. */
void kill_switch_asked(struct kill_switch *kill);

#endif
