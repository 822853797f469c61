/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_METRICS_H
#define VPND_CLIENT_METRICS_H

/* The client's side of `metrics`: a listener of the event list that counts. Loop thread. */
struct client;
struct client_metrics;

/** client_metrics_open - start the endpoint that the configuration asks for. Return: 0 or ERR_CONFIG (logged). */
int client_metrics_open(struct client *c);

/** client_metrics_close - nobody is answered any more. */
void client_metrics_close(struct client *c);

#endif
