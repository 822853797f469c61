/* SPDX-License-Identifier: MIT */
#include "node/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "config/config.h"
#include "crypto/cipher.h"
#include "node/settings_keys.h"
#include "session/wrap.h"
#include "wire/occ.h"

#define REPLAY_WINDOW_CONTROL 64 /* of tls-auth and tls-crypt, unless replay-window says otherwise */
#define ACKS_MAX 8
#define ACKS_PLAIN_CLIENT 4

struct settings {
    unsigned refs;
    struct settings_keys *keys;
    struct session_config session;
    struct occ_config occ; /* its strings live in the next four */
    char *ifconfig_local;
    char *ifconfig_remote;
    char *options_string;
    char *peer_info;
};

/* ------------------------------------------------------------------ options string */

static enum mtu_cipher_kind kind_of(const struct cipher_info *cipher)
{
    if (!cipher) {
        return MTU_CIPHER_CBC; /* BF-CBC stands in */
    }
    switch (cipher->kind) {
    case CIPHER_AEAD:
        return MTU_CIPHER_AEAD;
    case CIPHER_CBC:
        return MTU_CIPHER_CBC;
    case CIPHER_CFB:
    case CIPHER_OFB:
        return MTU_CIPHER_STREAM;
    case CIPHER_NONE:
    default:
        return MTU_CIPHER_NONE;
    }
}

static bool has_marker(enum config_compress compress)
{
    return compress == CONFIG_COMPRESS_STUB || compress == CONFIG_COMPRESS_LZ4 || compress == CONFIG_COMPRESS_LZO ||
           compress == CONFIG_COMPRESS_LZO_NO;
}

/* In a network form the item shows the network, so that both ends say the same. */
static void fill_ifconfig(struct settings *settings, const struct config *config)
{
    struct occ_config *occ = &settings->occ;
    bool p2p = config->mode != CONFIG_MODE_SERVER && !config->pull;
    if (!p2p || config->ifconfig_nowarn || !config->ifconfig.local || !config->ifconfig.remote_netmask) {
        return;
    }
    occ->ifconfig_net = config->dev_type == CONFIG_DEV_TAP || config->topology == CONFIG_TOPOLOGY_SUBNET;
    struct ip_addr local;
    struct ip_addr mask;
    char text[ADDR_TEXT_MAX];
    if (occ->ifconfig_net && ip_parse(config->ifconfig.local, &local) == 0 &&
        ip_parse(config->ifconfig.remote_netmask, &mask) == 0) {
        struct ip_addr network = ip4_from_u32(ip4_to_u32(&local) & ip4_to_u32(&mask));
        settings->ifconfig_local = mem_strdup(ip_format(&network, text));
    } else {
        settings->ifconfig_local = mem_strdup(config->ifconfig.local);
    }
    settings->ifconfig_remote = mem_strdup(config->ifconfig.remote_netmask);
    occ->ifconfig_local = settings->ifconfig_local;
    occ->ifconfig_remote = settings->ifconfig_remote;
}

static void fill_occ(struct settings *settings, const struct settings_request *request,
                     const struct config_connection *connection)
{
    const struct config *config = request->config;
    struct occ_config *occ = &settings->occ;
    const struct cipher_info *cipher = config->cipher ? cipher_find(config->cipher) : NULL;
    const struct digest_info *digest = digest_find(config->auth ? config->auth : "SHA1");
    occ->link.kind = kind_of(cipher);
    occ->link.block_size = cipher ? cipher->block_size : 8;
    occ->link.iv_size = cipher ? cipher->iv_size : 8;
    occ->link.hmac_size = digest ? digest->size : 0;
    occ->link.tcp = request->tcp;
    occ->link.outer_ipv6 = request->outer_ipv6;
    occ->link.tap = config->dev_type == CONFIG_DEV_TAP;
    occ->link.compress_marker = has_marker(config->compress);
    occ->link.fragment = connection->fragment.size != 0;
    occ->server = request->role == SESSION_SERVER;
    occ->p2p = config->mode != CONFIG_MODE_SERVER && !config->pull;
    occ->device_null = config->dev_type == CONFIG_DEV_NULL;
    occ->tun_mtu = connection->tun_mtu_occ ? connection->tun_mtu_occ : connection->tun_mtu;
    occ->link_mtu = connection->link_mtu;
    occ->tun_ipv6 = occ->p2p && config->ifconfig_ipv6.local.family == AF_INET6;
    occ->compress = config->compress != CONFIG_COMPRESS_OFF && config->compress != CONFIG_COMPRESS_MIGRATE;
    bool tls_auth = config_file_given(&connection->tls_auth);
    occ->tls_auth = tls_auth;
    occ->key_direction = tls_auth ? connection->key_direction : -1;
    occ->cipher = cipher ? cipher->name : NULL;
    char list[CIPHER_LIST_MAX + 1];
    occ->cipher_listed =
        cipher && config->data_ciphers && cipher_list_normalise(config->data_ciphers, list, NULL) == 0 &&
        cipher_list_contains(list, cipher->name);
    occ->key_bits = cipher ? cipher->key_size * 8u : 128;
    occ->auth = digest && digest->size > 0 ? digest->name : NULL;
    fill_ifconfig(settings, config);
}

