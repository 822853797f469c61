/* SPDX-License-Identifier: MIT */
#include "node/forwarding.h"

#include <dirent.h>
#include <net/if.h>
#include <errno.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "node/journal.h"
#include "sys/rtnl.h"
#include "sys/sysctl.h"

#define JOURNAL_SYSCTL "sysctl "
#define IPV4_FORWARD "net/ipv4/ip_forward"
#define IPV6_FORWARD "net/ipv6/conf/all/forwarding"
#define NAME_BYTES 128

/* Descriptors stay open: the names may be out of reach in a chroot. */
struct sysctl_switch {
    int fd;
    int was;
};

struct forwarding {
    struct journal *journal;
    struct forwarding_original original;
    struct sysctl_switch *list; /* in the order in which they were touched */
    size_t count;
};

/* ------------------------------------------------------------------ changing */

static struct sysctl_switch *remember(struct forwarding *forwarding, const char *name)
{
    struct sysctl_switch one = {.fd = sysctl_open(name)};
    if (one.fd < 0) {
        return NULL;
    }
    if (sysctl_get(one.fd, &one.was) < 0) {
        (void)close(one.fd);
        return NULL;
    }
    forwarding->list = mem_grow(forwarding->list, forwarding->count + 1, sizeof(*forwarding->list));
    forwarding->list[forwarding->count] = one;
    char *line = mem_printf(JOURNAL_SYSCTL "%s %d", name, one.was);
    journal_add(forwarding->journal, line);
    free(line);
    return &forwarding->list[forwarding->count++];
}

/* The global switch overwrites those of the interfaces: note the ones that stood differently. */
static void remember_interfaces(struct forwarding *forwarding, const char *family, int global)
{
    char path[NAME_BYTES];
    (void)snprintf(path, sizeof(path), "/proc/sys/net/%s/conf", family);
    DIR *dir = opendir(path);
    if (!dir) {
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char name[NAME_BYTES + sizeof(entry->d_name)];
        int value = 0;
        (void)snprintf(name, sizeof(name), "net/%s/conf/%s/forwarding", family, entry->d_name);
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "all") != 0 && sysctl_read(name, &value) == 0 &&
            value != global) {
            (void)remember(forwarding, name);
        }
    }
    (void)closedir(dir);
}

static int turn_on(struct forwarding *forwarding, const char *name)
{
    struct sysctl_switch *one = remember(forwarding, name);
    int r = one ? sysctl_set(one->fd, 1) : -EROFS;
    if (r < 0) {
        char dotted[NAME_BYTES];
        (void)snprintf(dotted, sizeof(dotted), "%s", name);
        for (char *at = dotted; *at; at++) {
            *at = *at == '/' ? '.' : *at;
        }
        log_error("nat-masquerade: cannot turn on %s (%s); run 'sysctl -w %s=1' outside of this container", dotted,
                  err_str(r), dotted);
    }
    return r;
}

static int enable_four(struct forwarding *forwarding)
{
    if (sysctl_read(IPV4_FORWARD, &forwarding->original.four) == 0 && forwarding->original.four) {
        return 0;
    }
    (void)remember(forwarding, "net/ipv4/conf/all/accept_redirects"); /* goes along with ip_forward */
    remember_interfaces(forwarding, "ipv4", 0);
    return turn_on(forwarding, IPV4_FORWARD);
}

struct learners {
    uint32_t ifindex[16];
    size_t count;
};

static void note_learner(const struct rtnl_route *route, void *arg)
{
    struct learners *learners = arg;
    if (route->dst.bits == 0 && route->protocol == RTPROT_RA &&
        learners->count < sizeof(learners->ifindex) / sizeof(learners->ifindex[0])) {
        learners->ifindex[learners->count++] = route->ifindex;
    }
}

