/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_METRICS_H
#define VPND_SERVER_METRICS_H

/* The server's side of `metrics`. Loop thread. */
#include "session/session.h"

struct instance_session;
struct server;

/** server_metrics_open - start the endpoint that the configuration asks for, with the privileges of the start.
 *  Return: 0 or ERR_CONFIG (logged). */
int server_metrics_open(struct server *server);

/** server_metrics_close - nobody is answered any more. */
void server_metrics_close(struct server *server);

/** server_metrics_handshake_failed - a handshake ended with @hint. */
void server_metrics_handshake_failed(struct server *server, enum session_hint hint);

/** server_metrics_refused - AUTH_FAILED is about to be sent. */
void server_metrics_refused(const struct instance_session *session);

/** server_metrics_keys - a session has its first keys. */
void server_metrics_keys(const struct instance_session *session);

#endif
