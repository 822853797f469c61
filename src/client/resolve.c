/* SPDX-License-Identifier: MIT */
#include "client/resolve.h"

#include <netdb.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

struct resolve {
    uv_getaddrinfo_t request;
    resolve_fn fn; /* NULL once cancelled */
    void *arg;
    const char *early_error; /* libuv refused to start */
    uv_timer_t timer;        /* delivers early_error in a later turn */
};

static bool known(const union addr *list, size_t count, const union addr *a)
{
    for (size_t i = 0; i < count; i++) {
        if (addr_equal(&list[i], a)) {
            return true;
        }
    }
    return false;
}

static void finished(uv_getaddrinfo_t *request, int status, struct addrinfo *info)
{
    struct resolve *r = request->data;
    union addr list[RESOLVE_ADDRESSES_MAX];
    size_t count = 0;
    for (struct addrinfo *i = info; i && count < RESOLVE_ADDRESSES_MAX; i = i->ai_next) {
        union addr a;
        if (addr_from_sockaddr(&a, i->ai_addr, i->ai_addrlen) == 0 && !known(list, count, &a)) {
            list[count++] = a;
        }
    }
    uv_freeaddrinfo(info);
    if (r->fn) {
        const char *error = status ? uv_strerror(status) : count ? NULL : "no usable address";
        r->fn(r->arg, error, list, count);
    }
    free(r);
}

static void free_timer(uv_handle_t *handle)
{
    free(handle->data);
}

static void deliver_early(uv_timer_t *timer)
{
    struct resolve *r = timer->data;
    if (r->fn) {
        r->fn(r->arg, r->early_error, NULL, 0);
    }
    uv_close((uv_handle_t *)timer, free_timer);
}

struct resolve *resolve_start(struct loop *loop, const struct resolve_request *request, resolve_fn fn, void *arg)
{
    struct resolve *r = mem_zalloc(sizeof(*r));
    r->fn = fn;
    r->arg = arg;
    r->request.data = r;
    struct addrinfo hints = {
        .ai_family = request->family,
        .ai_socktype = request->stream ? SOCK_STREAM : SOCK_DGRAM,
    };
    int e = uv_getaddrinfo(loop_uv(loop), &r->request, finished, request->host, request->service, &hints);
    if (e) {
        r->early_error = uv_strerror(e);
        uv_timer_init(loop_uv(loop), &r->timer);
        r->timer.data = r;
        uv_timer_start(&r->timer, deliver_early, 0, 0);
    }
    return r;
}

void resolve_cancel(struct resolve *resolve)
{
    if (!resolve) {
        return;
    }
    resolve->fn = NULL;
    if (!resolve->early_error) {
        (void)uv_cancel((uv_req_t *)&resolve->request);
    }
}
