/* SPDX-License-Identifier: MIT */
#ifndef VPND_SYS_DAEMON_H
#define VPND_SYS_DAEMON_H

/*
 * Being a daemon: detaching, pid file, chroot, priority, locked memory, word to systemd.
 */
#include <stdbool.h>
#include <stdint.h>

/**
 * daemon_detach - fork into the background, new session; the parent ends with status 0
 * Before any thread or loop exists. Standard streams are left alone (daemon_null_stdio()).
 * Return: 0 in the child, or -errno.
 */
int daemon_detach(void);

/** daemon_null_stdio - stdin from /dev/null; stdout and stderr too when @all. Return: 0 or -errno. */
int daemon_null_stdio(bool all);

/** daemon_pidfile_write - decimal pid and newline. Return: 0 or -errno. */
int daemon_pidfile_write(const char *path);

/** daemon_pidfile_remove - delete it if it still holds our pid. */
void daemon_pidfile_remove(const char *path);

/** daemon_chroot - chroot and chdir("/"). Return: 0 or -errno. */
int daemon_chroot(const char *dir);

/** daemon_nice - change the priority by @delta. Return: 0 or -errno. */
int daemon_nice(int delta);

/** daemon_lock_memory - raise RLIMIT_MEMLOCK to at least 100 MB and mlockall(). Return: 0 or -errno. */
int daemon_lock_memory(void);

/** daemon_notify_open - a socket to the service manager, of use in a chroot too. Return: descriptor, -ENOENT when there
 *  is none, -errno. */
int daemon_notify_open(void);

/** daemon_notify - send @text ("READY=1\n...") to it. Return: 0 or -errno. */
int daemon_notify(int fd, const char *text);

/** daemon_has_notify - a service manager waits for daemon_notify(). */
bool daemon_has_notify(void);

/** daemon_watchdog_ms - how often the service manager wants to hear "WATCHDOG=1" from this very process: half of the time
 *  after which it ends it. 0: it does not. */
uint64_t daemon_watchdog_ms(void);

/** daemon_raise_files - raise the soft limit of open files to the hard one. */
void daemon_raise_files(void);

#endif
