/* SPDX-License-Identifier: MIT */
#include "dp/user/tun_io.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "dp/user/forward.h"
#include "dp/user/lane.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"

#define READS_A_TURN 64
#define BYTES_A_TURN (256u * 1024)
#define SHAPED_TURN_MS 10

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)close(fds[i]);
    }
}

static bool offload(const struct device *d, unsigned flags)
{
    for (unsigned i = 0; i < d->queues; i++) {
        if (ioctl(d->fds[i], TUNSETOFFLOAD, (unsigned long)flags)) {
            return false;
        }
    }
    return true;
}

/* Ask for everything, then for less, until the kernel agrees. */
static void set_offloads(struct device *d, bool wanted)
{
    const unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    d->gro.tap = d->tap;
    if (!d->vnet_header) {
        return;
    }
    if (!wanted) {
        (void)offload(d, 0);
        return;
    }
    d->gro.uso = offload(d, tso | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6);
    d->csum = d->gro.uso || offload(d, tso | TUN_F_TSO_ECN) || offload(d, tso);
    d->gro.tso4 = d->csum;
    d->gro.tso6 = d->csum;
    if (!d->csum) {
        d->csum = offload(d, TUN_F_CSUM);
    }
}

/* The queue that a worker writes to. Where there are fewer queues than workers, some share one. */
static int queue_of(const struct device *d, unsigned worker, unsigned lane)
{
    return d->fds[d->queues < d->workers ? worker % d->queues : lane * d->workers + worker % d->workers];
}

int tun_io_attach(struct user *user, const struct dp_device *config)
{
    tun_io_detach(user);
    struct device *d = mem_zalloc(sizeof(*d));
    memcpy(d->fds, config->fds, config->queues * sizeof(d->fds[0]));
    d->queues = config->queues;
    d->workers = user->dp.config.workers;
    d->lanes = d->queues < d->workers ? 1 : d->queues / d->workers;
    d->serial = ++user->device_serial;
    d->vnet_header = config->vnet_header;
    d->tap = user->dp.config.device == DP_DEVICE_TAP;
    atomic_init(&d->mtu, config->mtu);
    memcpy(d->mac, config->mac, sizeof(d->mac));
    d->local4 = config->local4;
    d->local6 = config->local6;
    set_offloads(d, !user->dp.config.no_offload);
    user_lock(user);
    atomic_store_explicit(&user->device, d, memory_order_release);
    user_unlock(user);
    for (unsigned i = 0; i < d->queues; i++) {
        worker_watch(user->workers[i % d->workers], d->fds[i], WORKER_WATCH_DEVICE, i, true);
    }
    return 0;
}

void device_free(struct device *device)
{
    if (device) {
        close_all(device->fds, device->queues);
        free(device);
    }
}

void tun_io_detach(struct user *user)
{
    user_lock(user);
    struct device *d = atomic_exchange(&user->device, NULL);
    user_unlock(user);
    if (!d) {
        return;
    }
    for (unsigned i = 0; i < d->queues; i++) {
        worker_unwatch(user->workers[i % d->workers], d->fds[i]);
    }
    /* The device has to be gone when this returns: programs run after it, and its name may be taken again. */
    rcu_readers_wait();
    device_free(d);
}

const struct device *tun_io_device(const struct worker *w)
{
    return atomic_load_explicit(&w->user->device, memory_order_acquire);
}

static void tell_error(struct worker *w, int error)
{
    struct dp_event event = {
        .type = DP_EV_DEVICE_ERROR, .peer = DP_PEER_ID_NONE, .other = DP_PEER_ID_NONE, .error = -error};
    if (worker_event(w, &event, EVENT_IMPORTANT)) {
        tun_io_pause(w, TUN_IO_PAUSE_ERROR, true); /* it would be readable for ever */
    }
}

static void rewatch(struct worker *w, const struct device *d)
{
    for (unsigned i = w->index; i < d->queues; i += d->workers) {
        worker_rewatch(w, d->fds[i], WORKER_WATCH_DEVICE, i, w->device_pauses == 0, false);
    }
}

void tun_io_pause(struct worker *w, enum tun_io_pause reason, bool on)
{
    const struct device *d = tun_io_device(w);
    bool was = w->device_pauses != 0;
    w->device_pauses = on ? w->device_pauses | reason : w->device_pauses & ~(unsigned)reason;
    if (d && was != (w->device_pauses != 0)) {
        rewatch(w, d);
    }
}

/* A device that was attached since the last read is being waited for, whatever paused its predecessor. */
static void meet(struct worker *w, const struct device *d)
{
    if (w->device_serial != d->serial) {
        w->device_serial = d->serial;
        w->device_pauses &= ~(unsigned)TUN_IO_PAUSE_ERROR;
        if (w->device_pauses) {
            rewatch(w, d);
        }
    }
}

static bool shaped(struct worker *w)
{
    return w->shaper_until_us > w->now_ms * 1000;
}

/* With a shaper only as much as leaves within a few milliseconds: it should slow down, not send in bursts. */
static size_t bytes_a_turn(const struct worker *w)
{
    uint32_t rate = atomic_load_explicit(&w->user->shaper, memory_order_relaxed);
    size_t few = (size_t)rate * SHAPED_TURN_MS / 1000;
    return rate && few < BYTES_A_TURN ? few + 1 : BYTES_A_TURN;
}

