/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "config/validate.h"
#include "crypto/cipher.h"

static void ciphers(struct check *k)
{
    const struct config *c = k->c;
    const struct cipher_info *fallback = c->data_ciphers_fallback ? cipher_find(c->data_ciphers_fallback) : NULL;
    if (fallback && cipher_is_weak(fallback)) {
        check_warning(k, "data-ciphers-fallback %s has 64-bit blocks and can be broken by collecting traffic (SWEET32); "
                         "upgrade the old peers and remove it", fallback->name);
    }
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
    if (c->ns_cert_type) {
        check_warning(k, "ns-cert-type is outdated; use remote-cert-tls %s",
                      c->ns_cert_type == CONFIG_PEER_SERVER ? "server" : "client");
    }
    if (c->verify_hash.hashes.count) {
        check_warning(k, "verify-hash is outdated; use peer-fingerprint");
    }
}

void check_weak(struct check *k)
{
    const struct config *c = k->c;
    ciphers(k);
    tls(k);
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
