/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_HOOK_ENV_H
#define VPND_SERVER_HOOK_ENV_H

/* What hooks are told about a client (spec: server behaviour, 7.2 to 7.4). Loop thread. */
struct env;
struct instance;
struct server;

/** hook_env_server - the tunnel set: device, addresses, routes. Refills server->env. */
void hook_env_server(struct server *server);

/** hook_env_stranger - the tunnel set and the address of a client whose certificate is being looked at. */
void hook_env_stranger(const struct instance *instance, struct env *env);

/** hook_env_address - set trusted_ip and its kind: the key exchange of the client is complete. */
void hook_env_address(const struct instance *instance, struct env *env);

/** hook_env_client - the tunnel set and everything known about the client, appended to @env. */
void hook_env_client(const struct instance *instance, struct env *env);

/** hook_env_farewell - hook_env_client() and the totals that client-disconnect gets. */
void hook_env_farewell(const struct instance *instance, struct env *env);

#endif
