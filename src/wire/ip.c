/* SPDX-License-Identifier: MIT */
#include "wire/ip.h"

#include "wire/csum.h"

#define EXTENSIONS_MAX 8

enum extension {
    EXT_HOP_BY_HOP = 0,
    EXT_ROUTING = 43,
    EXT_FRAGMENT = 44,
    EXT_AUTHENTICATION = 51,
    EXT_DESTINATION = 60,
    EXT_MOBILITY = 135,
    EXT_HIP = 139,
    EXT_SHIM6 = 140,
};

static void parse_l4(const uint8_t *data, struct ip_packet *out)
{
    const uint8_t *l4 = data + out->header_len;
    uint32_t left = out->len - out->header_len;
    if (out->fragment) {
        return;
    }
    if (out->proto == IP_PROTO_TCP && left >= IP_TCP_HEADER) {
        unsigned header = (unsigned)(l4[12] >> 4) * 4;
        if (header >= IP_TCP_HEADER && header <= left) {
            out->l4_header_len = (uint16_t)header;
        }
    } else if (out->proto == IP_PROTO_UDP && left >= IP_UDP_HEADER) {
        out->l4_header_len = IP_UDP_HEADER;
    }
}

static int parse4(const uint8_t *data, size_t len, struct ip_packet *out)
{
    if (len < IP_V4_HEADER) {
        return ERR_TRUNCATED;
    }
    unsigned header = (unsigned)(data[0] & 15) * 4;
    unsigned total = be16_load(data + 2);
    if (header < IP_V4_HEADER || total < header) {
        return ERR_FORMAT;
    }
    if (total > len) {
        return ERR_TRUNCATED;
    }
    unsigned fragment = be16_load(data + 6);
    out->header_len = (uint16_t)header;
    out->len = total;
    out->proto = data[9];
    out->fragment = (fragment & 0x3FFF) != 0;
    out->first_fragment = (fragment & 0x1FFF) == 0;
    parse_l4(data, out);
    return 0;
}

/* Length of the extension header at @p (8 bytes are readable), 0 when @next is no extension header. */
static unsigned extension_length(unsigned next, const uint8_t *p)
{
    switch (next) {
    case EXT_HOP_BY_HOP:
    case EXT_ROUTING:
    case EXT_DESTINATION:
    case EXT_MOBILITY:
    case EXT_HIP:
    case EXT_SHIM6:
        return (p[1] + 1u) * 8;
    case EXT_AUTHENTICATION:
        return (p[1] + 2u) * 4;
    case EXT_FRAGMENT:
        return 8;
    default:
        return 0;
    }
}

static bool is_extension(unsigned next)
{
    static const uint8_t any[8];
    return extension_length(next, any) != 0;
}

static int parse6(const uint8_t *data, size_t len, struct ip_packet *out)
{
    if (len < IP_V6_HEADER) {
        return ERR_TRUNCATED;
    }
    uint32_t total = IP_V6_HEADER + be16_load(data + 4);
    if (total > len) {
        return ERR_TRUNCATED;
    }
    unsigned next = data[6];
    uint32_t offset = IP_V6_HEADER;
    out->len = total;
    out->first_fragment = true;
    for (unsigned i = 0; is_extension(next) && out->first_fragment; i++) {
        if (i == EXTENSIONS_MAX || total - offset < 8) {
            return ERR_FORMAT;
        }
        const uint8_t *p = data + offset;
        unsigned size = extension_length(next, p);
        if (size > total - offset) {
            return ERR_FORMAT;
        }
        if (next == EXT_FRAGMENT) {
            out->fragment = true;
            out->first_fragment = (be16_load(p + 2) & 0xFFF8) == 0;
        }
        out->extensions = true;
        next = p[0];
        offset += size;
    }
    out->proto = (uint8_t)next;
    out->header_len = (uint16_t)offset;
    parse_l4(data, out);
    return 0;
}

int ip_packet_parse(const uint8_t *data, size_t len, struct ip_packet *out)
{
    memset(out, 0, sizeof(*out));
    out->version = (uint8_t)ip_version(data, len);
    if (out->version == 4) {
        return parse4(data, len, out);
    }
    if (out->version == 6) {
        return parse6(data, len, out);
    }
    return len ? ERR_FORMAT : ERR_TRUNCATED;
}

uint64_t ip_l4_pseudo(const uint8_t *data, const struct ip_packet *packet)
{
    uint32_t l4_len = packet->len - packet->header_len;
    return packet->version == 4 ? csum_pseudo4(data, packet->proto, l4_len)
                                : csum_pseudo6(data, packet->proto, l4_len);
}

bool ip_l4_verify(const uint8_t *data, const struct ip_packet *packet)
{
    const uint8_t *l4 = data + packet->header_len;
    uint32_t l4_len = packet->len - packet->header_len;
    if (packet->l4_header_len == 0) {
        return false;
    }
    if (packet->proto == IP_PROTO_UDP && (be16_load(l4 + 4) != l4_len || be16_load(l4 + 6) == 0)) {
        return false;
    }
    return csum_fold16(csum_add(ip_l4_pseudo(data, packet), csum_partial(l4, l4_len))) == 0xFFFF;
}

uint8_t ip_tos(const uint8_t *data, size_t len)
{
    if (!ip_routable(data, len)) {
        return 0;
    }
    return data[0] >> 4 == 4 ? data[1] : (uint8_t)(be16_load(data) >> 4);
}
