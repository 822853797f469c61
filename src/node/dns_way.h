/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_DNS_WAY_H
#define VPND_NODE_DNS_WAY_H

/*
 * The ways to change a host's name resolution. They run in the DNS helper (a process of its own with the privileges
 * of the start), may block for some seconds, and do not log: they say what happened in @text.
 *
 * What has to be undone is one line of text, the note: written down before the change, it is enough for a later run.
 * Shared by the dns*.c files only.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "node/dns_settings.h"

#define DNS_NOTE_MAX 512

/** dns_way_note_fn - remember @note (and @content, the original of a file; NULL: none) until the change is undone.
 *  Return: 0 or -errno (then the change is not made). */
typedef int (*dns_way_note_fn)(void *arg, const char *note, const struct buf *content);

struct dns_way {
    const char *name; /* first word of its notes */
    unsigned abilities;

    /** is_in_use - the host resolves names in this way. */
    bool (*is_in_use)(void);

    /**
     * apply - set it and look whether it holds
     * @server: NULL: search domains only
     * @text:   appended to: what was set, or why not
     * Return: 0 or negative; after a failure nothing is left changed.
     */
    int (*apply)(const struct dns_settings *settings, const struct dns_server *server, dns_way_note_fn note, void *arg,
                 struct buf *text);

    /** revert - undo what @note stands for; @content as it was noted. @text: appended to when something is to be
     *  said. */
    void (*revert)(const char *note, const struct buf *content, struct buf *text);

    /** holds - nobody else overwrote what @note stands for. NULL: whoever keeps the settings sees to that. */
    bool (*holds)(const char *note);
};

extern const struct dns_way dns_way_resolved;   /* systemd-resolved, over D-Bus */
extern const struct dns_way dns_way_resolvconf; /* resolvconf and openresolv */
extern const struct dns_way dns_way_file;       /* /etc/resolv.conf itself */

/**
 * dns_file_reclaim - after a power cut: put the original of resolv.conf back
 * The notes of what was done vanish with /run then, but the file in /etc stays.
 * @text: appended to when it is ours and has no original any more
 * Return: whether something was put back.
 */
bool dns_file_reclaim(struct buf *text);

#define DNS_RESOLV_CONF "/etc/resolv.conf"
#define DNS_FILE_MAX_BYTES (1 << 20)

/** dns_file_read - contents of a file, at most DNS_FILE_MAX_BYTES. Return: 0 or -errno. */
int dns_file_read(const char *path, struct buf *out);

/** dns_file_names - whether the resolv.conf text @content has a `nameserver` line that begins with @address. */
bool dns_file_names(const struct buf *content, const char *address);

/** dns_file_append - `nameserver`, `search` and kept `options` lines of a resolv.conf; @old: NULL or what was there. */
void dns_file_append(const struct dns_settings *settings, const struct dns_server *server, const struct buf *old,
                     struct buf *out);

#endif
