/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <string.h>

#include "base/err.h"
#include "crypto/certificate.h"
#include "crypto/cipher.h"

Test(cipher, names_are_normalised)
{
    cr_assert_str_eq(cipher_find("aes-256-gcm")->name, "AES-256-GCM");
    cr_assert_str_eq(cipher_find("ChaCha20-Poly1305")->name, "CHACHA20-POLY1305");
    cr_assert_str_eq(cipher_find("id-aes128-GCM")->name, "AES-128-GCM");
    cr_assert_str_eq(cipher_find("[null-cipher]")->name, "none");
    cr_assert_str_eq(digest_find("sha256")->name, "SHA256");
    cr_assert_str_eq(digest_find("RSA-MD5")->name, "MD5");
    cr_assert_null(cipher_find("AES-512-GCM"));
    cr_assert_null(cipher_find(""));
    cr_assert_null(cipher_find(NULL));
    cr_assert_null(digest_find("SHA257"));
}

Test(cipher, sizes)
{
    const struct cipher_info *c = cipher_find("AES-192-GCM");
    cr_assert(c->kind == CIPHER_AEAD && c->key_size == 24 && c->iv_size == 12 && c->tag_size == 16);
    c = cipher_find("DES-EDE3-CBC");
    cr_assert(c->kind == CIPHER_CBC && c->key_size == 24 && c->iv_size == 8 && c->block_size == 8);
    cr_assert(cipher_is_weak(c));
    cr_assert_eq(cipher_find("CAMELLIA-256-OFB")->kind, CIPHER_OFB);
    cr_assert_not(cipher_is_aead(cipher_find("none")));
    cr_assert_eq(digest_find("SHA384")->size, 48);
}

Test(cipher, availability_is_the_library_s)
{
    cr_assert(cipher_available(cipher_find("AES-256-GCM")));
    cr_assert(cipher_available(cipher_find("none")));
    cr_assert_not(cipher_available(cipher_find("DESX-CBC")));
    cr_assert(digest_available(digest_find("SHA1")));
    cr_assert_not(digest_available(NULL));
}

/* What is left in the queue would be told as the reason of a later failure elsewhere. */
Test(cipher, questions_leave_no_error_behind)
{
    cr_assert_not(cipher_available(cipher_find("DESX-CBC")));
    cr_assert_eq(ERR_peek_error(), 0);
    cr_assert_not(digest_available(&(struct digest_info){"no-such-digest", NULL, 20}));
    cr_assert_eq(ERR_peek_error(), 0);
    cr_assert_null(certificate_from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
    cr_assert_eq(ERR_peek_error(), 0);
}

Test(cipher, lists)
{
    char out[CIPHER_LIST_MAX + 1];
    char bad[CIPHER_NAME_MAX];
    cr_assert_eq(cipher_list_normalise("aes-256-gcm:?NO-SUCH:none:AES-256-GCM", out, bad), 0);
    cr_assert_str_eq(out, "AES-256-GCM:none");
    cr_assert_eq(cipher_list_normalise("DEFAULT:AES-256-CBC", out, bad), 0);
    cr_assert_str_eq(out, "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305:AES-256-CBC");
    cr_assert_eq(cipher_list_normalise("AES-256-CBC:DEFAULT", out, bad), 0);
    cr_assert_str_eq(out, "AES-256-CBC:AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305");
    cr_assert_eq(cipher_list_normalise("AES-256-GCM:bogus", out, bad), ERR_NOT_FOUND);
    cr_assert_str_eq(bad, "bogus");
    cr_assert_eq(cipher_list_normalise("?bogus", out, bad), ERR_FORMAT);
    cr_assert_eq(cipher_list_normalise("", out, bad), ERR_FORMAT);
    cr_assert_eq(cipher_list_normalise("x123456789012345678901234567890123456789", out, bad), ERR_NOT_FOUND);
    cr_assert_eq(cipher_list_normalise("AES-128-CFB1:AES-192-CFB1:AES-256-CFB1:AES-128-CFB8:AES-192-CFB8:AES-256-CFB8:"
                                       "ARIA-128-CFB1:ARIA-192-CFB1:ARIA-256-CFB1:ARIA-128-CFB8",
                                       out, bad),
                 ERR_LIMIT);
}

Test(cipher, list_membership_is_exact)
{
    cr_assert(cipher_list_contains("A:BB:C", "BB"));
    cr_assert(cipher_list_contains("A:BB:C", "C"));
    cr_assert_not(cipher_list_contains("A:BB:C", "B"));
    cr_assert_not(cipher_list_contains("A:BB:C", "bb"));
    cr_assert_not(cipher_list_contains("", "A"));
    cr_assert_not(cipher_list_contains("AES-256-GCM", "AES-256-GC"));
}

Test(cipher, show_lists_strong_before_weak)
{
    struct buf text = BUF_INIT(16384);
    cr_assert_eq(cipher_show(&text), 0);
    const char *gcm = strstr(buf_str(&text), "\nAES-256-GCM  (256 bit key, 128 bit block, TLS client/server mode only)\n");
    const char *chacha = strstr(buf_str(&text), "\nCHACHA20-POLY1305  (256 bit key, stream cipher, TLS client/server");
    const char *weak = strstr(buf_str(&text), "\nDES-EDE3-CBC  (192 bit key, 64 bit block)\n");
    cr_assert(gcm && chacha && weak && gcm < weak && chacha < weak);
    cr_assert_null(strstr(buf_str(&text), "none"));
    buf_reset(&text);
    cr_assert_eq(digest_show(&text), 0);
    cr_assert_not_null(strstr(buf_str(&text), "\nSHA256 256 bit digest size\n"));
    buf_free(&text, false);
}
