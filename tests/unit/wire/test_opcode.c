/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "wire/opcode.h"

Test(opcode, first_byte_round_trips)
{
    cr_assert_eq(opcode_byte(OPCODE_HARD_RESET_CLIENT_V2, 0), 0x38);
    cr_assert_eq(opcode_byte(OPCODE_SOFT_RESET_V1, 1), 0x19);
    cr_assert_eq(opcode_byte(OPCODE_CONTROL_WKC_V1, 0), 0x58);
    for (unsigned b = 0; b < 256; b++) {
        cr_assert_eq(opcode_byte(opcode_of((uint8_t)b), opcode_key_id((uint8_t)b)), b);
    }
}

Test(opcode, only_live_opcodes_are_control_or_data)
{
    unsigned control = 0;
    unsigned data = 0;
    for (unsigned op = 0; op < 32; op++) {
        control += opcode_is_control(op);
        data += opcode_is_data(op);
        cr_assert_not(opcode_is_control(op) && opcode_is_data(op));
    }
    cr_assert_eq(control, 7);
    cr_assert_eq(data, 2);
    cr_assert_not(opcode_is_control(OPCODE_HARD_RESET_CLIENT_V1));
    cr_assert_not(opcode_is_control(12));
}

Test(opcode, names_never_null)
{
    for (unsigned op = 0; op < 300; op++) {
        cr_assert_not_null(opcode_name(op));
    }
    cr_assert_str_eq(opcode_name(OPCODE_ACK_V1), "P_ACK_V1");
    cr_assert_str_eq(opcode_name(0), "P_???");
    cr_assert_str_eq(opcode_name(31), "P_???");
}
