/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_CLOSING_H
#define VPND_CLIENT_CLOSING_H

#include "node/loop.h"

struct client;

/**
 * closing_signal - a signal was delivered: restart, start over or end; exit notification, programs, device and
 * routes in order (client behaviour spec, 9 and 10). Matches loop_signal_fn; @arg is the client. Loop thread.
 */
void closing_signal(void *arg, const struct loop_signal_info *info);

#endif
