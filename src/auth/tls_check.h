/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_TLS_CHECK_H
#define VPND_AUTH_TLS_CHECK_H

/* What `--check` says about certificates, keys and revocation lists beyond "can they be loaded". */
#include <stdint.h>

struct config;
struct config_reporter;

/**
 * tls_check - load everything as a start would, then judge it
 * @config:   validated
 * @reporter: gets a CONFIG_ERROR for what keeps the tunnel from working (also logged by the loader) and a
 *            CONFIG_WARNING for certificates and lists that expire within 30 days or are weak
 * @unix_s:   now
 * Return: number of errors. Thread: control.
 */
unsigned tls_check(const struct config *config, const struct config_reporter *reporter, uint64_t unix_s);

#endif
