/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_CONNECT_H
#define VPND_SERVER_CONNECT_H

/*
 * The connect stage of a client whose login was accepted (spec: server behaviour, 3.1): name, older clients of the
 * same name, addresses, client-config-dir, hooks. Every step may take its time; nothing blocks. Loop thread.
 */
struct instance;
struct server;

/** connect_begin - start it; activate_begin() follows, or a refusal. */
void connect_begin(struct instance *instance);

/** connect_cancel - the client is going away: stop what runs. Harmless when nothing does. */
void connect_cancel(struct instance *instance);

/** connect_resume - an older client is gone: go on with those that waited for it. */
void connect_resume(struct server *server);

#endif
