/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "client/restart.h"

static void expect_line(enum restart_signal signal, enum restart_reason reason, const char *want)
{
    char line[RESTART_LINE_MAX];
    struct restart r = {signal, reason};
    cr_assert_str_eq(restart_format(&r, line), want);
}

Test(restart, lines_are_those_that_tools_grep)
{
    expect_line(RESTART_USR1, RESTART_PING_RESTART, "SIGUSR1[soft,ping-restart] received, process restarting");
    expect_line(RESTART_TERM, RESTART_EXTERNAL, "SIGTERM[hard,] received, process exiting");
    expect_line(RESTART_INT, RESTART_EXTERNAL, "SIGINT[hard,] received, process exiting");
    expect_line(RESTART_HUP, RESTART_EXTERNAL, "SIGHUP[hard,] received, process restarting");
    expect_line(RESTART_TERM, RESTART_AUTH_FAILURE, "SIGTERM[soft,auth-failure] received, process exiting");
    expect_line(RESTART_TERM, RESTART_EXIT_NOTIFIED,
                "SIGTERM[soft,exit-with-notification] received, process exiting");
    expect_line(RESTART_USR1, RESTART_CONNECTION_FAILED,
                "SIGUSR1[connection failed(soft),connection-failed] received, process restarting");
}

Test(restart, only_an_equal_or_stronger_signal_replaces_a_pending_one)
{
    struct restart r = {RESTART_NONE, RESTART_EXTERNAL};
    cr_assert(restart_raise(&r, RESTART_USR1, RESTART_PING_RESTART));
    cr_assert_not(restart_raise(&r, RESTART_USR2, RESTART_EXTERNAL));
    cr_assert_eq(r.reason, RESTART_PING_RESTART);
    cr_assert(restart_raise(&r, RESTART_USR1, RESTART_REMOTE_EXIT));
    cr_assert(restart_raise(&r, RESTART_TERM, RESTART_EXTERNAL));
    cr_assert_not(restart_raise(&r, RESTART_HUP, RESTART_EXTERNAL));
    cr_assert_eq(r.signal, RESTART_TERM);
    cr_assert_not(restart_raise(&r, RESTART_NONE, RESTART_EXTERNAL));
}

Test(restart, policies_change_what_follows)
{
    struct restart_policy plain = {RESTART_USR1, false};
    struct restart_policy remapped = {RESTART_TERM, false};
    struct restart_policy tls_exit = {RESTART_USR1, true};
    cr_assert_eq(restart_policed(&plain, RESTART_PING_RESTART, RESTART_USR1), RESTART_USR1);
    cr_assert_eq(restart_policed(&remapped, RESTART_PING_RESTART, RESTART_USR1), RESTART_TERM);
    cr_assert_eq(restart_policed(&remapped, RESTART_EXTERNAL, RESTART_HUP), RESTART_HUP);
    cr_assert_eq(restart_policed(&plain, RESTART_TLS_ERROR, restart_default(RESTART_TLS_ERROR)), RESTART_USR1);
    cr_assert_eq(restart_policed(&tls_exit, RESTART_TLS_ERROR, restart_default(RESTART_TLS_ERROR)), RESTART_TERM);
}

Test(restart, every_reason_has_a_text_and_a_signal)
{
    for (int i = RESTART_EXTERNAL + 1; i < RESTART_REASON_COUNT; i++) {
        cr_assert_neq(restart_text((enum restart_reason)i)[0], '\0', "reason %d", i);
        enum restart_signal s = restart_default((enum restart_reason)i);
        cr_assert(s == RESTART_USR1 || s == RESTART_TERM, "reason %d", i);
    }
}

Test(restart, down_scripts_learn_the_soft_reason_or_the_signal)
{
    struct restart soft = {RESTART_USR1, RESTART_PING_RESTART};
    struct restart hard = {RESTART_TERM, RESTART_EXTERNAL};
    cr_assert_str_eq(restart_hook_name(&soft), "ping-restart");
    cr_assert_str_eq(restart_hook_name(&hard), "sigterm");
}
