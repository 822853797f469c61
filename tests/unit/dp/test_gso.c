/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rand.h"
#include "base/span.h"
#include "dp/user/gso.h"
#include "inner.h"

#define MARK 0xA5


static unsigned pick(struct rand_seeded *r, unsigned limit)
{
    return rand_below(&r->source, limit);
}

static struct inner random_super(struct rand_seeded *r)
{
    struct inner p = {
        .version = pick(r, 2) ? 4 : 6,
        .udp = pick(r, 3) == 0,
        .tap = pick(r, 2),
        .flow = pick(r, 5),
        .tos = (uint8_t)pick(r, 256),
        .ttl = (uint8_t)(1 + pick(r, 255)),
        .id = (uint16_t)pick(r, 65536),
        .frag = pick(r, 2) ? 0x4000 : 0,
        .seq = rand_u32(&r->source),
        .ack = rand_u32(&r->source),
        .flags = (uint8_t)(0x10 | (pick(r, 256) & 0xC9)), /* ACK and any of CWR, ECE, PSH, FIN */
        .window = (uint16_t)pick(r, 65536),
        .tcp_options = 4 * pick(r, 11),
        .fill = (uint8_t)pick(r, 256),
    };
    p.tags = p.tap ? pick(r, 3) : 0;
    p.extension = p.version == 6 && pick(r, 4) == 0 ? 8 * (1 + pick(r, 4)) : 0;
    unsigned room = 65535 - (unsigned)(inner_header_len(&p) - inner_l3(&p));
    p.payload = 1 + pick(r, pick(r, 4) ? 8000 : room);
    return p;
}

/* What segment @index must look like, made from scratch. */
static size_t naive_segment(const struct inner *super, const uint8_t *packet, unsigned mss, unsigned index,
                            uint8_t *out)
{
    struct inner p = *super;
    size_t header = inner_header_len(super);
    unsigned offset = index * mss;
    unsigned left = super->payload - offset;
    unsigned len = left < mss ? left : mss;
    memcpy(out, packet, header);
    memcpy(out + header, packet + header + offset, len);
    if (p.version == 4) {
        be16_store(out + inner_l3(&p) + 4, (uint16_t)(p.id + index));
    }
    if (!p.udp) {
        uint8_t *tcp = out + inner_l4(&p);
        be32_store(tcp + 4, p.seq + offset);
        tcp[13] = (uint8_t)(p.flags & ~(index ? 0x80 : 0) & ~(len < left ? 0x09 : 0));
    }
    inner_finish(&p, out, header + len);
    return header + len;
}

/* A read from the device: the vnet header, nonsense in the checksum field as the kernel leaves it. */
static size_t device_read(const struct inner *p, const uint8_t *packet, size_t len, unsigned mss, uint8_t *out)
{
    struct vnet_header header = {
        .flags = VNET_NEEDS_CSUM,
        .gso_type = p->udp ? VNET_GSO_UDP_L4 : p->version == 4 ? VNET_GSO_TCP4 : VNET_GSO_TCP6,
        .header_len = 7, /* never to be trusted */
        .gso_size = (uint16_t)mss,
        .csum_start = (uint16_t)inner_l4(p),
        .csum_offset = p->udp ? 6 : 16,
    };
    if (!p->udp && (p->flags & 0x80)) {
        header.gso_type |= VNET_GSO_ECN;
    }
    memcpy(out, &header, VNET_HEADER_SIZE);
    memcpy(out + VNET_HEADER_SIZE, packet, len);
    be16_store(out + VNET_HEADER_SIZE + header.csum_start + header.csum_offset, 0x1234);
    return VNET_HEADER_SIZE + len;
}

static void check_emitted(const struct inner *p, const uint8_t *packet, const struct gso_plan *plan, unsigned turn)
{
    static uint8_t arena[INNER_MAX * 4];
    static uint8_t expect[INNER_MAX];
    static struct gso_segment out[65536];
    struct gso_layout layout = {.headroom = 24, .tailroom = 5};
    for (unsigned first = 0; first < plan->segments; first += turn) {
        unsigned count = plan->segments - first < turn ? plan->segments - first : turn;
        size_t size = gso_arena_size(plan, &layout, first, count);
        cr_assert_leq(size + 1, sizeof(arena));
        memset(arena, MARK, size + 1);
        cr_assert_eq(gso_emit(plan, &layout, first, count, arena, out), size);
        cr_assert_eq(arena[size], MARK);
        const uint8_t *at = arena;
        for (unsigned i = 0; i < count; i++) {
            size_t len = naive_segment(p, packet, plan->mss, first + i, expect);
            cr_assert_eq(out[i].data, at + layout.headroom);
            cr_assert_eq(out[i].len, len);
            cr_assert_eq(memcmp(out[i].data, expect, len), 0, "segment %u", first + i);
            for (unsigned k = 0; k < layout.headroom; k++) {
                cr_assert_eq(at[k], MARK);
            }
            at += layout.headroom + len + layout.tailroom;
            cr_assert_eq(at[-1], MARK);
        }
    }
}

