/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "vectors.h"
#include "wire/http_connect.h"

static void requests(const struct http_connect_request *request, const char *expect)
{
    char out[HTTP_CONNECT_REQUEST_MAX] = {0};
    struct wr w = wr_init(out, sizeof(out) - 1);
    cr_assert_eq(http_connect_request(&w, request), 0);
    cr_assert_str_eq(out, expect);
}

Test(http_connect, requests_of_the_vectors)
{
    json_t *root = vectors_load("proxy.json");
    const json_t *rows = json_object_get(root, "http_connect");
    struct http_connect_request first = {.host = "10.99.0.1", .port = 1194, .version = "1.1", .user_agent = "Foo",
                                         .headers = {"X-A: b", "X-C:d"}};
    requests(&first, vectors_text(json_array_get(rows, 0), "request"));
    char basic[64];
    cr_assert_gt(http_connect_basic("pu", "pp", basic, sizeof(basic)), 0);
    struct http_connect_request second = {.host = "10.99.0.1", .port = 1194, .authorization = basic};
    requests(&second, vectors_text(json_array_get(rows, 1), "request"));
    json_decref(root);
}

Test(http_connect, ipv6_gets_brackets_and_a_custom_host_wins)
{
    struct http_connect_request request = {.host = "2001:db8::1", .port = 443, .keep_alive = true};
    requests(&request, "CONNECT [2001:db8::1]:443 HTTP/1.0\r\nHost: [2001:db8::1]\r\n"
                       "Proxy-Connection: Keep-Alive\r\n\r\n");
    request = (struct http_connect_request){.host = "h", .port = 1, .headers = {"host: other"}};
    requests(&request, "CONNECT h:1 HTTP/1.0\r\nhost: other\r\n\r\n");
}

Test(http_connect, no_line_breaks_get_in)
{
    char out[512];
    struct http_connect_request bad[] = {
        {.host = "h\r\nX: y", .port = 1},
        {.host = "h x", .port = 1},
        {.host = "h", .port = 1, .user_agent = "a\nb"},
        {.host = "h", .port = 1, .headers = {"A: b", "C: d\r\n\r\nGET"}},
        {.host = "h", .port = 1, .authorization = "Basic x\r"},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct wr w = wr_init(out, sizeof(out));
        cr_assert_eq(http_connect_request(&w, &bad[i]), ERR_FORMAT, "%u", i);
    }
    struct http_connect_request fine = {.host = "h", .port = 1};
    struct wr w = wr_init(out, 20);
    cr_assert_eq(http_connect_request(&w, &fine), ERR_LIMIT);
}

Test(http_connect, digest_of_the_vectors)
{
    json_t *root = vectors_load("proxy.json");
    const json_t *row = json_array_get(json_object_get(root, "http_digest"), 0);
    const char *text = vectors_text(row, "challenge");
    const char *list = strstr(text, "Digest ") + 7;
    char out[HTTP_CONNECT_AUTH_MAX];
    char header[HTTP_CONNECT_AUTH_MAX];
    struct span challenge = {(const uint8_t *)list, strlen(list)};
    int len = http_connect_digest(challenge, "pu", "pp", vectors_text(row, "uri"), vectors_text(row, "cnonce"), out,
                                  sizeof(out));
    cr_assert_eq((size_t)len, strlen(out));
    snprintf(header, sizeof(header), "Proxy-Authorization: %s", out);
    cr_assert_str_eq(header, vectors_text(row, "header"));

    row = json_array_get(json_object_get(root, "http_digest"), 1);
    list = "nonce=\"abc\" , qop=\"auth-int, auth\",algorithm=MD5-sess,realm=r";
    challenge = (struct span){(const uint8_t *)list, strlen(list)};
    len = http_connect_digest(challenge, "pu", "pp", vectors_text(row, "uri"), vectors_text(row, "cnonce"), out,
                              sizeof(out));
    cr_assert_gt(len, 0);
    cr_assert(strstr(out, vectors_text(row, "response")), "%s", out);
    json_decref(root);
}

static int digest(const char *list)
{
    char out[HTTP_CONNECT_AUTH_MAX];
    return http_connect_digest((struct span){(const uint8_t *)list, strlen(list)}, "u", "p", "h:1", "c", out,
                               sizeof(out));
}

Test(http_connect, challenges_that_cannot_be_answered)
{
    cr_assert_eq(digest("realm=\"r\""), ERR_FORMAT);
    cr_assert_eq(digest(""), ERR_FORMAT);
    cr_assert_eq(digest("xrealm=\"r\", noncex=1, \"nonce=3\""), ERR_FORMAT);
    cr_assert_eq(digest("realm=r,nonce=n,algorithm=SHA-256"), ERR_UNSUPPORTED);
    cr_assert_eq(digest("realm=r,nonce=n,qop=\"auth-int\""), ERR_UNSUPPORTED);
    cr_assert_gt(digest("realm=r,nonce=n"), 0, "RFC 2069");
    cr_assert_eq(digest("realm=\"unclosed, nonce=n , nonce=\"x"), ERR_FORMAT);
    cr_assert_eq(digest("realm=\"a\\\"b, nonce=no\", nonce"), ERR_FORMAT);
}

static int respond(const char *text, struct http_connect_response *out, size_t *left)
{
    struct rd r = rd_init(text, strlen(text));
    int got = http_connect_response(&r, out);
    *left = rd_left(&r);
    return got;
}

