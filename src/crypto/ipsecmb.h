/* SPDX-License-Identifier: MIT */
#ifndef VPND_CRYPTO_IPSECMB_H
#define VPND_CRYPTO_IPSECMB_H

/* Managers of intel-ipsec-mb for the implementations that use it. Include only under HAVE_IPSEC_MB. */
#include <intel-ipsec-mb.h>

enum ipsecmb_lanes {
    IPSECMB_WIDE,   /* the widest vectors that this CPU has */
    IPSECMB_NARROW, /* SSE registers with the SHA instructions: fewer packets side by side, each of them sooner */
};

/**
 * ipsecmb_manager_new - an empty manager in wiped memory of its own; 200 KB, takes about 1 ms
 * Not to be shared by threads, its constant function pointers apart.
 * Return: NULL when the library cannot make one that is faster than OpenSSL on this CPU.
 */
IMB_MGR *ipsecmb_manager_new(enum ipsecmb_lanes lanes);

/** ipsecmb_manager_free - wipe and release; NULL is fine. */
void ipsecmb_manager_free(IMB_MGR *manager);

/** ipsecmb_version - "intel-ipsec-mb 1.3.0", for the log; at most @cap bytes with the NUL. */
void ipsecmb_version(char *out, size_t cap);

#endif
