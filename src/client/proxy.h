/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_PROXY_H
#define VPND_CLIENT_PROXY_H

/*
 * The conversation with a proxy, over a TCP connection that somebody else owns: bytes in, bytes out, a verdict.
 * HTTP CONNECT and SOCKS5 behind one face, without I/O or a clock (client behaviour spec, 3).
 * Loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/rand.h"

struct proxy;

enum proxy_state {
    PROXY_SEND,      /* there is output: proxy_output(); then wait for input */
    PROXY_WAIT,      /* input is needed */
    PROXY_DONE,      /* the way to the server is open; proxy_leftover() belongs to the tunnel */
    PROXY_RECONNECT, /* open a new connection to the proxy and call proxy_restart() (HTTP digest) */
    PROXY_FAILED,    /* logged */
};

/** HTTP: methods that may be used. */
enum proxy_auth { PROXY_AUTH_NONE, PROXY_AUTH_BASIC, PROXY_AUTH_AUTO, PROXY_AUTH_AUTO_NCT };

/** Whom to reach through the proxy, as whom. Copied. */
struct proxy_target {
    const char *host;
    uint16_t port;
    const char *username; /* NULL: none known */
    const char *password;
};

/** Details of the CONNECT request. Copied. */
struct proxy_http_options {
    enum proxy_auth auth;
    const char *version;        /* NULL: "1.0" */
    const char *user_agent;     /* NULL: none */
    const char *const *headers; /* whole lines, at most 10 */
    size_t header_count;
};

/** proxy_http_new - a CONNECT dialogue that has its first request ready. @rand: for digest's cnonce. */
struct proxy *proxy_http_new(const struct proxy_target *target, const struct proxy_http_options *options,
                             const struct rand_source *rand);

/** proxy_socks_new - a SOCKS5 dialogue; @udp: ask for a relay instead of a connection (target is not told). */
struct proxy *proxy_socks_new(const struct proxy_target *target, bool udp);

/** proxy_free - wipe and release; NULL is fine. */
void proxy_free(struct proxy *proxy);

/** proxy_state - what to do next. */
enum proxy_state proxy_state(const struct proxy *proxy);

/** proxy_output - bytes to send; they count as sent once proxy_sent() was called. */
const uint8_t *proxy_output(const struct proxy *proxy, size_t *len);

/** proxy_sent - @n bytes of the output were written. */
void proxy_sent(struct proxy *proxy, size_t n);

/** proxy_input - bytes from the proxy. Return: the new state. */
enum proxy_state proxy_input(struct proxy *proxy, const uint8_t *data, size_t len);

/** proxy_restart - a new connection stands, after PROXY_RECONNECT. */
void proxy_restart(struct proxy *proxy);

/** proxy_leftover - after PROXY_DONE: bytes behind the dialogue. */
const uint8_t *proxy_leftover(const struct proxy *proxy, size_t *len);

/** proxy_relay - after PROXY_DONE with udp: the relay's address (unspecified: use the proxy's own). */
const union addr *proxy_relay(const struct proxy *proxy);

/** What was wrong with user and password. */
enum proxy_refusal {
    PROXY_REFUSAL_NONE,    /* nothing, or it failed for another reason */
    PROXY_REFUSAL_MISSING, /* the proxy wants a login and none was given */
    PROXY_REFUSAL_WRONG,   /* what was given is not accepted */
};

/** proxy_refusal - why it failed, as far as the login is concerned. */
enum proxy_refusal proxy_refusal(const struct proxy *proxy);

#endif
