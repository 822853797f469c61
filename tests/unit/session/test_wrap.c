/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "../crypto/vectors.h"
#include "base/err.h"
#include "session/wrap.h"
#include "wire/ctrl_pkt.h"

#define PACKET_MAX 2048

static const struct clock_now NOW = {.mono_ms = 1000, .unix_s = 1700000000};

/* Seal @packet's contents again under the same ids: every byte has to come out the same. */
static void expect_sealed(struct wrap *w, const json_t *v, uint32_t counter, uint32_t time, const uint8_t *packet,
                          size_t len, const uint8_t *body, size_t body_len)
{
    uint8_t out[PACKET_MAX];
    w->send.counter = counter - 1;
    w->send.time = time;
    int n = wrap_seal(w, NOW, packet, body, body_len, out, sizeof(out));
    cr_assert_eq(n, (int)len, "%s: %d", vectors_text(v, "name"), n);
    cr_assert_eq(memcmp(out, packet, len), 0, "%s", vectors_text(v, "name"));
}

/* No bit of a packet may be changed. */
static void expect_tamper_proof(struct wrap *fresh, const uint8_t *packet, size_t len)
{
    uint8_t changed[PACKET_MAX];
    uint8_t body[PACKET_MAX];
    for (size_t i = 0; i < len; i++) {
        struct wrap w = *fresh;
        memcpy(changed, packet, len);
        changed[i] ^= (uint8_t)(1u << i % 8);
        cr_assert_eq(wrap_open(&w, &NOW, changed, len, body, NULL), ERR_AUTH, "byte %zu", i);
        cr_assert_eq(w.receive.highest, 0, "a forged packet moves nothing");
    }
    for (size_t cut = 0; cut < len; cut++) {
        struct wrap w = *fresh;
        cr_assert_lt(wrap_open(&w, &NOW, packet, cut, body, NULL), 0);
    }
}

/* Our end and the sender's: the receiver has the opposite direction. */
static enum keyfile_direction direction_of(const json_t *v, bool opposite)
{
    const json_t *d = json_object_get(v, "sender_direction");
    if (json_is_null(d)) {
        return KEYFILE_BIDIRECTIONAL;
    }
    return (json_integer_value(d) == 0) != opposite ? KEYFILE_NORMAL : KEYFILE_INVERSE;
}

static struct wrap_config *new_config(const struct wrap_params *params)
{
    struct wrap_config *config = NULL;
    cr_assert_eq(wrap_config_new(params, &config), 0);
    return config;
}

Test(wrap, tls_auth_vectors)
{
    json_t *root = vectors_load("control_tls_auth.json");
    struct keyfile_static key;
    vectors_hex(root, "static_key", (uint8_t *)&key, sizeof(key));
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(root, "vectors"), i, v)
    {
        uint8_t packet[PACKET_MAX];
        uint8_t body[PACKET_MAX];
        uint32_t counter = 0;
        size_t len = vectors_hex(v, "packet", packet, sizeof(packet));
        struct wrap_params params = {.mode = WRAP_TLS_AUTH, .key = &key, .digest = vectors_text(v, "digest")};
        params.direction = direction_of(v, false);
        struct wrap_config *sender = new_config(&params);
        params.direction = direction_of(v, true);
        struct wrap_config *receiver = new_config(&params);
        struct wrap w;
        wrap_init(&w, receiver, 64, 15);
        struct wrap fresh = w;
        int n = wrap_open(&w, &NOW, packet, len, body, &counter);
        cr_assert_gt(n, 0, "%s: %d", vectors_text(v, "name"), n);
        cr_assert_eq(counter, vectors_number(v, "replay_id"));
        cr_assert_eq(wrap_open(&w, &NOW, packet, len, body, NULL), ERR_REPLAY);
        expect_tamper_proof(&fresh, packet, len);
        struct wrap s;
        wrap_init(&s, sender, 64, 15);
        expect_sealed(&s, v, counter, (uint32_t)vectors_number(v, "replay_time"), packet, len, body, (size_t)n);
        if (params.direction != KEYFILE_BIDIRECTIONAL) {
            cr_assert_eq(wrap_open(&s, &NOW, packet, len, body, NULL), ERR_AUTH, "the wrong direction");
        }
        wrap_config_free(sender);
        wrap_config_free(receiver);
    }
    json_decref(root);
}

Test(wrap, tls_crypt_vectors)
{
    json_t *root = vectors_load("control_tls_crypt.json");
    struct keyfile_static key;
    vectors_hex(root, "static_key", (uint8_t *)&key, sizeof(key));
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(root, "vectors"), i, v)
    {
        uint8_t packet[PACKET_MAX];
        uint8_t body[PACKET_MAX];
        size_t len = vectors_hex(v, "packet", packet, sizeof(packet));
        bool from_client = strcmp(vectors_text(v, "sender"), "client") == 0;
        struct wrap_params params = {.mode = WRAP_TLS_CRYPT, .key = &key, .server = from_client};
        struct wrap_config *receiver = new_config(&params);
        params.server = !from_client;
        struct wrap_config *sender = new_config(&params);
        struct wrap w;
        wrap_init(&w, receiver, 64, 15);
        struct wrap fresh = w;
        int n = wrap_open(&w, &NOW, packet, len, body, NULL);
        cr_assert_gt(n, 0, "%s: %d", vectors_text(v, "name"), n);
        vectors_expect(v, "plaintext", body, (size_t)n);
        expect_tamper_proof(&fresh, packet, len);
        struct wrap s;
        wrap_init(&s, sender, 64, 15);
        expect_sealed(&s, v, (uint32_t)vectors_number(v, "replay_id"), (uint32_t)vectors_number(v, "replay_time"), packet,
                      len, body, (size_t)n);
        wrap_config_free(sender);
        wrap_config_free(receiver);
    }
    json_decref(root);
}

