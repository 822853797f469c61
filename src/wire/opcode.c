/* SPDX-License-Identifier: MIT */
#include "wire/opcode.h"

const char *opcode_name(unsigned op)
{
    static const char *const names[] = {
        [OPCODE_HARD_RESET_CLIENT_V1] = "P_CONTROL_HARD_RESET_CLIENT_V1",
        [OPCODE_HARD_RESET_SERVER_V1] = "P_CONTROL_HARD_RESET_SERVER_V1",
        [OPCODE_SOFT_RESET_V1] = "P_CONTROL_SOFT_RESET_V1",
        [OPCODE_CONTROL_V1] = "P_CONTROL_V1",
        [OPCODE_ACK_V1] = "P_ACK_V1",
        [OPCODE_DATA_V1] = "P_DATA_V1",
        [OPCODE_HARD_RESET_CLIENT_V2] = "P_CONTROL_HARD_RESET_CLIENT_V2",
        [OPCODE_HARD_RESET_SERVER_V2] = "P_CONTROL_HARD_RESET_SERVER_V2",
        [OPCODE_DATA_V2] = "P_DATA_V2",
        [OPCODE_HARD_RESET_CLIENT_V3] = "P_CONTROL_HARD_RESET_CLIENT_V3",
        [OPCODE_CONTROL_WKC_V1] = "P_CONTROL_WKC_V1",
    };
    return op < sizeof(names) / sizeof(names[0]) && names[op] ? names[op] : "P_???";
}