/* ------------------------------------------------------------------ making */

static void fill_session(struct settings *settings, const struct settings_request *request,
                         const struct config_connection *connection)
{
    const struct config *config = request->config;
    struct session_config *session = &settings->session;
    session->role = request->role;
    session->tcp = request->tcp;
    session->outer_ipv6 = request->outer_ipv6;
    session->tls = settings_keys_tls(settings->keys);
    session->rand = rand_system();
    session->hand_window_s = config->hand_window;
    session->tran_window_s = config->tran_window;
    session->tls_timeout_s = config->tls_timeout;
    session->reneg_s = config->reneg_sec;
    session->reneg_min_s = config->reneg_sec_min;
    session->max_packet_size = connection->max_packet_size;
    session->replay_window = config->replay_window ? config->replay_window : REPLAY_WINDOW_CONTROL;
    session->replay_seconds = config->replay_window_seconds;
    session->options_string = settings->options_string;
    session->peer_info = settings->peer_info;
    session->ack_limit =
        request->role == SESSION_CLIENT && wrap_config_plain(session->wrap) ? ACKS_PLAIN_CLIENT : ACKS_MAX;
}

int settings_new(const struct settings_request *request, struct settings **out)
{
    const struct config_connection *connection = request->connection ? request->connection : &request->config->top;
    struct settings *settings = mem_zalloc(sizeof(*settings));
    settings->refs = 1;
    settings->keys = settings_keys_ref(request->keys);
    settings->session.wrap = settings_keys_wrap(request->keys, connection);
    if (!settings->session.wrap) {
        log_error("the keys of this connection were not loaded at start: restart with SIGHUP");
        settings_unref(settings);
        return ERR_CONFIG;
    }
    fill_occ(settings, request, connection);
    settings->peer_info = mem_strdup(request->peer_info);
    if (request->options_string) {
        settings->options_string = mem_strdup(request->options_string);
    } else {
        char text[OCC_MAX];
        int r = occ_build(&settings->occ, false, text, sizeof(text));
        if (r < 0) {
            log_error("the options string for the peer is too long: %s", err_str(r));
            settings_unref(settings);
            return ERR_CONFIG;
        }
        settings->options_string = mem_strdup(text);
    }
    fill_session(settings, request, connection);
    *out = settings;
    return 0;
}

struct settings *settings_ref(struct settings *settings)
{
    settings->refs++;
    return settings;
}

void settings_unref(struct settings *settings)
{
    if (!settings || --settings->refs > 0) {
        return;
    }
    settings_keys_unref(settings->keys);
    free(settings->ifconfig_local);
    free(settings->ifconfig_remote);
    free(settings->options_string);
    free(settings->peer_info);
    free(settings);
}

const struct session_config *settings_session(const struct settings *settings)
{
    return &settings->session;
}

const struct wrap_config *settings_wrap(const struct settings *settings)
{
    return settings->session.wrap;
}

const char *settings_options_string(const struct settings *settings)
{
    return settings->options_string;
}

char *settings_expected_options(const struct settings *settings)
{
    char text[OCC_MAX];
    return occ_build(&settings->occ, true, text, sizeof(text)) < 0 ? mem_strdup("") : mem_strdup(text);
}