/* A host that forwards ignores router advertisements unless accept_ra is 2: it would lose its own default route. */
static void keep_default_routes(struct forwarding *forwarding)
{
    struct rtnl *nl = NULL;
    struct learners learners = {.count = 0};
    if (rtnl_open(&nl) < 0) {
        return;
    }
    (void)rtnl_route_each(nl, AF_INET6, 0, note_learner, &learners);
    rtnl_close(nl);
    for (size_t i = 0; i < learners.count; i++) {
        char device[IF_NAMESIZE];
        char name[NAME_BYTES];
        int value = 0;
        if (!if_indextoname(learners.ifindex[i], device)) {
            continue;
        }
        (void)snprintf(name, sizeof(name), "net/ipv6/conf/%s/accept_ra", device);
        if (sysctl_read(name, &value) == 0 && value == 1) {
            const struct sysctl_switch *one = remember(forwarding, name);
            if (one && sysctl_set(one->fd, 2) < 0) {
                log_warn("nat-masquerade: cannot set %s to 2: this host may lose its IPv6 default route", name);
            }
        }
    }
}

static int enable_six(struct forwarding *forwarding)
{
    if (sysctl_read(IPV6_FORWARD, &forwarding->original.six) == 0 && forwarding->original.six) {
        return 0;
    }
    keep_default_routes(forwarding);
    remember_interfaces(forwarding, "ipv6", 0);
    return turn_on(forwarding, IPV6_FORWARD);
}

/* ------------------------------------------------------------------ entry points */

/* Another vpnd turned the switches on before us: who ends last puts them back. */
static void adopt(struct forwarding *forwarding, const struct forwarding_original *original)
{
    if (!original->known) {
        return;
    }
    static const char *const names[] = {IPV4_FORWARD, IPV6_FORWARD};
    const int was[] = {original->four, original->six};
    for (unsigned i = 0; i < 2; i++) {
        int now = 0;
        if (was[i] == 0 && sysctl_read(names[i], &now) == 0 && now) {
            struct sysctl_switch *one = remember(forwarding, names[i]);
            if (one) {
                one->was = 0;
            }
        }
    }
    forwarding->original = *original;
}

int forwarding_enable(bool four, bool six, const struct forwarding_original *original, struct journal *journal,
                      struct forwarding **out)
{
    struct forwarding *forwarding = mem_zalloc(sizeof(*forwarding));
    forwarding->journal = journal;
    forwarding->original.known = true;
    int r = four ? enable_four(forwarding) : 0;
    if (r == 0 && six) {
        r = enable_six(forwarding);
    }
    if (r < 0) {
        forwarding_disable(forwarding, true);
        return r;
    }
    adopt(forwarding, original);
    *out = forwarding;
    return 0;
}

struct forwarding_original forwarding_get_original(const struct forwarding *forwarding)
{
    return forwarding->original;
}

void forwarding_disable(struct forwarding *forwarding, bool restore)
{
    if (!forwarding) {
        return;
    }
    for (size_t i = forwarding->count; i-- > 0;) {
        const struct sysctl_switch *one = &forwarding->list[i];
        int now = 0;
        if (restore && sysctl_get(one->fd, &now) == 0 && now != one->was) {
            (void)sysctl_set(one->fd, one->was); /* its interface may be gone */
        }
        (void)close(one->fd);
    }
    journal_forget(forwarding->journal, JOURNAL_SYSCTL);
    free(forwarding->list);
    free(forwarding);
}

static void put_back(const char *line, void *arg)
{
    char name[NAME_BYTES + NAME_MAX];
    int was = 0;
    unsigned *count = arg;
    if (sscanf(line, JOURNAL_SYSCTL "%380s %d", name, &was) != 2 || strstr(name, "..")) {
        return;
    }
    int now = 0;
    int fd = sysctl_open(name);
    if (fd < 0) {
        return;
    }
    if (sysctl_get(fd, &now) == 0 && now != was && sysctl_set(fd, was) == 0) {
        ++*count;
    }
    (void)close(fd);
}

void forwarding_recover(struct journal *journal, bool restore)
{
    unsigned count = 0;
    if (restore) {
        journal_each(journal, JOURNAL_SYSCTL, put_back, &count);
    }
    journal_forget(journal, JOURNAL_SYSCTL);
    if (count > 0) {
        log_info("put back %u kernel switch(es) that an earlier run left on", count);
    }
}
