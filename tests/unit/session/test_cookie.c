/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "../crypto/vectors.h"
#include "base/rand.h"
#include "session/cookie.h"
#include "session/ratelimit.h"
#include "session/wrap.h"
#include "wire/ctrl_pkt.h"

static union addr address(const char *text, uint16_t port)
{
    struct ip_addr ip;
    cr_assert_eq(ip_parse(text, &ip), 0);
    return addr_from_ip(&ip, port);
}

Test(cookie, vectors)
{
    json_t *root = vectors_load("control_cookie.json");
    const json_t *v4 = json_object_get(root, "ipv4");
    const json_t *v6 = json_object_get(root, "ipv6");
    struct cookie_jar jar;
    uint8_t client[SESSION_ID_SIZE], cookie[SESSION_ID_SIZE];
    uint64_t now = vectors_number(root, "now");
    cookie_jar_init(&jar, rand_system(), (unsigned)vectors_number(root, "hand_window"));
    cr_assert_eq(jar.slot_s, vectors_number(root, "slot_seconds"));
    vectors_hex(root, "key", jar.secret, sizeof(jar.secret));
    vectors_hex(root, "client_sid", client, sizeof(client));
    union addr a4 = address(vectors_text(v4, "addr"), (uint16_t)vectors_number(v4, "port"));
    union addr a6 = address(vectors_text(v6, "addr"), (uint16_t)vectors_number(v6, "port"));
    cr_assert_eq(cookie_make(&jar, now, &a4, client, cookie), 0);
    vectors_expect(v4, "server_sid", cookie, sizeof(cookie));
    cr_assert_eq(cookie_make(&jar, now, &a6, client, cookie), 0);
    vectors_expect(v6, "server_sid", cookie, sizeof(cookie));

    size_t i;
    json_t *good;
    json_array_foreach(json_object_get(root, "accept"), i, good)
    {
        json_t *one = json_pack("{s:O}", "id", good);
        vectors_hex(one, "id", cookie, sizeof(cookie));
        cr_assert(cookie_check(&jar, now, &a4, client, cookie), "slot -%zu", i);
        json_decref(one);
    }
    vectors_hex(root, "reject_future", cookie, sizeof(cookie));
    cr_assert_not(cookie_check(&jar, now, &a4, client, cookie));
    vectors_hex(root, "reject_too_old", cookie, sizeof(cookie));
    cr_assert_not(cookie_check(&jar, now, &a4, client, cookie));
    json_decref(root);
}

Test(cookie, secret_is_renewed)
{
    static const uint8_t client[SESSION_ID_SIZE] = {9, 9, 9};
    struct cookie_jar jar;
    uint8_t old[SESSION_ID_SIZE], fresh[SESSION_ID_SIZE], first[COOKIE_SECRET_SIZE];
    union addr from = address("192.0.2.7", 5000);
    uint64_t now = 1700000000;
    cookie_jar_init(&jar, rand_system(), 60);
    memcpy(first, jar.secret, sizeof(first));
    cookie_jar_renew(&jar, rand_system(), now);
    cookie_jar_renew(&jar, rand_system(), now + 3599);
    cr_assert_arr_eq(jar.secret, first, sizeof(first), "not yet");
    cr_assert_eq(cookie_make(&jar, now + 3599, &from, client, old), 0);
    now += 3600;
    cookie_jar_renew(&jar, rand_system(), now);
    cr_assert_neq(memcmp(jar.secret, first, sizeof(first)), 0);
    cr_assert(cookie_check(&jar, now, &from, client, old), "a client that was under way is sent off");
    cr_assert_eq(cookie_make(&jar, now, &from, client, fresh), 0);
    cr_assert_neq(memcmp(fresh, old, sizeof(old)), 0);
    cr_assert(cookie_check(&jar, now, &from, client, fresh));
    cr_assert_not(cookie_check(&jar, now + 90, &from, client, old), "stale");
    cookie_jar_renew(&jar, rand_system(), now + 3600);
    cr_assert_not(cookie_check(&jar, now, &from, client, old), "two secrets ago");
    cookie_jar_init(&jar, rand_system(), 60);
    struct cookie_jar guess = jar;
    memset(guess.secret, 0, sizeof(guess.secret));
    cr_assert_eq(cookie_make(&guess, now, &from, client, fresh), 0);
    cr_assert_not(cookie_check(&jar, now, &from, client, fresh), "a former secret that never was");
}

