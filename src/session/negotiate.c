/* SPDX-License-Identifier: MIT */
#include "session/negotiate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/occ.h"

#define IV_MTU_MAX 65535
#define IV_NCP_MAX 1000
#define NCP_CIPHERS "AES-256-GCM:AES-128-GCM" /* what IV_NCP=2 without IV_CIPHERS stands for */

static const char NO_SHARED_CIPHER[] = "Data channel cipher negotiation failed (no shared cipher)";
static const char NO_KEY_EXPORT[] =
    "Client incompatible with this server. Keying Material Exporters (RFC 5705) support missing. Upgrade to a client "
    "that supports this feature (OpenVPN 2.6.0+).";

void negotiate_peer_parse(const char *peer_info, const char *options_string, struct negotiate_peer *out)
{
    memset(out, 0, sizeof *out);
    out->proto = peer_info_proto(peer_info);
    out->ncp = peer_info_number(peer_info, "IV_NCP", IV_NCP_MAX, 0);
    out->mtu = peer_info_number(peer_info, "IV_MTU", IV_MTU_MAX, 0);
    struct span ciphers;
    if (peer_info_find(peer_info, "IV_CIPHERS", &ciphers)) {
        out->has_ciphers = true;
        snprintf(out->ciphers, sizeof out->ciphers, "%.*s", (int)ciphers.len, (const char *)ciphers.data);
    } else if (out->ncp >= 2) {
        snprintf(out->ciphers, sizeof out->ciphers, "%s", NCP_CIPHERS);
    }
    if (options_string) {
        struct span ignored;
        (void)occ_cipher(options_string, out->occ_cipher, sizeof out->occ_cipher);
        out->occ_comp_lzo = occ_item(options_string, "comp-lzo", &ignored);
    }
}

/* Take entry number @index of a colon-separated list. Return: false at its end. Empty and overlong ones are "". */
static bool list_entry(const char **list, char out[CIPHER_NAME_MAX])
{
    if (!*list) {
        return false;
    }
    const char *end = strchr(*list, ':');
    size_t len = end ? (size_t)(end - *list) : strlen(*list);
    snprintf(out, CIPHER_NAME_MAX, "%.*s", len < CIPHER_NAME_MAX ? (int)len : 0, *list);
    *list = end ? end + 1 : NULL;
    return true;
}

/* Users write ciphers as they like; the library and the peer know one spelling. */
static const char *spelling(const char *cipher)
{
    const struct cipher_info *info = cipher_find(cipher);
    return info ? info->name : cipher;
}

static void choose(struct negotiated *out, const char *cipher)
{
    snprintf(out->cipher, sizeof out->cipher, "%s", spelling(cipher));
}

/* First entry of @preferred that is in @accepted or equals @occ. */
static bool choose_common(const char *preferred, const char *accepted, const char *occ, struct negotiated *out)
{
    char entry[CIPHER_NAME_MAX];
    while (list_entry(&preferred, entry)) {
        if (entry[0] && (cipher_list_contains(accepted, entry) || (occ[0] && strcmp(occ, entry) == 0))) {
            choose(out, entry);
            return true;
        }
    }
    return false;
}

/* What both ends can do beyond the cipher. */
static void agree(uint32_t both, struct negotiated *out)
{
    out->data_v2 = both & PEER_INFO_PROTO_DATA_V2;
    out->derivation = both & PEER_INFO_PROTO_TLS_KEY_EXPORT ? SESSION_KEYS_EXPORTER : SESSION_KEYS_PRF;
    out->cc_exit = both & PEER_INFO_PROTO_CC_EXIT_NOTIFY;
    out->dynamic_crypt = both & PEER_INFO_PROTO_DYN_TLS_CRYPT;
    out->epoch = (both & PEER_INFO_PROTO_DATA_EPOCH) && out->data_v2 && cipher_is_aead(cipher_find(out->cipher));
}

int negotiate_server(const struct negotiate_policy *policy, const struct negotiate_peer *peer, struct negotiated *out,
                     const char **refusal)
{
    memset(out, 0, sizeof *out);
    const char *occ = peer->has_ciphers ? "" : peer->occ_cipher;
    if (policy->force_key_export && !(peer->proto & policy->proto & PEER_INFO_PROTO_TLS_KEY_EXPORT)) {
        *refusal = NO_KEY_EXPORT;
        return ERR_UNSUPPORTED;
    }
    if (!choose_common(policy->data_ciphers, peer->ciphers, occ, out)) {
        if (peer->ciphers[0] || peer->has_ciphers || occ[0] || !policy->fallback) {
            *refusal = NO_SHARED_CIPHER;
            return ERR_UNSUPPORTED;
        }
        choose(out, policy->fallback);
    }
    agree(peer->proto & policy->proto, out);
    out->push_cipher = peer->ncp >= 2 || peer->has_ciphers;
    out->push_mtu = peer->mtu > 0;
    /* The newer flags travel in protocol-flags, which bit 7 announces. */
    if (!(peer->proto & PEER_INFO_PROTO_CC_EXIT_NOTIFY)) {
        out->dynamic_crypt = false;
        out->epoch = false;
    }
    return 0;
}

const char *negotiate_flags_option(const struct negotiate_peer *peer, const struct negotiated *outcome,
                                   char out[NEGOTIATE_TEXT_MAX])
{
    bool exporter = outcome->derivation == SESSION_KEYS_EXPORTER;
    out[0] = '\0';
    if (!(peer->proto & PEER_INFO_PROTO_CC_EXIT_NOTIFY)) {
        snprintf(out, NEGOTIATE_TEXT_MAX, "%s", exporter ? "key-derivation tls-ekm" : "");
    } else if (outcome->cc_exit || exporter || outcome->dynamic_crypt || outcome->epoch) {
        snprintf(out, NEGOTIATE_TEXT_MAX, "protocol-flags%s%s%s%s", outcome->cc_exit ? " cc-exit" : "",
                 exporter ? " tls-ekm" : "", outcome->dynamic_crypt ? " dyn-tls-crypt" : "",
                 outcome->epoch ? " aead-epoch" : "");
    }
    return out;
}

