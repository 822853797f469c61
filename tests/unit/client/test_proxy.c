/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "client/proxy.h"

static void quiet(void)
{
    log_settings_set(&(struct log_settings){.verb = 0});
}

TestSuite(proxy, .init = quiet);

static const struct proxy_target target = {.host = "10.99.0.1", .port = 1194};
static const struct proxy_target target_login = {
    .host = "10.99.0.1", .port = 1194, .username = "pu", .password = "pp"};

static void expect_output(struct proxy *p, const void *want, size_t len)
{
    size_t n;
    const uint8_t *out = proxy_output(p, &n);
    cr_assert_eq(proxy_state(p), PROXY_SEND);
    cr_assert_eq(n, len, "%zu bytes instead of %zu", n, len);
    cr_assert_arr_eq(out, want, len);
    proxy_sent(p, n);
    cr_assert_eq(proxy_state(p), PROXY_WAIT);
}

static void expect_text(struct proxy *p, const char *want)
{
    expect_output(p, want, strlen(want));
}

static enum proxy_state input(struct proxy *p, const char *text)
{
    return proxy_input(p, (const uint8_t *)text, strlen(text));
}

static struct proxy *http(const struct proxy_target *t, enum proxy_auth auth)
{
    struct proxy_http_options options = {.auth = auth};
    return proxy_http_new(t, &options, rand_system());
}

Test(proxy, http_without_login_and_early_data_of_the_tunnel)
{
    struct proxy *p = http(&target, PROXY_AUTH_NONE);
    expect_text(p, "CONNECT 10.99.0.1:1194 HTTP/1.0\r\nHost: 10.99.0.1\r\n\r\n");
    cr_assert_eq(input(p, "HTTP/1.1 200 Connection esta"), PROXY_WAIT);
    cr_assert_eq(input(p, "blished\r\nX: y\r\n\r\nABC"), PROXY_DONE);
    size_t n;
    const uint8_t *rest = proxy_leftover(p, &n);
    cr_assert_eq(n, 3);
    cr_assert_arr_eq(rest, "ABC", 3);
    proxy_free(p);
}

Test(proxy, http_options_shape_the_request)
{
    static const char *const headers[] = {"X-A: b", "X-C:d"};
    struct proxy_http_options options = {
        .version = "1.1", .user_agent = "Foo", .headers = headers, .header_count = 2};
    struct proxy *p = proxy_http_new(&target, &options, rand_system());
    expect_text(p, "CONNECT 10.99.0.1:1194 HTTP/1.1\r\nX-A: b\r\nX-C:d\r\nHost: 10.99.0.1\r\nUser-Agent: Foo\r\n\r\n");
    proxy_free(p);
}

Test(proxy, http_basic_login_is_sent_at_once)
{
    struct proxy *p = http(&target_login, PROXY_AUTH_BASIC);
    expect_text(p, "CONNECT 10.99.0.1:1194 HTTP/1.0\r\nHost: 10.99.0.1\r\nProxy-Authorization: Basic cHU6cHA=\r\n\r\n");
    cr_assert_eq(input(p, "HTTP/1.0 407 No\r\nProxy-Authenticate: Basic realm=\"r\"\r\n\r\n"), PROXY_FAILED);
    cr_assert(proxy_credentials_refused(p));
    proxy_free(p);
}

static void challenge(struct proxy *p, const char *header, enum proxy_state want)
{
    size_t n;
    (void)proxy_output(p, &n);
    proxy_sent(p, n);
    char text[512];
    snprintf(text, sizeof(text), "HTTP/1.0 407 Proxy Authentication Required\r\n%s\r\n\r\n", header);
    cr_assert_eq(input(p, text), want);
}

Test(proxy, http_digest_takes_a_new_connection_and_a_second_refusal_is_final)
{
    struct proxy *p = http(&target_login, PROXY_AUTH_AUTO_NCT);
    challenge(p, "Proxy-Authenticate: Digest realm=\"r\", nonce=\"abc\", qop=\"auth\", algorithm=MD5, opaque=\"xyz\"",
              PROXY_RECONNECT);
    proxy_restart(p);
    size_t n;
    const char *out = (const char *)proxy_output(p, &n);
    cr_assert_eq(proxy_state(p), PROXY_SEND);
    cr_assert_not_null(memmem(out, n, "Proxy-Authorization: Digest username=\"pu\", realm=\"r\", nonce=\"abc\"", 65));
    challenge(p, "Proxy-Authenticate: Digest realm=\"r\", nonce=\"abd\", qop=\"auth\"", PROXY_FAILED);
    cr_assert(proxy_credentials_refused(p));
    proxy_free(p);
}

Test(proxy, http_methods_are_limited_by_the_option)
{
    struct proxy *p = http(&target_login, PROXY_AUTH_AUTO);
    challenge(p, "Proxy-Authenticate: Basic realm=\"r\"", PROXY_RECONNECT);
    proxy_free(p);
    p = http(&target_login, PROXY_AUTH_AUTO_NCT);
    challenge(p, "Proxy-Authenticate: Basic realm=\"r\"", PROXY_FAILED);
    proxy_free(p);
    p = http(&target_login, PROXY_AUTH_AUTO);
    challenge(p, "Proxy-Authenticate: Negotiate", PROXY_FAILED);
    proxy_free(p);
    p = http(&target, PROXY_AUTH_NONE);
    challenge(p, "Proxy-Authenticate: Basic realm=\"r\"", PROXY_FAILED);
    cr_assert(proxy_credentials_refused(p));
    proxy_free(p);
}

