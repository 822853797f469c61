/* SPDX-License-Identifier: MIT */
#include "node/device_conflict.h"

#include "base/log.h"

struct search {
    const struct device_plan *plan;
    bool found;
    bool warned;
};

static bool overlaps(const struct ip_addr *a, uint8_t bits_a, const struct ip_addr *b, uint8_t bits_b)
{
    struct ip_prefix wider = {.addr = bits_a < bits_b ? *a : *b, .bits = bits_a < bits_b ? bits_a : bits_b};
    return prefix_contains(&wider, bits_a < bits_b ? b : a);
}

static void compare(const struct rtnl_addr *have, void *arg)
{
    struct search *s = arg;
    bool six = have->local.family == AF_INET6;
    const struct ip_addr *wanted = six ? &s->plan->local6 : &s->plan->local4;
    uint8_t bits = six ? s->plan->bits6 : s->plan->bits4;
    char link[IF_NAMESIZE] = "?";
    char a[ADDR_TEXT_MAX];
    char b[ADDR_TEXT_MAX];
    if (wanted->family == AF_UNSPEC || s->found) {
        return;
    }
    (void)if_indextoname(have->ifindex, link);
    if (ip_equal(&have->local, wanted)) {
        log_error("The server gives this client the address %s, which %s has already: a conflict, not connecting",
                  ip_format(wanted, a), link);
        s->found = true;
    } else if (bits && !s->warned && have->peer.family == AF_UNSPEC && overlaps(&have->local, have->bits, wanted, bits)) {
        log_warn("WARNING: potential TUN/TAP adapter subnet conflict between local LAN [%s/%u of %s] and remote VPN"
                 " [%s/%u]",
                 ip_format(&have->local, a), have->bits, link, ip_format(wanted, b), bits);
        s->warned = true;
    }
}

bool device_conflicts(const struct device_plan *plan, struct rtnl *nl)
{
    struct search s = {.plan = plan};
    if (!plan->null && !plan->noexec) {
        (void)rtnl_addr_each(nl, 0, AF_UNSPEC, compare, &s);
    }
    return s.found;
}
