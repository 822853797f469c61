/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "wire/ether.h"

Test(ether, plain_tagged_and_double_tagged)
{
    uint8_t frame[64] = {[0] = 1, [12] = 0x08, [13] = 0x06};
    struct ether_frame e;
    cr_assert_eq(ether_parse(frame, 14, &e), 0);
    cr_assert_eq(e.type, ETHER_ARP);
    cr_assert_eq(e.l3_offset, 14);
    cr_assert_not(e.tagged);
    cr_assert(ether_is_group(frame));

    be16_store(frame + 12, ETHER_VLAN);
    be16_store(frame + 14, 0xA123);
    be16_store(frame + 16, ETHER_IPV6);
    cr_assert_eq(ether_parse(frame, 18, &e), 0);
    cr_assert(e.tagged);
    cr_assert_eq(e.vid, 0x123);
    cr_assert_eq(e.priority, 5);
    cr_assert_eq(e.type, ETHER_IPV6);
    cr_assert_eq(e.l3_offset, 18);

    be16_store(frame + 12, ETHER_QINQ);
    be16_store(frame + 16, ETHER_VLAN);
    be16_store(frame + 20, ETHER_IPV4);
    cr_assert_eq(ether_parse(frame, 22, &e), 0);
    cr_assert_not(e.tagged, "the outermost tag is a service tag");
    cr_assert_eq(e.type, ETHER_IPV4);
    cr_assert_eq(e.l3_offset, 22);

    be16_store(frame + 20, ETHER_VLAN);
    cr_assert_eq(ether_parse(frame, 22, &e), 0);
    cr_assert_eq(e.type, ETHER_VLAN, "a third tag is not looked into");
}

Test(ether, truncated_frames)
{
    uint8_t frame[22] = {0};
    struct ether_frame e;
    be16_store(frame + 12, ETHER_VLAN);
    be16_store(frame + 16, ETHER_VLAN);
    for (size_t cut = 0; cut < 22; cut++) {
        cr_assert_eq(ether_parse(frame, cut, &e), ERR_TRUNCATED, "at %zu", cut);
    }
}

Test(ether, tags_go_in_and_out)
{
    uint8_t room[64];
    uint8_t *frame = room + ETHER_TAG_SIZE;
    for (unsigned i = 0; i < 60; i++) {
        frame[i] = (uint8_t)i;
    }
    uint8_t *tagged = ether_tag_insert(frame, 0x7FF, 3);
    struct ether_frame e;
    cr_assert_eq(tagged, room);
    cr_assert_eq(ether_parse(tagged, 64, &e), 0);
    cr_assert_eq(e.vid, 0x7FF);
    cr_assert_eq(e.priority, 3);
    cr_assert_eq(e.type, 0x0C0D);
    uint8_t *plain = ether_tag_remove(tagged);
    cr_assert_eq(plain, frame);
    for (unsigned i = 0; i < 60; i++) {
        cr_assert_eq(plain[i], i);
    }
}
