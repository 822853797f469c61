/* SPDX-License-Identifier: MIT */

/* Answers of HTTP and SOCKS proxies: as one message, and as a conversation. */
#include <stdlib.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/span.h"
#include "client/proxy.h"
#include "fuzz.h"
#include "wire/http_connect.h"
#include "wire/socks.h"

#define BYTEWISE_MAX 512 /* longer input comes in one piece */

static void http(const uint8_t *data, size_t size)
{
    struct rd r = rd_init(data, size);
    struct http_connect_response response;
    char out[HTTP_CONNECT_AUTH_MAX];
    if (http_connect_response(&r, &response) == 1) {
        FUZZ_REQUIRE(response.digest.len <= size && response.reason.len <= size);
        (void)http_connect_digest(response.digest, "user", "password", "host:443", "cnonce", out, sizeof(out));
    }
    (void)http_connect_digest((struct span){data, size}, "user", "password", "host:443", "cnonce", out, sizeof(out));
}

static void socks(const uint8_t *data, size_t size)
{
    struct rd r = rd_init(data, size);
    (void)socks_greeting_reply(&r, SOCKS_PASSWORD);
    r = rd_init(data, size);
    (void)socks_login_reply(&r);
    r = rd_init(data, size);
    union addr bound;
    uint8_t code;
    (void)socks_reply(&r, &bound, &code);
    r = rd_init(data, size);
    if (socks_udp_unwrap(&r, &bound) == 0) {
        FUZZ_REQUIRE(rd_left(&r) <= size);
    }
}

/* A proxy that says @data, whatever it is told. */
static void converse(struct proxy *p, const uint8_t *data, size_t size)
{
    size_t said = 0;
    for (enum proxy_state state = proxy_state(p); state != PROXY_FAILED; state = proxy_state(p)) {
        size_t len;
        if (state == PROXY_SEND) {
            (void)proxy_output(p, &len);
            FUZZ_REQUIRE(len > 0);
            proxy_sent(p, len);
        } else if (state == PROXY_RECONNECT) {
            proxy_restart(p);
        } else if (state == PROXY_DONE) {
            (void)proxy_leftover(p, &len);
            (void)proxy_relay(p);
            FUZZ_REQUIRE(len <= size);
            break;
        } else if (said == size) {
            break;
        } else {
            size_t piece = size <= BYTEWISE_MAX ? 1 : size - said;
            uint8_t *copy = fuzz_copy(data + said, piece);
            (void)proxy_input(p, copy, piece);
            said += piece;
            free(copy);
        }
    }
    (void)proxy_refusal(p);
    proxy_free(p);
}

static void conversations(const uint8_t *data, size_t size)
{
    static const enum proxy_auth ways[] = {PROXY_AUTH_NONE, PROXY_AUTH_BASIC, PROXY_AUTH_AUTO, PROXY_AUTH_AUTO_NCT};
    struct rand_seeded rand;
    struct proxy_target target = {.host = "vpn.example", .port = 443, .username = "anna", .password = "secret"};
    rand_seeded_init(&rand, 1);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct proxy_http_options options = {.auth = ways[i]};
        converse(proxy_http_new(&target, &options, &rand.source), data, size);
    }
    converse(proxy_socks_new(&target, false), data, size);
    target.username = NULL;
    converse(proxy_socks_new(&target, true), data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);
    log_settings_set(&(struct log_settings){.verb = 0});
    http(copy, size);
    socks(copy, size);
    conversations(data, size);
    free(copy);
    return 0;
}
