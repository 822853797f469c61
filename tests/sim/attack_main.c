/* SPDX-License-Identifier: MIT */
/*
 * What hostile peers send, by seed, at any moment of a session: packets of every opcode, key id and session id, with
 * acknowledgements of packets never sent, ids near the wrap, no payload or too much of it; texts of any bytes; and
 * handshakes that stop anywhere. Nothing may crash (run it with sanitizers), memory has to stay flat, and who has no
 * key of the control channel may not disturb those who have.
 *
 * ATTACK_SEEDS (default 300) seeds from ATTACK_FIRST_SEED (default 1); ATTACK_BROKEN (default 400) handshakes of each
 * wrapping, from the same seed on, that stop; ATTACK_WRAP (a number of enum sim_wrap): only that wrapping. 100,000
 * handshakes of one take some minutes.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim_world.h"
#include "wire/ctrl_pkt.h"

#define STEPS_MAX 120
#define PACKETS_MAX 150
#define AFTERWARDS_S 400
#define GROWTH_MAX (64 * 1024) /* bytes; caches of libraries settle */

struct attacker {
    struct sim_world *world;
    struct rand_seeded random;
    struct wrap wrap;  /* as a client's */
    bool has_keys;
};

static unsigned long long setting(const char *name, unsigned long long otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static unsigned draw(struct attacker *a, unsigned limit)
{
    return rand_below(&a->random.source, limit);
}

/* Small numbers, numbers near the wrap, any number. */
static uint32_t draw_id(struct attacker *a)
{
    switch (draw(a, 4)) {
    case 0:
        return UINT32_MAX - draw(a, 16);
    case 1:
        return rand_u32(&a->random.source);
    default:
        return draw(a, 20);
    }
}

static size_t draw_size(struct attacker *a, size_t max)
{
    switch (draw(a, 4)) {
    case 0:
        return 0;
    case 1:
        return max - draw(a, 4);
    default:
        return draw(a, 200);
    }
}

static void send_noise(struct attacker *a)
{
    uint8_t data[SESSION_PACKET_MAX];
    size_t len = draw_size(a, sizeof(data));
    rand_fill(&a->random.source, data, sizeof(data));
    sim_world_inject(a->world, draw(a, 3) != 0, data, len);
}

/* A well-formed packet with impossible contents; with keys it is sealed, too. */
static void send_packet(struct attacker *a)
{
    struct sim_world *w = a->world;
    struct ctrl_pkt_header header = {.opcode = (uint8_t)(draw(a, 8) ? 3 + draw(a, 9) : draw(a, 32)),
                                     .key_id = (uint8_t)(draw(a, 2) ? 0 : draw(a, 8))};
    struct ctrl_pkt_body body = {.ack_count = (uint8_t)draw(a, CTRL_PKT_ACKS_MAX + 1), .message_id = draw_id(a)};
    uint8_t payload[SESSION_PACKET_MAX - 200];
    uint8_t head[CTRL_PKT_HEADER_SIZE];
    uint8_t inner[SESSION_PACKET_MAX];
    uint8_t packet[SESSION_PACKET_MAX];
    uint8_t own[SESSION_ID_SIZE];
    uint8_t peer[SESSION_ID_SIZE];
    rand_fill(&a->random.source, own, sizeof(own));
    rand_fill(&a->random.source, peer, sizeof(peer));
    if (w->client.session && draw(a, 5)) {
        session_ids(w->client.session, own, peer);
    }
    memcpy(header.session_id, draw(a, 10) ? own : peer, SESSION_ID_SIZE);
    memcpy(body.peer_session_id, draw(a, 10) ? peer : own, SESSION_ID_SIZE);
    for (unsigned i = 0; i < body.ack_count; i++) {
        body.acks[i] = draw_id(a);
    }
    rand_fill(&a->random.source, payload, sizeof(payload));
    body.payload = (struct span){payload, draw_size(a, sizeof(payload))};
    struct wr h = wr_init(head, sizeof(head));
    struct wr b = wr_init(inner, sizeof(inner));
    ctrl_pkt_header_write(&h, &header);
    ctrl_pkt_body_write(&b, header.opcode, &body);
    if (!wr_ok(&h) || !wr_ok(&b)) {
        return;
    }
    int n = wrap_seal(&a->wrap, w->now, head, inner, wr_len(&b), packet, sizeof(packet));
    if (n < 0) {
        return;
    }
    if (!a->has_keys && w->plan.wrap != SIM_WRAP_NONE) {
        packet[CTRL_PKT_HEADER_SIZE + draw(a, 16)] ^= 1; /* anybody can do everything but this */
    }
    sim_world_inject(w, true, packet, (size_t)n);
}

static void say_something(struct attacker *a)
{
    struct sim_world *w = a->world;
    char text[SESSION_MESSAGE_MAX] = "";
    size_t last = 1 + draw(a, sizeof(text) - 1) % (sizeof(text) - 1);
    static const char *const starts[] = {"PUSH_REPLY,", "AUTH_FAILED,", "INFO_PRE,", "CR_RESPONSE,", "EXIT", "RESTART,",
                                         "PUSH_UPDATE,"};
    for (size_t i = 0; i < last; i++) {
        text[i] = (char)(1 + draw(a, 255));
    }
    if (draw(a, 2)) {
        const char *start = starts[draw(a, sizeof(starts) / sizeof(starts[0]))];
        memcpy(text, start, strlen(start) < last ? strlen(start) : last);
    }
    struct sim_owner *server = sim_server_current(w);
    if (w->client.session) {
        (void)session_message(w->client.session, w->now, text);
    }
    if (server && draw(a, 2)) {
        (void)session_message(server->session, w->now, text);
    }
}

static void attack(struct attacker *a)
{
    unsigned count = 1 + draw(a, PACKETS_MAX);
    for (unsigned i = 0; i < count; i++) {
        unsigned what = draw(a, 10);
        if (what == 0) {
            send_noise(a);
        } else if (what == 1 && a->has_keys) {
            say_something(a);
        } else {
            send_packet(a);
        }
        if (draw(a, 3) == 0 && !sim_world_step(a->world)) {
            return;
        }
    }
}

static bool run_seed(uint64_t seed, bool has_keys)
{
    struct sim_plan plan = sim_plan_random(seed);
    struct sim_world w;
    plan.network = (struct sim_network){.delay_ms = 10};
    plan.restarts = 0;
    plan.tcp = false;
    plan.hostile = has_keys || plan.wrap == SIM_WRAP_NONE;
    sim_tls_seed(seed);
    sim_world_init(&w, &plan);
    struct attacker a = {.world = &w, .has_keys = has_keys};
    rand_seeded_init(&a.random, seed * 7919);
    if (plan.wrap == SIM_WRAP_V2) {
        wrap_init_client_v2(&a.wrap, w.wrap[0], 64, 15);
    } else {
        wrap_init(&a.wrap, w.wrap[0], 64, 15);
    }
    a.wrap.send = (struct replay_send){.counter = draw(&a, 2) ? 1000 : UINT32_MAX - 20, .time = (uint32_t)w.now.unix_s};
    for (unsigned steps = draw(&a, STEPS_MAX); steps && sim_world_step(&w); steps--) {
    }
    attack(&a);
    bool done = sim_world_run(&w, sim_world_done, AFTERWARDS_S);
    bool guarded = !has_keys && plan.wrap != SIM_WRAP_NONE;
    sim_world_free(&w);
    if (guarded && !done) {
        fprintf(stderr, "attack: seed %llu: somebody without a key disturbed a session\n", (unsigned long long)seed);
        return false;
    }
    return true;
}

static void broken_handshake(enum sim_wrap wrap, uint64_t seed)
{
    struct sim_plan plan = sim_plan_random(seed);
    struct sim_world w;
    struct rand_seeded random;
    plan.wrap = wrap;
    plan.network = (struct sim_network){.delay_ms = 1, .flip = seed % 4 == 0 ? 20 : 0};
    plan.restarts = 0;
    plan.hostile = wrap == SIM_WRAP_NONE && plan.network.flip > 0; /* a bit flipped where nothing protects it */
    rand_seeded_init(&random, seed);
    sim_tls_seed(seed);
    sim_world_init(&w, &plan);
    for (unsigned steps = rand_below(&random.source, 40); steps && sim_world_step(&w); steps--) {
    }
    sim_world_free(&w);
}

static const char *wrap_name(enum sim_wrap wrap)
{
    static const char *const NAMES[] = {
        [SIM_WRAP_NONE] = "none",           [SIM_WRAP_AUTH] = "tls-auth",   [SIM_WRAP_AUTH_BIDIR] = "tls-auth-bidir",
        [SIM_WRAP_CRYPT] = "tls-crypt",     [SIM_WRAP_V2] = "tls-crypt-v2",
    };
    return NAMES[wrap];
}

/* Return: whether the second half of so many handshakes left nothing behind. */
static bool memory_stays_flat(enum sim_wrap wrap, unsigned long long first, unsigned long long count)
{
    size_t half = mallinfo2().uordblks;
    for (unsigned long long i = 0; i < count; i++) {
        if (i == count / 2) {
            half = mallinfo2().uordblks;
        }
        broken_handshake(wrap, first + i);
    }
    size_t end = mallinfo2().uordblks;
    printf("attack: %s: %llu broken handshakes, %zu bytes in use after half of them, %zu at the end\n", wrap_name(wrap),
           count, half, end);
    if (end > half + GROWTH_MAX) {
        fprintf(stderr, "attack: %s: %zu bytes are left of %llu broken handshakes\n", wrap_name(wrap), end - half,
                count / 2);
        return false;
    }
    return true;
}

int main(void)
{
    unsigned long long first = setting("ATTACK_FIRST_SEED", 1);
    unsigned long long count = setting("ATTACK_SEEDS", 300);
    unsigned long long broken = setting("ATTACK_BROKEN", 400);
    unsigned long long only = setting("ATTACK_WRAP", SIM_WRAPS);
    unsigned failed = 0;
    sim_tls_setup();
    for (unsigned long long i = 0; i < count; i++) {
        failed += !run_seed(first + i, true);
        failed += !run_seed(first + i, false);
    }
    for (unsigned wrap = 0; wrap < SIM_WRAPS; wrap++) {
        if (only == SIM_WRAPS || only == wrap) {
            failed += !memory_stays_flat((enum sim_wrap)wrap, first, broken);
        }
    }
    sim_tls_teardown();
    printf("attack: %llu seeds from %llu, %llu broken handshakes of each wrapping, %u failed\n", count, first, broken,
           failed);
    return failed ? 1 : 0;
}
