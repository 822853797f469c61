/* SPDX-License-Identifier: MIT */
#include "dp/user/gso.h"

#include <arpa/inet.h>

#include "wire/csum.h"
#include "wire/ether.h"

#define TCP_SEQ 4
#define TCP_FLAGS_WORD 12 /* data offset, then the flags byte */
#define TCP_CHECK 16
#define SHORTENED_PAYLOAD_MIN 256 /* cutting finer than that helps nobody */
#define UDP_LEN 4
#define UDP_CHECK 6

static int parse_l3(bool tap, struct gso_plan *plan)
{
    if (tap) {
        struct ether_frame ether;
        int err = ether_parse(plan->data, plan->len, &ether);
        if (err != 0) {
            return err;
        }
        plan->l3_offset = ether.l3_offset;
        plan->is_ip = (ether.type == ETHER_IPV4 || ether.type == ETHER_IPV6) &&
                      ip_packet_parse(plan->data + plan->l3_offset, plan->len - plan->l3_offset, &plan->ip) == 0;
    } else {
        int err = ip_packet_parse(plan->data, plan->len, &plan->ip);
        if (err != 0) {
            return err;
        }
        plan->is_ip = true;
    }
    plan->l4_offset = (uint16_t)(plan->l3_offset + (plan->is_ip ? plan->ip.header_len : 0));
    return 0;
}

/* A packet that is not segmented. */
static int plan_single(const struct vnet_header *header, struct gso_plan *plan)
{
    plan->segments = 1;
    if (header->flags & VNET_NEEDS_CSUM) {
        uint32_t field = (uint32_t)header->csum_start + header->csum_offset;
        if (header->csum_start == 0 || field + 2 > plan->len) {
            return ERR_FORMAT;
        }
        plan->csum_start = header->csum_start;
        plan->csum_offset = header->csum_offset;
    }
    return 0;
}

static int plan_segments(const struct vnet_header *header, struct gso_plan *plan)
{
    const struct ip_packet *ip = &plan->ip;
    bool udp = plan->gso == VNET_GSO_UDP_L4;
    unsigned version = plan->gso == VNET_GSO_TCP4 ? 4 : plan->gso == VNET_GSO_TCP6 ? 6 : ip->version;
    if (!plan->is_ip || ip->version != version || ip->proto != (udp ? IP_PROTO_UDP : IP_PROTO_TCP) ||
        ip->l4_header_len == 0 || ip->len != plan->len - plan->l3_offset || header->gso_size == 0) {
        return ERR_FORMAT;
    }
    uint32_t payload = ip->len - ip->header_len - ip->l4_header_len;
    plan->mss = header->gso_size;
    plan->headers = (uint16_t)(plan->l4_offset + ip->l4_header_len);
    uint32_t segments = payload <= plan->mss ? 1 : (payload + plan->mss - 1) / plan->mss;
    plan->segments = (uint16_t)segments;
    return 0;
}

int gso_parse(const uint8_t *read, size_t len, bool tap, struct gso_plan *plan)
{
    struct vnet_header header;
    if (len <= VNET_HEADER_SIZE || len - VNET_HEADER_SIZE > UINT16_MAX + (size_t)ETHER_HEADER_SIZE + 2 * ETHER_TAG_SIZE) {
        return ERR_TRUNCATED;
    }
    memcpy(&header, read, VNET_HEADER_SIZE);
    memset(plan, 0, sizeof(*plan));
    plan->data = read + VNET_HEADER_SIZE;
    plan->len = (uint32_t)(len - VNET_HEADER_SIZE);
    int err = parse_l3(tap, plan);
    if (err != 0) {
        return err;
    }
    plan->gso = header.gso_type & (uint8_t)~VNET_GSO_ECN;
    switch (plan->gso) {
    case VNET_GSO_NONE:
        return plan_single(&header, plan);
    case VNET_GSO_TCP4:
    case VNET_GSO_TCP6:
    case VNET_GSO_UDP_L4:
        return plan_segments(&header, plan);
    default:
        return ERR_FORMAT;
    }
}

