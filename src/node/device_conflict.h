/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_DEVICE_CONFLICT_H
#define VPND_NODE_DEVICE_CONFLICT_H

#include <stdbool.h>

#include "node/device.h"
#include "sys/rtnl.h"

/**
 * device_conflicts - whether the host has an address of @plan already on another link (logged as an error): with it the
 * host would lose its own network. Networks that overlap are only warned about. Thread: the loop thread.
 */
bool device_conflicts(const struct device_plan *plan, struct rtnl *nl);

#endif
