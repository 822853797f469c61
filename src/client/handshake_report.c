/* SPDX-License-Identifier: MIT */
#include "client/handshake_report.h"

#include "base/err.h"
#include "base/log.h"
#include "wire/occ.h"

const char *handshake_report_hint(enum session_hint hint, bool tcp, bool wrapped)
{
    switch (hint) {
    case SESSION_HINT_NONE:
        return "";
    case SESSION_HINT_NO_REPLY:
        if (tcp) {
            return "the server accepts TCP but does not answer; is it an OpenVPN server with proto tcp on this port"
                   " and does its tls-auth or tls-crypt key match?";
        }
        return wrapped ? "nothing came back; is the address right, is UDP let through, and is the tls-auth or"
                         " tls-crypt key (and key-direction) the server's?"
                       : "nothing came back; is the address right, is UDP let through (and not TCP what the server"
                         " wants), and does it ask for a tls-auth or tls-crypt key?";
    case SESSION_HINT_BAD_WRAP:
        return "packets came back but their HMAC or tag is wrong: the tls-auth or tls-crypt key, the key-direction"
               " or the auth digest differs from the server's";
    case SESSION_HINT_TLS_ALERT_IN:
        return "the server refused this client's TLS offer or certificate; its log tells more";
    case SESSION_HINT_TLS_ERROR:
        return "the server's certificate or TLS offer was refused; check ca, remote-cert-tls, verify-x509-name and"
               " tls-version-min";
    case SESSION_HINT_CERT_TIME:
        return "a certificate is expired or not yet valid; check the clocks of both ends, then the certificates";
    case SESSION_HINT_KEY_METHOD:
        return "TLS works but the key exchange inside does not; the other end may not be an OpenVPN server";
    case SESSION_HINT_STALLED:
        return "the handshake began and then stopped: packets are lost or too large for the path (try max-packet-size"
               " or a smaller MTU)";
    }
    return "";
}

static void report_cause(const struct session_event *event, unsigned window_s)
{
    switch (event->hint) {
    case SESSION_HINT_TLS_ALERT_IN:
    case SESSION_HINT_TLS_ERROR:
    case SESSION_HINT_CERT_TIME:
        log_error("OpenSSL: %s", event->text ? event->text : "unknown error");
        log_error("TLS_ERROR: BIO read tls_read_plaintext error");
        log_error("TLS Error: TLS object -> incoming plaintext read error");
        break;
    case SESSION_HINT_KEY_METHOD:
        log_error("TLS Error: the key exchange of the peer is not valid: %s", event->text ? event->text : "");
        break;
    case SESSION_HINT_NONE:
    case SESSION_HINT_NO_REPLY:
    case SESSION_HINT_BAD_WRAP:
    case SESSION_HINT_STALLED:
        log_error("TLS Error: TLS key negotiation failed to occur within %u seconds (check your network connectivity)",
                  window_s);
        break;
    }
}

void handshake_report_failure(const struct session_event *event, const union addr *remote, unsigned window_s, bool tcp,
                              bool wrapped)
{
    report_cause(event, window_s);
    log_error("TLS Error: TLS handshake failed");
    const char *hint = handshake_report_hint(event->hint, tcp, wrapped);
    if (hint[0]) {
        char text[ADDR_TEXT_MAX];
        log_error("Hint for %s: %s", addr_format_log(remote, text), hint);
    }
}

static void report_difference(void *arg, const struct occ_difference *d)
{
    (void)arg;
    int local_len = (int)d->local.len;
    int remote_len = (int)d->remote.len;
    const char *local = (const char *)d->local.data;
    const char *remote = (const char *)d->remote.data;
    struct rd r = rd_init(d->local.len ? d->local.data : d->remote.data, d->local.len ? d->local.len : d->remote.len);
    int name_len = 0;
    while (rd_left(&r) && rd_u8(&r) != ' ') {
        name_len++;
    }
    switch (d->kind) {
    case OCC_INCONSISTENT:
        log_warn("WARNING: '%.*s' is used inconsistently, local='%.*s', remote='%.*s'", name_len, local, local_len, local,
                 remote_len, remote);
        if (occ_is_device_kind(d)) {
            log_warn("%s", OCC_DEVICE_KIND_HINT);
        }
        break;
    case OCC_ONLY_LOCAL:
        log_warn("WARNING: '%.*s' is present in local config but missing in remote config, local='%.*s'", name_len, local,
                 local_len, local);
        break;
    case OCC_ONLY_REMOTE:
        log_warn("WARNING: '%.*s' is present in remote config but missing in local config, remote='%.*s'", name_len,
                 remote, remote_len, remote);
        break;
    case OCC_VERSION:
        log_warn("WARNING: the options strings have different versions, local='%.*s', remote='%.*s'", local_len, local,
                 remote_len, remote);
        break;
    }
}

void handshake_report_options(const char *expected, const char *received)
{
    (void)occ_compare(expected, received, report_difference, NULL);
}

void handshake_report_dropped(int error, const union addr *remote)
{
    char text[ADDR_TEXT_MAX];
    switch (error) {
    case ERR_AUTH:
        log_error("Authenticate/Decrypt packet error: packet HMAC authentication failed");
        log_error("TLS Error: incoming packet authentication failed from %s", addr_format_log(remote, text));
        break;
    case ERR_REPLAY:
        log_warn("Authenticate/Decrypt packet error: bad packet ID (may be a replay) from %s",
                 addr_format_log(remote, text));
        break;
    default:
        log_debug("TLS Error: unusable control packet from %s: %s", addr_format_log(remote, text), err_str(error));
        break;
    }
}
