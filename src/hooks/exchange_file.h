/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_EXCHANGE_FILE_H
#define VPND_HOOKS_EXCHANGE_FILE_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Files through which a program and the daemon talk (server behaviour spec, 7.5): DIR/openvpn_PREFIX_RANDOM.tmp,
 * mode 0600, created exclusively, removed by us.
 */

/**
 * exchange_file_new - create one, with @len bytes of @content in it
 * Return: 0 and *path (free with exchange_file_remove()), or -errno.
 */
int exchange_file_new(const char *dir, const char *prefix, const void *content, size_t len, char **path);

/** exchange_file_read - append what it holds (up to the limit of @out). Return: 0 or negative. */
int exchange_file_read(const char *path, struct buf *out);

/** exchange_file_first - its first character, 0 when it is empty or cannot be read. */
char exchange_file_first(const char *path);

/** exchange_file_remove - unlink and free *@path; NULL is fine. */
void exchange_file_remove(char **path);

#endif
