/* SPDX-License-Identifier: MIT */
#include "hooks/plugin_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "hooks/plugin_launch.h"
#include "hooks/plugin_message.h"

#define WAITING_MAX 1024  /* calls for one plugin */
#define TICK_MS 100
#define MESSAGES_A_TURN 64
#define FINAL_MESSAGES 4096 /* read from a process that has ended */

struct plugin_call {
    struct list link;
    struct link *owner;
    uint32_t id;
    struct buf message;
    const char *what;
    plugin_answer_fn fn;
    void *arg;
    uint64_t queued_ms;
};

/* One plugin. */
struct link {
    struct plugin_links *links;
    uint32_t index;
    uv_poll_t *poll;         /* NULL: there is no process */
    bool open;               /* its process is ready for calls */
    uint64_t born_ms;        /* when its process appeared */
    struct list waiting;
    size_t count;            /* waiting and current */
    struct plugin_call *current;
    uint64_t sent_ms;
    bool killed;             /* for taking too long */
};

struct plugin_links {
    uv_loop_t *loop;
    struct plugin_launch *launch;
    struct link *links;
    uv_poll_t *supervisor;
    uv_timer_t *tick;
    uint64_t limit_ms;
    uint32_t last_id;
    struct buf message;
};

static struct plugin_seat *seat_of(const struct link *link)
{
    return &link->links->launch->seats[link->index];
}

/* ------------------------------------------------------------------ calls */

static void call_free(struct plugin_call *call)
{
    call->owner->count--;
    list_remove(&call->link);
    buf_free(&call->message, true);
    free(call);
}

static void answer(struct plugin_call *call, int status, char *const *list)
{
    plugin_answer_fn fn = call->fn;
    void *arg = call->arg;
    call_free(call);
    if (fn) {
        fn(arg, status, list);
    }
}

static void on_tick(uv_timer_t *timer);

static void pump(struct link *link)
{
    struct plugin_links *links = link->links;
    if (!link->open || link->current || list_empty(&link->waiting)) {
        return;
    }
    struct plugin_call *call = container_of(link->waiting.next, struct plugin_call, link);
    int rc = plugin_send(seat_of(link)->fd, &call->message, NULL, 0, false);
    if (rc < 0) {
        return; /* its process is going; the supervisor will say so */
    }
    list_remove(&call->link);
    list_init(&call->link);
    link->current = call;
    link->sent_ms = clock_read().mono_ms;
    if (!uv_is_active((uv_handle_t *)links->tick)) {
        (void)uv_timer_start(links->tick, on_tick, TICK_MS, TICK_MS);
    }
}

static void fail_current(struct link *link, const char *how)
{
    struct plugin_call *call = link->current;
    if (call) {
        link->current = NULL;
        log_error("PLUGIN_CALL: the process of plugin %s %s during %s; the call counts as failed and the process is "
                  "started again",
                  seat_of(link)->name, how, call->what);
        answer(call, -1, NULL);
    }
}

/* ------------------------------------------------------------------ processes */

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

static void drop_process(struct link *link)
{
    link->open = false;
    if (link->poll) {
        uv_close((uv_handle_t *)link->poll, on_poll_closed);
        link->poll = NULL;
    }
    if (seat_of(link)->fd >= 0) {
        close(seat_of(link)->fd);
        seat_of(link)->fd = -1;
    }
}

static void kill_process(struct link *link)
{
    struct buf message = plugin_message_new(PLUGIN_MSG_KILL);
    if (plugin_put_u32(&message, link->index) == 0) {
        (void)plugin_send(link->links->launch->supervisor, &message, NULL, 0, false);
    }
    buf_free(&message, false);
}

static void on_opened(struct link *link, struct rd *in)
{
    unsigned mask = rd_u32(in);
    char *error = plugin_get_text(in);
    if (!error || *error) {
        log_error("%s", error ? error : "PLUGIN_INIT: a plugin's process sent an unreadable answer");
    } else {
        log_info("PLUGIN_INIT: plugin %s is open again", seat_of(link)->name);
        seat_of(link)->mask = mask;
        link->open = true;
        pump(link);
    }
    free(error);
}

