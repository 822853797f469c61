/* SPDX-License-Identifier: MIT */
/*
 * Simulation of the control channel by seed. SIM_SEEDS (default 1000) seeds from SIM_FIRST_SEED (default 1);
 * a seed that fails can be run alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim_world.h"

#define RUN_SECONDS 4000

static unsigned long long setting(const char *name, unsigned long long otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static bool run_seed(uint64_t seed)
{
    struct sim_plan plan = sim_plan_random(seed);
    struct sim_world w;
    sim_tls_seed(seed);
    sim_world_init(&w, &plan);
    bool ok = sim_world_run(&w, sim_world_done, RUN_SECONDS);
    if (!ok || getenv("SIM_VERBOSE")) {
        struct sim_owner *s = sim_server_current(&w);
        fprintf(stderr,
                "%s: seed %llu: wrap %d tls %d loss %u dup %u flip %u delay %u+%u tcp %d dynamic %d reneg %u (%d%d) "
                "restarts %u mtu %u: after %llu s, %u attempts, %u renegotiated; client up %d key %u x%u texts %u; "
                "server up %d key %u x%u texts %u\n",
                ok ? "ok" : "FAILED", (unsigned long long)seed, plan.wrap, plan.tls, plan.network.loss,
                plan.network.duplicate, plan.network.flip, plan.network.delay_ms, plan.network.jitter_ms, plan.tcp,
                plan.dynamic_crypt, plan.renegotiations, plan.client_renegotiates, plan.server_renegotiates,
                plan.restarts, plan.max_packet_size, (unsigned long long)(w.now.mono_ms / 1000), w.attempts,
                w.renegotiated, w.client.up, w.client.newest, w.client.ready_count, w.client.got_texts, s && s->up,
                s ? s->newest : 0u, s ? s->ready_count : 0u, s ? s->got_texts : 0u);
    }
    sim_world_free(&w);
    return ok;
}

int main(void)
{
    unsigned long long first = setting("SIM_FIRST_SEED", 1);
    unsigned long long count = setting("SIM_SEEDS", 1000);
    unsigned long long failed = 0;
    sim_tls_setup();
    for (unsigned long long i = 0; i < count; i++) {
        failed += !run_seed(first + i);
    }
    sim_tls_teardown();
    printf("sim: %llu seeds from %llu, %llu failed\n", count, first, failed);
    return failed ? 1 : 0;
}
