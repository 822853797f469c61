/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/rand.h"
#include "base/span.h"
#include "dp/user/gro.h"
#include "dp/user/gso.h"
#include "inner.h"

#define PACKET_MAX 2048
#define FLOWS 4

struct input {
    unsigned count;
    unsigned flow[GRO_PACKETS_MAX];
    uint32_t len[GRO_PACKETS_MAX];
    uint8_t original[GRO_PACKETS_MAX][PACKET_MAX];
    uint8_t data[GRO_PACKETS_MAX][PACKET_MAX];
};

static unsigned pick(struct rand_seeded *r, unsigned limit)
{
    return rand_below(&r->source, limit);
}

static void input_add(struct input *in, const struct inner *p)
{
    unsigned n = in->count++;
    in->flow[n] = p->flow;
    in->len[n] = (uint32_t)inner_build(p, in->original[n]);
}

static unsigned merge(struct input *in, const struct gro_config *config, struct gro_batch *batch)
{
    struct gro_packet packets[GRO_PACKETS_MAX];
    for (unsigned i = 0; i < in->count; i++) {
        memcpy(in->data[i], in->original[i], in->len[i]);
        packets[i] = (struct gro_packet){in->data[i], in->len[i]};
    }
    return gro_merge(config, packets, in->count, batch);
}

/* What the kernel would see in one writev(). */
static size_t gather(const struct gro_batch *batch, const struct gro_frame *frame, uint8_t *out)
{
    size_t len = 0;
    for (unsigned i = 0; i < frame->iov_count; i++) {
        const struct iovec *iov = &batch->iov[frame->iov_first + i];
        memcpy(out + len, iov->iov_base, iov->iov_len);
        len += iov->iov_len;
    }
    return len;
}

/* Find @data among the packets that have not come out yet; it must be the first of its flow that is left. */
static void take(struct input *in, bool *out, const uint8_t *data, size_t len)
{
    for (unsigned i = 0; i < in->count; i++) {
        if (out[i] || in->len[i] != len || memcmp(in->original[i], data, len) != 0) {
            continue;
        }
        for (unsigned k = 0; k < i; k++) {
            cr_assert(out[k] || in->flow[k] != in->flow[i], "packet %u overtook %u", i, k);
        }
        out[i] = true;
        return;
    }
    cr_assert_fail("a packet came out that never went in");
}

/* Split every frame again: exactly the input must come out, in order within each flow. */
static void check_round_trip(struct input *in, const struct gro_config *config, struct gro_batch *batch)
{
    static uint8_t read[INNER_MAX + VNET_HEADER_SIZE];
    static uint8_t arena[2 * INNER_MAX];
    static struct gso_segment segments[GRO_PACKETS_MAX];
    bool out[GRO_PACKETS_MAX] = {false};
    unsigned packets = 0;
    for (unsigned n = 0; n < batch->frames; n++) {
        const struct gro_frame *frame = &batch->frame[n];
        size_t len = gather(batch, frame, read);
        cr_assert_eq(len, frame->len + VNET_HEADER_SIZE);
        packets += frame->packets;
        if (frame->packets == 1) {
            cr_assert_eq(frame->header.gso_type, VNET_GSO_NONE);
            cr_assert_eq(frame->header.flags, 0);
            take(in, out, read + VNET_HEADER_SIZE, frame->len);
            continue;
        }
        struct gso_plan plan;
        struct gso_layout layout = {0};
        cr_assert_eq(gso_parse(read, len, config->tap, &plan), 0);
        cr_assert_eq(plan.segments, frame->packets);
        gso_emit(&plan, &layout, 0, plan.segments, arena, segments);
        for (unsigned i = 0; i < plan.segments; i++) {
            take(in, out, segments[i].data, segments[i].len);
        }
    }
    cr_assert_eq(packets, in->count, "nothing is lost");
}

/* The partial checksum must be what the kernel expects: the folded sum of the pseudo-header, not inverted. */
static void check_partial(const struct inner *p, const struct gro_frame *frame, const uint8_t *packet)
{
    const uint8_t *ip = packet + inner_l3(p);
    uint32_t l4_len = frame->len - (uint32_t)inner_l4(p);
    uint8_t pseudo[40] = {0};
    size_t len;
    if (p->version == 4) {
        memcpy(pseudo, ip + 12, 8);
        be32_store(pseudo + 8, p->udp ? 17 : 6);
        be32_store(pseudo + 12, l4_len);
        len = 16;
        cr_assert_eq(inner_checksum(ip, 20, 0), 0, "header checksum of the super-packet");
    } else {
        memcpy(pseudo, ip + 8, 32);
        be32_store(pseudo + 32, l4_len);
        be32_store(pseudo + 36, p->udp ? 17 : 6);
        len = 40;
    }
    uint16_t want = (uint16_t)~inner_checksum(pseudo, len, 0);
    cr_assert_eq(be16_load(packet + frame->header.csum_start + frame->header.csum_offset), want);
}

static const struct gro_config all_tun = {.tso4 = true, .tso6 = true, .uso = true};
static const struct gro_config all_tap = {.tap = true, .tso4 = true, .tso6 = true, .uso = true};

