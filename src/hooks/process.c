/* SPDX-License-Identifier: MIT */
#include "hooks/process.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

struct process {
    uv_process_t handle;
    process_exit_fn exit_fn; /* NULL after a cancel */
    void *arg;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_exit_status(uv_process_t *handle, int64_t status, int term_signal)
{
    struct process *p = handle->data;
    process_exit_fn fn = p->exit_fn;
    void *arg = p->arg;
    uv_close((uv_handle_t *)handle, on_closed);
    if (fn) {
        fn(arg, (int)status, term_signal);
    }
}

int process_start(uv_loop_t *loop, char **argv, struct env *env, process_exit_fn exit_fn, void *arg,
                  struct process **out)
{
    struct process *p = mem_zalloc(sizeof(*p));
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = STDOUT_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
    };
    uv_process_options_t options = {
        .file = argv[0],
        .args = argv,
        .env = env_list(env),
        .exit_cb = on_exit_status,
        .stdio = stdio,
        .stdio_count = 3,
    };
    p->handle.data = p;
    p->exit_fn = exit_fn;
    p->arg = arg;
    int err = uv_spawn(loop, &p->handle, &options);
    if (err < 0) {
        uv_close((uv_handle_t *)&p->handle, on_closed);
        return err;
    }
    *out = p;
    return 0;
}

void process_cancel(struct process *process)
{
    process->exit_fn = NULL;
    (void)uv_process_kill(&process->handle, SIGTERM); /* it may have ended just now */
    uv_close((uv_handle_t *)&process->handle, on_closed);
}
