/* SPDX-License-Identifier: MIT */
#include "client/preresolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "client/kill_switch.h"
#include "client/outfit.h"
#include "client/resolve.h"
#include "client/state.h"

struct lookup {
    struct preresolve *all;
    size_t entry;
    struct resolve *resolve; /* NULL: not under way */
    bool asking; /* the kill switch is open for it */
};

struct preresolve {
    struct client *client;
    void (*then)(struct client *c);
    struct loop_timer *none; /* there was nothing to look up */
    struct lookup *lookups;
    size_t count;
    size_t open;
};

static void finish(struct preresolve *p)
{
    struct client *c = p->client;
    void (*then)(struct client *) = p->then;
    preresolve_free(p);
    c->preresolve = NULL;
    then(c);
}

static void resolved(void *arg, const char *error, const union addr *list, size_t count)
{
    struct lookup *l = arg;
    struct preresolve *p = l->all;
    struct client *c = p->client;
    l->resolve = NULL;
    if (l->asking) {
        kill_switch_asked(c->kill_switch);
    }
    if (error) {
        log_error("RESOLVE: Cannot resolve host address: %s:%s (%s)", outfit_entry_remote(c, l->entry)->host,
                  outfit_entry_port(c, l->entry), error);
    } else {
        c->addresses[l->entry].count = count;
        memcpy(c->addresses[l->entry].list, list, count * sizeof(*list));
    }
    if (--p->open == 0) {
        finish(p);
    }
}

static void nothing_to_do(void *arg)
{
    finish(arg);
}

static void look_up(struct preresolve *p, size_t entry)
{
    const struct config_connection *e = outfit_connection(p->client, entry);
    const struct config_remote *remote = outfit_entry_remote(p->client, entry);
    if (!remote) {
        return;
    }
    struct resolve_request request = {
        .host = remote->host,
        .service = outfit_entry_port(p->client, entry),
        .family = config_proto_family(remote->proto_given ? remote->proto : e->proto),
        .stream = outfit_entry_is_tcp(p->client, entry),
    };
    struct lookup *l = &p->lookups[entry];
    *l = (struct lookup){.all = p, .entry = entry};
    p->open++;
    struct ip_addr literal;
    l->asking = ip_parse(remote->host, &literal) < 0;
    if (l->asking) {
        kill_switch_ask(p->client->kill_switch);
    }
    l->resolve = resolve_start(p->client->loop, &request, resolved, l);
}

struct preresolve *preresolve_start(struct client *c, void (*then)(struct client *c))
{
    struct preresolve *p = mem_zalloc(sizeof(*p));
    p->client = c;
    p->then = then;
    p->count = outfit_count(c->config);
    p->lookups = mem_array(p->count, sizeof(*p->lookups));
    p->none = loop_timer_new(c->loop, nothing_to_do, p);
    for (size_t i = 0; i < p->count; i++) {
        look_up(p, i);
    }
    if (p->open == 0) {
        loop_timer_after(p->none, 0);
    }
    return p;
}

void preresolve_free(struct preresolve *p)
{
    if (!p) {
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        if (p->lookups[i].resolve) {
            resolve_cancel(p->lookups[i].resolve);
            if (p->lookups[i].asking) {
                kill_switch_asked(p->client->kill_switch);
            }
        }
    }
    loop_timer_free(p->none);
    free(p->lookups);
    free(p);
}
