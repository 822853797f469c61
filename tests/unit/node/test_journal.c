/* SPDX-License-Identifier: MIT */
#include "node/journal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void name_it(char path[64])
{
    (void)snprintf(path, 64, "/tmp/vpnd-test-%d-lines", getpid());
}

static void count_line(const char *line, void *arg)
{
    (void)line;
    (*(unsigned *)arg)++;
}

Test(journal, lines_survive_a_kill)
{
    char path[64];
    name_it(path);
    struct journal *journal = NULL;
    cr_assert_eq(journal_open(path, &journal), 0);
    journal_add(journal, "route a");
    journal_add(journal, "dns b");
    journal_add(journal, "route c");
    journal_forget(journal, "dns ");
    journal_close(journal); /* with lines left the file stays, as after a kill */
    cr_assert_eq(journal_open(path, &journal), 0);
    unsigned n = 0;
    journal_each(journal, "route ", count_line, &n);
    cr_assert_eq(n, 2);
    cr_assert_eq(journal_count(journal, "dns "), 0);
    journal_forget(journal, "");
    journal_close(journal);
    cr_assert_eq(access(path, F_OK), -1);
}

Test(journal, one_holder_at_a_time)
{
    char path[64];
    name_it(path);
    struct journal *first = NULL;
    struct journal *second = NULL;
    cr_assert_eq(journal_open(path, &first), 0);
    cr_assert_eq(journal_open(path, &second), -EWOULDBLOCK);
    journal_close(first);
}

Test(journal, a_line_that_was_cut_off_is_ignored)
{
    char path[64];
    name_it(path);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    cr_assert_eq(write(fd, "route a\nrou", 11), 11);
    close(fd);
    struct journal *journal = NULL;
    cr_assert_eq(journal_open(path, &journal), 0);
    cr_assert_eq(journal_count(journal, ""), 1);
    journal_forget(journal, "");
    journal_close(journal);
}

Test(journal, none_is_fine)
{
    journal_add(NULL, "x");
    journal_forget(NULL, "x");
    cr_assert_eq(journal_count(NULL, ""), 0);
    journal_close(NULL);
}
