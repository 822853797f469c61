/* SPDX-License-Identifier: MIT */
#include "sys/caps.h"

#include <cap-ng.h>
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

static const struct {
    unsigned keep;
    unsigned capability;
    const char *name;
} table[] = {
    {CAPS_NET_ADMIN, CAP_NET_ADMIN, "CAP_NET_ADMIN"},
    {CAPS_NET_BIND_SERVICE, CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE"},
    {CAPS_NET_RAW, CAP_NET_RAW, "CAP_NET_RAW"},
    {CAPS_SETID, CAP_SETUID, "CAP_SETUID"},
    {CAPS_SETID, CAP_SETGID, "CAP_SETGID"},
    {CAPS_IPC_LOCK, CAP_IPC_LOCK, "CAP_IPC_LOCK"},
    {CAPS_SYS_CHROOT, CAP_SYS_CHROOT, "CAP_SYS_CHROOT"},
    {CAPS_DAC_OVERRIDE, CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"},
    {CAPS_AUDIT_WRITE, CAP_AUDIT_WRITE, "CAP_AUDIT_WRITE"},
};

#define TABLE_SIZE (sizeof(table) / sizeof(table[0]))

static bool parse_number(const char *text, unsigned long *out)
{
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    char *end = NULL;
    errno = 0;
    *out = strtoul(text, &end, 10);
    return *end == '\0' && errno == 0 && *out < UINT32_MAX;
}

static int lookup_user(struct caps_identity *identity)
{
    unsigned long number = 0;
    struct passwd *entry = getpwnam(identity->user);
    if (!entry && parse_number(identity->user, &number)) {
        entry = getpwuid((uid_t)number);
        if (!entry) {
            identity->uid = (uid_t)number;
            identity->gid = getgid();
            return 0;
        }
    }
    if (!entry) {
        log_error("failed to find UID for user %s: create the user or change --user", identity->user);
        return ERR_NOT_FOUND;
    }
    identity->uid = entry->pw_uid;
    identity->gid = getgid();
    return 0;
}

static int lookup_group(struct caps_identity *identity)
{
    unsigned long number = 0;
    struct group *entry = getgrnam(identity->group);
    if (entry) {
        identity->gid = entry->gr_gid;
        return 0;
    }
    if (parse_number(identity->group, &number)) {
        identity->gid = (gid_t)number;
        return 0;
    }
    log_error("failed to find GID for group %s: create the group or change --group", identity->group);
    return ERR_NOT_FOUND;
}

int caps_lookup(struct caps_identity *identity)
{
    identity->uid = getuid();
    identity->gid = getgid();
    int r = identity->user ? lookup_user(identity) : 0;
    if (r == 0 && identity->group) {
        r = lookup_group(identity);
    }
    return r;
}

const char *caps_format(unsigned keep, char out[200])
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (keep & table[i].keep) {
            int n = snprintf(out + used, 200 - used, "%s%s", used ? ", " : "", table[i].name);
            used += n > 0 ? (size_t)n : 0;
        }
    }
    return out;
}

bool caps_have(unsigned keep)
{
    if (capng_get_caps_process() != 0) {
        return false;
    }
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if ((keep & table[i].keep) && !capng_have_capability(CAPNG_EFFECTIVE, table[i].capability)) {
            return false;
        }
    }
    return true;
}

/* What is kept must be held now; asking the kernel for more would fail as a whole. Return: the part we have. */
static unsigned reachable(unsigned keep)
{
    unsigned have = 0;
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if ((keep & table[i].keep) && capng_have_capability(CAPNG_PERMITTED, table[i].capability)) {
            have |= table[i].keep;
        }
    }
    return have;
}

static void select_caps(unsigned keep)
{
    capng_clear(CAPNG_SELECT_BOTH);
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        if (keep & table[i].keep) {
            (void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, table[i].capability);
        }
    }
}

static int become_plain(const struct caps_identity *identity)
{
    if (setgroups(1, &identity->gid) < 0 || setresgid(identity->gid, identity->gid, identity->gid) < 0) {
        return -errno;
    }
    return setresuid(identity->uid, identity->uid, identity->uid) < 0 ? -errno : 0;
}

static int become(const struct caps_identity *identity, unsigned keep)
{
    if (getuid() == identity->uid && getgid() == identity->gid && geteuid() != 0) {
        return 0; /* nothing to change, and no right to */
    }
    /* The ambient set goes with the user: programs that we start have nothing to inherit. */
    select_caps(keep);
    if (setgroups(1, &identity->gid) < 0) {
        return -errno;
    }
    int r = capng_change_id((int)identity->uid, (int)identity->gid, CAPNG_NO_FLAG);
    if (r == 0) {
        char text[200];
        if (keep) {
            log_info("Capabilities retained: %s", caps_format(keep, text));
        }
        return 0;
    }
    log_warn("Unable to retain capabilities (libcap-ng returned %d)", r);
    return become_plain(identity);
}

int caps_drop(const struct caps_identity *identity, unsigned keep, bool no_new_privs)
{
    if (capng_get_caps_process() != 0) {
        return -EPERM;
    }
    unsigned have = reachable(keep);
    int r = 0;
    if (identity->user || identity->group) {
        r = become(identity, have);
        if (r < 0) {
            log_error("cannot become user %s group %s: %s", identity->user ? identity->user : "(same)",
                      identity->group ? identity->group : "(same)", err_str(r));
            return r;
        }
        if (identity->group) {
            log_info("GID set to %s", identity->group);
        }
        if (identity->user) {
            log_info("UID set to %s", identity->user);
        }
    }
    if (no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        r = -errno;
    }
    return r;
}
