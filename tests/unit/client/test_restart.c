/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "client/restart.h"

Test(restart, every_reason_has_a_text_and_a_signal)
{
    struct restart_policy plain = {false};
    for (int i = 0; i < RESTART_REASON_COUNT; i++) {
        cr_assert_neq(restart_text((enum restart_reason)i)[0], '\0', "reason %d", i);
        enum loop_signal s = restart_signal(&plain, (enum restart_reason)i);
        cr_assert(s == LOOP_SIGNAL_USR1 || s == LOOP_SIGNAL_TERM, "reason %d", i);
    }
}

Test(restart, texts_are_those_that_tools_grep)
{
    cr_assert_str_eq(restart_text(RESTART_PING_RESTART), "ping-restart");
    cr_assert_str_eq(restart_text(RESTART_AUTH_TEMPORARY), "auth-temp-failure (server temporary reject)");
    cr_assert_str_eq(restart_text(RESTART_SERVER_POLL), "server_poll");
    cr_assert_str_eq(restart_text(RESTART_EXIT_NOTIFIED), "exit-with-notification");
    cr_assert_str_eq(restart_text(RESTART_BAD_PUSH), "process-push-msg-failed");
}

Test(restart, what_ends_the_process)
{
    struct restart_policy plain = {false};
    struct restart_policy tls_exit = {true};
    cr_assert_eq(restart_signal(&plain, RESTART_PING_RESTART), LOOP_SIGNAL_USR1);
    cr_assert_eq(restart_signal(&plain, RESTART_PING_EXIT), LOOP_SIGNAL_TERM);
    cr_assert_eq(restart_signal(&plain, RESTART_AUTH_FAILURE), LOOP_SIGNAL_TERM);
    cr_assert_eq(restart_signal(&plain, RESTART_SERVER_HALT), LOOP_SIGNAL_TERM);
    cr_assert_eq(restart_signal(&plain, RESTART_TLS_ERROR), LOOP_SIGNAL_USR1);
    cr_assert_eq(restart_signal(&tls_exit, RESTART_TLS_ERROR), LOOP_SIGNAL_TERM);
    cr_assert_eq(restart_signal(&tls_exit, RESTART_NO_PUSH_REPLY), LOOP_SIGNAL_USR1);
}
