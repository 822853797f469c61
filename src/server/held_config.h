/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_HELD_CONFIG_H
#define VPND_SERVER_HELD_CONFIG_H

/*
 * A configuration that several parts look at: after a reload the old one lives on until the last client that was
 * admitted under it, and the last session that uses its certificates, are gone. Loop thread.
 */
struct config;
struct held_config;
struct server_source;

/** held_config_new - hold @config with one reference. @source: how to release it at the end; NULL: it is borrowed. */
struct held_config *held_config_new(struct config *config, const struct server_source *source);

/** held_config_lean - @held uses certificates and keys that were read under @other, which lives as long. */
void held_config_lean(struct held_config *held, struct held_config *other);

/** held_config_ref - one more reference. Return: @held. */
struct held_config *held_config_ref(struct held_config *held);

/** held_config_unref - one reference less; NULL is fine. */
void held_config_unref(struct held_config *held);

/** held_config_get - the configuration. */
const struct config *held_config_get(const struct held_config *held);

#endif
