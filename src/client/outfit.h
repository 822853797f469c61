/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_OUTFIT_H
#define VPND_CLIENT_OUTFIT_H

/*
 * What the configuration says about one attempt, in the form that link, transport and session want it. Loop
 * thread only.
 */
#include "client/transport.h"
#include "config/config.h"

struct attempt;
struct client;
struct settings;

/** outfit_count - entries of the list of remotes; a point-to-point end without remotes has one. */
size_t outfit_count(const struct config *config);

/** outfit_connection - entry @i as configured. */
const struct config_connection *outfit_connection(const struct client *c, size_t i);

/** outfit_entry - clone of the configuration with entry @i on its top level. Return: config_free() it. */
struct config *outfit_entry(const struct client *c, size_t i);

/** outfit_entry_is_tcp - transport of entry @i. */
bool outfit_entry_is_tcp(const struct client *c, size_t i);

/** outfit_entry_remote, outfit_entry_port - host and port of entry @i; the remote is NULL for none. */
const struct config_remote *outfit_entry_remote(const struct client *c, size_t i);
const char *outfit_entry_port(const struct client *c, size_t i);

/** outfit_remote - the remote of an entry's clone, NULL for none. */
const struct config_remote *outfit_remote(const struct config *config);

/** outfit_port - its port. */
const char *outfit_port(const struct config *config);

/** outfit_proxy_host, outfit_proxy_port - the HTTP or SOCKS proxy to connect to; NULL for none. */
const char *outfit_proxy_host(const struct config *config);
const char *outfit_proxy_port(const struct config *config);

/** outfit_address - the resolved address that an attempt uses, NULL for none. */
const union addr *outfit_address(const struct attempt *a);

/** outfit_transport - fill @out for an attempt. Return: 0 or ERR_CONFIG (logged). */
int outfit_transport(const struct attempt *a, struct transport_request *out);

/** outfit_settings - session settings for an attempt. Return: one reference, or NULL (logged). */
struct settings *outfit_settings(const struct attempt *a, const struct transport_request *transport);

#endif
