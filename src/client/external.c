/* SPDX-License-Identifier: MIT */
#include "client/external.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "client/state.h"
#include "mgmt/mgmt.h"

enum wish_state { WISH_WAITING, WISH_ASKED, WISH_DONE };

/* One signature that a thread waits for; it lies on that thread's stack. */
struct wish {
    struct list link;
    enum wish_state state;
    const char *algorithm;
    const uint8_t *data;
    size_t len;
    uint8_t *sig;
    int result;
};

struct external {
    struct client *client;
    struct external_key key;
    unsigned patience_s;
    pthread_mutex_t lock;
    pthread_cond_t done;
    struct list wishes; /* oldest first; under @lock */
    bool stopped;       /* under @lock */
    uv_async_t wake;
};

/* ------------------------------------------------------------------ a pool thread */

static int wait_for(struct external *e, struct wish *w)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += e->patience_s;
    while (w->state != WISH_DONE) {
        if (pthread_cond_timedwait(&e->done, &e->lock, &until) == ETIMEDOUT && w->state != WISH_DONE) {
            w->result = -ETIMEDOUT;
            break;
        }
    }
    list_remove(&w->link);
    return w->result;
}

static int sign(void *arg, const char *algorithm, const uint8_t *data, size_t len, uint8_t *sig)
{
    struct external *e = arg;
    struct wish wish = {.algorithm = algorithm, .data = data, .len = len, .sig = sig};
    list_init(&wish.link);
    int result = -ECANCELED;
    pthread_mutex_lock(&e->lock);
    if (!e->stopped) {
        list_push(&e->wishes, &wish.link);
        (void)uv_async_send(&e->wake);
        result = wait_for(e, &wish);
    }
    pthread_mutex_unlock(&e->lock);
    return result;
}

/* ------------------------------------------------------------------ the loop */

static void finish(struct external *e, struct wish *w, int result)
{
    w->result = result;
    w->state = WISH_DONE;
    pthread_cond_broadcast(&e->done);
}

static struct wish *first(struct external *e, enum wish_state state)
{
    list_for (node, next, &e->wishes) {
        struct wish *w = container_of(node, struct wish, link);
        if (w->state == state) {
            return w;
        }
    }
    return NULL;
}

static void ask_next(struct external *e);

static void answered(void *arg, const void *signature, size_t len)
{
    struct external *e = arg;
    pthread_mutex_lock(&e->lock);
    struct wish *w = first(e, WISH_ASKED); /* NULL: it took too long */
    if (w && signature && len <= EXTERNAL_KEY_SIGNATURE_MAX) {
        memcpy(w->sig, signature, len);
        finish(e, w, (int)len);
    } else if (w) {
        finish(e, w, ERR_FORMAT);
    }
    pthread_mutex_unlock(&e->lock);
    ask_next(e);
}

static void ask_next(struct external *e)
{
    pthread_mutex_lock(&e->lock);
    struct wish *w = first(e, WISH_ASKED) || mgmt_ask_open(e->client->mgmt) ? NULL : first(e, WISH_WAITING);
    if (w) {
        w->state = WISH_ASKED;
        if (!mgmt_ask_signature(e->client->mgmt, w->algorithm, w->data, w->len, answered, e)) {
            finish(e, w, ERR_UNSUPPORTED);
        }
    }
    pthread_mutex_unlock(&e->lock);
}

static void on_wake(uv_async_t *wake)
{
    ask_next(wake->data);
}

/* ------------------------------------------------------------------ life */

struct external *external_new(struct client *c)
{
    struct external *e = mem_zalloc(sizeof(*e));
    pthread_condattr_t monotonic;
    e->client = c;
    e->key.sign = sign;
    e->key.arg = e;
    list_init(&e->wishes);
    pthread_mutex_init(&e->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&e->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    uv_async_init(loop_uv(c->loop), &e->wake, on_wake);
    e->wake.data = e;
    uv_unref((uv_handle_t *)&e->wake);
    return e;
}

const struct external_key *external_key(struct external *e)
{
    const struct config *config = e->client->config;
    e->patience_s = config->hand_window;
    e->key.nopadding = config->management_external_key.nopadding;
    e->key.pkcs1 = config->management_external_key.pkcs1;
    e->key.pss = config->management_external_key.pss;
    e->key.digest = config->management_external_key.digest;
    return &e->key;
}

void external_cancel(struct external *e)
{
    if (!e) {
        return;
    }
    pthread_mutex_lock(&e->lock);
    list_for (node, next, &e->wishes) {
        struct wish *w = container_of(node, struct wish, link);
        if (w->state != WISH_DONE) {
            finish(e, w, -ECANCELED);
        }
    }
    pthread_mutex_unlock(&e->lock);
}

void external_stop(struct external *e)
{
    if (e) {
        pthread_mutex_lock(&e->lock);
        e->stopped = true;
        pthread_mutex_unlock(&e->lock);
        external_cancel(e);
        uv_close((uv_handle_t *)&e->wake, NULL);
    }
}

void external_free(struct external *e)
{
    if (e) {
        pthread_cond_destroy(&e->done);
        pthread_mutex_destroy(&e->lock);
        free(e);
    }
}
