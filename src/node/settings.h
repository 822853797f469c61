/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_SETTINGS_H
#define VPND_NODE_SETTINGS_H

/*
 * From the configuration to what sessions need: keys and certificates loaded once (while files can still be read,
 * before chroot and the change of user), and a struct session_config for each kind of connection.
 *
 * Both objects count references, so that a reload can replace them under running sessions.
 * Thread: the loop thread; the session_config inside is read by pool threads while a reference is held.
 */
#include <stdbool.h>
#include <stddef.h>

#include "session/session.h"

struct config;            /* config/ */
struct config_connection; /* config/: one <connection> block or remote */
struct settings_keys;
struct settings;

/* ------------------------------------------------------------------ keys */

/**
 * settings_keys_load - read every key and certificate that @config names
 * @tls: the TLS context made by auth/ from the same configuration; kept, @tls_release is called with it at the end
 * Errors are logged as one line each: which option, which file, why.
 * Return: 0 and *out with one reference, or ERR_CONFIG (then @tls is released, too).
 */
int settings_keys_load(const struct config *config, struct tls_context *tls, void (*tls_release)(struct tls_context *tls),
                       struct settings_keys **out);

/** settings_keys_ref - one more reference. Return: @keys. */
struct settings_keys *settings_keys_ref(struct settings_keys *keys);

/** settings_keys_unref - one reference less; the last one wipes the keys. NULL is fine. */
void settings_keys_unref(struct settings_keys *keys);

/* ------------------------------------------------------------------ settings of a connection */

/** What the configuration alone does not tell. */
struct settings_request {
    const struct config *config;
    const struct config_connection *connection; /* client: the entry in use; NULL: the top level */
    struct settings_keys *keys;   /* a reference is taken */
    enum session_role role;
    bool tcp;
    bool outer_ipv6;
    const char *peer_info;        /* copied; NULL none */
    const char *options_string;   /* copied; NULL: made from @config (control channel spec, 5) */
};

/** settings_new - one reference. Return: 0 and *out, or ERR_CONFIG (logged). */
int settings_new(const struct settings_request *request, struct settings **out);

/** settings_ref - one more reference. Return: @settings. */
struct settings *settings_ref(struct settings *settings);

/** settings_unref - one reference less. NULL is fine. */
void settings_unref(struct settings *settings);

/** settings_session - what session_new() needs; valid while a reference is held. */
const struct session_config *settings_session(const struct settings *settings);

/** settings_wrap - how control packets are wrapped, for the cookie code; valid while a reference is held. */
const struct wrap_config *settings_wrap(const struct settings *settings);

/** settings_options_string - our OCC string. */
const char *settings_options_string(const struct settings *settings);

/**
 * settings_expected_options - the OCC string that a matching peer would send (own string mirrored)
 * Return: free with free().
 */
char *settings_expected_options(const struct settings *settings);

#endif
