/* SPDX-License-Identifier: MIT */
#include "dp/user/gro.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/span.h"
#include "wire/csum.h"
#include "wire/ether.h"
#include "wire/ip.h"

#define OPEN_MAX 8      /* flows that can grow at the same time */
#define NO_PACKET 0xFF
#define TCP_CHECK 16
#define UDP_CHECK 6
#define TCP_LAST_ONLY (IP_TCP_FIN | IP_TCP_PSH)
#define TCP_NEVER (IP_TCP_SYN | IP_TCP_RST | IP_TCP_URG)

/* What a packet is to us. */
enum kind {
    KIND_OTHER,    /* belongs to no TCP or UDP flow: passes without disturbing any */
    KIND_OPAQUE,   /* may belong to any flow (fragments, options, extension headers): closes all */
    KIND_ALONE,    /* of a known flow, but never merged: closes that flow */
    KIND_MERGEABLE,
};

struct parsed {
    uint8_t *data;
    uint32_t payload;   /* bytes of L4 payload */
    uint16_t l3;        /* offset of the IP header */
    uint16_t l4;
    uint16_t headers;   /* offset of the payload */
    uint8_t version;
    uint8_t proto;
};

/* A frame that may still grow. */
struct flow {
    struct parsed first;
    uint32_t total;     /* bytes from the IP header on */
    uint32_t next_seq;
    uint16_t next_id;
    uint8_t frame;
    uint8_t last;       /* index of its last packet */
    bool verified;      /* checksum of the first packet was checked */
    bool used;
};

struct merge {
    const struct gro_config *config;
    struct flow open[OPEN_MAX];
    unsigned victim;
    struct gro_batch *batch;
    uint8_t next[GRO_PACKETS_MAX];      /* chain of the packets of a frame */
    uint16_t headers[GRO_PACKETS_MAX];  /* payload offset of a merged packet */
    uint8_t first[GRO_PACKETS_MAX];     /* first packet of each frame */
    struct parsed head[GRO_PACKETS_MAX]; /* parsed first packet of each frame that was opened */
};

/* ------------------------------------------------------------------ parsing */

static enum kind parse_tcp(const uint8_t *l4, uint32_t left, struct parsed *p)
{
    if (left < IP_TCP_HEADER) {
        return KIND_OPAQUE;
    }
    unsigned header = (unsigned)(l4[12] >> 4) * 4;
    if (header < IP_TCP_HEADER || header > left) {
        return KIND_ALONE;
    }
    p->headers = (uint16_t)(p->l4 + header);
    p->payload = left - header;
    /* 0xFFFF is no checksum that anybody computes: splitting would not give it back. */
    bool plain = p->payload > 0 && !(l4[13] & TCP_NEVER) && (l4[13] & IP_TCP_ACK) &&
                 csum_load16(l4 + TCP_CHECK) != 0xFFFF;
    return plain ? KIND_MERGEABLE : KIND_ALONE;
}

static enum kind parse_udp(const uint8_t *l4, uint32_t left, struct parsed *p)
{
    if (left < IP_UDP_HEADER) {
        return KIND_OPAQUE;
    }
    p->headers = (uint16_t)(p->l4 + IP_UDP_HEADER);
    p->payload = left - IP_UDP_HEADER;
    bool plain = p->payload > 0 && be16_load(l4 + 4) == left && csum_load16(l4 + UDP_CHECK) != 0;
    return plain ? KIND_MERGEABLE : KIND_ALONE;
}

