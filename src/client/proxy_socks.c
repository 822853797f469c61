/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/log.h"
#include "client/proxy.h"
#include "client/proxy_dialogue.h"

enum stage { STAGE_GREETING, STAGE_LOGIN, STAGE_REQUEST };

static enum socks_method method(const struct proxy *p)
{
    return p->username ? SOCKS_PASSWORD : SOCKS_NO_AUTH;
}

static void emit(struct proxy *p, const struct wr *w)
{
    p->out_len = wr_len(w);
    p->out_sent = 0;
    p->state = PROXY_SEND;
}

static void begin(struct proxy *p)
{
    struct wr w = wr_init(p->out, sizeof(p->out));
    p->stage = STAGE_GREETING;
    socks_greeting(&w, method(p));
    emit(p, &w);
}

static int request(struct proxy *p)
{
    struct wr w = wr_init(p->out, sizeof(p->out));
    int e = socks_request(&w, p->udp ? SOCKS_UDP_ASSOCIATE : SOCKS_CONNECT, p->host, p->port);
    if (e < 0) {
        log_error("SOCKS proxy: the server's name is too long");
        return e;
    }
    p->stage = STAGE_REQUEST;
    emit(p, &w);
    return 1;
}

static int greeted(struct proxy *p, struct rd *in)
{
    int e = socks_greeting_reply(in, method(p));
    if (e < 0) {
        log_error("SOCKS proxy: %s", e == ERR_FORMAT ? "this is not SOCKS version 5"
                  : p->username                      ? "it does not accept a user name and password"
                                                     : "it wants a user name and password: give socks-proxy a file");
        return e;
    }
    if (e == 0 || !p->username) {
        return e == 0 ? 0 : request(p);
    }
    struct wr w = wr_init(p->out, sizeof(p->out));
    if (socks_login(&w, p->username, p->password ? p->password : "")) {
        log_error("SOCKS proxy: user name or password is longer than 255 bytes");
        return ERR_LIMIT;
    }
    p->stage = STAGE_LOGIN;
    emit(p, &w);
    return 1;
}

static int logged_in(struct proxy *p, struct rd *in)
{
    int e = socks_login_reply(in);
    if (e < 0) {
        p->refusal = PROXY_REFUSAL_WRONG;
        log_error("SOCKS proxy: user name or password is wrong");
    }
    return e > 0 ? request(p) : e;
}

static int answered(struct proxy *p, struct rd *in)
{
    uint8_t code = 0;
    int e = socks_reply(in, &p->relay, &code);
    if (e < 0) {
        log_error("SOCKS proxy: its answer is not SOCKS version 5");
        return e;
    }
    if (e == 0) {
        return 0;
    }
    if (code) {
        log_error("SOCKS proxy refused: %s", socks_reply_text(code));
        return ERR_AUTH;
    }
    if (p->udp && p->relay.any.sa_family != AF_INET) {
        log_error("SOCKS proxy: its UDP relay has no IPv4 address");
        return ERR_UNSUPPORTED;
    }
    p->state = PROXY_DONE;
    return 1;
}

static int step(struct proxy *p, struct rd *in)
{
    switch ((enum stage)p->stage) {
    case STAGE_GREETING:
        return greeted(p, in);
    case STAGE_LOGIN:
        return logged_in(p, in);
    case STAGE_REQUEST:
        return answered(p, in);
    }
    return ERR_FORMAT;
}

static const struct proxy_dialogue socks_dialogue = {.begin = begin, .step = step};

struct proxy *proxy_socks_new(const struct proxy_target *target, bool udp)
{
    struct proxy *p = proxy_new(&socks_dialogue, target);
    p->udp = udp;
    begin(p);
    return p;
}
