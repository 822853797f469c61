/* SPDX-License-Identifier: MIT */
#ifndef VPND_CONFIG_VALIDATE_H
#define VPND_CONFIG_VALIDATE_H

/*
 * From a parsed configuration to one that can be run: helper directives expanded, defaults that depend on other
 * options filled in, contradictions and missing files found before anything is opened. Internal to config/.
 */
#include "config/config.h"
#include "config/options.h"

/** A configuration under examination. */
struct check {
    struct config *c;
    const struct config_reporter *reporter;
    unsigned errors;
    bool every; /* report every error of this step, not only the first */
};

/** check_error - "Options error: TEXT"; counted. */
void check_error(struct check *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** check_warning - "WARNING: TEXT". */
void check_warning(struct check *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** check_note - a plain line. */
void check_note(struct check *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** check_stop - whether to stop now: something is wrong and only the first error is wanted. */
bool check_stop(const struct check *k);

/** check_given - whether the option was written. */
bool check_given(const struct check *k, enum config_option option);

/** helper_expand - server, server-bridge, server-ipv6, client, keepalive, tcp-nodelay into what they stand for. */
void helper_expand(struct check *k);

/** connections_build - the list of connection entries, from remotes and blocks, with their defaults. */
void connections_build(struct check *k);

/** compat_load_providers - OpenSSL providers that are asked for: which ciphers and digests there are depends on them. */
void compat_load_providers(struct check *k);

/** compat_apply - what compat-mode changes, and defaults of the data channel that depend on other options. */
void compat_apply(struct check *k);

/** check_mode - options that contradict each other or the mode. */
void check_mode(struct check *k);

/** check_tls - certificates and authentication that are missing or contradict each other. */
void check_tls(struct check *k);

/** check_files - files and directories that cannot be used. Return: whether all is well. */
bool check_files(struct check *k);

/** check_weak - warnings about weak or outdated settings, for --check. */
void check_weak(struct check *k);

/** validate - all of the above in order. Return: 0 or ERR_CONFIG after at least one error. */
int validate(struct config *c, const struct config_reporter *reporter);

#endif