/* @left: bytes from the IP header on. */
static enum kind parse_l3(uint32_t left, struct parsed *p)
{
    const uint8_t *ip = p->data + p->l3;
    bool exact;
    uint32_t l4_len;
    if (left >= IP_V4_HEADER && ip[0] >> 4 == 4) {
        if (ip[9] != IP_PROTO_TCP && ip[9] != IP_PROTO_UDP) {
            return KIND_OTHER;
        }
        if (ip[0] != 0x45 || (be16_load(ip + 6) & 0x3FFF) != 0 || be16_load(ip + 2) > left ||
            be16_load(ip + 2) < IP_V4_HEADER) {
            return KIND_OPAQUE;
        }
        p->version = 4;
        p->proto = ip[9];
        p->l4 = (uint16_t)(p->l3 + IP_V4_HEADER);
        l4_len = be16_load(ip + 2) - (uint32_t)IP_V4_HEADER;
        exact = be16_load(ip + 2) == left && csum_load16(ip + 10) != 0xFFFF;
    } else if (left >= IP_V6_HEADER && ip[0] >> 4 == 6) {
        if (ip[6] == IP_PROTO_ICMP6) {
            return KIND_OTHER;
        }
        if ((ip[6] != IP_PROTO_TCP && ip[6] != IP_PROTO_UDP) || be16_load(ip + 4) + (uint32_t)IP_V6_HEADER > left) {
            return KIND_OPAQUE;
        }
        p->version = 6;
        p->proto = ip[6];
        p->l4 = (uint16_t)(p->l3 + IP_V6_HEADER);
        l4_len = be16_load(ip + 4);
        exact = l4_len + IP_V6_HEADER == left;
    } else {
        return KIND_OTHER;
    }
    enum kind kind = p->proto == IP_PROTO_TCP ? parse_tcp(p->data + p->l4, l4_len, p)
                                              : parse_udp(p->data + p->l4, l4_len, p);
    return kind == KIND_MERGEABLE && !exact ? KIND_ALONE : kind;
}

static bool device_takes(const struct gro_config *config, const struct parsed *p)
{
    if (p->proto == IP_PROTO_UDP) {
        return config->uso;
    }
    return p->version == 4 ? config->tso4 : config->tso6;
}

static enum kind parse(const struct gro_config *config, const struct gro_packet *packet, struct parsed *p)
{
    memset(p, 0, sizeof(*p));
    p->data = packet->data;
    if (config->tap) {
        struct ether_frame ether;
        if (ether_parse(packet->data, packet->len, &ether) != 0 ||
            (ether.type != ETHER_IPV4 && ether.type != ETHER_IPV6)) {
            return KIND_OTHER;
        }
        p->l3 = ether.l3_offset;
    }
    enum kind kind = parse_l3(packet->len - p->l3, p);
    return kind == KIND_MERGEABLE && !device_takes(config, p) ? KIND_ALONE : kind;
}

/* ------------------------------------------------------------------ flows */

static bool same_flow(const struct parsed *a, const struct parsed *b)
{
    if (a->version != b->version || a->proto != b->proto ||
        memcmp(a->data + a->l4, b->data + b->l4, 4) != 0) {
        return false;
    }
    const uint8_t *x = a->data + a->l3;
    const uint8_t *y = b->data + b->l3;
    return a->version == 4 ? memcmp(x + 12, y + 12, 8) == 0 : memcmp(x + 8, y + 8, 32) == 0;
}

static struct flow *find(struct merge *m, const struct parsed *p)
{
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        if (m->open[i].used && same_flow(&m->open[i].first, p)) {
            return &m->open[i];
        }
    }
    return NULL;
}

static bool checksums_right(const struct parsed *p)
{
    const uint8_t *ip = p->data + p->l3;
    const uint8_t *l4 = p->data + p->l4;
    uint32_t l4_len = p->headers - p->l4 + p->payload;
    uint64_t pseudo;
    if (p->version == 4) {
        if (csum_fold16(csum_partial(ip, IP_V4_HEADER)) != 0xFFFF) {
            return false;
        }
        pseudo = csum_pseudo4(ip, p->proto, l4_len);
    } else {
        pseudo = csum_pseudo6(ip, p->proto, l4_len);
    }
    return csum_fold16(csum_add(pseudo, csum_partial(l4, l4_len))) == 0xFFFF;
}

/* Everything in front of the payload that splitting repeats must be the same. */
static bool same_headers(const struct flow *f, const struct parsed *p)
{
    const struct parsed *a = &f->first;
    const uint8_t *x = a->data + a->l3;
    const uint8_t *y = p->data + p->l3;
    if (a->headers != p->headers || a->l3 != p->l3 || (a->l3 && memcmp(a->data, p->data, a->l3) != 0)) {
        return false;
    }
    if (a->version == 4) {
        if (x[1] != y[1] || memcmp(x + 6, y + 6, 4) != 0 || be16_load(y + 4) != f->next_id) {
            return false;
        }
    } else if (memcmp(x, y, 4) != 0 || x[7] != y[7]) {
        return false;
    }
    return true;
}

