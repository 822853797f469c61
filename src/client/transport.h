/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_TRANSPORT_H
#define VPND_CLIENT_TRANSPORT_H

/*
 * The way to one address of one server: a UDP socket, a TCP connection, or either through a proxy; made without
 * blocking, then handed to the data plane (client behaviour spec, 2.4, 2.5, 3). Loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "client/proxy.h"
#include "client/restart.h"
#include "dp/dp.h"
#include "node/loop.h"
#include "sys/sock.h"

struct transport;

struct transport_callbacks {
    /** The path is ready for control packets. Never called from within transport_start(). */
    void (*ready)(void *arg, const struct dp_path *path);
    /** It failed, or broke later on (logged). Called at most once; free the transport now or later. */
    void (*failed)(void *arg, enum restart_reason reason);
    void *arg;
};

/** Where to and how. Copied, except @proxy, whose ownership passes. */
struct transport_request {
    bool tcp;
    union addr remote;         /* the server; through a proxy: AF_UNSPEC unless UDP through SOCKS needs it */
    union addr proxy_address;  /* AF_UNSPEC: direct */
    struct proxy *proxy;       /* NULL: direct */
    bool proxy_is_http;        /* decides the reason text of a failure */
    bool bind;
    union addr local;          /* with @bind: address (may be the wildcard) and port */
    struct sock_options socket;
    bool quiet;                /* no line but for what is wrong with this host */
    /** Before the first packet to @peer; NULL: nobody wants to know. */
    void (*opening)(void *arg, const union addr *peer, bool tcp);
    void *opening_arg;
    const char *family_text;   /* "UDPv4", "TCPv6_CLIENT": for log lines; static */
};

/** transport_start - begin. Return: a handle, never NULL; a failure is reported through the callback. */
struct transport *transport_start(struct loop *loop, struct dp *dp, const struct transport_request *request,
                                  const struct transport_callbacks *callbacks);

/** transport_free - give up or close: listener or connection leave the data plane. NULL is fine. */
void transport_free(struct transport *transport);

/** transport_path - the path once ready was called, else NULL. */
const struct dp_path *transport_path(const struct transport *transport);

/** transport_outer - whom packets of this host really go to: server, proxy or relay; AF_UNSPEC before ready. */
const union addr *transport_outer(const struct transport *transport);

/** transport_local_gone - TCP: the address that the connection began from is no address of this host any more. */
bool transport_local_gone(const struct transport *transport);

/** transport_owns - whether an event of the data plane for @path belongs here. */
bool transport_owns(const struct transport *transport, const struct dp_path *path);

/** transport_set_socket - pushed sndbuf, rcvbuf (0: leave) and bind-dev (NULL: leave) for the socket in use. */
void transport_set_socket(struct transport *transport, unsigned sndbuf, unsigned rcvbuf, const char *bind_dev);

/** transport_proxy_refusal - whether the failure has to do with the login at the proxy. */
enum proxy_refusal transport_proxy_refusal(const struct transport *transport);

#endif
