/* SPDX-License-Identifier: MIT */
/* Two sessions on a perfect network with a clock of their own. tests/sim has the bad networks. */
#include <criterion/criterion.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "../../sim/sim_tls.h"
#include "../crypto/vectors.h"
#include "base/err.h"
#include "session/session.h"
#include "session/wrap.h"
#include "wire/opcode.h"

struct end {
    struct session_config config;
    struct session *session;
    uint8_t ready;              /* newest key id whose keys are there */
    unsigned ready_count;
    unsigned active_count;
    uint8_t sending;
    unsigned switches;
    unsigned expired;
    bool failed;
    enum session_hint hint;
    enum session_verdict verdict;
    char text[256];
    unsigned texts;
    uint8_t keys[8][SESSION_KEY_MATERIAL_SIZE];
    uint8_t opcodes[64];        /* of the packets that it sent last */
    unsigned sent;
};

static struct end client, server;
static struct clock_now now;
static struct wrap_config *wrap[2];
static bool deaf; /* nothing arrives */
static bool client_acks_lost; /* its packets with nothing but acknowledgements */
static bool server_acks_lost; /* those of key ids above 0, but for that of the reset */
static bool resetless; /* the client answers a soft reset as OpenVPN 3 does: with TLS at once */

static void setup(void)
{
    sim_tls_setup();
    now = (struct clock_now){.mono_ms = 1000000, .unix_s = 1700000000};
    deaf = resetless = client_acks_lost = server_acks_lost = false;
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(wrap_config_new(&(struct wrap_params){.server = i}, &wrap[i]), 0);
        struct end *e = i ? &server : &client;
        *e = (struct end){.verdict = SESSION_AUTH_OK,
                          .config = {.role = i ? SESSION_SERVER : SESSION_CLIENT, .tcp = true,
                                     .tls = sim_tls_context(SIM_TLS_1_3, i), .wrap = wrap[i], .rand = rand_system(),
                                     .options_string = "V4", .peer_info = i ? NULL : "IV_PROTO=990\n"}};
    }
}

static void teardown(void)
{
    session_free(client.session);
    session_free(server.session);
    wrap_config_free(wrap[0]);
    wrap_config_free(wrap[1]);
    sim_tls_teardown();
}

TestSuite(session, .init = setup, .fini = teardown);

static void handle(struct end *e, const struct session_event *event)
{
    switch (event->type) {
    case SESSION_EV_KEY_EXCHANGE:
        session_authorize(e->session, now, event->key_id, e->verdict);
        break;
    case SESSION_EV_KEYS_READY:
        cr_assert_eq(session_export_keys(e->session, event->key_id, SESSION_KEYS_EXPORTER, e->keys[event->key_id]), 0);
        e->ready = event->key_id;
        e->ready_count++;
        break;
    case SESSION_EV_ACTIVE:
        e->active_count++;
        break;
    case SESSION_EV_SEND_SWITCH:
        e->sending = event->key_id;
        e->switches++;
        break;
    case SESSION_EV_KEY_EXPIRED:
        e->expired++;
        break;
    case SESSION_EV_MESSAGE:
        snprintf(e->text, sizeof(e->text), "%s", event->text);
        e->texts++;
        break;
    case SESSION_EV_FAILED:
    case SESSION_EV_RENEG_FAILED:
        e->failed = true;
        e->hint = event->hint;
        break;
    default:
        break;
    }
}

