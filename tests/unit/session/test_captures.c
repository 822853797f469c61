/* SPDX-License-Identifier: MIT */
/* Whole sessions of real peers: every control packet is opened, understood, and sealed again to the same bytes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../crypto/vectors.h"
#include "session/keysource.h"
#include "session/wrap.h"
#include "wire/ctrl_pkt.h"

#define PACKET_MAX 2048

static const struct clock_now NOW = {.mono_ms = 1000, .unix_s = 1700000000};

/* How the two ends of a capture wrap, and what renegotiations are wrapped with. */
struct ends {
    struct wrap_config *config[2]; /* client, server; NULL: tls-crypt-v2 */
    struct keyfile_static key;     /* configured or Kc */
    struct keyfile_static dynamic;
};

static void open_ends(const json_t *root, struct ends *e)
{
    const json_t *wrapping = json_object_get(root, "wrapping");
    const json_t *dynamic = json_object_get(root, "dynamic_tls_crypt");
    char text[64] = "";
    struct wrap_params params = {.mode = WRAP_NONE};
    memset(e, 0, sizeof(*e));
    if (json_is_string(wrapping)) {
        snprintf(text, sizeof(text), "%s", json_string_value(wrapping));
    }
    if (json_object_get(root, "Kc")) {
        vectors_hex(root, "Kc", (uint8_t *)&e->key, sizeof(e->key));
    } else {
        if (json_object_get(root, "static_key")) {
            vectors_hex(root, "static_key", (uint8_t *)&e->key, sizeof(e->key));
            params.key = &e->key;
            params.mode = strstr(text, "auth") ? WRAP_TLS_AUTH : WRAP_TLS_CRYPT;
            params.digest = strstr(text, "sha256") ? "SHA256" : "SHA1";
        }
        for (int server = 0; server < 2; server++) {
            bool bidirectional = strstr(text, "None") != NULL;
            params.server = server;
            params.direction = bidirectional ? KEYFILE_BIDIRECTIONAL : server ? KEYFILE_NORMAL : KEYFILE_INVERSE;
            cr_assert_eq(wrap_config_new(&params, &e->config[server]), 0);
        }
    }
    if (dynamic) {
        vectors_hex(dynamic, "exported", (uint8_t *)&e->dynamic, sizeof(e->dynamic));
        struct wrap_config *plain = NULL;
        cr_assert_eq(wrap_config_new(&(struct wrap_params){.mode = WRAP_NONE}, &plain), 0);
        bool v2 = json_object_get(root, "Kc") != NULL;
        wrap_dynamic_key(v2 ? plain : e->config[0], v2 ? &e->key : NULL, &e->dynamic);
        vectors_expect(dynamic, "key", (uint8_t *)&e->dynamic, sizeof(e->dynamic));
        wrap_config_free(plain);
    }
}

static void wrap_of(const struct ends *e, bool server, unsigned key_id, bool has_dynamic, struct wrap *out)
{
    if (key_id && has_dynamic) {
        wrap_init_crypt(out, &e->dynamic, server, 64, 15);
    } else if (e->config[server]) {
        wrap_init(out, e->config[server], 64, 15);
    } else {
        wrap_init_crypt(out, &e->key, server, 64, 15);
    }
}

static void check_body(const json_t *p, const uint8_t *inner, size_t n, unsigned opcode)
{
    struct rd r = rd_init(inner, n);
    struct ctrl_pkt_body body;
    cr_assert_eq(ctrl_pkt_body_read(&r, opcode, &body), 0);
    const json_t *acks = json_object_get(p, "acks");
    cr_assert_eq(body.ack_count, json_array_size(acks));
    for (size_t i = 0; i < body.ack_count; i++) {
        cr_assert_eq(body.acks[i], (uint32_t)json_integer_value(json_array_get(acks, i)));
    }
    if (opcode != OPCODE_ACK_V1) {
        cr_assert_eq(body.message_id, vectors_number(p, "message_id"));
        cr_assert_eq(body.payload.len, vectors_number(p, "payload_len"));
        if (json_object_get(p, "payload")) {
            vectors_expect(p, "payload", body.payload.data, body.payload.len);
        }
    }
    uint8_t again[PACKET_MAX];
    struct wr w = wr_init(again, sizeof(again));
    ctrl_pkt_body_write(&w, opcode, &body);
    cr_assert_eq(wr_len(&w), n);
    cr_assert_eq(memcmp(again, inner, n), 0);
}

