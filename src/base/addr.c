/* SPDX-License-Identifier: MIT */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/span.h"

socklen_t addr_size(const union addr *a)
{
    switch (a->any.sa_family) {
    case AF_INET:
        return sizeof(a->v4);
    case AF_INET6:
        return sizeof(a->v6);
    default:
        return 0;
    }
}

int addr_from_sockaddr(union addr *out, const struct sockaddr *sa, size_t len)
{
    memset(out, 0, sizeof(*out));
    if (len >= sizeof(struct sockaddr_in) && sa->sa_family == AF_INET) {
        memcpy(&out->v4, sa, sizeof(out->v4));
        memset(out->v4.sin_zero, 0, sizeof(out->v4.sin_zero));
        return 0;
    }
    if (len < sizeof(struct sockaddr_in6) || sa->sa_family != AF_INET6) {
        return ERR_FORMAT;
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, sa, sizeof(v6));
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = v6.sin6_port;
        memcpy(&out->v4.sin_addr, v6.sin6_addr.s6_addr + 12, 4);
        return 0;
    }
    v6.sin6_flowinfo = 0;
    if (!IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)) {
        v6.sin6_scope_id = 0;
    }
    out->v6 = v6;
    return 0;
}

uint16_t addr_port(const union addr *a)
{
    return ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

void addr_set_port(union addr *a, uint16_t port)
{
    if (a->any.sa_family == AF_INET6) {
        a->v6.sin6_port = htons(port);
    } else {
        a->v4.sin_port = htons(port);
    }
}

bool addr_equal(const union addr *a, const union addr *b)
{
    if (a->any.sa_family != b->any.sa_family) {
        return false;
    }
    if (a->any.sa_family == AF_INET) {
        return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    }
    return a->any.sa_family == AF_INET6 && a->v6.sin6_port == b->v6.sin6_port &&
           a->v6.sin6_scope_id == b->v6.sin6_scope_id && memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, 16) == 0;
}

size_t addr_key(const union addr *a, uint8_t out[19])
{
    struct ip_addr ip = addr_to_ip(a);
    size_t n = ip_len(&ip);
    out[0] = n == 16 ? 6 : 4;
    memcpy(out + 1, ip.bytes, n);
    be16_store(out + 1 + n, addr_port(a));
    return n + 3;
}

struct ip_addr addr_to_ip(const union addr *a)
{
    struct ip_addr ip = {.family = a->any.sa_family};
    if (ip.family == AF_INET) {
        memcpy(ip.bytes, &a->v4.sin_addr, 4);
    } else if (ip.family == AF_INET6) {
        memcpy(ip.bytes, &a->v6.sin6_addr, 16);
    }
    return ip;
}

union addr addr_from_ip(const struct ip_addr *ip, uint16_t port)
{
    union addr a;
    memset(&a, 0, sizeof(a));
    a.any.sa_family = ip->family;
    if (ip->family == AF_INET) {
        memcpy(&a.v4.sin_addr, ip->bytes, 4);
    } else if (ip->family == AF_INET6) {
        memcpy(&a.v6.sin6_addr, ip->bytes, 16);
    }
    addr_set_port(&a, port);
    return a;
}

const char *addr_format(const union addr *a, char out[ADDR_TEXT_MAX])
{
    struct ip_addr ip = addr_to_ip(a);
    char host[ADDR_TEXT_MAX];
    ip_format(&ip, host);
    snprintf(out, ADDR_TEXT_MAX, ip.family == AF_INET6 ? "[%.60s]:%u" : "%.60s:%u", host, addr_port(a));
    return out;
}

const char *addr_format_log(const union addr *a, char out[ADDR_TEXT_MAX])
{
    struct ip_addr ip = addr_to_ip(a);
    if (ip.family == AF_UNSPEC) {
        snprintf(out, ADDR_TEXT_MAX, "[undef]");
        return out;
    }
    char host[ADDR_TEXT_MAX];
    snprintf(out, ADDR_TEXT_MAX, "[%s]%.60s:%u", ip.family == AF_INET6 ? "AF_INET6" : "AF_INET",
             ip_format(&ip, host), addr_port(a));
    return out;
}

int ip_parse(const char *text, struct ip_addr *out)
{
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, text, out->bytes) == 1) {
        out->family = AF_INET;
        return 0;
    }
    if (inet_pton(AF_INET6, text, out->bytes) == 1) {
        out->family = AF_INET6;
        return 0;
    }
    memset(out, 0, sizeof(*out));
    return ERR_FORMAT;
}

const char *ip_format(const struct ip_addr *ip, char out[ADDR_TEXT_MAX])
{
    if (ip->family == AF_UNSPEC || !inet_ntop(ip->family, ip->bytes, out, ADDR_TEXT_MAX)) {
        out[0] = 0;
    }
    return out;
}

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, ip_len(a)) == 0;
}

size_t ip_len(const struct ip_addr *ip)
{
    return ip->family == AF_INET ? 4 : ip->family == AF_INET6 ? 16 : 0;
}

struct ip_addr ip4_from_u32(uint32_t v)
{
    struct ip_addr ip = {.family = AF_INET};
    be32_store(ip.bytes, v);
    return ip;
}

uint32_t ip4_to_u32(const struct ip_addr *ip)
{
    return ip->family == AF_INET ? be32_load(ip->bytes) : 0;
}

int ip4_mask_bits(uint32_t mask)
{
    int bits = __builtin_popcount(mask);
    return ip4_bits_mask((unsigned)bits) == mask ? bits : -1;
}

uint32_t ip4_bits_mask(unsigned bits)
{
    return bits == 0 ? 0 : UINT32_MAX << (32 - bits);
}

int prefix_parse(const char *text, struct ip_prefix *out)
{
    char host[ADDR_TEXT_MAX];
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof(host) || slash[1] < '0' || slash[1] > '9') {
        return ERR_FORMAT;
    }
    memcpy(host, text, (size_t)(slash - text));
    host[slash - text] = 0;
    struct ip_addr ip;
    char *end;
    unsigned long bits = strtoul(slash + 1, &end, 10);
    if (ip_parse(host, &ip) < 0 || *end || bits > ip_len(&ip) * 8) {
        return ERR_FORMAT;
    }
    *out = prefix_make(&ip, (unsigned)bits);
    return 0;
}

struct ip_prefix prefix_make(const struct ip_addr *ip, unsigned bits)
{
    unsigned total = (unsigned)ip_len(ip) * 8;
    if (bits > total) {
        bits = total;
    }
    struct ip_prefix net = {.addr = *ip, .bits = (uint8_t)bits};
    for (unsigned i = bits; i < total; i++) {
        net.addr.bytes[i / 8] &= (uint8_t)~(0x80u >> (i % 8));
    }
    return net;
}

bool prefix_contains(const struct ip_prefix *net, const struct ip_addr *ip)
{
    if (net->addr.family != ip->family) {
        return false;
    }
    struct ip_prefix other = prefix_make(ip, net->bits);
    return ip_equal(&other.addr, &net->addr);
}

const char *prefix_format(const struct ip_prefix *net, char out[ADDR_TEXT_MAX])
{
    char host[ADDR_TEXT_MAX];
    snprintf(out, ADDR_TEXT_MAX, "%.60s/%u", ip_format(&net->addr, host), net->bits);
    return out;
}
