/* SPDX-License-Identifier: MIT */
#include "server/status_writer.h"

#include <stdlib.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "mgmt/status.h"
#include "node/loop.h"

struct status_writer {
    struct loop *loop;
    char *path;
    struct status_file file;
    uv_work_t work;
    struct buf text;     /* the pool's while it is busy */
    bool busy;
    bool abandoned;      /* freed as soon as the pool gives it back */
    int result;
    uv_mutex_t lock;     /* held while the file is written */
    bool finished;       /* under the lock: write nothing more */
};

static void release(struct status_writer *writer)
{
    status_file_close(&writer->file);
    uv_mutex_destroy(&writer->lock);
    buf_free(&writer->text, false);
    free(writer->path);
    free(writer);
}

static void write_text(uv_work_t *work)
{
    struct status_writer *writer = work->data;
    uv_mutex_lock(&writer->lock);
    writer->result = writer->finished ? 0 : status_file_write(&writer->file, &writer->text);
    uv_mutex_unlock(&writer->lock);
}

static void on_written(uv_work_t *work, int status)
{
    struct status_writer *writer = work->data;
    writer->busy = false;
    buf_free(&writer->text, false);
    if (writer->abandoned) {
        release(writer);
    } else if (status == 0 && writer->result < 0) {
        log_error("status: cannot write %s: %s", writer->path, err_str(writer->result));
    }
}

int status_writer_new(struct loop *loop, const char *path, struct status_writer **out)
{
    struct status_file file;
    int rc = status_file_open(&file, path);
    if (rc < 0) {
        return rc;
    }
    struct status_writer *writer = mem_zalloc(sizeof(*writer));
    *writer = (struct status_writer){.loop = loop, .path = mem_strdup(path), .file = file};
    BUG_ON(uv_mutex_init(&writer->lock) != 0);
    *out = writer;
    return 0;
}

bool status_writer_busy(const struct status_writer *writer)
{
    return writer->busy;
}

void status_writer_write(struct status_writer *writer, struct buf *text)
{
    BUG_ON(writer->busy);
    writer->text = *text;
    *text = (struct buf){0};
    writer->work.data = writer;
    writer->busy = uv_queue_work(loop_uv(writer->loop), &writer->work, write_text, on_written) == 0;
}

int status_writer_finish(struct status_writer *writer, const struct buf *text)
{
    uv_mutex_lock(&writer->lock); /* waits for a writing that is under way */
    writer->finished = true;
    int rc = status_file_write(&writer->file, text);
    uv_mutex_unlock(&writer->lock);
    return rc;
}

void status_writer_free(struct status_writer *writer)
{
    if (!writer) {
        return;
    }
    if (writer->busy) {
        uv_mutex_lock(&writer->lock);
        writer->finished = true;
        uv_mutex_unlock(&writer->lock);
        writer->abandoned = true;
    } else {
        release(writer);
    }
}
