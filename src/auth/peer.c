/* SPDX-License-Identifier: MIT */
#include "auth/peer.h"

#include <stdlib.h>
#include <string.h>

#include "auth/cert.h"
#include "auth/peer_record.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "hooks/env.h"

/* One certificate of the chain. */
struct link {
    char *subject;
    char *serial;
    char *pem;
    uint8_t sha1[DIGEST_SHA1_SIZE];
    uint8_t sha256[DIGEST_SHA256_SIZE];
    char serial_hex[CERT_SERIAL_HEX_MAX];
    struct env attributes;
};

struct auth_peer {
    char *tag;
    struct link chain[AUTH_CHAIN_MAX];
    unsigned depth;       /* certificates in @chain, whether or not accepted */
    bool accepted;        /* this handshake */
    char common_name[AUTH_COMMON_NAME_MAX + 1];
    uint64_t expires;
    struct x509_st *leaf;
    bool had_first;       /* a chain was accepted before */
    bool changed;         /* a later one brought another identity */
    unsigned first_depth;
    uint8_t first_chain[AUTH_CHAIN_MAX][DIGEST_SHA256_SIZE];
    char first_name[AUTH_COMMON_NAME_MAX + 1];
};

struct auth_peer *auth_peer_new(const char *log_tag)
{
    struct auth_peer *peer = mem_zalloc(sizeof(*peer));
    peer->tag = mem_strdup(log_tag);
    return peer;
}

static void forget_chain(struct auth_peer *peer)
{
    for (unsigned i = 0; i < AUTH_CHAIN_MAX; i++) {
        struct link *link = &peer->chain[i];
        free(link->subject);
        free(link->serial);
        free(link->pem);
        env_free(&link->attributes);
        *link = (struct link){0};
    }
    peer->depth = 0;
    peer->accepted = false;
    peer->common_name[0] = '\0';
    peer->expires = 0;
    cert_unref(peer->leaf);
    peer->leaf = NULL;
}

void auth_peer_free(struct auth_peer *peer)
{
    if (peer) {
        forget_chain(peer);
        free(peer->tag);
        free(peer);
    }
}

/* ------------------------------------------------------------------ reading */

bool auth_peer_has_certificate(const struct auth_peer *peer)
{
    return peer->accepted;
}

const char *auth_peer_common_name(const struct auth_peer *peer)
{
    return peer->accepted ? peer->common_name : "";
}

unsigned auth_peer_depth(const struct auth_peer *peer)
{
    return peer->accepted ? peer->depth : 0;
}

const char *auth_peer_subject(const struct auth_peer *peer, unsigned depth)
{
    return depth < auth_peer_depth(peer) && peer->chain[depth].subject ? peer->chain[depth].subject : "";
}

const uint8_t *auth_peer_fingerprint(const struct auth_peer *peer, unsigned depth)
{
    return depth < auth_peer_depth(peer) ? peer->chain[depth].sha256 : NULL;
}

uint64_t auth_peer_expires(const struct auth_peer *peer)
{
    return peer->accepted ? peer->expires : 0;
}

const char *auth_peer_pem(const struct auth_peer *peer, unsigned depth)
{
    return depth < auth_peer_depth(peer) ? peer->chain[depth].pem : NULL;
}

struct x509_st *auth_peer_leaf(const struct auth_peer *peer)
{
    return peer->accepted ? peer->leaf : NULL;
}

bool auth_peer_same(const struct auth_peer *a, const struct auth_peer *b)
{
    unsigned depth = auth_peer_depth(a);
    bool same = depth == auth_peer_depth(b) && strcmp(auth_peer_common_name(a), auth_peer_common_name(b)) == 0;
    for (unsigned i = 0; same && i < depth; i++) {
        same = memcmp(a->chain[i].sha256, b->chain[i].sha256, DIGEST_SHA256_SIZE) == 0;
    }
    return same;
}

bool auth_peer_unchanged(const struct auth_peer *peer)
{
    bool vanished = peer->had_first && !peer->accepted;
    return !peer->changed && !vanished;
}

void auth_peer_export(const struct auth_peer *peer, unsigned depth, struct env *env)
{
    for (unsigned i = auth_peer_depth(peer); i-- > depth;) {
        const struct link *link = &peer->chain[i];
        char text[DIGEST_TEXT_MAX];
        if (!link->subject) {
            continue;
        }
        env_merge(env, &link->attributes);
        env_set_indexed(env, "tls_id_", i, link->subject);
        env_set_indexed(env, "tls_digest_", i, digest_format(link->sha1, DIGEST_SHA1_SIZE, text));
        env_set_indexed(env, "tls_digest_sha256_", i, digest_format(link->sha256, DIGEST_SHA256_SIZE, text));
        env_set_indexed(env, "tls_serial_", i, link->serial);
        env_set_indexed(env, "tls_serial_hex_", i, link->serial_hex);
    }
    if (depth == 0) {
        env_set(env, "common_name", auth_peer_common_name(peer));
    }
}

/* ------------------------------------------------------------------ filling */

void peer_record_begin(struct auth_peer *peer)
{
    forget_chain(peer);
}

int peer_record_certificate(struct auth_peer *peer, unsigned depth, struct x509_st *cert,
                            const struct config_x509_track_list *track, bool keep_pem)
{
    struct link *link = &peer->chain[depth];
    free(link->subject);
    free(link->serial);
    free(link->pem);
    env_free(&link->attributes);
    *link = (struct link){.subject = cert_subject(cert), .serial = cert_serial_decimal(cert)};
    link->pem = keep_pem ? cert_pem(cert) : NULL;
    cert_serial_hex(cert, link->serial_hex);
    if (!link->subject || !link->serial || cert_fingerprint(cert, false, link->sha1) ||
        cert_fingerprint(cert, true, link->sha256)) {
        return ERR_FORMAT;
    }
    cert_export(cert, depth, track, &link->attributes);
    peer->depth = depth + 1 > peer->depth ? depth + 1 : peer->depth;
    if (depth == 0) {
        peer->expires = cert_not_after(cert);
        cert_unref(peer->leaf);
        peer->leaf = cert_ref(cert);
    }
    return 0;
}

void peer_record_name(struct auth_peer *peer, const char *common_name)
{
    memcpy(peer->common_name, common_name, strnlen(common_name, AUTH_COMMON_NAME_MAX) + 1);
    peer->common_name[AUTH_COMMON_NAME_MAX] = '\0';
}

static bool same_as_first(const struct auth_peer *peer)
{
    bool same = peer->depth == peer->first_depth && strcmp(peer->common_name, peer->first_name) == 0;
    for (unsigned i = 0; same && i < peer->depth; i++) {
        same = memcmp(peer->chain[i].sha256, peer->first_chain[i], DIGEST_SHA256_SIZE) == 0;
    }
    return same;
}

bool peer_record_accept(struct auth_peer *peer)
{
    if (!peer->chain[0].subject) {
        return false;
    }
    peer->accepted = true;
    if (peer->had_first) {
        peer->changed = peer->changed || !same_as_first(peer);
        return true;
    }
    peer->had_first = true;
    peer->first_depth = peer->depth;
    memcpy(peer->first_name, peer->common_name, sizeof(peer->first_name));
    for (unsigned i = 0; i < peer->depth; i++) {
        memcpy(peer->first_chain[i], peer->chain[i].sha256, DIGEST_SHA256_SIZE);
    }
    return true;
}

const char *peer_record_tag(const struct auth_peer *peer)
{
    return peer->tag;
}
