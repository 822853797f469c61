/* SPDX-License-Identifier: MIT */
#include "client/job.h"

#include <stdlib.h>

#include "base/mem.h"

struct job {
    uv_work_t work;
    struct job_request request;
    int result;
    bool cancelled;
};

static void run(uv_work_t *work)
{
    struct job *job = work->data;
    job->result = job->request.work(job->request.arg);
}

static void after(uv_work_t *work, int status)
{
    struct job *job = work->data;
    if (!job->cancelled) {
        job->request.done(job->request.arg, status ? status : job->result);
    }
    if (job->request.release) {
        job->request.release(job->request.arg);
    }
    free(job);
}

struct job *job_start(struct loop *loop, const struct job_request *request)
{
    struct job *job = mem_zalloc(sizeof(*job));
    job->request = *request;
    job->work.data = job;
    /* libuv fails only for a missing callback */
    (void)uv_queue_work(loop_uv(loop), &job->work, run, after);
    return job;
}

void job_cancel(struct job *job)
{
    if (job) {
        job->cancelled = true;
        (void)uv_cancel((uv_req_t *)&job->work);
    }
}
