/* SPDX-License-Identifier: MIT */
#ifndef VPND_MGMT_STATUS_H
#define VPND_MGMT_STATUS_H

/*
 * The status formats that monitors of OpenVPN parse, byte for byte (server behaviour spec, 10), made from plain
 * numbers and texts: pure functions, used for the file, for SIGUSR2 and for the management interface.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

/** One row of the client list. Texts are borrowed; NULL or "" where nothing is known. */
struct status_client {
    const char *common_name;   /* NULL or "": UNDEF */
    const char *real_address;  /* "192.0.2.1:50000" */
    const char *virtual4;
    const char *virtual6;
    uint64_t bytes_received;
    uint64_t bytes_sent;
    uint64_t since_unix;
    const char *username;      /* NULL or "": UNDEF */
    uint64_t client_id;
    uint32_t peer_id;
    const char *cipher;
};

/** One row of the routing table. */
struct status_route {
    const char *virtual_address; /* "10.8.0.2", "10.66.0.0/24", "02:00:00:00:00:01@0" */
    const char *common_name;
    const char *real_address;
    uint64_t last_ref_unix;
    bool cached;                 /* "C" is appended to the address */
};

struct status_server {
    const char *title;           /* "OpenVPN 2.6.14 x86_64-pc-linux-gnu ..." or ours */
    uint64_t now_unix;
    const struct status_client *clients;
    size_t client_count;
    const struct status_route *routes;
    size_t route_count;
    uint64_t bcast_queue_max;
};

/** Counters of a client or point-to-point end. */
struct status_link {
    uint64_t now_unix;
    uint64_t device_read;
    uint64_t device_write;
    uint64_t link_read;
    uint64_t link_write;
    uint64_t auth_read;
    bool compression;            /* print the next four */
    uint64_t pre_compress;
    uint64_t post_compress;
    uint64_t pre_decompress;
    uint64_t post_decompress;
};

/**
 * status_format_server - the server's status
 * @version: 1, 2 or 3
 * @eol:     "\n" for a file, "\r\n" for the management interface
 * A comma, tab or line end inside a name would break the row, so it is printed as '_'.
 * Return: 0 or ERR_LIMIT (limit of @out).
 */
int status_format_server(const struct status_server *status, unsigned version, const char *eol, struct buf *out);

/** status_format_link - the client's status; the same in every version. Return: as above. */
int status_format_link(const struct status_link *status, const char *eol, struct buf *out);

/** status_time - "2026-11-22 02:41:53" in local time. Return: @out. */
const char *status_time(uint64_t unix_s, char out[32]);

/** A status file: opened before privileges are given up, rewritten in place. */
struct status_file {
    int fd;
};

/** status_file_open - create or truncate @path. Return: 0 or -errno. */
int status_file_open(struct status_file *file, const char *path);

/** status_file_write - replace the whole contents. Return: 0 or -errno. */
int status_file_write(struct status_file *file, const struct buf *text);

/** status_file_close - fd -1 is fine. */
void status_file_close(struct status_file *file);

#endif
