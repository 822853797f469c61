/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/validate.h"
#include "crypto/cipher.h"

static void weak_of_list(struct check *k)
{
    char copy[256];
    char *save = NULL;
    snprintf(copy, sizeof(copy), "%s", k->c->data_ciphers);
    for (char *name = strtok_r(copy, ":", &save); name; name = strtok_r(NULL, ":", &save)) {
        const struct cipher_info *cipher = cipher_find(name + (*name == '?'));
        if (cipher && cipher_is_weak(cipher)) {
            check_warning(k, "data-ciphers has %s, which has 64-bit blocks and can be broken by collecting traffic "
                             "(SWEET32); remove it", cipher->name);
        } else if (strcasecmp(name, "none") == 0) {
            check_warning(k, "data-ciphers has none: what passes the tunnel can be read and changed; remove it");
        }
    }
}

static void ciphers(struct check *k)
{
    const struct config *c = k->c;
    const struct cipher_info *fallback = c->data_ciphers_fallback ? cipher_find(c->data_ciphers_fallback) : NULL;
    if (fallback && cipher_is_weak(fallback)) {
        check_warning(k, "data-ciphers-fallback %s has 64-bit blocks and can be broken by collecting traffic (SWEET32); "
                         "upgrade the old peers and remove it", fallback->name);
    }
    if (config_is_given(c, "cipher") && !c->data_ciphers_given && !c->data_ciphers_fallback) {
        check_warning(k, "cipher is outdated: both ends negotiate; write data-ciphers for a list of your own, or "
                         "data-ciphers-fallback %s for peers older than 2.4", c->cipher);
    }
    weak_of_list(k);
    if (strcasecmp(c->auth, "none") == 0 || strcasecmp(c->auth, "MD5") == 0) {
        check_warning(k, "auth %s protects nothing; remove the line or use auth SHA256 at both ends", c->auth);
    }
    if (c->compress != CONFIG_COMPRESS_OFF) {
        check_warning(k, "compression framing is outdated; remove comp-lzo and compress at both ends");
    }
}

static void tls(struct check *k)
{
    const struct config *c = k->c;
    if (c->tls_version_min.version < CONFIG_TLS_1_2) {
        check_warning(k, "tls-version-min below 1.2 allows broken versions; remove the line");
    }
    if (c->tls_cert_profile == CONFIG_PROFILE_INSECURE) {
        check_warning(k, "tls-cert-profile insecure accepts forgeable certificates; renew them and remove the line");
    }
    if (!c->top.tls_wrap_given && c->connections.count > 0 && !c->connections.items[0].tls_wrap_given) {
        check_warning(k, "no tls-crypt, tls-crypt-v2 or tls-auth: strangers reach the TLS library; add tls-crypt-v2");
    }
    if (c->tls_version_max != 0 && c->tls_version_max < CONFIG_TLS_1_3) {
        check_warning(k, "tls-version-max forbids TLS 1.3; remove the line");
    }
    if (c->reneg_sec == 0) {
        check_warning(k, "reneg-sec 0: one key protects the whole session, however long; remove the line");
    }
    if (c->ns_cert_type) {
        check_warning(k, "ns-cert-type is outdated; use remote-cert-tls %s",
                      c->ns_cert_type == CONFIG_PEER_SERVER ? "server" : "client");
    }
    if (c->verify_hash.hashes.count) {
        check_warning(k, "verify-hash is outdated; use peer-fingerprint");
    }
}

static void server(struct check *k)
{
    const struct config *c = k->c;
    bool fingerprints = c->peer_fingerprint.count > 0;
    if (!c->crl_verify.file.path && !fingerprints && c->verify_client_cert != CONFIG_CLIENT_CERT_NONE) {
        check_warning(k, "no crl-verify: a revoked certificate still gets in; add crl-verify with the authority's list");
    }
    if (!c->remote_cert_ku.required && !c->remote_cert_eku && !c->ns_cert_type && !fingerprints &&
        c->verify_client_cert != CONFIG_CLIENT_CERT_NONE) {
        check_warning(k, "no remote-cert-tls: a server's certificate may act as a client; add remote-cert-tls client");
    }
    if (!c->ping_restart_given) {
        check_warning(k, "no keepalive: clients that vanish stay for ever; add keepalive 10 60");
    }
}

/* Without it the first of them ends the start, or refuses each client. */
static void programs_that_may_not_run(struct check *k)
{
    const struct config *c = k->c;
    for (unsigned i = 0; i < CONFIG_OPTIONS && c->script_security < 2; i++) {
        const struct config_row *row = config_row((enum config_option)i);
        bool command = row->kind == CONFIG_KIND_COMMAND || i == CONFIG_OPT_auth_user_pass_verify;
        if (command && check_given(k, (enum config_option)i)) {
            check_warning(k, "%s: no program is run without script-security 2; add that line", row->name);
        }
    }
}

static void programs(struct check *k)
{
    const struct config *c = k->c;
    programs_that_may_not_run(k);
    if (c->script_security >= 3) {
        check_warning(k, "script-security 3 puts passwords into the environment of scripts; use 2 and via-file");
    }
    if (c->auth_user_pass.enabled && c->auth_user_pass.file.path && !c->auth_user_pass.file.is_inline) {
        check_warning(k, "auth-user-pass: the file holds the password as plain text; leave the file away to be asked");
    }
}

void check_weak(struct check *k)
{
    const struct config *c = k->c;
    ciphers(k);
    tls(k);
    programs(k);
    if (c->mode == CONFIG_MODE_SERVER) {
        server(k);
    }
    if (c->mode == CONFIG_MODE_SERVER && !c->user && !c->group) {
        check_warning(k, "no user and group: vpnd drops what privileges it can but stays root; add user nobody and "
                         "group nogroup");
    }
    if (c->duplicate_cn && c->client_config_dir) {
        check_warning(k, "duplicate-cn together with client-config-dir: clients of one name share fixed addresses");
    }
    if (c->mode == CONFIG_MODE_SERVER && c->dev_type == CONFIG_DEV_TUN && c->topology != CONFIG_TOPOLOGY_SUBNET &&
        c->ifconfig_pool.given) {
        check_warning(k, "topology net30 uses four addresses a client and is outdated; use topology subnet");
    }
    if (c->mode == CONFIG_MODE_P2P && c->pull && !c->ping_restart_given && config_is_given(c, "ping-restart")) {
        check_warning(k, "ping-restart 0: a dead connection is never noticed");
    }
}
