/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_BACKEND_H
#define VPND_DP_BACKEND_H

/* What a data-plane back end provides to dp.c, which has checked every argument before. Private to dp/. */
#include "dp/dp.h"

/** A back end's calls; same meaning, threads and ownership as the dp_*() function of that name in dp.h. */
struct dp_backend {
    const char *name;
    int (*open)(const struct dp_config *config, struct dp **out);
    void (*close)(struct dp *dp);
    int (*describe)(const struct dp *dp, char *out, size_t cap);
    int (*device_attach)(struct dp *dp, const struct dp_device *device);
    void (*device_detach)(struct dp *dp);
    void (*device_set_mtu)(struct dp *dp, unsigned mtu);
    void (*set_block_ipv6)(struct dp *dp, bool on);
    int (*set_shaper)(struct dp *dp, uint32_t bytes_per_s);
    int (*set_nat)(struct dp *dp, const struct dp_nat *rules, unsigned count);
    int (*listener_add)(struct dp *dp, const int *fds, unsigned count, enum dp_multihome multihome, const union addr *socks_relay,
                        const union addr *socks_target, uint32_t *listener);
    void (*listener_del)(struct dp *dp, uint32_t listener);
    int (*conn_add)(struct dp *dp, int fd, const void *initial, size_t initial_len, uint32_t *conn);
    void (*conn_del)(struct dp *dp, uint32_t conn);
    int (*ctrl_send)(struct dp *dp, const struct dp_path *path, const void *packet, size_t len);
    int (*peer_new)(struct dp *dp, const struct dp_peer *peer);
    int (*peer_set)(struct dp *dp, const struct dp_peer *peer, unsigned fields);
    int (*peer_move)(struct dp *dp, uint32_t id, const struct dp_path *path);
    void (*peer_touch)(struct dp *dp, uint32_t id, bool received);
    int (*peer_del)(struct dp *dp, uint32_t id);
    int (*key_new)(struct dp *dp, uint32_t peer, enum dp_key_slot slot, const struct dp_key *key);
    int (*key_swap)(struct dp *dp, uint32_t peer);
    int (*key_del)(struct dp *dp, uint32_t peer, enum dp_key_slot slot);
    int (*route_add)(struct dp *dp, const struct dp_route *route, uint32_t peer);
    int (*route_del)(struct dp *dp, const struct dp_route *route, uint32_t peer);
    void (*route_each)(struct dp *dp, void (*fn)(const struct dp_route_info *info, void *arg), void *arg);
    int (*payload_send)(struct dp *dp, uint32_t peer, const void *payload, size_t len);
    int (*peer_stats)(struct dp *dp, uint32_t peer, struct dp_peer_stats *out);
    void (*stats)(struct dp *dp, struct dp_stats *out);
    int (*worker_stats)(struct dp *dp, unsigned index, struct dp_worker_stats *out); /* NULL: no threads of its own */
    int (*fd)(const struct dp *dp);
    unsigned (*drain)(struct dp *dp, void (*fn)(const struct dp_event *event, void *arg), void *arg, unsigned budget);
};

/** First member of every back end's instance. */
struct dp {
    const struct dp_backend *ops;
    struct dp_config config; /* with the defaults filled in; the strings are not kept */
    unsigned capabilities;   /* enum dp_capability */
};

extern const struct dp_backend dp_user_backend;
extern const struct dp_backend dp_fake_backend;

#endif
