/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_CERT_HOOK_H
#define VPND_AUTH_CERT_HOOK_H

/*
 * The user's programs look at the peer's chain (tls-verify, plug-ins): EVENT_TLS_VERIFY for each certificate, root
 * first. It is asked after the handshake, before anything of it is used, so that no program runs inside TLS.
 * Thread: loop.
 */
#include <stdbool.h>
#include <stdint.h>

struct auth_peer;
struct cert_hook;
struct config;
struct env;
struct event_bus;

struct cert_hook_result {
    bool accepted;
    unsigned depth; /* refused: of which certificate */
};

struct cert_hook_request {
    struct event_bus *bus;
    const struct config *config;
    const struct auth_peer *peer; /* must not change while this runs (its session waits for the verdict) */
    bool has_client;              /* on a server: of whom, as in struct event */
    uint64_t client_id;
    const struct env *env;        /* base of the programs' environment, copied */
    void (*done)(void *arg, const struct cert_hook_result *result); /* exactly once unless cancelled */
    void *arg;
};

/**
 * cert_hook_start - ask about all certificates of the peer
 * Return: handle for cert_hook_cancel(), or NULL when done was called already.
 */
struct cert_hook *cert_hook_start(const struct cert_hook_request *request);

/** cert_hook_cancel - the asker is going away; NULL is fine. */
void cert_hook_cancel(struct cert_hook *hook);

#endif
