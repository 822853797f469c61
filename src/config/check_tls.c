/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config/validate.h"

static bool has_authority(const struct config *c)
{
    return config_file_given(&c->ca) || c->capath || config_file_given(&c->pkcs12) || c->peer_fingerprint.count ||
           c->verify_hash.hashes.count;
}

static void role(struct check *k)
{
    const struct config *c = k->c;
    if (c->tls_server && c->tls_client) {
        check_error(k, "specify only one of --tls-server, --tls-client, or --secret");
    }
    if (c->tls_server || c->tls_client) {
        return;
    }
    if (c->mode == CONFIG_MODE_SERVER) {
        return; /* reported with the mode */
    }
    if (c->pull) {
        check_error(k, "Parameter --pull can only be specified in TLS-mode, i.e. where --tls-server or --tls-client is "
                       "also specified.");
    } else {
        check_error(k, "neither tls-client nor tls-server is configured, and vpnd does not run a VPN without TLS; add "
                       "one of them, peer-fingerprint then needs no certificate authority");
    }
}

static void pkcs12_alone(struct check *k)
{
    const struct config *c = k->c;
    static const char *const text = "Parameter --%s cannot be used when --pkcs12 is also specified.";
    if (!config_file_given(&c->pkcs12)) {
        return;
    }
    if (c->capath) {
        check_error(k, text, "capath");
    }
    if (config_file_given(&c->cert)) {
        check_error(k, text, "cert");
    }
    if (config_file_given(&c->key)) {
        check_error(k, text, "key");
    }
    if (c->management_external_key.enabled) {
        check_error(k, text, "management-external-key");
    }
}

static void own_certificate(struct check *k)
{
    const struct config *c = k->c;
    bool cert = config_file_given(&c->cert) || c->management_external_cert;
    bool key = config_file_given(&c->key) || c->management_external_key.enabled;
    if (config_file_given(&c->pkcs12)) {
        return;
    }
    if (config_file_given(&c->key) && c->management_external_key.enabled) {
        check_error(k, "--key and --management-external-key are mutually exclusive");
    }
    if (config_file_given(&c->cert) && c->management_external_cert) {
        check_error(k, "--cert and --management-external-cert are mutually exclusive");
    }
    if (c->tls_server) {
        if (!cert) {
            check_error(k, "You must define certificate file (--cert) or PKCS#12 file (--pkcs12)");
        }
        if (!key) {
            check_error(k, "You must define private key file (--key) or PKCS#12 file (--pkcs12)");
        }
        return;
    }
    if (cert != key) {
        check_error(k, "If you use one of --cert or --key, you must use them both");
    } else if (!cert && c->pull && !c->auth_user_pass.enabled && !c->auth_token) {
        check_error(k, "No client-side authentication method is specified.  You must use either --cert/--key, --pkcs12, "
                       "or --auth-user-pass");
    } else if (!cert && !c->pull) {
        check_error(k, "You must define certificate file (--cert) or PKCS#12 file (--pkcs12)");
    }
}

static void peer_checks(struct check *k)
{
    const struct config *c = k->c;
    if (c->peer_fingerprint.count && c->verify_hash.hashes.count) {
        check_error(k, "--peer-fingerprint and --verify-hash are mutually exclusive");
    }
    if (c->tls_client && !c->remote_cert_ku.required && !c->remote_cert_eku && !c->ns_cert_type &&
        !c->verify_x509_name.name && !c->tls_verify && !c->peer_fingerprint.count && !c->verify_hash.hashes.count) {
        check_warning(k, "No server certificate verification method has been enabled.  See "
                         "http://openvpn.net/howto.html#mitm for more info.");
    }
}

void check_tls(struct check *k)
{
    const struct config *c = k->c;
    role(k);
    if (!c->tls_server && !c->tls_client) {
        return;
    }
    if (!has_authority(c)) {
        check_error(k, "You must define CA file (--ca) or CA path (--capath) and/or peer fingerprint verification "
                       "(--peer-fingerprint)");
        if (check_stop(k)) {
            return;
        }
    }
    pkcs12_alone(k);
    own_certificate(k);
    peer_checks(k);
    if (c->auth_user_pass.enabled && !c->auth_nocache && k->reporter && k->reporter->keep_going) {
        check_warning(k, "this configuration may cache passwords in memory -- use the auth-nocache option to prevent "
                         "this");
    }
}
