/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "base/log.h"
#include "client/proxy.h"

static void quiet(void)
{
    log_settings_set(&(struct log_settings){.verb = 0});
}

TestSuite(proxy, .init = quiet);

static struct proxy *http(enum proxy_auth auth, const char *username)
{
    struct proxy_target target = {.host = "vpn.example", .port = 443, .username = username, .password = "secret"};
    struct proxy_http_options options = {.auth = auth};
    return proxy_http_new(&target, &options, rand_system());
}

static struct proxy *socks(bool udp, const char *username)
{
    struct proxy_target target = {.host = "vpn.example", .port = 443, .username = username, .password = "secret"};
    return proxy_socks_new(&target, udp);
}

/* Everything that waits is sent; @text must be part of it (NULL: anything). */
static void sends(struct proxy *p, const char *text)
{
    size_t len;
    cr_assert_eq(proxy_state(p), PROXY_SEND);
    const uint8_t *out = proxy_output(p, &len);
    cr_assert(text == NULL || memmem(out, len, text, strlen(text)), "\"%s\" is not in \"%.*s\"", text, (int)len, out);
    proxy_sent(p, len);
    cr_assert_eq(proxy_state(p), PROXY_WAIT);
}

static enum proxy_state says(struct proxy *p, const char *text)
{
    return proxy_input(p, (const uint8_t *)text, strlen(text));
}

Test(proxy, http_opens_the_way_and_keeps_what_follows)
{
    struct proxy *p = http(PROXY_AUTH_NONE, NULL);
    sends(p, "CONNECT vpn.example:443 HTTP/1.0\r\n");
    cr_assert_eq(says(p, "HTTP/1.1 200 Connec"), PROXY_WAIT);
    cr_assert_eq(says(p, "tion established\r\nVia: x\r\n\r\nearly"), PROXY_DONE);
    size_t len;
    const uint8_t *rest = proxy_leftover(p, &len);
    cr_assert_eq(len, 5);
    cr_assert_arr_eq(rest, "early", 5);
    proxy_free(p);
}

Test(proxy, http_output_may_leave_in_pieces)
{
    struct proxy *p = http(PROXY_AUTH_NONE, NULL);
    size_t all;
    size_t left;
    (void)proxy_output(p, &all);
    proxy_sent(p, 3);
    cr_assert_eq(proxy_state(p), PROXY_SEND);
    (void)proxy_output(p, &left);
    cr_assert_eq(left, all - 3);
    proxy_free(p);
}

Test(proxy, basic_is_sent_at_once_and_a_second_refusal_is_the_end)
{
    struct proxy *p = http(PROXY_AUTH_BASIC, "anna");
    sends(p, "Proxy-Authorization: Basic YW5uYTpzZWNyZXQ=\r\n");
    cr_assert_eq(says(p, "HTTP/1.0 407 Denied\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n"), PROXY_FAILED);
    cr_assert_eq(proxy_refusal(p), PROXY_REFUSAL_WRONG);
    proxy_free(p);
}

Test(proxy, auto_prefers_digest_on_a_new_connection)
{
    struct proxy *p = http(PROXY_AUTH_AUTO, "anna");
    sends(p, "CONNECT");
    cr_assert_eq(says(p, "HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                         "Proxy-Authenticate: Digest realm=\"x\", nonce=\"abc\", qop=\"auth\"\r\n\r\n"),
                 PROXY_RECONNECT);
    proxy_restart(p);
    sends(p, "Proxy-Authorization: Digest username=\"anna\"");
    cr_assert_eq(says(p, "HTTP/1.1 407 Login\r\nProxy-Authenticate: Digest realm=\"x\", nonce=\"abd\"\r\n\r\n"),
                 PROXY_FAILED, "a repeated refusal is final");
    cr_assert_eq(proxy_refusal(p), PROXY_REFUSAL_WRONG);
    proxy_free(p);
}

Test(proxy, auto_takes_basic_only_where_clear_text_is_allowed)
{
    const char *refusal = "HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n";
    struct proxy *p = http(PROXY_AUTH_AUTO, "anna");
    sends(p, NULL);
    cr_assert_eq(says(p, refusal), PROXY_RECONNECT);
    proxy_restart(p);
    sends(p, "Basic YW5uYTpzZWNyZXQ=");
    proxy_free(p);
    p = http(PROXY_AUTH_AUTO_NCT, "anna");
    sends(p, NULL);
    cr_assert_eq(says(p, refusal), PROXY_FAILED);
    cr_assert_eq(proxy_refusal(p), PROXY_REFUSAL_NONE, "another login would not help");
    proxy_free(p);
}

