/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/err.h"
#include "vectors.h"
#include "wire/socks.h"

static void equals(const struct wr *w, const json_t *row, const char *key)
{
    uint8_t expect[64];
    size_t len = vectors_hex(row, key, expect, sizeof(expect));
    cr_assert_eq(wr_len(w), len, "%s", key);
    cr_assert_arr_eq(w->start, expect, len);
}

static union addr target(void)
{
    struct ip_addr ip;
    cr_assert_eq(ip_parse("10.99.0.1", &ip), 0);
    return addr_from_ip(&ip, 1194);
}

Test(socks, requests_of_the_vectors)
{
    json_t *root = vectors_load("proxy.json");
    const json_t *row = json_object_get(root, "socks5");
    uint8_t out[SOCKS_REQUEST_MAX];
    struct wr w = wr_init(out, sizeof(out));
    socks_greeting(&w, SOCKS_NO_AUTH);
    equals(&w, row, "greeting_noauth");
    w = wr_init(out, sizeof(out));
    socks_greeting(&w, SOCKS_PASSWORD);
    equals(&w, row, "greeting_userpass");
    w = wr_init(out, sizeof(out));
    cr_assert_eq(socks_login(&w, "pu", "pp"), 0);
    equals(&w, row, "auth_request_pu_pp");
    w = wr_init(out, sizeof(out));
    cr_assert_eq(socks_request(&w, SOCKS_CONNECT, "10.99.0.1", 1194), 0);
    equals(&w, row, "connect_request_10.99.0.1_1194");
    w = wr_init(out, sizeof(out));
    cr_assert_eq(socks_request(&w, SOCKS_UDP_ASSOCIATE, NULL, 0), 0);
    equals(&w, row, "udp_associate_request");
    union addr to = target();
    cr_assert_eq(socks_udp_header(out, &to), 0);
    w = wr_init(out, sizeof(out));
    wr_reserve(&w, SOCKS_UDP_HEADER);
    equals(&w, row, "udp_header_to_10.99.0.1_1194");
    json_decref(root);
}

static int login_reply(const char *hex)
{
    uint8_t data[16];
    size_t len = vectors_decode(hex, data, sizeof(data));
    struct rd r = rd_init(data, len);
    return socks_login_reply(&r);
}

Test(socks, login_replies_of_both_conventions)
{
    cr_assert_eq(login_reply("0100"), 1);
    cr_assert_eq(login_reply("0500"), 1);
    cr_assert_eq(login_reply("0101"), ERR_AUTH);
    cr_assert_eq(login_reply("0700"), ERR_AUTH);
    cr_assert_eq(login_reply("01"), 0);
}

static int greeting_reply(const char *hex, enum socks_method method)
{
    uint8_t data[16];
    size_t len = vectors_decode(hex, data, sizeof(data));
    struct rd r = rd_init(data, len);
    return socks_greeting_reply(&r, method);
}

Test(socks, greeting_replies)
{
    cr_assert_eq(greeting_reply("0500", SOCKS_NO_AUTH), 1);
    cr_assert_eq(greeting_reply("0502", SOCKS_NO_AUTH), ERR_AUTH);
    cr_assert_eq(greeting_reply("05ff", SOCKS_PASSWORD), ERR_AUTH);
    cr_assert_eq(greeting_reply("0400", SOCKS_NO_AUTH), ERR_FORMAT);
    cr_assert_eq(greeting_reply("05", SOCKS_NO_AUTH), 0);
}

Test(socks, replies_with_every_address_type_in_pieces)
{
    static const char *const replies[] = {"050000010a0000010438aa", "0500000306" "61626364656604" "38bb",
                                          "05000004" "20010db8000000000000000000000001" "0438cc"};
    for (unsigned i = 0; i < 3; i++) {
        uint8_t data[64];
        union addr bound;
        uint8_t code = 9;
        size_t len = vectors_decode(replies[i], data, sizeof(data));
        for (size_t cut = 0; cut < len - 1; cut++) {
            struct rd r = rd_init(data, cut);
            cr_assert_eq(socks_reply(&r, &bound, &code), 0, "reply %u at %zu", i, cut);
            cr_assert_eq(rd_left(&r), cut);
        }
        struct rd r = rd_init(data, len);
        cr_assert_eq(socks_reply(&r, &bound, &code), 1);
        cr_assert_eq(code, 0);
        cr_assert_eq(rd_left(&r), 1, "the rest belongs to the tunnel");
        if (i != 1) {
            cr_assert_eq(addr_port(&bound), 0x0438);
        } else {
            cr_assert_eq(bound.any.sa_family, AF_UNSPEC);
        }
    }
    uint8_t bad[] = {5, 0, 0, 2, 0, 0};
    struct rd r = rd_init(bad, sizeof(bad));
    union addr bound;
    uint8_t code;
    cr_assert_eq(socks_reply(&r, &bound, &code), ERR_FORMAT);
    cr_assert_str_eq(socks_reply_text(5), "connection refused");
    cr_assert_str_eq(socks_reply_text(200), "unknown reply");
}

Test(socks, datagrams_lose_their_header)
{
    uint8_t data[32];
    union addr to = target();
    union addr source;
    cr_assert_eq(socks_udp_header(data, &to), 0);
    data[10] = 0x38;
    struct rd r = rd_init(data, 11);
    cr_assert_eq(socks_udp_unwrap(&r, &source), 0);
    cr_assert(addr_equal(&source, &to));
    cr_assert_eq(rd_left(&r), 1);
    for (size_t cut = 0; cut < 10; cut++) {
        r = rd_init(data, cut);
        cr_assert_eq(socks_udp_unwrap(&r, &source), ERR_TRUNCATED);
    }
    data[2] = 1;
    r = rd_init(data, 11);
    cr_assert_eq(socks_udp_unwrap(&r, &source), ERR_FORMAT);
    data[2] = 0;
    data[3] = 4;
    r = rd_init(data, 11);
    cr_assert_eq(socks_udp_unwrap(&r, &source), ERR_FORMAT);
    union addr v6 = {.v6 = {.sin6_family = AF_INET6}};
    cr_assert_eq(socks_udp_header(data, &v6), ERR_UNSUPPORTED);
}

Test(socks, fields_of_at_most_255_bytes)
{
    uint8_t out[SOCKS_REQUEST_MAX];
    char text[257];
    memset(text, 'x', sizeof(text));
    text[255] = '\0';
    struct wr w = wr_init(out, sizeof(out));
    cr_assert_eq(socks_login(&w, text, text), 0);
    w = wr_init(out, sizeof(out));
    cr_assert_eq(socks_request(&w, SOCKS_CONNECT, text, 1), 0);
    text[255] = 'x';
    text[256] = '\0';
    w = wr_init(out, sizeof(out));
    cr_assert_eq(socks_login(&w, "a", text), ERR_LIMIT);
    w = wr_init(out, sizeof(out));
    cr_assert_eq(socks_request(&w, SOCKS_CONNECT, text, 1), ERR_LIMIT);
}
