/* SPDX-License-Identifier: MIT */
#include "server/static_names.h"

#include <netdb.h>
#include <stdlib.h>
#include <uv.h>

#include "base/mem.h"
#include "config/config.h"
#include "node/loop.h"

#define WORDS 3

struct static_names {
    uv_getaddrinfo_t request;
    struct loop *loop;
    const char *words[WORDS];
    struct static_ifconfig found;
    unsigned at;                /* word that is looked up */
    static_names_fn done;       /* NULL: cancelled */
    void *arg;
};

static struct ip_addr *slot(struct static_names *names)
{
    struct ip_addr *slots[WORDS] = {&names->found.local, &names->found.remote, &names->found.alias};
    return slots[names->at];
}

static void finish(struct static_names *names, const char *failed)
{
    struct static_names copy = *names;
    free(names);
    copy.done(copy.arg, &copy.found, failed);
}

static bool step(struct static_names *names);

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct static_names *names = request->data;
    if (!names->done) {
        free(names);
    } else if (status < 0 || !list) {
        finish(names, names->words[names->at]);
    } else {
        union addr addr;
        if (addr_from_sockaddr(&addr, list->ai_addr, list->ai_addrlen) == 0) {
            *slot(names) = addr_to_ip(&addr);
        }
        names->at++;
        (void)step(names); /* the callback comes from within, or later */
    }
    uv_freeaddrinfo(list);
}

/* Numeric words are read, the next name is looked up. Return: whether a lookup is under way. */
static bool step(struct static_names *names)
{
    static const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM};
    while (names->at < WORDS && (!names->words[names->at] || ip_parse(names->words[names->at], slot(names)) == 0)) {
        names->at++;
    }
    if (names->at == WORDS) {
        finish(names, NULL);
        return false;
    }
    names->request.data = names;
    if (uv_getaddrinfo(loop_uv(names->loop), &names->request, on_resolved, names->words[names->at], NULL, &hints) < 0) {
        finish(names, names->words[names->at]);
        return false;
    }
    return true;
}

struct static_names *static_names_start(struct loop *loop, const struct config_ifconfig_push *push,
                                        static_names_fn done, void *arg)
{
    struct static_names *names = mem_zalloc(sizeof(*names));
    *names = (struct static_names){
        .loop = loop, .words = {push->local, push->remote_netmask, push->alias}, .done = done, .arg = arg};
    return step(names) ? names : NULL;
}

void static_names_cancel(struct static_names *names)
{
    if (names) {
        names->done = NULL; /* freed when the resolver is done */
        (void)uv_cancel((uv_req_t *)&names->request); /* busy: it runs to its end */
    }
}
