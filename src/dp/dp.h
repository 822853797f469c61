/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_DP_H
#define VPND_DP_DP_H

/*
 * The contract between control and data: everything that the control thread can ask of a data plane, in the
 * shape of the Linux `ovpn` netlink family (peer_new, peer_set, key_new, key_swap, ...), and the stream of
 * events that comes back. Nobody outside dp/ sees more than this header.
 *
 * Threads: every call is for the control thread. A back end may have threads of its own; it shows itself by
 * one pollable fd. Arguments are checked once, in dp.c, for all back ends.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct dp;

#define DP_PEER_ID_NONE 0xFFFFFFu      /* no peer id on the wire: DATA_V1, or DATA_V2 that names nobody */
#define DP_PEER_ID_MAX 0xFFFFFEu
#define DP_NO_CONN 0u                  /* a path that is not a TCP connection */
#define DP_WORKERS_MAX 16
#define DP_DEVICE_LANES 8              /* device queues of a worker: flows of different ones never wait in line */
#define DP_TUN_QUEUES_MAX (DP_WORKERS_MAX * DP_DEVICE_LANES)
#define DP_CTRL_PACKET_MAX 2048        /* longest control packet passed either way, bytes */

/* ------------------------------------------------------------------ instance */

enum dp_mode {
    DP_MODE_P2P,        /* one peer, no routing: a client, or a point-to-point end */
    DP_MODE_MULTIPOINT, /* many peers behind a routing (tun) or MAC (tap) table: a server */
};

enum dp_device_type { DP_DEVICE_TUN, DP_DEVICE_TAP };

/** What a back end can do; compared once at start and once for each negotiated peer. */
enum dp_capability {
    DP_CAP_TAP = 1u << 0,
    DP_CAP_TCP = 1u << 1,
    DP_CAP_CBC = 1u << 2,      /* CBC/CFB/OFB/none with HMAC */
    DP_CAP_COMPRESS = 1u << 3, /* compression framing */
    DP_CAP_FRAGMENT = 1u << 4,
    DP_CAP_EPOCH = 1u << 5,    /* aead-epoch data format */
    DP_CAP_MOVE = 1u << 6,     /* dp_peer_move() between UDP and TCP */
};

enum dp_vlan_accept { DP_VLAN_ACCEPT_ALL, DP_VLAN_ACCEPT_TAGGED, DP_VLAN_ACCEPT_UNTAGGED };

/** Set once at dp_open(). Zero means the default unless said otherwise. */
struct dp_config {
    const char *backend;         /* "user" (NULL means this) or "fake" */
    enum dp_mode mode;
    enum dp_device_type device;
    unsigned workers;            /* threads, 1..16; 0: min(online CPUs, 4) for multipoint, 1 for p2p */
    unsigned max_peers;          /* multipoint: peer ids 0..max_peers-1; 0 means 1024 */
    bool no_offload;             /* switch every segmentation offload off */
    const char *crypto_engine;   /* "auto" (NULL), "openssl" or "ipsec-mb" */

    bool client_to_client;       /* switch between peers without the kernel */
    unsigned bcast_buffers;      /* packets queued for broadcast; 0 means 256 */
    unsigned tcp_queue_limit;    /* reads of the device (up to 64 KiB each) that wait for one TCP peer; 0 means 64 */
    unsigned max_routes_per_peer; /* learnt and added addresses of a peer without a limit of its own; 0 means 256 */
    unsigned stale_route_age_s;  /* forget learnt addresses unused for so long; 0 never */
    bool vlan_tagging;           /* tap: 802.1Q on the device side */
    enum dp_vlan_accept vlan_accept;
    uint16_t vlan_pvid;          /* 1..4094; 0 means 1 */

    bool passtos;                /* copy the inner TOS to the outer packet */
    bool block_ipv6;             /* answer IPv6 with ICMPv6 unreachable instead of carrying it */
    uint32_t shaper_bytes_per_s; /* p2p: outgoing limit; 0 off */
    bool allow_recursive_routing; /* p2p: do not drop tunnelled packets addressed to the peer itself */
    bool float_any;              /* p2p: accept authenticated packets from any address (`float`) */
};

