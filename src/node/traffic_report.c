/* SPDX-License-Identifier: MIT */
#include "node/traffic_report.h"

void traffic_report(struct dp *dp, struct metrics_count drops[DP_DROP_COUNT], struct metrics_report *out)
{
    struct dp_stats totals = {0};
    dp_stats(dp, &totals);
    for (int i = 0; i < DP_DROP_COUNT; i++) {
        drops[i] = (struct metrics_count){dp_drop_name((enum dp_drop)i), totals.drops[i]};
    }
    out->traffic = (struct metrics_traffic){
        .link_rx_bytes = totals.link_rx_bytes,
        .link_tx_bytes = totals.link_tx_bytes,
        .device_rx_bytes = totals.device_rx_bytes,
        .device_rx_packets = totals.device_rx_packets,
        .device_tx_bytes = totals.device_tx_bytes,
        .device_tx_packets = totals.device_tx_packets,
        .syscalls = totals.syscalls,
        .drops = drops,
        .drop_count = DP_DROP_COUNT,
    };
    struct dp_worker_stats worker;
    while (out->worker_count < METRICS_WORKERS_MAX && dp_worker_stats(dp, (unsigned)out->worker_count, &worker) == 0) {
        out->workers[out->worker_count++] =
            (struct metrics_worker){worker.cpu_ns, worker.link_rx_bytes, worker.link_tx_bytes};
    }
}
