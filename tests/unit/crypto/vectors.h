/* SPDX-License-Identifier: MIT */
#ifndef VPND_TESTS_UNIT_CRYPTO_VECTORS_H
#define VPND_TESTS_UNIT_CRYPTO_VECTORS_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdint.h>

/** vectors_load - parse tests/vectors/@name; fails the test when that is impossible. Free with json_decref(). */
json_t *vectors_load(const char *name);

/** vectors_text - string member @key of @object; fails the test when it is missing. */
const char *vectors_text(const json_t *object, const char *key);

/** vectors_hex - decode hex member @key into @out (room for @cap bytes). Return: bytes. */
size_t vectors_hex(const json_t *object, const char *key, uint8_t *out, size_t cap);

/** vectors_number - integer member @key. */
uint64_t vectors_number(const json_t *object, const char *key);

/** Fail unless @n bytes at @got are those of hex member @key. */
void vectors_expect(const json_t *object, const char *key, const uint8_t *got, size_t n);

#endif
