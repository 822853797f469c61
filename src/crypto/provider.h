/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_PROVIDER_H
#define VPND_CRYPTO_PROVIDER_H

#include <stddef.h>

/**
 * provider_load - load OpenSSL providers by name (`providers legacy default`) for the rest of the process
 * @names: NULL-terminated; naming any leaves out OpenSSL's implicit default provider unless it is named, too
 * @bad:   receives the name that failed
 * Return: 0 or ERR_NOT_FOUND. Thread: control, once, before any other use of the crypto layer.
 */
int provider_load(const char *const *names, const char **bad);

/** provider_library - name and version of the crypto library, "OpenSSL 3.0.15 3 Sep 2024". Static. */
const char *provider_library(void);

/**
 * provider_error - text of the oldest error that OpenSSL has queued in this thread, and empty the queue
 * Return: @out, "" when there is none.
 */
const char *provider_error(char *out, size_t cap);

#endif