Test(proxy, http_proxies_that_lie_or_never_end_are_given_up)
{
    struct proxy *p = http(&target, PROXY_AUTH_NONE);
    cr_assert_eq(input(p, "SSH-2.0-OpenSSH_9.2\r\n\r\n"), PROXY_FAILED);
    proxy_free(p);
    p = http(&target, PROXY_AUTH_NONE);
    cr_assert_eq(input(p, "HTTP/1.1 503 Busy\r\n\r\n"), PROXY_FAILED);
    cr_assert_not(proxy_credentials_refused(p));
    proxy_free(p);
    p = http(&target, PROXY_AUTH_NONE);
    enum proxy_state state = input(p, "HTTP/1.1 200 OK\r\n");
    while (state == PROXY_SEND || state == PROXY_WAIT) {
        state = input(p, "X-Header: and so on and so on and so on\r\n");
    }
    cr_assert_eq(state, PROXY_FAILED);
    proxy_free(p);
}

static const uint8_t connect_request[] = {5, 1, 0, 3, 9, '1', '0', '.', '9', '9', '.', '0', '.', '1', 0x04, 0xaa};

Test(proxy, socks_without_password_over_tcp)
{
    struct proxy *p = proxy_socks_new(&target, false);
    expect_output(p, (const uint8_t[]){5, 1, 0}, 3);
    cr_assert_eq(proxy_input(p, (const uint8_t[]){5}, 1), PROXY_WAIT);
    cr_assert_eq(proxy_input(p, (const uint8_t[]){0}, 1), PROXY_SEND);
    expect_output(p, connect_request, sizeof(connect_request));
    static const uint8_t reply[] = {5, 0, 0, 3, 4, 'h', 'o', 's', 't', 0, 80, 'X'};
    cr_assert_eq(proxy_input(p, reply, sizeof(reply)), PROXY_DONE);
    size_t n;
    (void)proxy_leftover(p, &n);
    cr_assert_eq(n, 1);
    proxy_free(p);
}

Test(proxy, socks_login_accepts_both_forms_of_success)
{
    for (uint8_t version = 1; version <= 5; version = (uint8_t)(version + 4)) {
        struct proxy *p = proxy_socks_new(&target_login, false);
        expect_output(p, (const uint8_t[]){5, 1, 2}, 3);
        cr_assert_eq(proxy_input(p, (const uint8_t[]){5, 2}, 2), PROXY_SEND);
        expect_output(p, (const uint8_t[]){1, 2, 'p', 'u', 2, 'p', 'p'}, 7);
        cr_assert_eq(proxy_input(p, (const uint8_t[]){version, 0}, 2), PROXY_SEND);
        expect_output(p, connect_request, sizeof(connect_request));
        proxy_free(p);
    }
}

Test(proxy, socks_refusals)
{
    struct proxy *p = proxy_socks_new(&target, false);
    expect_output(p, (const uint8_t[]){5, 1, 0}, 3);
    cr_assert_eq(proxy_input(p, (const uint8_t[]){5, 0xff}, 2), PROXY_FAILED);
    proxy_free(p);
    p = proxy_socks_new(&target_login, false);
    expect_output(p, (const uint8_t[]){5, 1, 2}, 3);
    (void)proxy_input(p, (const uint8_t[]){5, 2}, 2);
    cr_assert_eq(proxy_input(p, (const uint8_t[]){1, 1}, 2), PROXY_FAILED);
    cr_assert(proxy_credentials_refused(p));
    proxy_free(p);
    p = proxy_socks_new(&target, false);
    (void)proxy_input(p, (const uint8_t[]){5, 0}, 2);
    static const uint8_t refused[] = {5, 5, 0, 1, 0, 0, 0, 0, 0, 0};
    cr_assert_eq(proxy_input(p, refused, sizeof(refused)), PROXY_FAILED);
    proxy_free(p);
}

Test(proxy, socks_udp_relay_address)
{
    struct proxy *p = proxy_socks_new(&target, true);
    expect_output(p, (const uint8_t[]){5, 1, 0}, 3);
    cr_assert_eq(proxy_input(p, (const uint8_t[]){5, 0}, 2), PROXY_SEND);
    expect_output(p, (const uint8_t[]){5, 3, 0, 1, 0, 0, 0, 0, 0, 0}, 10);
    static const uint8_t reply[] = {5, 0, 0, 1, 192, 0, 2, 7, 0x1f, 0x90};
    cr_assert_eq(proxy_input(p, reply, sizeof(reply)), PROXY_DONE);
    char text[ADDR_TEXT_MAX];
    cr_assert_str_eq(addr_format(proxy_relay(p), text), "192.0.2.7:8080");
    proxy_free(p);
    p = proxy_socks_new(&target, true);
    (void)proxy_input(p, (const uint8_t[]){5, 0}, 2);
    static const uint8_t named[] = {5, 0, 0, 3, 1, 'h', 0, 80};
    cr_assert_eq(proxy_input(p, named, sizeof(named)), PROXY_FAILED);
    proxy_free(p);
}
