/* SPDX-License-Identifier: MIT */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "node/routes_plan.h"

#define ADDRESSES_MAX 16 /* of one host name; each becomes a route */

/* Host names of `route` lines, looked up one after the other in the resolver's threads. Outlives a routes_free()
 * while a request is under way. */
struct routes_lookup {
    struct routes *routes; /* NULL: cancelled */
    struct loop *loop;
    void (*done)(void *arg);
    void *arg;
    size_t next; /* line to look at */
    size_t line; /* line under way */
    uv_getaddrinfo_t request;
};

static void go_on(struct routes_lookup *lookup);

static void on_addresses(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct routes_lookup *lookup = request->data;
    struct routes *routes = lookup->routes;
    if (!routes) {
        uv_freeaddrinfo(list);
        free(lookup);
        return;
    }
    struct ip_addr found[ADDRESSES_MAX];
    size_t count = 0;
    for (const struct addrinfo *ai = list; status == 0 && ai && count < ADDRESSES_MAX; ai = ai->ai_next) {
        union addr at;
        if (ai->ai_family == AF_INET && addr_from_sockaddr(&at, ai->ai_addr, ai->ai_addrlen) == 0) {
            found[count++] = addr_to_ip(&at);
        }
    }
    uv_freeaddrinfo(list);
    if (count == 0) {
        routes->failed++;
        log_warn("OpenVPN ROUTE: failed to parse/resolve route for host/network: %s (%s)",
                 routes->lines[lookup->line].name, status < 0 ? uv_strerror(status) : "no IPv4 address");
    }
    routes_add_addresses(routes, lookup->line, found, count);
    go_on(lookup);
}

static int ask(struct routes_lookup *lookup, const char *name)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM};
    lookup->request.data = lookup;
    return uv_getaddrinfo(loop_uv(lookup->loop), &lookup->request, on_addresses, name, NULL, &hints);
}

static void go_on(struct routes_lookup *lookup)
{
    struct routes *routes = lookup->routes;
    for (; lookup->next < routes->line_count; lookup->next++) {
        const struct route_line *line = &routes->lines[lookup->next];
        if (!line->name || line->usable) {
            continue;
        }
        lookup->line = lookup->next++;
        int r = ask(lookup, line->name);
        if (r == 0) {
            return;
        }
        routes->failed++;
        log_warn("OpenVPN ROUTE: failed to parse/resolve route for host/network: %s (%s)", line->name, uv_strerror(r));
        lookup->next--; /* the loop steps on */
    }
    void (*done)(void *) = lookup->done;
    void *arg = lookup->arg;
    routes->lookup = NULL;
    free(lookup);
    routes_plan(routes);
    done(arg);
}

void routes_resolve(struct routes *routes, struct loop *loop, void (*done)(void *arg), void *arg)
{
    struct routes_lookup *lookup = mem_zalloc(sizeof(*lookup));
    lookup->routes = routes;
    lookup->loop = loop;
    lookup->done = done;
    lookup->arg = arg;
    routes->lookup = lookup;
    go_on(lookup);
}

void routes_cancel_lookup(struct routes *routes)
{
    if (routes->lookup) {
        routes->lookup->routes = NULL;
        (void)uv_cancel((uv_req_t *)&routes->lookup->request);
        routes->lookup = NULL;
    }
}
