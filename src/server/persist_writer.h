/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_PERSIST_WRITER_H
#define VPND_SERVER_PERSIST_WRITER_H

/* Keeps the file of `ifconfig-pool-persist` up to date. A slow disk holds up a thread of the pool, not the loop. Loop
 * thread. */
#include <stdbool.h>

struct loop;
struct persist_writer;
struct pool;

/** persist_writer_new - for what is in @pool, which is borrowed, and the file @path. @keep_open: the file is opened now,
 *  because its name leads nowhere later (chroot). */
struct persist_writer *persist_writer_new(struct loop *loop, const struct pool *pool, const char *path, bool keep_open);

/** persist_writer_start - write what changed every @seconds from now on. NULL is fine. */
void persist_writer_start(struct persist_writer *writer, unsigned seconds);

/** persist_writer_finish - write a last time, before this returns, if it was started; nothing is written later. NULL is
 *  fine. */
void persist_writer_finish(struct persist_writer *writer);

/** persist_writer_free - stop; NULL is fine. */
void persist_writer_free(struct persist_writer *writer);

#endif
