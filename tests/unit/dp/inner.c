/* SPDX-License-Identifier: MIT */
#include "inner.h"

#include <string.h>

#include "base/span.h"

size_t inner_l3(const struct inner *p)
{
    return p->tap ? 14 + 4u * p->tags : 0;
}

size_t inner_l4(const struct inner *p)
{
    return inner_l3(p) + (p->version == 4 ? 20 : 40 + p->extension);
}

size_t inner_header_len(const struct inner *p)
{
    return inner_l4(p) + (p->udp ? 8 : 20 + p->tcp_options);
}

static uint32_t raw_sum(const uint8_t *data, size_t len, uint32_t sum)
{
    for (size_t i = 0; i + 1 < len; i += 2) {
        sum += be16_load(data + i);
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    if (len & 1) {
        sum += (uint32_t)data[len - 1] << 8;
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    return sum;
}

uint16_t inner_checksum(const uint8_t *data, size_t len, uint32_t sum)
{
    return (uint16_t)~raw_sum(data, len, sum);
}

void inner_finish(const struct inner *p, uint8_t *packet, size_t len)
{
    uint8_t *ip = packet + inner_l3(p);
    uint8_t *l4 = packet + inner_l4(p);
    uint32_t l4_len = (uint32_t)(len - inner_l4(p));
    uint32_t pseudo;
    if (p->version == 4) {
        be16_store(ip + 2, (uint16_t)(len - inner_l3(p)));
        be16_store(ip + 10, 0);
        be16_store(ip + 10, inner_checksum(ip, 20, 0));
        pseudo = raw_sum(ip + 12, 8, 0);
    } else {
        be16_store(ip + 4, (uint16_t)(len - inner_l3(p) - 40));
        pseudo = raw_sum(ip + 8, 32, 0);
    }
    pseudo += (p->udp ? 17u : 6u) + (l4_len & 0xFFFF) + (l4_len >> 16);
    unsigned field = p->udp ? 6 : 16;
    if (p->udp) {
        be16_store(l4 + 4, (uint16_t)l4_len);
    }
    be16_store(l4 + field, 0);
    uint16_t check = inner_checksum(l4, l4_len, pseudo);
    be16_store(l4 + field, p->udp && check == 0 ? 0xFFFF : check);
}

static void build_ether(const struct inner *p, uint8_t *out)
{
    static const uint8_t addresses[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    memcpy(out, addresses, 12);
    uint8_t *at = out + 12;
    for (unsigned i = 0; i < p->tags; i++) {
        be16_store(at, p->tags == 2 && i == 0 ? 0x88A8 : 0x8100);
        be16_store(at + 2, (uint16_t)(0x6000 + 100 + i));
        at += 4;
    }
    be16_store(at, p->version == 4 ? 0x0800 : 0x86DD);
}

static void build_ip(const struct inner *p, uint8_t *ip)
{
    uint8_t proto = p->udp ? 17 : 6;
    if (p->version == 4) {
        ip[0] = 0x45;
        ip[1] = p->tos;
        be16_store(ip + 4, p->id);
        be16_store(ip + 6, p->frag);
        ip[8] = p->ttl;
        ip[9] = proto;
        be32_store(ip + 12, 0x0A000001);
        be32_store(ip + 16, 0x0A000100 + p->flow % 3);
        return;
    }
    be32_store(ip, 0x60000000u | (uint32_t)p->tos << 20 | 0x12345);
    ip[6] = p->extension ? 60 : proto;
    ip[7] = p->ttl;
    ip[8] = 0xFD;
    ip[23] = 1;
    ip[24] = 0xFD;
    ip[39] = (uint8_t)(2 + p->flow % 3);
    if (p->extension) {
        ip[40] = proto;
        ip[41] = (uint8_t)(p->extension / 8 - 1);
        ip[42] = 1;
        ip[43] = (uint8_t)(p->extension - 4);
    }
}

static void build_l4(const struct inner *p, uint8_t *l4)
{
    be16_store(l4, (uint16_t)(1000 + p->flow));
    be16_store(l4 + 2, 443);
    if (p->udp) {
        return;
    }
    be32_store(l4 + 4, p->seq);
    be32_store(l4 + 8, p->ack);
    l4[12] = (uint8_t)((20 + p->tcp_options) / 4 << 4);
    l4[13] = p->flags;
    be16_store(l4 + 14, p->window);
    for (unsigned i = 0; i < p->tcp_options; i++) {
        l4[20 + i] = i % 12 == 0 ? 1 : i % 12 == 1 ? 1 : (uint8_t)(i % 12 == 2 ? 8 : i % 12 == 3 ? 10 : i);
    }
}

size_t inner_build(const struct inner *p, uint8_t *out)
{
    size_t header = inner_header_len(p);
    memset(out, 0, header);
    if (p->tap) {
        build_ether(p, out);
    }
    build_ip(p, out + inner_l3(p));
    build_l4(p, out + inner_l4(p));
    for (unsigned i = 0; i < p->payload; i++) {
        out[header + i] = (uint8_t)(p->fill + 7 * i + p->seq * 3 + (i >> 8));
    }
    inner_finish(p, out, header + p->payload);
    return header + p->payload;
}
