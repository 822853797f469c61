/* SPDX-License-Identifier: MIT */
#ifndef VPND_HOOKS_PLUGIN_LINK_H
#define VPND_HOOKS_PLUGIN_LINK_H

/*
 * The daemon's side of the processes of plugins: one call at a time to each, the others wait in order. A process that
 * dies or does not answer in time fails the call that it was working on; the supervisor starts it again and the
 * waiting calls go on. Loop thread.
 */
#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"

struct plugin_call;
struct plugin_launch;
struct plugin_links;

/** The answer: what the plugin returned and gave (name, value, ...), or -1 and NULL when its process failed. */
typedef void (*plugin_answer_fn)(void *arg, int status, char *const *answer);

/** plugin_links_new - take over what was launched. @limit_s: longest time for one call; 0: none. */
struct plugin_links *plugin_links_new(uv_loop_t *loop, struct plugin_launch *launch, unsigned limit_s);

/**
 * plugin_links_call - hand a message over, now or when its turn comes
 * @message: PLUGIN_MSG_CALL, _FORGET or _CLOSE whose id is 0; taken
 * @what:    of the call, for error lines; static
 * @fn:      called exactly once, later, unless cancelled; may be NULL
 *
 * Return: handle for plugin_links_cancel(), valid until @fn; NULL when too many wait (logged; @fn is not called).
 */
struct plugin_call *plugin_links_call(struct plugin_links *links, size_t index, struct buf *message, const char *what,
                                      plugin_answer_fn fn, void *arg);

/** plugin_links_cancel - nobody waits for the answer any more; a call that has not begun will not. */
void plugin_links_cancel(struct plugin_call *call);

/** plugin_links_busy - calls that have not ended. */
size_t plugin_links_busy(const struct plugin_links *links);

/** plugin_links_free - forget all calls; what was launched stays with the caller. */
void plugin_links_free(struct plugin_links *links);

#endif
