/* SPDX-License-Identifier: MIT */
#include "node/occ_answer.h"

#include "dp/dp.h"
#include "node/settings.h"
#include "wire/data_pkt.h"

void occ_answer(struct dp *dp, uint32_t peer, const struct settings *settings, const uint8_t *message, size_t len)
{
    uint8_t reply[DATA_PKT_OCC_REPLY_MAX];
    struct wr w = wr_init(reply, sizeof(reply));
    struct dp_peer_stats stats = {0};
    (void)dp_peer_stats(dp, peer, &stats);
    struct data_pkt_occ_facts facts = {
        .options_string = settings_options_string(settings),
        .max_received = (uint16_t)stats.link_rx_max,
        .max_sent = (uint16_t)stats.link_tx_max,
        .overhead = DATA_PKT_LOAD_OVERHEAD,
    };
    if (data_pkt_occ_answer(&w, message, len, &facts) && wr_ok(&w)) {
        (void)dp_payload_send(dp, peer, reply, wr_len(&w));
    }
}
