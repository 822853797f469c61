/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_TX_H
#define VPND_DP_USER_TX_H

/*
 * Packets on their way out. They are collected in one arena as a batch: groups of packets for one peer under one key.
 * tx_flush() seals each group in place and hands everything to the kernel in as few calls as possible. Only what the
 * kernel would not take yet outlives a turn, and then the device is not read.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "dp/user/gso.h"
#include "dp/user/packet.h"
#include "dp/user/udp_io.h"

struct keyslot;
struct path;
struct peer;
struct worker;

#define TX_PACKETS_MAX 128
#define TX_ARENA_BYTES (192u * 1024)
#define TX_CONTROL_BYTES (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(int)))

/** Packets of one peer under one key, next to each other in the batch. */
struct tx_group {
    struct peer *peer;
    struct keyslot *key;
    struct path *path;
    uint16_t first;
    uint16_t count;
    uint16_t before;     /* bytes in front of each record that are not the record's: TCP length, SOCKS header */
    uint8_t tos;         /* outer TOS of all its packets, with passtos */
    bool has_tos;
    bool data_v1;
    bool counts;         /* carries tunnelled packets, not our own pings */
    uint32_t tx_id;
    uint64_t payload;    /* bytes of tunnelled packets */
    uint32_t packets;
};

/** One message for the kernel: a datagram, or a run of equal ones with UDP_SEGMENT. */
struct tx_message {
    uint32_t listener;
    uint32_t peer;
    uint16_t segment;    /* size of the datagrams of a run; 0: a single one */
    uint16_t iov_first;
    uint16_t iov_count;
    uint16_t packets;
    uint32_t bytes;
    union addr to;
    _Alignas(struct cmsghdr) uint8_t control[TX_CONTROL_BYTES];
    size_t control_len;
};

struct tx {
    uint8_t *arena;
    size_t used;
    unsigned count;
    unsigned group_count;
    unsigned message_count;
    unsigned message_next;   /* messages before this were sent */
    unsigned iov_count;
    bool blocked;            /* the socket took no more: messages wait in the arena */
    uint32_t blocked_listener;
    uint8_t *scratch;        /* one packet before fragmenting, or compressed; made when needed */
    struct packet packets[TX_PACKETS_MAX];
    struct tx_group groups[TX_PACKETS_MAX];
    struct tx_message messages[TX_PACKETS_MAX];
    struct mmsghdr headers[TX_PACKETS_MAX];
    struct iovec iov[TX_PACKETS_MAX];
    struct gso_segment segments[TX_PACKETS_MAX];
};

/** tx_init - allocate the arena. */
void tx_init(struct tx *tx);

/** tx_free - release. */
void tx_free(struct tx *tx);

/** tx_plan - queue what one read from the device gave for @peer. Worker. */
void tx_plan(struct worker *w, struct peer *peer, const struct gso_plan *plan);

/** tx_packet - queue one packet (copied) as a tunnelled packet or (@counts false) a message of our own. Worker.
 *  Return: false when the peer cannot be sent to now. */
bool tx_packet(struct worker *w, struct peer *peer, const uint8_t *data, size_t len, bool counts);

/** tx_packet_whole - a message of our own that is one datagram even where a peer with `fragment` gets shorter ones. */
bool tx_packet_whole(struct worker *w, struct peer *peer, const uint8_t *data, size_t len);

/** tx_fragments - queue what was read from the device as IPv4 fragments of at most @longest bytes. Worker. */
void tx_fragments(struct worker *w, struct peer *peer, const struct gso_plan *plan, unsigned longest);

/** tx_flush - seal and send everything that is queued. Worker. */
void tx_flush(struct worker *w);

/** tx_resume - the socket is writable again: send what waited. Worker. */
void tx_resume(struct worker *w);

#endif
