/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/err.h"
#include "vectors.h"
#include "wire/keymethod.h"

static void encodes_to(const struct keymethod_message *message, const uint8_t *expect, size_t len)
{
    uint8_t out[KEYMETHOD_MESSAGE_MAX];
    struct wr w = wr_init(out, sizeof(out));
    cr_assert_eq(keymethod_encode(&w, message), 0);
    cr_assert_eq(wr_len(&w), len);
    cr_assert_arr_eq(out, expect, len);
}

static void check_vector(const json_t *root, const char *key, bool client, bool credentials)
{
    uint8_t raw[KEYMETHOD_MESSAGE_MAX];
    uint8_t copy[KEYMETHOD_MESSAGE_MAX];
    size_t len = vectors_hex(root, key, raw, sizeof(raw));
    memcpy(copy, raw, len);
    const json_t *fields = json_object_get(root, client ? "client_fields" : "server_fields");
    struct keymethod_message message;
    cr_assert_eq(keymethod_decode(copy, len, client, KEYMETHOD_CREDENTIAL_MAX, &message), 0);
    cr_assert_str_eq(message.options, vectors_text(fields, "options"));
    if (credentials) {
        cr_assert_str_eq(message.username, vectors_text(fields, "username"));
        cr_assert_str_eq(message.password, vectors_text(fields, "password"));
    } else {
        cr_assert_null(message.username);
        cr_assert_null(message.password);
    }
    if (client) {
        cr_assert_str_eq(message.peer_info, vectors_text(fields, "peer_info"));
    } else {
        cr_assert_null(message.peer_info);
    }
    encodes_to(&message, raw, len);
}

Test(keymethod, vectors_decode_and_encode_again)
{
    json_t *root = vectors_load("control_key_method_2.json");
    check_vector(root, "client_with_credentials", true, true);
    check_vector(root, "client_without_credentials", true, false);
    check_vector(root, "server", false, false);
    json_decref(root);
}

Test(keymethod, messages_of_real_clients_decode)
{
    static const char *const files[] = {"capture-client-2.6.14-tls-auth-prf.json",
                                        "capture-client-2.6.14-tls-crypt-v2.json",
                                        "capture-client-2.7.6-tls-crypt.json"};
    for (unsigned i = 0; i < 3; i++) {
        json_t *root = vectors_load(files[i]);
        const json_t *km = json_object_get(root, "key_method_2");
        uint8_t raw[KEYMETHOD_MESSAGE_MAX];
        size_t len = vectors_hex(km, "client_raw_hex", raw, sizeof(raw));
        struct keymethod_message message;
        cr_assert_eq(keymethod_decode(raw, len, true, KEYMETHOD_CREDENTIAL_MAX, &message), 0);
        const json_t *strings = json_object_get(km, "client_strings_with_nul");
        cr_assert_str_eq(message.options, json_string_value(json_array_get(strings, 0)));
        cr_assert_str_eq(message.peer_info, json_string_value(json_array_get(strings, 3)));
        json_decref(root);
    }
}

static size_t server_message(uint8_t *out, size_t cap)
{
    struct keymethod_message message = {.options = "V4,x", .peer_info = "IV_PROTO=2\n"};
    struct wr w = wr_init(out, cap);
    cr_assert_eq(keymethod_encode(&w, &message), 0);
    return wr_len(&w);
}

Test(keymethod, may_end_after_any_string_but_not_inside)
{
    uint8_t raw[256];
    size_t len = server_message(raw, sizeof(raw));
    size_t options_end = 5 + 64 + 2 + 5;
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t copy[256];
        memcpy(copy, raw, cut);
        struct keymethod_message message;
        bool boundary = cut == options_end || cut == options_end + 2 || cut == options_end + 4;
        int err = keymethod_decode(copy, cut, false, KEYMETHOD_CREDENTIAL_MAX, &message);
        cr_assert_eq(err, boundary ? 0 : ERR_TRUNCATED, "at %zu: %d", cut, err);
    }
}

Test(keymethod, other_methods_and_long_options_are_refused)
{
    uint8_t raw[2048] = {0};
    struct keymethod_message message;
    for (uint8_t method = 0; method < 32; method++) {
        size_t len = server_message(raw, sizeof(raw));
        raw[4] = method;
        int err = keymethod_decode(raw, len, false, 128, &message);
        cr_assert_eq(err, (method & 15) == 2 ? 0 : ERR_FORMAT);
    }
    char options[700];
    memset(options, 'x', sizeof(options));
    options[511] = '\0';
    struct keymethod_message big = {.options = options};
    struct wr w = wr_init(raw, sizeof(raw));
    cr_assert_eq(keymethod_encode(&w, &big), 0);
    cr_assert_eq(keymethod_decode(raw, wr_len(&w), false, 128, &message), 0);
    options[511] = 'x';
    options[600] = '\0';
    w = wr_init(raw, sizeof(raw));
    cr_assert_eq(keymethod_encode(&w, &big), 0);
    cr_assert_eq(keymethod_decode(raw, wr_len(&w), false, 128, &message), ERR_LIMIT);
}

Test(keymethod, long_credentials_are_flagged_and_skipped)
{
    uint8_t raw[2048];
    char name[140];
    memset(name, 'n', sizeof(name));
    name[127] = '\0';
    struct keymethod_message in = {.from_client = true, .options = "V4", .username = name, .password = "p",
                                   .peer_info = "IV_VER=1\n"};
    struct keymethod_message out;
    struct wr w = wr_init(raw, sizeof(raw));
    cr_assert_eq(keymethod_encode(&w, &in), 0);
    cr_assert_eq(keymethod_decode(raw, wr_len(&w), true, 128, &out), 0);
    cr_assert_not(out.credentials_too_long);
    cr_assert_str_eq(out.username, name);

    name[127] = 'n';
    name[128] = '\0';
    w = wr_init(raw, sizeof(raw));
    cr_assert_eq(keymethod_encode(&w, &in), 0);
    cr_assert_eq(keymethod_decode(raw, wr_len(&w), true, 128, &out), 0);
    cr_assert(out.credentials_too_long);
    cr_assert_null(out.username);
    cr_assert_null(out.password);
    cr_assert_str_eq(out.peer_info, "IV_VER=1\n", "what follows is still understood");
}

Test(keymethod, lone_nul_is_absent_and_missing_nul_is_forced)
{
    uint8_t raw[256];
    size_t len = server_message(raw, sizeof(raw));
    struct keymethod_message out;
    raw[5 + 64 + 2 + 4] = '!';
    cr_assert_eq(keymethod_decode(raw, len, false, 128, &out), 0);
    cr_assert_str_eq(out.options, "V4,x");

    struct wr w = wr_init(raw, sizeof(raw));
    wr_u32(&w, 0);
    wr_u8(&w, 2);
    memset(wr_reserve(&w, 64), 7, 64);
    for (unsigned i = 0; i < 4; i++) {
        wr_u16(&w, 1);
        wr_u8(&w, 0);
    }
    cr_assert_eq(keymethod_decode(raw, wr_len(&w), false, 128, &out), 0);
    cr_assert_str_eq(out.options, "");
    cr_assert_null(out.username);
    cr_assert_null(out.password);
    cr_assert_null(out.peer_info);
}

Test(keymethod, does_not_fit)
{
    uint8_t raw[80];
    struct keymethod_message in = {.options = "V4,dev-type tun"};
    struct wr w = wr_init(raw, sizeof(raw));
    cr_assert_eq(keymethod_encode(&w, &in), ERR_LIMIT);
}
