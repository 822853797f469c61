/* SPDX-License-Identifier: MIT */
#include "dp/user/tcp_io.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "dp/user/peer.h"
#include "dp/user/rcu.h"
#include "dp/user/tun_io.h"
#include "dp/user/user.h"
#include "dp/user/worker.h"
#include "wire/stream.h"

#define NOTSENT_LOWAT (128 * 1024) /* unsent bytes that the kernel keeps; the rest waits where we can drop it */
#define SOJOURN_MAX_MS 200u        /* older data packets leave the queue at its head */
#define CONTROL_QUEUE_MAX 128u
/* The limit of the queue counts reads of the device, as it does for those who read one packet at a time. Here one read
 * may be a super-packet: so many bytes, and so many segments. */
#define READ_UNIT_BYTES ((size_t)64 * 1024)
#define READ_UNIT_PACKETS 64u
#define IOV_MAX_A_CALL 64
#define READ_BYTES (256u * 1024)
#define CLOSE_GRACE_S 1u

/** A record, or what is left of one, that waits. */
struct record {
    struct record *next;
    uint64_t queued_ms;
    uint32_t len;
    uint32_t sent;
    bool control;
    uint8_t bytes[];
};

struct conn {
    struct table_node node;
    struct rcu_item rcu;
    struct user *user;
    struct worker *owner;
    uint32_t id;
    int fd;
    _Atomic uint32_t references;
    struct peer *_Atomic peer;
    uint8_t *partial;        /* the owner's: beginning of a record */
    size_t partial_len;

    pthread_mutex_t lock;    /* what follows */
    struct record *first;
    struct record **last;
    unsigned waiting;        /* data records */
    size_t waiting_bytes;    /* of data records */
    unsigned waiting_control;
    bool armed;              /* waiting for writability */
    bool dead;               /* broken or closed: nothing goes out any more */
    bool closing;
    uint32_t close_at_s;
};

/* ------------------------------------------------------------------ life */

static uint64_t hash_of(const struct user *user, uint32_t id)
{
    return table_hash(&user->conns, &id, sizeof(id));
}

struct conn *conn_find(const struct user *user, uint32_t id)
{
    unsigned link;
    struct table_node *n = table_first(&user->conns, hash_of(user, id), &link);
    for (; n; n = table_next(n, link)) {
        struct conn *c = container_of(n, struct conn, node);
        if (c->id == id) {
            return c;
        }
    }
    return NULL;
}

static void tune(int fd)
{
    int on = 1;
    int lowat = NOTSENT_LOWAT;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat));
}

int conn_add(struct user *user, int fd, const void *initial, size_t initial_len, uint32_t *id)
{
    if (initial_len > STREAM_PACKET_MAX * 2) {
        (void)close(fd);
        return ERR_LIMIT;
    }
    struct conn *c = mem_zalloc(sizeof(*c));
    c->user = user;
    c->fd = fd;
    c->last = &c->first;
    atomic_init(&c->references, 1);
    (void)pthread_mutex_init(&c->lock, NULL);
    if (initial_len) {
        c->partial = mem_array(initial_len, 1);
        memcpy(c->partial, initial, initial_len);
        c->partial_len = initial_len;
    }
    tune(fd);
    user_lock(user);
    do {
        c->id = ++user->next_conn;
    } while (c->id == DP_NO_CONN || conn_find(user, c->id));
    c->owner = user->workers[c->id % user->dp.config.workers];
    table_insert(&user->conns, &c->node, hash_of(user, c->id));
    user_unlock(user);
    *id = c->id;
    worker_watch(c->owner, fd, WORKER_WATCH_CONN, c->id, true);
    if (initial_len) {
        worker_rewatch(c->owner, fd, WORKER_WATCH_CONN, c->id, true, true); /* a turn to parse what is there */
    }
    return 0;
}

void conn_hold(struct conn *conn)
{
    atomic_fetch_add(&conn->references, 1);
}

static void free_queue(struct conn *c)
{
    while (c->first) {
        struct record *r = c->first;
        c->first = r->next;
        free(r);
    }
    c->last = &c->first;
    c->waiting = 0;
    c->waiting_bytes = 0;
    c->waiting_control = 0;
}

void conn_release(struct conn *conn)
{
    if (atomic_fetch_sub(&conn->references, 1) != 1) {
        return;
    }
    (void)close(conn->fd);
    free_queue(conn);
    free(conn->partial);
    (void)pthread_mutex_destroy(&conn->lock);
    free(conn);
}