static bool same_tcp(const struct flow *f, const struct parsed *p)
{
    const uint8_t *x = f->first.data + f->first.l4;
    const uint8_t *y = p->data + p->l4;
    /* The first packet may have CWR; those that follow may have FIN and PSH, and are the last then. */
    return be32_load(y + 4) == f->next_seq && !(y[13] & IP_TCP_CWR) &&
           ((x[13] ^ y[13]) & ~(TCP_LAST_ONLY | IP_TCP_CWR)) == 0 && memcmp(x + 8, y + 8, 5) == 0 &&
           memcmp(x + 14, y + 14, 2) == 0 && memcmp(x + 18, y + 18, 2u + p->headers - p->l4 - IP_TCP_HEADER) == 0;
}

static bool can_append(const struct flow *f, const struct parsed *p)
{
    return p->payload <= f->first.payload && f->total + p->payload <= UINT16_MAX && same_headers(f, p) &&
           (p->proto == IP_PROTO_UDP || same_tcp(f, p));
}

/* Whether nothing may follow @p in its frame. */
static bool ends_frame(const struct parsed *p, uint32_t full)
{
    return p->payload < full || (p->proto == IP_PROTO_TCP && (p->data[p->l4 + 13] & TCP_LAST_ONLY));
}

/* ------------------------------------------------------------------ building */

static uint8_t frame_new(struct merge *m, unsigned packet)
{
    unsigned n = m->batch->frames++;
    m->first[n] = (uint8_t)packet;
    m->batch->frame[n].packets = 1;
    return (uint8_t)n;
}

static void flow_open(struct merge *m, const struct parsed *p, unsigned packet)
{
    uint8_t frame = frame_new(m, packet);
    if (ends_frame(p, p->payload)) {
        return;
    }
    unsigned slot = 0;
    while (slot < OPEN_MAX && m->open[slot].used) {
        slot++;
    }
    if (slot == OPEN_MAX) {
        slot = m->victim++ % OPEN_MAX;
    }
    m->head[frame] = *p;
    m->open[slot] = (struct flow){
        .first = *p,
        .total = p->headers - p->l3 + p->payload,
        .next_seq = p->proto == IP_PROTO_TCP ? be32_load(p->data + p->l4 + 4) + p->payload : 0,
        .next_id = p->version == 4 ? (uint16_t)(be16_load(p->data + p->l3 + 4) + 1) : 0,
        .frame = frame,
        .last = (uint8_t)packet,
        .used = true,
    };
}

static void flow_append(struct merge *m, struct flow *f, const struct parsed *p, unsigned packet)
{
    m->next[f->last] = (uint8_t)packet;
    m->headers[packet] = p->headers;
    m->batch->frame[f->frame].packets++;
    f->last = (uint8_t)packet;
    f->total += p->payload;
    f->next_seq += p->payload;
    f->next_id++;
    if (p->proto == IP_PROTO_TCP) {
        /* Collected here, so that finishing need not look for the last packet; never set on the one in between. */
        m->head[f->frame].data[p->l4 + 13] |= p->data[p->l4 + 13] & TCP_LAST_ONLY;
    }
    if (ends_frame(p, f->first.payload)) {
        f->used = false;
    }
}

static void add_mergeable(struct merge *m, const struct parsed *p, unsigned packet)
{
    struct flow *f = find(m, p);
    if (!f) {
        flow_open(m, p, packet);
        return;
    }
    if (!can_append(f, p)) {
        f->used = false;
        flow_open(m, p, packet);
        return;
    }
    if (!checksums_right(p)) {
        f->used = false;
        frame_new(m, packet);
        return;
    }
    if (!f->verified && !checksums_right(&f->first)) {
        f->used = false;
        flow_open(m, p, packet);
        return;
    }
    f->verified = true;
    flow_append(m, f, p, packet);
}

