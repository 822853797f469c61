/* SPDX-License-Identifier: MIT */
#ifdef HAVE_IPSEC_MB
#include "crypto/ipsecmb.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/secret.h"

#define MANAGER_ALIGN 64

IMB_MGR *ipsecmb_manager_new(enum ipsecmb_lanes lanes)
{
    IMB_ARCH arch = IMB_ARCH_SSE;
    IMB_MGR *manager = imb_set_pointers_mb_mgr(mem_aligned(MANAGER_ALIGN, imb_get_mb_mgr_size()), 0, 1);
    if (lanes == IPSECMB_WIDE) {
        init_mb_mgr_auto(manager, &arch);
    } else {
        init_mb_mgr_sse(manager);
    }
    bool sha = (manager->features & IMB_FEATURE_SHANI) != 0;
    /* Without AES-NI the library emulates it, slower than OpenSSL. */
    if (arch < IMB_ARCH_SSE || imb_get_errno(manager) || (lanes == IPSECMB_NARROW && !sha)) {
        ipsecmb_manager_free(manager);
        return NULL;
    }
    return manager;
}

void ipsecmb_manager_free(IMB_MGR *manager)
{
    if (manager) {
        secret_wipe(manager, imb_get_mb_mgr_size());
        free(manager);
    }
}

void ipsecmb_version(char *out, size_t cap)
{
    (void)snprintf(out, cap, "intel-ipsec-mb %s", imb_get_version_str());
}
#else
typedef int ipsecmb_is_not_built_in; /* an empty file is no C */
#endif
