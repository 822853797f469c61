/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_PLUGIN_HOST_H
#define VPND_HOOKS_PLUGIN_HOST_H

#include <stdbool.h>

#define PLUGIN_HOST_FD 3

/** What a plugin's process has to load, and who it becomes. */
struct plugin_load {
    char *path;
    char **argv;     /* argv[0]: the name in the configuration */
    char **envp;
    char *user;      /* "" stay */
    char *group;
    char *chroot;
};

/**
 * plugin_host_run - the life of a plugin's process: open it, answer calls, close it
 * PLUGIN_HOST_FD is its socket to the daemon: a constant, because the log callback of a plugin has no argument of ours.
 * @settled: start-up is over: give up privileges as soon as it is open
 *
 * Never returns to a caller that would go on: the process ends with the status that this gives.
 */
int plugin_host_run(const struct plugin_load *load, bool settled);

#endif
