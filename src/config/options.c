/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include <string.h>

#include "config/config.h"
#include "config/set_handlers.h"

/* Words of the rows. */
#define FILES CONFIG_AT_FILES
#define BLOCK CONFIG_AT_BLOCK
#define CCD CONFIG_AT_CCD
#define PUSHED CONFIG_AT_PUSHED
#define INLINE CONFIG_AT_INLINE
#define LIVE CONFIG_LIVE
#define KEYS (CONFIG_LIVE | CONFIG_WITH_KEYS)
#define NETWORK CONFIG_NETWORK
#define CLIENT CONFIG_FOR_CLIENT
#define SERVER CONFIG_FOR_SERVER
#define P2P CONFIG_FOR_P2P
#define TOOLS CONFIG_FOR_TOOLS
#define ANY_MODE (CONFIG_FOR_CLIENT | CONFIG_FOR_SERVER | CONFIG_FOR_P2P)
#define NO_PUSH CONFIG_PUSH_NONE
#define P_UP CONFIG_PUSH_UP
#define P_ROUTE CONFIG_PUSH_ROUTE
#define P_DNS CONFIG_PUSH_DNS
#define P_ROUTE_EXTRA CONFIG_PUSH_ROUTE_EXTRA
#define P_TIMER CONFIG_PUSH_TIMER
#define P_SOCKET CONFIG_PUSH_SOCKET
#define P_MISC CONFIG_PUSH_MISC
#define P_PROTOCOL CONFIG_PUSH_PROTOCOL
#define UPDATE CONFIG_PUSH_UPDATE

static const struct config_choice choices_mode[] = {
    {"p2p", CONFIG_MODE_P2P}, {"server", CONFIG_MODE_SERVER}, {NULL, 0}};
static const struct config_choice choices_dev_type[] = {{"tun", CONFIG_DEV_TUN}, {"tap", CONFIG_DEV_TAP}, {NULL, 0}};
static const struct config_choice choices_topology[] = {
    {"net30", CONFIG_TOPOLOGY_NET30}, {"p2p", CONFIG_TOPOLOGY_P2P}, {"subnet", CONFIG_TOPOLOGY_SUBNET}, {NULL, 0}};
static const struct config_choice choices_auth_retry[] = {{"none", CONFIG_AUTH_RETRY_NONE},
                                                          {"nointeract", CONFIG_AUTH_RETRY_NOINTERACT},
                                                          {"interact", CONFIG_AUTH_RETRY_INTERACT},
                                                          {NULL, 0}};
static const struct config_choice choices_client_cert[] = {{"none", CONFIG_CLIENT_CERT_NONE},
                                                           {"optional", CONFIG_CLIENT_CERT_OPTIONAL},
                                                           {"require", CONFIG_CLIENT_CERT_REQUIRE},
                                                           {NULL, 0}};
static const struct config_choice choices_cert_profile[] = {{"insecure", CONFIG_PROFILE_INSECURE},
                                                            {"legacy", CONFIG_PROFILE_LEGACY},
                                                            {"preferred", CONFIG_PROFILE_PREFERRED},
                                                            {"suiteb", CONFIG_PROFILE_SUITEB},
                                                            {NULL, 0}};
static const struct config_choice choices_peer_kind[] = {
    {"client", CONFIG_PEER_CLIENT}, {"server", CONFIG_PEER_SERVER}, {NULL, 0}};
static const struct config_choice choices_mtu_disc[] = {
    {"no", CONFIG_MTU_DISC_NO}, {"maybe", CONFIG_MTU_DISC_MAYBE}, {"yes", CONFIG_MTU_DISC_YES}, {NULL, 0}};
static const struct config_choice choices_transport[] = {
    {"udp", CONFIG_TRANSPORT_UDP}, {"tcp", CONFIG_TRANSPORT_TCP}, {NULL, 0}};
static const struct config_choice choices_allow_compression[] = {
    {"no", CONFIG_COMPRESSION_NO}, {"asym", CONFIG_COMPRESSION_ASYM}, {"yes", CONFIG_COMPRESSION_YES}, {NULL, 0}};
static const struct config_choice choices_vlan_accept[] = {
    {"all", CONFIG_VLAN_ALL}, {"tagged", CONFIG_VLAN_TAGGED}, {"untagged", CONFIG_VLAN_UNTAGGED}, {NULL, 0}};
static const struct config_choice choices_remap[] = {
    {"SIGHUP", CONFIG_REMAP_SIGHUP}, {"SIGTERM", CONFIG_REMAP_SIGTERM}, {NULL, 0}};
static const struct config_choice choices_engine[] = {
    {"auto", CONFIG_ENGINE_AUTO}, {"openssl", CONFIG_ENGINE_OPENSSL}, {"ipsec-mb", CONFIG_ENGINE_IPSEC_MB}, {NULL, 0}};
static const struct config_choice choices_address_form[] = {
    {"2.6", CONFIG_ADDRESS_2_6}, {"2.7", CONFIG_ADDRESS_2_7}, {NULL, 0}};

