/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_PROXY_DIALOGUE_H
#define VPND_CLIENT_PROXY_DIALOGUE_H

/*
 * What the HTTP and the SOCKS dialogue share; for proxy*.c only.
 */
#include "base/span.h"
#include "client/proxy.h"
#include "wire/http_connect.h"
#include "wire/socks.h"

struct proxy_dialogue {
    /** compose the first request of a connection */
    void (*begin)(struct proxy *p);
    /** look at the input: 1 progress was made (call again), 0 more bytes needed, negative: failed (logged) */
    int (*step)(struct proxy *p, struct rd *in);
};

struct proxy {
    const struct proxy_dialogue *dialogue;
    enum proxy_state state;
    char *host;
    uint16_t port;
    char *username;
    char *password;
    uint8_t out[HTTP_CONNECT_REQUEST_MAX];
    size_t out_len;
    size_t out_sent;
    uint8_t in[HTTP_CONNECT_RESPONSE_MAX + 1];
    size_t in_len;
    size_t in_used;
    enum proxy_refusal refusal;

    /* HTTP */
    enum proxy_auth auth;
    char *version;
    char *user_agent;
    char *headers[HTTP_CONNECT_HEADERS_MAX];
    const struct rand_source *rand;
    char authorization[HTTP_CONNECT_AUTH_MAX];
    unsigned challenges; /* 407 seen */

    /* SOCKS */
    bool udp;
    unsigned stage;
    union addr relay;
};

/** proxy_new - common part. */
struct proxy *proxy_new(const struct proxy_dialogue *dialogue, const struct proxy_target *target);

#endif
