/* SPDX-License-Identifier: MIT */
#include "sys/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define VNET_HEADER_BYTES 10 /* struct virtio_net_hdr without the buffer count */

/* "tun" and "tap" mean "any free number"; the kernel fills in %d. */
static int device_pattern(const struct tun_options *options, char out[IFNAMSIZ])
{
    const char *name = options->name;
    if (strcmp(name, "tun") == 0 || strcmp(name, "tap") == 0) {
        memcpy(out, options->tap ? "tap%d" : "tun%d", 6);
        return 0;
    }
    size_t len = strlen(name);
    if (len == 0 || len >= IFNAMSIZ || strchr(name, '/') || strchr(name, '%')) {
        return -EINVAL;
    }
    memcpy(out, name, len + 1);
    return 0;
}

static int open_node(const struct tun_options *options)
{
    int fd = open(options->node ? options->node : TUN_NODE_DEFAULT, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Opens one queue; @name goes in as a pattern and comes out as the real name. */
static int open_queue(const struct tun_options *options, char name[IFNAMSIZ], bool multi, bool vnet)
{
    int fd = open_node(options);
    if (fd < 0) {
        return fd;
    }
    struct ifreq request;
    memset(&request, 0, sizeof(request));
    memcpy(request.ifr_name, name, IFNAMSIZ);
    request.ifr_flags =
        (short)(IFF_NO_PI | (options->tap ? IFF_TAP : IFF_TUN) | (multi ? IFF_MULTI_QUEUE : 0) | (vnet ? IFF_VNET_HDR : 0));
    int r = 0;
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        r = -errno;
    }
    int header = VNET_HEADER_BYTES;
    if (r == 0 && vnet && ioctl(fd, TUNSETVNETHDRSZ, &header) < 0) {
        r = -errno;
    }
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    memcpy(name, request.ifr_name, IFNAMSIZ);
    return fd;
}

static int open_with(const struct tun_options *options, const char pattern[IFNAMSIZ], unsigned queues, bool vnet,
                     struct tun_device *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->name, pattern, IFNAMSIZ);
    out->tap = options->tap;
    out->vnet_header = vnet;
    int r = 0;
    while (out->queues < queues && r == 0) {
        int fd = open_queue(options, out->name, queues > 1, vnet);
        if (fd < 0) {
            r = fd;
        } else {
            out->fds[out->queues++] = fd;
        }
    }
    if (r == 0) {
        out->ifindex = if_nametoindex(out->name);
        if (out->ifindex == 0) {
            r = -errno;
        }
    }
    if (r < 0) {
        tun_close(out);
    }
    return r;
}

/* Errors after which asking for less may help; the others will not change. */
static bool worth_retry(int r)
{
    return r == -EINVAL || r == -ENOTTY || r == -E2BIG || r == -EOPNOTSUPP || r == -ENOSPC;
}

int tun_open(const struct tun_options *options, struct tun_device *out)
{
    char pattern[IFNAMSIZ] = "";
    memset(out, 0, sizeof(*out));
    int r = device_pattern(options, pattern);
    if (r < 0) {
        return r;
    }
    unsigned queues = options->queues == 0 ? 1 : options->queues;
    if (queues > TUN_QUEUES_MAX) {
        queues = TUN_QUEUES_MAX;
    }
    r = open_with(options, pattern, queues, options->vnet_header, out);
    if (worth_retry(r) && options->vnet_header) {
        r = open_with(options, pattern, queues, false, out);
    }
    if (worth_retry(r) && queues > 1) {
        r = open_with(options, pattern, 1, options->vnet_header, out);
        if (worth_retry(r) && options->vnet_header) {
            r = open_with(options, pattern, 1, false, out);
        }
    }
    return r;
}

void tun_close(struct tun_device *device)
{
    for (unsigned i = 0; i < device->queues; i++) {
        if (device->fds[i] >= 0) {
            (void)close(device->fds[i]);
            device->fds[i] = -1;
        }
    }
    device->queues = 0;
}

const char *tun_open_hint(int err)
{
    switch (err) {
    case -ENOENT:
    case -ENODEV:
    case -ENXIO:
        return "the tun device node is missing: load the kernel module (modprobe tun); in a container pass /dev/net/tun in";
    case -EPERM:
    case -EACCES:
        return "this needs root or the capability CAP_NET_ADMIN";
    case -EBUSY:
        return "another program is using this device: stop it or choose another name with --dev";
    case -EINVAL:
        return "a device of this name exists and is of another kind, or the name is not valid: see --dev and --dev-type";
    default:
        return "";
    }
}

static int persist_on(int fd, unsigned owner, unsigned group)
{
    if (owner != TUN_ID_NONE && ioctl(fd, TUNSETOWNER, (unsigned long)owner) < 0) {
        return -errno;
    }
    if (group != TUN_ID_NONE && ioctl(fd, TUNSETGROUP, (unsigned long)group) < 0) {
        return -errno;
    }
    return ioctl(fd, TUNSETPERSIST, 1UL) < 0 ? -errno : 0;
}

int tun_persist(const struct tun_options *options, bool on, unsigned owner, unsigned group, char name_out[IFNAMSIZ])
{
    memset(name_out, 0, IFNAMSIZ);
    int r = device_pattern(options, name_out);
    if (r < 0) {
        return r;
    }
    /* A device that was made with several queues refuses to be opened as one with a single queue. */
    int fd = open_queue(options, name_out, false, false);
    if (fd == -EINVAL) {
        fd = open_queue(options, name_out, true, false);
    }
    if (fd < 0) {
        return fd;
    }
    if (on) {
        r = persist_on(fd, owner, group);
    } else {
        r = ioctl(fd, TUNSETPERSIST, 0UL) < 0 ? -errno : 0;
    }
    (void)close(fd);
    return r;
}

int tun_type_from_name(const char *dev)
{
    if (strncmp(dev, "tun", 3) == 0) {
        return 0;
    }
    return strncmp(dev, "tap", 3) == 0 ? 1 : -1;
}
