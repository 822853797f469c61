/* SPDX-License-Identifier: MIT */
#include "crypto/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

void *certificate_from_pem(const char *pem)
{
    ERR_set_mark();
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_pop_to_mark();
    return certificate;
}

void certificate_free(void *certificate)
{
    X509_free(certificate);
}
