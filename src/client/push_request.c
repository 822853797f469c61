/* SPDX-License-Identifier: MIT */
#include "client/push_request.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"

#define FIRST_REPEATS 2u /* after 1 s and 2 s, for replies that were lost; then at the usual pace */
#define FIRST_MS 1000u
#define INTERVAL_MS 5000u

struct push_request {
    struct loop_timer *timer;
    struct session_driver *driver;
    void (*silence)(void *arg);
    void *arg;
    unsigned sent;     /* requests so far */
    uint64_t deadline; /* monotonic ms */
};

static void ask(struct push_request *request)
{
    request->sent++;
    log_info("SENT CONTROL: 'PUSH_REQUEST' (status=1)");
    session_driver_message(request->driver, "PUSH_REQUEST");
    loop_timer_after(request->timer, request->sent <= FIRST_REPEATS ? FIRST_MS * request->sent : INTERVAL_MS);
}

static void on_timer(void *arg)
{
    struct push_request *request = arg;
    if (clock_read().mono_ms >= request->deadline) {
        log_error("No reply from server after sending %u push requests", request->sent);
        request->silence(request->arg);
        return;
    }
    ask(request);
}

struct push_request *push_request_new(struct loop *loop, void (*silence)(void *arg), void *arg)
{
    struct push_request *request = mem_zalloc(sizeof(*request));
    request->timer = loop_timer_new(loop, on_timer, request);
    request->silence = silence;
    request->arg = arg;
    return request;
}

void push_request_start(struct push_request *request, struct session_driver *driver, uint64_t since_ms,
                        const struct config *config)
{
    request->driver = driver;
    request->sent = 0;
    request->deadline = since_ms + 1000u * (uint64_t)config->hand_window;
    ask(request);
}

void push_request_wait(struct push_request *request, unsigned seconds, uint64_t since_ms, const struct config *config)
{
    unsigned half = config->reneg_sec / 2;
    unsigned limit = half > config->hand_window ? half : config->hand_window;
    unsigned wait = seconds == 0 ? config->hand_window : seconds < limit ? seconds : limit;
    request->deadline = since_ms + 1000u * (uint64_t)wait;
}

void push_request_stop(struct push_request *request)
{
    loop_timer_stop(request->timer);
}

void push_request_free(struct push_request *request)
{
    if (request) {
        loop_timer_free(request->timer);
        free(request);
    }
}
