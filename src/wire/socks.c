/* SPDX-License-Identifier: MIT */
#include "wire/socks.h"

#include <arpa/inet.h>

#include "base/err.h"

#define PROTOCOL_VERSION 5
#define LOGIN_VERSION 1
#define ADDRESS_IPV4 1
#define ADDRESS_NAME 3
#define ADDRESS_IPV6 4

void socks_greeting(struct wr *w, enum socks_method method)
{
    wr_u8(w, PROTOCOL_VERSION);
    wr_u8(w, 1);
    wr_u8(w, (uint8_t)method);
}

int socks_greeting_reply(struct rd *r, enum socks_method method)
{
    if (rd_left(r) < 2) {
        return 0;
    }
    uint8_t version = rd_u8(r);
    uint8_t chosen = rd_u8(r);
    if (version != PROTOCOL_VERSION) {
        return ERR_FORMAT;
    }
    return chosen == method ? 1 : ERR_AUTH;
}

static bool field(struct wr *w, const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > UINT8_MAX) {
        return false;
    }
    wr_u8(w, (uint8_t)len);
    wr_bytes(w, text, len);
    return true;
}

int socks_login(struct wr *w, const char *username, const char *password)
{
    wr_u8(w, LOGIN_VERSION);
    return field(w, username) && field(w, password) && wr_ok(w) ? 0 : ERR_LIMIT;
}

int socks_login_reply(struct rd *r)
{
    if (rd_left(r) < 2) {
        return 0;
    }
    uint8_t version = rd_u8(r);
    uint8_t status = rd_u8(r);
    return (version == LOGIN_VERSION || version == PROTOCOL_VERSION) && status == 0 ? 1 : ERR_AUTH;
}

int socks_request(struct wr *w, enum socks_command command, const char *host, uint16_t port)
{
    wr_u8(w, PROTOCOL_VERSION);
    wr_u8(w, (uint8_t)command);
    wr_u8(w, 0);
    if (command == SOCKS_UDP_ASSOCIATE) {
        wr_u8(w, ADDRESS_IPV4);
        wr_u32(w, 0);
        wr_u16(w, 0);
    } else {
        wr_u8(w, ADDRESS_NAME);
        if (!field(w, host)) {
            return ERR_LIMIT;
        }
        wr_u16(w, port);
    }
    return wr_ok(w) ? 0 : ERR_LIMIT;
}

/* Address and port; false when there are too few bytes. */
static bool read_address(struct rd *r, uint8_t type, union addr *out)
{
    memset(out, 0, sizeof(*out));
    if (type == ADDRESS_NAME) {
        (void)rd_bytes(r, rd_u8(r));
        (void)rd_u16(r);
    } else if (type == ADDRESS_IPV4) {
        out->v4.sin_family = AF_INET;
        rd_copy(r, &out->v4.sin_addr, 4);
        out->v4.sin_port = htons(rd_u16(r));
    } else {
        out->v6.sin6_family = AF_INET6;
        rd_copy(r, &out->v6.sin6_addr, 16);
        out->v6.sin6_port = htons(rd_u16(r));
    }
    return rd_ok(r);
}

int socks_reply(struct rd *r, union addr *bound, uint8_t *code)
{
    struct rd look = *r;
    uint8_t version = rd_u8(&look);
    uint8_t reply = rd_u8(&look);
    (void)rd_u8(&look);
    uint8_t type = rd_u8(&look);
    if (rd_ok(&look) && (version != PROTOCOL_VERSION ||
                         (type != ADDRESS_IPV4 && type != ADDRESS_NAME && type != ADDRESS_IPV6))) {
        return ERR_FORMAT;
    }
    if (!rd_ok(&look) || !read_address(&look, type, bound)) {
        return 0;
    }
    *code = reply;
    *r = look;
    return 1;
}

const char *socks_reply_text(uint8_t code)
{
    static const char *const texts[] = {
        "succeeded",
        "general failure",
        "connection not allowed by the proxy's rules",
        "network unreachable",
        "host unreachable",
        "connection refused",
        "TTL expired",
        "command not supported",
        "address type not supported",
    };
    return code < sizeof(texts) / sizeof(texts[0]) ? texts[code] : "unknown reply";
}

int socks_udp_header(uint8_t out[SOCKS_UDP_HEADER], const union addr *target)
{
    if (target->any.sa_family != AF_INET) {
        return ERR_UNSUPPORTED;
    }
    memset(out, 0, SOCKS_UDP_HEADER);
    out[3] = ADDRESS_IPV4;
    memcpy(out + 4, &target->v4.sin_addr, 4);
    memcpy(out + 8, &target->v4.sin_port, 2);
    return 0;
}

int socks_udp_unwrap(struct rd *r, union addr *source)
{
    struct rd look = *r;
    (void)rd_u16(&look);
    uint8_t fragment = rd_u8(&look);
    uint8_t type = rd_u8(&look);
    if (!rd_ok(&look)) {
        return ERR_TRUNCATED;
    }
    if (fragment != 0 || type != ADDRESS_IPV4) {
        return ERR_FORMAT;
    }
    if (!read_address(&look, type, source)) {
        return ERR_TRUNCATED;
    }
    *r = look;
    return 0;
}
