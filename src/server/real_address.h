/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_REAL_ADDRESS_H
#define VPND_SERVER_REAL_ADDRESS_H

/* How the outer address of a client is written (`status-real-address`; spec: server behaviour, 10). */
#include "base/addr.h"

struct instance;

#define REAL_ADDRESS_MAX (ADDR_TEXT_MAX + 16)

/** real_address_status - for status output: "192.0.2.1:50000", "2001:db8::1" (2.6: IPv6 has no port there), or in the
 *  2.7 form "udp4:192.0.2.1:50000", "tcp6-server:[2001:db8::1]:50000". Return: @out. */
const char *real_address_status(const struct instance *instance, char out[REAL_ADDRESS_MAX]);

/** real_address_log - for prefixes of log lines: as above, but IPv6 always as "[2001:db8::1]:50000". Return: @out. */
const char *real_address_log(const struct instance *instance, char out[REAL_ADDRESS_MAX]);

#endif
