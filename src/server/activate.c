/* SPDX-License-Identifier: MIT */
#include "server/activate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "config/config.h"
#include "crypto/cipher.h"
#include "dp/dp.h"
#include "hooks/event.h"
#include "node/session_driver.h"
#include "server/addresses.h"
#include "server/context.h"
#include "server/held_config.h"
#include "server/hook_env.h"
#include "server/instance.h"
#include "server/instance_session.h"
#include "server/login.h"
#include "server/push_reply.h"
#include "server/routing.h"
#include "wire/peer_info.h"

/* ------------------------------------------------------------------ negotiation */

static int choose_protocol(struct instance *instance, const char **refusal)
{
    const struct config *config = held_config_get(instance->held);
    const struct config_client *options = instance->options;
    unsigned capabilities = dp_capabilities(instance->server->dp);
    char ciphers[CIPHER_LIST_MAX + 1];
    char bad[CIPHER_NAME_MAX];
    if (cipher_list_normalise(options->data_ciphers ? options->data_ciphers : CIPHER_LIST_DEFAULT, ciphers, bad) < 0) {
        instance_log(instance, LOG_SEV_ERROR, 1, "Options error: data-ciphers of this client: unknown cipher %s", bad);
        *refusal = "Data channel cipher negotiation failed (no shared cipher)";
        return ERR_CONFIG;
    }
    struct negotiate_policy policy = {
        .data_ciphers = ciphers,
        .fallback = options->data_ciphers_fallback,
        .proto = PEER_INFO_PROTO_DATA_V2 | PEER_INFO_PROTO_TLS_KEY_EXPORT | PEER_INFO_PROTO_CC_EXIT_NOTIFY |
                 PEER_INFO_PROTO_DYN_TLS_CRYPT | (capabilities & DP_CAP_EPOCH ? PEER_INFO_PROTO_DATA_EPOCH : 0),
        .force_key_export = config->force_tls_key_material_export,
    };
    return negotiate_server(&policy, &instance->current->peer, &instance->negotiated.outcome, refusal);
}

static void fill_negotiated(struct instance *instance)
{
    struct data_negotiated *n = &instance->negotiated;
    n->tx_id = n->outcome.data_v2 ? instance->entry.id : DP_PEER_ID_NONE;
    data_negotiated_configure(n, held_config_get(instance->held));
}

/* With the client's current session. Return: 0, or negative after AUTH_FAILED. */
static int negotiate(struct instance *instance)
{
    const char *refusal = NULL;
    int rc = choose_protocol(instance, &refusal);
    if (rc < 0) {
        instance_log(instance, LOG_SEV_ERROR, 1, "MULTI: %s", refusal ? refusal : "negotiation failed");
        instance_refuse(instance->current, refusal);
        return rc;
    }
    fill_negotiated(instance);
    return 0;
}

/* compress migrate: take a client off its old compression without breaking it (3.1 step 2). */
static enum dp_framing framing_of(struct instance *instance)
{
    const struct config_client *options = instance->options;
    instance->compress_push = NULL;
    if (options->compress != CONFIG_COMPRESS_MIGRATE) {
        return data_framing(options->compress);
    }
    if (!instance->current->peer.occ_comp_lzo) {
        return DP_FRAMING_NONE;
    }
    if (peer_info_number(instance->current->peer_info, "IV_COMP_STUBv2", 1, 0) == 1) {
        instance->compress_push = "compress stub-v2";
        return DP_FRAMING_STUB_V2;
    }
    instance->compress_push = "comp-lzo no";
    return DP_FRAMING_LZO_STUB;
}

/* OpenVPN 3 writes OCC messages to its device, which refuses them and counts an error. */
static bool knows_no_occ(const struct instance *instance)
{
    struct span version;
    return peer_info_find(instance->current->peer_info, "IV_VER", &version) && version.len >= 2 &&
           memcmp(version.data, "3.", 2) == 0;
}

static void fill_peer(struct instance *instance, struct dp_peer *peer)
{
    struct data_peer_request request = {
        .config = held_config_get(instance->held),
        .client = instance->options,
        .negotiated = &instance->negotiated,
        .tcp = instance->tcp,
    };
    data_peer_fill(&request, peer);
    peer->id = instance->entry.id;
    peer->path = instance->entry.path;
    peer->may_float = !instance->tcp;
    peer->framing = framing_of(instance);
    if (knows_no_occ(instance)) {
        peer->packets_only = true;
        peer->probe_path = false;
    }
    peer->max_routes = instance->options->max_routes_per_client;
    peer->vlan_pvid = (uint16_t)instance->options->vlan_pvid;
}

