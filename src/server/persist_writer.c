/* SPDX-License-Identifier: MIT */
#include "server/persist_writer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "node/loop.h"
#include "server/persist.h"

struct persist_writer {
    struct loop *loop;
    struct loop_timer *timer;
    const struct pool *pool;
    char *path;
    int fd;              /* kept open, or -1 */
    uv_work_t work;
    struct buf text;     /* being written, or what was written last */
    bool busy;           /* the pool has it */
    bool abandoned;      /* freed as soon as the pool gives it back */
    int result;
    uv_mutex_t lock;     /* held while the file is written */
    bool finished;       /* under the lock: write nothing more */
};

static void release(struct persist_writer *writer)
{
    uv_mutex_destroy(&writer->lock);
    buf_free(&writer->text, false);
    if (writer->fd >= 0) {
        close(writer->fd);
    }
    free(writer->path);
    free(writer);
}

static int store(const struct persist_writer *writer, const struct buf *text)
{
    return writer->fd >= 0 ? persist_rewrite(writer->fd, writer->path, text) : persist_write(writer->path, text);
}

static void write_text(uv_work_t *work)
{
    struct persist_writer *writer = work->data;
    uv_mutex_lock(&writer->lock);
    if (!writer->finished) {
        writer->result = store(writer, &writer->text);
    }
    uv_mutex_unlock(&writer->lock);
}

static void on_written(uv_work_t *work, int status)
{
    struct persist_writer *writer = work->data;
    writer->busy = false;
    if (writer->abandoned) {
        release(writer);
    } else if (status < 0 || writer->result < 0) {
        writer->text.len = 0; /* try again next time */
    }
}

static void on_period(void *arg)
{
    struct persist_writer *writer = arg;
    struct buf fresh = BUF_INIT(PERSIST_FILE_MAX);
    if (writer->busy || persist_format(writer->pool, &fresh) < 0 ||
        (fresh.len == writer->text.len && (!fresh.len || memcmp(fresh.data, writer->text.data, fresh.len) == 0))) {
        buf_free(&fresh, false);
        return;
    }
    buf_free(&writer->text, false);
    writer->text = fresh;
    writer->work.data = writer;
    writer->busy = uv_queue_work(loop_uv(writer->loop), &writer->work, write_text, on_written) == 0;
}

struct persist_writer *persist_writer_new(struct loop *loop, const struct pool *pool, const char *path, bool keep_open)
{
    struct persist_writer *writer = mem_zalloc(sizeof(*writer));
    *writer = (struct persist_writer){
        .loop = loop, .pool = pool, .path = mem_strdup(path), .fd = -1, .text = BUF_INIT(PERSIST_FILE_MAX)};
    BUG_ON(uv_mutex_init(&writer->lock) != 0);
    if (keep_open) {
        writer->fd = persist_open(path);
    }
    if (keep_open && writer->fd < 0) {
        log_error("ifconfig-pool-persist: cannot write %s: %s; addresses are not kept", path, err_str(writer->fd));
    }
    return writer;
}

void persist_writer_start(struct persist_writer *writer, unsigned seconds)
{
    if (writer) {
        writer->timer = loop_timer_new(writer->loop, on_period, writer);
        loop_timer_every(writer->timer, 1000ULL * seconds);
    }
}

void persist_writer_finish(struct persist_writer *writer)
{
    struct buf text = BUF_INIT(PERSIST_FILE_MAX);
    if (!writer || !writer->timer) {
        return;
    }
    loop_timer_stop(writer->timer);
    uv_mutex_lock(&writer->lock); /* waits for a writing that is under way */
    writer->finished = true;
    if (persist_format(writer->pool, &text) == 0) { /* PERSIST_FILE_MAX is enough for the largest pool */
        (void)store(writer, &text);                 /* logged */
    }
    uv_mutex_unlock(&writer->lock);
    buf_free(&text, false);
}

void persist_writer_free(struct persist_writer *writer)
{
    if (!writer) {
        return;
    }
    loop_timer_free(writer->timer);
    if (writer->busy) {
        uv_mutex_lock(&writer->lock);
        writer->finished = true;
        uv_mutex_unlock(&writer->lock);
        writer->abandoned = true;
    } else {
        release(writer);
    }
}
