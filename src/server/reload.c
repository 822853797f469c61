/* SPDX-License-Identifier: MIT */
#include "server/reload.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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

static int read_keys(const struct config *config, struct server_settings *out)
{
    struct tls_setup_request request = {.config = config, .server = true};
    struct tls_setup *setup = NULL;
    int rc = tls_setup_new(&request, &setup);
    if (rc < 0) {
        if (rc == ERR_AUTH) {
            log_fatal("Options error: the private key needs a pass phrase; give one with askpass FILE");
        }
        return rc;
    }
    out->setup = setup;
    return settings_keys_load(config, tls_setup_context(setup), tls_setup_release, &out->keys);
}

int reload_make_settings(const struct config *config, struct settings_keys *kept, struct server_settings *out)
{
    int rc = 0;
    memset(out, 0, sizeof(*out));
    if (kept) {
        out->keys = settings_keys_ref(kept);
    } else {
        rc = read_keys(config, out);
    }
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

static bool out_of_reach(const struct config_file *file)
{
    return file->path && !file->is_inline && access(file->path, R_OK) < 0 && errno == EACCES;
}

/* Return: a key or certificate that could be read before the change of user only; NULL: none. */
static const char *unreadable(const struct config *config)
{
    const struct config_file *files[] = {&config->key,          &config->cert,          &config->pkcs12,
                                         &config->top.tls_auth, &config->top.tls_crypt, &config->top.tls_crypt_v2,
                                         &config->ca};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (out_of_reach(files[i])) {
            return files[i]->path;
        }
    }
    return NULL;
}

/* What is to be used again of the running server's keys: NULL when all can be read. Return: 0 or ERR_CONFIG. */
static int choose_keys(const struct server *server, const struct config *fresh, const struct config_changes *changes,
                       struct settings_keys **kept)
{
    const char *path = unreadable(fresh);
    const char *user = fresh->user ? fresh->user : "of this process";
    *kept = path ? server->settings.keys : NULL;
    if (path && changes->keys) {
        log_error("reload: %s changed, but '%s' cannot be read as user %s: everything stays as it was until a restart",
                  changes->keys, path, user);
        return ERR_CONFIG;
    }
    if (path) {
        log_warn("reload: '%s' cannot be read as user %s: certificates and keys stay as they are until a restart", path,
                 user);
    }
    return 0;
}

static void take_over(struct server *server, struct held_config *fresh, struct server_settings *settings)
{
    const struct config *config = held_config_get(fresh);
    if (settings->keys == server->settings.keys) {
        settings->setup = server->settings.setup;
        held_config_lean(fresh, server->live);
    }
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

/* Return: 0, @held is in force; ERR_CONFIG, said why not. */
static int try_config(struct server *server, struct held_config *held, const struct config_changes *changes)
{
    const struct config *fresh = held_config_get(held);
    struct server_settings settings;
    struct settings_keys *kept = NULL;
    if (changes->network) {
        log_error("reload: the VPN's network changed, so everything stays as it was until the restart: %s",
                  changes->network);
        return ERR_CONFIG;
    }
    if (choose_keys(server, fresh, changes, &kept) < 0) {
        return ERR_CONFIG;
    }
    if (reload_make_settings(fresh, kept, &settings) < 0) {
        log_error("reload: certificates or keys cannot be used; everything stays as it was");
        return ERR_CONFIG;
    }
    take_over(server, held, &settings);
    log_info("reload: %s were read again; changed options in force: %s",
             kept ? "options" : "certificates, keys and revocation lists",
             changes->live.len ? buf_str(&changes->live) : "none");
    return 0;
}

void reload_run(struct server *server)
{
    struct config *fresh = NULL;
    struct config_changes changes;
    const struct server_source *source = server->source;

    if (!source || source->reread(source->arg, &fresh) < 0) {
        log_error("reload: the configuration stays as it was");
        return;
    }
    struct held_config *held = held_config_new(fresh, source);
    config_compare(held_config_get(server->live), fresh, &changes);
    if (changes.restart.len) {
        log_warn("reload: changes of these options need a restart: %s", buf_str(&changes.restart));
    }
    if (try_config(server, held, &changes) < 0) {
        held_config_unref(held);
    }
    config_changes_free(&changes);
}
