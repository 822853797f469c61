/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/proxy.h"
#include "client/proxy_dialogue.h"

#define STATUS_OK 200u
#define STATUS_AUTH_REQUIRED 407u
#define TARGET_MAX 300
#define CNONCE_BYTES 8

static void begin(struct proxy *p)
{
    struct http_connect_request request = {
        .host = p->host,
        .port = p->port,
        .version = p->version,
        .user_agent = p->user_agent,
        .authorization = p->authorization[0] ? p->authorization : NULL,
    };
    for (size_t i = 0; i < HTTP_CONNECT_HEADERS_MAX; i++) {
        request.headers[i] = p->headers[i];
    }
    struct wr w = wr_init(p->out, sizeof(p->out));
    if (http_connect_request(&w, &request)) {
        log_error("http-proxy: the CONNECT request does not fit or has a line break in it; check http-proxy-option");
        p->state = PROXY_FAILED;
        return;
    }
    p->out_len = wr_len(&w);
    p->out_sent = 0;
    p->state = PROXY_SEND;
}

static int use_basic(struct proxy *p)
{
    return http_connect_basic(p->username, p->password, p->authorization, sizeof(p->authorization));
}

static int use_digest(struct proxy *p, struct span challenge)
{
    char target[TARGET_MAX];
    int e = http_connect_target(p->host, p->port, target, sizeof(target));
    if (e < 0) {
        return e;
    }
    uint8_t random[CNONCE_BYTES];
    rand_fill(p->rand, random, sizeof(random));
    char *cnonce = base64_encode(random, sizeof(random));
    e = http_connect_digest(challenge, p->username, p->password, target, cnonce, p->authorization,
                            sizeof(p->authorization));
    free(cnonce);
    return e;
}

static int missing(struct proxy *p)
{
    p->refusal = PROXY_REFUSAL_MISSING;
    log_usual("HTTP proxy asks for a login");
    return ERR_AUTH;
}

/* Whether the configured methods allow one that the proxy offers. */
static int choose(const struct proxy *p, const struct http_connect_response *response)
{
    bool basic = response->schemes & HTTP_CONNECT_BASIC;
    if ((response->schemes & HTTP_CONNECT_DIGEST) || (basic && p->auth == PROXY_AUTH_AUTO)) {
        return 0;
    }
    if (response->schemes & HTTP_CONNECT_OTHER_DIGEST) {
        log_error("HTTP proxy: cannot answer its challenge: no Digest with realm, nonce and algorithm MD5 or MD5-sess");
    } else if (basic) {
        log_error("HTTP proxy offers only the Basic method, which \"auto-nct\" forbids (no clear text)");
    } else {
        log_error("HTTP proxy offers no method of authentication that this program knows (Basic, Digest)");
    }
    return ERR_UNSUPPORTED;
}

/* A 407: choose what to answer on a new connection. */
static int challenged(struct proxy *p, const struct http_connect_response *response)
{
    if (p->challenges++ > 0 || p->auth == PROXY_AUTH_BASIC) {
        p->refusal = PROXY_REFUSAL_WRONG;
        log_error("HTTP proxy asks for a login: user name or password is wrong");
        return ERR_AUTH;
    }
    if (p->auth == PROXY_AUTH_NONE) {
        log_error("HTTP proxy asks for a login: give http-proxy a file with user name and password, or \"auto\"");
        return ERR_AUTH;
    }
    int e = choose(p, response);
    if (e < 0) {
        return e;
    }
    if (!p->username || !p->password) {
        return missing(p);
    }
    e = response->schemes & HTTP_CONNECT_DIGEST ? use_digest(p, response->digest) : use_basic(p);
    if (e < 0) {
        log_error("HTTP proxy: cannot answer its challenge: %s", err_str(e));
        return e;
    }
    p->state = PROXY_RECONNECT;
    return 1;
}

static int step(struct proxy *p, struct rd *in)
{
    struct http_connect_response response;
    int e = http_connect_response(in, &response);
    if (e < 0) {
        log_error("HTTP proxy: the answer is not HTTP or its headers never end");
        return e;
    }
    if (e == 0) {
        return 0;
    }
    if (response.status == STATUS_OK) {
        p->state = PROXY_DONE;
        return 1;
    }
    if (response.status == STATUS_AUTH_REQUIRED) {
        return challenged(p, &response);
    }
    log_error("HTTP proxy returned bad status: %u %.*s", response.status, (int)response.reason.len,
              (const char *)response.reason.data);
    return ERR_AUTH;
}

static const struct proxy_dialogue http_dialogue = {.begin = begin, .step = step};

struct proxy *proxy_http_new(const struct proxy_target *target, const struct proxy_http_options *options,
                             const struct rand_source *rand)
{
    struct proxy *p = proxy_new(&http_dialogue, target);
    p->auth = options->auth;
    p->version = mem_strdup(options->version);
    p->user_agent = mem_strdup(options->user_agent);
    for (size_t i = 0; i < options->header_count && i < HTTP_CONNECT_HEADERS_MAX; i++) {
        p->headers[i] = mem_strdup(options->headers[i]);
    }
    p->rand = rand;
    if (p->auth == PROXY_AUTH_BASIC && p->username && p->password && use_basic(p) < 0) {
        p->authorization[0] = '\0';
    }
    begin(p);
    return p;
}
