/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_FAKE_FAKE_H
#define VPND_DP_FAKE_FAKE_H

/*
 * A data plane for tests of the layers above (dp_config.backend = "fake"): it carries nothing, records every
 * call, remembers peers, keys and routes so that they can be asked for, and delivers the events that a test
 * puts in. dp_peer_del() produces its DP_EV_PEER_GONE by itself; everything else comes from the test.
 */
#include "dp/dp.h"

/** Which function was called. */
enum dp_fake_op {
    DP_FAKE_DEVICE_ATTACH,
    DP_FAKE_DEVICE_DETACH,
    DP_FAKE_DEVICE_SET_MTU,
    DP_FAKE_SET_BLOCK_IPV6,
    DP_FAKE_SET_SHAPER,
    DP_FAKE_SET_NAT,
    DP_FAKE_LISTENER_ADD,
    DP_FAKE_LISTENER_DEL,
    DP_FAKE_CONN_ADD,
    DP_FAKE_CONN_DEL,
    DP_FAKE_CTRL_SEND,
    DP_FAKE_PEER_NEW,
    DP_FAKE_PEER_SET,
    DP_FAKE_PEER_MOVE,
    DP_FAKE_PEER_TOUCH,
    DP_FAKE_PEER_DEL,
    DP_FAKE_KEY_NEW,
    DP_FAKE_KEY_SWAP,
    DP_FAKE_KEY_DEL,
    DP_FAKE_ROUTE_ADD,
    DP_FAKE_ROUTE_DEL,
    DP_FAKE_PAYLOAD_SEND,
};

/** One recorded call; the fields that the function has as arguments are filled. */
struct dp_fake_call {
    enum dp_fake_op op;
    int result;             /* what the caller was given */
    uint32_t id;            /* peer, listener or connection */
    struct dp_peer peer;    /* PEER_NEW, PEER_SET */
    unsigned fields;        /* PEER_SET */
    bool flag;              /* SET_BLOCK_IPV6, PEER_TOUCH (received), LISTENER_ADD (multihome) */
    struct dp_path path;    /* CTRL_SEND, PEER_MOVE */
    enum dp_key_slot slot;  /* KEY_NEW, KEY_DEL */
    struct dp_key key;      /* KEY_NEW; cipher and auth point into the record */
    char cipher[40];
    char auth[40];
    struct dp_route route;  /* ROUTE_ADD, ROUTE_DEL */
    struct dp_device device; /* DEVICE_ATTACH; its fds are closed already */
    uint32_t value;         /* SET_SHAPER, DEVICE_SET_MTU, SET_NAT (count) */
    uint8_t *data;          /* CTRL_SEND, PAYLOAD_SEND, CONN_ADD (initial) */
    size_t len;
};

/** dp_fake_calls - number of recorded calls so far. */
size_t dp_fake_calls(const struct dp *dp);

/** dp_fake_call - recorded call number @i (0 is the oldest), or NULL. Valid until dp_fake_forget() or dp_close(). */
const struct dp_fake_call *dp_fake_call(const struct dp *dp, size_t i);

/** dp_fake_last - newest call of this kind, or NULL. */
const struct dp_fake_call *dp_fake_last(const struct dp *dp, enum dp_fake_op op);

/** dp_fake_count - how many calls of this kind were recorded. */
size_t dp_fake_count(const struct dp *dp, enum dp_fake_op op);

/** dp_fake_forget - drop all records; state (peers, keys, routes) stays. */
void dp_fake_forget(struct dp *dp);

/** dp_fake_fail - let the next @times calls of @op return @err and change nothing. */
void dp_fake_fail(struct dp *dp, enum dp_fake_op op, int err, unsigned times);

/** dp_fake_event - queue an event for dp_drain(); data is copied. */
void dp_fake_event(struct dp *dp, const struct dp_event *event);

/** dp_fake_capabilities - replace the capability bits (all are set at first). */
void dp_fake_capabilities(struct dp *dp, unsigned capabilities);

/** dp_fake_peer - present settings of a peer (dp_peer_set() and dp_peer_move() applied), or NULL. */
const struct dp_peer *dp_fake_peer(const struct dp *dp, uint32_t id);

/** dp_fake_key - the key in a slot of a peer, or NULL. */
const struct dp_key *dp_fake_key(const struct dp *dp, uint32_t id, enum dp_key_slot slot);

/** dp_fake_route - peer that @route leads to, or DP_PEER_ID_NONE. */
uint32_t dp_fake_route(const struct dp *dp, const struct dp_route *route);

/** dp_fake_set_stats - what dp_peer_stats() will return for the peer. */
void dp_fake_set_stats(struct dp *dp, uint32_t id, const struct dp_peer_stats *stats);

#endif