/**
 * dp_open - make a data plane; its threads start with the first listener, connection or device
 * @config: copied
 * Return: 0 and *out, or negative (ERR_UNSUPPORTED: no such back end).
 */
int dp_open(const struct dp_config *config, struct dp **out);

/** dp_close - stop the threads, close every listener, connection and device queue, wipe keys. NULL is fine.
 *  No events are delivered any more. */
void dp_close(struct dp *dp);

/** dp_capabilities - bit set of enum dp_capability. */
unsigned dp_capabilities(const struct dp *dp);

/** dp_describe - one line for the log: workers, crypto engines, which fast paths are on and why one is off.
 *  Return: length that would have been written, as snprintf(). */
int dp_describe(const struct dp *dp, char *out, size_t cap);

/* ------------------------------------------------------------------ device */

/** An open tun or tap device. One fd for each queue; ownership of the fds passes to the data plane. Queue i belongs to
 *  worker i modulo their number, as its lane i / workers. */
struct dp_device {
    int fds[DP_TUN_QUEUES_MAX];
    unsigned queues;             /* 1..workers * DP_DEVICE_LANES */
    bool vnet_header;            /* opened with IFF_VNET_HDR: 10-byte virtio_net_hdr on each packet */
    unsigned mtu;                /* inner MTU, bytes */
    uint8_t mac[6];              /* tap: address of the device; never learnt from a peer */
    struct ip_addr local4;       /* own tunnel addresses, for the ICMP errors that we make; may be unset */
    struct ip_addr local6;
};

/** dp_device_attach - start carrying packets of @device (replaces an earlier one). Offloads that the kernel
 *  refuses are switched off and named by dp_describe(). Return: 0 or negative; the fds are consumed either way. */
int dp_device_attach(struct dp *dp, const struct dp_device *device);

/** dp_device_detach - stop and close the device's fds, which are closed when it returns (it waits for the end of each
 *  worker's turn); peers and keys stay. */
void dp_device_detach(struct dp *dp);

/** dp_device_set_mtu - the device's MTU was changed while running. */
void dp_device_set_mtu(struct dp *dp, unsigned mtu);

/* ------------------------------------------------------------------ settings that can be pushed */

/** dp_set_block_ipv6 - change dp_config.block_ipv6 while running. */
void dp_set_block_ipv6(struct dp *dp, bool on);

/** dp_set_shaper - change dp_config.shaper_bytes_per_s while running (p2p; 0 off). Return: 0 or -EINVAL. */
int dp_set_shaper(struct dp *dp, uint32_t bytes_per_s);

#define DP_NAT_MAX 64 /* most `client-nat` lines */

/** One `client-nat` line: a one-to-one translation between two IPv4 networks of one size (all host order). */
struct dp_nat {
    bool snat;        /* true: source towards the tunnel; false (dnat): destination towards the tunnel */
    uint32_t network;
    uint32_t mask;
    uint32_t alias;
};

/** dp_set_nat - replace the translations (p2p). Return: 0 or -EINVAL. */
int dp_set_nat(struct dp *dp, const struct dp_nat *rules, unsigned count);

/* ------------------------------------------------------------------ transport */

/** Where answers leave from: as the kernel likes; from the address that was written to; from its interface, too. */
enum dp_multihome { DP_MULTIHOME_OFF, DP_MULTIHOME_ADDRESS, DP_MULTIHOME_INTERFACE };

/**
 * dp_listener_add - take over UDP sockets (a client's single socket is a listener, too)
 * @fds:   non-blocking UDP sockets bound to one address; with more than one: the SO_REUSEPORT group in worker order
 * @count: 1 or the number of workers; ownership passes
 * @multihome: unless OFF the sockets report and choose the local address (IP_PKTINFO / IPV6_RECVPKTINFO is set)
 * @socks_relay: NULL, or the peer whose datagrams carry the 10-byte SOCKS5 UDP header towards @socks_target
 * Return: 0 and *listener (1..), or negative with the fds closed.
 */
int dp_listener_add(struct dp *dp, const int *fds, unsigned count, enum dp_multihome multihome, const union addr *socks_relay,
                    const union addr *socks_target, uint32_t *listener);

/** dp_listener_del - close a UDP listener; peers reached through it become unreachable but stay. */
void dp_listener_del(struct dp *dp, uint32_t listener);

