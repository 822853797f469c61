/* SPDX-License-Identifier: MIT */
#include "node/loop.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

struct got {
    struct loop *loop;
    unsigned count;
    struct loop_signal_info info;
};

static void on_signal(void *arg, const struct loop_signal_info *info)
{
    struct got *got = arg;
    got->count++;
    got->info = *info;
}

static void turn(struct got *got)
{
    for (int i = 0; i < 4; i++) {
        uv_run(loop_uv(got->loop), UV_RUN_NOWAIT);
    }
}

static void await_signal(struct got *got)
{
    unsigned before = got->count;
    while (got->count == before) {
        uv_run(loop_uv(got->loop), UV_RUN_ONCE);
    }
}

static void open_loop(struct got *got)
{
    memset(got, 0, sizeof(*got));
    cr_assert_eq(loop_open(&got->loop), 0);
    loop_on_signal(got->loop, on_signal, got);
}

TestSuite(loop, .timeout = 20);

Test(loop, external_signal)
{
    struct got got;
    open_loop(&got);
    raise(SIGTERM);
    await_signal(&got);
    cr_assert_eq(got.info.signal, LOOP_SIGNAL_TERM);
    cr_assert_eq(got.info.source, LOOP_SOURCE_HARD);
    cr_assert_str_eq(got.info.reason, "");
    cr_assert_str_eq(loop_signal_env(&got.info), "sigterm");
    loop_close(got.loop);
}

Test(loop, higher_priority_replaces)
{
    struct got got;
    open_loop(&got);
    loop_raise(got.loop, LOOP_SIGNAL_USR1, LOOP_SOURCE_SOFT, "ping-restart");
    loop_raise(got.loop, LOOP_SIGNAL_TERM, LOOP_SOURCE_SOFT, "inactive");
    loop_raise(got.loop, LOOP_SIGNAL_USR1, LOOP_SOURCE_SOFT, "tls-error");
    cr_assert_eq(got.count, 0, "never from within loop_raise()");
    turn(&got);
    cr_assert_eq(got.count, 1);
    cr_assert_eq(got.info.signal, LOOP_SIGNAL_TERM);
    cr_assert_str_eq(got.info.reason, "inactive");
    cr_assert_str_eq(loop_signal_env(&got.info), "inactive");
    cr_assert_eq(loop_signal_pending(got.loop), LOOP_SIGNAL_NONE);
    loop_close(got.loop);
}

Test(loop, ignored_while_initialising)
{
    struct got got;
    open_loop(&got);
    loop_set_phase(got.loop, LOOP_PHASE_INITIALISING);
    raise(SIGHUP);
    raise(SIGUSR1);
    raise(SIGUSR2);
    raise(SIGINT);
    await_signal(&got);
    turn(&got);
    cr_assert_eq(got.count, 1);
    cr_assert_eq(got.info.signal, LOOP_SIGNAL_INT);
    loop_close(got.loop);
}

Test(loop, usr1_while_connecting_is_hup)
{
    struct got got;
    open_loop(&got);
    loop_set_phase(got.loop, LOOP_PHASE_CONNECTING);
    raise(SIGUSR1);
    await_signal(&got);
    cr_assert_eq(got.info.signal, LOOP_SIGNAL_HUP);
    loop_raise(got.loop, LOOP_SIGNAL_USR1, LOOP_SOURCE_CONNECTION_FAILED, "connection-failed");
    await_signal(&got);
    cr_assert_eq(got.info.signal, LOOP_SIGNAL_USR1, "internal ones stay what they are");
    loop_close(got.loop);
}

Test(loop, exiting_turns_restarts_into_term)
{
    struct got got;
    open_loop(&got);
    loop_set_phase(got.loop, LOOP_PHASE_EXITING);
    raise(SIGHUP);
    turn(&got);
    loop_raise(got.loop, LOOP_SIGNAL_USR1, LOOP_SOURCE_SOFT, "ping-restart");
    await_signal(&got);
    cr_assert_eq(got.count, 1);
    cr_assert_eq(got.info.signal, LOOP_SIGNAL_TERM);
    loop_close(got.loop);
}

Test(loop, remap_usr1)
{
    struct got got;
    open_loop(&got);
    loop_set_remap_usr1(got.loop, loop_signal_from_name("SIGTERM"));
    raise(SIGUSR1);
    await_signal(&got);
    cr_assert_eq(got.info.signal, LOOP_SIGNAL_TERM);
    loop_close(got.loop);
}

