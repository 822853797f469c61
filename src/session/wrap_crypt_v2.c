/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "session/wrap_private.h"
#include "wire/ctrl_pkt.h"

#define SECONDS_A_DAY 86400

/* tls-crypt-v2 (3.5): each client's key travels with its first packet, wrapped for the server. */

void wrap_init_client_v2(struct wrap *w, const struct wrap_config *config, unsigned window, unsigned seconds)
{
    wrap_init_crypt(w, &wrap_keys_of(config)->v2_client.kc, false, window, seconds);
    w->send.counter = REPLAY_V2_ANNOUNCE;
}

struct span wrap_config_wkc(const struct wrap_config *config)
{
    if (!config->has_v2_client) {
        return (struct span){NULL, 0};
    }
    const struct keyfile_v2_client *client = &wrap_keys_of(config)->v2_client;
    return (struct span){client->wkc, client->wkc_len};
}

int wrap_config_open_wkc(const struct wrap_config *config, const uint8_t *packet, size_t len,
                         struct keyfile_static *kc, uint8_t metadata[KEYFILE_METADATA_MAX], size_t *wrapped_len)
{
    if (!config->has_v2_server) {
        return ERR_BAD_STATE;
    }
    struct span wkc;
    int err = ctrl_pkt_wkc_split(packet, len, wrapped_len, &wkc);
    return err ? ERR_FORMAT : keyfile_unwrap(&wrap_keys_of(config)->v2_server, wkc.data, wkc.len, kc, metadata);
}

bool wrap_config_metadata_ok(const struct wrap_config *config, const uint8_t *metadata, size_t len, uint64_t unix_s)
{
    if (config->v2_max_age_days == 0) {
        return true;
    }
    struct rd r = rd_init(metadata, len);
    uint8_t type = rd_u8(&r);
    uint64_t made = rd_u64(&r);
    if (!rd_ok(&r) || type != KEYFILE_METADATA_TIME || made > INT64_MAX) {
        return false;
    }
    return made >= unix_s || unix_s - made <= (uint64_t)config->v2_max_age_days * SECONDS_A_DAY;
}
