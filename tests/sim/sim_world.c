/* SPDX-License-Identifier: MIT */
#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "wire/opcode.h"

#define START_MS 1000
#define START_UNIX 1700000000u
#define TEXTS_WANTED 5
#define PING_RESTART_MS 120000
#define STUCK_STEPS 200000

static const char CLIENT_OPTIONS[] = "V4,dev-type tun,link-mtu 1541,tun-mtu 1500,proto UDPv4,auth SHA1,keysize 128,"
                                     "key-method 2,tls-client";
static const char SERVER_OPTIONS[] = "V4,dev-type tun,link-mtu 1541,tun-mtu 1500,proto UDPv4,auth SHA1,keysize 128,"
                                     "key-method 2,tls-server";
static const char PEER_INFO[] = "IV_VER=2.7.6\nIV_PLAT=linux\nIV_PROTO=8094\nIV_CIPHERS=AES-256-GCM\n";

static unsigned draw(struct sim_world *w, unsigned limit)
{
    return limit ? rand_below(&w->random.source, limit) : 0;
}

static bool chance(struct sim_world *w, unsigned percent)
{
    return draw(w, 100) < percent;
}

struct sim_plan sim_plan_random(uint64_t seed)
{
    struct rand_seeded r;
    rand_seeded_init(&r, seed ^ 0x9e3779b97f4a7c15u);
    struct sim_plan p = {.seed = seed};
    p.wrap = (enum sim_wrap)rand_below(&r.source, SIM_WRAPS);
    p.tls = (enum sim_tls_version)rand_below(&r.source, SIM_TLS_VERSIONS);
    p.network.loss = rand_below(&r.source, 4) == 0 ? 0 : rand_below(&r.source, 31);
    p.network.duplicate = rand_below(&r.source, 21);
    p.network.flip = p.wrap == SIM_WRAP_NONE ? 0 : rand_below(&r.source, 6);
    p.network.delay_ms = 1 + rand_below(&r.source, 100);
    p.network.jitter_ms = rand_below(&r.source, 2) ? rand_below(&r.source, 1500) : 0;
    p.tcp = rand_below(&r.source, 5) == 0;
    p.dynamic_crypt = rand_below(&r.source, 2);
    p.derivation = rand_below(&r.source, 2) ? SESSION_KEYS_EXPORTER : SESSION_KEYS_PRF;
    p.renegotiations = rand_below(&r.source, 4) == 0 ? rand_below(&r.source, 10) : rand_below(&r.source, 2);
    unsigned who = 1 + rand_below(&r.source, 3);
    p.client_renegotiates = who & 1;
    p.server_renegotiates = who & 2;
    p.restarts = rand_below(&r.source, 6) == 0 ? 1 + rand_below(&r.source, 3) : 0;
    p.max_packet_size = rand_below(&r.source, 3) == 0 ? 154 + rand_below(&r.source, 1894) : 1250;
    p.deferred_auth = rand_below(&r.source, 4) == 0;
    return p;
}

struct wrap_config *sim_wrap_config(enum sim_wrap wrap, bool server)
{
    struct rand_seeded r;
    rand_seeded_init(&r, 4711);
    struct keyfile_static key;
    struct keyfile_slot v2_server;
    struct keyfile_v2_client v2_client;
    keyfile_static_generate(&r.source, &key);
    keyfile_server_generate(&r.source, &v2_server);
    struct wrap_params p = {.server = server, .digest = "SHA256"};
    switch (wrap) {
    case SIM_WRAP_AUTH_BIDIR:
        p.digest = "SHA1";
        p.mode = WRAP_TLS_AUTH;
        p.direction = KEYFILE_BIDIRECTIONAL;
        break;
    case SIM_WRAP_AUTH:
        p.mode = WRAP_TLS_AUTH;
        p.direction = server ? KEYFILE_NORMAL : KEYFILE_INVERSE;
        break;
    case SIM_WRAP_CRYPT:
        p.mode = WRAP_TLS_CRYPT;
        break;
    case SIM_WRAP_V2:
        BUG_ON(keyfile_v2_client_generate(&r.source, &v2_server, NULL, START_UNIX, &v2_client));
        p.v2_server = server ? &v2_server : NULL;
        p.v2_client = server ? NULL : &v2_client;
        break;
    case SIM_WRAP_NONE:
    case SIM_WRAPS:
        break;
    }
    p.key = p.mode == WRAP_NONE ? NULL : &key;
    struct wrap_config *config;
    BUG_ON(wrap_config_new(&p, &config));
    return config;
}