/* @count full segments of one flow, the last shorter and with PSH. */
static void bulk(struct input *in, struct inner p, unsigned count)
{
    unsigned full = p.payload;
    in->count = 0;
    for (unsigned i = 0; i < count; i++) {
        bool last = i + 1 == count;
        p.payload = last ? full / 2 : full;
        p.flags = last ? 0x18 : 0x10;
        input_add(in, &p);
        p.seq += p.payload;
        p.id++;
    }
}

Test(gro, one_flow_becomes_one_frame)
{
    static struct input in;
    static struct gro_batch batch;
    static uint8_t whole[INNER_MAX];
    for (unsigned kind = 0; kind < 16; kind++) {
        struct inner p = {.version = kind & 1 ? 6 : 4, .udp = kind & 2, .tap = kind & 4, .ttl = 64, .payload = 900,
                          .id = 65530, .frag = 0x4000, .seq = 0xFFFFF000, .tcp_options = 12};
        p.tags = kind & 8 && p.tap ? 1 : 0;
        const struct gro_config *config = p.tap ? &all_tap : &all_tun;
        bulk(&in, p, 40);
        cr_assert_eq(merge(&in, config, &batch), 1, "kind %u", kind);
        cr_assert_eq(batch.frame[0].packets, 40);
        cr_assert_eq(batch.frame[0].iov_count, 41);
        cr_assert_eq(batch.frame[0].header.gso_size, 900);
        cr_assert_eq(batch.frame[0].header.header_len, inner_header_len(&p));
        gather(&batch, &batch.frame[0], whole);
        check_partial(&p, &batch.frame[0], whole + VNET_HEADER_SIZE);
        check_round_trip(&in, config, &batch);
    }
}

Test(gro, device_without_an_offload_gets_single_packets)
{
    static struct input in;
    static struct gro_batch batch;
    struct gro_config none = {0};
    struct inner p = {.version = 4, .ttl = 64, .payload = 900};
    bulk(&in, p, 10);
    cr_assert_eq(merge(&in, &none, &batch), 10);
    struct gro_config only6 = {.tso6 = true, .uso = true};
    cr_assert_eq(merge(&in, &only6, &batch), 10);
    check_round_trip(&in, &only6, &batch);
    p.udp = true;
    bulk(&in, p, 10);
    cr_assert_eq(merge(&in, &(struct gro_config){.tso4 = true, .tso6 = true}, &batch), 10);
}

Test(gro, stays_below_64_kilobytes)
{
    static struct input in;
    static struct gro_batch batch;
    struct inner p = {.version = 4, .ttl = 64, .payload = 1900};
    bulk(&in, p, 64);
    cr_assert_eq(merge(&in, &all_tun, &batch), 2);
    cr_assert_leq(batch.frame[0].len, 65535);
    cr_assert_gt(batch.frame[0].len, 60000);
    check_round_trip(&in, &all_tun, &batch);
}

/* Three packets of a flow of which the middle one is changed by @change: never one frame, and nothing altered. */
static void middle_differs(struct inner first, void (*change)(struct inner *p), unsigned frames)
{
    static struct input in;
    static struct gro_batch batch;
    in.count = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct inner p = first;
        p.seq += i * p.payload;
        p.id = (uint16_t)(p.id + i);
        if (i == 1) {
            change(&p);
        }
        input_add(&in, &p);
    }
    cr_assert_eq(merge(&in, &all_tun, &batch), frames);
    check_round_trip(&in, &all_tun, &batch);
}

static void other_tos(struct inner *p)
{
    p->tos = 3;
}
static void other_ttl(struct inner *p)
{
    p->ttl--;
}
static void other_ack(struct inner *p)
{
    p->ack++;
}
static void other_window(struct inner *p)
{
    p->window++;
}
static void other_options(struct inner *p)
{
    p->tcp_options = 8;
}
static void other_id(struct inner *p)
{
    p->id += 5;
}
static void gap(struct inner *p)
{
    p->seq += 10;
}
static void cwr(struct inner *p)
{
    p->flags |= 0x80;
}
static void ece(struct inner *p)
{
    p->flags |= 0x40;
}
static void psh(struct inner *p)
{
    p->flags |= 0x08;
}
static void rst(struct inner *p)
{
    p->flags |= 0x04;
}
static void shorter(struct inner *p)
{
    p->payload--;
}
static void longer(struct inner *p)
{
    p->payload++;
}
static void empty(struct inner *p)
{
    p->payload = 0;
}
static void fragment(struct inner *p)
{
    p->frag = 0x2000;
}

Test(gro, differing_headers_are_never_merged)
{
    struct inner p = {.version = 4, .ttl = 64, .payload = 500, .flags = 0x10, .id = 7};
    void (*const apart[])(struct inner *) = {other_tos, other_ttl, other_ack, other_window, other_options, other_id,
                                             gap,       ece,       rst,       longer,       empty,         fragment};
    for (unsigned i = 0; i < sizeof(apart) / sizeof(apart[0]); i++) {
        middle_differs(p, apart[i], 3);
    }
    middle_differs(p, cwr, 2);     /* CWR may begin a frame */
    middle_differs(p, psh, 2);     /* PSH ends one */
    middle_differs(p, shorter, 2); /* so does a short segment */
    p.udp = true;
    middle_differs(p, other_tos, 3);
    middle_differs(p, longer, 2); /* a longer one and the shorter after it */
    middle_differs(p, shorter, 2);
    middle_differs(p, fragment, 3);
    p.version = 6;
    middle_differs(p, other_ttl, 3);
    middle_differs(p, other_id, 1); /* IPv6 has no id */
}

