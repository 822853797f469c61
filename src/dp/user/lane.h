/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_LANE_H
#define VPND_DP_USER_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A worker has several queues of the device, its lanes. Linux puts a flow's packets into the queue on which userspace
 * last wrote that flow. So what is written spread over the lanes, flow by flow, comes back spread: a call or a ping
 * does not wait behind the megabytes that a download has queued (stochastic fairness queueing).
 */

/**
 * lane_of_packet - the lane for a packet that is about to be written
 * @packet: IP packet or, with @tap, Ethernet frame; anything, of any length
 * @lanes: at least 1
 *
 * All packets of a TCP or UDP flow have one lane; fragments have one for their addresses. The first lane is kept for
 * what is neither TCP nor UDP.
 * Return: below @lanes.
 */
unsigned lane_of_packet(const uint8_t *packet, size_t len, bool tap, unsigned lanes);

#endif
