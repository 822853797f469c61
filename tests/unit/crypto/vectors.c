/* SPDX-License-Identifier: MIT */
#include "vectors.h"

#include <stdio.h>
#include <string.h>

json_t *vectors_load(const char *name)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof(path), "%s/%s", VECTORS_DIR, name);
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);
    cr_assert_not_null(root, "%s: %s", path, error.text);
    return root;
}

const char *vectors_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    cr_assert_not_null(text, "no string '%s'", key);
    return text;
}

size_t vectors_hex(const json_t *object, const char *key, uint8_t *out, size_t cap)
{
    const char *text = vectors_text(object, key);
    size_t n = strlen(text) / 2;
    cr_assert_leq(n, cap, "'%s' is too long", key);
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        cr_assert_eq(sscanf(text + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    return n;
}

uint64_t vectors_number(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    cr_assert(json_is_integer(value), "no integer '%s'", key);
    return (uint64_t)json_integer_value(value);
}

void vectors_expect(const json_t *object, const char *key, const uint8_t *got, size_t n)
{
    uint8_t want[65536];
    size_t len = vectors_hex(object, key, want, sizeof(want));
    cr_assert_eq(len, n, "'%s' has %zu bytes, not %zu", key, len, n);
    cr_assert(memcmp(want, got, n) == 0, "'%s' differs", key);
}
