/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_SCRIPTS_H
#define VPND_HOOKS_SCRIPTS_H

#include <uv.h>

#include "hooks/event.h"

/*
 * The listener that runs the user's programs: up, down, client-connect, auth-user-pass-verify and the others, with
 * the arguments, environment, files and exit codes that OpenVPN documents (server behaviour spec, 6 and 7).
 * Programs run beside the loop: one that hangs delays only what waits for its answer.
 */
struct scripts;
struct config;

/** scripts_new - start listening on @bus. @config and @bus must outlive it. Loop thread. */
struct scripts *scripts_new(uv_loop_t *loop, struct event_bus *bus, const struct config *config);

/** scripts_set_config - after a reload; programs that run already finish as they began. */
void scripts_set_config(struct scripts *scripts, const struct config *config);

/** scripts_running - programs that have not ended; a process that exits waits for them. */
unsigned scripts_running(const struct scripts *scripts);

/** scripts_free - stop listening; programs that still run are sent SIGTERM and their answers dropped. */
void scripts_free(struct scripts *scripts);

#endif
