/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "server/ccd.h"

Test(ccd, names_become_file_names)
{
    char out[64];
    cr_assert_eq(ccd_file_name("client one", out, sizeof(out)), 0);
    cr_assert_str_eq(out, "client one");
    cr_assert_eq(ccd_file_name("../etc/passwd", out, sizeof(out)), 0);
    cr_assert_str_eq(out, ".._etc_passwd");
    cr_assert_eq(ccd_file_name("a\x01\nb\x7f", out, sizeof(out)), 0);
    cr_assert_str_eq(out, "a__b_");
    cr_assert_eq(ccd_file_name("", out, sizeof(out)), 0);
    cr_assert_str_eq(out, "UNDEF");
    cr_assert_eq(ccd_file_name(NULL, out, sizeof(out)), 0);
    cr_assert_str_eq(out, "UNDEF");
    cr_assert_eq(ccd_file_name("\xc3\xbcmit", out, sizeof(out)), 0);
    cr_assert_str_eq(out, "\xc3\xbcmit");
    cr_assert_eq(ccd_file_name(".", out, sizeof(out)), ERR_FORMAT);
    cr_assert_eq(ccd_file_name("..", out, sizeof(out)), ERR_FORMAT);
    cr_assert_eq(ccd_file_name("0123456789", out, 10), ERR_LIMIT);
}

static void touch(const char *dir, const char *name)
{
    char *path = mem_printf("%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    cr_assert_eq(fclose(f), 0);
    free(path);
}

static void drop(const char *dir, const char *name)
{
    char *path = mem_printf("%s/%s", dir, name);
    cr_assert_eq(remove(path), 0);
    free(path);
}

static void assert_found(const char *dir, const char *cn, const char *name)
{
    char *path = NULL;
    char *want = mem_printf("%s/%s", dir, name);
    cr_assert_eq(ccd_find(dir, cn, &path), 0);
    cr_assert_str_eq(path, want);
    free(path);
    free(want);
}

Test(ccd, own_file_then_default)
{
    char dir[] = "/tmp/server-ccd-XXXXXX";
    char *path = NULL;
    cr_assert_not_null(mkdtemp(dir));
    touch(dir, "alice");
    cr_assert_eq(ccd_find(dir, "bob", &path), ERR_NOT_FOUND);
    touch(dir, "DEFAULT");
    assert_found(dir, "alice", "alice");
    assert_found(dir, "bob", "DEFAULT");
    cr_assert_eq(ccd_find(dir, "..", &path), ERR_FORMAT);

    cr_assert(ccd_exists(dir, "alice"));
    cr_assert_not(ccd_exists(dir, "bob"));
    cr_assert_not(ccd_exists(dir, "DEFAULT"));
    cr_assert_not(ccd_exists(dir, ".."));

    char *folder = mem_printf("%s/carol", dir);
    cr_assert_eq(mkdir(folder, 0700), 0);
    assert_found(dir, "carol", "DEFAULT");
    cr_assert_eq(rmdir(folder), 0);
    free(folder);
    drop(dir, "alice");
    drop(dir, "DEFAULT");
    cr_assert_eq(rmdir(dir), 0);
}
