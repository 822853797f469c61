/* SPDX-License-Identifier: MIT */
#ifndef VPND_TESTS_FUZZ_H
#define VPND_TESTS_FUZZ_H

/*
 * A fuzz target feeds one input to the parsers of one area. Built with --enable-fuzz it is a libFuzzer program;
 * otherwise driver.c gives it the packets of the test vectors and a fixed number of mutations of them, so that every
 * test run exercises it a little.
 */
#include <stddef.h>
#include <stdint.h>

/** LLVMFuzzerTestOneInput - one input; returns 0. Reads nothing but @data, keeps nothing. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** FUZZ_REQUIRE - a property that no input may break. */
#define FUZZ_REQUIRE(condition)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            __builtin_trap();                                                                                          \
        }                                                                                                              \
    } while (0)

/** fuzz_copy - a heap copy of exactly @size bytes, so that sanitizers see each byte beyond; free with free(). */
uint8_t *fuzz_copy(const uint8_t *data, size_t size);

/** fuzz_text - a heap copy with a NUL behind it; free with free(). */
char *fuzz_text(const uint8_t *data, size_t size);

#endif