static void add(struct merge *m, const struct gro_packet *packet, unsigned index)
{
    struct parsed p;
    struct flow *f;
    m->next[index] = NO_PACKET;
    switch (parse(m->config, packet, &p)) {
    case KIND_MERGEABLE:
        add_mergeable(m, &p, index);
        return;
    case KIND_ALONE:
        f = find(m, &p);
        if (f) {
            f->used = false;
        }
        break;
    case KIND_OPAQUE:
        for (unsigned i = 0; i < OPEN_MAX; i++) {
            m->open[i].used = false;
        }
        break;
    case KIND_OTHER:
        break;
    }
    frame_new(m, index);
}

/* Headers of the super-packet, written over the first packet's, and its vnet header. */
static void finish_headers(struct gro_frame *frame, const struct parsed *p)
{
    uint8_t *ip = p->data + p->l3;
    uint8_t *l4 = p->data + p->l4;
    uint32_t l3_len = frame->len - p->l3;
    uint32_t l4_len = frame->len - p->l4;
    bool tcp = p->proto == IP_PROTO_TCP;
    unsigned check = tcp ? TCP_CHECK : UDP_CHECK;
    uint64_t pseudo;
    frame->header = (struct vnet_header){
        .flags = VNET_NEEDS_CSUM,
        .gso_type = tcp ? (p->version == 4 ? VNET_GSO_TCP4 : VNET_GSO_TCP6) : VNET_GSO_UDP_L4,
        .header_len = p->headers,
        .gso_size = (uint16_t)p->payload,
        .csum_start = p->l4,
        .csum_offset = (uint16_t)check,
    };
    if (p->version == 4) {
        uint16_t from = csum_load16(ip + 2);
        be16_store(ip + 2, (uint16_t)l3_len);
        csum_store16(ip + 10, csum_update16(csum_load16(ip + 10), from, csum_load16(ip + 2)));
        pseudo = csum_pseudo4(ip, p->proto, l4_len);
    } else {
        be16_store(ip + 4, (uint16_t)(l3_len - IP_V6_HEADER));
        pseudo = csum_pseudo6(ip, p->proto, l4_len);
    }
    if (!tcp) {
        be16_store(l4 + 4, (uint16_t)l4_len);
    } else if (l4[13] & IP_TCP_CWR) {
        frame->header.gso_type |= VNET_GSO_ECN;
    }
    csum_store16(l4 + check, csum_fold16(pseudo));
}

static void finish(struct merge *m, const struct gro_packet *packets)
{
    unsigned iov = 0;
    for (unsigned n = 0; n < m->batch->frames; n++) {
        struct gro_frame *frame = &m->batch->frame[n];
        unsigned i = m->first[n];
        frame->iov_first = (uint16_t)iov;
        frame->header = (struct vnet_header){0};
        frame->len = packets[i].len;
        m->batch->iov[iov++] = (struct iovec){&frame->header, VNET_HEADER_SIZE};
        m->batch->iov[iov++] = (struct iovec){packets[i].data, packets[i].len};
        for (i = m->next[i]; i != NO_PACKET; i = m->next[i]) {
            uint32_t payload = packets[i].len - m->headers[i];
            m->batch->iov[iov++] = (struct iovec){packets[i].data + m->headers[i], payload};
            frame->len += payload;
        }
        frame->iov_count = (uint16_t)(iov - frame->iov_first);
        if (frame->packets > 1) {
            finish_headers(frame, &m->head[n]);
        }
    }
}

unsigned gro_merge(const struct gro_config *config, const struct gro_packet *packets, unsigned count,
                   struct gro_batch *batch)
{
    struct merge m;
    m.config = config;
    m.batch = batch;
    m.victim = 0;
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        m.open[i].used = false;
    }
    batch->frames = 0;
    if (count > GRO_PACKETS_MAX) {
        count = GRO_PACKETS_MAX;
    }
    for (unsigned i = 0; i < count; i++) {
        add(&m, &packets[i], i);
    }
    finish(&m, packets);
    return batch->frames;
}
