/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static char last[512];
static enum log_severity last_severity;

static void listen(void *arg, enum log_severity severity, const char *line)
{
    ++*(int *)arg;
    last_severity = severity;
    strncpy(last, line, sizeof(last) - 1);
}

Test(log, respects_verb_and_defuses_control_characters, .init = cr_redirect_stdout)
{
    int lines = 0;
    log_listener_set(listen, &lines);
    log_usual("hidden at verb 1");
    cr_assert_eq(lines, 0);
    log_write(LOG_SEV_WARN, 1, "cn/192.0.2.1:5", "a\nb\x1b[31m %s", "c");
    cr_assert_eq(lines, 1);
    cr_assert_str_eq(last, "cn/192.0.2.1:5 a?b?[31m c");
    cr_assert_eq(last_severity, LOG_SEV_WARN);
    log_warn("%s", "\xc2\x9b" "31m \xc2\xa0 \xc3\x84 \xc2");
    cr_assert_str_eq(last, "??31m \xc2\xa0 \xc3\x84 \xc2");
    log_listener_set(NULL, NULL);
}

Test(log, mute_swallows_repeats_and_says_so, .init = cr_redirect_stdout)
{
    int lines = 0;
    log_settings_set(&(struct log_settings){.verb = 3, .mute = 2});
    log_listener_set(listen, &lines);
    for (int i = 0; i < 10; i++) {
        log_usual("same %d", i);
    }
    cr_assert_eq(lines, 3);
    cr_assert_str_eq(last, "NOTE: --mute triggered...");
    log_usual("other");
    cr_assert_eq(lines, 5);
    cr_assert_str_eq(last, "other");
    log_listener_set(NULL, NULL);
}

Test(log, lines_for_the_journal_carry_their_priority, .init = cr_redirect_stdout)
{
    struct stat st;
    char stream[64];
    cr_assert_not(log_stdout_is_journal());
    cr_assert_eq(fstat(STDOUT_FILENO, &st), 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino + 1);
    setenv("JOURNAL_STREAM", stream, 1);
    cr_assert_not(log_stdout_is_journal());
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    cr_assert(log_stdout_is_journal());
    log_settings_set(&(struct log_settings){.verb = 3, .to_journal = true});
    log_error("an error");
    log_warn("a warning");
    log_info("a line");
    cr_assert_stdout_eq_str("<3>an error\n<4>a warning\n<5>a line\n");
}

Test(err, every_code_has_its_own_text)
{
    for (int e = ERR_CONFIG; e <= ERR_TRUNCATED; e++) {
        for (int f = e + 1; f <= ERR_TRUNCATED; f++) {
            cr_assert_str_neq(err_str(e), err_str(f));
        }
    }
    cr_assert_str_eq(err_str(-2), "No such file or directory");
}