/* Take the soft reset out of what the client says: it is acknowledged here, and what follows counts from 0. */
static bool without_reset(struct end *to, uint8_t *packet)
{
    enum { ACKS = 1 + SESSION_ID_SIZE, FIRST = ACKS + 1, ID = FIRST + 4 + SESSION_ID_SIZE };
    if (!resetless || (packet[0] & 7) == 0) {
        return true;
    }
    if (packet[0] >> 3 == OPCODE_SOFT_RESET_V1 && to == &server) {
        uint8_t ack[ID] = {[0] = OPCODE_ACK_V1 << 3 | 1, [ACKS] = 1};
        memcpy(ack + 1, packet + FIRST + 4, SESSION_ID_SIZE); /* it acknowledges the server's */
        memcpy(ack + FIRST + 4, packet + 1, SESSION_ID_SIZE);
        cr_assert_eq(session_receive(client.session, now, ack, sizeof ack), 0);
        return false;
    }
    size_t id = FIRST;
    if (packet[ACKS] > 0) {
        for (unsigned i = 0; i < packet[ACKS] && to == &client; i++) {
            be32_store(packet + FIRST + 4 * i, be32_load(packet + FIRST + 4 * i) + 1);
        }
        id += 4u * packet[ACKS] + SESSION_ID_SIZE;
    }
    if (to == &server && packet[0] >> 3 == OPCODE_CONTROL_V1) {
        be32_store(packet + id, be32_load(packet + id) - 1);
    }
    return true;
}

/* Return: whether anything of it arrives; @len is what. */
static bool with_acks(const struct end *from, uint8_t *packet, size_t *len)
{
    unsigned opcode = packet[0] >> 3;
    if ((packet[0] & 7) == 0 || !(from == &client ? client_acks_lost : server_acks_lost)) {
        return true;
    }
    if (from == &server && opcode == OPCODE_CONTROL_V1 && packet[1 + SESSION_ID_SIZE] > 0) {
        uint8_t *count = packet + 1 + SESSION_ID_SIZE;
        size_t cut = *count * 4u + SESSION_ID_SIZE;
        memmove(count + 1, count + 1 + cut, *len - (size_t)(count + 1 - packet) - cut);
        *count = 0;
        *len -= cut;
    }
    return opcode != OPCODE_ACK_V1;
}

static bool move(struct end *from, struct end *to)
{
    uint8_t packet[SESSION_PACKET_MAX];
    struct session_event event;
    bool any = false;
    while (session_next_event(from->session, &event)) {
        handle(from, &event);
        any = true;
    }
    for (size_t len; (len = session_send(from->session, now, packet)) > 0;) {
        from->opcodes[from->sent++ % 64] = packet[0] >> 3;
        any = true;
        if (!deaf && without_reset(to, packet) && with_acks(from, packet, &len)) {
            (void)session_receive(to->session, now, packet, len);
        }
    }
    return any;
}

static void settle(void)
{
    for (int i = 0; i < 100; i++) {
        bool a = move(&client, &server);
        bool b = move(&server, &client);
        if (!a && !b) {
            return;
        }
    }
    cr_assert_fail("it never comes to rest");
}

/* Time passes in steps of a second. */
static void later(unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        now.mono_ms += 1000;
        now.unix_s++;
        session_tick(client.session, now);
        session_tick(server.session, now);
        settle();
    }
}

static void connect_both(void)
{
    cr_assert_eq(session_new(&server.config, &(struct session_open){0}, now, &server.session), 0);
    cr_assert_eq(session_new(&client.config, &(struct session_open){0}, now, &client.session), 0);
    settle();
}

Test(session, both_have_the_same_keys)
{
    connect_both();
    cr_assert_eq(client.ready_count, 1);
    cr_assert_eq(server.ready_count, 1);
    cr_assert_eq(memcmp(client.keys[0], server.keys[0], SESSION_KEY_MATERIAL_SIZE), 0);
    cr_assert(session_idle(client.session) && session_idle(server.session));
}

