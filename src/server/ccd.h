/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_CCD_H
#define VPND_SERVER_CCD_H

/*
 * Which file of client-config-dir belongs to a client (spec: server behaviour, 3.2 and 7.6). What is in it is
 * the configuration parser's business.
 */
#include <stdbool.h>
#include <stddef.h>

/** ccd_file_name - safe file name for a common name: '/' and control characters become '_', none is "UNDEF"
 *  Return: 0, ERR_FORMAT (the name is "." or ".."), ERR_LIMIT (longer than @cap - 1). */
int ccd_file_name(const char *cn, char *out, size_t cap);

/**
 * ccd_find - the file for @cn in @dir: its own, else "DEFAULT"
 * Return: 0 and *path (to be freed), ERR_NOT_FOUND when there is none, ERR_FORMAT for an impossible name,
 * -errno when it exists and cannot be read.
 */
int ccd_find(const char *dir, const char *cn, char **path);

/** ccd_exists - ccd-exclusive: @cn has a file of its own ("DEFAULT" is nobody's). */
bool ccd_exists(const char *dir, const char *cn);

#endif
