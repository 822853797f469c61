/* SPDX-License-Identifier: MIT */
#ifndef VPND_TESTS_WIRE_VECTORS_H
#define VPND_TESTS_WIRE_VECTORS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/** vectors_load - parse tests/vectors/@name; fails the test when it cannot. json_decref() the result. */
json_t *vectors_load(const char *name);

/** vectors_hex - decode the hex string @key of @object into @out. Return: bytes. */
size_t vectors_hex(const json_t *object, const char *key, uint8_t *out, size_t cap);

/** vectors_decode - decode hex text. Return: bytes. */
size_t vectors_decode(const char *hex, uint8_t *out, size_t cap);

/** vectors_text - the string @key of @object, NULL when absent. */
const char *vectors_text(const json_t *object, const char *key);

/** vectors_number - the integer @key of @object, 0 when absent. */
long vectors_number(const json_t *object, const char *key);

#endif
