/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/secret.h"

Test(secret, keeps_a_copy)
{
    struct secret s = secret_from("pass", 5);
    struct secret empty = secret_alloc(0);
    cr_assert_str_eq((const char *)s.data, "pass");
    cr_assert(s.mapped > 0 && empty.data && empty.len == 0);
    secret_free(&s);
    secret_free(&s);
    secret_free(&empty);
    cr_assert(!s.data && s.len == 0);
}

Test(secret, compares_and_wipes)
{
    struct secret s = secret_from("key", 3);
    cr_assert(secret_equal(s.data, "key", 3));
    cr_assert_not(secret_equal(s.data, "kez", 3));
    uint8_t copy[3] = {1, 2, 3};
    secret_wipe(copy, sizeof(copy));
    cr_assert_eq(copy[0] | copy[1] | copy[2], 0);
    secret_free(&s);
    cr_assert_null(s.data);
    secret_free(&s);
}

#define CROWD_PAGES 200000

/* Pages with other rights in turn cannot be one mapping. Return: whether no more can be made. */
static bool use_up_mappings(char *crowd, size_t page)
{
    for (size_t i = 0; i < CROWD_PAGES && mprotect(crowd + i * page, page, PROT_READ) == 0; i += 2) {
    }
    for (int i = 0; i < 100; i++) {
        if (mmap(NULL, page, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) {
            return true;
        }
    }
    return false;
}

Test(secret, goes_on_without_mappings)
{
    char text[] = "more clients than mappings";
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *crowd = mmap(NULL, CROWD_PAGES * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cr_assert_neq((void *)crowd, MAP_FAILED);
    bool full = use_up_mappings(crowd, page);
    struct secret s = secret_from(text, sizeof(text));
    munmap(crowd, CROWD_PAGES * page);
    if (!full) {
        cr_skip_test("this system has no limit of mappings");
    }
    cr_assert_str_eq((const char *)s.data, text);
    cr_assert_eq(s.mapped, 0);
    secret_free(&s);
    cr_assert_null(s.data);
}
