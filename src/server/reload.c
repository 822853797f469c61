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

/* Options that clients of before and after a change could not both live with. */
static const char *const network_options[] = {"server",      "server-ipv6",        "server-bridge", "topology",
                                              "ifconfig",    "ifconfig-ipv6",      "ifconfig-pool", "ifconfig-ipv6-pool",
                                              "dev",         "dev-type",           "tun-mtu",       "mode",
                                              "route-gateway", NULL};

/* Options that take effect with the reading of certificates and keys. */
static const char *const key_options[] = {
    "ca", "capath", "cert", "key", "pkcs12", "dh", "extra-certs", "askpass", "tls-auth", "tls-crypt", "tls-crypt-v2",
    "tls-crypt-v2-max-age", "key-direction", "auth", "tls-cipher", "tls-ciphersuites", "tls-groups", "ecdh-curve",
    "tls-cert-profile", "tls-version-min", "tls-version-max", "crl-verify", "verify-hash", "peer-fingerprint",
    "verify-client-cert", "verify-x509-name", "remote-cert-tls", "remote-cert-ku", "remote-cert-eku", "ns-cert-type",
    "x509-username-field", "x509-track", "tls-export-cert", "tls-verify", NULL};

/* Return: the first of @names (separated by blanks) that @list holds, @len bytes long; NULL: none. */
static const char *first_of(const char *names, const char *const list[], size_t *len)
{
    for (const char *at = names; *at; at += *len, at += strspn(at, " ")) {
        *len = strcspn(at, " ");
        for (size_t i = 0; list[i]; i++) {
            if (strlen(list[i]) == *len && strncmp(at, list[i], *len) == 0) {
                return at;
            }
        }
    }
    return NULL;
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
static int choose_keys(const struct server *server, const struct config *fresh, const char *const changed[2],
                       struct settings_keys **kept)
{
    const char *path = unreadable(fresh);
    const char *user = fresh->user ? fresh->user : "of this process";
    *kept = path ? server->settings.keys : NULL;
    for (size_t i = 0, len = 0; path && i < 2; i++) {
        const char *option = first_of(changed[i], key_options, &len);
        if (option) {
            log_error("reload: %.*s changed, but '%s' cannot be read as user %s: everything stays as it was until a "
                      "restart", (int)len, option, path, user);
            return ERR_CONFIG;
        }
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
static int try_config(struct server *server, struct held_config *held, struct buf *live, struct buf *restart)
{
    const struct config *fresh = held_config_get(held);
    struct server_settings settings;
    struct settings_keys *kept = NULL;
    size_t len = 0;
    if (first_of(buf_str(restart), network_options, &len)) {
        log_error("reload: the VPN's network changed, so everything stays as it was until the restart");
        return ERR_CONFIG;
    }
    const char *const changed[2] = {buf_str(live), buf_str(restart)};
    if (choose_keys(server, fresh, changed, &kept) < 0) {
        return ERR_CONFIG;
    }
    if (reload_make_settings(fresh, kept, &settings) < 0) {
        log_error("reload: certificates or keys cannot be used; everything stays as it was");
        return ERR_CONFIG;
    }
    take_over(server, held, &settings);
    log_info("reload: %s were read again; changed options in force: %s",
             kept ? "options" : "certificates, keys and revocation lists", live->len ? buf_str(live) : "none");
    return 0;
}

void reload_run(struct server *server)
{
    struct config *fresh = NULL;
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
    if (try_config(server, held, &live, &restart) < 0) {
        held_config_unref(held);
    }
    buf_free(&live, false);
    buf_free(&restart, false);
}