static int make_peer(struct instance *instance)
{
    struct dp_peer peer = {0};
    fill_peer(instance, &peer);
    int rc = dp_peer_new(instance->server->dp, &peer);
    if (rc < 0) {
        instance_log(instance, LOG_SEV_ERROR, 1, "MULTI: the data channel cannot serve this client: %s", err_str(rc));
        return rc;
    }
    instance->has_peer = true;
    return 0;
}

/* ------------------------------------------------------------------ keys */

static int install_key(struct instance *instance, struct session *session, uint8_t key_id)
{
    int rc = data_keys_install(&instance->keys, session, SESSION_SERVER, &instance->negotiated, key_id);
    if (rc < 0) {
        instance_log(instance, LOG_SEV_ERROR, 1, "TLS Error: generate_key_expansion failed: %s", err_str(rc));
        return rc;
    }
    instance_log(instance, LOG_SEV_USUAL, key_id ? 4 : 3, "Data Channel: cipher '%s', peer-id: %u",
                 instance->negotiated.outcome.cipher, instance->entry.id);
    return 0;
}

static int start_session_keys(struct instance *instance, struct session *session, uint8_t key_id)
{
    int rc = install_key(instance, session, key_id);
    if (rc == 0 && instance->negotiated.outcome.dynamic_crypt) {
        rc = session_enable_dynamic_crypt(session, clock_read());
    }
    return rc;
}

static void announce_established(struct instance *instance)
{
    struct env env = {0};
    hook_env_client(instance, &env);
    struct event event = {
        .type = EVENT_CLIENT_ESTABLISHED,
        .env = &env,
        .has_client = true,
        .client_id = instance->entry.client_id,
    };
    event_announce(instance->server->bus, &event);
    env_free(&env);
}

static void on_session_at_rest(void *arg, struct session_driver *driver, struct session *session)
{
    struct instance *instance = arg;
    (void)driver;
    if (instance->state != INSTANCE_CONNECT) {
        return;
    }
    if (start_session_keys(instance, session, 0) < 0) {
        instance_refuse(instance->current, NULL);
        return;
    }
    addresses_report_none(instance);
    routing_learn_client(instance);
    instance_admitted(instance);
    push_reply_due(instance);
    announce_established(instance);
}

void activate_begin(struct instance *instance)
{
    if (negotiate(instance) < 0) {
        return;
    }
    if (make_peer(instance) < 0) {
        instance_refuse(instance->current, NULL);
        return;
    }
    session_driver_set_peer(instance->current->driver, instance->entry.id);
    session_driver_call(instance->current->driver, on_session_at_rest, instance);
}

/* The client may be another program than before. Return: 0, or negative after AUTH_FAILED. */
static int negotiate_again(struct instance *instance)
{
    int rc = negotiate(instance);
    if (rc < 0) {
        return rc;
    }
    struct dp_peer peer = {0};
    fill_peer(instance, &peer);
    rc = dp_peer_set(instance->server->dp, &peer, DP_SET_TX_ID | DP_SET_FRAMING);
    if (rc < 0) {
        instance_log(instance, LOG_SEV_ERROR, 1, "MULTI: the data channel cannot serve this client: %s", err_str(rc));
        instance_refuse(instance->current, NULL);
    }
    return rc;
}

void activate_restart(struct instance *instance, struct session *session, uint8_t key_id)
{
    if (negotiate_again(instance) < 0) {
        return;
    }
    if (start_session_keys(instance, session, key_id) < 0) {
        instance_close(instance, "tls-error");
        return;
    }
    push_reply_due(instance);
}

void activate_renewed(struct instance *instance, struct session *session, uint8_t key_id)
{
    if (install_key(instance, session, key_id) < 0) {
        instance_close(instance, "tls-error");
        return;
    }
    push_reply_token(instance);
}

/* ------------------------------------------------------------------ the way back */

void activate_undo(struct instance *instance)
{
    addresses_release(instance);
}

void activate_farewell(struct instance *instance)
{
    struct env env = {0};
    struct event event = {
        .type = EVENT_CLIENT_DISCONNECT,
        .env = &env,
        .has_client = true,
        .client_id = instance->entry.client_id,
    };
    if (instance->hooks_ran || instance->server->config->management_client_auth) {
        hook_env_farewell(instance, &env);
    }
    if (instance->hooks_ran) {
        event_announce(instance->server->bus, &event);
    }
    event.type = EVENT_CLIENT_GONE;
    event_announce(instance->server->bus, &event);
    env_free(&env);
    routing_forget_client(instance);
}
