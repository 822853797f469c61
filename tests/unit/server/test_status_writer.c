/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "node/loop.h"
#include "server/status_writer.h"

/* The pool has one thread, which the tests keep busy as a slow disk would. */
static struct loop *loop;
static struct status_writer *writer;
static char path[] = "/tmp/vpnd-status-XXXXXX";
static uv_work_t slow;
static uv_mutex_t disk;

static void wait_for_disk(uv_work_t *work)
{
    (void)work;
    uv_mutex_lock(&disk);
    uv_mutex_unlock(&disk);
}

static void begin(void)
{
    loop_pool_size(1);
    cr_assert_eq(loop_open(&loop), 0);
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(status_writer_new(loop, path, &writer), 0);
    cr_assert_eq(uv_mutex_init(&disk), 0);
}

static void block_disk(void)
{
    uv_mutex_lock(&disk);
    cr_assert_eq(uv_queue_work(loop_uv(loop), &slow, wait_for_disk, NULL), 0);
}

static void end(void)
{
    loop_close(loop);
    uv_mutex_destroy(&disk);
    (void)unlink(path);
}

static void start_writing(const char *text)
{
    struct buf b = BUF_INIT(1000);
    cr_assert_eq(buf_append(&b, text, strlen(text)), 0);
    status_writer_write(writer, &b);
    cr_assert_null(b.data, "the text was taken over");
}

static void run_until_written(void)
{
    while (status_writer_busy(writer)) {
        (void)uv_run(loop_uv(loop), UV_RUN_ONCE);
    }
}

static void expect_file(const char *text)
{
    char got[100] = "";
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f);
    size_t n = fread(got, 1, sizeof(got) - 1, f);
    (void)fclose(f);
    cr_assert_str_eq(got, text);
    cr_assert_eq(n, strlen(text));
}

Test(status_writer, a_shorter_text_replaces_a_longer_one_in_place)
{
    begin();
    start_writing("a long text\n");
    run_until_written();
    expect_file("a long text\n");
    start_writing("short\n");
    run_until_written();
    expect_file("short\n");
    status_writer_free(writer);
    end();
}

Test(status_writer, a_slow_disk_holds_up_nobody)
{
    begin();
    block_disk();
    start_writing("late\n"); /* returns, as all of this does */
    cr_assert(status_writer_busy(writer));
    (void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
    cr_assert(status_writer_busy(writer));
    expect_file("");
    uv_mutex_unlock(&disk);
    run_until_written();
    expect_file("late\n");
    status_writer_free(writer);
    end();
}

Test(status_writer, the_last_text_stays)
{
    struct buf last = BUF_INIT(1000);
    begin();
    block_disk();
    start_writing("older, still waiting\n");
    cr_assert_eq(buf_append(&last, "last\n", 5), 0);
    cr_assert_eq(status_writer_finish(writer, &last), 0);
    buf_free(&last, false);
    expect_file("last\n");
    status_writer_free(writer); /* while the pool has it */
    uv_mutex_unlock(&disk);
    loop_close(loop); /* runs what is left */
    expect_file("last\n");
    uv_mutex_destroy(&disk);
    (void)unlink(path);
}
