/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_FIREWALL_H
#define VPND_NODE_FIREWALL_H

/*
 * vpnd's own nftables table, for `nat-masquerade` and `kill-switch`, and the forwarding switches of the kernel. What
 * was set is listed in the journal, so that the next start removes what a killed run left. Other tables are never
 * touched. Thread: the loop thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct config;
struct firewall;
struct journal;

/**
 * firewall_new - nothing is changed yet
 * @name: distinguishes several daemons of one host; the table is called "vpnd-NAME" (the last 32 characters count,
 *        others than [A-Za-z0-9_-] become '_'; lifecycle_name() fits)
 * Return: 0 and *out, or -errno when netlink cannot be used.
 */
int firewall_new(const char *name, struct journal *journal, struct firewall **out);

/** firewall_free - take everything back that was set, and release. NULL is fine. */
void firewall_free(struct firewall *firewall);

/** What a server hides behind the addresses of its host. */
struct firewall_nat {
    const struct ip_prefix *nets; /* of the VPN */
    size_t count;
    const char *device;           /* of the VPN; packets that leave by it stay as they are */
    const uint16_t *own_ports;    /* where this server listens */
    size_t own_port_count;
};

/**
 * firewall_masquerade - forward packets of the VPN's networks and hide them behind the address of the interface that
 * they leave by; replaces an earlier call atomically
 * Translated connections never get one of @own_ports as their source: a client could take other clients' packets to
 * the server over with it (Port Shadow, CVE-2021-3773).
 * Return: 0 or -errno after one error line (-EOPNOTSUPP: the kernel has no nftables NAT).
 */
int firewall_masquerade(struct firewall *firewall, const struct firewall_nat *nat);

/** A server that may be reached outside of the tunnel. */
struct firewall_exit {
    union addr remote;
    bool tcp;
};

/** What the kill switch lets through, besides the loopback and what keeps the link alive. */
struct firewall_openings {
    const struct firewall_exit *exits;
    size_t count;
    const char *device; /* the tunnel; NULL while there is none */
    bool names;         /* name servers too: the servers' names are not known yet */
};

/**
 * firewall_kill_switch - let nothing leave but what @openings names, and DHCP and IPv6 neighbour discovery; packets
 * that this host forwards only into and out of the tunnel. Replaces an earlier call atomically.
 * Return: 0 or -errno after one error line; then what was in force before still is.
 */
int firewall_kill_switch(struct firewall *firewall, const struct firewall_openings *openings);

/** firewall_open_up - take the kill switch back, leave the masquerade. */
void firewall_open_up(struct firewall *firewall);

/**
 * firewall_recover - remove what @journal lists from a run that was killed
 * A client that wants the kill switch does not call this: its first firewall_kill_switch() replaces the old table
 * without a gap.
 */
void firewall_recover(struct journal *journal);

/** Why clients that send all their traffic here cannot reach the world; a bit set. */
enum firewall_lack {
    FIREWALL_NO_FORWARD4 = 1u << 0, /* net.ipv4.ip_forward is 0 */
    FIREWALL_NO_FORWARD6 = 1u << 1, /* net.ipv6.conf.all.forwarding is 0 */
    FIREWALL_NO_NAT = 1u << 2,      /* no NAT rule of anybody was found */
};

/** firewall_lacks - look at the host. Return: bits of enum firewall_lack. */
unsigned firewall_lacks(void);

#endif
