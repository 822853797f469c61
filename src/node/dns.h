/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_DNS_H
#define VPND_NODE_DNS_H

/*
 * DNS settings of the tunnel, applied without a script: systemd-resolved, resolvconf or /etc/resolv.conf, whichever
 * the host uses (client behaviour spec, 7). A small process that keeps its privileges does the work, so that it works
 * after the change of user and is undone even when vpnd is killed.
 * Thread: the loop thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "node/loop.h"

struct config;
struct dns;

/** dns_wanted - whether vpnd itself applies what @config says: no dns-updown program or `disable`, and no up script
 *  unless `dns-updown force`. */
bool dns_wanted(const struct config *config);

/**
 * dns_start - start the helper
 * Before any thread exists, and before keys and passwords are in memory: it has no use for them.
 * Return: 0 and *out, or -errno.
 */
int dns_start(struct dns **out);

/**
 * dns_attach - undo what a killed run left (waits for that), then take answers of the helper on @loop
 * @state: file to remember in what is to be undone (lifecycle_runtime_file(life, "dns")); NULL: none
 * Once, before dns_apply(). Return: 0 or negative.
 */
int dns_attach(struct dns *dns, struct loop *loop, const char *state);

/**
 * dns_apply - set the servers and domains of @config (with pushed options applied) for @device, instead of earlier ones
 * The outcome is one log line; then @done (may be NULL) is called once, from within this call when there is nothing to
 * apply. Nothing is called after dns_revert() or dns_stop(). NULL @dns: nothing to apply.
 */
void dns_apply(struct dns *dns, const struct config *config, const char *device, uint32_t ifindex,
               void (*done)(void *arg, bool applied), void *arg);

/** dns_revert - take it back; does not wait. NULL is fine. */
void dns_revert(struct dns *dns);

/** dns_stop - take it back, wait for the helper to end (at most some seconds), release. NULL is fine. */
void dns_stop(struct dns *dns);

#endif
