/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_JOB_H
#define VPND_CLIENT_JOB_H

/*
 * A blocking call (asking a person) on a pool thread, its result on the loop. Loop thread only, but for @work.
 */
#include "node/loop.h"

struct job;

/** One job. @work runs on a pool thread; @done on the loop, unless cancelled; @release always, at the very end. */
struct job_request {
    int (*work)(void *arg);
    void (*done)(void *arg, int result);
    void (*release)(void *arg); /* may be NULL */
    void *arg;
};

/** job_start - begin. Return: a handle for job_cancel(), valid until @done was called; never NULL. */
struct job *job_start(struct loop *loop, const struct job_request *request);

/** job_cancel - @done will not be called; @work may still run. NULL is fine. */
void job_cancel(struct job *job);

#endif
