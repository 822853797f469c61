/* SPDX-License-Identifier: MIT */
#ifndef VPND_MGMT_ENDPOINT_H
#define VPND_MGMT_ENDPOINT_H

/* Where management clients and metrics readers connect to. Thread: control. */
#include <stdbool.h>

/**
 * endpoint_claim - make way for a socket at @path
 * A stale socket is removed; one that somebody serves, or anything else of that name, is left alone.
 * Return: 0, -EADDRINUSE (alive), -ENAMETOOLONG.
 */
int endpoint_claim(const char *path);

/**
 * endpoint_listen - a listening stream socket that does not block, close-on-exec
 * @address: a path when @is_unix, otherwise an IPv4 or IPv6 address or "localhost"
 * @port:    decimal; not used for a path
 * Return: the descriptor (the caller closes it and unlinks @address), or -errno; ERR_FORMAT: no such address or port.
 */
int endpoint_listen(const char *address, const char *port, bool is_unix);

#endif