/* Return: false when it makes no sense. */
static bool on_result(struct link *link, struct rd *in)
{
    uint32_t id = rd_u32(in);
    int status = (int)rd_u32(in);
    char **list = plugin_get_list(in);
    struct plugin_call *call = link->current;
    bool good = list && call && call->id == id;
    if (good) {
        link->current = NULL;
        answer(call, status < 0 ? 1 : status, list);
        pump(link);
    }
    plugin_list_free(list);
    return good;
}

/* Return: 1 there may be more, 0 nothing now, -1 the process is unusable. */
static int hear_one(struct link *link)
{
    struct buf *message = &link->links->message;
    int kind = plugin_receive(seat_of(link)->fd, message, NULL, false);
    struct rd in = plugin_message_read(message);
    switch (kind) {
    case -EAGAIN:
        return 0;
    case PLUGIN_MSG_LOG:
        plugin_launch_log(&in);
        return 1;
    case PLUGIN_MSG_OPENED:
        on_opened(link, &in);
        return 1;
    case PLUGIN_MSG_RESULT:
        if (on_result(link, &in)) {
            return 1;
        }
        break;
    case 0:
        return -1;
    default:
        break;
    }
    log_error("PLUGIN: the process of plugin %s sent something senseless and is ended", seat_of(link)->name);
    kill_process(link);
    return -1;
}