/**
 * dp_conn_add - take over one connected TCP socket
 * @fd:      non-blocking, past any proxy dialogue; ownership passes
 * @initial: bytes already read from it, to be parsed first; may be NULL
 * Packets arrive as DP_EV_CTRL with path.conn set, the end as DP_EV_CONN_CLOSED.
 * Return: 0 and *conn (1..), or negative with the fd closed.
 */
int dp_conn_add(struct dp *dp, int fd, const void *initial, size_t initial_len, uint32_t *conn);

/** dp_conn_del - close a TCP connection after its queued control packets were written or 1 s has passed.
 *  No DP_EV_CONN_CLOSED follows. */
void dp_conn_del(struct dp *dp, uint32_t conn);

/** Where a peer is reached. A peer may change its path without a new handshake: keys belong to the peer. */
struct dp_path {
    uint32_t listener;   /* UDP: which one; 0 for TCP */
    uint32_t conn;       /* TCP: which connection; DP_NO_CONN for UDP */
    union addr remote;   /* UDP: where to send; TCP: the peer, for information */
    struct ip_addr local; /* multihomed UDP: source address to use; unset otherwise */
    uint32_t ifindex;    /* multihome same-interface: outgoing interface; 0 any */
};

/**
 * dp_ctrl_send - send one control packet; TCP frames stay whole
 * Return: 0; -EAGAIN (dropped: the reliability layer repeats it); another negative (path gone).
 */
int dp_ctrl_send(struct dp *dp, const struct dp_path *path, const void *packet, size_t len);

/* ------------------------------------------------------------------ peers */

/** Compression framing (spec: data channel, compression). */
enum dp_framing {
    DP_FRAMING_NONE,
    DP_FRAMING_LZO_STUB,  /* comp-lzo no: FA marker, nothing compressed accepted */
    DP_FRAMING_LZO,       /* comp-lzo: FA / 66; decompression only */
    DP_FRAMING_STUB,      /* compress, compress stub: FB with swap */
    DP_FRAMING_LZ4,       /* FB / 69 with swap */
    DP_FRAMING_STUB_V2,
    DP_FRAMING_LZ4_V2,
};

/** How the MSS of TCP SYNs is clamped; recomputed by the data plane from cipher and path. */
enum dp_mssfix_mode { DP_MSSFIX_PACKET, DP_MSSFIX_MTU, DP_MSSFIX_FIXED };

/** Everything about a peer except its keys. */
struct dp_peer {
    uint32_t id;               /* our handle, and the peer id that we accept on the wire: 0..DP_PEER_ID_MAX */
    uint32_t tx_id;            /* peer id to put into DATA_V2 headers; DP_PEER_ID_NONE for none */
    bool data_v1;              /* send DATA_V1 instead of DATA_V2 */
    struct dp_path path;
    unsigned keepalive_interval_s; /* ping after so much silence from us; 0 off */
    unsigned keepalive_timeout_s;  /* DP_GONE_TIMEOUT after so much silence from the peer; 0 off */
    unsigned replay_window;    /* ids accepted behind the highest, 1..65536; 0: our default, 8192 and no time limit */
    unsigned replay_seconds;   /* and at most so old (600); 0 no limit by time */
    bool replay_strict;        /* `replay-window 0`: only the next id; replay_window is ignored */
    bool packets_only;         /* the peer would take OCC messages for packets: send it none of our own accord */
    bool tx_ordered;           /* the peer's window is small or unknown: keep one key's packets in order */
    bool may_float;            /* UDP: an authenticated packet from a new address moves the peer */
    bool probe_path;           /* UDP: find out by padded OCC messages how large a packet may be */
    enum dp_framing framing;
    bool compress_tx;          /* allow-compression yes: also compress what we send (lz4) */
    unsigned mssfix;           /* bytes, meaning by mode; 0 off */
    enum dp_mssfix_mode mssfix_mode;
    unsigned fragment;         /* `fragment` size, 0 off */
    bool fragment_mtu;         /* its size includes the outer IP and UDP headers */
    uint16_t vlan_pvid;        /* tap with vlan_tagging; 0 means the global one */
    unsigned inactive_s;       /* DP_GONE_INACTIVE when fewer than inactive_bytes were carried; 0 off */
    uint64_t inactive_bytes;
    unsigned max_routes;       /* learnt and added addresses; 0: max_routes_per_peer */
    unsigned bcast;            /* multipoint: 0 gets broadcast and multicast (default); 1 does not */
};

