/* SPDX-License-Identifier: MIT */
#include "client/establish.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "client/connect.h"
#include "client/outfit.h"
#include "client/roaming.h"
#include "client/state.h"
#include "hooks/plugins.h"
#include "session/negotiate.h"

#define REOPEN_PAUSE_MS 1000u
#define PUSHED_VARIABLES "OPENVPN_" /* what setenv-safe names begin with */

/* ------------------------------------------------------------------ the end of the road */

static void session_timeout(void *arg)
{
    struct client *c = arg;
    log_info("Session timeout, exiting");
    client_fail(c, RESTART_SESSION_TIMEOUT);
}

static void start_session_timer(struct client *c)
{
    unsigned seconds = c->attempt->config->session_timeout;
    if (!seconds) {
        loop_timer_free(c->session_timer);
        c->session_timer = NULL;
        return;
    }
    if (!c->session_timer) {
        c->session_timer = loop_timer_new(c->loop, session_timeout, c);
    }
    loop_timer_after(c->session_timer, 1000u * (uint64_t)seconds);
}

static void tunnel_ready(void *arg, enum tunnel_result result)
{
    struct client *c = arg;
    if (result == TUNNEL_FAILED) {
        client_fatal(c);
        return;
    }
    if (result == TUNNEL_REFUSED) {
        pull_print_free(&c->tunnel_print);
        client_fail(c, RESTART_INITIALISATION);
        return;
    }
    bool first = !c->attempt->up;
    c->attempt->up = true;
    remotes_established(&c->remotes);
    c->connected_unix = clock_read().unix_s;
    if (lifecycle_drop(c->life, c->config)) {
        client_fatal(c);
        return;
    }
    if (first) {
        plugins_settle(c->plugins);
    }
    if (first) {
        char text[400];
        (void)dp_describe(c->dp, text, sizeof(text));
        log_usual("%s", text);
        log_info("Initialization Sequence Completed");
    }
    lifecycle_status(c->life, "Initialization Sequence Completed");
    client_announce(c, "CONNECTED", result == TUNNEL_ROUTE_ERRORS ? "ROUTE_ERROR" : "SUCCESS");
    start_session_timer(c);
    roaming_connected(c->parallel.roaming);
}

static void raise_device(struct client *c)
{
    struct config *config = c->attempt->config;
    union addr outer = link_outer(c->attempt->link);
    struct tunnel_request request = {
        .config = config,
        .remote = addr_to_ip(&outer),
    };
    client_announce(c, "ASSIGN_IP", "");
    if (config->route.count || config->route_ipv6.count || config->redirect_gateway) {
        client_announce(c, "ADD_ROUTES", "");
    }
    struct config *old = c->tunnel_config;
    c->tunnel_config = config;
    tunnel_up(c->tunnel, &request, tunnel_ready, c);
    if (old && old != config) {
        config_free(old);
    }
}

/* Programs run one after the other. */
static void raise_tunnel(struct client *c)
{
    connect_after_announcement(c, raise_device);
}

static void reopen(void *arg)
{
    struct client *c = arg;
    loop_timer_free(c->wait);
    c->wait = NULL;
    raise_tunnel(c);
}

static void raise_now(void *arg)
{
    raise_tunnel(arg);
}

static void closed_for_change(void *arg)
{
    struct client *c = arg;
    loop_timer_free(c->wait);
    c->wait = loop_timer_new(c->loop, reopen, c);
    loop_timer_after(c->wait, REOPEN_PAUSE_MS);
}

/* ------------------------------------------------------------------ negotiation */

static void flags_text(const struct config *config, char out[NEGOTIATE_TEXT_MAX])
{
    static const struct {
        unsigned flag;
        const char *word;
    } words[] = {
        {CONFIG_FLAG_CC_EXIT, "cc-exit"},
        {CONFIG_FLAG_TLS_EKM, "tls-ekm"},
        {CONFIG_FLAG_DYN_TLS_CRYPT, "dyn-tls-crypt"},
        {CONFIG_FLAG_AEAD_EPOCH, "aead-epoch"},
    };
    out[0] = '\0';
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (config->protocol_flags & words[i].flag) {
            if (out[0]) {
                strcat(out, " ");
            }
            strcat(out, words[i].word);
        }
    }
}

static struct negotiate_policy policy_of(const struct client *c)
{
    return (struct negotiate_policy){
        .data_ciphers = c->config->data_ciphers,
        .fallback = c->config->data_ciphers_fallback,
        .proto = NEGOTIATE_PROTO_CLIENT,
    };
}

