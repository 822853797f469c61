/* SPDX-License-Identifier: MIT */
#include "hooks/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define CONFIG_TEXT_MAX (256 * 1024)

enum ballot { BALLOT_NONE, BALLOT_ASKED, BALLOT_DONE };

/* One question that is being answered. */
struct event_request {
    struct event_bus *bus;
    struct event event;
    struct event_asker asker;
    struct event_listener **listeners;
    enum ballot *ballots;
    size_t count;
    size_t next;          /* next listener to ask */
    bool one_by_one;
    bool rejected;
    bool in_handle;       /* inside a listener's handle(): finishing waits until it returns */
    unsigned voters;
    uint64_t asked_ms;    /* monotonic */
    char *reason;
    struct buf config;
    struct list link;
};

struct event_bus {
    struct list listeners;
    size_t count;         /* of them */
    struct list requests;
    struct histogram latency[EVENT_TYPE_COUNT];
    uint64_t rejections[EVENT_TYPE_COUNT];
};

struct event_bus *event_bus_new(void)
{
    struct event_bus *bus = mem_zalloc(sizeof(*bus));
    list_init(&bus->listeners);
    list_init(&bus->requests);
    return bus;
}

static void request_free(struct event_request *request)
{
    list_remove(&request->link);
    free(request->listeners);
    free(request->ballots);
    free(request->reason);
    buf_free(&request->config, false);
    free(request);
}

void event_bus_free(struct event_bus *bus)
{
    if (!bus) {
        return;
    }
    list_for(node, next, &bus->requests)
    {
        event_cancel(container_of(node, struct event_request, link));
    }
    list_for(node, next, &bus->listeners)
    {
        list_remove(node);
    }
    free(bus);
}

void event_listen(struct event_bus *bus, struct event_listener *listener)
{
    list_init(&listener->link);
    list_push(&bus->listeners, &listener->link);
    bus->count++;
}

void event_announce(struct event_bus *bus, const struct event *event)
{
    list_for(node, next, &bus->listeners)
    {
        struct event_listener *listener = container_of(node, struct event_listener, link);
        (void)listener->handle(listener->arg, event, NULL);
    }
}

static void count_vote(struct event_request *request, size_t at, enum event_vote vote)
{
    request->ballots[at] = BALLOT_DONE;
    if (vote == EVENT_ACCEPT || vote == EVENT_REJECT) {
        request->voters++;
    }
    if (vote == EVENT_REJECT) {
        request->rejected = true;
    }
}

static bool votes_open(const struct event_request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        if (request->ballots[i] == BALLOT_ASKED) {
            return true;
        }
    }
    return false;
}

/* Listeners that still work on a question which is decided are told to stop. */
static void cancel_open_votes(struct event_request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        if (request->ballots[i] == BALLOT_ASKED) {
            request->ballots[i] = BALLOT_DONE;
            if (request->listeners[i]->cancel) {
                request->listeners[i]->cancel(request->listeners[i]->arg, request);
            }
        }
    }
}

static void measure(const struct event_request *request)
{
    enum event_type type = request->event.type;
    if (request->voters > 0) {
        histogram_add(&request->bus->latency[type], clock_read().mono_ms - request->asked_ms);
        request->bus->rejections[type] += request->rejected;
    }
}

static void finish(struct event_request *request)
{
    cancel_open_votes(request);
    measure(request);
    struct event_result result = {
        .accepted = !request->rejected,
        .voters = request->voters,
        .reason = request->reason,
        .config = buf_str(&request->config),
    };
    struct event_asker asker = request->asker;
    list_remove(&request->link);
    if (asker.done) {
        asker.done(asker.arg, &result);
    }
    request_free(request);
}

/* Ask further listeners as far as possible. Return: true when the request is decided. */
static bool proceed(struct event_request *request)
{
    while (request->next < request->count && !request->rejected) {
        if (request->one_by_one && votes_open(request)) {
            return false;
        }
        size_t at = request->next++;
        struct event_listener *listener = request->listeners[at];
        if (!listener) {
            continue;
        }
        request->ballots[at] = BALLOT_ASKED;
        request->in_handle = true;
        enum event_vote vote = listener->handle(listener->arg, &request->event, request);
        request->in_handle = false;
        if (vote != EVENT_LATER && request->ballots[at] == BALLOT_ASKED) {
            count_vote(request, at, vote);
        }
    }
    return request->rejected || !votes_open(request);
}