bool gso_shorten(struct gso_plan *plan, uint32_t longest)
{
    const struct ip_packet *ip = &plan->ip;
    bool partial = plan->gso == VNET_GSO_NONE && plan->csum_start == plan->l4_offset && plan->csum_offset == TCP_CHECK;
    bool super = plan->gso == VNET_GSO_TCP4 || plan->gso == VNET_GSO_TCP6;
    if (!plan->is_ip || ip->proto != IP_PROTO_TCP || !ip->l4_header_len || (!super && !partial) ||
        ip->len != plan->len - plan->l3_offset ||
        plan->data[plan->l4_offset + 13] & (IP_TCP_SYN | IP_TCP_RST | IP_TCP_URG)) {
        return false;
    }
    uint32_t headers = (uint32_t)ip->header_len + ip->l4_header_len;
    if (longest < headers + SHORTENED_PAYLOAD_MIN) {
        return false;
    }
    uint32_t payload = ip->len - headers;
    plan->gso = ip->version == 4 ? VNET_GSO_TCP4 : VNET_GSO_TCP6;
    plan->csum_start = 0;
    plan->headers = (uint16_t)(plan->l3_offset + headers);
    plan->mss = (uint16_t)(longest - headers);
    plan->segments = payload <= plan->mss ? 1 : (uint16_t)((payload + plan->mss - 1) / plan->mss);
    return true;
}

/* Bytes of packet @index. */
static uint32_t segment_len(const struct gso_plan *plan, unsigned index)
{
    if (plan->gso == VNET_GSO_NONE) {
        return plan->len;
    }
    uint32_t payload = plan->len - plan->headers;
    uint32_t offset = index * (uint32_t)plan->mss;
    return plan->headers + (payload - offset < plan->mss ? payload - offset : plan->mss);
}

size_t gso_arena_size(const struct gso_plan *plan, const struct gso_layout *layout, unsigned first, unsigned count)
{
    if (count == 0) {
        return 0;
    }
    size_t room = (size_t)layout->headroom + layout->tailroom;
    return (count - 1) * (room + segment_len(plan, first)) + room + segment_len(plan, first + count - 1);
}

/* Copy, completing a partial checksum on the way. */
static void emit_single(const struct gso_plan *plan, uint8_t *out)
{
    if (plan->csum_start == 0) {
        memcpy(out, plan->data, plan->len);
        return;
    }
    memcpy(out, plan->data, plan->csum_start);
    uint64_t sum = csum_copy(out + plan->csum_start, plan->data + plan->csum_start, plan->len - plan->csum_start);
    uint16_t check = csum_finish(sum);
    if (check == 0 && plan->csum_offset == UDP_CHECK) {
        check = 0xFFFF; /* zero would mean "no checksum" */
    }
    csum_store16(out + plan->csum_start + plan->csum_offset, check);
}

/* What all segments have in common: sums over the headers without the fields that differ. */
struct base {
    uint64_t ip_sum; /* IPv4 header without length, id and checksum */
    uint64_t l4_sum; /* pseudo-header without length, L4 header without sequence, flags, length and checksum */
    uint32_t seq;
    uint16_t id;
};

static uint64_t without(uint64_t sum, const uint8_t *word)
{
    return csum_add(sum, (uint16_t)~csum_load16(word));
}

