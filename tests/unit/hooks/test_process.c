/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <signal.h>

#include "hooks/process.h"

struct end {
    int calls;
    int status;
    int signal;
};

static void ended(void *arg, int status, int signal)
{
    struct end *e = arg;
    e->calls++;
    e->status = status;
    e->signal = signal;
}

Test(process, gets_exactly_its_environment_and_reports_its_status)
{
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct env env = {0};
    struct end e = {0};
    struct process *p;
    env_set(&env, "one", "1");
    char *argv[] = {"/bin/sh", "-c", "test \"$one\" = 1 && test -z \"$HOME\" && exit 7", NULL};
    cr_assert_eq(process_start(&loop, argv, &env, ended, &e, &p), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(e.calls, 1);
    cr_assert_eq(e.status, 7);
    env_free(&env);
    cr_assert_eq(uv_loop_close(&loop), 0);
}

Test(process, missing_program_is_an_error_and_cancel_kills_silently)
{
    uv_loop_t loop;
    uv_loop_init(&loop);
    struct env env = {0};
    struct end e = {0};
    struct process *p;
    char *missing[] = {"/nonexistent/program", NULL};
    cr_assert_lt(process_start(&loop, missing, &env, ended, &e, &p), 0);
    char *sleeper[] = {"/bin/sleep", "1000", NULL};
    cr_assert_eq(process_start(&loop, sleeper, &env, ended, &e, &p), 0);
    process_cancel(p);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_assert_eq(e.calls, 0);
    env_free(&env);
    cr_assert_eq(uv_loop_close(&loop), 0);
}
