/* SPDX-License-Identifier: MIT */
#include "node/settings.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "config/config.h"
#include "crypto/keyfile.h"
#include "session/wrap.h"

#define TEXT(literal) ((char *)(uintptr_t)(literal))

static struct config plain(void)
{
    struct config config;
    memset(&config, 0, sizeof(config));
    config.dev_type = CONFIG_DEV_TUN;
    config.tun_mtu = 1500;
    config.auth = TEXT("SHA1");
    config.data_ciphers = TEXT("AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305");
    config.pull = true;
    config.key_direction = -1;
    config.hand_window = 60;
    config.tran_window = 3600;
    config.reneg_sec = 3600;
    config.max_packet_size = 1250;
    return config;
}

static unsigned released;

static void release(struct tls_context *tls)
{
    (void)tls;
    released++;
}

static struct settings_keys *load(const struct config *config)
{
    struct settings_keys *keys = NULL;
    cr_assert_eq(settings_keys_load(config, NULL, release, &keys), 0);
    return keys;
}

static struct settings *make(const struct config *config, struct settings_keys *keys, enum session_role role, bool tcp)
{
    struct settings_request request = {.config = config, .keys = keys, .role = role, .tcp = tcp,
                                       .peer_info = "IV_PROTO=2\n"};
    struct settings *settings = NULL;
    cr_assert_eq(settings_new(&request, &settings), 0);
    return settings;
}

static void check_options(const struct config *config, enum session_role role, bool tcp, const char *own,
                          const char *expected)
{
    struct settings_keys *keys = load(config);
    struct settings *settings = make(config, keys, role, tcp);
    cr_assert_str_eq(settings_options_string(settings), own);
    char *other = settings_expected_options(settings);
    cr_assert_str_eq(other, expected);
    free(other);
    settings_unref(settings);
    settings_keys_unref(keys);
}

Test(settings, default_options_string)
{
    struct config config = plain();
    check_options(&config, SESSION_CLIENT, false,
                  "V4,dev-type tun,link-mtu 1541,tun-mtu 1500,proto UDPv4,auth SHA1,keysize 128,key-method 2,tls-client",
                  "V4,dev-type tun,link-mtu 1541,tun-mtu 1500,proto UDPv4,auth SHA1,keysize 128,key-method 2,tls-server");
}

Test(settings, options_string_of_a_listed_cipher)
{
    struct config config = plain();
    config.cipher = TEXT("AES-256-GCM");
    check_options(&config, SESSION_SERVER, true,
                  "V4,dev-type tun,link-mtu 1551,tun-mtu 1500,proto TCPv4_SERVER,cipher AES-256-GCM,"
                  "auth [null-digest],keysize 256,key-method 2,tls-server",
                  "V4,dev-type tun,link-mtu 1551,tun-mtu 1500,proto TCPv4_CLIENT,cipher AES-256-GCM,"
                  "auth [null-digest],keysize 256,key-method 2,tls-client");
}

Test(settings, session_values)
{
    struct config config = plain();
    struct settings_keys *keys = load(&config);
    struct settings *settings = make(&config, keys, SESSION_CLIENT, false);
    const struct session_config *session = settings_session(settings);
    cr_assert_eq(session->hand_window_s, 60);
    cr_assert_eq(session->reneg_s, 3600);
    cr_assert_eq(session->max_packet_size, 1250);
    cr_assert_eq(session->replay_window, 64);
    cr_assert_eq(session->ack_limit, 4, "towards an unwrapped server");
    cr_assert_str_eq(session->peer_info, "IV_PROTO=2\n");
    cr_assert(wrap_config_plain(settings_wrap(settings)));
    settings_unref(settings);
    cr_assert_eq(released, 0);
    settings_keys_unref(keys);
    cr_assert_eq(released, 1);
}

static struct config_file inline_file(const struct buf *text)
{
    return (struct config_file){.path = TEXT("[INLINE]"), .data = (char *)text->data, .len = text->len,
                                .is_inline = true};
}

static struct buf static_key(unsigned seed)
{
    struct rand_seeded rand;
    rand_seeded_init(&rand, seed);
    struct keyfile_static key;
    keyfile_static_generate(&rand.source, &key);
    struct buf text = BUF_INIT(65536);
    cr_assert_eq(keyfile_static_format(&key, &text), 0);
    return text;
}

Test(settings, each_connection_has_its_own_key)
{
    struct buf a = static_key(1);
    struct buf b = static_key(2);
    struct config config = plain();
    struct config_connection entries[3];
    for (unsigned i = 0; i < 3; i++) {
        entries[i] = config.top;
    }
    entries[0].tls_auth = inline_file(&a);
    entries[0].key_direction = 1;
    entries[1].tls_crypt = inline_file(&b);
    config.connections.items = entries;
    config.connections.count = 3;
    struct settings_keys *keys = load(&config);
    enum wrap_mode expected[3] = {WRAP_TLS_AUTH, WRAP_TLS_CRYPT, WRAP_NONE};
    for (unsigned i = 0; i < 3; i++) {
        struct settings_request request = {.config = &config, .connection = &entries[i], .keys = keys};
        struct settings *settings = NULL;
        cr_assert_eq(settings_new(&request, &settings), 0);
        cr_assert_eq(wrap_config_mode(settings_wrap(settings)), expected[i]);
        cr_assert_eq(strstr(settings_options_string(settings), ",keydir 1,") != NULL, i == 0);
        cr_assert_eq(settings_session(settings)->ack_limit, i == 2 ? 4 : 8);
        settings_unref(settings);
    }
    struct config_connection stranger = config.top;
    stranger.tls_crypt = inline_file(&a);
    struct settings_request request = {.config = &config, .connection = &stranger, .keys = keys};
    struct settings *settings = NULL;
    cr_assert_eq(settings_new(&request, &settings), ERR_CONFIG);
    settings_keys_unref(keys);
    buf_free(&a, true);
    buf_free(&b, true);
}

Test(settings, bad_keys_are_named)
{
    struct config config = plain();
    struct settings_keys *keys = NULL;
    config.tls_auth = (struct config_file){.path = TEXT("/nonexistent/ta.key")};
    cr_assert_eq(settings_keys_load(&config, NULL, release, &keys), ERR_CONFIG);
    config.tls_auth = (struct config_file){.path = TEXT("[INLINE]"), .data = TEXT("hello"), .len = 5, .is_inline = true};
    cr_assert_eq(settings_keys_load(&config, NULL, release, &keys), ERR_CONFIG);
    config.tls_auth = (struct config_file){0};
    config.tls_crypt_v2 = (struct config_file){.path = TEXT("[INLINE]"), .data = TEXT("x"), .len = 1, .is_inline = true};
    cr_assert_eq(settings_keys_load(&config, NULL, release, &keys), ERR_CONFIG);
    cr_assert_eq(released, 3, "the TLS context never leaks");
}
