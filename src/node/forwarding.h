/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_FORWARDING_H
#define VPND_NODE_FORWARDING_H

/*
 * The kernel's switches for forwarding packets, turned on while a server needs them and put back afterwards with
 * everything that changes along with them (linux Documentation/networking/ip-sysctl). Thread: the loop thread.
 */
#include <stdbool.h>

struct forwarding;
struct journal;

/** How the switches stood before anybody of us touched them. */
struct forwarding_original {
    bool known;
    int four; /* net.ipv4.ip_forward */
    int six;  /* net.ipv6.conf.all.forwarding */
};

/**
 * forwarding_enable - turn on what is off, for IPv4 (@four) and IPv6 (@six)
 * With IPv6, interfaces that learn their default route from a router keep doing so (accept_ra 2).
 * @original: what another vpnd of this host found; then that is what forwarding_disable() restores
 * @journal:  lists what is changed, for forwarding_recover()
 * Return: 0 and *out, or -errno after one error line.
 */
int forwarding_enable(bool four, bool six, const struct forwarding_original *original, struct journal *journal,
                      struct forwarding **out);

/** forwarding_get_original - what forwarding_disable() restores. */
struct forwarding_original forwarding_get_original(const struct forwarding *forwarding);

/** forwarding_disable - release; with @restore put the switches back, without somebody else needs them. */
void forwarding_disable(struct forwarding *forwarding, bool restore);

/** forwarding_recover - put back what @journal lists from a run that was killed, unless not @restore. */
void forwarding_recover(struct journal *journal, bool restore);

#endif