static struct base base_of(const struct gso_plan *plan)
{
    const uint8_t *ip = plan->data + plan->l3_offset;
    const uint8_t *l4 = plan->data + plan->l4_offset;
    struct base b = {0};
    b.l4_sum = csum_partial(l4, plan->ip.l4_header_len);
    if (plan->ip.version == 4) {
        b.id = be16_load(ip + 4);
        b.ip_sum = without(without(without(csum_partial(ip, plan->ip.header_len), ip + 2), ip + 4), ip + 10);
        b.l4_sum = csum_add(b.l4_sum, csum_pseudo4(ip, plan->ip.proto, 0));
    } else {
        b.l4_sum = csum_add(b.l4_sum, csum_pseudo6(ip, plan->ip.proto, 0));
    }
    if (plan->gso == VNET_GSO_UDP_L4) {
        b.l4_sum = without(without(b.l4_sum, l4 + UDP_LEN), l4 + UDP_CHECK);
    } else {
        b.seq = be32_load(l4 + TCP_SEQ);
        b.l4_sum = without(without(b.l4_sum, l4 + TCP_SEQ), l4 + TCP_SEQ + 2);
        b.l4_sum = without(without(b.l4_sum, l4 + TCP_FLAGS_WORD), l4 + TCP_CHECK);
    }
    return b;
}

static void emit_l3(const struct gso_plan *plan, const struct base *b, unsigned index, uint32_t l3_len, uint8_t *ip)
{
    if (plan->ip.version == 4) {
        uint16_t len = htons((uint16_t)l3_len);
        uint16_t id = htons((uint16_t)(b->id + index));
        csum_store16(ip + 2, len);
        csum_store16(ip + 4, id);
        csum_store16(ip + 10, csum_finish(csum_add(b->ip_sum, (uint64_t)len + id)));
    } else {
        be16_store(ip + 4, (uint16_t)(l3_len - IP_V6_HEADER));
    }
}

/* @sum: of the payload. */
static void emit_tcp(const struct gso_plan *plan, const struct base *b, unsigned index, uint32_t l4_len, uint64_t sum,
                     uint8_t *tcp)
{
    uint32_t seq = htonl(b->seq + index * (uint32_t)plan->mss);
    memcpy(tcp + TCP_SEQ, &seq, 4);
    if (index > 0) {
        tcp[13] &= (uint8_t)~IP_TCP_CWR;
    }
    if (index + 1u < plan->segments) {
        tcp[13] &= (uint8_t) ~(IP_TCP_FIN | IP_TCP_PSH);
    }
    sum = csum_add(csum_add(sum, b->l4_sum), (uint64_t)seq + csum_load16(tcp + TCP_FLAGS_WORD) + htonl(l4_len));
    csum_store16(tcp + TCP_CHECK, csum_finish(sum));
}

static void emit_udp(const struct base *b, uint32_t l4_len, uint64_t sum, uint8_t *udp)
{
    uint16_t len = htons((uint16_t)l4_len);
    csum_store16(udp + UDP_LEN, len);
    uint16_t check = csum_finish(csum_add(csum_add(sum, b->l4_sum), 2u * (uint64_t)len));
    csum_store16(udp + UDP_CHECK, check ? check : 0xFFFF);
}

size_t gso_emit(const struct gso_plan *plan, const struct gso_layout *layout, unsigned first, unsigned count,
                uint8_t *arena, struct gso_segment *out)
{
    uint8_t *at = arena;
    struct base b;
    if (plan->gso != VNET_GSO_NONE) {
        b = base_of(plan);
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned index = first + i;
        uint32_t len = segment_len(plan, index);
        at += layout->headroom;
        out[i] = (struct gso_segment){at, len};
        if (plan->gso == VNET_GSO_NONE) {
            emit_single(plan, at);
        } else {
            uint32_t l4_len = len - plan->l4_offset;
            const uint8_t *payload = plan->data + plan->headers + (size_t)index * plan->mss;
            memcpy(at, plan->data, plan->headers);
            uint64_t sum = csum_copy(at + plan->headers, payload, len - plan->headers);
            emit_l3(plan, &b, index, len - plan->l3_offset, at + plan->l3_offset);
            if (plan->gso == VNET_GSO_UDP_L4) {
                emit_udp(&b, l4_len, sum, at + plan->l4_offset);
            } else {
                emit_tcp(plan, &b, index, l4_len, sum, at + plan->l4_offset);
            }
        }
        at += len + layout->tailroom;
    }
    return (size_t)(at - arena);
}
