/* SPDX-License-Identifier: MIT */
#include "vectors.h"

#include <criterion/criterion.h>
#include <stdio.h>

json_t *vectors_load(const char *name)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof(path), "%s/%s", VECTORS_DIR, name);
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);
    cr_assert(root, "%s: %s", path, error.text);
    return root;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t vectors_decode(const char *hex, uint8_t *out, size_t cap)
{
    size_t n = 0;
    for (; hex[0]; hex += 2) {
        int high = digit(hex[0]);
        int low = digit(hex[1]);
        cr_assert(high >= 0 && low >= 0 && n < cap);
        out[n++] = (uint8_t)(high << 4 | low);
    }
    return n;
}

size_t vectors_hex(const json_t *object, const char *key, uint8_t *out, size_t cap)
{
    const char *hex = vectors_text(object, key);
    cr_assert(hex, "no %s", key);
    return vectors_decode(hex, out, cap);
}

const char *vectors_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

long vectors_number(const json_t *object, const char *key)
{
    return (long)json_integer_value(json_object_get(object, key));
}