Test(http_connect, responses)
{
    struct http_connect_response out;
    size_t left;
    const char *ok = "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nXY";
    cr_assert_eq(respond(ok, &out, &left), 1);
    cr_assert_eq(out.status, 200);
    cr_assert_eq(left, 2, "what follows belongs to the tunnel");
    cr_assert_eq(out.reason.len, strlen("Connection established"));
    for (size_t cut = 0; cut < strlen(ok) - 2; cut++) {
        struct rd r = rd_init(ok, cut);
        cr_assert_eq(http_connect_response(&r, &out), 0, "at %zu", cut);
        cr_assert_eq(rd_left(&r), cut);
    }
    const char *need = "HTTP/1.0 407 x\nProxy-Authenticate: Basic realm=\"a\"\n"
                       "proxy-authenticate:Digest realm=b, nonce=n\n"
                       "Proxy-Authenticate: NTLM TlRMTVNTUAAC\n\n";
    cr_assert_eq(respond(need, &out, &left), 1);
    cr_assert_eq(out.status, 407);
    cr_assert_eq(out.schemes, HTTP_CONNECT_BASIC | HTTP_CONNECT_DIGEST | HTTP_CONNECT_NTLM);
    cr_assert_eq(out.digest.len, strlen("realm=b, nonce=n"));
    cr_assert_eq(out.ntlm.len, strlen("TlRMTVNTUAAC"));
    cr_assert_eq(respond("HTTP/1.1 200\r\n\r\n", &out, &left), 1);
}

struct offer {
    const char *headers;
    unsigned schemes;
    const char *digest; /* the challenge to answer */
};

Test(http_connect, of_several_challenges_the_best_is_chosen)
{
#define ASK "Proxy-Authenticate: "
#define MD5_TEXT "realm=\"a, Basic\", nonce=\"m\", algorithm=MD5"
#define SHA_TEXT "realm=\"a\", qop=\"auth\" , nonce=\"s\", algorithm=SHA-256"
    static const unsigned both = HTTP_CONNECT_DIGEST | HTTP_CONNECT_BASIC;
    static const struct offer offers[] = {
        {ASK "Digest " MD5_TEXT "\n" ASK "Digest " SHA_TEXT "\n", HTTP_CONNECT_DIGEST, MD5_TEXT},
        {ASK "Digest " SHA_TEXT "\n" ASK "Digest " MD5_TEXT "\n", HTTP_CONNECT_DIGEST | HTTP_CONNECT_OTHER_DIGEST,
         MD5_TEXT},
        {ASK "Digest " MD5_TEXT "\n" ASK "Digest realm=a,nonce=2\n", HTTP_CONNECT_DIGEST, MD5_TEXT},
        {ASK "Basic realm=\"b\"\n" ASK "Digest " MD5_TEXT "\n", both, MD5_TEXT},
        {ASK "Digest " MD5_TEXT "\n" ASK "Basic realm=\"b\"\n", both, MD5_TEXT},
        {ASK "Basic realm=\"b, Digest nonce=1\", Digest " MD5_TEXT "\n", both, MD5_TEXT},
        {ASK "Digest " MD5_TEXT " ,, Basic realm=\"b\"\n", both, MD5_TEXT " "},
        {ASK "Digest " SHA_TEXT ", Digest " MD5_TEXT ", NTLM, Basic realm=b\n",
         both | HTTP_CONNECT_OTHER_DIGEST | HTTP_CONNECT_NTLM, MD5_TEXT},
        {ASK "Negotiate, Digest " MD5_TEXT "\n", HTTP_CONNECT_DIGEST, MD5_TEXT},
        {ASK "Digest realm=\"a\\\", Basic \", nonce=n\n", HTTP_CONNECT_DIGEST, "realm=\"a\\\", Basic \", nonce=n"},
        {ASK "Digest " SHA_TEXT "\n" ASK "Basic realm=b\n", HTTP_CONNECT_OTHER_DIGEST | HTTP_CONNECT_BASIC, ""},
        {ASK "Digest realm=\"unclosed, nonce=n, Basic\n", HTTP_CONNECT_OTHER_DIGEST, ""},
        {ASK " , ,\n" ASK "\n", 0, ""},
        {ASK "=,Basic=, \"\n", 0, ""},
    };
    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
        char text[1024];
        struct http_connect_response out;
        size_t left;
        snprintf(text, sizeof(text), "HTTP/1.1 407 x\n%s\n", offers[i].headers);
        cr_assert_eq(respond(text, &out, &left), 1, "%zu", i);
        cr_assert_eq(out.schemes, offers[i].schemes, "%zu: %x", i, out.schemes);
        cr_assert_eq(out.digest.len, strlen(offers[i].digest), "%zu: %.*s", i, (int)out.digest.len,
                     (const char *)out.digest.data);
        cr_assert(out.digest.len == 0 || memcmp(out.digest.data, offers[i].digest, out.digest.len) == 0, "%zu", i);
    }
}

Test(http_connect, what_is_not_http)
{
    struct http_connect_response out;
    size_t left;
    cr_assert_eq(respond("SSH-2.0-x\r\n", &out, &left), ERR_FORMAT);
    cr_assert_eq(respond("X", &out, &left), ERR_FORMAT);
    cr_assert_eq(respond("HTTP/1.1 2x0 no\r\n\r\n", &out, &left), ERR_FORMAT);
    cr_assert_eq(respond("HTTP/1.1 2000 no\r\n\r\n", &out, &left), ERR_FORMAT);
    cr_assert_eq(respond("HTTP/11 200 no\r\n\r\n", &out, &left), ERR_FORMAT);
    cr_assert_eq(respond("HTTP/1.1 20\r\n\r\n", &out, &left), ERR_FORMAT);
    static char endless[HTTP_CONNECT_RESPONSE_MAX + 100];
    memset(endless, 'x', sizeof(endless) - 1);
    memcpy(endless, "HTTP/1.1 200 ", 13);
    cr_assert_eq(respond(endless, &out, &left), ERR_LIMIT);
}