/* ------------------------------------------------------------------ network */

static void fly(struct sim_world *w, bool to_server, const uint8_t *data, size_t len, uint64_t at_ms)
{
    struct sim_packet *p = mem_zalloc(sizeof *p);
    p->at_ms = at_ms;
    p->to_server = to_server;
    p->len = len;
    memcpy(p->data, data, len);
    struct sim_packet **at = &w->flying;
    while (*at && (*at)->at_ms <= at_ms) {
        at = &(*at)->next;
    }
    p->next = *at;
    *at = p;
}

void sim_world_inject(struct sim_world *w, bool to_server, const uint8_t *data, size_t len)
{
    fly(w, to_server, data, len, w->now.mono_ms);
}

static void launch(struct sim_world *w, bool to_server, const uint8_t *data, size_t len)
{
    const struct sim_network *n = &w->plan.network;
    unsigned copies = chance(w, n->loss) ? 0 : chance(w, n->duplicate) ? 2 : 1;
    for (unsigned i = 0; i < copies; i++) {
        uint8_t damaged[SESSION_PACKET_MAX];
        memcpy(damaged, data, len);
        if (chance(w, n->flip)) {
            unsigned bit = draw(w, (unsigned)len * 8);
            damaged[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        fly(w, to_server, damaged, len, w->now.mono_ms + n->delay_ms + draw(w, n->jitter_ms + 1));
    }
}

/* ------------------------------------------------------------------ owners */

static void check(bool ok, const struct sim_world *w, const char *what)
{
    if (!ok) {
        fprintf(stderr, "sim: seed %llu: %s\n", (unsigned long long)w->plan.seed, what);
        abort();
    }
}

/* What somebody with the keys of a session can upset. */
static void expect(bool ok, const struct sim_world *w, const char *what)
{
    check(ok || w->plan.hostile, w, what);
}

static void credentials(void *arg, struct session_credentials *out)
{
    (void)arg;
    out->username = "alice";
    out->password = "secret";
}

static void key_ready(struct sim_world *w, struct sim_owner *o, const struct session_event *e)
{
    if (e->first && w->plan.dynamic_crypt) {
        check(session_enable_dynamic_crypt(o->session, w->now) == 0, w, "dynamic tls-crypt");
    }
    int err = session_export_keys(o->session, e->key_id, w->plan.derivation, o->key[e->key_id]);
    check(err == 0, w, "a ready key cannot be exported");
    check(session_export_keys(o->session, e->key_id, w->plan.derivation, o->key[0]) < 0, w, "a key exported twice");
    o->has_key[e->key_id] = true;
    o->newest = e->key_id;
    o->ready_count++;
    o->up = true;
}

static void text_in(struct sim_world *w, struct sim_owner *o, const struct session_event *e)
{
    check(strlen(e->text) == e->len, w, "a text with a NUL inside");
    if (o->client && strncmp(e->text, "PUSH_REPLY", 10) == 0) {
        o->push_replied = true;
    } else if (!o->client && strcmp(e->text, "PUSH_REQUEST") == 0) {
        o->push_requested = true;
        expect(session_message(o->session, w->now, "PUSH_REPLY,ping 10,ifconfig 10.8.0.2 255.255.255.0") == 0, w,
              "push reply refused");
    } else if (strncmp(e->text, "INFO,", 5) == 0) {
        expect(++o->got_texts <= TEXTS_WANTED, w, "a text arrived twice");
    }
}

static void finish(struct sim_owner *o)
{
    o->dead = true;
}

static void handle(struct sim_world *w, struct sim_owner *o, const struct session_event *e)
{
    switch (e->type) {
    case SESSION_EV_CERTIFICATE:
        check(o->client, w, "a server was asked about a certificate");
        o->accept_key = e->key_id;
        o->accept_at = w->now.mono_ms + 1 + draw(w, 1000);
        break;
    case SESSION_EV_KEY_EXCHANGE:
        if (!o->client) {
            w->exchanged++;
            check(!w->plan.deferred_auth || w->exchanged <= w->accepted, w,
                  "the client spoke before it had accepted the certificate");
            check(e->username && strcmp(e->username, "alice") == 0 && strcmp(e->password, "secret") == 0, w,
                  "credentials got lost");
            check(strcmp(e->peer_info, PEER_INFO) == 0 && strcmp(e->options_string, CLIENT_OPTIONS) == 0, w,
                  "strings of the key exchange got lost");
        }
        o->authorize_key = e->key_id;
        o->authorize_at = w->now.mono_ms + (w->plan.deferred_auth && !o->client ? 1 + draw(w, 5000) : 0);
        break;
    case SESSION_EV_ACTIVE:
        o->active_count++;
        check(e->tls_description && strncmp(e->tls_description, "TLSv1.", 6) == 0, w, "no TLS description");
        if (o->client && e->first) {
            expect(session_message(o->session, w->now, "PUSH_REQUEST") == 0, w, "push request refused");
        }
        break;
    case SESSION_EV_KEYS_READY:
        key_ready(w, o, e);
        break;
    case SESSION_EV_SEND_SWITCH:
        check(o->has_key[e->key_id], w, "switch to a key that was never ready");
        break;
    case SESSION_EV_KEY_EXPIRED:
        o->has_key[e->key_id] = false;
        break;
    case SESSION_EV_MESSAGE:
        text_in(w, o, e);
        break;
    case SESSION_EV_RENEG_FAILED:
    case SESSION_EV_FAILED:
        o->last_hint = e->hint;
        finish(o);
        break;
    case SESSION_EV_STARTED:
        break;
    }
}

static void drain(struct sim_world *w, struct sim_owner *o)
{
    struct session_event e;
    uint8_t packet[SESSION_PACKET_MAX];
    size_t len;
    bool again = true;
    while (again && o->session) {
        again = false;
        while (session_next_event(o->session, &e)) {
            handle(w, o, &e);
            again = true;
        }
        if (o->accept_at && o->accept_at <= w->now.mono_ms) {
            o->accept_at = 0;
            w->accepted++;
            session_accept_certificate(o->session, w->now, o->accept_key);
            again = true;
        }
        if (o->authorize_at && o->authorize_at <= w->now.mono_ms) {
            o->authorize_at = 0;
            session_authorize(o->session, w->now, o->authorize_key, SESSION_AUTH_OK);
            again = true;
        }
        while ((len = session_send(o->session, w->now, packet)) > 0) {
            launch(w, o->client, packet, len);
            again = true;
        }
    }
    if (o->dead && o->session) {
        session_free(o->session);
        o->session = NULL;
    }
}

static void start_client(struct sim_world *w)
{
    session_free(w->client.session);
    memset(&w->client, 0, sizeof w->client);
    w->client.client = true;
    w->attempts++;
    w->ready_before = 0;
    struct session_open open = {.hooks = {.credentials = credentials}, .ask_certificate = w->plan.deferred_auth};
    check(session_new(&w->config[0], &open, w->now, &w->client.session) == 0, w, "no client session");
    drain(w, &w->client);
}

static bool owns(const struct sim_owner *o, const uint8_t *packet, size_t len)
{
    uint8_t own[SESSION_ID_SIZE];
    uint8_t peer[SESSION_ID_SIZE];
    if (!o->session || len < 9) {
        return false;
    }
    session_ids(o->session, own, peer);
    return memcmp(peer, packet + 1, SESSION_ID_SIZE) == 0;
}

struct sim_owner *sim_server_current(struct sim_world *w)
{
    return w->server[0].session ? &w->server[0] : w->server[1].session ? &w->server[1] : NULL;
}

static void server_open(struct sim_world *w, struct cookie_verdict *v, const uint8_t *packet, size_t len)
{
    struct sim_owner *slot = w->server[0].session && w->server[0].up ? &w->server[1] : &w->server[0];
    session_free(slot->session);
    memset(slot, 0, sizeof *slot);
    check(session_new(&w->config[1], &v->open, w->now, &slot->session) == 0, w, "no server session");
    (void)session_receive(slot->session, w->now, packet, len);
    drain(w, slot);
}

static void promote(struct sim_world *w)
{
    if (w->server[1].session && w->server[1].up) {
        session_free(w->server[0].session);
        w->server[0] = w->server[1];
        memset(&w->server[1], 0, sizeof w->server[1]);
    }
}

static void server_receive(struct sim_world *w, const uint8_t *packet, size_t len)
{
    for (size_t i = 0; i < SIM_SESSIONS; i++) {
        if (owns(&w->server[i], packet, len)) {
            (void)session_receive(w->server[i].session, w->now, packet, len);
            drain(w, &w->server[i]);
            promote(w);
            return;
        }
    }
    struct cookie_verdict v;
    cookie_decide(&w->filter, w->now, &w->client_address, packet, len, &v);
    if (v.action == COOKIE_REPLY) {
        launch(w, false, v.reply, v.reply_len);
    } else if (v.action == COOKIE_ACCEPT) {
        server_open(w, &v, packet, len);
        promote(w);
    }
    secret_free(&v.open.client_key);
}

/* ------------------------------------------------------------------ world */

void sim_world_init(struct sim_world *w, const struct sim_plan *plan)
{
    memset(w, 0, sizeof *w);
    w->plan = *plan;
    w->now = (struct clock_now){.mono_ms = START_MS, .unix_s = START_UNIX};
    rand_seeded_init(&w->random, plan->seed);
    for (int server = 0; server < 2; server++) {
        w->wrap[server] = sim_wrap_config(plan->wrap, server);
        w->config[server] = (struct session_config){
            .role = server ? SESSION_SERVER : SESSION_CLIENT,
            .tcp = plan->tcp,
            .tls = sim_tls_context(plan->tls, server),
            .wrap = w->wrap[server],
            .rand = &w->random.source,
            .hand_window_s = 60,
            .tran_window_s = 3600,
            .tls_timeout_s = 2,
            .max_packet_size = plan->max_packet_size,
            .replay_window = 64,
            .replay_seconds = 15,
            .options_string = server ? SERVER_OPTIONS : CLIENT_OPTIONS,
            .peer_info = server ? NULL : PEER_INFO,
            .ack_limit = server ? 8 : 4,
        };
    }
    cookie_jar_init(&w->jar, &w->random.source, 60);
    ratelimit_init(&w->initial, 100, 10);
    w->filter = (struct cookie_filter){.jar = &w->jar, .wrap = w->wrap[1], .initial = &w->initial, .tcp = plan->tcp};
    struct ip_addr ip;
    BUG_ON(ip_parse("192.0.2.7", &ip));
    w->client_address = addr_from_ip(&ip, 51820);
    w->restarts_left = plan->restarts;
    w->restart_at = plan->restarts ? w->now.mono_ms + draw(w, 3000) : CLOCK_NEVER;
    w->renegotiate_at = CLOCK_NEVER;
    w->ping_restart_at = CLOCK_NEVER;
    start_client(w);
}

void sim_world_free(struct sim_world *w)
{
    session_free(w->client.session);
    session_free(w->server[0].session);
    session_free(w->server[1].session);
    while (w->flying) {
        struct sim_packet *p = w->flying;
        w->flying = p->next;
        free(p);
    }
    wrap_config_free(w->wrap[0]);
    wrap_config_free(w->wrap[1]);
}

static uint64_t owner_deadline(const struct sim_owner *o)
{
    if (!o->session) {
        return CLOCK_NEVER;
    }
    uint64_t when = session_deadline(o->session);
    when = o->accept_at && o->accept_at < when ? o->accept_at : when;
    return o->authorize_at && o->authorize_at < when ? o->authorize_at : when;
}

static uint64_t world_deadline(const struct sim_world *w)
{
    const uint64_t times[] = {
        w->flying ? w->flying->at_ms : CLOCK_NEVER, owner_deadline(&w->client), owner_deadline(&w->server[0]),
        owner_deadline(&w->server[1]),              w->restart_at,              w->renegotiate_at,
        w->ping_restart_at,
    };
    uint64_t when = CLOCK_NEVER;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        when = times[i] < when ? times[i] : when;
    }
    return when;
}

static void tick(struct sim_world *w, struct sim_owner *o)
{
    if (o->session && owner_deadline(o) <= w->now.mono_ms) {
        session_tick(o->session, w->now);
        drain(w, o);
    }
}

static bool same_session(const struct sim_owner *a, const struct sim_owner *b)
{
    uint8_t ids[4][SESSION_ID_SIZE];
    session_ids(a->session, ids[0], ids[1]);
    session_ids(b->session, ids[2], ids[3]);
    return memcmp(ids[0], ids[3], SESSION_ID_SIZE) == 0 && memcmp(ids[1], ids[2], SESSION_ID_SIZE) == 0;
}

static bool in_step(const struct sim_world *w)
{
    const struct sim_owner *s = w->server[0].session ? &w->server[0] : NULL;
    const struct sim_owner *c = &w->client;
    return s && c->session && same_session(s, c) && c->up && s->up && c->newest == s->newest && c->ready_count == s->ready_count &&
           c->ready_count > w->ready_before && c->active_count == c->ready_count && s->active_count == s->ready_count;
}

/* Texts both ways, then perhaps a renegotiation by whom the plan says (both: in the same instant). */
static void converse(struct sim_world *w)
{
    struct sim_owner *c = &w->client;
    struct sim_owner *s = sim_server_current(w);
    if (!in_step(w) || !c->push_replied) {
        return;
    }
    while (c->sent_texts < TEXTS_WANTED) {
        expect(session_message(c->session, w->now, "INFO,from the client") == 0, w, "text refused");
        c->sent_texts++;
    }
    while (s->sent_texts < TEXTS_WANTED) {
        expect(session_message(s->session, w->now, "INFO,from the server") == 0, w, "text refused");
        s->sent_texts++;
    }
    bool quiet = c->got_texts == TEXTS_WANTED && s->got_texts == TEXTS_WANTED;
    if (quiet && w->renegotiated < w->plan.renegotiations && w->renegotiate_at == CLOCK_NEVER) {
        w->renegotiate_at = w->now.mono_ms + draw(w, 20000);
    }
    drain(w, c);
    drain(w, s);
}

static void renegotiate(struct sim_world *w)
{
    w->renegotiate_at = CLOCK_NEVER;
    struct sim_owner *s = sim_server_current(w);
    if (!in_step(w)) {
        return;
    }
    w->renegotiated++;
    w->ready_before = w->client.ready_count;
    if (w->plan.client_renegotiates) {
        expect(session_renegotiate(w->client.session, w->now) == 0, w, "client cannot renegotiate");
    }
    if (w->plan.server_renegotiates) {
        expect(session_renegotiate(s->session, w->now) == 0, w, "server cannot renegotiate");
    }
    drain(w, &w->client);
    drain(w, s);
}

bool sim_world_step(struct sim_world *w)
{
    uint64_t when = world_deadline(w);
    if (when == CLOCK_NEVER) {
        return false;
    }
    if (when > w->now.mono_ms) {
        w->now.unix_s += (when / 1000) - (w->now.mono_ms / 1000);
        w->now.mono_ms = when;
    }
    if (w->flying && w->flying->at_ms <= w->now.mono_ms) {
        struct sim_packet *p = w->flying;
        w->flying = p->next;
        if (p->to_server) {
            server_receive(w, p->data, p->len);
        } else if (w->client.session) {
            (void)session_receive(w->client.session, w->now, p->data, p->len);
            drain(w, &w->client);
        }
        free(p);
    }
    tick(w, &w->client);
    tick(w, &w->server[0]);
    tick(w, &w->server[1]);
    promote(w);
    if (w->client.session && w->client.up && !w->server[0].session && !w->server[1].session) {
        w->ping_restart_at = w->ping_restart_at == CLOCK_NEVER ? w->now.mono_ms + PING_RESTART_MS : w->ping_restart_at;
    } else {
        w->ping_restart_at = CLOCK_NEVER;
    }
    if (w->restart_at <= w->now.mono_ms) {
        w->restarts_left--;
        w->restart_at = w->restarts_left ? w->now.mono_ms + draw(w, 3000) : CLOCK_NEVER;
        start_client(w);
    } else if (!w->client.session || w->ping_restart_at <= w->now.mono_ms) {
        start_client(w);
    }
    if (w->renegotiate_at <= w->now.mono_ms) {
        renegotiate(w);
    }
    converse(w);
    return true;
}

bool sim_world_done(const struct sim_world *w)
{
    const struct sim_owner *c = &w->client;
    const struct sim_owner *s = &w->server[0];
    if (w->restart_at != CLOCK_NEVER || !in_step(w) || w->renegotiated < w->plan.renegotiations ||
        w->renegotiate_at != CLOCK_NEVER || !c->push_replied || c->got_texts < TEXTS_WANTED ||
        s->got_texts < TEXTS_WANTED || !session_idle(c->session) || !session_idle(s->session)) {
        return false;
    }
    for (size_t i = 0; i < SIM_KEYS; i++) {
        if (c->has_key[i] && s->has_key[i]) {
            check(memcmp(c->key[i], s->key[i], SESSION_KEY_MATERIAL_SIZE) == 0, w, "the ends have different keys");
        }
    }
    return true;
}

bool sim_world_run(struct sim_world *w, bool (*done)(const struct sim_world *w), uint64_t seconds)
{
    uint64_t end = w->now.mono_ms + seconds * 1000;
    uint64_t last = 0;
    unsigned stuck = 0;
    while (!done(w)) {
        if (w->now.mono_ms > end || !sim_world_step(w)) {
            return false;
        }
        stuck = w->now.mono_ms == last ? stuck + 1 : 0;
        last = w->now.mono_ms;
        check(stuck < STUCK_STEPS, w, "busy without the clock moving");
    }
    return true;
}
