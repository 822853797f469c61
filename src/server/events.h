/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_EVENTS_H
#define VPND_SERVER_EVENTS_H

/* What the data plane reports, sorted to the clients that it concerns. Loop thread. */
struct dp_event;

/** events_handle - one event; @server: struct server. */
void events_handle(const struct dp_event *event, void *server);

#endif
