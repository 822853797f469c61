/* SPDX-License-Identifier: MIT */
#include "node/session_driver.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "fake_session.h"

struct bench {
    struct loop *loop;
    struct session_driver *driver;
    unsigned events;
    char text[64];
    unsigned drops;
    bool free_in_event;
    bool message_in_event;
};

static void on_event(void *arg, struct session_driver *driver, struct session *session,
                     const struct session_event *event)
{
    struct bench *bench = arg;
    (void)session;
    bench->events++;
    strncpy(bench->text, event->text, sizeof(bench->text) - 1);
    if (bench->message_in_event) {
        session_driver_message(driver, "bye");
    }
    if (bench->free_in_event) {
        session_driver_free(driver);
        bench->driver = NULL;
    }
}

static void on_drop(void *arg, struct session_driver *driver, int error)
{
    struct bench *bench = arg;
    (void)driver;
    bench->drops += error == ERR_AUTH;
}

static struct bench start(void)
{
    struct bench bench = {0};
    cr_assert_eq(loop_open(&bench.loop), 0);
    return bench;
}

static void open_driver(struct bench *bench)
{
    struct session_open open = {0};
    struct session_driver_open how = {.loop = bench->loop, .open = &open, .peer = 7, .event = on_event,
                                      .dropped = on_drop, .arg = bench};
    cr_assert_eq(session_driver_new(&how, &bench->driver), 0);
}

/* Turns the loop until @condition; a test that hangs here is ended by the timeout of the suite. */
#define AWAIT(bench, condition)                                                                                        \
    do {                                                                                                               \
        while (!(condition)) {                                                                                         \
            uv_run(loop_uv((bench)->loop), UV_RUN_NOWAIT);                                                             \
            usleep(500);                                                                                               \
        }                                                                                                              \
    } while (0)

static void receive(struct bench *bench, const char *packet)
{
    cr_assert_eq(session_driver_receive(bench->driver, packet, strlen(packet)), 0);
}

static void finish(struct bench *bench)
{
    session_driver_free(bench->driver);
    loop_close(bench->loop);
    cr_assert_eq(atomic_load(&fake.freed), 1);
    cr_assert_eq(atomic_load(&fake.settings_refs), 0);
    cr_assert_eq(atomic_load(&fake.overlap), 0);
}

TestSuite(session_driver, .timeout = 20);

Test(session_driver, answers_leave_through_the_data_plane)
{
    struct bench bench = start();
    open_driver(&bench);
    receive(&bench, "echo");
    AWAIT(&bench, fake.sent == 1);
    cr_assert_str_eq(fake.last_sent, "echo");
    cr_assert_eq(fake.touched_rx, 1);
    cr_assert_eq(fake.touched_tx, 1);
    finish(&bench);
}

Test(session_driver, events_and_errors_reach_the_owner)
{
    struct bench bench = start();
    open_driver(&bench);
    receive(&bench, "bad");
    receive(&bench, "vhello");
    AWAIT(&bench, bench.events == 1 && bench.drops == 1);
    cr_assert_str_eq(bench.text, "hello");
    finish(&bench);
}

Test(session_driver, freed_while_the_pool_works)
{
    struct bench bench = start();
    open_driver(&bench);
    receive(&bench, "slow");
    AWAIT(&bench, atomic_load(&fake.slow_started));
    receive(&bench, "vlate");
    session_driver_free(bench.driver);
    bench.driver = NULL;
    cr_assert_eq(atomic_load(&fake.freed), 0, "the pool still has it");
    atomic_store(&fake.release, 1);
    AWAIT(&bench, atomic_load(&fake.freed) == 1);
    cr_assert_eq(bench.events, 0);
    finish(&bench);
}

