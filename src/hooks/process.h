/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_PROCESS_H
#define VPND_HOOKS_PROCESS_H

#include <uv.h>

#include "hooks/env.h"

struct process;

/** Called once when the program has ended; not called after process_cancel(). */
typedef void (*process_exit_fn)(void *arg, int exit_status, int term_signal);

/**
 * process_start - run a program without a shell and without waiting for it
 * @loop: its loop thread is the only thread for these calls
 * @argv: NULL-terminated; argv[0] is the path (no PATH search)
 * @env:  exactly the environment of the program
 *
 * Standard input is /dev/null, output and errors go where the log goes.
 * Return: 0 and *out (valid until @exit_fn was called or process_cancel()), or -errno when it cannot be started.
 */
int process_start(uv_loop_t *loop, char **argv, struct env *env, process_exit_fn exit_fn, void *arg,
                  struct process **out);

/** process_cancel - at the end of the daemon: send the program SIGTERM and forget it; nobody reaps it but init. */
void process_cancel(struct process *process);

#endif
