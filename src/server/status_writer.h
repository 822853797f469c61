/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_STATUS_WRITER_H
#define VPND_SERVER_STATUS_WRITER_H

/* The status file, rewritten in place. A slow disk holds up a thread of the pool, not the loop. Loop thread. */
#include <stdbool.h>

struct buf;
struct loop;
struct status_writer;

/** status_writer_new - open @path, before privileges are given up. Return: 0 and *out, or -errno. */
int status_writer_new(struct loop *loop, const char *path, struct status_writer **out);

/** status_writer_busy - whether the last text is still being written. */
bool status_writer_busy(const struct status_writer *writer);

/** status_writer_write - begin to write @text, whose bytes are taken over; not while the writer is busy. Failures are
 *  logged. */
void status_writer_write(struct status_writer *writer, struct buf *text);

/** status_writer_finish - write a last @text before this returns; nothing is written later. Return: 0 or -errno. */
int status_writer_finish(struct status_writer *writer, const struct buf *text);

/** status_writer_free - stop; NULL is fine. */
void status_writer_free(struct status_writer *writer);

#endif
