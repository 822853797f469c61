/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/persist.h"
#include "server/pool.h"

static struct pool *make(bool net30, bool v6)
{
    struct pool_config config = {.v4 = true, .net30 = net30, .start = 0x0a4d0004, .end = 0x0a4d00fb, .v6 = v6};
    cr_assert_eq(ip_parse("fd77::1000", &config.base6), 0);
    config.bits6 = 64;
    struct pool *pool = NULL;
    cr_assert_eq(pool_new(&config, &pool, NULL), 0);
    return pool;
}

static struct persist_result parse(struct pool *pool, const char *text)
{
    return persist_parse(pool, text, strlen(text), false, 10);
}

static void assert_text(const struct pool *pool, const char *want)
{
    struct buf out = BUF_INIT(4096);
    cr_assert_eq(persist_format(pool, &out), 0);
    cr_assert_str_eq(buf_str(&out), want);
    buf_free(&out, false);
}

static int save(const struct pool *pool, const char *path)
{
    struct buf text = BUF_INIT(4096);
    cr_assert_eq(persist_format(pool, &text), 0);
    int rc = persist_write(path, &text);
    buf_free(&text, false);
    return rc;
}

Test(persist, net30_line_as_openvpn_writes_it)
{
    struct pool *pool = make(true, true);
    struct pool_lease lease;
    cr_assert_eq(pool_acquire(pool, "client1", &lease), 0);
    assert_text(pool, "client1,10.77.0.4,fd77::1000\n");
    pool_free(pool);
}

Test(persist, round_trip)
{
    struct pool *pool = make(false, false);
    struct persist_result r = parse(pool, "# comment\n; other\n\nbob,10.77.0.9\r\nal ice,10.77.0.5,\n");
    cr_assert_eq(r.remembered, 2);
    cr_assert_eq(r.ignored, 0);
    assert_text(pool, "al ice,10.77.0.5,\nbob,10.77.0.9,\n");
    struct pool_lease lease;
    cr_assert_eq(pool_acquire(pool, "bob", &lease), 0);
    cr_assert_eq(lease.slot, 5);
    pool_free(pool);
}

Test(persist, only_v6_column)
{
    struct pool *pool = make(false, true);
    struct persist_result r = parse(pool, "bob,,fd77::1003\n");
    cr_assert_eq(r.remembered, 1);
    cr_assert_str_eq(pool_slot_name(pool, 3), "bob");
    pool_free(pool);
}

Test(persist, columns_that_disagree)
{
    struct pool *pool = make(false, true);
    struct persist_result r = parse(pool, "bob,10.77.0.5,fd77::1003\n");
    cr_assert_eq(r.disagreeing, 1);
    cr_assert_str_eq(pool_slot_name(pool, 1), "bob");
    cr_assert_null(pool_slot_name(pool, 3));
    pool_free(pool);
}

Test(persist, bad_lines_are_counted)
{
    struct pool *pool = make(false, false);
    struct persist_result r =
        parse(pool, "a,10.77.0.5\nb,not-an-address\nc,10.99.0.1\nd\n,10.77.0.6\ne,10.77.0.7,,x\n");
    cr_assert_eq(r.remembered, 1);
    cr_assert_eq(r.ignored, 5);
    cr_assert_eq(r.first_bad_line, 2);
    cr_assert_not(r.corrupt);
    pool_free(pool);
}

Test(persist, rubbish_is_corrupt)
{
    struct pool *pool = make(false, false);
    cr_assert(parse(pool, "\x7f\x45\x4c\x46 rubbish\nmore\n").corrupt);
    cr_assert(persist_parse(pool, "a,10.77.0.5\n\0\0", 14, false, 1).corrupt);
    pool_free(pool);
}

Test(persist, files)
{
    char dir[] = "/tmp/server-persist-XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    char *path = mem_printf("%s/ipp.txt", dir);
    char *aside = mem_printf("%s/ipp.txt.corrupt", dir);

    struct pool *pool = make(false, false);
    cr_assert_eq(persist_load(pool, path, false, 1), 0, "a missing file is fine");
    struct pool_lease lease;
    cr_assert_eq(pool_acquire(pool, "carol", &lease), 0);
    cr_assert_eq(save(pool, path), 0);
    cr_assert_eq(chmod(path, 0640), 0);
    cr_assert_eq(save(pool, path), 0);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0640, "the mode is kept");
    pool_free(pool);

    pool = make(false, false);
    cr_assert_eq(persist_load(pool, path, false, 1), 0);
    cr_assert_str_eq(pool_slot_name(pool, 0), "carol");
    pool_free(pool);

    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    cr_assert(fputs("%%% not a pool file\n", f) >= 0);
    cr_assert_eq(fclose(f), 0);
    pool = make(false, false);
    cr_assert_eq(persist_load(pool, path, false, 1), 0);
    cr_assert_eq(access(aside, F_OK), 0, "kept aside");
    cr_assert_neq(access(path, F_OK), 0);
    pool_free(pool);
    cr_assert_eq(unlink(aside), 0);
    cr_assert_eq(rmdir(dir), 0);
    free(path);
    free(aside);
}

