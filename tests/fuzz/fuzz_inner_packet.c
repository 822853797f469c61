/* SPDX-License-Identifier: MIT */

/* Packets from the device and from inside the tunnel: IP, Ethernet, MSS clamp, client-nat, ICMP answers. */
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "fuzz.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/ip_fragment.h"
#include "wire/mss.h"
#include "wire/nat.h"

/* Cut into IPv4 fragments: they end, and are never longer than allowed. */
static void cut(const uint8_t *data, size_t size)
{
    uint8_t out[100];
    size_t offset = 0;
    if (!ip_fragment_allowed(data, size)) {
        return;
    }
    for (size_t n; (n = ip_fragment_write(data, size, offset, sizeof(out), out)) != 0; offset += n - IP_V4_HEADER) {
        FUZZ_REQUIRE(n > IP_V4_HEADER && n <= sizeof(out));
    }
    FUZZ_REQUIRE(offset + IP_V4_HEADER <= size);
}

static void parse(const uint8_t *data, size_t size)
{
    struct ip_packet ip;
    (void)ip_tos(data, size);
    (void)ip_routable(data, size);
    cut(data, size);
    if (ip_packet_parse(data, size, &ip) != 0) {
        return;
    }
    FUZZ_REQUIRE(ip.len <= size && ip.header_len <= ip.len && ip.header_len + ip.l4_header_len <= ip.len);
    if (ip.l4_header_len && !ip.fragment) {
        (void)ip_l4_verify(data, &ip);
    }
}

/* Neither changes the length; a packet whose checksum was right keeps a right one. */
static void change(const uint8_t *data, size_t size)
{
    static const struct nat_rule rules[] = {
        {.kind = NAT_SOURCE, .network = 0x0a000000, .mask = 0xff000000, .alias = 0xac100000},
        {.kind = NAT_DESTINATION, .network = 0, .mask = 0, .alias = 0x01020304},
    };
    struct ip_packet ip;
    bool right = ip_packet_parse(data, size, &ip) == 0 && ip.l4_header_len && !ip.fragment && ip_l4_verify(data, &ip);
    uint8_t *copy = fuzz_copy(data, size);
    (void)mss_clamp(copy, size, 1000);
    FUZZ_REQUIRE(!right || ip_l4_verify(copy, &ip));
    (void)nat_apply(rules, 2, NAT_TO_TUNNEL, copy, size);
    (void)nat_apply(rules, 2, NAT_FROM_TUNNEL, copy, size);
    FUZZ_REQUIRE(!right || ip_l4_verify(copy, &ip));
    free(copy);
}

static void answer(const uint8_t *data, size_t size)
{
    uint8_t out[ICMP_ANSWER_MAX];
    struct ip_addr nobody = {0};
    size_t n = icmp_too_big(data, size, &nobody, 1400, out);
    FUZZ_REQUIRE(n <= sizeof(out));
    if (n) {
        parse(out, n);
    }
    FUZZ_REQUIRE(icmp_unreachable6(data, size, &nobody, out) <= sizeof(out));
}

static void frame(const uint8_t *data, size_t size)
{
    struct ether_frame ether;
    if (ether_parse(data, size, &ether) != 0) {
        return;
    }
    FUZZ_REQUIRE(ether.l3_offset <= size);
    (void)ether_is_group(data);
    parse(data + ether.l3_offset, size - ether.l3_offset);
    uint8_t *room = malloc(size + 4);
    FUZZ_REQUIRE(room);
    memcpy(room + 4, data, size);
    uint8_t *at = room + 4;
    size_t len = size;
    if (ether.tagged) {
        at = ether_tag_remove(at);
        len -= 4;
    }
    at = ether_tag_insert(at, 7, 1);
    struct ether_frame again;
    FUZZ_REQUIRE(ether_parse(at, len + 4, &again) == 0 && again.tagged && again.vid == 7);
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);
    parse(copy, size);
    change(copy, size);
    answer(copy, size);
    frame(copy, size);
    free(copy);
    return 0;
}
