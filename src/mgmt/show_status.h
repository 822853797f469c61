/* SPDX-License-Identifier: MIT */
#ifndef VPND_MGMT_SHOW_STATUS_H
#define VPND_MGMT_SHOW_STATUS_H

/**
 * show_status - --show-status: what a running process is doing
 * @where: the socket of its `metrics` endpoint, or of its management interface: a path or ADDRESS:PORT
 *
 * On a terminal a table that is renewed every two seconds until q or Ctrl-C; otherwise plain lines, once. Thread: main,
 * in a process of its own.
 * Return: exit status: 0, or 1 after one line on standard error.
 */
int show_status(const char *where);

#endif
