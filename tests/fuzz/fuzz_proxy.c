/* SPDX-License-Identifier: MIT */

/* Answers of HTTP and SOCKS proxies. */
#include <stdlib.h>

#include "base/addr.h"
#include "base/span.h"
#include "fuzz.h"
#include "wire/http_connect.h"
#include "wire/socks.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);
    http(copy, size);
    socks(copy, size);
    free(copy);
    return 0;
}