Test(session, a_server_s_text_follows_its_key_exchange_without_waiting)
{
    cr_assert_eq(session_new(&server.config, &(struct session_open){0}, now, &server.session), 0);
    cr_assert_eq(session_new(&client.config, &(struct session_open){0}, now, &client.session), 0);
    for (int i = 0; i < 20 && server.ready_count == 0; i++) {
        (void)move(&client, &server);
        if (server.ready_count == 0) {
            (void)move(&server, &client);
        }
    }
    cr_assert_eq(server.ready_count, 1);
    cr_assert_eq(client.ready_count, 0, "the server waited for the client's acknowledgement");
    cr_assert_eq(session_message(server.session, now, "PUSH_REPLY"), 0);
    (void)move(&server, &client);
    (void)move(&client, &server);
    cr_assert_str_eq(client.text, "PUSH_REPLY");
    cr_assert_eq(client.texts, 1);
}

Test(session, key_ids_of_nine_renegotiations)
{
    static const uint8_t ids[] = {1, 2, 3, 4, 5, 6, 7, 1, 2};
    connect_both();
    for (size_t i = 0; i < 9; i++) {
        later(3);
        struct end *who = i % 2 ? &client : &server;
        cr_assert_eq(session_renegotiate(who->session, now), 0);
        if (i % 3 == 0) {
            (void)session_renegotiate(i % 2 ? server.session : client.session, now); /* both at once */
        }
        settle();
        cr_assert_eq(client.ready, ids[i], "%zu: %u", i, client.ready);
        cr_assert_eq(server.ready, ids[i]);
        cr_assert_eq(memcmp(client.keys[ids[i]], server.keys[ids[i]], SESSION_KEY_MATERIAL_SIZE), 0);
    }
}

Test(session, the_old_key_sends_until_its_time)
{
    connect_both();
    later(100);
    cr_assert_eq(session_renegotiate(server.session, now), 0);
    settle();
    cr_assert_eq(server.ready, 1);
    later(59);
    cr_assert_eq(server.switches, 0);
    later(1);
    cr_assert_eq(server.switches, 1);
    cr_assert_eq(server.sending, 1);
    later(3600 - 60 - 1);
    cr_assert_eq(server.expired, 0);
    later(2);
    cr_assert_eq(server.expired, 1);
}

Test(session, a_young_key_gives_way_a_second_after_the_handshake)
{
    connect_both();
    later(3);
    cr_assert_eq(session_renegotiate(client.session, now), 0);
    settle();
    cr_assert_eq(client.switches, 0);
    later(1);
    cr_assert_eq(client.switches, 1);
    cr_assert_eq(client.sending, 1);
}

Test(session, a_late_key_waits_until_the_server_has_surely_finished)
{
    client.config.reneg_s = 2;
    connect_both();
    deaf = true;
    later(3);
    deaf = false;
    while (client.ready == 0) {
        later(1);
    }
    now.mono_ms += 500;
    session_tick(client.session, now);
    settle();
    cr_assert_eq(client.switches, 0);
    now.mono_ms += 500;
    session_tick(client.session, now);
    settle();
    cr_assert_eq(client.switches, 1);
    cr_assert_eq(client.sending, 1);
}

Test(session, the_last_acknowledgement_is_repeated_before_the_server_asks)
{
    connect_both();
    later(100);
    client_acks_lost = true;
    cr_assert_eq(session_renegotiate(client.session, now), 0);
    settle();
    cr_assert_eq(client.active_count, 2);
    cr_assert_eq(server.active_count, 1);
    static const unsigned PAUSES[] = {100, 200, 600};
    for (unsigned i = 0; i < 3; i++) {
        client_acks_lost = i < 2;
        now.mono_ms += PAUSES[i];
        session_tick(client.session, now);
        settle();
    }
    cr_assert_eq(server.active_count, 2);
}

Test(session, a_client_has_the_key_before_its_own_words_are_acknowledged)
{
    connect_both();
    later(100);
    server_acks_lost = true;
    cr_assert_eq(session_renegotiate(client.session, now), 0);
    settle();
    cr_assert_eq(server.active_count, 2, "so the server may send with it");
    cr_assert_eq(client.active_count, 1);
    cr_assert_eq(client.ready, 1);
    cr_assert_eq(memcmp(client.keys[1], server.keys[1], sizeof client.keys[1]), 0);
}

