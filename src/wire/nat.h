/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_NAT_H
#define VPND_WIRE_NAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `client-nat`: stateless one-to-one mapping of IPv4 addresses in the tunnel (data channel spec, 14). */
#define NAT_RULES_MAX 64

enum nat_kind { NAT_SOURCE, NAT_DESTINATION };
enum nat_direction { NAT_TO_TUNNEL, NAT_FROM_TUNNEL };

/** Addresses in host order, host bits of @network and @alias clear. */
struct nat_rule {
    enum nat_kind kind;
    uint32_t network;
    uint32_t mask;
    uint32_t alias;
};

/** nat_apply - translate source and destination of an IPv4 packet in place, each at most once by the first rule
 *  that matches; IP, TCP and UDP checksums follow. Other packets are left alone. Return: true when changed. */
bool nat_apply(const struct nat_rule *rules, size_t count, enum nat_direction direction, uint8_t *ip, size_t len);

#endif
