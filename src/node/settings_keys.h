/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_SETTINGS_KEYS_H
#define VPND_NODE_SETTINGS_KEYS_H

#include "node/settings.h"

/* Inside of struct settings_keys, for settings.c. */

/** settings_keys_tls - the TLS context. */
const struct tls_context *settings_keys_tls(const struct settings_keys *keys);

/** settings_keys_wrap - wrapping for this connection's key options, or NULL when they were not there at load time. */
const struct wrap_config *settings_keys_wrap(const struct settings_keys *keys,
                                             const struct config_connection *connection);

#endif
