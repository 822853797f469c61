/* SPDX-License-Identifier: MIT */
#ifndef VPND_CLIENT_PUSH_REQUEST_H
#define VPND_CLIENT_PUSH_REQUEST_H

/* PUSH_REQUEST, again and again until the server's options are here (client behaviour spec, 4). Loop thread. */
#include <stdint.h>

#include "node/loop.h"
#include "node/session_driver.h"

struct config;
struct push_request;

/** push_request_new - nothing is asked for yet. @silence: the last reply that was waited for did not come (logged);
 *  it may free the object. */
struct push_request *push_request_new(struct loop *loop, void (*silence)(void *arg), void *arg);

/** push_request_start - ask now, and again until push_request_stop(), for hand-window after @since_ms (monotonic). */
void push_request_start(struct push_request *request, struct session_driver *driver, uint64_t since_ms,
                        const struct config *config);

/** push_request_wait - AUTH_PENDING: the time is @seconds (0: hand-window) after @since_ms, within limits. */
void push_request_wait(struct push_request *request, unsigned seconds, uint64_t since_ms, const struct config *config);

/** push_request_stop - the reply is here, or nobody waits for it any more. */
void push_request_stop(struct push_request *request);

/** push_request_free - NULL is fine. */
void push_request_free(struct push_request *request);

#endif