/* What a row's TYPE puts into the table. */
#define TABLE_FLAG .kind = CONFIG_KIND_FLAG
#define TABLE_UINT(l, h) .kind = CONFIG_KIND_UINT, .low = (l), .high = (h)
#define TABLE_UINT_OR(l, h, m) .kind = CONFIG_KIND_UINT, .low = (l), .high = (h), .missing = #m
#define TABLE_INT(l, h) .kind = CONFIG_KIND_INT, .low = (l), .high = (h)
#define TABLE_U64 .kind = CONFIG_KIND_U64
#define TABLE_TEXT .kind = CONFIG_KIND_TEXT
#define TABLE_COMMAND .kind = CONFIG_KIND_COMMAND
#define TABLE_PATH_OF(c) .kind = CONFIG_KIND_PATH, .check = CONFIG_##c
#define TABLE_FILE_OF(c) .kind = CONFIG_KIND_FILE, .check = CONFIG_##c
#define TABLE_CHOICE(set) .kind = CONFIG_KIND_CHOICE, .choices = choices_##set
#define TABLE_CHOICE_OR(set, m) .kind = CONFIG_KIND_CHOICE, .choices = choices_##set, .missing = (m)
#define TABLE_LIST(element, fn) .kind = CONFIG_KIND_LIST, .handler = (fn)
#define TABLE_CALL(type, fn) .kind = CONFIG_KIND_CALL, .handler = (fn)

#define OPTION(id, text, type, mn, mx, wh, mo, pu, st, in, ar, he)                                                     \
    {.name = (text), .scope = TABLE_SCOPE, .min = (mn), .max = (mx), .where = (wh), .modes = (mo), .push = (pu),       \
     .state = CONFIG_STATE_##st, .init = (in), .args = (ar), .help = (he), .offset = offsetof(TABLE_STRUCT, id),       \
     .size = sizeof(((TABLE_STRUCT *)NULL)->id), TABLE_##type},
#define MEMBER(type, id, he)
#define WORD(id, text, fn, mn, mx, wh, mo, pu, st, ar, he)                                                             \
    {.name = (text), .scope = TABLE_SCOPE, .kind = CONFIG_KIND_WORD, .handler = (fn), .min = (mn), .max = (mx),        \
     .where = (wh), .modes = (mo), .push = (pu), .state = CONFIG_STATE_##st, .args = (ar), .help = (he)},
#define ALIAS(id, text, target, mn, mx, wh, mo, pu, ar, he)                                                            \
    {.name = (text), .scope = TABLE_SCOPE, .kind = CONFIG_KIND_ALIAS, .low = CONFIG_OPT_##target, .min = (mn),         \
     .max = (mx), .where = (wh), .modes = (mo), .push = (pu), .args = (ar), .help = (he)},
#define TOOL(id, text, command, mn, mx, st, ar, he)                                                                    \
    {.name = (text), .scope = TABLE_SCOPE, .kind = CONFIG_KIND_TOOL, .low = (command), .min = (mn), .max = (mx),       \
     .where = FILES, .modes = TOOLS, .state = CONFIG_STATE_##st, .args = (ar), .help = (he)},
#define BLOCK_OPTION(id, text, wh, mo, st, ar, he)                                                                     \
    {.name = (text), .scope = TABLE_SCOPE, .kind = CONFIG_KIND_BLOCK, .min = 0, .max = 0, .where = (wh),               \
     .modes = (mo), .state = CONFIG_STATE_##st, .args = (ar), .help = (he)},
#define HARMLESS(id, text, mn, mx, wh, mo, pu, why)                                                                    \
    {.name = (text), .scope = TABLE_SCOPE, .kind = CONFIG_KIND_HARMLESS, .min = (mn), .max = (mx), .where = (wh),      \
     .modes = (mo), .push = (pu), .args = "", .help = (why)},
#define REFUSED(id, text, wh, why, re)                                                                                 \
    {.name = (text), .scope = TABLE_SCOPE, .kind = CONFIG_KIND_REFUSED, .min = 0, .max = 15, .where = (wh),            \
     .modes = ANY_MODE, .args = "", .help = (why), .remedy = (re)},

static const struct config_row table[CONFIG_OPTIONS] = {
#define TABLE_SCOPE CONFIG_IN_CONNECTION
#define TABLE_STRUCT struct config_connection
#include "config/options_connection.def"
#undef TABLE_SCOPE
#undef TABLE_STRUCT
#define TABLE_SCOPE CONFIG_IN_CLIENT
#define TABLE_STRUCT struct config_client
#include "config/options_client.def"
#undef TABLE_SCOPE
#undef TABLE_STRUCT
#define TABLE_SCOPE CONFIG_IN_CONFIG
#define TABLE_STRUCT struct config
#include "config/options_tunnel.def"
#include "config/options_transport.def"
#include "config/options_tls.def"
#include "config/options_server.def"
#include "config/options_process.def"
#include "config/options_vpnd.def"
};

const struct config_row *config_row(enum config_option option)
{
    return &table[option];
}

const struct config_row *config_row_find(const char *name)
{
    for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

enum config_option config_row_option(const struct config_row *row)
{
    return (enum config_option)(row - table);
}

const struct config_row *config_row_target(const struct config_row *row)
{
    return row->kind == CONFIG_KIND_ALIAS ? &table[row->low] : row;
}

const char *config_row_theme(enum config_option option)
{
    switch (option) {
    case CONFIG_OPT_remote:
        return "Connection options (also in <connection> blocks)";
    case CONFIG_OPT_push:
        return "Options that may differ between clients";
    case CONFIG_OPT_dev:
        return "Tunnel options";
    case CONFIG_OPT_connection:
        return "Transport options";
    case CONFIG_OPT_tls_client:
        return "TLS and authentication options";
    case CONFIG_OPT_mode:
        return "Server options";
    case CONFIG_OPT_config:
        return "General options";
    case CONFIG_OPT_check:
        return "Options that only vpnd has";
    default:
        return NULL;
    }
}

const char *config_choice_word(const struct config_row *row, int value)
{
    for (const struct config_choice *c = row->choices; c && c->word; c++) {
        if (c->value == value) {
            return c->word;
        }
    }
    return "";
}
