/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_CERT_HOOK_H
#define VPND_AUTH_CERT_HOOK_H

/*
 * The user's programs look at the peer's chain (tls-verify, plug-ins): EVENT_TLS_VERIFY for each certificate, root
 * first. It is asked after the handshake, before anything of it is used, so that no program runs inside TLS.
 * Thread: loop.
 */
#include <stdbool.h>

struct auth_peer;
struct cert_hook;
struct config;
struct env;
struct event_bus;

/**
 * cert_hook_start - ask about all certificates of @peer
 * @peer: must not change while this runs (its session is at rest, or a copy of the verdict waits)
 * @env:  base of the programs' environment, copied
 * @done: called exactly once unless cancelled, maybe before this returns
 * Return: handle for cert_hook_cancel(), or NULL when @done was called already.
 */
struct cert_hook *cert_hook_start(struct event_bus *bus, const struct config *config, const struct auth_peer *peer,
                                  const struct env *env, void (*done)(void *arg, bool accepted), void *arg);

/** cert_hook_cancel - the asker is going away; NULL is fine. */
void cert_hook_cancel(struct cert_hook *hook);

#endif