Test(session_driver, freed_by_its_own_event_says_goodbye_first)
{
    struct bench bench = start();
    bench.free_in_event = true;
    bench.message_in_event = true;
    open_driver(&bench);
    receive(&bench, "vhello");
    AWAIT(&bench, atomic_load(&fake.freed) == 1);
    cr_assert_eq(bench.events, 1);
    cr_assert_str_eq(fake.last_sent, "bye");
    finish(&bench);
}

Test(session_driver, queue_is_bounded)
{
    struct bench bench = start();
    open_driver(&bench);
    receive(&bench, "slow");
    AWAIT(&bench, atomic_load(&fake.slow_started));
    for (unsigned i = 0; i < SESSION_DRIVER_QUEUE_MAX; i++) {
        receive(&bench, "bad");
    }
    cr_assert_eq(session_driver_receive(bench.driver, "bad", 3), ERR_LIMIT);
    static const char big[SESSION_PACKET_MAX + 1];
    cr_assert_eq(session_driver_receive(bench.driver, big, sizeof(big)), ERR_FORMAT);
    atomic_store(&fake.release, 1);
    AWAIT(&bench, bench.drops == SESSION_DRIVER_QUEUE_MAX);
    finish(&bench);
}

static void note_call(void *arg, struct session_driver *driver, struct session *session)
{
    (void)driver;
    (void)session;
    (*(unsigned *)arg)++;
}

Test(session_driver, calls_wait_for_rest)
{
    struct bench bench = start();
    open_driver(&bench);
    unsigned calls = 0;
    AWAIT(&bench, session_driver_at_rest(bench.driver));
    session_driver_call(bench.driver, note_call, &calls);
    cr_assert_eq(calls, 1, "at rest: at once");
    receive(&bench, "slow");
    AWAIT(&bench, atomic_load(&fake.slow_started));
    cr_assert_not(session_driver_at_rest(bench.driver));
    session_driver_call(bench.driver, note_call, &calls);
    session_driver_authorize(bench.driver, 0, SESSION_AUTH_FAILED);
    session_driver_message(bench.driver, "AUTH_FAILED");
    cr_assert_eq(calls, 1);
    atomic_store(&fake.release, 1);
    AWAIT(&bench, fake.sent == 1);
    cr_assert_eq(calls, 2);
    cr_assert_eq(fake.verdict, SESSION_AUTH_FAILED);
    cr_assert_str_eq(fake.last_sent, "AUTH_FAILED");
    finish(&bench);
}

Test(session_driver, calls_of_a_freed_driver_are_dropped)
{
    struct bench bench = start();
    open_driver(&bench);
    unsigned calls = 0;
    receive(&bench, "slow");
    AWAIT(&bench, atomic_load(&fake.slow_started));
    session_driver_call(bench.driver, note_call, &calls);
    session_driver_message(bench.driver, "never");
    session_driver_free(bench.driver);
    bench.driver = NULL;
    atomic_store(&fake.release, 1);
    AWAIT(&bench, atomic_load(&fake.freed) == 1);
    cr_assert_eq(calls, 0);
    cr_assert_eq(fake.sent, 0);
    finish(&bench);
}

Test(session_driver, credentials_are_what_was_set_last)
{
    struct bench bench = start();
    open_driver(&bench);
    session_driver_set_credentials(bench.driver, "alice", "secret");
    receive(&bench, "echo");
    AWAIT(&bench, fake.sent == 1);
    cr_assert_str_eq(fake.username, "alice");
    cr_assert_str_eq(fake.password, "secret");
    session_driver_set_credentials(bench.driver, NULL, NULL);
    receive(&bench, "echo");
    AWAIT(&bench, fake.sent == 2);
    cr_assert_str_eq(fake.username, "");
    finish(&bench);
}

Test(session_driver, ticks_at_the_deadline)
{
    struct bench bench = start();
    fake.deadline = clock_read().mono_ms + 20;
    open_driver(&bench);
    AWAIT(&bench, atomic_load(&fake.ticks) == 1);
    finish(&bench);
}
