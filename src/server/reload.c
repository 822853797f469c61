/* SPDX-License-Identifier: MIT */
#include "server/reload.h"

#include <string.h>

#include "auth/tls_setup.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "hooks/plugins.h"
#include "hooks/scripts.h"
#include "node/lifecycle.h"
#include "node/settings.h"
#include "server/context.h"
#include "server/held_config.h"
#include "server/server.h"

int reload_make_settings(const struct config *config, struct server_settings *out)
{
    struct tls_setup_request request = {.config = config, .server = true};
    struct tls_setup *setup = NULL;
    memset(out, 0, sizeof(*out));
    int rc = tls_setup_new(&request, &setup);
    if (rc < 0) {
        if (rc == ERR_AUTH) {
            log_fatal("Options error: the private key needs a pass phrase; give one with askpass FILE");
        }
        return rc;
    }
    out->setup = setup;
    rc = settings_keys_load(config, tls_setup_context(setup), tls_setup_release, &out->keys);
    for (unsigned tcp = 0; tcp < 2 && rc == 0; tcp++) {
        for (unsigned v6 = 0; v6 < 2 && rc == 0; v6++) {
            struct settings_request want = {
                .config = config,
                .keys = out->keys,
                .role = SESSION_SERVER,
                .tcp = tcp,
                .outer_ipv6 = v6,
            };
            rc = settings_new(&want, &out->by_transport[tcp][v6]);
        }
    }
    if (rc < 0) {
        reload_release_settings(out);
    }
    return rc;
}

void reload_release_settings(struct server_settings *settings)
{
    for (unsigned i = 0; i < 4; i++) {
        settings_unref(settings->by_transport[i / 2][i % 2]);
    }
    settings_keys_unref(settings->keys);
    memset(settings, 0, sizeof(*settings));
}

/* Options that clients of before and after a change could not both live with. */
static bool changes_the_network(const char *names)
{
    static const char *const network[] = {"server",      "server-ipv6",        "server-bridge", "topology",
                                          "ifconfig",    "ifconfig-ipv6",      "ifconfig-pool", "ifconfig-ipv6-pool",
                                          "dev",         "dev-type",           "tun-mtu",       "mode",
                                          "route-gateway"};
    for (const char *at = names; *at;) {
        size_t n = strcspn(at, " ");
        for (size_t i = 0; i < sizeof(network) / sizeof(network[0]); i++) {
            if (strlen(network[i]) == n && strncmp(at, network[i], n) == 0) {
                return true;
            }
        }
        at += n + strspn(at + n, " ");
    }
    return false;
}

static void take_over(struct server *server, struct held_config *fresh, struct server_settings *settings)
{
    const struct config *config = held_config_get(fresh);
    reload_release_settings(&server->settings);
    server->settings = *settings;
    admission_set_wrap(&server->admission, settings_wrap(settings->by_transport[0][0]));
    admission_limits(&server->admission, config);
    scripts_set_config(server->scripts, config);
    plugins_set_config(server->plugins, config);
    (void)lifecycle_reload(server->life, config); /* a log that cannot be reopened was named */
    held_config_unref(server->live);
    server->live = fresh;
}

void reload_run(struct server *server)
{
    struct config *fresh = NULL;
    struct server_settings settings;
    struct buf live = BUF_INIT(8192);
    struct buf restart = BUF_INIT(8192);
    const struct server_source *source = server->source;

    if (!source || source->reread(source->arg, &fresh) < 0) {
        log_error("reload: the configuration stays as it was");
        return;
    }
    struct held_config *held = held_config_new(fresh, source);
    config_compare(held_config_get(server->live), fresh, &live, &restart);
    if (restart.len) {
        log_warn("reload: changes of these options need a restart: %s", buf_str(&restart));
    }
    if (changes_the_network(buf_str(&restart))) {
        log_error("reload: the VPN's network changed, so everything stays as it was until the restart");
        held_config_unref(held);
    } else if (reload_make_settings(fresh, &settings) < 0) {
        log_error("reload: certificates or keys cannot be used; everything stays as it was");
        held_config_unref(held);
    } else {
        take_over(server, held, &settings);
        log_info("reload: certificates, keys and revocation lists were read again; changed options in force: %s",
                 live.len ? buf_str(&live) : "none");
    }
    buf_free(&live, false);
    buf_free(&restart, false);
}
