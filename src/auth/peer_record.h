/* SPDX-License-Identifier: MIT */
#ifndef VPND_AUTH_PEER_RECORD_H
#define VPND_AUTH_PEER_RECORD_H

/* How the certificate checks fill a struct auth_peer. For verify.c only; thread: the one that runs the session. */
#include <stdbool.h>
#include <stdint.h>

#include "auth/peer.h"
#include "config/config_types.h"

struct x509_st;

/** peer_record_begin - a handshake starts: what the one before brought is not valid any more. */
void peer_record_begin(struct auth_peer *peer);

/** peer_record_certificate - @cert passed the library's checks at @depth. Called root first. Return: 0, ERR_FORMAT. */
int peer_record_certificate(struct auth_peer *peer, unsigned depth, struct x509_st *cert,
                            const struct config_x509_track_list *track, bool keep_pem);

/** peer_record_name - the leaf's common name. */
void peer_record_name(struct auth_peer *peer, const char *common_name);

/** peer_record_accept - the whole chain passed. Return: false (and nothing is accepted) when the leaf is missing. */
bool peer_record_accept(struct auth_peer *peer);

/** peer_record_tag - prefix for log lines, or NULL. */
const char *peer_record_tag(const struct auth_peer *peer);

#endif
