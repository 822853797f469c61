/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_CLIENT_H
#define VPND_CLIENT_CLIENT_H

struct config;

/** Where a hard restart (SIGHUP) gets a configuration from. */
struct client_source {
    /**
     * reread - parse and validate the configuration again, as at start (same files and command line)
     * Reports its own errors to the log. Return: 0 and *out, or negative (the process ends with status 1).
     */
    int (*reread)(void *arg, struct config **out);

    /** release - free a configuration that reread() made and the client no longer uses. */
    void (*release)(void *arg, struct config *config);
    void *arg;
    const char *title; /* first line of --version, for management */
};

#define CLIENT_LEAVE_AT_ONCE 0x100 /* with the exit status of client_run(): leave with _exit(), a thread is stuck */

/**
 * client_run - be a client (`pull`) or one end of a point-to-point link until a signal or a fatal error ends it
 * @config: validated, helper directives expanded; borrowed. Pushed options are applied to it and taken back
 *          before each new connection, so that it is as given when this returns.
 * @source: how SIGHUP rereads it; NULL: SIGHUP starts again with the same configuration
 *
 * Reads passwords from the terminal if need be, daemonises, opens sockets, the device and files, drops
 * privileges as configured, and runs the loop.
 * Thread: the main thread, before any other exists.
 * Return: the exit status for the process: 0 after a signal or a final refusal by the server, 1 after an error
 * that was logged; with CLIENT_LEAVE_AT_ONCE when everything was put in order but a lookup cannot be interrupted.
 */
int client_run(struct config *config, const struct client_source *source);

#endif