Test(session, the_next_reset_stands_for_lost_acknowledgements)
{
    connect_both();
    later(100);
    client_acks_lost = true;
    cr_assert_eq(session_renegotiate(client.session, now), 0);
    later(5);
    cr_assert_eq(server.active_count, 1);
    cr_assert_eq(session_renegotiate(client.session, now), 0);
    later(1);
    cr_assert_eq(client.ready, 2);
    cr_assert_eq(server.ready, 2);
    cr_assert_eq(server.active_count, 2);
    cr_assert_eq(server.sending, 1, "what the client still has");
}

Test(session, a_second_renegotiation_waits_for_the_first_one_s_key)
{
    connect_both();
    later(100);
    cr_assert_eq(session_renegotiate(client.session, now), 0);
    settle();
    cr_assert_eq(session_renegotiate(client.session, now), 0);
    settle();
    cr_assert_eq(client.sending, 1, "the new key takes over at once");
    cr_assert_eq(client.ready, 1, "and is not replaced yet");
    later(1);
    cr_assert_eq(client.ready, 2);
}

Test(session, a_text_during_a_renegotiation_uses_the_new_key)
{
    connect_both();
    later(100);
    deaf = true;
    cr_assert_eq(session_renegotiate(server.session, now), 0);
    settle();
    cr_assert_eq(session_message(server.session, now, "AUTH_FAILED"), 0);
    settle();
    deaf = false;
    later(5);
    cr_assert_eq(client.ready, 1);
    cr_assert_str_eq(client.text, "AUTH_FAILED");
    cr_assert_eq(client.texts, 1);
}

Test(session, a_refused_key_carries_nothing_but_the_session_can_talk)
{
    connect_both();
    later(100);
    server.verdict = SESSION_AUTH_FAILED;
    cr_assert_eq(session_renegotiate(client.session, now), 0);
    settle();
    cr_assert_eq(server.ready, 0);
    cr_assert_eq(session_message(server.session, now, "AUTH_FAILED,no"), 0);
    settle();
    cr_assert_str_eq(client.text, "AUTH_FAILED,no");
}

Test(session, a_soft_reset_answered_without_one)
{
    connect_both();
    later(3);
    resetless = true;
    cr_assert_eq(session_renegotiate(server.session, now), 0);
    settle();
    cr_assert_eq(server.ready, 1);
    cr_assert_eq(client.ready, 1);
    cr_assert_eq(memcmp(client.keys[1], server.keys[1], SESSION_KEY_MATERIAL_SIZE), 0);
    cr_assert_not(server.failed);
}

Test(session, a_renegotiation_with_a_mute_peer)
{
    connect_both();
    later(100);
    deaf = true;
    cr_assert_eq(session_renegotiate(server.session, now), 0);
    settle();
    later(59);
    cr_assert_not(server.failed);
    later(2);
    cr_assert(server.failed);
    cr_assert_eq(server.expired, 0, "data goes on under the old key");
}

Test(session, nobody_answers)
{
    deaf = true;
    client.config.hand_window_s = 30;
    connect_both();
    later(29);
    cr_assert_not(client.failed);
    later(2);
    cr_assert(client.failed);
    cr_assert_eq(client.hint, SESSION_HINT_NO_REPLY);
    cr_assert_eq(client.sent, 5, "after 0, 2, 6 and 14 s, and 30 s are over: %u", client.sent);
}

Test(session, limits_of_texts)
{
    char text[SESSION_MESSAGE_MAX + 1];
    connect_both();
    memset(text, 'x', sizeof(text));
    text[SESSION_MESSAGE_MAX] = '\0';
    cr_assert_eq(session_message(client.session, now, text), ERR_LIMIT);
    text[SESSION_MESSAGE_MAX - 1] = '\0';
    cr_assert_eq(session_message(client.session, now, text), 0);
    settle();
    cr_assert_eq(server.texts, 1);
}

