/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_PACKET_H
#define VPND_DP_USER_PACKET_H

#include <stdint.h>

#include "dp/dp.h"

#define PACKET_OK DP_DROP_COUNT /* packet.verdict: keep it */

/** One packet on its way through the stages: what @data means changes from stage to stage (payload, record). */
struct packet {
    uint8_t *data;
    uint32_t len;
    uint16_t verdict; /* PACKET_OK, or the enum dp_drop under which it is counted */
    uint16_t source;  /* receive: index of the datagram's address */
};

#endif
