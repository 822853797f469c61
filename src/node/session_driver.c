/* SPDX-License-Identifier: MIT */
#include "node/session_driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "node/settings.h"

#define OUTPUT_MAX 64 /* packets of one step; far above what the reliability window lets a session send at once */

/* A packet on its way in, or out. */
struct packet {
    struct list link;
    size_t len;
    uint8_t data[];
};

struct call {
    struct list link;
    session_driver_fn fn;
    void *arg;
    bool owns_arg; /* one of our own: wiped and freed after use */
    size_t arg_size;
};

struct session_driver {
    struct loop *loop;
    struct dp *dp;
    struct settings *settings;
    struct session *session;
    struct dp_path path;
    uint32_t peer;
    struct session_traffic *traffic;
    struct session_traffic uncounted; /* where @traffic points when nobody counts */
    void (*event)(void *arg, struct session_driver *driver, struct session *session, const struct session_event *event);
    void (*dropped)(void *arg, struct session_driver *driver, int error);
    void *arg;
    void (*released)(void *released_arg);
    void *released_arg;
    struct loop_timer *timer;
    struct list calls;
    struct list queue;
    unsigned queued;
    struct secret username; /* read by the session in the pool; changed only at rest */
    struct secret password;
    bool delivering; /* inside pump(): a callback of the owner may be on the stack */
    bool dead;

    /* The step under way belongs to the pool thread from start_step() to step_done(). */
    bool busy;
    uv_work_t work;
    struct list batch;
    struct list output;
    int errors[SESSION_DRIVER_QUEUE_MAX];
    unsigned error_count;
    unsigned accepted;
};

static void pump(struct session_driver *driver);

/* ------------------------------------------------------------------ output */

static void drop_packets(struct list *packets)
{
    list_for (node, next, packets) {
        list_remove(node);
        free(container_of(node, struct packet, link));
    }
}

/* Takes what the session wants to send; runs wherever the session runs. */
static void collect(struct session_driver *driver)
{
    uint8_t buffer[SESSION_PACKET_MAX];
    struct clock_now now = clock_read();
    for (unsigned i = 0; i < OUTPUT_MAX; i++) {
        size_t len = session_send(driver->session, now, buffer);
        if (len == 0) {
            break;
        }
        struct packet *packet = mem_zalloc(sizeof(*packet) + len);
        packet->len = len;
        memcpy(packet->data, buffer, len);
        list_push(&driver->output, &packet->link);
    }
}

static void transmit(struct session_driver *driver)
{
    bool sent = false;
    list_for (node, next, &driver->output) {
        struct packet *packet = container_of(node, struct packet, link);
        /* A packet that cannot go now is repeated by the session's own timer. */
        if (dp_ctrl_send(driver->dp, &driver->path, packet->data, packet->len) == 0) {
            sent = true;
            driver->traffic->out += packet->len;
        }
    }
    drop_packets(&driver->output);
    if (sent && driver->peer != DP_PEER_ID_NONE) {
        dp_peer_touch(driver->dp, driver->peer, false);
    }
}

/* ------------------------------------------------------------------ steps in the pool */

static void run_step(uv_work_t *work)
{
    struct session_driver *driver = work->data;
    list_for (node, next, &driver->batch) {
        struct packet *packet = container_of(node, struct packet, link);
        int r = session_receive(driver->session, clock_read(), packet->data, packet->len);
        if (r < 0) {
            driver->errors[driver->error_count++] = r;
        } else {
            driver->accepted++;
        }
    }
    drop_packets(&driver->batch);
    struct clock_now now = clock_read();
    if (session_deadline(driver->session) <= now.mono_ms) {
        session_tick(driver->session, now);
    }
    collect(driver);
}

static void destroy(struct session_driver *driver)
{
    session_free(driver->session);
    list_for (node, next, &driver->calls) {
        struct call *call = container_of(node, struct call, link);
        list_remove(node);
        if (call->owns_arg) {
            secret_wipe(call->arg, call->arg_size);
            free(call->arg);
        }
        free(call);
    }
    drop_packets(&driver->queue);
    drop_packets(&driver->batch);
    drop_packets(&driver->output);
    loop_timer_free(driver->timer);
    settings_unref(driver->settings);
    secret_free(&driver->username);
    secret_free(&driver->password);
    if (driver->released) {
        driver->released(driver->released_arg);
    }
    free(driver);
}

static void report_step(struct session_driver *driver)
{
    if (driver->accepted > 0 && driver->peer != DP_PEER_ID_NONE) {
        dp_peer_touch(driver->dp, driver->peer, true);
    }
    unsigned count = driver->error_count;
    driver->accepted = 0;
    driver->error_count = 0;
    for (unsigned i = 0; i < count && driver->dropped && !driver->dead; i++) {
        driver->dropped(driver->arg, driver, driver->errors[i]);
    }
}

static void step_done(uv_work_t *work, int status)
{
    struct session_driver *driver = work->data;
    (void)status;
    driver->busy = false;
    if (driver->dead) {
        destroy(driver); /* the data plane may be gone, too: nothing is sent */
        return;
    }
    driver->delivering = true;
    report_step(driver);
    driver->delivering = false;
    pump(driver);
}

