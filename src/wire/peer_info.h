/* SPDX-License-Identifier: MIT */
#ifndef VPND_WIRE_PEER_INFO_H
#define VPND_WIRE_PEER_INFO_H

#include "base/span.h"

/* Peer info: NAME=value lines in the key-method-2 message (control channel spec, 6). */
#define PEER_INFO_MAX 1800        /* longest text that we build */
#define PEER_INFO_LINE_MAX 255    /* longer lines are cut */

/** Bits of IV_PROTO. */
enum peer_info_proto {
    PEER_INFO_PROTO_DATA_V2 = 1u << 1,
    PEER_INFO_PROTO_REQUEST_PUSH = 1u << 2,
    PEER_INFO_PROTO_TLS_KEY_EXPORT = 1u << 3,
    PEER_INFO_PROTO_AUTH_PENDING_KW = 1u << 4,
    PEER_INFO_PROTO_NCP_P2P = 1u << 5,
    PEER_INFO_PROTO_DNS_OPTION = 1u << 6,
    PEER_INFO_PROTO_CC_EXIT_NOTIFY = 1u << 7,
    PEER_INFO_PROTO_AUTH_FAIL_TEMP = 1u << 8,
    PEER_INFO_PROTO_DYN_TLS_CRYPT = 1u << 9,
    PEER_INFO_PROTO_DATA_EPOCH = 1u << 10,
    PEER_INFO_PROTO_DNS_OPTION_V2 = 1u << 11,
    PEER_INFO_PROTO_PUSH_UPDATE = 1u << 12,
};

/** One line; both spans point into the text. */
struct peer_info_line {
    struct span name;
    struct span value;
};

/**
 * peer_info_next - next well-formed line (name of [A-Za-z0-9_]+, then '=')
 * @text: advanced; start with the whole text
 * Malformed lines are skipped; a value longer than PEER_INFO_LINE_MAX is cut.
 * Return: false at the end.
 */
bool peer_info_next(struct span *text, struct peer_info_line *out);

/** peer_info_find - value of the line named @name. @text may be NULL. Return: false when there is none. */
bool peer_info_find(const char *text, const char *name, struct span *value);

/** peer_info_number - decimal value of a line; @absent when it is missing or not a number in 0..@max. */
unsigned peer_info_number(const char *text, const char *name, unsigned max, unsigned absent);

/** peer_info_proto - IV_PROTO as a bit set; 0 when absent, negative, too large or not a number. */
unsigned peer_info_proto(const char *text);

/** peer_info_exported - names that may be handed to scripts and management: IV_* and UV_*. */
bool peer_info_exported(struct span name);

/** peer_info_sanitise - copy @value with white space, unprintables, '$', '(' and '`' replaced by '_', and a NUL.
 *  Return: characters written, at most @cap - 1. */
size_t peer_info_sanitise(struct span value, char *out, size_t cap);

/** How much a client tells about itself (6, "Levels"). */
enum peer_info_level {
    PEER_INFO_NONE,   /* server in multi-client mode */
    PEER_INFO_P2P,    /* only IV_CIPHERS and IV_PROTO */
    PEER_INFO_PULL,   /* the usual set */
    PEER_INFO_PUSH,   /* push-peer-info: also hardware address, library and platform versions */
};

/** Compression abilities that are announced (data channel spec, 12). */
enum peer_info_compress {
    PEER_INFO_COMPRESS_NOTHING,
    PEER_INFO_COMPRESS_STUB, /* allow-compression no: stubs only */
    PEER_INFO_COMPRESS_ASYM, /* receive compressed */
};

/** What to announce. NULL strings and zero numbers leave their line out. */
struct peer_info_fields {
    enum peer_info_level level;
    const char *version;        /* IV_VER */
    const char *platform;       /* IV_PLAT */
    unsigned mtu;               /* IV_MTU */
    bool ncp;                   /* IV_NCP=2 */
    const char *ciphers;        /* IV_CIPHERS */
    unsigned proto;             /* IV_PROTO */
    enum peer_info_compress compress;
    bool lzo;                   /* we can decompress LZO */
    bool compress_stub_configured; /* ASYM announces the stubs only when one is configured */
    const char *sso;            /* IV_SSO */
    const char *gui_version;    /* IV_GUI_VER */
    const char *hardware_address; /* IV_HWADDR */
    const char *tls_library;    /* IV_SSL */
    const char *platform_version; /* IV_PLAT_VER */
    const char *const *extra;   /* "UV_X=1" and IV_* set by setenv, NULL-terminated; may be NULL */
};

/** peer_info_build - write the lines and a NUL. Return: text length, or ERR_LIMIT. */
int peer_info_build(const struct peer_info_fields *fields, char *out, size_t cap);

#endif
