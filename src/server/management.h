/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_MANAGEMENT_H
#define VPND_SERVER_MANAGEMENT_H

/* What management clients see of the server and what they can make it do. Loop thread. */
#include <stdint.h>

struct instance;
struct server;

/** server_management_open - start the interface that the configuration asks for; before keys are read, with the
 * privileges of the start. Return: 0 or ERR_CONFIG (logged). */
int server_management_open(struct server *server);

/** server_management_close - everybody is sent away. */
void server_management_close(struct server *server);

/** server_management_state - >STATE: "CONNECTING", "ASSIGN_IP", "ADD_ROUTES", "CONNECTED", "EXITING"; @detail ""
 * for none. */
void server_management_state(struct server *server, const char *state, const char *detail);

#endif