/* ------------------------------------------------------------------ packets of strangers */

static const uint8_t CLIENT_ID[SESSION_ID_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct cookie_jar jar;
static struct ratelimit limit;
static struct wrap_config *plain;
static struct cookie_filter filter;
static struct cookie_verdict verdict;
static union addr here;
static struct clock_now now;

static void setup(void)
{
    cookie_jar_init(&jar, rand_system(), 60);
    ratelimit_init(&limit, 3, 10);
    plain = NULL;
    cr_assert_eq(wrap_config_new(&(struct wrap_params){.server = true}, &plain), 0);
    filter = (struct cookie_filter){.jar = &jar, .wrap = plain, .initial = &limit};
    here = address("192.0.2.7", 5000);
    now = (struct clock_now){.mono_ms = 1000000, .unix_s = 1700000000};
}

static void teardown(void)
{
    wrap_config_free(plain);
}

TestSuite(stranger, .init = setup, .fini = teardown);

static size_t packet(uint8_t out[64], unsigned opcode, const uint8_t *server_id, uint32_t ack, unsigned acks, uint32_t id)
{
    struct ctrl_pkt_header header = {.opcode = (uint8_t)opcode};
    struct ctrl_pkt_body body = {.ack_count = (uint8_t)acks, .acks = {ack}, .message_id = id};
    memcpy(header.session_id, CLIENT_ID, SESSION_ID_SIZE);
    if (server_id) {
        memcpy(body.peer_session_id, server_id, SESSION_ID_SIZE);
    }
    struct wr w = wr_init(out, 64);
    ctrl_pkt_header_write(&w, &header);
    ctrl_pkt_body_write(&w, opcode, &body);
    cr_assert(wr_ok(&w));
    return wr_len(&w);
}

static enum cookie_action judge(const union addr *from, const uint8_t *data, size_t len)
{
    cookie_decide(&filter, now, from, data, len, &verdict);
    return verdict.action;
}

/* Say hello. @cookie receives the id that the answer proposes. */
static void greet(uint8_t cookie[SESSION_ID_SIZE])
{
    uint8_t data[64];
    size_t len = packet(data, OPCODE_HARD_RESET_CLIENT_V2, NULL, 0, 0, 0);
    cr_assert_eq(judge(&here, data, len), COOKIE_REPLY);
    struct rd r = rd_init(verdict.reply, verdict.reply_len);
    struct ctrl_pkt_header header;
    struct ctrl_pkt_body body;
    cr_assert_eq(ctrl_pkt_header_read(&r, &header), 0);
    cr_assert_eq(header.opcode, OPCODE_HARD_RESET_SERVER_V2);
    cr_assert_eq(ctrl_pkt_body_read(&r, header.opcode, &body), 0);
    cr_assert_eq(body.ack_count, 1);
    cr_assert_eq(memcmp(body.peer_session_id, CLIENT_ID, SESSION_ID_SIZE), 0);
    memcpy(cookie, header.session_id, SESSION_ID_SIZE);
}

Test(stranger, three_packets_open_a_session)
{
    uint8_t cookie[SESSION_ID_SIZE], data[64];
    greet(cookie);
    size_t len = packet(data, OPCODE_CONTROL_V1, cookie, 0, 1, 1);
    cr_assert_eq(judge(&here, data, len), COOKIE_ACCEPT);
    cr_assert(verdict.open.from_cookie);
    cr_assert_eq(memcmp(verdict.open.own_id, cookie, SESSION_ID_SIZE), 0);
    cr_assert_eq(memcmp(verdict.open.peer_id, CLIENT_ID, SESSION_ID_SIZE), 0);
    len = packet(data, OPCODE_ACK_V1, cookie, 0, 1, 0);
    cr_assert_eq(judge(&here, data, len), COOKIE_ACCEPT);
}

Test(stranger, an_answer_is_one_small_packet)
{
    uint8_t cookie[SESSION_ID_SIZE];
    greet(cookie);
    cr_assert_leq(verdict.reply_len, 26, "14 bytes and the acknowledgement, as every client needs it");
}

Test(stranger, a_cookie_is_good_for_its_address_its_client_and_its_time)
{
    uint8_t cookie[SESSION_ID_SIZE], data[64];
    greet(cookie);
    size_t len = packet(data, OPCODE_CONTROL_V1, cookie, 0, 1, 1);
    union addr port = address("192.0.2.7", 5001), host = address("192.0.2.8", 5000);
    cr_assert_eq(judge(&port, data, len), COOKIE_DROP);
    cr_assert_eq(verdict.reason, COOKIE_REASON_BAD_COOKIE);
    cr_assert_eq(judge(&host, data, len), COOKIE_DROP);
    data[1] ^= 1;
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP);
    data[1] ^= 1;
    now.unix_s += 60;
    cr_assert_eq(judge(&here, data, len), COOKIE_ACCEPT);
    now.unix_s += 31;
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP);
    now.unix_s -= 91 + 30;
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP, "made in the future");
    struct cookie_jar other;
    cookie_jar_init(&other, rand_system(), 60);
    now.unix_s += 30;
    filter.jar = &other;
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP, "another server's");
}