Test(gro, a_wrong_checksum_goes_alone_and_untouched)
{
    static struct input in;
    static struct gro_batch batch;
    for (unsigned bad = 0; bad < 5; bad++) {
        for (unsigned udp = 0; udp < 2; udp++) {
            struct inner p = {.version = 4, .udp = udp, .ttl = 64, .payload = 333};
            bulk(&in, p, 5);
            in.original[bad][in.len[bad] - 1] ^= 1;
            merge(&in, &all_tun, &batch);
            for (unsigned n = 0; n < batch.frames; n++) {
                const struct iovec *iov = &batch.iov[batch.frame[n].iov_first + 1];
                if (iov->iov_base == in.data[bad]) {
                    cr_assert_eq(batch.frame[n].packets, 1);
                }
            }
            check_round_trip(&in, &all_tun, &batch);
        }
    }
}

/* A random mix: several flows interleaved, each usually going on where it was, with every sort of disturbance. */
static void random_input(struct input *in, struct rand_seeded *r, bool tap)
{
    struct inner state[FLOWS];
    for (unsigned f = 0; f < FLOWS; f++) {
        state[f] = (struct inner){.version = pick(r, 2) ? 4 : 6, .udp = pick(r, 3) == 0, .tap = tap, .flow = f,
                                  .ttl = 64, .id = (uint16_t)pick(r, 65536), .frag = pick(r, 2) ? 0x4000 : 0,
                                  .seq = rand_u32(&r->source), .flags = 0x10, .tcp_options = pick(r, 2) ? 12 : 0,
                                  .payload = 1 + pick(r, 1400)};
        state[f].tags = tap ? pick(r, 3) : 0;
    }
    in->count = 0;
    unsigned count = 1 + pick(r, GRO_PACKETS_MAX);
    while (in->count < count) {
        struct inner *s = &state[pick(r, FLOWS)];
        struct inner p = *s;
        unsigned what = pick(r, 40);
        p.flags |= what == 0 ? 0x08 : what == 1 ? 0x01 : what == 2 ? 0x80 : what == 3 ? 0x40 : what == 4 ? 0x02 : 0;
        p.payload = what == 5 ? pick(r, p.payload) : p.payload;
        p.tos = what == 6 ? 1 : 0;
        p.frag = what == 7 ? 0x2000 : p.frag;
        p.extension = what == 8 && p.version == 6 ? 8 : 0;
        p.id = what == 9 ? (uint16_t)(p.id + 3) : p.id;
        p.seq = what == 10 ? p.seq + 100 : p.seq;
        p.fill = (uint8_t)pick(r, 256);
        unsigned n = in->count;
        input_add(in, &p);
        if (what == 11) {
            unsigned at = pick(r, in->len[n]);
            in->original[n][at] ^= (uint8_t)(1u << pick(r, 8));
            in->flow[n] = at < inner_l4(&p) + 4 ? FLOWS + n : p.flow; /* it may be another flow now */
        } else if (what == 12 && tap) {
            in->original[n][in->len[n]++] = 0; /* padding */
        }
        s->seq = p.seq + p.payload;
        s->id = (uint16_t)(p.id + 1);
    }
}

Test(gro, splitting_gives_back_every_random_input, .timeout = 120)
{
    static struct input in;
    static struct gro_batch batch;
    struct rand_seeded r;
    unsigned packets = 0;
    unsigned frames = 0;
    rand_seeded_init(&r, 3);
    for (unsigned round = 0; round < 4000; round++) {
        const struct gro_config *config = round & 1 ? &all_tap : &all_tun;
        random_input(&in, &r, config->tap);
        frames += merge(&in, config, &batch);
        packets += in.count;
        check_round_trip(&in, config, &batch);
    }
    cr_assert_lt(frames * 2, packets, "something must have been merged: %u of %u", frames, packets);
}

Test(gro, random_bytes_pass_unchanged)
{
    static struct input in;
    static struct gro_batch batch;
    struct rand_seeded r;
    rand_seeded_init(&r, 4);
    for (unsigned round = 0; round < 2000; round++) {
        in.count = 8;
        for (unsigned i = 0; i < in.count; i++) {
            in.flow[i] = 0;
            in.len[i] = 1 + pick(&r, 100);
            rand_fill(&r.source, in.original[i], in.len[i]);
            in.original[i][0] = pick(&r, 2) ? 0x45 : 0x60;
            in.original[i][9] = pick(&r, 2) ? 6 : 17;
        }
        merge(&in, round & 1 ? &all_tap : &all_tun, &batch);
        check_round_trip(&in, &all_tun, &batch);
    }
}