/* Read one packet behind @at, which has TUN_IO_HEADROOM. Return: its length with the vnet header; 0: none. */
static size_t read_packet(struct worker *w, const struct device *d, unsigned queue, uint8_t *at)
{
    uint8_t *vnet = at + TUN_IO_HEADROOM;
    size_t before = d->vnet_header ? 0 : VNET_HEADER_SIZE;
    worker_syscall(w);
    ssize_t n = read(d->fds[queue], vnet + before, TUN_IO_PACKET_MAX + VNET_HEADER_SIZE);
    if (n <= 0) {
        if (n < 0 && errno != EAGAIN && errno != EINTR && errno != EIO) {
            tell_error(w, errno);
        }
        return 0;
    }
    if (before) {
        memset(vnet, 0, VNET_HEADER_SIZE);
    }
    return (size_t)n + before;
}

/* Read at most @most packets; a long one is the last. Return: how many. */
static unsigned read_ahead(struct worker *w, const struct device *d, unsigned queue, unsigned most,
                           struct tun_packet *packets)
{
    unsigned n = 0;
    for (size_t len = 0; n < most && len <= TUN_IO_SHORT - TUN_IO_HEADROOM; n++) {
        uint8_t *at = w->device_buffer + (size_t)n * TUN_IO_SHORT;
        len = read_packet(w, d, queue, at);
        if (!len) {
            break;
        }
        packets[n] = (struct tun_packet){at + TUN_IO_HEADROOM, len};
    }
    return n;
}

/* With many peers what a packet needs of its own is not in the cache. Several packets fetch it side by side. */
static unsigned ahead(struct worker *w, bool busy, size_t most_bytes)
{
    if (!busy || most_bytes < BYTES_A_TURN || !forward_has_many(w)) {
        return 1;
    }
    if (w->tx.count + TUN_IO_AHEAD > TX_PACKETS_MAX) {
        tx_flush(w); /* where the socket is full, nothing was read in vain */
    }
    return TUN_IO_AHEAD;
}

static void carry(struct worker *w, const struct device *d, const struct tun_packet *packets, unsigned n)
{
    if (n > 1) {
        forward_prefetch(w, packets, n);
    }
    for (unsigned i = 0; i < n; i++) {
        worker_add(&w->stats.device_rx_packets, 1);
        worker_add(&w->stats.device_rx_bytes, (uint64_t)packets[i].len - VNET_HEADER_SIZE);
        forward_from_device(w, d, packets[i].vnet, packets[i].len);
    }
}

void tun_io_read(struct worker *w, unsigned queue)
{
    const struct device *d = tun_io_device(w);
    if (!d || queue >= d->queues) {
        return;
    }
    meet(w, d);
    unsigned lane = 1u << queue / d->workers;
    bool busy = w->lanes_busy & lane;
    size_t bytes = 0;
    size_t most = bytes_a_turn(w);
    unsigned packets = 0;
    while (packets < READS_A_TURN && bytes < most && !shaped(w)) {
        struct tun_packet got[TUN_IO_AHEAD];
        unsigned wanted = ahead(w, busy, most);
        unsigned n = w->device_pauses ? 0 : read_ahead(w, d, queue, wanted, got);
        carry(w, d, got, n);
        for (unsigned i = 0; i < n; i++) {
            bytes += got[i].len;
        }
        packets += n;
        if (!busy) {
            tx_flush(w); /* few packets: none waits until the queue has said that it is empty */
        }
        if (n < wanted && (!n || got[n - 1].len <= TUN_IO_SHORT - TUN_IO_HEADROOM)) {
            break;
        }
    }
    if (packets >= READS_A_TURN || bytes >= most) {
        moderate_more(&w->moderate);
    }
    w->lanes_busy = packets > 1 ? w->lanes_busy | lane : w->lanes_busy & ~lane;
    tx_flush(w);
}

/* ------------------------------------------------------------------ writing */

/* @iov: the vnet header, if the device has one, then the packet's first piece with all its headers. */
static void write_frame(struct worker *w, const struct device *d, const struct iovec *iov, int count, unsigned packets,
                        size_t len)
{
    const struct iovec *head = &iov[d->vnet_header ? 1 : 0];
    unsigned lane = lane_of_packet(head->iov_base, head->iov_len, d->tap, d->lanes);
    worker_syscall(w);
    if (writev(queue_of(d, w->index, lane), iov, count) < 0) {
        worker_drop(w, DP_DROP_DEVICE, packets);
        return;
    }
    worker_add(&w->stats.device_tx_packets, packets);
    worker_add(&w->stats.device_tx_bytes, len);
}

void tun_io_write(struct worker *w, const uint8_t *packet, size_t len)
{
    const struct device *d = tun_io_device(w);
    if (!d) {
        worker_drop(w, DP_DROP_DEVICE, 1);
        return;
    }
    struct vnet_header none = {0};
    struct iovec iov[2] = {{&none, sizeof(none)}, {(void *)(uintptr_t)packet, len}};
    bool vnet = d->vnet_header;
    write_frame(w, d, vnet ? iov : iov + 1, vnet ? 2 : 1, 1, len);
}

void tun_io_write_batch(struct worker *w, const struct gro_packet *packets, unsigned count, struct gro_batch *merged)
{
    const struct device *d = tun_io_device(w);
    if (!d) {
        worker_drop(w, DP_DROP_DEVICE, count);
        return;
    }
    if (!d->vnet_header || count == 1) {
        for (unsigned i = 0; i < count; i++) {
            tun_io_write(w, packets[i].data, packets[i].len);
        }
        return;
    }
    unsigned frames = gro_merge(&d->gro, packets, count, merged);
    for (unsigned i = 0; i < frames; i++) {
        const struct gro_frame *f = &merged->frame[i];
        write_frame(w, d, &merged->iov[f->iov_first], f->iov_count, f->packets, f->len);
    }
}