Test(gso, random_super_packets_match_the_naive_split, .timeout = 120)
{
    static uint8_t packet[INNER_MAX];
    static uint8_t read[INNER_MAX];
    struct rand_seeded r;
    rand_seeded_init(&r, 1);
    for (unsigned round = 0; round < 3000; round++) {
        struct inner p = random_super(&r);
        size_t len = inner_build(&p, packet);
        unsigned mss = 1 + pick(&r, 1500);
        if (p.payload > 4000 && mss < 500) {
            mss += 500;
        }
        size_t read_len = device_read(&p, packet, len, mss, read);
        struct gso_plan plan;
        cr_assert_eq(gso_parse(read, read_len, p.tap, &plan), 0);
        cr_assert(plan.is_ip);
        cr_assert_eq(plan.segments, (p.payload + mss - 1) / mss);
        check_emitted(&p, packet, &plan, 1 + pick(&r, 64));
    }
}

Test(gso, partial_checksums_are_completed)
{
    static uint8_t packet[INNER_MAX];
    static uint8_t read[INNER_MAX];
    static uint8_t arena[INNER_MAX];
    struct rand_seeded r;
    rand_seeded_init(&r, 2);
    for (unsigned round = 0; round < 2000; round++) {
        struct inner p = random_super(&r);
        p.payload = pick(&r, 1400);
        size_t len = inner_build(&p, packet);
        size_t read_len = device_read(&p, packet, len, 1, read);
        struct vnet_header header = {.flags = VNET_NEEDS_CSUM, .csum_start = (uint16_t)inner_l4(&p),
                                     .csum_offset = p.udp ? 6 : 16};
        memcpy(read, &header, VNET_HEADER_SIZE);
        /* The field holds the pseudo-header's sum: the complement of the checksum over nothing but that. */
        uint8_t *field = read + VNET_HEADER_SIZE + header.csum_start + header.csum_offset;
        be16_store(field, 0);
        const uint8_t *l4 = read + VNET_HEADER_SIZE + inner_l4(&p);
        uint16_t without = (uint16_t)~inner_checksum(l4, len - inner_l4(&p), 0);
        uint16_t wanted = be16_load(packet + inner_l4(&p) + header.csum_offset);
        be16_store(field, (uint16_t)~inner_checksum((uint8_t[]){0, 0}, 2, (uint32_t)(uint16_t)~wanted +
                                                                              (uint16_t)~without));
        struct gso_plan plan;
        struct gso_segment out;
        struct gso_layout layout = {0};
        cr_assert_eq(gso_parse(read, read_len, p.tap, &plan), 0);
        cr_assert_eq(plan.segments, 1);
        cr_assert_eq(gso_emit(&plan, &layout, 0, 1, arena, &out), len);
        cr_assert_eq(memcmp(out.data, packet, len), 0, "round %u", round);
    }
}

Test(gso, plain_packets_pass_untouched)
{
    static uint8_t packet[INNER_MAX];
    uint8_t read[2048] = {0};
    uint8_t arena[2048];
    struct inner p = {.version = 4, .ttl = 64, .payload = 100, .flags = 0x10};
    size_t len = inner_build(&p, packet);
    packet[inner_l4(&p) + 16] ^= 0xFF; /* a wrong checksum stays as it is */
    memcpy(read + VNET_HEADER_SIZE, packet, len);
    struct gso_plan plan;
    struct gso_segment out;
    struct gso_layout layout = {.headroom = 4};
    cr_assert_eq(gso_parse(read, VNET_HEADER_SIZE + len, false, &plan), 0);
    cr_assert_eq(gso_emit(&plan, &layout, 0, 1, arena, &out), len + 4);
    cr_assert_arr_eq(out.data, packet, len);

    const uint8_t arp[60] = {[12] = 0x08, [13] = 0x06};
    memcpy(read + VNET_HEADER_SIZE, arp, sizeof(arp));
    cr_assert_eq(gso_parse(read, VNET_HEADER_SIZE + sizeof(arp), true, &plan), 0);
    cr_assert_not(plan.is_ip);
    cr_assert_eq(plan.segments, 1);
    cr_assert_neq(gso_parse(read, VNET_HEADER_SIZE + sizeof(arp), false, &plan), 0);
}