/** Which fields of a struct dp_peer dp_peer_set() changes. */
enum dp_peer_field {
    DP_SET_KEEPALIVE = 1u << 0, /* interval and timeout together; restarts both timers */
    DP_SET_MSSFIX = 1u << 1,
    DP_SET_FRAMING = 1u << 2,
    DP_SET_FRAGMENT = 1u << 3,
    DP_SET_TX_ID = 1u << 4,     /* tx_id and data_v1 */
    DP_SET_INACTIVE = 1u << 5,
    DP_SET_REPLAY = 1u << 6,    /* for keys added from now on */
    DP_SET_VLAN = 1u << 7,
};

/** dp_peer_new - add a peer without keys. Return: 0, -EEXIST, ERR_UNSUPPORTED (needs a missing capability). */
int dp_peer_new(struct dp *dp, const struct dp_peer *peer);

/** dp_peer_set - change the fields named by @fields. Return: 0 or ERR_NOT_FOUND. */
int dp_peer_set(struct dp *dp, const struct dp_peer *peer, unsigned fields);

/** dp_peer_move - same peer and keys, other path. Return: 0 or ERR_NOT_FOUND. */
int dp_peer_move(struct dp *dp, uint32_t id, const struct dp_path *path);

/** dp_peer_touch - a valid control packet came from (@received) or went to the peer: restart that timer. */
void dp_peer_touch(struct dp *dp, uint32_t id, bool received);

/** dp_peer_del - forget a peer and its routes; DP_EV_PEER_GONE with DP_GONE_DELETED follows, exactly once.
 *  The id may be used again only after that event. */
int dp_peer_del(struct dp *dp, uint32_t id);

/* ------------------------------------------------------------------ keys */

enum dp_key_slot { DP_KEY_PRIMARY, DP_KEY_SECONDARY };

enum dp_key_format {
    DP_FORMAT_AEAD,  /* 32-bit packet id, tag before the ciphertext */
    DP_FORMAT_EPOCH, /* 16-bit epoch, 48-bit counter, tag at the end */
    DP_FORMAT_CBC,   /* HMAC, then CBC/CFB/OFB or no cipher */
};

/** One direction's raw material as derived: cipher area, then HMAC area (spec: data channel, key material). */
struct dp_key_half {
    uint8_t cipher[64];
    uint8_t hmac[64];
};

struct dp_key {
    uint8_t key_id;              /* 0..7 */
    enum dp_key_format format;
    const char *cipher;          /* library spelling, "AES-256-GCM"; "none" only with DP_FORMAT_CBC */
    const char *auth;            /* HMAC digest for DP_FORMAT_CBC, "none" allowed; ignored otherwise */
    struct dp_key_half tx;
    struct dp_key_half rx;
    uint64_t limit_bytes;        /* DP_EV_KEY_EXHAUSTED once so many bytes went both ways (reneg-bytes); 0 no limit */
    uint64_t limit_packets;      /* and so many packets (reneg-pkts); 0 no limit */
};

/**
 * dp_key_new - put a key into a slot, replacing what was there; both slots decrypt at once
 * @key: copied; the caller wipes its own copy
 * Sending starts with the first PRIMARY key; a SECONDARY key sends after dp_key_swap().
 * Return: 0, ERR_NOT_FOUND (peer), ERR_UNSUPPORTED (cipher), ERR_CRYPTO (weak or refused key).
 */
int dp_key_new(struct dp *dp, uint32_t peer, enum dp_key_slot slot, const struct dp_key *key);

/** dp_key_swap - primary and secondary change places; the sender follows at once. Return: 0 or ERR_NOT_FOUND. */
int dp_key_swap(struct dp *dp, uint32_t peer);

/** dp_key_del - empty and wipe a slot. Return: 0 or ERR_NOT_FOUND. */
int dp_key_del(struct dp *dp, uint32_t peer, enum dp_key_slot slot);

/* ------------------------------------------------------------------ routes inside the server */

