/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_STATUS_H
#define VPND_SERVER_STATUS_H

/* Who is connected: for the status file, SIGUSR2 and the management interface. Loop thread. */
struct buf;
struct server;
struct status;

/** status_new - open the status file, if one is configured, while that is still allowed. Return: 0 or negative
 * (logged). */
int status_new(struct server *server, struct status **out);

/** status_free - NULL is fine. */
void status_free(struct status *status);

/** status_start - write now and then every so often. */
void status_start(struct status *status);

/** status_stop - a last time. */
void status_stop(struct status *status);

/** status_format - the server's state in format @version (1 to 3). Return: 0 or ERR_LIMIT. */
int status_format(struct server *server, unsigned version, const char *eol, struct buf *out);

/** status_log - SIGUSR2: the same, and the drop counters, through the log. */
void status_log(struct server *server);

#endif
