/* SPDX-License-Identifier: MIT */
#ifndef VPND_SERVER_PORT_SHARE_RULE_H
#define VPND_SERVER_PORT_SHARE_RULE_H

#include <stddef.h>

enum port_share_verdict {
    PORT_SHARE_MORE,    /* not enough bytes yet */
    PORT_SHARE_VPN,     /* ours */
    PORT_SHARE_FOREIGN, /* relay it */
};

/** port_share_judge - whose connection begins with these bytes (spec: server behaviour, 9; but a length that only
 *  tls-crypt-v2 has is no verdict before the opcode is there). Pure. */
enum port_share_verdict port_share_judge(const void *first, size_t len);

#endif
