/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_PLUGIN_SUPERVISOR_H
#define VPND_HOOKS_PLUGIN_SUPERVISOR_H

/*
 * The parent of all plugins' processes: starts one for each, starts it again after a crash, kills it when the daemon
 * says that it hangs. It keeps the privileges that the daemon had at its start, because a plugin that is opened again
 * needs them, and therefore does nothing else: it talks to the daemon only, and a message cannot name a program.
 */

#define PLUGIN_SUPERVISOR_FD 3 /* its socket to the daemon */
#define PLUGIN_SUPERVISOR_ARGUMENT "--plugin-supervisor" /* how the daemon calls itself for this */

/** plugin_supervisor_run - the life of that process. Return: its exit status. */
int plugin_supervisor_run(void);

#endif
