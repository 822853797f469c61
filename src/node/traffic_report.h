/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_TRAFFIC_REPORT_H
#define VPND_NODE_TRAFFIC_REPORT_H

#include "dp/dp.h"
#include "mgmt/metrics.h"

/**
 * traffic_report - what the data plane counted, for the metrics endpoint
 * @drops: storage of the names and counts, kept by the caller as long as @out is used
 * Fills traffic and workers of @out. Thread: the loop thread.
 */
void traffic_report(struct dp *dp, struct metrics_count drops[DP_DROP_COUNT], struct metrics_report *out);

#endif
