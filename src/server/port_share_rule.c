/* SPDX-License-Identifier: MIT */
#include "server/port_share_rule.h"

#include "base/span.h"

#define CLIENT_RESET_V2 0x38 /* opcode 7, key id 0 */
#define CLIENT_RESET_V3 0x50 /* opcode 10, key id 0 */

static enum port_share_verdict verdict(bool ours)
{
    return ours ? PORT_SHARE_VPN : PORT_SHARE_FOREIGN;
}

enum port_share_verdict port_share_judge(const void *first, size_t len)
{
    struct rd r = rd_init(first, len);
    unsigned length = rd_u16(&r);
    if (!rd_ok(&r)) {
        return PORT_SHARE_MORE;
    }
    bool reset_v2 = length >= 14 && length <= 255;
    bool reset_v3 = length >= 336 && length < 1279;
    if (len == 2) {
        return reset_v3 ? PORT_SHARE_MORE : verdict(reset_v2);
    }
    uint8_t opcode = rd_u8(&r);
    return verdict((reset_v2 && opcode == CLIENT_RESET_V2) || (reset_v3 && opcode == CLIENT_RESET_V3));
}
