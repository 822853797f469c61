/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_PERSIST_WRITER_H
#define VPND_SERVER_PERSIST_WRITER_H

/* Keeps the file of `ifconfig-pool-persist` up to date. A slow disk holds up a thread of the pool, not the loop. Loop
 * thread. */
struct loop;
struct persist_writer;
struct pool;

/** persist_writer_new - write what changed in @pool to @path every @seconds. Both are borrowed. */
struct persist_writer *persist_writer_new(struct loop *loop, const struct pool *pool, const char *path,
                                          unsigned seconds);

/** persist_writer_finish - write a last time, before this returns; nothing is written later. NULL is fine. */
void persist_writer_finish(struct persist_writer *writer);

/** persist_writer_free - stop; NULL is fine. */
void persist_writer_free(struct persist_writer *writer);

#endif