static void start_step(struct session_driver *driver)
{
    list_for (node, next, &driver->queue) {
        list_remove(node);
        list_push(&driver->batch, node);
    }
    driver->queued = 0;
    driver->busy = true;
    driver->work.data = driver;
    loop_timer_stop(driver->timer);
    BUG_ON(uv_queue_work(loop_uv(driver->loop), &driver->work, run_step, step_done) != 0);
}

static void on_deadline(void *arg)
{
    struct session_driver *driver = arg;
    if (!driver->busy && !driver->delivering) {
        start_step(driver);
    }
}

/* ------------------------------------------------------------------ between steps */

static bool deliver_events(struct session_driver *driver)
{
    bool any = false;
    struct session_event event;
    while (!driver->dead && session_next_event(driver->session, &event)) {
        any = true;
        driver->event(driver->arg, driver, driver->session, &event);
    }
    return any;
}

static void run_call(struct session_driver *driver, struct call *call)
{
    call->fn(call->arg, driver, driver->session);
    if (call->owns_arg) {
        secret_wipe(call->arg, call->arg_size);
        free(call->arg);
    }
    free(call);
}

static bool run_calls(struct session_driver *driver)
{
    bool any = false;
    while (!driver->dead && !list_empty(&driver->calls)) {
        struct list *node = driver->calls.next;
        list_remove(node);
        run_call(driver, container_of(node, struct call, link));
        any = true;
    }
    return any;
}

/* Everything that can be done with the session at rest; then the next step, or the timer. */
static void pump(struct session_driver *driver)
{
    driver->delivering = true;
    bool again = true;
    while (again && !driver->dead) {
        again = deliver_events(driver);
        again |= run_calls(driver);
    }
    collect(driver); /* a farewell (AUTH_FAILED, EXIT) leaves even when the owner is done with the session */
    transmit(driver);
    driver->delivering = false;
    if (driver->dead) {
        destroy(driver);
        return;
    }
    if (driver->queued > 0) {
        start_step(driver);
        return;
    }
    uint64_t deadline = session_deadline(driver->session);
    uint64_t soon = clock_read().mono_ms + 1; /* never spin on a deadline that has just been served */
    loop_timer_at(driver->timer, deadline > soon ? deadline : soon);
}

/* ------------------------------------------------------------------ the owner's side */

static void give_credentials(void *arg, struct session_credentials *out)
{
    struct session_driver *driver = arg;
    out->username = (const char *)driver->username.data;
    out->password = (const char *)driver->password.data;
}

int session_driver_new(const struct session_driver_open *how, struct session_driver **out)
{
    struct session_driver *driver = mem_zalloc(sizeof(*driver));
    driver->loop = how->loop;
    driver->dp = how->dp;
    driver->path = how->path;
    driver->peer = how->peer;
    driver->traffic = how->traffic ? how->traffic : &driver->uncounted;
    driver->event = how->event;
    driver->dropped = how->dropped;
    driver->arg = how->arg;
    driver->released = how->released;
    driver->released_arg = how->released_arg;
    driver->settings = settings_ref(how->settings);
    list_init(&driver->calls);
    list_init(&driver->queue);
    list_init(&driver->batch);
    list_init(&driver->output);
    struct session_open open = *how->open;
    if (!open.hooks.credentials) {
        open.hooks.credentials = give_credentials;
        open.hooks.arg = driver;
    }
    int r = session_new(settings_session(how->settings), &open, clock_read(), &driver->session);
    if (r < 0) {
        settings_unref(driver->settings);
        free(driver);
        return r;
    }
    driver->timer = loop_timer_new(how->loop, on_deadline, driver);
    *out = driver;
    /* The first events come in a later turn: the caller has not stored the driver yet. */
    loop_timer_after(driver->timer, 0);
    return 0;
}

void session_driver_free(struct session_driver *driver)
{
    if (!driver) {
        return;
    }
    driver->dead = true;
    loop_timer_stop(driver->timer);
    if (!driver->busy && !driver->delivering) {
        destroy(driver);
    }
}

int session_driver_receive(struct session_driver *driver, const void *packet, size_t len)
{
    if (len > SESSION_PACKET_MAX) {
        return ERR_FORMAT;
    }
    if (driver->queued >= SESSION_DRIVER_QUEUE_MAX) {
        return ERR_LIMIT;
    }
    struct packet *copy = mem_zalloc(sizeof(*copy) + len);
    copy->len = len;
    memcpy(copy->data, packet, len);
    driver->traffic->in += len;
    list_push(&driver->queue, &copy->link);
    driver->queued++;
    if (!driver->busy && !driver->delivering) {
        start_step(driver);
    }
    return 0;
}

void session_driver_set_path(struct session_driver *driver, const struct dp_path *path)
{
    driver->path = *path;
}

const struct dp_path *session_driver_path(const struct session_driver *driver)
{
    return &driver->path;
}

void session_driver_set_peer(struct session_driver *driver, uint32_t peer)
{
    driver->peer = peer;
}

