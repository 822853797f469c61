/* SPDX-License-Identifier: MIT */
#ifndef VPND_SYS_CAPS_H
#define VPND_SYS_CAPS_H

/*
 * Giving up privileges. Linux credentials belong to threads: call from the control thread; other threads that
 * already run lose all capabilities when the user changes, which is what the data plane's should have.
 */
#include <stdbool.h>
#include <sys/types.h>

/** What may be kept; a bit set. */
enum caps_keep {
    CAPS_NET_ADMIN = 1u << 0,        /* addresses, routes, reopening the device */
    CAPS_NET_BIND_SERVICE = 1u << 1, /* ports below 1024 after a restart */
    CAPS_NET_RAW = 1u << 2,          /* SO_BINDTODEVICE on new sockets */
    CAPS_SETID = 1u << 3,            /* CAP_SETUID and CAP_SETGID */
    CAPS_IPC_LOCK = 1u << 4,         /* mlock beyond RLIMIT_MEMLOCK */
    CAPS_SYS_CHROOT = 1u << 5,
    CAPS_DAC_OVERRIDE = 1u << 6,     /* read key files after a restart */
    CAPS_AUDIT_WRITE = 1u << 7,      /* PAM modules that write audit records */
};

/** The identity to become. */
struct caps_identity {
    const char *user;  /* name or number; NULL: stay */
    const char *group; /* name or number; NULL: stay (with @user: still drops supplementary groups) */
    uid_t uid;         /* filled by caps_lookup() */
    gid_t gid;
};

/** caps_lookup - resolve the names (before chroot). Return: 0, or ERR_NOT_FOUND (one error line was logged). */
int caps_lookup(struct caps_identity *identity);

/**
 * caps_drop - become @identity (after caps_lookup()) and keep only @keep
 * @no_new_privs: also forbid this process and its children to gain privileges by set-uid programs
 *
 * Supplementary groups become just the group. Logs "GID set to", "UID set to" and "Capabilities retained:".
 * Without root privileges to begin with only the capability sets are reduced.
 * Return: 0 or -errno (the process must not go on); a refusal to keep capabilities is only logged.
 */
int caps_drop(const struct caps_identity *identity, unsigned keep, bool no_new_privs);

/** caps_have - whether this thread has all capabilities of @keep in effect. */
bool caps_have(unsigned keep);

/** caps_format - "CAP_NET_ADMIN, CAP_NET_RAW" for a bit set. Return: @out. */
const char *caps_format(unsigned keep, char out[200]);

#endif