Test(stranger, late_packets_of_other_conversations)
{
    uint8_t cookie[SESSION_ID_SIZE], data[64];
    greet(cookie);
    size_t len = packet(data, OPCODE_CONTROL_V1, cookie, 0, 1, 2);
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP, "message id 2");
    len = packet(data, OPCODE_CONTROL_V1, cookie, 2, 1, 1);
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP, "acknowledges 2");
    len = packet(data, OPCODE_CONTROL_V1, NULL, 0, 0, 1);
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP, "acknowledges nothing");
    len = packet(data, OPCODE_HARD_RESET_CLIENT_V2, NULL, 0, 0, 1);
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP, "a reset with message id 1");
    len = packet(data, OPCODE_SOFT_RESET_V1, cookie, 0, 1, 0);
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP);
    len = packet(data, OPCODE_HARD_RESET_SERVER_V2, cookie, 0, 1, 0);
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP);
}

Test(stranger, noise)
{
    uint8_t data[64] = {0};
    for (unsigned first = 0; first < 256; first++) {
        for (size_t len = 0; len < 14; len++) {
            data[0] = (uint8_t)first;
            memset(data + 1, 7, sizeof(data) - 1);
            cr_assert_eq(judge(&here, data, len), COOKIE_DROP);
        }
    }
    static uint8_t large[4096];
    large[0] = OPCODE_HARD_RESET_CLIENT_V2 << 3;
    memset(large + 1, 1, sizeof(large) - 1);
    cr_assert_eq(judge(&here, large, sizeof(large)), COOKIE_DROP);
}

Test(stranger, a_flood_is_answered_so_often_and_a_handshake_gives_no_credit_by_itself)
{
    uint8_t cookie[SESSION_ID_SIZE], data[64];
    for (int i = 0; i < 3; i++) {
        greet(cookie);
    }
    size_t len = packet(data, OPCODE_HARD_RESET_CLIENT_V2, NULL, 0, 0, 0);
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP);
    cr_assert_eq(verdict.reason, COOKIE_REASON_RATE);
    uint8_t third[64];
    size_t third_len = packet(third, OPCODE_CONTROL_V1, cookie, 0, 1, 1);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(judge(&here, third, third_len), COOKIE_ACCEPT);
    }
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP, "only the owner knows whether a session came of it");
    ratelimit_give_back(&limit);
    cr_assert_eq(judge(&here, data, len), COOKIE_REPLY);
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP);
    now.mono_ms += 10000;
    cr_assert_eq(judge(&here, data, len), COOKIE_REPLY);
}

Test(stranger, a_wrong_key_gets_silence)
{
    struct keyfile_static key = {.slot = {{.cipher = {1}}}};
    struct wrap_config *crypt = NULL;
    uint8_t data[64];
    cr_assert_eq(wrap_config_new(&(struct wrap_params){.server = true, .mode = WRAP_TLS_CRYPT, .key = &key}, &crypt), 0);
    filter.wrap = crypt;
    size_t len = packet(data, OPCODE_HARD_RESET_CLIENT_V2, NULL, 0, 0, 0);
    cr_assert_eq(judge(&here, data, len), COOKIE_DROP);
    cr_assert_eq(verdict.reason, COOKIE_REASON_WRAP);
    cr_assert_eq(limit.used, 0, "it costs an honest client nothing");
    wrap_config_free(crypt);
}
