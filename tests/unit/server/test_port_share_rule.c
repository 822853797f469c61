/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "server/port_share_rule.h"

static void assert_verdict(const char *bytes, size_t len, enum port_share_verdict want)
{
    cr_assert_eq(port_share_judge(bytes, len), want, "%02x %02x (%zu bytes)", (unsigned char)bytes[0],
                 (unsigned char)bytes[1], len);
}

Test(port_share_rule, table)
{
    assert_verdict("\0\0", 0, PORT_SHARE_MORE);
    assert_verdict("\0\x2a", 1, PORT_SHARE_MORE);
    assert_verdict("\0\x0d", 2, PORT_SHARE_FOREIGN);
    assert_verdict("\0\x0e", 2, PORT_SHARE_VPN);
    assert_verdict("\0\xff", 2, PORT_SHARE_VPN);
    assert_verdict("\x01\x00", 2, PORT_SHARE_FOREIGN);
    assert_verdict("GET", 2, PORT_SHARE_FOREIGN);
    assert_verdict("GET / HTTP/1.1", 14, PORT_SHARE_FOREIGN);
    assert_verdict("\x16\x03\x01\x02", 4, PORT_SHARE_FOREIGN);
    assert_verdict("\0\x0e\x38", 3, PORT_SHARE_VPN);
    assert_verdict("\0\x0d\x38", 3, PORT_SHARE_FOREIGN);
    assert_verdict("\0\xff\x38", 3, PORT_SHARE_VPN);
    assert_verdict("\x01\x00\x38", 3, PORT_SHARE_FOREIGN);
    assert_verdict("\0\x2a\x39", 3, PORT_SHARE_FOREIGN);
    assert_verdict("\x01\x4f\x50", 3, PORT_SHARE_FOREIGN);
    assert_verdict("\x01\x50\x50", 3, PORT_SHARE_VPN);
    assert_verdict("\x04\xfe\x50", 3, PORT_SHARE_VPN);
    assert_verdict("\x04\xff\x50", 3, PORT_SHARE_FOREIGN);
    assert_verdict("\0\x2a\x50", 3, PORT_SHARE_FOREIGN);
}

/* OpenVPN relays it then; but two bytes may be all that has arrived of a client's first packet. */
Test(port_share_rule, a_length_of_tls_crypt_v2_alone_decides_nothing)
{
    assert_verdict("\x01\x4f", 2, PORT_SHARE_FOREIGN);
    assert_verdict("\x01\x50", 2, PORT_SHARE_MORE);
    assert_verdict("\x03\x83", 2, PORT_SHARE_MORE);
    assert_verdict("\x04\xfe", 2, PORT_SHARE_MORE);
    assert_verdict("\x04\xff", 2, PORT_SHARE_FOREIGN);
    assert_verdict("\x03\x83\x50", 3, PORT_SHARE_VPN);
    assert_verdict("\x03\x83GET", 5, PORT_SHARE_FOREIGN);
}