Test(loop, names)
{
    cr_assert_str_eq(loop_signal_name(LOOP_SIGNAL_USR1), "SIGUSR1");
    cr_assert_eq(loop_signal_from_name("SIGHUP"), LOOP_SIGNAL_HUP);
    cr_assert_eq(loop_signal_from_name("SIGKILL"), LOOP_SIGNAL_NONE);
}

static void count_up(void *arg)
{
    (*(unsigned *)arg)++;
}

struct suicide {
    struct loop_timer *timer;
    unsigned fired;
};

static void free_self(void *arg)
{
    struct suicide *suicide = arg;
    suicide->fired++;
    loop_timer_free(suicide->timer);
}

Test(loop, timers)
{
    struct got got;
    open_loop(&got);
    unsigned fired = 0;
    struct loop_timer *timer = loop_timer_new(got.loop, count_up, &fired);
    uint64_t due = clock_read().mono_ms + 15;
    loop_timer_at(timer, due);
    while (fired == 0) {
        uv_run(loop_uv(got.loop), UV_RUN_ONCE);
    }
    cr_assert_geq(clock_read().mono_ms + 1, due);
    loop_timer_at(timer, CLOCK_NEVER);
    turn(&got);
    cr_assert_eq(fired, 1);
    struct suicide suicide = {0};
    suicide.timer = loop_timer_new(got.loop, free_self, &suicide);
    loop_timer_after(suicide.timer, 0);
    while (suicide.fired == 0) {
        uv_run(loop_uv(got.loop), UV_RUN_ONCE);
    }
    loop_timer_free(timer);
    loop_timer_free(NULL);
    loop_close(got.loop);
}

Test(loop, watch_until_freed)
{
    struct got got;
    open_loop(&got);
    int fd = eventfd(1, EFD_NONBLOCK);
    unsigned seen = 0;
    struct loop_watch *watch = NULL;
    cr_assert_eq(loop_watch_new(got.loop, fd, count_up, &seen, &watch), 0);
    while (seen < 2) {
        uv_run(loop_uv(got.loop), UV_RUN_ONCE);
    }
    loop_watch_free(watch);
    close(fd);
    unsigned before = seen;
    turn(&got);
    cr_assert_eq(seen, before);
    loop_close(got.loop);
}

static void on_dp_event(const struct dp_event *event, void *arg)
{
    (*(unsigned *)arg) += event->type == DP_EV_CTRL;
}

Test(loop, data_plane_events)
{
    struct got got;
    open_loop(&got);
    int fd = eventfd(1, EFD_NONBLOCK);
    unsigned seen = 0;
    /* the fake data plane is nothing but its fd */
    struct dp *dp = (struct dp *)(void *)&fd;
    cr_assert_eq(loop_attach_dp(got.loop, dp, on_dp_event, &seen), 0);
    while (seen == 0) {
        uv_run(loop_uv(got.loop), UV_RUN_ONCE);
    }
    loop_detach_dp(got.loop);
    uint64_t one = 1;
    cr_assert_eq(write(fd, &one, sizeof(one)), (ssize_t)sizeof(one));
    turn(&got);
    cr_assert_eq(seen, 1);
    close(fd);
    loop_close(got.loop);
}

/* Work that lasts until it is told to end. */
static void wait_for_byte(uv_work_t *work)
{
    uint64_t ignored;
    (void)!read(*(int *)work->data, &ignored, sizeof(ignored));
}

static void work_ended(uv_work_t *work, int status)
{
    (void)status;
    *(int *)work->data = -1;
}

Test(loop, close_gives_up_on_work_that_lasts)
{
    struct got got;
    open_loop(&got);
    int fd = eventfd(0, 0);
    int shared = fd;
    uv_work_t work = {.data = &shared};
    cr_assert_eq(uv_queue_work(loop_uv(got.loop), &work, wait_for_byte, work_ended), 0);
    cr_assert_not(loop_close_within(got.loop, 20));
    uint64_t one = 1;
    cr_assert_eq(write(fd, &one, sizeof(one)), (ssize_t)sizeof(one));
    cr_assert(loop_close_within(got.loop, CLOCK_NEVER), "this time it ends");
    cr_assert_eq(shared, -1);
    close(fd);
}
