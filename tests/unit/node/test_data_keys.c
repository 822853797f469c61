/* SPDX-License-Identifier: MIT */
#include "node/data_keys.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/err.h"
#include "dp/fake/fake.h"
#include "fake_config.h"

static void fill_material(uint8_t material[SESSION_KEY_MATERIAL_SIZE])
{
    for (unsigned i = 0; i < SESSION_KEY_MATERIAL_SIZE; i++) {
        material[i] = (uint8_t)i;
    }
}

static struct data_negotiated negotiated(const char *cipher, bool epoch)
{
    struct data_negotiated n = {.auth = "SHA256", .tx_id = 5};
    strcpy(n.outcome.cipher, cipher);
    n.outcome.epoch = epoch;
    n.outcome.data_v2 = true;
    return n;
}

Test(data_keys, client_sends_with_the_first_half)
{
    uint8_t material[SESSION_KEY_MATERIAL_SIZE];
    fill_material(material);
    struct data_negotiated n = negotiated("AES-256-GCM", false);
    struct dp_key key;
    data_key_make(material, SESSION_CLIENT, &n, 3, &key);
    cr_assert_eq(key.key_id, 3);
    cr_assert_eq(key.format, DP_FORMAT_AEAD);
    cr_assert_arr_eq(key.tx.cipher, material, 64);
    cr_assert_arr_eq(key.tx.hmac, material + 64, 64);
    cr_assert_arr_eq(key.rx.cipher, material + 128, 64);
    cr_assert_arr_eq(key.rx.hmac, material + 192, 64);
    struct dp_key server;
    data_key_make(material, SESSION_SERVER, &n, 3, &server);
    cr_assert_arr_eq(&server.tx, &key.rx, sizeof(key.rx));
    cr_assert_arr_eq(&server.rx, &key.tx, sizeof(key.tx));
}

Test(data_keys, formats)
{
    struct data_negotiated n = negotiated("AES-256-GCM", true);
    cr_assert_eq(data_key_format(&n), DP_FORMAT_EPOCH);
    n = negotiated("AES-256-CBC", false);
    cr_assert_eq(data_key_format(&n), DP_FORMAT_CBC);
    n = negotiated("none", false);
    cr_assert_eq(data_key_format(&n), DP_FORMAT_CBC);
    n = negotiated("CHACHA20-POLY1305", false);
    cr_assert_eq(data_key_format(&n), DP_FORMAT_AEAD);
}

static struct dp *dp_with_peer(void)
{
    struct dp_config config = {.backend = "fake"};
    struct dp *dp = NULL;
    cr_assert_eq(dp_open(&config, &dp), 0);
    struct dp_peer peer = {.id = 1, .tx_id = 1, .path = {.conn = 1}};
    int r = dp_peer_new(dp, &peer);
    if (r < 0) {
        struct ip_addr ip = ip4_from_u32(0x7F000001u);
        peer.path = (struct dp_path){.listener = 1, .remote = addr_from_ip(&ip, 1194)};
        r = dp_peer_new(dp, &peer);
    }
    cr_assert_eq(r, 0, "%s", err_str(r));
    return dp;
}

Test(data_keys, slots_over_two_renegotiations)
{
    struct dp *dp = dp_with_peer();
    uint8_t material[SESSION_KEY_MATERIAL_SIZE];
    fill_material(material);
    struct data_negotiated n = negotiated("AES-256-GCM", false);
    struct data_keys keys;
    data_keys_init(&keys, dp, 1);
    cr_assert_eq(data_keys_install_material(&keys, material, SESSION_CLIENT, &n, 0), 0);
    cr_assert_eq(dp_fake_key(dp, 1, DP_KEY_PRIMARY)->key_id, 0);
    cr_assert_eq(data_keys_switch(&keys, 0), 0, "the first key sends anyway");
    cr_assert_eq(dp_fake_count(dp, DP_FAKE_KEY_SWAP), 0);

    cr_assert_eq(data_keys_install_material(&keys, material, SESSION_CLIENT, &n, 1), 0);
    cr_assert_eq(dp_fake_key(dp, 1, DP_KEY_SECONDARY)->key_id, 1);
    cr_assert_eq(data_keys_switch(&keys, 1), 0);
    cr_assert_eq(dp_fake_key(dp, 1, DP_KEY_PRIMARY)->key_id, 1);
    cr_assert_eq(dp_fake_key(dp, 1, DP_KEY_SECONDARY)->key_id, 0);
    cr_assert_eq(data_keys_expire(&keys, 0), 0);
    cr_assert_null(dp_fake_key(dp, 1, DP_KEY_SECONDARY));

    cr_assert_eq(data_keys_install_material(&keys, material, SESSION_CLIENT, &n, 2), 0);
    cr_assert_eq(data_keys_switch(&keys, 2), 0);
    cr_assert_eq(data_keys_expire(&keys, 1), 0);
    cr_assert_eq(data_keys_expire(&keys, 1), ERR_NOT_FOUND);
    cr_assert_eq(data_keys_switch(&keys, 7), ERR_NOT_FOUND);
    data_keys_clear(&keys);
    cr_assert_null(dp_fake_key(dp, 1, DP_KEY_PRIMARY));
    dp_close(dp);
}

