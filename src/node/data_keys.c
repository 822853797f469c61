/* SPDX-License-Identifier: MIT */
#include "node/data_keys.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/limits.h"

#define REPLAY_WINDOW_DEFAULT 8192 /* ids: room for the reordering that several workers and paths cause */
#define MSSFIX_DEFAULT 1492        /* whole outer packet; fits PPPoE links */
#define TUN_MTU_DEFAULT 1500

enum dp_key_format data_key_format(const struct data_negotiated *negotiated)
{
    if (!cipher_is_aead(cipher_find(negotiated->outcome.cipher))) {
        return DP_FORMAT_CBC;
    }
    return negotiated->outcome.epoch ? DP_FORMAT_EPOCH : DP_FORMAT_AEAD;
}

void data_negotiated_configure(struct data_negotiated *negotiated, const struct config *config)
{
    const char *auth = config->auth ? config->auth : "SHA1";
    strncpy(negotiated->auth, auth, sizeof(negotiated->auth) - 1);
    const struct cipher_info *cipher = cipher_find(negotiated->outcome.cipher);
    bool given = config_is_given(config, "reneg-bytes");
    negotiated->limit_bytes = given || !cipher ? config->reneg_bytes : limit_reneg_bytes(cipher);
    negotiated->limit_packets = config->reneg_pkts;
}

void data_key_make(const uint8_t material[SESSION_KEY_MATERIAL_SIZE], enum session_role role,
                   const struct data_negotiated *negotiated, uint8_t key_id, struct dp_key *out)
{
    memset(out, 0, sizeof(*out));
    out->key_id = key_id;
    out->format = data_key_format(negotiated);
    out->cipher = negotiated->outcome.cipher;
    out->auth = negotiated->auth;
    out->limit_bytes = negotiated->limit_bytes;
    out->limit_packets = negotiated->limit_packets;
    const uint8_t *to_server = material;
    const uint8_t *to_client = material + SESSION_KEY_MATERIAL_SIZE / 2;
    memcpy(&out->tx, role == SESSION_CLIENT ? to_server : to_client, sizeof(out->tx));
    memcpy(&out->rx, role == SESSION_CLIENT ? to_client : to_server, sizeof(out->rx));
}

_Static_assert(sizeof(struct dp_key_half) == SESSION_KEY_MATERIAL_SIZE / 2, "a half is cipher area and HMAC area");

void data_keys_init(struct data_keys *keys, struct dp *dp, uint32_t peer)
{
    *keys = (struct data_keys){.dp = dp, .peer = peer};
}

int data_keys_install_material(struct data_keys *keys, const uint8_t material[SESSION_KEY_MATERIAL_SIZE],
                               enum session_role role, const struct data_negotiated *negotiated, uint8_t key_id)
{
    struct dp_key key;
    data_key_make(material, role, negotiated, key_id, &key);
    enum dp_key_slot slot = keys->has_primary ? DP_KEY_SECONDARY : DP_KEY_PRIMARY;
    int r = dp_key_new(keys->dp, keys->peer, slot, &key);
    secret_wipe(&key, sizeof(key));
    if (r < 0) {
        return r;
    }
    if (slot == DP_KEY_PRIMARY) {
        keys->has_primary = true;
        keys->primary = key_id;
    } else {
        keys->has_secondary = true;
        keys->secondary = key_id;
    }
    keys->since_ms = clock_read().mono_ms;
    return 0;
}

int data_keys_install(struct data_keys *keys, struct session *session, enum session_role role,
                      const struct data_negotiated *negotiated, uint8_t key_id)
{
    uint8_t material[SESSION_KEY_MATERIAL_SIZE];
    int r = session_export_keys(session, key_id, negotiated->outcome.derivation, material);
    if (r == 0) {
        r = data_keys_install_material(keys, material, role, negotiated, key_id);
    }
    secret_wipe(material, sizeof(material));
    return r;
}

int data_keys_switch(struct data_keys *keys, uint8_t key_id)
{
    if (keys->has_primary && keys->primary == key_id) {
        return 0;
    }
    if (!keys->has_secondary || keys->secondary != key_id) {
        return ERR_NOT_FOUND;
    }
    int r = dp_key_swap(keys->dp, keys->peer);
    if (r < 0) {
        return r;
    }
    keys->secondary = keys->primary;
    keys->has_secondary = keys->has_primary;
    keys->primary = key_id;
    keys->has_primary = true;
    return 0;
}