static int negotiate_pull(struct client *c, struct data_negotiated *out)
{
    const struct config *config = c->attempt->config;
    char flags[NEGOTIATE_TEXT_MAX];
    char error[NEGOTIATE_TEXT_MAX] = "";
    char unknown[CIPHER_NAME_MAX] = "";
    flags_text(config, flags);
    bool has_peer_id = config_is_given(config, "peer-id");
    struct negotiate_pushed pushed = {
        .cipher = config->cipher != c->config->cipher ? config->cipher : NULL,
        .protocol_flags = flags[0] ? flags : NULL,
        .key_derivation = config->key_derivation ? "tls-ekm" : NULL,
        .has_peer_id = has_peer_id,
        .server_options = link_peer_options(c->attempt->link),
    };
    struct negotiate_policy policy = policy_of(c);
    *out = (struct data_negotiated){.tx_id = has_peer_id ? config->peer_id : DP_PEER_ID_NONE};
    int e = negotiate_client(&policy, &pushed, &out->outcome, error, unknown);
    data_negotiated_configure(out, config);
    if (e) {
        log_error("%s", error);
    }
    return e;
}

static int negotiate_fixed(struct client *c, struct data_negotiated *out)
{
    struct negotiate_policy policy = policy_of(c);
    policy.proto = NEGOTIATE_PROTO_P2P;
    struct negotiate_peer peer;
    negotiate_peer_parse(link_peer_info(c->attempt->link), link_peer_options(c->attempt->link), &peer);
    *out = (struct data_negotiated){.tx_id = DP_PEER_ID_NONE};
    int e = negotiate_p2p(&policy, &peer, c->config->tls_server, &out->outcome);
    data_negotiated_configure(out, c->attempt->config);
    if (e) {
        log_error("P2P mode NCP negotiation: no common data channel cipher; give both ends the same data-ciphers");
    }
    return e;
}

/* ------------------------------------------------------------------ pushed options */

static bool is_rejected_by_filter(const struct config *config, const char *line)
{
    line += strspn(line, " \t");
    for (size_t i = 0; i < config->pull_filter.count; i++) {
        const struct config_pull_filter *f = &config->pull_filter.items[i];
        if (strncmp(line, f->text, strlen(f->text)) == 0) {
            return f->action == CONFIG_PULL_REJECT;
        }
    }
    return false;
}

static bool apply_reply(struct client *c)
{
    struct config *config = c->attempt->config;
    for (size_t i = 0; i < c->attempt->pull.count; i++) {
        const char *line = c->attempt->pull.lines[i];
        if (config_push_apply(config, (unsigned)i + 1, line, client_reporter()) == CONFIG_PUSH_REJECTED) {
            client_fail(c, is_rejected_by_filter(config, line) ? RESTART_OFFENDING_OPTION : RESTART_BAD_PUSH);
            return false;
        }
    }
    return true;
}

static void take_token(struct client *c)
{
    const struct config *config = c->attempt->config;
    if (config->auth_token && config->auth_token != c->config->auth_token) {
        credentials_set_token(c->credentials, config->auth_token, config->auth_token_user);
        event_announce(c->events, &(struct event){.type = EVENT_AUTH_TOKEN, .text = config->auth_token});
    }
    credentials_forget_used(c->credentials);
}

static void take_environment(struct client *c)
{
    const struct config *config = c->attempt->config;
    size_t own = c->config->setenv.count;
    env_unset_prefix(&c->env, PUSHED_VARIABLES); /* those of an earlier server would add up */
    for (size_t i = 0; i < config->setenv.count; i++) {
        const struct config_setenv *v = &config->setenv.items[i];
        if (i >= own || strncmp(v->name, PUSHED_VARIABLES, strlen(PUSHED_VARIABLES)) == 0) {
            env_set(&c->env, v->name, v->value);
        }
    }
    for (size_t i = c->config->echo.count; i < config->echo.count; i++) {
        event_announce(c->events, &(struct event){.type = EVENT_ECHO, .text = config->echo.items[i].text});
    }
}

static void drop_useless(struct client *c)
{
    struct config *config = c->attempt->config;
    if (config->explicit_exit_notify && link_is_tcp(c->attempt->link)) {
        log_info("NOTE: --explicit-exit-notify ignored, it works over UDP only");
        config->explicit_exit_notify = 0;
    }
}

/* What a server may push for the data plane as a whole. */
static int set_data_plane(struct client *c)
{
    const struct config *config = c->attempt->config;
    struct dp_nat rules[DP_NAT_MAX];
    unsigned count = 0;
    if (config->client_nat.count > DP_NAT_MAX) {
        log_warn("NOTE: only the first %d client-nat lines are used", DP_NAT_MAX);
    }
    for (size_t i = 0; i < config->client_nat.count && count < DP_NAT_MAX; i++) {
        const struct config_client_nat *n = &config->client_nat.items[i];
        rules[count++] = (struct dp_nat){
            .snat = n->kind == CONFIG_NAT_SNAT, .network = n->network, .mask = n->netmask, .alias = n->foreign};
    }
    dp_set_block_ipv6(c->dp, config->block_ipv6);
    int e = dp_set_shaper(c->dp, config->shaper);
    return e ? e : dp_set_nat(c->dp, rules, count);
}

