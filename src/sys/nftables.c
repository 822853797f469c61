/* SPDX-License-Identifier: MIT */
#include "sys/nftables.h"

#include <errno.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/caps.h"

struct nftables {
    struct nft_ctx *context;
    char error[256];
};

/* libnftables ends the process when the kernel has no netfilter netlink, and writes on standard error what a user
 * without rights cannot do, so both are asked first. */
static int probe(void)
{
    if (!caps_have(CAPS_NET_ADMIN)) {
        return -EPERM;
    }
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (fd < 0) {
        return -errno;
    }
    (void)close(fd);
    return 0;
}

int nftables_open(struct nftables **out)
{
    int r = probe();
    if (r < 0) {
        return r;
    }
    struct nft_ctx *context = nft_ctx_new(NFT_CTX_DEFAULT);
    if (!context) {
        return -ENOMEM;
    }
    if (nft_ctx_buffer_output(context) != 0 || nft_ctx_buffer_error(context) != 0) {
        nft_ctx_free(context);
        return -ENOMEM;
    }
    struct nftables *nft = mem_zalloc(sizeof(*nft));
    nft->context = context;
    *out = nft;
    return 0;
}

void nftables_close(struct nftables *nft)
{
    if (nft) {
        nft_ctx_free(nft->context);
        free(nft);
    }
}

static void keep_error(struct nftables *nft)
{
    const char *text = nft_ctx_get_error_buffer(nft->context);
    text = text ? text : "";
    const char *message = strstr(text, "Error: ");
    message = message ? message + strlen("Error: ") : text;
    (void)snprintf(nft->error, sizeof(nft->error), "%.*s", (int)strcspn(message, "\n"), message);
}

int nftables_run(struct nftables *nft, const char *commands)
{
    nft->error[0] = '\0';
    if (nft_run_cmd_from_buffer(nft->context, commands) == 0) {
        return 0;
    }
    keep_error(nft);
    if (strstr(nft->error, "Operation not permitted")) {
        return -EPERM;
    }
    /* The kernel answers ENOENT when a chain type, hook or expression has no module. */
    if (strstr(nft->error, "not supported") || strstr(nft->error, "No such file or directory")) {
        return -EOPNOTSUPP;
    }
    return -EIO;
}

const char *nftables_output(const struct nftables *nft)
{
    const char *text = nft_ctx_get_output_buffer(nft->context);
    return text ? text : "";
}

const char *nftables_error(const struct nftables *nft)
{
    return nft->error;
}