static void check_packet(const struct ends *e, bool has_dynamic, const json_t *p)
{
    uint8_t packet[PACKET_MAX];
    uint8_t inner[PACKET_MAX];
    uint8_t again[PACKET_MAX];
    size_t len = vectors_hex(p, "hex", packet, sizeof(packet));
    bool from_client = strcmp(vectors_text(p, "dir"), "c2s") == 0;
    struct rd r = rd_init(packet, len);
    struct ctrl_pkt_header header;
    struct span wkc;
    if (!opcode_is_control(packet[0] >> 3)) {
        return;
    }
    cr_assert_eq(ctrl_pkt_header_read(&r, &header), 0);
    cr_assert_eq(header.key_id, vectors_number(p, "key_id"));
    vectors_expect(p, "session_id", header.session_id, sizeof(header.session_id));
    if (opcode_has_wkc(header.opcode)) {
        size_t whole = len;
        cr_assert_eq(ctrl_pkt_wkc_split(packet, whole, &len, &wkc), 0);
        cr_assert_eq(wkc.len, vectors_number(p, "wkc_len"));
    }
    struct wrap receiver, sender;
    wrap_of(e, from_client, header.key_id, has_dynamic, &receiver);
    wrap_of(e, !from_client, header.key_id, has_dynamic, &sender);
    int n = wrap_open(&receiver, &NOW, packet, len, inner, NULL);
    cr_assert_gt(n, 0, "message %lld: %d", json_integer_value(json_object_get(p, "message_id")), n);
    check_body(p, inner, (size_t)n, header.opcode);
    if (json_object_get(p, "replay_id")) {
        sender.send.counter = (uint32_t)vectors_number(p, "replay_id") - 1;
        sender.send.time = (uint32_t)vectors_number(p, "replay_time");
    }
    cr_assert_eq(wrap_seal(&sender, NOW, packet, inner, (size_t)n, again, sizeof(again)), (int)len);
    cr_assert_eq(memcmp(again, packet, len), 0);
}

/* The 256 bytes of a session without key export. */
static void check_prf(const json_t *root)
{
    const json_t *km = json_object_get(root, "key_method_2");
    const json_t *c = json_object_get(km, "client");
    const json_t *s = json_object_get(km, "server");
    struct keysource client = {{0}, {0}, {0}}, server = {{0}, {0}, {0}};
    uint8_t ids[2][SESSION_ID_SIZE];
    uint8_t keys[SESSION_KEY_MATERIAL_SIZE];
    vectors_hex(c, "pre_master", client.pre_master, sizeof(client.pre_master));
    vectors_hex(c, "random1", client.random1, sizeof(client.random1));
    vectors_hex(c, "random2", client.random2, sizeof(client.random2));
    vectors_hex(s, "random1", server.random1, sizeof(server.random1));
    vectors_hex(s, "random2", server.random2, sizeof(server.random2));
    vectors_hex(root, "client_session_id", ids[0], SESSION_ID_SIZE);
    vectors_hex(root, "server_session_id", ids[1], SESSION_ID_SIZE);
    cr_assert_eq(keysource_derive(&client, &server, ids[0], ids[1], keys), 0);
    vectors_expect(root, "data_channel_keys_256", keys, sizeof(keys));
}

static void check_capture(const char *file)
{
    json_t *root = vectors_load(file);
    struct ends e;
    size_t i;
    json_t *p;
    open_ends(root, &e);
    bool has_dynamic = json_object_get(root, "dynamic_tls_crypt") != NULL;
    json_array_foreach(json_object_get(root, "packets"), i, p)
    {
        check_packet(&e, has_dynamic, p);
    }
    if (strstr(file, "prf") && json_object_get(json_object_get(root, "key_method_2"), "client")) {
        check_prf(root);
    }
    wrap_config_free(e.config[0]);
    wrap_config_free(e.config[1]);
    json_decref(root);
}

#define CAPTURE(name, file)                                                                                            \
    Test(captures, name)                                                                                               \
    {                                                                                                                  \
        check_capture(file);                                                                                           \
    }

CAPTURE(client_2_6_tls_auth_prf, "capture-client-2.6.14-tls-auth-prf.json")
CAPTURE(client_2_6_tls_crypt_v2, "capture-client-2.6.14-tls-crypt-v2.json")
CAPTURE(client_2_7_tls_crypt, "capture-client-2.7.6-tls-crypt.json")
CAPTURE(epoch_2_7, "capture-epoch-2.7.6.json")
CAPTURE(plain_ekm, "capture-plain-ekm.json")
CAPTURE(plain_prf, "capture-plain-prf.json")
CAPTURE(tls_auth_bidirectional, "capture-tls-auth-bidir-sha256.json")
CAPTURE(tls_auth_direction_1, "capture-tls-auth-dir1-sha1.json")
CAPTURE(tls_crypt_v2, "capture-tls-crypt-v2.json")
CAPTURE(tls_crypt, "capture-tls-crypt.json")
