/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_STATISTICS_H
#define VPND_CLIENT_STATISTICS_H

#include "base/buf.h"

struct client;

/** statistics_format - the counters as a status file has them, lines ended by @eol. Return: 0 or ERR_LIMIT. */
int statistics_format(const struct client *c, const char *eol, struct buf *out);

/** statistics_log - SIGUSR2: the counters go to the log and to the status file. Loop thread. */
void statistics_log(struct client *c);

/** statistics_start - `status FILE`: open the file and rewrite it at its interval. Return: 0 or ERR_CONFIG (logged). */
int statistics_start(struct client *c);

/** statistics_stop - write it a last time and close it. */
void statistics_stop(struct client *c);

#endif
