/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_DNS_EXPORT_H
#define VPND_CLIENT_DNS_EXPORT_H

#include <stdbool.h>

struct config;
struct env;

/**
 * dns_export - foreign_option_N and dns_* for the user's programs (client behaviour spec, 7)
 * @config: with pushed options applied
 * Earlier values are removed first. Without `dns` options the DNS-related dhcp-options are presented as one
 * server of priority 0, as 2.6 does; with them, both forms are set, so that programs for either work. Pure; any
 * thread.
 */
void dns_export(const struct config *config, struct env *env);

/** dns_export_clear - remove what dns_export() set. */
void dns_export_clear(struct env *env);

/** dns_export_any - whether @config has anything to say about name resolution. */
bool dns_export_any(const struct config *config);

#endif
