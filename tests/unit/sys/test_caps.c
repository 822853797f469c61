/* SPDX-License-Identifier: MIT */
#include "sys/caps.h"

#include <grp.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/err.h"
#include "netns.h"

Test(caps, unknown_names)
{
    struct caps_identity identity = {.user = "no-such-user-here"};
    cr_assert_eq(caps_lookup(&identity), ERR_NOT_FOUND);
    identity = (struct caps_identity){.group = "no-such-group-here"};
    cr_assert_eq(caps_lookup(&identity), ERR_NOT_FOUND);
}

Test(caps, numbers_are_taken)
{
    struct caps_identity identity = {.user = "54321", .group = "54322"};
    cr_assert_eq(caps_lookup(&identity), 0);
    cr_assert_eq(identity.uid, 54321);
    cr_assert_eq(identity.gid, 54322);
}

Test(caps, format)
{
    char text[200];
    cr_assert_str_eq(caps_format(CAPS_NET_ADMIN | CAPS_NET_RAW, text), "CAP_NET_ADMIN, CAP_NET_RAW");
    cr_assert_str_eq(caps_format(0, text), "");
}

Test(caps, drop_keeps_only_what_was_asked)
{
    if (getuid() != 0) {
        cr_skip_test("needs root");
    }
    struct caps_identity identity = {.user = "nobody", .group = "nogroup"};
    cr_assert_eq(caps_lookup(&identity), 0);
    cr_assert_eq(caps_drop(&identity, CAPS_NET_ADMIN, true), 0);
    cr_assert_eq(getuid(), identity.uid);
    cr_assert_eq(geteuid(), identity.uid);
    cr_assert_eq(getgid(), identity.gid);
    gid_t groups[8];
    cr_assert_eq(getgroups(8, groups), 1);
    cr_assert_eq(groups[0], identity.gid);
    cr_assert(caps_have(CAPS_NET_ADMIN));
    cr_assert_not(caps_have(CAPS_SETID));
    cr_assert_not(caps_have(CAPS_DAC_OVERRIDE));
    cr_assert_eq(setuid(0), -1);
    cr_assert_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}

Test(caps, routes_still_work_after_the_drop)
{
    NETNS_OR_SKIP();
    struct caps_identity identity = {.user = "nobody"};
    cr_assert_eq(caps_lookup(&identity), 0);
    cr_assert_eq(caps_drop(&identity, CAPS_NET_ADMIN, true), 0);
    /* A child has nothing: the capability is not inheritable. */
    cr_assert_not(shell("ip link add va type veth peer name vb 2>/dev/null"));
}
