/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_BASE_ENV_H
#define VPND_HOOKS_BASE_ENV_H

struct config;
struct env;

/** base_env_fill - the variables that every program gets (server behaviour spec, 7.1), from the configuration:
 *  config, daemon, daemon_start_time, daemon_pid, verb, proto_N, local_N, remote_N, proxies, setenv. */
void base_env_fill(struct env *env, const struct config *config);

#endif
