/* SPDX-License-Identifier: MIT */
#include "wire/ip_fragment.h"

#include <string.h>

#include "base/span.h"
#include "wire/csum.h"
#include "wire/ip.h"

#define FLAGS_AT 6
#define DONT_FRAGMENT 0x4000u
#define MORE_FRAGMENTS 0x2000u
#define OFFSET_MASK 0x1FFFu
#define UNIT 8u /* what offsets count in */

bool ip_fragment_allowed(const uint8_t *ip, size_t len)
{
    return ip_routable(ip, len) && ip[0] == 0x45 && !(be16_load(ip + FLAGS_AT) & DONT_FRAGMENT);
}

size_t ip_fragment_write(const uint8_t *ip, size_t len, size_t offset, size_t mtu, uint8_t *out)
{
    size_t total = be16_load(ip + 2);
    size_t payload = (total < len ? total : len) - IP_V4_HEADER;
    if (offset >= payload || mtu < IP_V4_HEADER + UNIT) {
        return 0;
    }
    size_t left = payload - offset;
    size_t room = (mtu - IP_V4_HEADER) / UNIT * UNIT;
    size_t part = left > mtu - IP_V4_HEADER ? room : left;
    unsigned flags = be16_load(ip + FLAGS_AT);
    unsigned units = (flags & OFFSET_MASK) + (unsigned)(offset / UNIT);
    bool more = part < left || (flags & MORE_FRAGMENTS);
    memcpy(out, ip, IP_V4_HEADER);
    be16_store(out + 2, (uint16_t)(IP_V4_HEADER + part));
    be16_store(out + FLAGS_AT, (uint16_t)((units & OFFSET_MASK) | (more ? MORE_FRAGMENTS : 0)));
    csum_ip4_header(out, IP_V4_HEADER);
    memcpy(out + IP_V4_HEADER, ip + IP_V4_HEADER + offset, part);
    return IP_V4_HEADER + part;
}