static bool start_data(struct client *c, const struct data_negotiated *negotiated)
{
    const struct negotiated *n = &negotiated->outcome;
    int e = set_data_plane(c);
    if (e) {
        log_error("The data plane does not take shaper or client-nat: %s", err_str(e));
    }
    if (e || link_start_data(c->attempt->link, c->attempt->config, negotiated)) {
        client_fail(c, RESTART_INITIALISATION);
        return false;
    }
    if (negotiated->tx_id != DP_PEER_ID_NONE) {
        log_info("Data Channel: cipher '%s', peer-id: %u%s", n->cipher, negotiated->tx_id, n->epoch ? ", aead-epoch" : "");
    } else {
        log_info("Data Channel: cipher '%s'", n->cipher);
    }
    return true;
}

/* ------------------------------------------------------------------ entry points */

void establish_pulled(struct client *c, bool pause)
{
    link_pulled(c->attempt->link);
    if (!apply_reply(c)) {
        return;
    }
    drop_useless(c);
    take_token(c);
    take_environment(c);
    link_set_socket(c->attempt->link, c->attempt->config);
    struct data_negotiated negotiated;
    if (negotiate_pull(c, &negotiated)) {
        client_fail(c, RESTART_BAD_PUSH);
        return;
    }
    if (!start_data(c, &negotiated)) {
        return;
    }
    struct pull_print print = {0};
    pull_print_take(&print, &c->attempt->pull, config_is_given(c->config, "tun-mtu"));
    bool same = pull_print_equal(&print, &c->tunnel_print);
    pull_print_free(&c->tunnel_print);
    c->tunnel_print = print;
    if (tunnel_is_open(c->tunnel) && !same) {
        log_info("NOTE: Pulled options changed on restart, will need to close and reopen TUN/TAP device.");
        tunnel_down(c->tunnel, "sigusr1", false, pause ? closed_for_change : raise_now, c);
        return;
    }
    raise_tunnel(c);
}

void establish_without_pull(struct client *c)
{
    drop_useless(c);
    credentials_forget_used(c->credentials);
    struct data_negotiated negotiated;
    if (negotiate_fixed(c, &negotiated)) {
        client_fail(c, RESTART_INITIALISATION);
        return;
    }
    if (start_data(c, &negotiated)) {
        raise_tunnel(c);
    }
}

void establish_update(struct client *c)
{
    struct config_push_update update = {0};
    for (size_t i = 0; i < c->attempt->pull.count; i++) {
        if (config_push_update_apply(c->attempt->config, &update, (unsigned)i + 1, c->attempt->pull.lines[i],
                                     client_reporter()) == CONFIG_PUSH_REJECTED) {
            client_fail(c, RESTART_OFFENDING_OPTION);
            return;
        }
    }
    if (!update.changed) {
        return;
    }
    pull_print_free(&c->tunnel_print);
    link_set_config(c->attempt->link, c->attempt->config);
    tunnel_down(c->tunnel, "sigusr1", false, closed_for_change, c);
}

/* Applied like any other pushed option, but to a copy: the session's configuration must not grow with each. */
void establish_token(struct client *c)
{
    struct config *copy = config_clone(c->attempt->config);
    bool rejected = false;
    copy->auth_token = NULL;
    copy->auth_token_user = NULL;
    for (size_t i = 0; i < c->attempt->pull.count && !rejected; i++) {
        const char *line = c->attempt->pull.lines[i];
        if (strncmp(line + strspn(line, " \t"), "auth-token", strlen("auth-token")) == 0) {
            rejected = config_push_apply(copy, (unsigned)i + 1, line, client_reporter()) == CONFIG_PUSH_REJECTED;
        }
    }
    if (rejected) {
        client_fail(c, RESTART_OFFENDING_OPTION);
    } else if (copy->auth_token) {
        credentials_set_token(c->credentials, copy->auth_token, copy->auth_token_user);
        event_announce(c->events, &(struct event){.type = EVENT_AUTH_TOKEN, .text = copy->auth_token});
    }
    config_free(copy);
}

static void early_ready(void *arg, enum tunnel_result result)
{
    struct client *c = arg;
    if (result == TUNNEL_FAILED || result == TUNNEL_REFUSED) {
        client_fatal(c);
        return;
    }
    c->early_ready(c);
}

void establish_early_device(struct client *c, void (*ready)(struct client *c))
{
    if (tunnel_is_open(c->tunnel)) {
        ready(c);
        return;
    }
    c->early_ready = ready;
    struct config *old = c->tunnel_config;
    c->tunnel_config = outfit_entry(c, remotes_current(&c->remotes));
    struct tunnel_request request = {.config = c->tunnel_config, .device_only = true};
    tunnel_up(c->tunnel, &request, early_ready, c);
    config_free(old);
}