static void release(struct rcu_item *item)
{
    conn_release(container_of(item, struct conn, rcu));
}

/* Nothing comes or goes any more; the object stays until its references are gone. Under the data plane's lock. */
static void bury(struct conn *c)
{
    worker_unwatch(c->owner, c->fd);
    (void)shutdown(c->fd, SHUT_RDWR);
    table_remove(&c->user->conns, &c->node);
    worker_wake(c->owner); /* it may have paused the device for this connection */
    rcu_domain_defer(&c->user->rcu, &c->rcu, release);
}

void conn_del(struct user *user, uint32_t id)
{
    struct conn *c = conn_find(user, id);
    if (!c) {
        return;
    }
    (void)pthread_mutex_lock(&c->lock);
    bool again = c->closing;
    bool wait = c->first && !c->dead;
    c->closing = true;
    c->close_at_s = user->control->now_s + CLOSE_GRACE_S + 1;
    if (!wait) {
        c->dead = true;
    }
    (void)pthread_mutex_unlock(&c->lock);
    if (!wait && !again) {
        bury(c);
    }
}

static void free_one(struct table_node *node, void *arg)
{
    (void)arg;
    conn_release(container_of(node, struct conn, node));
}

void conn_free_all(struct user *user)
{
    table_each(&user->conns, free_one, NULL);
    table_free(&user->conns);
}

void conn_set_peer(struct conn *conn, struct peer *peer)
{
    atomic_store_explicit(&conn->peer, peer, memory_order_release);
}

void conn_unset_peer(struct conn *conn, const struct peer *peer)
{
    if (atomic_load(&conn->peer) == peer) {
        atomic_store_explicit(&conn->peer, NULL, memory_order_release);
    }
}

struct peer *conn_peer(const struct conn *conn)
{
    return atomic_load_explicit(&conn->peer, memory_order_acquire);
}

uint32_t conn_id(const struct conn *conn)
{
    return conn->id;
}

/* ------------------------------------------------------------------ writing */

static void arm(struct conn *c, bool output)
{
    if (c->armed != output) {
        c->armed = output;
        worker_rewatch(c->owner, c->fd, WORKER_WATCH_CONN, c->id, true, output);
    }
}

static void enqueue(struct conn *c, const uint8_t *bytes, size_t len, size_t sent, uint64_t now_ms, bool control)
{
    struct record *r = mem_grow(NULL, 1, sizeof(*r) + len);
    *r = (struct record){.queued_ms = now_ms, .len = (uint32_t)len, .sent = (uint32_t)sent, .control = control};
    memcpy(r->bytes, bytes, len);
    *c->last = r;
    c->last = &r->next;
    if (control) {
        c->waiting_control++;
    } else {
        c->waiting++;
        c->waiting_bytes += len;
    }
}

/* Take the record that *@at leads to out of the queue. */
static void dequeue(struct conn *c, struct record **at)
{
    struct record *r = *at;
    *at = r->next;
    if (!r->next) {
        c->last = at;
    }
    if (r->control) {
        c->waiting_control--;
    } else {
        c->waiting--;
        c->waiting_bytes -= r->len;
    }
    free(r);
}

/* The clock is each thread's of its turn, so a record may come from a little ahead of ours. */
static bool stale(const struct record *r, uint64_t now_ms)
{
    return now_ms > r->queued_ms + SOJOURN_MAX_MS;
}

/* Old packets leave the queue at its head, but a record of which a part was sent has to be finished, and the newest
 * stays. Return: how many. */
static unsigned drop_stale(struct conn *c, uint64_t now_ms)
{
    unsigned dropped = 0;
    struct record **at = &c->first;
    while (*at && (*at)->next && stale(*at, now_ms)) {
        if ((*at)->control || (*at)->sent) {
            at = &(*at)->next;
        } else {
            dequeue(c, at);
            dropped++;
        }
    }
    return dropped;
}

/* Take @n written bytes off the queue. */
static void consume(struct conn *c, size_t n)
{
    while (n && c->first) {
        size_t left = c->first->len - c->first->sent;
        if (n < left) {
            c->first->sent += (uint32_t)n;
            return;
        }
        n -= left;
        dequeue(c, &c->first);
    }
}

