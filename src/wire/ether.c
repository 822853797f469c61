/* SPDX-License-Identifier: MIT */
#include "wire/ether.h"

int ether_parse(const uint8_t *frame, size_t len, struct ether_frame *out)
{
    if (len < ETHER_HEADER_SIZE) {
        return ERR_TRUNCATED;
    }
    unsigned offset = ETHER_HEADER_SIZE;
    uint16_t type = be16_load(frame + 12);
    *out = (struct ether_frame){.tagged = type == ETHER_VLAN};
    for (unsigned tags = 0; (type == ETHER_VLAN || type == ETHER_QINQ) && tags < 2; tags++) {
        if (len - offset < ETHER_TAG_SIZE) {
            return ERR_TRUNCATED;
        }
        if (tags == 0 && out->tagged) {
            uint16_t control = be16_load(frame + offset);
            out->vid = control & 0x0FFF;
            out->priority = (uint8_t)(control >> 13);
        }
        type = be16_load(frame + offset + 2);
        offset += ETHER_TAG_SIZE;
    }
    out->type = type;
    out->l3_offset = (uint16_t)offset;
    return 0;
}

uint8_t *ether_tag_insert(uint8_t *frame, uint16_t vid, uint8_t priority)
{
    uint8_t *start = frame - ETHER_TAG_SIZE;
    memmove(start, frame, 2 * ETHER_ADDR_SIZE);
    be16_store(start + 12, ETHER_VLAN);
    be16_store(start + 14, (uint16_t)((unsigned)(priority & 7) << 13 | (vid & 0x0FFFu)));
    return start;
}

uint8_t *ether_tag_remove(uint8_t *frame)
{
    uint8_t *start = frame + ETHER_TAG_SIZE;
    memmove(start, frame, 2 * ETHER_ADDR_SIZE);
    return start;
}
