/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_LIFECYCLE_H
#define VPND_NODE_LIFECYCLE_H

/*
 * The process around client and server: log, background, pid file, locked memory, priority, chroot, user, words
 * to systemd (client behaviour spec, 11 and 12). Thread: the control thread.
 */
#include <stdbool.h>

struct config;
struct loop;

struct lifecycle;

/**
 * lifecycle_start - cd, log, nice, then into the background and the pid file; before any loop or thread
 * Passwords from the console must have been read. Under a service manager that waits for word it does not fork.
 * Return: 0 and *out, or ERR_CONFIG (one line logged): exit with status 1.
 */
int lifecycle_start(const struct config *config, struct lifecycle **out);

/** lifecycle_reload - log and verb settings of a new configuration (SIGHUP). Return: 0 or ERR_CONFIG. */
int lifecycle_reload(struct lifecycle *life, const struct config *config);

/** lifecycle_ready - pre-connection initialisation is done: tell the service manager. */
void lifecycle_ready(struct lifecycle *life);

/** lifecycle_status - STATUS= text for the service manager ("Initialization Sequence Completed"). */
void lifecycle_status(struct lifecycle *life, const char *text);

/** lifecycle_watch - from now on @loop tells the service manager's watchdog that it runs, if there is one. */
void lifecycle_watch(struct lifecycle *life, struct loop *loop);

/** lifecycle_stopping - the process is about to end: tell the service manager, once. Before the loop is closed. NULL is
 *  fine. */
void lifecycle_stopping(struct lifecycle *life);

/** lifecycle_failed - "Failed to start up: ... With Errors" for the service manager. */
void lifecycle_failed(struct lifecycle *life, const char *text);

/**
 * lifecycle_drop - chroot, group, user, capabilities, no new privileges; once, at the end of the first
 * initialisation; later calls do nothing
 * Return: 0 or negative (one line logged): the process must end.
 */
int lifecycle_drop(struct lifecycle *life, const struct config *config);

/** lifecycle_runtime_file - path of a file of ours in the runtime directory ("/run/vpnd/NAME.suffix"), unique to this
 *  configuration. Return: free with free(); NULL when there is no runtime directory. */
char *lifecycle_runtime_file(struct lifecycle *life, const char *suffix);

/** lifecycle_name - "server-1234abcd": a name for this configuration, the same at every start of it, that tells
 *  several daemons of one host apart. */
const char *lifecycle_name(const struct lifecycle *life);

/** lifecycle_end - remove the pid file, release. NULL is fine. */
void lifecycle_end(struct lifecycle *life);

#endif
