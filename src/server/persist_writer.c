/* SPDX-License-Identifier: MIT */
#include "server/persist_writer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/buf.h"
#include "base/mem.h"
#include "node/loop.h"
#include "server/persist.h"

struct persist_writer {
    struct loop *loop;
    struct loop_timer *timer;
    const struct pool *pool;
    char *path;
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
    free(writer->path);
    free(writer);
}

static void write_text(uv_work_t *work)
{
    struct persist_writer *writer = work->data;
    uv_mutex_lock(&writer->lock);
    if (!writer->finished) {
        writer->result = persist_write(writer->path, &writer->text);
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

struct persist_writer *persist_writer_new(struct loop *loop, const struct pool *pool, const char *path,
                                          unsigned seconds)
{
    struct persist_writer *writer = mem_zalloc(sizeof(*writer));
    *writer = (struct persist_writer){
        .loop = loop, .pool = pool, .path = mem_strdup(path), .text = BUF_INIT(PERSIST_FILE_MAX)};
    BUG_ON(uv_mutex_init(&writer->lock) != 0);
    writer->timer = loop_timer_new(loop, on_period, writer);
    loop_timer_every(writer->timer, 1000ULL * seconds);
    return writer;
}

void persist_writer_finish(struct persist_writer *writer)
{
    if (!writer) {
        return;
    }
    loop_timer_stop(writer->timer);
    uv_mutex_lock(&writer->lock); /* waits for a writing that is under way */
    writer->finished = true;
    (void)persist_save(writer->pool, writer->path); /* logged */
    uv_mutex_unlock(&writer->lock);
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
