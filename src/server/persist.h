/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_PERSIST_H
#define VPND_SERVER_PERSIST_H

/*
 * The file of ifconfig-pool-persist: lines "CN,IPv4,IPv6", either address may be missing (spec: server
 * behaviour, 2.3). The parser is pure; the two file functions may block shortly. Control thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct pool;

#define PERSIST_FILE_MAX (16u * 1024 * 1024) /* bytes; 65536 entries are less */

/** What was found in a file. */
struct persist_result {
    unsigned remembered;   /* entries taken over */
    unsigned ignored;      /* malformed or out of the pool's range */
    unsigned disagreeing;  /* the two columns name different slots; the IPv4 one was taken */
    unsigned first_bad_line; /* 1.., 0 when all are well formed */
    bool corrupt;          /* not such a file at all: NUL bytes, or not one entry in it is well formed */
};

/** persist_parse - remember the entries of @text (@len bytes) in @pool; @fixed reserves them. */
struct persist_result persist_parse(struct pool *pool, const char *text, size_t len, bool fixed, uint64_t unix_s);

/** persist_format - every slot with a name, in slot order. Return: 0 or ERR_LIMIT. */
int persist_format(const struct pool *pool, struct buf *out);

/**
 * persist_load - read @path into @pool, logging what is odd
 * A missing file is fine, so is what is no file (/dev/null). A corrupt or much too large one is renamed to
 * "@path.corrupt" and named in the log.
 * Return: 0, or -errno when the file exists and cannot be read (logged).
 */
int persist_load(struct pool *pool, const char *path, bool fixed, uint64_t unix_s);

/** persist_give - make sure that the file exists and belongs to the user that the daemon becomes, who may not be
 *  allowed to write in its folder. Devices and links are left alone. Return: 0 or -errno. */
int persist_give(const char *path, uid_t uid, gid_t gid);

/** persist_write - write the file anew with @text and put it in place atomically, keeping owner and mode; where the
 *  folder is not writable (after `user`) the file is rewritten in place, and so is what is no file (/dev/null). A symbolic
 *  link of ours is followed. Return: 0 or -errno (logged). Any thread. */
int persist_write(const char *path, const struct buf *text);

/** persist_open - for persist_rewrite(), while @path can still be reached (before chroot). Return: a descriptor or -errno. */
int persist_open(const char *path);

/** persist_rewrite - write @text into the file of persist_open() in place, whose name is @path. Return: 0 or -errno
 *  (logged). Any thread. */
int persist_rewrite(int fd, const char *path, const struct buf *text);

#endif
