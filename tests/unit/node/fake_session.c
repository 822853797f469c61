/* SPDX-License-Identifier: MIT */
#include "fake_session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "dp/dp.h"
#include "node/settings.h"

struct fake_state fake = {.deadline = CLOCK_NEVER};

struct session {
    struct session_hooks hooks;
    char out[8][64];
    size_t out_len[8];
    unsigned out_count;
    char text[64];
    bool has_event;
};

static void enter(void)
{
    if (atomic_fetch_add(&fake.inside, 1) != 0) {
        atomic_store(&fake.overlap, 1);
    }
}

static void leave(void)
{
    atomic_fetch_sub(&fake.inside, 1);
}

int session_new(const struct session_config *config, const struct session_open *open, struct clock_now now,
                struct session **out)
{
    (void)config;
    (void)now;
    *out = mem_zalloc(sizeof(**out));
    (*out)->hooks = open->hooks;
    return 0;
}

void session_free(struct session *s)
{
    enter();
    atomic_fetch_add(&fake.freed, 1);
    free(s);
    leave();
}

static void put(struct session *s, const void *data, size_t len)
{
    if (s->out_count < 8) {
        memcpy(s->out[s->out_count], data, len);
        s->out_len[s->out_count++] = len;
    }
}

int session_receive(struct session *s, struct clock_now now, const uint8_t *packet, size_t len)
{
    (void)now;
    enter();
    int r = 0;
    switch (packet[0]) {
    case FAKE_ECHO:
        put(s, packet, len);
        break;
    case FAKE_EVENT:
        memcpy(s->text, packet + 1, len - 1);
        s->text[len - 1] = '\0';
        s->has_event = true;
        break;
    case FAKE_SLOW:
        atomic_store(&fake.slow_started, 1);
        while (!atomic_load(&fake.release)) {
            usleep(1000);
        }
        break;
    default:
        r = ERR_AUTH;
        break;
    }
    struct session_credentials credentials = {0};
    s->hooks.credentials(s->hooks.arg, &credentials);
    strncpy(fake.username, credentials.username ? credentials.username : "", sizeof(fake.username) - 1);
    strncpy(fake.password, credentials.password ? credentials.password : "", sizeof(fake.password) - 1);
    leave();
    return r;
}

void session_tick(struct session *s, struct clock_now now)
{
    (void)s;
    (void)now;
    enter();
    atomic_fetch_add(&fake.ticks, 1);
    fake.deadline = CLOCK_NEVER;
    leave();
}

size_t session_send(struct session *s, struct clock_now now, uint8_t *out)
{
    (void)now;
    enter();
    size_t len = 0;
    if (s->out_count > 0) {
        len = s->out_len[0];
        memcpy(out, s->out[0], len);
        s->out_count--;
        memmove(s->out[0], s->out[1], sizeof(s->out[0]) * 7);
        memmove(&s->out_len[0], &s->out_len[1], sizeof(s->out_len[0]) * 7);
    }
    leave();
    return len;
}

uint64_t session_deadline(const struct session *s)
{
    (void)s;
    return fake.deadline;
}

bool session_next_event(struct session *s, struct session_event *out)
{
    if (!s->has_event) {
        return false;
    }
    s->has_event = false;
    *out = (struct session_event){.type = SESSION_EV_MESSAGE, .text = s->text, .len = strlen(s->text)};
    return true;
}

void session_authorize(struct session *s, struct clock_now now, uint8_t key_id, enum session_verdict verdict)
{
    (void)s;
    (void)now;
    (void)key_id;
    enter();
    fake.verdict = verdict;
    leave();
}

void session_accept_certificate(struct session *s, struct clock_now now, uint8_t key_id)
{
    (void)s;
    (void)now;
    (void)key_id;
}

int session_message(struct session *s, struct clock_now now, const char *text)
{
    (void)now;
    enter();
    strncpy(fake.message, text, sizeof(fake.message) - 1);
    put(s, text, strlen(text));
    leave();
    return 0;
}

void session_close(struct session *s)
{
    (void)s;
}

int session_renegotiate(struct session *s, struct clock_now now)
{
    (void)s;
    (void)now;
    return 0;
}

void session_set_reneg(struct session *s, struct clock_now now, unsigned seconds)
{
    (void)s;
    (void)now;
    (void)seconds;
}

bool session_idle(const struct session *s)
{
    return s->out_count == 0;
}

struct settings *settings_ref(struct settings *settings)
{
    atomic_fetch_add(&fake.settings_refs, 1);
    return settings;
}

void settings_unref(struct settings *settings)
{
    (void)settings;
    atomic_fetch_sub(&fake.settings_refs, 1);
}

const struct session_config *settings_session(const struct settings *settings)
{
    (void)settings;
    return NULL;
}

int dp_ctrl_send(struct dp *dp, const struct dp_path *path, const void *packet, size_t len)
{
    (void)dp;
    (void)path;
    fake.sent++;
    memcpy(fake.last_sent, packet, len);
    fake.last_sent[len] = '\0';
    return 0;
}

void dp_peer_touch(struct dp *dp, uint32_t id, bool received)
{
    (void)dp;
    (void)id;
    fake.touched_rx += received;
    fake.touched_tx += !received;
}

int dp_fd(const struct dp *dp)
{
    return *(const int *)(const void *)dp;
}

unsigned dp_drain(struct dp *dp, void (*fn)(const struct dp_event *event, void *arg), void *arg, unsigned budget)
{
    (void)budget;
    uint64_t count = 0;
    if (read(*(int *)(void *)dp, &count, sizeof(count)) < 0) {
        return 0;
    }
    struct dp_event event = {.type = DP_EV_CTRL};
    fn(&event, arg);
    return 1;
}