Test(proxy, a_login_is_missing_only_where_one_would_help)
{
    const char *refusal = "HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n";
    static const struct {
        enum proxy_auth auth;
        enum proxy_refusal expected;
    } cases[] = {{PROXY_AUTH_AUTO, PROXY_REFUSAL_MISSING},
                 {PROXY_AUTH_AUTO_NCT, PROXY_REFUSAL_NONE},
                 {PROXY_AUTH_NONE, PROXY_REFUSAL_NONE}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proxy *p = http(cases[i].auth, NULL);
        sends(p, NULL);
        cr_assert_eq(says(p, refusal), PROXY_FAILED);
        cr_assert_eq(proxy_refusal(p), cases[i].expected);
        proxy_free(p);
    }
}

Test(proxy, what_is_not_http_or_never_ends_fails)
{
    struct proxy *p = http(PROXY_AUTH_NONE, NULL);
    sends(p, NULL);
    cr_assert_eq(says(p, "SSH-2.0-OpenSSH\r\n\r\n"), PROXY_FAILED);
    proxy_free(p);
    p = http(PROXY_AUTH_NONE, NULL);
    sends(p, NULL);
    enum proxy_state state = says(p, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100 && state == PROXY_WAIT; i++) {
        char line[1001];
        memset(line, 'a', sizeof(line) - 1);
        line[1000] = '\0';
        memcpy(line, "X-Filler: ", 10);
        memcpy(line + 998, "\r\n", 2);
        state = says(p, line);
    }
    cr_assert_eq(state, PROXY_FAILED);
    proxy_free(p);
}

Test(proxy, socks_without_and_with_a_password)
{
    struct proxy *p = socks(false, NULL);
    size_t len;
    cr_assert_arr_eq(proxy_output(p, &len), "\x05\x01\x00", 3);
    sends(p, NULL);
    cr_assert_eq(proxy_input(p, (const uint8_t *)"\x05\x00", 2), PROXY_SEND);
    cr_assert_arr_eq(proxy_output(p, &len), "\x05\x01\x00\x03\x0bvpn.example\x01\xbb", 18);
    sends(p, NULL);
    cr_assert_eq(proxy_input(p, (const uint8_t *)"\x05\x00\x00\x01\x0a\x00\x00\x01\x00\x50", 10), PROXY_DONE);
    proxy_free(p);

    p = socks(false, "anna");
    cr_assert_arr_eq(proxy_output(p, &len), "\x05\x01\x02", 3);
    sends(p, NULL);
    cr_assert_eq(proxy_input(p, (const uint8_t *)"\x05\x02", 2), PROXY_SEND);
    cr_assert_arr_eq(proxy_output(p, &len), "\x01\x04" "anna\x06secret", 13);
    sends(p, NULL);
    cr_assert_eq(proxy_input(p, (const uint8_t *)"\x05\x00", 2), PROXY_SEND, "what 2.x programs expect is fine, too");
    proxy_free(p);
}

Test(proxy, socks_names_the_relay_for_udp)
{
    struct proxy *p = socks(true, NULL);
    sends(p, NULL);
    (void)proxy_input(p, (const uint8_t *)"\x05\x00", 2);
    sends(p, NULL);
    cr_assert_eq(proxy_input(p, (const uint8_t *)"\x05\x00\x00\x01\x0a\x00\x00\x07\x04\x38", 10), PROXY_DONE);
    char text[ADDR_TEXT_MAX];
    cr_assert_str_eq(addr_format_log(proxy_relay(p), text), "[AF_INET]10.0.0.7:1080");
    proxy_free(p);
}

Test(proxy, socks_that_refuses_or_lies_fails)
{
    static const struct {
        const char *bytes;
        size_t len;
    } greetings[] = {{"\x04\x00", 2}, {"\x05\xff", 2}, {"\x05\x7f", 2}};
    for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
        struct proxy *p = socks(false, NULL);
        sends(p, NULL);
        cr_assert_eq(proxy_input(p, (const uint8_t *)greetings[i].bytes, greetings[i].len), PROXY_FAILED);
        proxy_free(p);
    }
    struct proxy *p = socks(false, NULL);
    sends(p, NULL);
    (void)proxy_input(p, (const uint8_t *)"\x05\x00", 2);
    sends(p, NULL);
    cr_assert_eq(proxy_input(p, (const uint8_t *)"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", 10), PROXY_FAILED);
    proxy_free(p);
}
