/* SPDX-License-Identifier: MIT */
#include "session/keysource.h"

#include <string.h>

#include "base/secret.h"
#include "base/span.h"
#include "crypto/prf.h"

#define MASTER_SIZE 48

static const char MASTER_LABEL[] = "OpenVPN master secret";
static const char EXPANSION_LABEL[] = "OpenVPN key expansion";

void keysource_fill(struct keysource *k, const struct rand_source *rand, bool client)
{
    memset(k, 0, sizeof *k);
    if (client) {
        rand_fill(rand, k->pre_master, sizeof k->pre_master);
    }
    rand_fill(rand, k->random1, sizeof k->random1);
    rand_fill(rand, k->random2, sizeof k->random2);
}

int keysource_derive(const struct keysource *client, const struct keysource *server,
                     const uint8_t client_id[SESSION_ID_SIZE], const uint8_t server_id[SESSION_ID_SIZE],
                     uint8_t out[SESSION_KEY_MATERIAL_SIZE])
{
    const struct span first[] = {
        {(const uint8_t *)MASTER_LABEL, sizeof MASTER_LABEL - 1},
        {client->random1, sizeof client->random1},
        {server->random1, sizeof server->random1},
    };
    const struct span second[] = {
        {(const uint8_t *)EXPANSION_LABEL, sizeof EXPANSION_LABEL - 1},
        {client->random2, sizeof client->random2},
        {server->random2, sizeof server->random2},
        {client_id, SESSION_ID_SIZE},
        {server_id, SESSION_ID_SIZE},
    };
    uint8_t master[MASTER_SIZE];
    int err = prf_tls1(client->pre_master, sizeof client->pre_master, first, 3, master, sizeof master);
    if (!err) {
        err = prf_tls1(master, sizeof master, second, 5, out, SESSION_KEY_MATERIAL_SIZE);
    }
    secret_wipe(master, sizeof master);
    return err;
}
