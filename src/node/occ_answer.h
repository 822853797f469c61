/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_OCC_ANSWER_H
#define VPND_NODE_OCC_ANSWER_H

/* Answers to the OCC questions that the peer asks inside the tunnel. Loop thread only. */
#include <stddef.h>
#include <stdint.h>

struct dp;
struct settings;

/**
 * occ_answer - send the answer to an OCC message of @peer, if it is a question
 * What gets lost is asked again by the peer.
 */
void occ_answer(struct dp *dp, uint32_t peer, const struct settings *settings, const uint8_t *message, size_t len);

#endif