Test(persist, the_daemons_user_may_write)
{
    char dir[] = "/tmp/server-persist-XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    char *path = mem_printf("%s/ipp.txt", dir);
    struct pool *pool = make(false, false);
    struct pool_lease lease;
    struct stat st;
    cr_assert_eq(persist_give(path, geteuid(), getegid()), 0);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert(st.st_size == 0 && (st.st_mode & 0777) == 0600);
    cr_assert_eq(persist_load(pool, path, false, 1), 0, "an empty file is fine");
    cr_assert_eq(pool_acquire(pool, "dora", &lease), 0);
    cr_assert_eq(save(pool, path), 0);
    cr_assert_eq(persist_give(path, geteuid(), getegid()), 0);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_gt(st.st_size, 0, "contents stay");
    cr_assert_eq(persist_give("/nonexistent/x", 0, 0), -ENOENT);
    pool_free(pool);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(rmdir(dir), 0);
    free(path);
}

static void assert_link(const char *path, bool is)
{
    struct stat st;
    cr_assert_eq(lstat(path, &st), 0);
    cr_assert_eq(S_ISLNK(st.st_mode), is);
}

Test(persist, links_and_devices_stay_what_they_are)
{
    char dir[] = "/tmp/server-persist-XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    char *path = mem_printf("%s/ipp.txt", dir);
    char *target = mem_printf("%s/target", dir);
    struct pool *pool = make(false, false);
    struct pool_lease lease;
    struct stat st;
    cr_assert_eq(pool_acquire(pool, "emil", &lease), 0);

    cr_assert_eq(symlink("/dev/null", path), 0);
    cr_assert_eq(persist_load(pool, path, false, 1), 0);
    cr_assert_eq(save(pool, path), 0);
    assert_link(path, true);
    cr_assert_eq(unlink(path), 0);

    cr_assert_eq(close(open(target, O_WRONLY | O_CREAT, 0600)), 0);
    cr_assert_eq(symlink(target, path), 0);
    cr_assert_eq(save(pool, path), 0);
    assert_link(path, true);
    cr_assert(stat(target, &st) == 0 && st.st_size > 0);
    cr_assert_lt(persist_give(path, geteuid(), getegid()), 0, "a link is nothing to give away");
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(unlink(target), 0);

    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(persist_load(pool, path, false, 1), 0, "does not wait for a writer");
    cr_assert_eq(save(pool, path), -ENXIO, "nor for a reader");
    cr_assert_eq(unlink(path), 0);
    pool_free(pool);
    cr_assert_eq(rmdir(dir), 0);
    free(path);
    free(target);
}

Test(persist, a_file_that_is_too_large_is_kept_aside)
{
    char dir[] = "/tmp/server-persist-XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    char *path = mem_printf("%s/ipp.txt", dir);
    char *aside = mem_printf("%s/ipp.txt.corrupt", dir);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    cr_assert_eq(ftruncate(fd, PERSIST_FILE_MAX + 1), 0);
    cr_assert_eq(close(fd), 0);
    struct pool *pool = make(false, false);
    cr_assert_eq(persist_load(pool, path, false, 1), 0);
    cr_assert_eq(access(aside, F_OK), 0);
    pool_free(pool);
    cr_assert_eq(unlink(aside), 0);
    cr_assert_eq(rmdir(dir), 0);
    free(path);
    free(aside);
}

Test(persist, an_open_file_is_written_in_place)
{
    char path[] = "/tmp/server-persist-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(close(fd), 0);
    fd = persist_open(path);
    cr_assert_geq(fd, 0);
    for (const char *text = "frida,10.77.0.9,\n"; *text; text = *text == 'f' ? "gert,," : "") {
        struct buf buf = BUF_INIT(100);
        char read_back[100] = "";
        cr_assert_eq(buf_append(&buf, text, strlen(text)), 0);
        cr_assert_eq(persist_rewrite(fd, path, &buf), 0);
        buf_free(&buf, false);
        FILE *f = fopen(path, "r");
        cr_assert_gt(fread(read_back, 1, sizeof(read_back) - 1, f), 0);
        cr_assert_eq(fclose(f), 0);
        cr_assert_str_eq(read_back, text, "the shorter one leaves nothing of the longer");
    }
    cr_assert_eq(close(fd), 0);
    cr_assert_eq(unlink(path), 0);
    cr_assert_lt(persist_open("/nonexistent/x"), 0);
}
