/* SPDX-License-Identifier: MIT */
#include "client/kill_switch.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "node/firewall.h"

#define EXITS_MAX 256 /* the oldest makes room */

struct kill_switch {
    struct firewall *firewall;
    struct firewall_exit exits[EXITS_MAX];
    size_t count;
    char device[IF_NAMESIZE];
    unsigned lookups; /* under way */
};

static int apply(struct kill_switch *kill)
{
    struct firewall_openings openings = {
        .exits = kill->exits,
        .count = kill->count,
        .device = kill->device[0] ? kill->device : NULL,
        .names = kill->lookups > 0,
    };
    return firewall_kill_switch(kill->firewall, &openings);
}

int kill_switch_new(const char *name, struct journal *journal, struct kill_switch **out)
{
    struct firewall *firewall = NULL;
    int r = firewall_new(name, journal, &firewall);
    if (r < 0) {
        log_error("kill-switch: the packet filter cannot be used: %s; start as root or with CAP_NET_ADMIN, on a kernel "
                  "with nf_tables", err_str(r));
        return r;
    }
    struct kill_switch *kill = mem_zalloc(sizeof(*kill));
    kill->firewall = firewall;
    r = apply(kill);
    if (r < 0) {
        kill_switch_free(kill);
        return r;
    }
    *out = kill;
    return 0;
}

void kill_switch_free(struct kill_switch *kill)
{
    if (kill) {
        firewall_free(kill->firewall);
        free(kill);
    }
}

void kill_switch_exit(struct kill_switch *kill, const union addr *remote, bool tcp)
{
    if (!kill || remote->any.sa_family == AF_UNSPEC) {
        return;
    }
    for (size_t i = 0; i < kill->count; i++) {
        if (kill->exits[i].tcp == tcp && addr_equal(&kill->exits[i].remote, remote)) {
            return;
        }
    }
    if (kill->count == EXITS_MAX) {
        memmove(&kill->exits[0], &kill->exits[1], (EXITS_MAX - 1) * sizeof(kill->exits[0]));
        kill->count--;
    }
    kill->exits[kill->count++] = (struct firewall_exit){.remote = *remote, .tcp = tcp};
    (void)apply(kill);
}

void kill_switch_device(struct kill_switch *kill, const char *device)
{
    const char *name = device ? device : "";
    if (!kill || strlen(name) >= sizeof(kill->device) || strcmp(kill->device, name) == 0) {
        return;
    }
    strcpy(kill->device, name);
    (void)apply(kill);
}

void kill_switch_ask(struct kill_switch *kill)
{
    if (kill && kill->lookups++ == 0) {
        (void)apply(kill);
    }
}

void kill_switch_asked(struct kill_switch *kill)
{
    if (kill && --kill->lookups == 0) {
        (void)apply(kill);
    }
}