bool session_driver_at_rest(const struct session_driver *driver)
{
    return !driver->busy && list_empty(&driver->calls);
}

static void submit(struct session_driver *driver, struct call *call)
{
    if (!session_driver_at_rest(driver)) {
        list_push(&driver->calls, &call->link);
        return;
    }
    bool nested = driver->delivering;
    driver->delivering = true;
    run_call(driver, call);
    driver->delivering = nested;
    if (!nested) {
        pump(driver);
    }
}

static void submit_own(struct session_driver *driver, session_driver_fn fn, void *arg, size_t size)
{
    struct call *call = mem_zalloc(sizeof(*call));
    list_init(&call->link);
    call->fn = fn;
    call->arg = arg;
    call->owns_arg = true;
    call->arg_size = size;
    submit(driver, call);
}

void session_driver_call(struct session_driver *driver, session_driver_fn fn, void *arg)
{
    struct call *call = mem_zalloc(sizeof(*call));
    list_init(&call->link);
    call->fn = fn;
    call->arg = arg;
    submit(driver, call);
}

struct authorize_args {
    uint8_t key_id;
    enum session_verdict verdict;
};

static void do_authorize(void *arg, struct session_driver *driver, struct session *session)
{
    const struct authorize_args *args = arg;
    (void)driver;
    session_authorize(session, clock_read(), args->key_id, args->verdict);
}

void session_driver_authorize(struct session_driver *driver, uint8_t key_id, enum session_verdict verdict)
{
    struct authorize_args *args = mem_zalloc(sizeof(*args));
    args->key_id = key_id;
    args->verdict = verdict;
    submit_own(driver, do_authorize, args, sizeof(*args));
}

static void do_accept_certificate(void *arg, struct session_driver *driver, struct session *session)
{
    const uint8_t *key_id = arg;
    (void)driver;
    session_accept_certificate(session, clock_read(), *key_id);
}

void session_driver_accept_certificate(struct session_driver *driver, uint8_t key_id)
{
    uint8_t *arg = mem_zalloc(sizeof(*arg));
    *arg = key_id;
    submit_own(driver, do_accept_certificate, arg, sizeof(*arg));
}

static void do_message(void *arg, struct session_driver *driver, struct session *session)
{
    (void)driver;
    int r = session_message(session, clock_read(), arg);
    if (r < 0) {
        log_warn("cannot send a control message of %zu bytes: %s", strlen(arg), err_str(r));
    }
}

void session_driver_message(struct session_driver *driver, const char *text)
{
    submit_own(driver, do_message, mem_strdup(text), strlen(text) + 1);
}

static void do_close(void *arg, struct session_driver *driver, struct session *session)
{
    (void)arg;
    (void)driver;
    session_close(session);
}

void session_driver_close(struct session_driver *driver)
{
    session_driver_call(driver, do_close, NULL);
}

static void do_renegotiate(void *arg, struct session_driver *driver, struct session *session)
{
    (void)arg;
    (void)driver;
    (void)session_renegotiate(session, clock_read()); /* ERR_STATE: one is running, which is what was wanted */
}

void session_driver_renegotiate(struct session_driver *driver)
{
    session_driver_call(driver, do_renegotiate, NULL);
}

static void do_set_reneg(void *arg, struct session_driver *driver, struct session *session)
{
    (void)driver;
    session_set_reneg(session, clock_read(), *(const unsigned *)arg);
}

void session_driver_set_reneg(struct session_driver *driver, unsigned seconds)
{
    unsigned *arg = mem_zalloc(sizeof(*arg));
    *arg = seconds;
    submit_own(driver, do_set_reneg, arg, sizeof(*arg));
}

/* Both strings in one block: each with its NUL, an absent one has length 0. */
struct credentials_args {
    size_t username_size;
    size_t password_size;
    char text[];
};

static void do_credentials(void *arg, struct session_driver *driver, struct session *session)
{
    const struct credentials_args *args = arg;
    (void)session;
    secret_free(&driver->username);
    secret_free(&driver->password);
    if (args->username_size) {
        driver->username = secret_from(args->text, args->username_size);
    }
    if (args->password_size) {
        driver->password = secret_from(args->text + args->username_size, args->password_size);
    }
}

void session_driver_set_credentials(struct session_driver *driver, const char *username, const char *password)
{
    size_t username_size = username ? strlen(username) + 1 : 0;
    size_t password_size = password ? strlen(password) + 1 : 0;
    size_t size = sizeof(struct credentials_args) + username_size + password_size;
    struct credentials_args *args = mem_zalloc(size);
    args->username_size = username_size;
    args->password_size = password_size;
    if (username_size) {
        memcpy(args->text, username, username_size);
    }
    if (password_size) {
        memcpy(args->text + username_size, password, password_size);
    }
    submit_own(driver, do_credentials, args, size);
}

bool session_driver_flushed(const struct session_driver *driver)
{
    return !driver->busy && driver->queued == 0 && list_empty(&driver->calls) && list_empty(&driver->output) &&
           session_idle(driver->session);
}
