/* SPDX-License-Identifier: MIT */
#ifndef VPND_SYS_TUN_H
#define VPND_SYS_TUN_H

/*
 * tun and tap devices of the Linux kernel (Documentation/networking/tuntap.rst). Any thread.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TUN_QUEUES_MAX 128
#define TUN_NODE_DEFAULT "/dev/net/tun"

/** Which device to open and how. */
struct tun_options {
    const char *name;    /* "tun", "tap": first free number; "tun3", "office": exactly this one */
    const char *node;    /* `dev-node`; NULL means TUN_NODE_DEFAULT */
    bool tap;            /* Ethernet frames instead of IP packets */
    unsigned queues;     /* wanted, 1..TUN_QUEUES_MAX; 0 means 1 */
    bool vnet_header;    /* wanted: 10-byte virtio_net_hdr for segmentation offload */
};

/** An open device. What the kernel or an existing persistent device refused is off: look at the fields. */
struct tun_device {
    char name[IFNAMSIZ];
    bool tap;
    unsigned ifindex;
    int fds[TUN_QUEUES_MAX]; /* non-blocking, close-on-exec */
    unsigned queues;
    bool vnet_header;
};

/**
 * tun_open - open (creating it if need be) a device
 *
 * Falls back in steps: without the virtio header, then with one queue. Offloads (TUNSETOFFLOAD) are the data
 * plane's business.
 * Return: 0; -ENOENT or -ENODEV (no node: is the tun module there?); -EPERM or -EACCES (needs CAP_NET_ADMIN);
 * -EBUSY (in use by another program); -EINVAL (exists and is of another kind); other -errno.
 */
int tun_open(const struct tun_options *options, struct tun_device *out);

/** tun_close - close all queues that are still owned (fd >= 0) and mark them closed. */
void tun_close(struct tun_device *device);

/** tun_open_hint - advice for the error line when tun_open() returned @err, or "" (static text). */
const char *tun_open_hint(int err);

#define TUN_ID_NONE ((unsigned)-1)

/**
 * tun_persist - `mktun`, `rmtun`: set or clear the persist flag of a device
 * @owner, @group: who may open it later; TUN_ID_NONE for nobody in particular (only used when @on)
 * @name_out: receives the device's name
 * Return: 0 or -errno.
 */
int tun_persist(const struct tun_options *options, bool on, unsigned owner, unsigned group, char name_out[IFNAMSIZ]);

/** tun_type_from_name - whether @dev ("tun0", "tap", "office") tells its type by its first three letters.
 *  Return: 1 tap, 0 tun, -1 neither. */
int tun_type_from_name(const char *dev);

#endif
