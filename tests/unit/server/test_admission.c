/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "config/config.h"
#include "server/admission.h"
#include "session/wrap.h"

static struct wrap_config *wrap;
static struct config *config;
static struct admission admission;

static void setup(void)
{
    struct wrap_params params = {.server = true};
    cr_assert_eq(wrap_config_new(&params, &wrap), 0);
    config = calloc(1, sizeof(*config));
    config->hand_window = 60;
    config->connect_freq_initial = (struct config_rate){100, 10};
    config->connect_freq = (struct config_rate){3, 60};
    admission_init(&admission, config, wrap);
}

static void teardown(void)
{
    wrap_config_free(wrap);
    free(config);
}

TestSuite(admission, .init = setup, .fini = teardown);

static union addr stranger(unsigned port)
{
    union addr a;
    memset(&a, 0, sizeof(a));
    a.v4.sin_family = AF_INET;
    a.v4.sin_port = (in_port_t)(port >> 8 | port << 8);
    return a;
}

/* P_CONTROL_HARD_RESET_CLIENT_V2, session id, no acknowledgements, message 0 */
static size_t reset(uint8_t out[14], uint8_t id)
{
    memset(out, 0, 14);
    out[0] = 7 << 3;
    memset(out + 1, id, 8);
    return 14;
}

static enum cookie_action judge(unsigned port, const uint8_t *packet, size_t len, struct cookie_verdict *verdict)
{
    union addr source = stranger(port);
    admission_judge(&admission, false, &source, packet, len, verdict);
    return verdict->action;
}

Test(admission, answers_a_hundred_strangers_in_ten_seconds)
{
    unsigned answers = 0;
    for (unsigned i = 0; i < 130; i++) {
        uint8_t packet[14];
        struct cookie_verdict verdict;
        answers += judge(1000 + i, packet, reset(packet, (uint8_t)(i + 1)), &verdict) == COOKIE_REPLY;
    }
    cr_expect_eq(answers, 100);
    cr_expect_eq(admission.dropped[COOKIE_REASON_RATE], 30);
}

/* The third packet: P_ACK_V1 with the cookie that came in the answer. */
static size_t third(uint8_t out[22], uint8_t id, const uint8_t *cookie)
{
    out[0] = 5 << 3;
    memset(out + 1, id, 8);
    out[9] = 1;
    memset(out + 10, 0, 4);
    memcpy(out + 14, cookie, 8);
    return 22;
}

Test(admission, opens_for_those_who_receive_the_answer)
{
    uint8_t packet[22];
    struct cookie_verdict verdict;
    cr_assert_eq(judge(1000, packet, reset(packet, 7), &verdict), COOKIE_REPLY);
    uint8_t cookie[8];
    memcpy(cookie, verdict.reply + 1, 8);
    size_t len = third(packet, 7, cookie);
    cr_expect_eq(judge(1001, packet, len, &verdict), COOKIE_DROP, "another port");
    cr_expect_eq(verdict.reason, COOKIE_REASON_BAD_COOKIE);
    len = third(packet, 8, cookie);
    cr_expect_eq(judge(1000, packet, len, &verdict), COOKIE_DROP, "another session id");
    cookie[3] ^= 1;
    len = third(packet, 7, cookie);
    cr_expect_eq(judge(1000, packet, len, &verdict), COOKIE_DROP, "a forged cookie");
    cookie[3] ^= 1;
    len = third(packet, 7, cookie);
    cr_expect_eq(judge(1000, packet, len, &verdict), COOKIE_ACCEPT);
}

Test(admission, honest_strangers_give_their_unit_back)
{
    uint8_t packet[14];
    struct cookie_verdict verdict;
    for (unsigned i = 0; i < 100; i++) {
        cr_assert_eq(judge(1000 + i, packet, reset(packet, 1), &verdict), COOKIE_REPLY);
    }
    cr_expect_eq(judge(2000, packet, reset(packet, 1), &verdict), COOKIE_DROP);
    admission_proven(&admission);
    cr_expect_eq(judge(2000, packet, reset(packet, 1), &verdict), COOKIE_REPLY);
    cr_expect_eq(judge(2001, packet, reset(packet, 1), &verdict), COOKIE_DROP);
}

Test(admission, connect_freq_limits_new_clients)
{
    union addr source = stranger(1000);
    for (unsigned i = 0; i < 3; i++) {
        cr_expect(admission_fresh(&admission, &source));
    }
    cr_expect(!admission_fresh(&admission, &source));
}

Test(admission, log_lines_that_anybody_can_cause_are_limited)
{
    unsigned lines = 0;
    for (unsigned i = 0; i < 100000; i++) {
        lines += admission_may_log(&admission);
    }
    cr_expect_leq(lines, 200, "%u lines", lines);
    cr_expect_geq(lines, 1);
}

Test(admission, noise_is_dropped)
{
    uint8_t packet[64];
    struct cookie_verdict verdict;
    for (unsigned len = 0; len < sizeof(packet); len++) {
        memset(packet, (int)(len * 37 & 0xFF), sizeof(packet));
        packet[0] = 9 << 3;
        cr_expect_eq(judge(1, packet, len, &verdict), COOKIE_DROP);
    }
}
