/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_EXTERNAL_H
#define VPND_CLIENT_EXTERNAL_H

/*
 * management-external-key: signatures that TLS needs on a pool thread are asked for on the loop, one after the other.
 * The thread waits, the loop does not.
 */
#include "auth/external_key.h"

struct client;
struct external;

/** external_new - for the configuration's flags. Loop thread. */
struct external *external_new(struct client *c);

/** external_key - what tls_setup_new() wants, with the flags of the configuration as it is now; lives as long as
 *  @external. */
const struct external_key *external_key(struct external *external);

/** external_cancel - signatures that are being waited for fail now. Loop thread. NULL is fine. */
void external_cancel(struct external *external);

/** external_stop - every signature fails from now on; before the loop is closed. NULL is fine. */
void external_stop(struct external *external);

/** external_free - after the loop was closed, and with it the last session. NULL is fine. */
void external_free(struct external *external);

#endif