/* Apply one word of protocol-flags. Return: it is known. */
static bool apply_flag(const char *word, size_t len, struct negotiated *out)
{
    static const char *const NAMES[] = {"cc-exit", "tls-ekm", "dyn-tls-crypt", "aead-epoch"};
    size_t i = 0;
    while (i < 4 && (strlen(NAMES[i]) != len || memcmp(NAMES[i], word, len) != 0)) {
        i++;
    }
    switch (i) {
    case 0:
        out->cc_exit = true;
        return true;
    case 1:
        out->derivation = SESSION_KEYS_EXPORTER;
        return true;
    case 2:
        out->dynamic_crypt = true;
        return true;
    case 3:
        out->epoch = true;
        return true;
    default:
        return false;
    }
}

static void apply_flags(const char *flags, struct negotiated *out, char unknown[CIPHER_NAME_MAX])
{
    while (*flags) {
        size_t blanks = strspn(flags, " \t");
        flags += blanks;
        size_t len = strcspn(flags, " \t");
        if (len > 0 && !apply_flag(flags, len, out) && unknown && !unknown[0]) {
            snprintf(unknown, CIPHER_NAME_MAX, "%.*s", (int)(len < CIPHER_NAME_MAX ? len : CIPHER_NAME_MAX - 1), flags);
        }
        flags += len;
    }
}

static int client_cipher(const struct negotiate_policy *policy, const struct negotiate_pushed *pushed,
                         struct negotiated *out, char error[NEGOTIATE_TEXT_MAX])
{
    char occ[CIPHER_NAME_MAX] = "";
    if (pushed->cipher) {
        const char *name = spelling(pushed->cipher);
        bool is_fallback = policy->fallback && strcmp(spelling(policy->fallback), name) == 0;
        if (!cipher_list_contains(policy->data_ciphers, name) && !is_fallback) {
            snprintf(error, NEGOTIATE_TEXT_MAX,
                     "failed to negotiate cipher with server. Add the server's cipher ('%.40s') to --data-ciphers "
                     "(currently '%.127s') if you want to connect to this server.",
                     name, policy->data_ciphers);
            return ERR_UNSUPPORTED;
        }
        choose(out, name);
        return 0;
    }
    bool has_occ = pushed->server_options && occ_cipher(pushed->server_options, occ, sizeof occ);
    if (has_occ && cipher_list_contains(policy->data_ciphers, occ)) {
        choose(out, occ);
        return 0;
    }
    if (!has_occ && policy->fallback) {
        choose(out, policy->fallback);
        return 0;
    }
    snprintf(error, NEGOTIATE_TEXT_MAX,
             "the server names %s%.40s and pushes no cipher: set data-ciphers%s to one that it uses",
             has_occ ? "cipher " : "no cipher", occ, has_occ ? "" : "-fallback");
    return ERR_UNSUPPORTED;
}

int negotiate_client(const struct negotiate_policy *policy, const struct negotiate_pushed *pushed,
                     struct negotiated *out, char error[NEGOTIATE_TEXT_MAX], char unknown_flag[CIPHER_NAME_MAX])
{
    memset(out, 0, sizeof *out);
    error[0] = '\0';
    if (unknown_flag) {
        unknown_flag[0] = '\0';
    }
    int err = client_cipher(policy, pushed, out, error);
    if (err) {
        return err;
    }
    out->data_v2 = pushed->has_peer_id;
    if (pushed->key_derivation && strcmp(pushed->key_derivation, "tls-ekm") == 0) {
        out->derivation = SESSION_KEYS_EXPORTER;
    }
    if (pushed->protocol_flags) {
        apply_flags(pushed->protocol_flags, out, unknown_flag);
    }
    if (out->epoch && (!pushed->has_peer_id || !cipher_is_aead(cipher_find(out->cipher)))) {
        snprintf(error, NEGOTIATE_TEXT_MAX,
                 "the server pushed aead-epoch without a peer-id and an AEAD cipher: its configuration is broken");
        return ERR_UNSUPPORTED;
    }
    return 0;
}

int negotiate_p2p(const struct negotiate_policy *policy, const struct negotiate_peer *peer, bool tls_server,
                  struct negotiated *out)
{
    memset(out, 0, sizeof *out);
    const char *first = tls_server ? policy->data_ciphers : peer->ciphers;
    const char *second = tls_server ? peer->ciphers : policy->data_ciphers;
    if (!peer->has_ciphers || !choose_common(first, second, "", out)) {
        if (!policy->fallback) {
            return ERR_UNSUPPORTED;
        }
        choose(out, policy->fallback);
    }
    if (peer->proto & PEER_INFO_PROTO_NCP_P2P) {
        agree(peer->proto & policy->proto, out);
    }
    return 0;
}

int negotiate_p2p_peer_id(struct session *session, const struct negotiated *outcome)
{
    if (!outcome->data_v2) {
        return ERR_NOT_FOUND;
    }
    if (outcome->derivation != SESSION_KEYS_EXPORTER) {
        return NEGOTIATE_PEER_ID_DEFAULT;
    }
    uint8_t id[3];
    int err = session_export_label(session, "EXPORTER-OpenVPN-p2p-peerid", id, sizeof id);
    return err ? err : id[0] << 16 | id[1] << 8 | id[2];
}
