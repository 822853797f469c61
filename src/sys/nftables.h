/* SPDX-License-Identifier: MIT */
#ifndef VPND_SYS_NFTABLES_H
#define VPND_SYS_NFTABLES_H

/*
 * Commands of nft(8), carried out in this process through libnftables: no program is run. Text that came from
 * outside must have been reduced to addresses, numbers and checked names before it gets here.
 * One thread at a time; calls block only for the kernel's immediate answer.
 */
#include <stdbool.h>

struct nftables;

/** nftables_open - a handle in the caller's network namespace. Return: 0 and *out, or -errno. */
int nftables_open(struct nftables **out);

/** nftables_close - release; NULL is fine. */
void nftables_close(struct nftables *nft);

/** nftables_run - all of @commands (one batch, newline separated) or none of them.
 *  Return: 0; -EPERM; -EOPNOTSUPP (the kernel lacks a part); -EIO: nftables_error() tells. */
int nftables_run(struct nftables *nft, const char *commands);

/** nftables_output - what the last command printed, "" if nothing. Valid until the next call. */
const char *nftables_output(const struct nftables *nft);

/** nftables_error - first line of the last complaint, "" if none. Valid until the next call. */
const char *nftables_error(const struct nftables *nft);

#endif
