/* SPDX-License-Identifier: MIT */
#ifndef VPND_TESTS_SIM_WORLD_H
#define VPND_TESTS_SIM_WORLD_H

/*
 * A client and a server on a bad network with a clock of its own. Everything that happens is a function of the
 * seed. The ends behave as the daemon does: cookies on UDP, a second session beside the running one after a
 * restart, a new session after a failure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/cookie.h"
#include "session/ratelimit.h"
#include "session/session.h"
#include "session/wrap.h"
#include "sim_tls.h"

enum sim_wrap {
    SIM_WRAP_NONE,
    SIM_WRAP_AUTH,       /* SHA256, directions 0 and 1 */
    SIM_WRAP_AUTH_BIDIR, /* SHA1, no direction */
    SIM_WRAP_CRYPT,
    SIM_WRAP_V2,
    SIM_WRAPS,
};

/** What is bad about the network; percentages. */
struct sim_network {
    unsigned loss;
    unsigned duplicate;
    unsigned flip;          /* one random bit */
    unsigned delay_ms;      /* least */
    unsigned jitter_ms;     /* more of it: reordering */
};

struct sim_plan {
    uint64_t seed;
    enum sim_wrap wrap;
    enum sim_tls_version tls;
    struct sim_network network;
    bool tcp;                       /* no cookie (the network may be bad all the same) */
    bool dynamic_crypt;
    enum session_derivation derivation;
    unsigned renegotiations;        /* wanted in all */
    bool client_renegotiates;
    bool server_renegotiates;
    unsigned restarts;              /* times that the client forgets everything in mid-flight */
    unsigned max_packet_size;
    bool deferred_auth;             /* the server's verdict takes a while */
    bool hostile;                   /* somebody interferes who has the keys: sessions need not get anywhere */
};

#define SIM_KEYS 8
#define SIM_SESSIONS 2

/** One session of an end with what its owner knows about it. */
struct sim_owner {
    struct session *session;
    bool client;
    bool up;                        /* first key ready */
    bool dead;
    uint8_t newest;                 /* key id of the newest ready key */
    unsigned ready_count;
    unsigned active_count;  /* handshakes complete in both directions */
    bool has_key[SIM_KEYS];
    uint8_t key[SIM_KEYS][SESSION_KEY_MATERIAL_SIZE];
    unsigned sent_texts;
    unsigned got_texts;
    bool push_requested;
    bool push_replied;
    uint64_t accept_at;             /* client: deferred look at the server's certificate, 0: none */
    uint8_t accept_key;
    uint64_t authorize_at;          /* deferred verdict, 0: none */
    uint8_t authorize_key;
    enum session_hint last_hint;
};

struct sim_packet {
    struct sim_packet *next;
    uint64_t at_ms;
    bool to_server;
    size_t len;
    uint8_t data[SESSION_PACKET_MAX];
};

struct sim_world {
    struct sim_plan plan;
    struct clock_now now;
    struct rand_seeded random;
    struct wrap_config *wrap[2];    /* client, server */
    struct session_config config[2];
    struct cookie_jar jar;
    struct ratelimit initial;
    struct cookie_filter filter;
    union addr client_address;
    struct sim_packet *flying;      /* by time */
    struct sim_owner client;
    struct sim_owner server[SIM_SESSIONS]; /* running one and candidate */
    unsigned renegotiated;
    unsigned restarts_left;
    unsigned attempts;
    unsigned accepted;              /* handshakes whose certificate the client accepted */
    unsigned exchanged;             /* key exchanges that servers saw */
    unsigned ready_before;          /* keys ready when the last renegotiation began */
    uint64_t restart_at;
    uint64_t renegotiate_at;
    uint64_t ping_restart_at;       /* the client finds out that nobody is there any more */
};

/** sim_plan_random - everything about a run, drawn from @seed. */
struct sim_plan sim_plan_random(uint64_t seed);

/** sim_world_init - both ends at rest, the client's first packet not yet out. */
void sim_world_init(struct sim_world *w, const struct sim_plan *plan);

/** sim_world_free - everything. */
void sim_world_free(struct sim_world *w);

/** sim_world_step - let the next thing happen. Return: false when nothing is left to happen. */
bool sim_world_step(struct sim_world *w);

/** sim_world_run - steps until @done or the virtual time is over. Return: done. */
bool sim_world_run(struct sim_world *w, bool (*done)(const struct sim_world *w), uint64_t seconds);

/** sim_world_done - up at both ends with equal keys, texts exchanged, the wanted renegotiations behind. */
bool sim_world_done(const struct sim_world *w);

/** sim_world_inject - put a packet on the network. */
void sim_world_inject(struct sim_world *w, bool to_server, const uint8_t *data, size_t len);

/** sim_server_current - the server's session that is in use, or NULL. */
struct sim_owner *sim_server_current(struct sim_world *w);

/** sim_wrap_config - keys of a kind for a role, always the same ones. */
struct wrap_config *sim_wrap_config(enum sim_wrap wrap, bool server);

#endif