struct event_request *event_ask(struct event_bus *bus, const struct event *event, const struct event_asker *asker)
{
    struct event_request *request = mem_zalloc(sizeof(*request));
    request->bus = bus;
    request->event = *event;
    request->asked_ms = clock_read().mono_ms;
    request->asker = *asker;
    request->one_by_one = event->type == EVENT_CLIENT_CONNECT;
    request->config = BUF_INIT(CONFIG_TEXT_MAX);
    list_init(&request->link);
    list_push(&bus->requests, &request->link);
    request->listeners = mem_array(bus->count, sizeof(*request->listeners));
    request->ballots = mem_array(bus->count, sizeof(*request->ballots));
    list_for(node, next, &bus->listeners)
    {
        request->listeners[request->count++] = container_of(node, struct event_listener, link);
    }
    if (proceed(request)) {
        finish(request);
        return NULL;
    }
    /* A late vote must not find pointers of the asker's stack. */
    request->event.password = NULL;
    return request;
}

void event_cancel(struct event_request *request)
{
    cancel_open_votes(request);
    request_free(request);
}

/* Peers take no control characters, and some drop the whole message that has one. */
static char *for_peer(const char *text)
{
    char *copy = mem_strdup(text);
    for (char *c = copy; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '_';
        }
    }
    return copy;
}

void event_note(struct event_request *request, const char *text)
{
    if (!request || !text) {
        return;
    }
    if (request->event.type == EVENT_CLIENT_CONNECT) {
        if (buf_append(&request->config, text, strlen(text)) == 0) {
            (void)buf_append(&request->config, "\n", 1);
        }
        return;
    }
    if (!request->reason) {
        request->reason = for_peer(text);
    }
}

void event_answer(struct event_request *request, struct event_listener *listener, enum event_vote vote,
                  const char *text)
{
    for (size_t i = 0; i < request->count; i++) {
        if (request->listeners[i] == listener && request->ballots[i] == BALLOT_ASKED) {
            event_note(request, text);
            count_vote(request, i, vote);
            break;
        }
    }
    if (!request->in_handle && proceed(request)) {
        finish(request);
    }
}

bool event_pending(struct event_request *request, unsigned timeout_s, const char *method, const char *extra)
{
    if (!request->asker.pending) {
        return true;
    }
    char *text = for_peer(extra ? extra : "");
    bool possible = request->asker.pending(request->asker.arg, timeout_s, method, text);
    free(text);
    return possible;
}

void event_unlisten(struct event_bus *bus, struct event_listener *listener)
{
    list_remove(&listener->link);
    bus->count--;
    list_for(node, next, &bus->requests)
    {
        struct event_request *request = container_of(node, struct event_request, link);
        bool open = false;
        for (size_t i = 0; i < request->count; i++) {
            if (request->listeners[i] == listener) {
                open |= request->ballots[i] == BALLOT_ASKED;
                if (request->ballots[i] == BALLOT_NONE) {
                    request->listeners[i] = NULL;
                }
            }
        }
        if (open) {
            event_answer(request, listener, EVENT_REJECT, NULL);
        }
    }
}

/* ------------------------------------------------------------------ how long answers take */

const char *event_type_name(enum event_type type)
{
    static const char *const names[EVENT_TYPE_COUNT] = {
        [EVENT_DEVICE_UP] = "up",
        [EVENT_DEVICE_DOWN] = "down",
        [EVENT_ROUTES_UP] = "route-up",
        [EVENT_ROUTES_PRE_DOWN] = "route-pre-down",
        [EVENT_PEER_ADDRESS] = "ipchange",
        [EVENT_TLS_VERIFY] = "tls-verify",
        [EVENT_TLS_FINAL] = "tls-final",
        [EVENT_USER_PASS] = "auth-user-pass-verify",
        [EVENT_CLIENT_CONNECT] = "client-connect",
        [EVENT_LEARN_ADDRESS] = "learn-address",
        [EVENT_CR_RESPONSE] = "client-crresponse",
        [EVENT_TLS_CRYPT_V2_VERIFY] = "tls-crypt-v2-verify",
        [EVENT_DNS_UPDOWN] = "dns-updown",
        [EVENT_CLIENT_DISCONNECT] = "client-disconnect",
    };
    return names[type] ? names[type] : "other";
}

const struct histogram *event_bus_latency(const struct event_bus *bus, enum event_type type)
{
    return &bus->latency[type];
}

uint64_t event_bus_rejections(const struct event_bus *bus, enum event_type type)
{
    return bus->rejections[type];
}
