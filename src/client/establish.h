/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_ESTABLISH_H
#define VPND_CLIENT_ESTABLISH_H

#include <stdbool.h>

struct client;

/*
 * From a finished handshake to "Initialization Sequence Completed": pushed options applied, data channel
 * negotiated, tunnel up (client behaviour spec, 6.5; control channel spec, 8.5). Loop thread only.
 */

/**
 * establish_pulled - the attempt in charge has a complete PUSH_REPLY: use it. Failures raise a restart.
 * @pause: when the device has to be opened anew, wait a moment in between
 */
void establish_pulled(struct client *c, bool pause);

/** establish_update - the attempt has a complete PUSH_UPDATE: change what it says, reopen the tunnel if needed. */
void establish_update(struct client *c);

/** establish_without_pull - a client without `pull`, or a point-to-point end, whose handshake is complete. */
void establish_without_pull(struct client *c);

/** establish_early_device - point-to-point: open the device before the peer is there (no up-delay); then @ready. */
void establish_early_device(struct client *c, void (*ready)(struct client *c));

/** establish_token - take a pushed auth-token out of what was pushed without touching anything else. */
void establish_token(struct client *c);

#endif
