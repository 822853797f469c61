/* SPDX-License-Identifier: MIT */
#include "server/admission.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "config/config.h"
#include "session/wrap.h"
#include "wire/opcode.h"

#define LINES_MAX 20 /* in so many seconds: one peer that tries again and again stays visible */
#define LINES_PERIOD_S 10

void admission_limits(struct admission *a, const struct config *config)
{
    ratelimit_init(&a->initial, config->connect_freq_initial.count, config->connect_freq_initial.seconds);
    ratelimit_init(&a->fresh, config->connect_freq.count, config->connect_freq.seconds);
}

void admission_set_wrap(struct admission *a, const struct wrap_config *wrap)
{
    a->udp.wrap = wrap;
    a->tcp.wrap = wrap;
}

void admission_init(struct admission *a, const struct config *config, const struct wrap_config *wrap)
{
    *a = (struct admission){0};
    cookie_jar_init(&a->jar, rand_system(), config->hand_window);
    ratelimit_init(&a->lines, LINES_MAX, LINES_PERIOD_S);
    admission_limits(a, config);
    a->udp = (struct cookie_filter){.jar = &a->jar, .initial = &a->initial};
    a->tcp = (struct cookie_filter){.jar = &a->jar, .tcp = true};
    admission_set_wrap(a, wrap);
}

void admission_tick(struct admission *a, uint64_t unix_s)
{
    cookie_jar_renew(&a->jar, rand_system(), unix_s);
}

bool admission_may_log(struct admission *a)
{
    uint64_t left_out = a->lines.refused;
    bool may = ratelimit_take(&a->lines, clock_read().mono_ms);
    if (a->lines.start_ms != a->lines_period_ms) {
        a->lines_period_ms = a->lines.start_ms;
        if (left_out) {
            log_warn("%llu more lines about unusable packets were left out", (unsigned long long)left_out);
        }
    }
    return may;
}

/* Lines that fail2ban filters and people look for. */
static void log_refusal(struct admission *a, const union addr *source, enum cookie_reason reason)
{
    char text[ADDR_TEXT_MAX];
    char plain[ADDR_TEXT_MAX];
    bool worth_a_line = reason == COOKIE_REASON_WRAP || reason == COOKIE_REASON_WKC ||
                        reason == COOKIE_REASON_KEY_AGE || reason == COOKIE_REASON_NO_COOKIE_SUPPORT;
    if (!worth_a_line || !admission_may_log(a)) {
        return;
    }
    addr_format_log(source, text);
    addr_format(source, plain);
    switch (reason) {
    case COOKIE_REASON_WRAP:
        if (wrap_config_mode(a->udp.wrap) == WRAP_TLS_AUTH) {
            log_write(LOG_SEV_ERROR, 1, NULL, "TLS Error: cannot locate HMAC in incoming packet from %s", text);
        } else {
            log_write(LOG_SEV_ERROR, 1, NULL, "TLS Error: tls-crypt unwrapping failed from %s", text);
        }
        break;
    case COOKIE_REASON_WKC:
        log_write(LOG_SEV_ERROR, 1, plain, "TLS Error: can not extract tls-crypt-v2 client key from %s", text);
        break;
    case COOKIE_REASON_KEY_AGE:
        log_write(LOG_SEV_ERROR, 1, plain,
                  "TLS Error: tls-crypt-v2 client key is older than tls-crypt-v2-max-age allows");
        break;
    case COOKIE_REASON_NO_COOKIE_SUPPORT:
        log_write(LOG_SEV_ERROR, 1, plain,
                  "TLS Error: tls-crypt-v2 force-cookie is enabled, but the client does not support it");
        break;
    default:
        break;
    }
}

static void log_flood(struct admission *a)
{
    if (a->initial_warned_ms == a->initial.start_ms + 1) {
        return;
    }
    a->initial_warned_ms = a->initial.start_ms + 1;
    log_warn(
        "Note: --connect-freq-initial %u %u rate limit exceeded, dropping initial handshake packets for the next %u "
        "seconds",
        a->initial.max, a->initial.period_s, a->initial.period_s);
}

/* A reset is 14 bytes long; what is longer has a tag of at least 20 bytes, a packet number and a time. */
static bool looks_wrapped(const uint8_t *packet, size_t len)
{
    return len >= 14 + 20 + 8 && opcode_is_hard_reset(packet[0] >> 3);
}

static void log_wrapped(struct admission *a, const union addr *source)
{
    char text[ADDR_TEXT_MAX];
    if (admission_may_log(a)) {
        log_write(LOG_SEV_ERROR, 1, NULL,
                  "TLS Error: %s seems to use tls-auth, tls-crypt or tls-crypt-v2, and this server does not: both ends"
                  " need the same line", addr_format_log(source, text));
    }
}

void admission_judge(struct admission *a, bool tcp, const union addr *source, const uint8_t *packet, size_t len,
                     struct cookie_verdict *out)
{
    cookie_decide(tcp ? &a->tcp : &a->udp, clock_read(), source, packet, len, out);
    if (out->action != COOKIE_DROP) {
        return;
    }
    a->dropped[out->reason]++;
    if (out->reason == COOKIE_REASON_RATE) {
        log_flood(a);
    } else if (out->reason == COOKIE_REASON_FORMAT && wrap_config_plain(a->udp.wrap) && looks_wrapped(packet, len)) {
        log_wrapped(a, source);
    } else {
        log_refusal(a, source, out->reason);
    }
}

bool admission_fresh(struct admission *a, const union addr *source)
{
    char text[ADDR_TEXT_MAX];
    bool allowed = ratelimit_take(&a->fresh, clock_read().mono_ms);
    if (!allowed && admission_may_log(a)) {
        log_write(LOG_SEV_ERROR, 1, NULL,
                  "MULTI: Connection from %s would exceed new connection frequency limit as controlled by --connect-freq",
                  addr_format(source, text));
    }
    return allowed;
}

void admission_proven(struct admission *a)
{
    ratelimit_give_back(&a->initial);
}
