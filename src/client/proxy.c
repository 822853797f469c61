/* SPDX-License-Identifier: MIT */
#include "client/proxy.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "client/proxy_dialogue.h"

struct proxy *proxy_new(const struct proxy_dialogue *dialogue, const struct proxy_target *target)
{
    struct proxy *p = mem_zalloc(sizeof(*p));
    p->dialogue = dialogue;
    p->host = mem_strdup(target->host);
    p->port = target->port;
    p->username = mem_strdup(target->username);
    p->password = mem_strdup(target->password);
    return p;
}

void proxy_free(struct proxy *p)
{
    if (!p) {
        return;
    }
    if (p->password) {
        secret_wipe(p->password, strlen(p->password));
    }
    free(p->host);
    free(p->username);
    free(p->password);
    free(p->version);
    free(p->user_agent);
    for (size_t i = 0; i < HTTP_CONNECT_HEADERS_MAX; i++) {
        free(p->headers[i]);
    }
    secret_wipe(p, sizeof(*p));
    free(p);
}

enum proxy_state proxy_state(const struct proxy *p)
{
    return p->state;
}

const uint8_t *proxy_output(const struct proxy *p, size_t *len)
{
    *len = p->out_len - p->out_sent;
    return p->out + p->out_sent;
}

void proxy_sent(struct proxy *p, size_t n)
{
    p->out_sent += n;
    if (p->state == PROXY_SEND && p->out_sent >= p->out_len) {
        p->state = PROXY_WAIT;
    }
}

enum proxy_state proxy_input(struct proxy *p, const uint8_t *data, size_t len)
{
    if (p->state != PROXY_WAIT && p->state != PROXY_SEND) {
        return p->state;
    }
    if (len > sizeof(p->in) - p->in_len) {
        log_error("The proxy's answer is longer than %zu bytes: giving this connection up", sizeof(p->in));
        p->state = PROXY_FAILED;
        return p->state;
    }
    memcpy(p->in + p->in_len, data, len);
    p->in_len += len;
    int progress = 1;
    while (progress > 0 && (p->state == PROXY_WAIT || p->state == PROXY_SEND)) {
        struct rd r = rd_init(p->in + p->in_used, p->in_len - p->in_used);
        size_t before = rd_left(&r);
        progress = p->dialogue->step(p, &r);
        if (progress > 0) {
            p->in_used += before - rd_left(&r);
        }
    }
    if (progress < 0) {
        p->state = PROXY_FAILED;
    }
    return p->state;
}

void proxy_restart(struct proxy *p)
{
    p->in_len = 0;
    p->in_used = 0;
    p->dialogue->begin(p);
}

const uint8_t *proxy_leftover(const struct proxy *p, size_t *len)
{
    *len = p->in_len - p->in_used;
    return p->in + p->in_used;
}

const union addr *proxy_relay(const struct proxy *p)
{
    return &p->relay;
}

enum proxy_refusal proxy_refusal(const struct proxy *p)
{
    return p->refusal;
}
