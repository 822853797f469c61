/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_JOURNAL_H
#define VPND_NODE_JOURNAL_H

/*
 * A small file in the runtime directory that lists what was changed on the host (routes, DNS, packet filter), so
 * that the next start can undo what a killed process left. Opened while privileges last; afterwards only the open
 * file is written, which works in a chroot and as another user. Thread: the loop thread.
 */
#include <stddef.h>

struct journal;

/**
 * journal_open - open or create @path and lock it
 * Return: 0 and *out; -EWOULDBLOCK when a living process holds it (two daemons with one configuration); -errno.
 */
int journal_open(const char *path, struct journal **out);

/** journal_add - note one line (no newline in it) before or right after the change it stands for. NULL @journal is
 *  fine everywhere. */
void journal_add(struct journal *journal, const char *line);

/** journal_forget - drop every line that begins with @prefix. */
void journal_forget(struct journal *journal, const char *prefix);

/** journal_each - call @fn for every line that begins with @prefix, newest first; @fn may not change the journal. */
void journal_each(const struct journal *journal, const char *prefix, void (*fn)(const char *line, void *arg),
                  void *arg);

/** journal_count - lines that begin with @prefix. */
size_t journal_count(const struct journal *journal, const char *prefix);

/** journal_close - release; the file is removed when it is empty and can be. NULL is fine. */
void journal_close(struct journal *journal);

#endif