Test(wrap, tls_crypt_v2_vectors)
{
    json_t *root = vectors_load("control_tls_crypt_v2.json");
    struct keyfile_slot server_key;
    struct keyfile_static wanted;
    vectors_hex(root, "server_key", (uint8_t *)&server_key, sizeof(server_key));
    vectors_hex(root, "Kc", (uint8_t *)&wanted, sizeof(wanted));
    struct wrap_params params = {.server = true, .v2_server = &server_key};
    struct wrap_config *config = new_config(&params);
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(root, "packets"), i, v)
    {
        uint8_t packet[PACKET_MAX];
        uint8_t body[PACKET_MAX];
        uint8_t metadata[KEYFILE_METADATA_MAX];
        struct keyfile_static kc;
        size_t wrapped = vectors_hex(v, "packet", packet, sizeof(packet));
        bool from_client = opcode_has_wkc(packet[0] >> 3);
        if (from_client) {
            size_t len = wrapped;
            cr_assert_geq(wrap_config_open_wkc(config, packet, len, &kc, metadata, &wrapped), 0);
            cr_assert_eq(memcmp(&kc, &wanted, sizeof(kc)), 0);
            packet[len - 10] ^= 1;
            size_t ignored;
            cr_assert_eq(wrap_config_open_wkc(config, packet, len, &kc, metadata, &ignored), ERR_AUTH);
        }
        struct wrap w;
        uint32_t counter = 0;
        wrap_init_crypt(&w, &wanted, from_client, 64, 15);
        int n = wrap_open(&w, &NOW, packet, wrapped, body, &counter);
        cr_assert_gt(n, 0, "%s: %d", vectors_text(v, "name"), n);
        cr_assert_eq(counter, vectors_number(v, "replay_id"));
        vectors_expect(v, "plaintext", body, (size_t)n);
    }
    wrap_config_free(config);
    json_decref(root);
}

Test(wrap, age_of_a_client_key)
{
    struct keyfile_slot key = {.cipher = {1}};
    struct wrap_params params = {.server = true, .v2_server = &key, .v2_max_age_days = 10};
    struct wrap_config *config = new_config(&params);
    const uint8_t stamp[9] = {1, 0, 0, 0, 0, 0x65, 0x53, 0xf1, 0x00}; /* 1700000000 */
    const uint8_t user[3] = {0, 'h', 'i'};
    cr_assert(wrap_config_metadata_ok(config, stamp, sizeof(stamp), 1700000000 + 9 * 86400));
    cr_assert_not(wrap_config_metadata_ok(config, stamp, sizeof(stamp), 1700000000 + 11 * 86400));
    cr_assert_not(wrap_config_metadata_ok(config, user, sizeof(user), 1700000000));
    cr_assert_not(wrap_config_metadata_ok(config, stamp, 0, 1700000000));
    wrap_config_free(config);
}

Test(wrap, dynamic_key_vectors)
{
    json_t *root = vectors_load("control_dynamic_tls_crypt.json");
    const json_t *v2 = json_object_get(root, "key_when_tls_crypt_v2");
    struct keyfile_static configured, kc, key;
    struct keyfile_slot server = {.cipher = {1}};
    vectors_hex(root, "static_key", (uint8_t *)&configured, sizeof(configured));
    vectors_hex(v2, "Kc", (uint8_t *)&kc, sizeof(kc));

    struct wrap_config *config = new_config(&(struct wrap_params){.mode = WRAP_NONE});
    vectors_hex(root, "exported", (uint8_t *)&key, sizeof(key));
    wrap_dynamic_key(config, NULL, &key);
    vectors_expect(root, "key_when_no_wrapping", (uint8_t *)&key, sizeof(key));
    wrap_config_free(config);

    config = new_config(&(struct wrap_params){.mode = WRAP_TLS_CRYPT, .key = &configured});
    vectors_hex(root, "exported", (uint8_t *)&key, sizeof(key));
    wrap_dynamic_key(config, NULL, &key);
    vectors_expect(root, "key_when_tls_auth_or_tls_crypt", (uint8_t *)&key, sizeof(key));
    wrap_config_free(config);

    config = new_config(&(struct wrap_params){.server = true, .v2_server = &server});
    vectors_hex(root, "exported", (uint8_t *)&key, sizeof(key));
    wrap_dynamic_key(config, &kc, &key);
    vectors_expect(v2, "key", (uint8_t *)&key, sizeof(key));
    wrap_config_free(config);
    json_decref(root);
}

Test(wrap, impossible_configurations)
{
    struct keyfile_static key = {.slot = {{.cipher = {1}}}};
    struct wrap_config *config = NULL;
    cr_assert_lt(wrap_config_new(&(struct wrap_params){.mode = WRAP_TLS_AUTH, .digest = "SHA1"}, &config), 0);
    cr_assert_eq(wrap_config_new(&(struct wrap_params){.mode = WRAP_TLS_AUTH, .key = &key, .digest = "NOTHING"}, &config),
                 ERR_UNSUPPORTED);
}