/* Write from the queue until it is empty or the socket is full. Under the connection's lock. */
static int drain(struct conn *c)
{
    while (c->first) {
        struct iovec iov[IOV_MAX_A_CALL];
        int count = 0;
        for (struct record *r = c->first; r && count < IOV_MAX_A_CALL; r = r->next) {
            iov[count++] = (struct iovec){r->bytes + r->sent, r->len - r->sent};
        }
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)count};
        ssize_t n = sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        }
        consume(c, (size_t)n);
    }
    return 0;
}

static void broken(struct conn *c)
{
    c->dead = true; /* the owner notices when it reads, and tells control */
    free_queue(c);
}

/* Frame the good packets; neighbours share an iovec. Return: number of iovecs. */
static int gather(struct packet *packets, unsigned count, struct iovec *iov)
{
    int n = 0;
    for (unsigned i = 0; i < count; i++) {
        if (packets[i].verdict != PACKET_OK) {
            continue;
        }
        uint8_t *at = packets[i].data - STREAM_HEADER_SIZE;
        size_t len = packets[i].len + STREAM_HEADER_SIZE;
        stream_header(at, packets[i].len);
        if (n && (uint8_t *)iov[n - 1].iov_base + iov[n - 1].iov_len == at) {
            iov[n - 1].iov_len += len;
        } else {
            iov[n++] = (struct iovec){at, len};
        }
    }
    return n;
}

static bool full(const struct conn *c, unsigned limit)
{
    return c->waiting >= (uint64_t)limit * READ_UNIT_PACKETS || c->waiting_bytes >= (uint64_t)limit * READ_UNIT_BYTES;
}

/* Queue what the kernel did not take of a batch. Return: packets dropped. */
static unsigned keep_rest(struct conn *c, const struct packet *packets, unsigned count, size_t written, unsigned limit,
                          uint64_t now_ms)
{
    unsigned dropped = drop_stale(c, now_ms);
    for (unsigned i = 0; i < count; i++) {
        if (packets[i].verdict != PACKET_OK) {
            continue;
        }
        size_t len = packets[i].len + STREAM_HEADER_SIZE;
        if (written >= len) {
            written -= len;
            continue;
        }
        if (!written && full(c, limit)) {
            dropped++;
            continue;
        }
        enqueue(c, packets[i].data - STREAM_HEADER_SIZE, len, written, now_ms, false);
        written = 0;
    }
    return dropped;
}

void conn_send(struct worker *w, struct conn *conn, struct packet *packets, unsigned count)
{
    const struct dp_config *config = &w->user->dp.config;
    /* With one peer the device is paused instead, and its own queue does the dropping. */
    bool pauses = config->mode == DP_MODE_P2P && w == conn->owner;
    unsigned limit = pauses ? UINT_MAX : config->tcp_queue_limit;
    struct iovec iov[TX_PACKETS_MAX];
    int pieces = gather(packets, count, iov);
    unsigned dropped = 0;
    (void)pthread_mutex_lock(&conn->lock);
    if (conn->dead || conn->closing) {
        (void)pthread_mutex_unlock(&conn->lock);
        worker_drop(w, DP_DROP_SEND, count);
        return;
    }
    ssize_t n = 0;
    if (!conn->first && pieces) {
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)pieces};
        worker_syscall(w);
        n = sendmsg(conn->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        broken(conn);
    } else {
        dropped = keep_rest(conn, packets, count, n > 0 ? (size_t)n : 0, limit, w->now_ms);
    }
    bool waits = conn->first != NULL;
    arm(conn, waits);
    (void)pthread_mutex_unlock(&conn->lock);
    worker_drop(w, DP_DROP_QUEUE, dropped);
    if (waits && pauses) {
        w->paused_conn = conn->id;
        tun_io_pause(w, TUN_IO_PAUSE_CONN, true);
    }
}

int conn_send_control(struct user *user, struct conn *conn, const void *data, size_t len)
{
    uint8_t framed[STREAM_HEADER_SIZE + DP_CTRL_PACKET_MAX];
    stream_header(framed, len);
    memcpy(framed + STREAM_HEADER_SIZE, data, len);
    len += STREAM_HEADER_SIZE;
    int err = 0;
    (void)pthread_mutex_lock(&conn->lock);
    if (conn->dead || conn->closing) {
        err = -EPIPE;
    } else if (conn->waiting_control >= CONTROL_QUEUE_MAX) {
        err = -EAGAIN;
    } else {
        enqueue(conn, framed, len, 0, user->control->now_ms, true);
        if (!conn->armed && drain(conn)) {
            broken(conn);
            err = -EPIPE;
        }
        arm(conn, conn->first != NULL);
    }
    (void)pthread_mutex_unlock(&conn->lock);
    return err;
}

