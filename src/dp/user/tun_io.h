/* SPDX-License-Identifier: MIT */
#ifndef VPND_DP_USER_TUN_IO_H
#define VPND_DP_USER_TUN_IO_H

/* The tun or tap device: queues, offloads, reading and writing. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "dp/dp.h"
#include "dp/user/gro.h"
#include "dp/user/rcu.h"

struct user;
struct worker;

#define TUN_IO_PACKET_MAX 65535u
#define TUN_IO_HEADROOM 16u /* free bytes in front of the vnet header in a worker's read buffer */
#define TUN_IO_AHEAD 16u     /* most packets that are read before the first of them is carried */
#define TUN_IO_SHORT 2048u   /* read ahead are only packets that are no longer, but for the last one */
#define TUN_IO_BUFFER_BYTES (TUN_IO_AHEAD * TUN_IO_SHORT + TUN_IO_HEADROOM + VNET_HEADER_SIZE + TUN_IO_PACKET_MAX + 64u)

/** An attached device. Published; queues close after a grace period. */
struct device {
    uint32_t serial;         /* of all that were ever attached; from 1 */
    int fds[DP_TUN_QUEUES_MAX];
    unsigned queues;
    unsigned workers;
    unsigned lanes;          /* queues of each worker; 1 when some workers have none */
    bool vnet_header;
    bool tap;
    bool csum;               /* the kernel hands over and takes unfinished checksums */
    _Atomic uint32_t mtu;
    struct gro_config gro;
    uint8_t mac[6];
    struct ip_addr local4;
    struct ip_addr local6;
};

/** tun_io_attach - take over a device. Return: 0 or negative; the fds are consumed either way. Control. */
int tun_io_attach(struct user *user, const struct dp_device *config);

/** tun_io_detach - stop using the device; its queues close after a grace period. Control. */
void tun_io_detach(struct user *user);

/** device_free - release at once; for the end of the instance. */
void device_free(struct device *device);

/** tun_io_device - the device in use, or NULL. Worker. */
const struct device *tun_io_device(const struct worker *w);

/** tun_io_read - read and carry what waits in @queue, one of this worker's. Worker. */
void tun_io_read(struct worker *w, unsigned queue);

/** A packet as it was read: a vnet header, which has TUN_IO_HEADROOM in front of it, and what follows. */
struct tun_packet {
    uint8_t *vnet;
    size_t len;
};

/** Why a worker does not read the device; it does when no reason is left. */
enum tun_io_pause {
    TUN_IO_PAUSE_SOCKET = 1, /* the UDP socket takes no more */
    TUN_IO_PAUSE_CONN = 2,   /* packets wait for the TCP connection */
    TUN_IO_PAUSE_SHAPER = 4, /* the packets that left have not had their time */
    TUN_IO_PAUSE_ERROR = 8,  /* this device is broken */
};

/** tun_io_pause - @on: stop waiting for packets of the device; otherwise the reason is gone. Worker. */
void tun_io_pause(struct worker *w, enum tun_io_pause reason, bool on);

/** tun_io_write - write one packet of our own making. Worker. */
void tun_io_write(struct worker *w, const uint8_t *packet, size_t len);

/** tun_io_write_batch - write packets, coalesced where the device takes that. Worker. */
void tun_io_write_batch(struct worker *w, const struct gro_packet *packets, unsigned count, struct gro_batch *merged);

#endif