/** What leads to a peer: an address or network in tun mode, a MAC and VLAN id in tap mode. */
struct dp_route {
    bool is_mac;
    struct ip_prefix net; /* !is_mac; a host has 32 or 128 bits */
    uint8_t mac[6];       /* is_mac */
    uint16_t vlan;        /* is_mac; 0 untagged */
};

/** dp_route_add - packets to (and allowed sources from) @route belong to @peer; takes it over from another
 *  peer. Return: 0, ERR_NOT_FOUND, ERR_LIMIT (max_routes_per_peer). */
int dp_route_add(struct dp *dp, const struct dp_route *route, uint32_t peer);

/** dp_route_del - remove it if it still belongs to @peer. Return: 0 or ERR_NOT_FOUND. */
int dp_route_del(struct dp *dp, const struct dp_route *route, uint32_t peer);

/** One row of the routing table, for status output. */
struct dp_route_info {
    struct dp_route route;
    uint32_t peer;
    uint64_t last_used_unix_s;
    bool learnt; /* by the data plane (tap), not added by dp_route_add() */
};

/** dp_route_each - call @fn for every route; @fn may not call dp functions. */
void dp_route_each(struct dp *dp, void (*fn)(const struct dp_route_info *info, void *arg), void *arg);

/* ------------------------------------------------------------------ payloads that are ours */

/** dp_payload_send - encrypt and send @payload to the peer as if it had come from the device (OCC messages).
 *  Return: 0 or negative (no key, no peer). */
int dp_payload_send(struct dp *dp, uint32_t peer, const void *payload, size_t len);

/* ------------------------------------------------------------------ statistics */

struct dp_peer_stats {
    uint64_t link_rx_bytes; /* encapsulated, as status files print them */
    uint64_t link_tx_bytes;
    uint64_t link_rx_packets;
    uint64_t link_tx_packets;
    uint64_t tunnel_rx_bytes; /* inner payload from the peer */
    uint64_t tunnel_tx_bytes;
    uint64_t tunnel_rx_packets;
    uint64_t tunnel_tx_packets;
    uint32_t link_rx_max;     /* largest authenticated outer payload so far, for MTU_REPLY */
    uint32_t link_tx_max;
};

/** Why a packet was dropped; each has a counter (names from dp_drop_name()). */
enum dp_drop {
    DP_DROP_SHORT,            /* outer packet too short or bad opcode */
    DP_DROP_UNKNOWN_PEER,     /* no peer for this id or address */
    DP_DROP_UNKNOWN_KEY,      /* no key with this key id */
    DP_DROP_AUTH,             /* authentication failed */
    DP_DROP_REPLAY,
    DP_DROP_ADDRESS,          /* authenticated, but from an address the peer may not use */
    DP_DROP_FRAMING,          /* bad compression header */
    DP_DROP_DECOMPRESS,
    DP_DROP_FRAGMENT,         /* bad or unfinished fragment */
    DP_DROP_INNER,            /* inner packet is not valid IP or Ethernet */
    DP_DROP_SOURCE,           /* inner source is not routed to this peer */
    DP_DROP_NO_ROUTE,         /* no peer for the destination */
    DP_DROP_NO_KEY,           /* peer has no key to send with yet */
    DP_DROP_TOO_BIG,          /* does not fit the device or the path */
    DP_DROP_QUEUE,            /* a TCP or broadcast queue was full or stale */
    DP_DROP_RING,             /* control ring full: handshake flood */
    DP_DROP_DEVICE,           /* write to tun/tap failed */
    DP_DROP_SEND,             /* socket refused the packet */
    DP_DROP_VLAN,
    DP_DROP_MAC_LIMIT,        /* peer learnt too many addresses */
    DP_DROP_KEY_EXHAUSTED,    /* packet ids or AEAD usage used up */
    DP_DROP_RECURSIVE,        /* tunnelled packet to the peer's own outer address */
    DP_DROP_BLOCKED,          /* block-ipv6 */
    DP_DROP_SHAPER,
    DP_DROP_COUNT
};

struct dp_stats {
    uint64_t device_rx_bytes; /* read from tun/tap */
    uint64_t device_tx_bytes; /* written to tun/tap */
    uint64_t device_rx_packets;
    uint64_t device_tx_packets;
    uint64_t link_rx_bytes;
    uint64_t link_tx_bytes;
    uint64_t auth_rx_bytes;   /* payload that passed authentication */
    uint64_t syscalls;        /* reads, writes, sends and receives made, for the benchmark */
    uint64_t bcast_queue_max;
    uint64_t drops[DP_DROP_COUNT];
};