/* ------------------------------------------------------------------ once a second */

struct expiry {
    struct worker *w;
    unsigned dropped;
};

static void expire(struct table_node *node, void *arg)
{
    struct conn *c = container_of(node, struct conn, node);
    struct expiry *e = arg;
    (void)pthread_mutex_lock(&c->lock);
    bool over = c->closing && (c->dead || !c->first || e->w->now_s >= c->close_at_s);
    e->dropped += drop_stale(c, e->w->now_ms);
    c->dead |= over;
    (void)pthread_mutex_unlock(&c->lock);
    if (over) {
        bury(c);
    }
}

void conn_tick(struct worker *w, const struct table_part *part)
{
    struct user *u = w->user;
    struct expiry e = {.w = w};
    user_lock(u);
    table_each_part(&u->conns, part, expire, &e);
    user_unlock(u);
    worker_drop(w, DP_DROP_QUEUE, e.dropped);
}

/* ------------------------------------------------------------------ reading */

static void close_conn(struct worker *w, struct conn *c, int error)
{
    struct user *u = w->user;
    struct dp_event event = {.type = DP_EV_CONN_CLOSED, .error = error, .other = DP_PEER_ID_NONE};
    struct peer *peer = conn_peer(c);
    event.peer = peer ? peer->id : DP_PEER_ID_NONE;
    event.path.conn = c->id;
    (void)pthread_mutex_lock(&c->lock);
    bool told = c->dead && c->closing;
    bool announce = !c->closing;
    broken(c);
    c->closing = true;
    (void)pthread_mutex_unlock(&c->lock);
    user_lock(u);
    if (!told && conn_find(u, c->id) == c) {
        bury(c);
    }
    user_unlock(u);
    if (announce) {
        event_list_push(&u->said, &event);
    }
}

/* Take whole records out of @len bytes at @buffer. Return: bytes used, or ERR_FORMAT. */
static ssize_t parse(struct worker *w, uint8_t *buffer, size_t len)
{
    struct rd r = rd_init(buffer, len);
    struct span packet;
    int more;
    while ((more = stream_next(&r, STREAM_PACKET_MAX, &packet)) == 1) {
        rx_record(w, (uint8_t *)(uintptr_t)packet.data, packet.len, 0);
    }
    rx_process(w);
    return more < 0 ? more : (ssize_t)(len - rd_left(&r));
}

static void keep_partial(struct conn *c, const uint8_t *bytes, size_t len)
{
    if (len > c->partial_len) {
        c->partial = mem_grow(c->partial, len, 1);
    }
    if (len) {
        memmove(c->partial, bytes, len);
    } else {
        free(c->partial);
        c->partial = NULL;
    }
    c->partial_len = len;
}

static void read_conn(struct worker *w, struct conn *c)
{
    uint8_t *buffer = w->rx.buffers;
    size_t have = c->partial_len;
    if (have) {
        memcpy(buffer, c->partial, have);
    }
    worker_syscall(w);
    ssize_t n = read(c->fd, buffer + have, READ_BYTES);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close_conn(w, c, n == 0 ? 0 : -errno);
        return;
    }
    moderate_other(&w->moderate);
    w->rx.listener = NULL;
    w->rx.conn = c;
    size_t len = have + (n > 0 ? (size_t)n : 0);
    ssize_t used = parse(w, buffer, len);
    rx_flush_device(w);
    w->rx.conn = NULL;
    if (used < 0) {
        close_conn(w, c, ERR_FORMAT);
        return;
    }
    keep_partial(c, buffer + used, len - (size_t)used);
}

void conn_ready(struct worker *w, struct conn *conn, bool input, bool output)
{
    if (output) {
        (void)pthread_mutex_lock(&conn->lock);
        unsigned dropped = drop_stale(conn, w->now_ms);
        if (!conn->dead && drain(conn)) {
            broken(conn);
        }
        conn->armed = true; /* as it is in epoll, whoever asked for it */
        arm(conn, conn->first != NULL);
        bool empty = !conn->first;
        (void)pthread_mutex_unlock(&conn->lock);
        worker_drop(w, DP_DROP_QUEUE, dropped);
        if (empty && conn->id == w->paused_conn) {
            tun_io_pause(w, TUN_IO_PAUSE_CONN, false);
        }
        input = true; /* bytes given along with the connection wait to be parsed */
    }
    if (input) {
        read_conn(w, conn);
        tx_flush(w);
    }
}
