/* SPDX-License-Identifier: MIT */
#ifndef VPND_NODE_SESSION_DRIVER_H
#define VPND_NODE_SESSION_DRIVER_H

/*
 * One struct session at work: packets from the data plane go into a bounded queue, the slow steps (TLS) run in
 * libuv's thread pool, one at a time for a session, output leaves through dp_ctrl_send(), events come back on
 * the loop thread. An idle session costs its memory and one timer.
 *
 * Thread: the loop thread, unless said otherwise. Callbacks run on the loop thread and may call everything here,
 * session_driver_free() included.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dp/dp.h"
#include "node/loop.h"
#include "session/session.h"

struct session_driver;
struct settings; /* node/settings.h */

#define SESSION_DRIVER_QUEUE_MAX 32 /* packets waiting for one session; more are dropped (the peer repeats them) */

/** Bytes of control packets, as transport payload. */
struct session_traffic {
    uint64_t in;
    uint64_t out;
};

/** How a driver begins. */
struct session_driver_open {
    struct loop *loop;
    struct dp *dp;
    struct settings *settings;      /* a reference is taken and kept while the session lives */
    const struct session_open *open; /* copied; without a credentials hook session_driver_set_credentials() serves;
                                        a hook given here, and the TLS verify callback, run on pool threads */
    struct dp_path path;            /* where answers go */
    struct session_traffic *traffic; /* counted up while the driver lives; NULL: nobody counts */
    uint32_t peer;                  /* data-plane peer to dp_peer_touch(); DP_PEER_ID_NONE while there is none */

    /** One event. The session is at rest: session_*() may be called on @session, but not session_free(). */
    void (*event)(void *arg, struct session_driver *driver, struct session *session,
                  const struct session_event *event);
    /** A packet was refused (@error from session_receive()); may be NULL. */
    void (*dropped)(void *arg, struct session_driver *driver, int error);
    /** The session is gone, with it the last use of @open->tls_user: called once with @released_arg on the loop
     *  thread, from within session_driver_free() or, when a step was under way in the pool, later. May be NULL. */
    void (*released)(void *released_arg);
    void *released_arg;
    void *arg;
};

/** session_driver_new - make the session and start it. Return: 0 and *out, or negative. */
int session_driver_new(const struct session_driver_open *how, struct session_driver **out);

/**
 * session_driver_free - no callback comes any more; the session is wiped at once, or as soon as its step in the
 * pool ends. Queued output is sent first as far as it was made. NULL is fine.
 */
void session_driver_free(struct session_driver *driver);

/**
 * session_driver_receive - a control packet for this session (copied)
 * Return: 0; ERR_LIMIT when the queue is full (dropped); ERR_FORMAT when longer than SESSION_PACKET_MAX.
 */
int session_driver_receive(struct session_driver *driver, const void *packet, size_t len);

/** session_driver_set_path - send answers there from now on (a float that was authenticated, another conn). */
void session_driver_set_path(struct session_driver *driver, const struct dp_path *path);

/** session_driver_path - where answers go. */
const struct dp_path *session_driver_path(const struct session_driver *driver);

/** session_driver_set_peer - data-plane peer whose timers valid control packets restart. */
void session_driver_set_peer(struct session_driver *driver, uint32_t peer);

/** Work on the session that had to wait; @session is at rest. */
typedef void (*session_driver_fn)(void *arg, struct session_driver *driver, struct session *session);

/**
 * session_driver_call - run @fn as soon as no step is under way: at once when the session is at rest
 * Output and events that it causes follow by themselves. Calls keep their order. Dropped by
 * session_driver_free() without being run.
 */
void session_driver_call(struct session_driver *driver, session_driver_fn fn, void *arg);

/** session_driver_at_rest - whether session_driver_call() would run at once. */
bool session_driver_at_rest(const struct session_driver *driver);

/** session_driver_authorize - session_authorize() in order. */
void session_driver_authorize(struct session_driver *driver, uint8_t key_id, enum session_verdict verdict);

/** session_driver_accept_certificate - session_accept_certificate() in order. */
void session_driver_accept_certificate(struct session_driver *driver, uint8_t key_id);

/** session_driver_message - session_message() in order; @text is copied. A refusal is logged. */
void session_driver_message(struct session_driver *driver, const char *text);

/** session_driver_close - session_close() in order: the peer was told to go. */
void session_driver_close(struct session_driver *driver);

/** session_driver_renegotiate - session_renegotiate() in order. */
void session_driver_renegotiate(struct session_driver *driver);

/** session_driver_set_reneg - session_set_reneg() in order. */
void session_driver_set_reneg(struct session_driver *driver, unsigned seconds);

/** session_driver_set_credentials - what the next key exchanges send; copied; NULL, NULL: nothing. */
void session_driver_set_credentials(struct session_driver *driver, const char *username, const char *password);

/** session_driver_flushed - nothing waits to be sent or acknowledged. */
bool session_driver_flushed(const struct session_driver *driver);

#endif
