/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_RELOAD_H
#define VPND_SERVER_RELOAD_H

/* Certificates, keys and settings of sessions, at start and again at SIGHUP. Loop thread. */
struct config;
struct server;
struct server_settings;
struct settings_keys;

/** reload_make_settings - read all that sessions need. Errors are logged. Return: 0, or negative with nothing kept.
 *  @kept: keys that were read before, which are used again (a reference is taken); NULL: read them. */
int reload_make_settings(const struct config *config, struct settings_keys *kept, struct server_settings *out);

/** reload_release_settings - give it back; running sessions keep what they use. */
void reload_release_settings(struct server_settings *settings);

/** reload_run - SIGHUP: take over all that can change under running clients, and name what needs a restart. */
void reload_run(struct server *server);

#endif