Test(session, a_closed_session_renegotiates_no_more)
{
    connect_both();
    later(10);
    session_close(server.session);
    cr_assert_eq(session_renegotiate(server.session, now), ERR_BAD_STATE);
    cr_assert_eq(session_renegotiate(client.session, now), 0);
    settle();
    cr_assert_eq(server.ready, 0);
}

/* ------------------------------------------------------------------ exporter */

static char secret_line[1024];

static void keep_exporter_secret(const SSL *ssl, const char *line)
{
    (void)ssl;
    if (strncmp(line, "EXPORTER_SECRET ", 16) == 0) {
        snprintf(secret_line, sizeof(secret_line), "%s", line);
    }
}

/* HKDF-Expand-Label of RFC 8446, 7.1. */
static void expand(const char *digest, const uint8_t *secret, size_t secret_len, const char *label, const uint8_t *hash,
                   size_t hash_len, uint8_t *out, size_t len)
{
    uint8_t info[256];
    size_t n = strlen(label);
    info[0] = (uint8_t)(len >> 8);
    info[1] = (uint8_t)len;
    info[2] = (uint8_t)(6 + n);
    memcpy(info + 3, "tls13 ", 6);
    memcpy(info + 9, label, n);
    info[9 + n] = (uint8_t)hash_len;
    memcpy(info + 10 + n, hash, hash_len);
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
                           OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
                           OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret, secret_len),
                           OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, 10 + n + hash_len),
                           OSSL_PARAM_construct_end()};
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    cr_assert_eq(EVP_KDF_derive(ctx, out, len, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static void export_by_hand(const char *digest, const uint8_t *secret, size_t secret_len, const char *label, uint8_t *out,
                           size_t len)
{
    uint8_t empty[64];
    uint8_t inner[64];
    unsigned n;
    cr_assert_eq(EVP_Digest("", 0, empty, &n, EVP_get_digestbyname(digest), NULL), 1);
    expand(digest, secret, secret_len, label, empty, n, inner, n);
    expand(digest, inner, n, "exporter", empty, n, out, len);
}

Test(session, exported_keys_are_those_of_the_vectors_formula)
{
    json_t *root = vectors_load("control_tls_exporter.json");
    uint8_t secret[64], out[256];
    size_t n = vectors_hex(root, "exporter_secret", secret, sizeof(secret));
    const char *label;
    json_t *value;
    json_object_foreach(json_object_get(root, "outputs"), label, value)
    {
        size_t len = strlen(json_string_value(value)) / 2;
        export_by_hand("SHA384", secret, n, label, out, len);
        vectors_expect(json_object_get(root, "outputs"), label, out, len);
    }
    json_decref(root);

    SSL_CTX_set_keylog_callback(tls_context_library(sim_tls_context(SIM_TLS_1_3, 1)), keep_exporter_secret);
    connect_both();
    const char *hex = strrchr(secret_line, ' ');
    cr_assert_not_null(hex);
    hex++;
    n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        sscanf(hex + 2 * i, "%2x", &byte);
        secret[i] = (uint8_t)byte;
    }
    export_by_hand(n == 48 ? "SHA384" : "SHA256", secret, n, "EXPORTER-OpenVPN-datakeys", out, sizeof(out));
    cr_assert_eq(memcmp(out, client.keys[0], sizeof(out)), 0);
    uint8_t id[3];
    export_by_hand(n == 48 ? "SHA384" : "SHA256", secret, n, "EXPORTER-OpenVPN-p2p-peerid", out, sizeof(id));
    cr_assert_eq(session_export_label(server.session, "EXPORTER-OpenVPN-p2p-peerid", id, sizeof(id)), 0);
    cr_assert_eq(memcmp(out, id, sizeof(id)), 0);
}
