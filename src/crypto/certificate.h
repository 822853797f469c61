/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_CERTIFICATE_H
#define VPND_CRYPTO_CERTIFICATE_H

/** certificate_from_pem - the X509 object of OpenSSL for the first certificate in @pem; free with certificate_free().
 *  Return: NULL when it is malformed. */
void *certificate_from_pem(const char *pem);

/** certificate_free - NULL is fine. */
void certificate_free(void *certificate);

#endif