/** dp_drop_name - stable lower-case word for a drop reason ("replay"), for status and metrics. */
const char *dp_drop_name(enum dp_drop reason);

/** dp_peer_stats - counters of one peer (also of one that is being deleted). Return: 0 or ERR_NOT_FOUND. */
int dp_peer_stats(struct dp *dp, uint32_t peer, struct dp_peer_stats *out);

/** dp_stats - totals over all workers. */
void dp_stats(struct dp *dp, struct dp_stats *out);

/** What one thread of the data path did. */
struct dp_worker_stats {
    uint64_t cpu_ns; /* processor time */
    uint64_t link_rx_bytes;
    uint64_t link_tx_bytes;
};

/** dp_worker_stats - of worker @index, from 0. Return: 0; ERR_NOT_FOUND: there is none of this number. */
int dp_worker_stats(struct dp *dp, unsigned index, struct dp_worker_stats *out);

/* ------------------------------------------------------------------ events */

enum dp_event_type {
    DP_EV_CTRL,           /* a control packet, or anything from an unknown peer that control must judge */
    DP_EV_CONN_CLOSED,    /* a TCP connection ended or broke the framing */
    DP_EV_PEER_GONE,      /* the last word about a peer */
    DP_EV_PEER_TIMEOUT,   /* keepalive or inactivity ran out: control decides and calls dp_peer_del() */
    DP_EV_FLOATED,        /* an authenticated packet moved the peer to @path */
    DP_EV_FLOAT_CONFLICT, /* ... would have, but @other owns that address: control decides */
    DP_EV_KEY_EXHAUSTED,  /* soft limit of a key: renegotiate (raised once a key) */
    DP_EV_PAYLOAD,        /* an OCC message from the peer: @data */
    DP_EV_LEARNT,         /* tap: @route now leads to @peer (@other: the peer it was taken from, or NONE) */
    DP_EV_FORGOTTEN,      /* tap: a learnt @route aged out */
    DP_EV_DECRYPT_ERROR,  /* TCP: a data packet failed authentication; 2.x ends such a connection */
    DP_EV_PATH_MTU,       /* the path to @peer carries at most @mtu bytes of outer IP packet, @inner inside */
    DP_EV_DEVICE_ERROR,   /* the device went away: @error */
};

enum dp_gone_reason { DP_GONE_DELETED, DP_GONE_TIMEOUT, DP_GONE_INACTIVE };

struct dp_event {
    enum dp_event_type type;
    struct dp_path path;    /* CTRL, FLOATED, FLOAT_CONFLICT, CONN_CLOSED (conn) */
    uint32_t peer;          /* all but CTRL from strangers (then DP_PEER_ID_NONE) */
    uint32_t other;         /* FLOAT_CONFLICT, LEARNT */
    enum dp_gone_reason reason; /* PEER_GONE, PEER_TIMEOUT */
    uint8_t key_id;         /* KEY_EXHAUSTED */
    unsigned mtu;           /* PATH_MTU */
    unsigned inner;         /* PATH_MTU: longest inner packet that fits */
    int error;              /* CONN_CLOSED: 0 end of stream, -errno, ERR_FORMAT bad length; DEVICE_ERROR */
    struct dp_route route;  /* LEARNT, FORGOTTEN */
    const uint8_t *data;    /* CTRL, PAYLOAD: valid during the callback only */
    size_t len;
    struct dp_peer_stats stats; /* PEER_GONE: final counters */
};

/** dp_fd - readable when dp_drain() has something to do. Owned by the data plane. */
int dp_fd(const struct dp *dp);

/**
 * dp_drain - deliver waiting events
 * @fn: called for each; may call any dp function except dp_drain() and dp_close()
 * @budget: at most so many events, so that timers are not starved
 * Return: number delivered; equal to @budget when there may be more (dp_fd() stays readable).
 */
unsigned dp_drain(struct dp *dp, void (*fn)(const struct dp_event *event, void *arg), void *arg, unsigned budget);

#endif
