/* SPDX-License-Identifier: MIT */

/* Key files, and the wrapped client key that a stranger sends with its first packet. */
#include <stdlib.h>
#include <string.h>

#include "crypto/keyfile.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct keyfile_static key;
    struct keyfile_slot server;
    struct keyfile_v2_client client;
    uint8_t metadata[KEYFILE_METADATA_MAX];
    (void)keyfile_static_parse(text, size, &key);
    (void)keyfile_server_parse(text, size, KEYFILE_LABEL_V2_SERVER, &server);
    (void)keyfile_server_parse(text, size, KEYFILE_LABEL_AUTH_TOKEN, &server);
    (void)keyfile_v2_client_parse(text, size, &client);
    free(text);
    memset(&server, 7, sizeof(server));
    uint8_t *copy = fuzz_copy(data, size);
    int n = keyfile_unwrap(&server, copy, size, &key, metadata);
    FUZZ_REQUIRE(n <= KEYFILE_METADATA_MAX);
    free(copy);
    return 0;
}
