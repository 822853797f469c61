/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_BROWSER_H
#define VPND_CLIENT_BROWSER_H

#include <uv.h>

/**
 * browser_open - show @url to the user of the desktop, through xdg-open; loop thread
 * A client that runs as root opens it as the user who called sudo or pkexec, never as root. Only addresses that
 * challenge_url_valid() accepts.
 * Return: 0 when the program was started, ERR_UNSUPPORTED (no desktop, or nobody to open it for), ERR_FORMAT (not a
 * web address), -errno.
 */
int browser_open(uv_loop_t *loop, const char *url);

#endif