static void hear(struct link *link, unsigned turns)
{
    int more = 1;
    while (more > 0 && turns-- && seat_of(link)->fd >= 0) {
        more = hear_one(link);
    }
    if (more < 0) {
        drop_process(link);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    hear(poll->data, MESSAGES_A_TURN);
}

static uv_poll_t *watch(uv_loop_t *loop, int fd, uv_poll_cb fn, void *arg)
{
    uv_poll_t *poll = mem_zalloc(sizeof(*poll));
    BUG_ON(uv_poll_init(loop, poll, fd) != 0);
    poll->data = arg;
    (void)uv_poll_start(poll, UV_READABLE, fn);
    uv_unref((uv_handle_t *)poll);
    return poll;
}

static void take_process(struct link *link, int fd)
{
    drop_process(link);
    seat_of(link)->fd = fd;
    link->poll = watch(link->links->loop, fd, on_readable, link);
    link->born_ms = clock_read().mono_ms;
    link->killed = false;
}

static void on_ended(struct link *link, int wait_status)
{
    char how[64];
    hear(link, FINAL_MESSAGES); /* its last words may be an answer */
    drop_process(link);
    if (link->killed) {
        fail_current(link, "did not answer in time");
        return;
    }
    plugin_launch_describe_end(wait_status, how);
    if (!link->current) {
        log_error("PLUGIN: the process of plugin %s %s; it is started again", seat_of(link)->name, how);
    }
    fail_current(link, how);
}

static void on_supervisor(uv_poll_t *poll, int status, int events)
{
    struct plugin_links *links = poll->data;
    int fds[PLUGIN_FDS_MAX];
    int kind = plugin_receive(links->launch->supervisor, &links->message, fds, false);
    struct rd in = plugin_message_read(&links->message);
    (void)status;
    (void)events;
    if (kind == 0) {
        log_error("PLUGIN: the process that watches over plugins is gone; plugins that crash stay away");
        (void)uv_poll_stop(poll);
        return;
    }
    uint32_t index = kind > 0 ? rd_u32(&in) : UINT32_MAX;
    if (index >= links->launch->count) {
        return;
    }
    if (kind == PLUGIN_MSG_HOST && fds[0] >= 0) {
        take_process(&links->links[index], fds[0]);
    } else if (kind == PLUGIN_MSG_ENDED) {
        on_ended(&links->links[index], (int)rd_u32(&in));
    }
}

/* ------------------------------------------------------------------ time */

static void check_time(struct link *link, uint64_t now)
{
    uint64_t limit = link->links->limit_ms;
    if (link->current && now - link->sent_ms >= limit && !link->killed) {
        link->killed = true;
        kill_process(link);
        return;
    }
    if (link->poll && !link->open && now - link->born_ms >= limit && !link->killed) {
        log_error("PLUGIN_INIT: plugin %s does not finish its initialisation; its process is ended",
                  seat_of(link)->name);
        link->killed = true;
        kill_process(link);
    }
    /* Its process does not come back: who waits is told. */
    while (!link->open && !link->current && !list_empty(&link->waiting)) {
        struct plugin_call *call = container_of(link->waiting.next, struct plugin_call, link);
        if (now - call->queued_ms < limit) {
            break;
        }
        log_error("PLUGIN_CALL: plugin %s is not there for %s", seat_of(link)->name, call->what);
        answer(call, -1, NULL);
    }
    pump(link);
}

static void on_tick(uv_timer_t *timer)
{
    struct plugin_links *links = timer->data;
    uint64_t now = clock_read().mono_ms;
    for (size_t i = 0; i < links->launch->count; i++) {
        check_time(&links->links[i], now);
    }
    if (!plugin_links_busy(links)) {
        (void)uv_timer_stop(timer);
    }
}

/* ------------------------------------------------------------------ for users */

struct plugin_links *plugin_links_new(uv_loop_t *loop, struct plugin_launch *launch, unsigned limit_s)
{
    struct plugin_links *links = mem_zalloc(sizeof(*links));
    links->loop = loop;
    links->launch = launch;
    links->limit_ms = limit_s ? 1000ULL * limit_s : UINT64_MAX;
    links->message = BUF_INIT(PLUGIN_MESSAGE_MAX);
    links->links = mem_array(launch->count, sizeof(*links->links));
    links->tick = mem_zalloc(sizeof(*links->tick));
    (void)uv_timer_init(loop, links->tick);
    links->tick->data = links;
    uv_unref((uv_handle_t *)links->tick);
    links->supervisor = watch(loop, launch->supervisor, on_supervisor, links);
    for (size_t i = 0; i < launch->count; i++) {
        struct link *link = &links->links[i];
        link->links = links;
        link->index = (uint32_t)i;
        list_init(&link->waiting);
        if (launch->seats[i].fd >= 0) {
            link->poll = watch(loop, launch->seats[i].fd, on_readable, link);
            link->open = true;
        }
    }
    return links;
}

struct plugin_call *plugin_links_call(struct plugin_links *links, size_t index, struct buf *message, const char *what,
                                      plugin_answer_fn fn, void *arg)
{
    struct link *link = &links->links[index];
    if (link->count >= WAITING_MAX) {
        log_error("PLUGIN_CALL: too many calls wait for plugin %s; %s counts as failed", seat_of(link)->name, what);
        buf_free(message, true);
        return NULL;
    }
    struct plugin_call *call = mem_zalloc(sizeof(*call));
    *call = (struct plugin_call){.owner = link, .id = ++links->last_id, .message = *message, .what = what, .fn = fn,
                                 .arg = arg, .queued_ms = clock_read().mono_ms};
    *message = BUF_INIT(0);
    be32_store(call->message.data + 1, call->id);
    list_init(&call->link);
    list_push(&link->waiting, &call->link);
    link->count++;
    if (!uv_is_active((uv_handle_t *)links->tick)) {
        (void)uv_timer_start(links->tick, on_tick, TICK_MS, TICK_MS);
    }
    pump(link);
    return call;
}

void plugin_links_cancel(struct plugin_call *call)
{
    call->fn = NULL;
    if (call->owner->current != call) {
        call_free(call);
    }
}

size_t plugin_links_busy(const struct plugin_links *links)
{
    size_t busy = 0;
    for (size_t i = 0; i < links->launch->count; i++) {
        busy += links->links[i].count;
    }
    return busy;
}

void plugin_links_free(struct plugin_links *links)
{
    if (!links) {
        return;
    }
    for (size_t i = 0; i < links->launch->count; i++) {
        struct link *link = &links->links[i];
        if (link->current) {
            call_free(link->current);
        }
        list_for(node, next, &link->waiting)
        {
            call_free(container_of(node, struct plugin_call, link));
        }
        if (link->poll) {
            uv_close((uv_handle_t *)link->poll, on_poll_closed);
        }
    }
    uv_close((uv_handle_t *)links->supervisor, on_poll_closed);
    uv_close((uv_handle_t *)links->tick, on_poll_closed);
    buf_free(&links->message, true);
    free(links->links);
    free(links);
}
