/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_SERVER_H
#define VPND_SERVER_SERVER_H

struct config;

/** Where a reload (SIGHUP) gets a configuration from. */
struct server_source {
    /**
     * reread - parse and validate the configuration again, as at start (same files and command line)
     * Reports its own errors to the log. Return: 0 and *out, or negative (the old configuration stays in force).
     */
    int (*reread)(void *arg, struct config **out);

    /** release - free a configuration that reread() made and the server no longer uses. */
    void (*release)(void *arg, struct config *config);
    void *arg;
    const char *title; /* first line of --version, for management and status files */
};

/**
 * server_run - be a multi-client server (`mode server`) until a signal or a fatal error ends it
 * @config: validated, helper directives expanded; borrowed and unchanged for the whole call
 * @source: how SIGHUP rereads it; NULL: SIGHUP keeps the configuration
 *
 * Opens device, sockets and files, daemonises and drops privileges as configured, then runs the loop.
 * Thread: the main thread, before any other exists.
 * Return: the exit status for the process: 0 after SIGTERM or SIGINT, 1 after an error that was logged.
 */
int server_run(struct config *config, const struct server_source *source);

#endif
