/* SPDX-License-Identifier: MIT */
#ifndef VPND_MGMT_SHOW_MODEL_H
#define VPND_MGMT_SHOW_MODEL_H

/*
 * What --show-status knows about a running process: read from its JSON status or from the answers of its management
 * interface, compared with an earlier look. Pure functions. Thread: any.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHOW_PROBLEMS_MAX 16
#define SHOW_PROBLEM_SIZE 160

/** One client of a server. Texts are owned and safe for a terminal. */
struct show_client {
    uint64_t id;
    char *name;      /* common name, or the user's */
    char *username;
    char *real;
    char *virtual4;
    char *virtual6;
    char *cipher;
    char *state;     /* "connected" */
    uint64_t since_unix_s;
    uint64_t rx_bytes;
    uint64_t tx_bytes;
    uint64_t rx_rate; /* bytes a second since the earlier look */
    uint64_t tx_rate;
};

struct show_snapshot {
    bool server;
    char *version;
    char *state;     /* a client's */
    char *remote;
    char *virtual4;
    char *virtual6;
    uint64_t time_unix_s;
    uint64_t started_unix_s;
    uint64_t mono_ms; /* of the reader, when it was taken */
    uint64_t rx_bytes;
    uint64_t tx_bytes;
    uint64_t rx_rate;
    uint64_t tx_rate;
    uint64_t pool_size;
    uint64_t pool_used;
    struct show_client *clients;
    size_t client_count;
    size_t waiting;  /* clients that are not connected yet */
    uint64_t failures; /* of handshakes */
    uint64_t dropped;
    char problems[SHOW_PROBLEMS_MAX][SHOW_PROBLEM_SIZE];
    size_t problem_count;
};

/** show_model_json - from the text of /status. Return: 0, or ERR_FORMAT. Free @out with show_model_free() anyway. */
int show_model_json(const char *text, struct show_snapshot *out);

/** show_model_management - from what `version`, `state`, `load-stats` and `status 3` answered. Return: as above. */
int show_model_management(const char *text, struct show_snapshot *out);

/** show_model_compare - fill in the rates, and what went wrong since @earlier. */
void show_model_compare(struct show_snapshot *now, const struct show_snapshot *earlier);

/** show_model_free - release; leaves an empty snapshot. */
void show_model_free(struct show_snapshot *snapshot);

#endif