Test(data_keys, refusal_leaves_the_book_alone)
{
    struct dp *dp = dp_with_peer();
    uint8_t material[SESSION_KEY_MATERIAL_SIZE];
    fill_material(material);
    struct data_negotiated n = negotiated("AES-256-GCM", false);
    struct data_keys keys;
    data_keys_init(&keys, dp, 1);
    dp_fake_fail(dp, DP_FAKE_KEY_NEW, ERR_CRYPTO, 1);
    cr_assert_eq(data_keys_install_material(&keys, material, SESSION_CLIENT, &n, 0), ERR_CRYPTO);
    cr_assert_not(keys.has_primary);
    dp_close(dp);
}

static struct dp_peer fill(struct config *config, bool tcp)
{
    struct data_negotiated n = negotiated("AES-256-GCM", false);
    struct data_peer_request request = {.config = config, .negotiated = &n, .tcp = tcp};
    struct dp_peer peer = {0};
    data_peer_fill(&request, &peer);
    return peer;
}

Test(data_keys, peer_parameters)
{
    struct config config;
    memset(&config, 0, sizeof(config));
    config.tun_mtu = 1500;
    config.ping = 10;
    config.ping_restart = 60;
    struct dp_peer peer = fill(&config, false);
    cr_assert_eq(peer.mssfix, 1492);
    cr_assert_eq(peer.mssfix_mode, DP_MSSFIX_MTU);
    cr_assert_eq(peer.keepalive_interval_s, 10);
    cr_assert_eq(peer.keepalive_timeout_s, 60);
    cr_assert_eq(peer.replay_window, 8192);
    cr_assert_not(peer.data_v1);
    cr_assert_eq(peer.tx_id, 5);
    cr_assert(peer.tx_ordered);

    config.tun_mtu = 1400;
    peer = fill(&config, false);
    cr_assert_eq(peer.mssfix, 1400);
    cr_assert_eq(peer.mssfix_mode, DP_MSSFIX_FIXED);

    config.fragment = (struct config_fragment){.size = 1300, .mtu = true};
    peer = fill(&config, false);
    cr_assert_eq(peer.mssfix, 1300);
    cr_assert_eq(peer.mssfix_mode, DP_MSSFIX_MTU);
    cr_assert_eq(peer.fragment, 1300);
    cr_assert(peer.fragment_mtu);
    cr_assert_eq(fill(&config, true).fragment, 0, "never over TCP");

    config.mssfix = (struct config_mssfix){.size = 1200, .mode = CONFIG_MSSFIX_PAYLOAD, .given = true};
    peer = fill(&config, false);
    cr_assert_eq(peer.mssfix, 1200);
    cr_assert_eq(peer.mssfix_mode, DP_MSSFIX_PACKET);

    config.ping_restart = 0;
    config.ping_exit = 33;
    config.compress = CONFIG_COMPRESS_LZ4_V2;
    config.allow_compression = CONFIG_COMPRESSION_YES;
    fake_config_given = "replay-window";
    config.replay_window = 0;
    config.replay_window_seconds = 9;
    peer = fill(&config, false);
    cr_assert_eq(peer.keepalive_timeout_s, 33);
    cr_assert_eq(peer.framing, DP_FRAMING_LZ4_V2);
    cr_assert(peer.compress_tx);
    cr_assert_eq(peer.replay_window, 1);
    cr_assert_eq(peer.replay_seconds, 9);
}

Test(data_keys, framing_names)
{
    cr_assert_eq(data_framing(CONFIG_COMPRESS_OFF), DP_FRAMING_NONE);
    cr_assert_eq(data_framing(CONFIG_COMPRESS_LZO_NO), DP_FRAMING_LZO_STUB);
    cr_assert_eq(data_framing(CONFIG_COMPRESS_LZO), DP_FRAMING_LZO);
    cr_assert_eq(data_framing(CONFIG_COMPRESS_STUB), DP_FRAMING_STUB);
    cr_assert_eq(data_framing(CONFIG_COMPRESS_MIGRATE), DP_FRAMING_NONE);
}