int data_keys_expire(struct data_keys *keys, uint8_t key_id)
{
    if (keys->has_secondary && keys->secondary == key_id) {
        keys->has_secondary = false;
        return dp_key_del(keys->dp, keys->peer, DP_KEY_SECONDARY);
    }
    if (keys->has_primary && keys->primary == key_id) {
        keys->has_primary = false;
        return dp_key_del(keys->dp, keys->peer, DP_KEY_PRIMARY);
    }
    return ERR_NOT_FOUND;
}

void data_keys_clear(struct data_keys *keys)
{
    if (keys->has_secondary) {
        (void)dp_key_del(keys->dp, keys->peer, DP_KEY_SECONDARY);
    }
    if (keys->has_primary) {
        (void)dp_key_del(keys->dp, keys->peer, DP_KEY_PRIMARY);
    }
    keys->has_primary = false;
    keys->has_secondary = false;
}

/* ------------------------------------------------------------------ peer parameters */

enum dp_framing data_framing(enum config_compress compress)
{
    switch (compress) {
    case CONFIG_COMPRESS_STUB:
        return DP_FRAMING_STUB;
    case CONFIG_COMPRESS_STUB_V2:
        return DP_FRAMING_STUB_V2;
    case CONFIG_COMPRESS_LZ4:
        return DP_FRAMING_LZ4;
    case CONFIG_COMPRESS_LZ4_V2:
        return DP_FRAMING_LZ4_V2;
    case CONFIG_COMPRESS_LZO:
        return DP_FRAMING_LZO;
    case CONFIG_COMPRESS_LZO_NO:
        return DP_FRAMING_LZO_STUB;
    case CONFIG_COMPRESS_OFF:
    case CONFIG_COMPRESS_MIGRATE:
    default:
        return DP_FRAMING_NONE;
    }
}

/* Data channel spec, 13.2: what holds when the option is absent depends on fragment and tun-mtu. */
static void fill_mssfix(const struct config_connection *connection, struct dp_peer *out)
{
    const struct config_mssfix *mssfix = &connection->mssfix;
    if (!mssfix->given) {
        if (connection->fragment.size) {
            out->mssfix = connection->fragment.size;
            out->mssfix_mode = DP_MSSFIX_MTU;
        } else if (connection->tun_mtu == TUN_MTU_DEFAULT) {
            out->mssfix = MSSFIX_DEFAULT;
            out->mssfix_mode = DP_MSSFIX_MTU;
        } else {
            out->mssfix = connection->tun_mtu;
            out->mssfix_mode = DP_MSSFIX_FIXED;
        }
        return;
    }
    out->mssfix = mssfix->size;
    switch (mssfix->mode) {
    case CONFIG_MSSFIX_PAYLOAD:
        out->mssfix_mode = DP_MSSFIX_PACKET;
        break;
    case CONFIG_MSSFIX_FIXED:
        out->mssfix_mode = DP_MSSFIX_FIXED;
        break;
    case CONFIG_MSSFIX_MTU:
    default:
        out->mssfix_mode = DP_MSSFIX_MTU;
        break;
    }
}

static void fill_replay(const struct config *config, struct dp_peer *out)
{
    if (config_is_given(config, "replay-window")) {
        out->replay_window = config->replay_window ? config->replay_window : 1; /* 0 is strict order */
        out->replay_seconds = config->replay_window_seconds;
    } else {
        out->replay_window = REPLAY_WINDOW_DEFAULT;
        out->replay_seconds = 0;
    }
}

void data_peer_fill(const struct data_peer_request *request, struct dp_peer *out)
{
    const struct config *config = request->config;
    const struct config_connection *connection = request->connection ? request->connection : &config->top;
    const struct config_client *client = request->client ? request->client : &config->client;
    out->tx_id = request->negotiated->tx_id;
    out->data_v1 = !request->negotiated->outcome.data_v2;
    out->keepalive_interval_s = client->ping;
    out->keepalive_timeout_s = client->ping_restart ? client->ping_restart : client->ping_exit;
    out->inactive_s = client->inactive.seconds;
    out->inactive_bytes = client->inactive.bytes;
    out->framing = data_framing(client->compress);
    out->compress_tx = config->allow_compression == CONFIG_COMPRESSION_YES;
    out->tx_ordered = true; /* no peer says how large its window is; stock ones have 64 */
    out->packets_only = config->disable_occ;
    out->probe_path = !out->packets_only;
    fill_replay(config, out);
    fill_mssfix(connection, out);
    out->fragment = request->tcp ? 0 : connection->fragment.size;
    out->fragment_mtu = connection->fragment.mtu;
}