Test(gso, malformed_reads_are_refused)
{
    static uint8_t packet[INNER_MAX];
    static uint8_t good[INNER_MAX];
    static uint8_t read[INNER_MAX];
    struct inner p = {.version = 4, .ttl = 64, .payload = 3000, .flags = 0x10};
    size_t len = inner_build(&p, packet);
    size_t read_len = device_read(&p, packet, len, 1000, good);
    struct gso_plan plan;
    cr_assert_eq(gso_parse(good, read_len, false, &plan), 0);
    for (size_t cut = 0; cut < read_len; cut++) {
        cr_assert_neq(gso_parse(good, cut, false, &plan), 0, "cut at %zu", cut);
    }
    const struct {
        unsigned at;
        uint8_t value;
    } changes[] = {
        {1, 2},                               /* unknown kind of offload */
        {1, VNET_GSO_TCP6},                   /* other family */
        {1, VNET_GSO_UDP_L4},                 /* other protocol */
        {VNET_HEADER_SIZE, 0x65},             /* IPv6 */
        {VNET_HEADER_SIZE, 0x41},             /* header too short */
        {VNET_HEADER_SIZE + 6, 0x20},         /* a fragment */
        {VNET_HEADER_SIZE + 20 + 12, 0x40},   /* TCP header too short */
    };
    for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        memcpy(read, good, read_len);
        read[changes[i].at] = changes[i].value;
        cr_assert_neq(gso_parse(read, read_len, false, &plan), 0, "change %u", i);
    }
    memcpy(read, good, read_len);
    memset(read + 4, 0, 2); /* gso_size */
    cr_assert_neq(gso_parse(read, read_len, false, &plan), 0);
    struct vnet_header outside = {.flags = VNET_NEEDS_CSUM, .csum_start = (uint16_t)(len - 1), .csum_offset = 0};
    memcpy(read, &outside, VNET_HEADER_SIZE);
    cr_assert_neq(gso_parse(read, read_len, false, &plan), 0);
}

/* A TCP packet that is too long for a path is cut as if its sender had known; what must not be touched is left. */
Test(gso, too_long_tcp_is_cut_shorter)
{
    static uint8_t packet[INNER_MAX];
    static uint8_t read[INNER_MAX];
    struct rand_seeded r;
    rand_seeded_init(&r, 6);
    unsigned cut = 0;
    for (unsigned round = 0; round < 2000; round++) {
        struct inner p = random_super(&r);
        p.flags = (uint8_t)(p.flags | (pick(&r, 10) == 0 ? 0x02 : 0));
        size_t len = inner_build(&p, packet);
        unsigned mss = 500 + pick(&r, 60000);
        size_t read_len = device_read(&p, packet, len, mss, read);
        struct gso_plan plan;
        if (p.payload <= mss) { /* no super-packet: the kernel only leaves the checksum to us */
            struct vnet_header single = {.flags = VNET_NEEDS_CSUM, .csum_start = (uint16_t)inner_l4(&p),
                                         .csum_offset = p.udp ? 6 : 16};
            memcpy(read, &single, VNET_HEADER_SIZE);
        }
        cr_assert_eq(gso_parse(read, read_len, p.tap, &plan), 0);
        struct gso_plan before = plan;
        unsigned longest = 400 + pick(&r, 1200);
        unsigned headers = (unsigned)(inner_header_len(&p) - inner_l3(&p));
        bool may = !p.udp && !(p.flags & 0x02) && longest >= headers + 256;
        cr_assert_eq(gso_shorten(&plan, longest), may);
        if (!may) {
            cr_assert_eq(memcmp(&plan, &before, sizeof(plan)), 0);
            continue;
        }
        cr_assert_eq(plan.segments, (p.payload + plan.mss - 1) / plan.mss);
        cr_assert_leq(gso_longest(&plan), longest);
        check_emitted(&p, packet, &plan, 64);
        cut++;
    }
    cr_assert_gt(cut, 500);
    /* A complete checksum may hide corruption: not ours to renew. */
    struct inner p = {.version = 4, .ttl = 64, .payload = 5000, .flags = 0x10};
    size_t len = inner_build(&p, packet);
    memset(read, 0, VNET_HEADER_SIZE);
    memcpy(read + VNET_HEADER_SIZE, packet, len);
    struct gso_plan plan;
    cr_assert_eq(gso_parse(read, VNET_HEADER_SIZE + len, false, &plan), 0);
    cr_assert_not(gso_shorten(&plan, 1400));
}

Test(gso, tiny_segments_come_in_turns)
{
    static uint8_t packet[INNER_MAX];
    static uint8_t read[INNER_MAX];
    struct inner p = {.version = 6, .ttl = 64, .payload = 60000, .flags = 0x18, .seq = 0xFFFFFF00};
    size_t len = inner_build(&p, packet);
    size_t read_len = device_read(&p, packet, len, 88, read);
    struct gso_plan plan;
    cr_assert_eq(gso_parse(read, read_len, false, &plan), 0);
    cr_assert_eq(plan.segments, 682);
    check_emitted(&p, packet, &plan, 64);
}
