/* SPDX-License-Identifier: MIT */
#include "server/reload.h"

#include <string.h>

#include "auth/tls_setup.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "hooks/scripts.h"
#include "node/lifecycle.h"
#include "node/settings.h"
#include "server/context.h"
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
    if (reload_make_settings(fresh, &settings) < 0) {
        log_error("reload: certificates and keys cannot be used; the configuration stays as it was");
        source->release(source->arg, fresh);
        return;
    }
    size_t changes = config_compare(server->config, fresh, &live, &restart);
    if (restart.len) {
        log_warn("reload: these changes need a restart of the server: %s", buf_str(&restart));
    }
    reload_release_settings(&server->settings);
    server->settings = settings;
    admission_set_wrap(&server->admission, settings_wrap(settings.by_transport[0][0]));
    source->release(source->arg, fresh);
    log_info("reload: certificates, keys and revocation lists were read again; %zu options differ, live: %s", changes,
             live.len ? buf_str(&live) : "none");
    buf_free(&live, false);
    buf_free(&restart, false);
}
