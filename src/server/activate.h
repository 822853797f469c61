/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_ACTIVATE_H
#define VPND_SERVER_ACTIVATE_H

/*
 * From an admitted client to data that flows: negotiation, data-plane peer, keys, routes, push reply; and back
 * (spec: server behaviour, 3.1 step 9; control channel session, 11.6). Loop thread.
 */
#include <stdint.h>

struct instance;
struct session;

/** activate_begin - the connect stage is over. Ends in instance_admitted() or instance_refuse(). */
void activate_begin(struct instance *instance);

/** activate_restart - a new session of a connected client was promoted: same peer and addresses, its key @key_id. */
void activate_restart(struct instance *instance, struct session *session, uint8_t key_id);

/** activate_renewed - a renegotiated key is ready. */
void activate_renewed(struct instance *instance, struct session *session, uint8_t key_id);

/** activate_undo - the client goes: addresses back to the pool, its last counters kept. */
void activate_undo(struct instance *instance);

/** activate_farewell - the data plane has forgotten the client: client-disconnect, addresses unlearnt. */
void activate_farewell(struct instance *instance);

#endif
