/* SPDX-License-Identifier: MIT */
#ifndef VPND_SYS_SYSCTL_H
#define VPND_SYS_SYSCTL_H

/*
 * Switches of the kernel under /proc/sys. A switch that was opened can be written later as another user with
 * CAP_NET_ADMIN, and from within a chroot.
 */
#include <stddef.h>

/** sysctl_open - open "net/ipv4/ip_forward" for reading and writing. Return: descriptor or -errno. */
int sysctl_open(const char *name);

/** sysctl_get - its number. Return: 0 or -errno. */
int sysctl_get(int fd, int *out);

/** sysctl_set - write a number. Return: 0 or -errno. */
int sysctl_set(int fd, int value);

/** sysctl_read - number of the switch @name without keeping it open. Return: 0 or -errno. */
int sysctl_read(const char *name, int *out);

#endif
