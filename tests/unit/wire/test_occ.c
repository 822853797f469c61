/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/err.h"
#include "wire/occ.h"

static struct occ_config defaults(void)
{
    return (struct occ_config){.link = {.kind = MTU_CIPHER_CBC, .block_size = 8, .iv_size = 8, .hmac_size = 20},
                               .tun_mtu = 1500, .key_direction = -1, .auth = "SHA1"};
}

static struct occ_config gcm(void)
{
    struct occ_config c = defaults();
    c.link = (struct mtu_link){.kind = MTU_CIPHER_AEAD, .block_size = 16, .iv_size = 12};
    c.cipher = "AES-256-GCM";
    c.cipher_listed = true;
    c.key_bits = 256;
    return c;
}

static void builds(const struct occ_config *config, bool of_peer, const char *expect)
{
    char out[OCC_MAX];
    int len = occ_build(config, of_peer, out, sizeof(out));
    cr_assert_str_eq(out, expect);
    cr_assert_eq((size_t)len, strlen(expect));
}

Test(occ, defaults_are_byte_identical_to_2_6)
{
    struct occ_config c = defaults();
    builds(&c, false, "V4,dev-type tun,link-mtu 1541,tun-mtu 1500,proto UDPv4,auth SHA1,keysize 128,key-method 2,"
                      "tls-client");
    builds(&c, true, "V4,dev-type tun,link-mtu 1541,tun-mtu 1500,proto UDPv4,auth SHA1,keysize 128,key-method 2,"
                     "tls-server");
}

Test(occ, cipher_and_tcp_roles)
{
    struct occ_config c = gcm();
    c.link.tcp = true;
    c.server = true;
    builds(&c, false, "V4,dev-type tun,link-mtu 1551,tun-mtu 1500,proto TCPv4_SERVER,cipher AES-256-GCM,"
                      "auth [null-digest],keysize 256,key-method 2,tls-server");
    builds(&c, true, "V4,dev-type tun,link-mtu 1551,tun-mtu 1500,proto TCPv4_CLIENT,cipher AES-256-GCM,"
                     "auth [null-digest],keysize 256,key-method 2,tls-client");
    c.cipher_listed = false;
    c.link.tcp = false;
    builds(&c, false, "V4,dev-type tun,link-mtu 1549,tun-mtu 1500,proto UDPv4,auth [null-digest],keysize 256,"
                      "key-method 2,tls-server");
}

Test(occ, every_item_and_its_mirror)
{
    struct occ_config c = defaults();
    c.p2p = true;
    c.tun_ipv6 = true;
    c.ifconfig_local = "10.0.0.1";
    c.ifconfig_remote = "10.0.0.2";
    c.compress = true;
    c.link.compress_marker = true;
    c.link.fragment = true;
    c.key_direction = 1;
    c.tls_auth = true;
    builds(&c, false, "V4,dev-type tun,link-mtu 1546,tun-mtu 1500,proto UDPv4,tun-ipv6,ifconfig 10.0.0.2 10.0.0.1,"
                      "comp-lzo,mtu-dynamic,keydir 1,cipher BF-CBC,auth SHA1,keysize 128,tls-auth,key-method 2,"
                      "tls-client");
    builds(&c, true, "V4,dev-type tun,link-mtu 1546,tun-mtu 1500,proto UDPv4,tun-ipv6,ifconfig 10.0.0.1 10.0.0.2,"
                     "comp-lzo,mtu-dynamic,keydir 0,cipher BF-CBC,auth SHA1,keysize 128,tls-auth,key-method 2,"
                     "tls-server");
    c.ifconfig_net = true;
    char out[OCC_MAX];
    occ_build(&c, false, out, sizeof(out));
    cr_assert(strstr(out, "ifconfig 10.0.0.1 10.0.0.2"));
    cr_assert_eq(occ_build(&c, false, out, 60), ERR_LIMIT);
}

Test(occ, no_cipher_and_no_auth)
{
    struct occ_config c = defaults();
    c.link = (struct mtu_link){.kind = MTU_CIPHER_NONE};
    c.cipher = "none";
    c.cipher_listed = true;
    c.auth = "none";
    builds(&c, false, "V4,dev-type tun,link-mtu 1505,tun-mtu 1500,proto UDPv4,cipher [null-cipher],"
                      "auth [null-digest],keysize 0,key-method 2,tls-client");
}

Test(occ, cipher_is_found_anywhere_but_only_whole)
{
    char out[32];
    cr_assert(occ_cipher("cipher AES-256-CBC,V4", out, sizeof(out)));
    cr_assert_str_eq(out, "AES-256-CBC");
    cr_assert(occ_cipher("V4,cipher AES-128-GCM,auth x", out, sizeof(out)));
    cr_assert_str_eq(out, "AES-128-GCM");
    cr_assert(occ_cipher("V4,cipher [null-cipher]", out, sizeof(out)));
    cr_assert_str_eq(out, "none");
    cr_assert_not(occ_cipher("V4,ciphers X,xcipher Y,auth cipher", out, sizeof(out)));
    cr_assert_not(occ_cipher("V4,cipher ", out, sizeof(out)));
    cr_assert_not(occ_cipher("V4,cipher", out, sizeof(out)));
    cr_assert_not(occ_cipher("", out, sizeof(out)));
    cr_assert_not(occ_cipher("cipher 0123456789012345678901234567890123456789", out, sizeof(out)));
    struct span value;
    cr_assert(occ_item("V4,comp-lzo,x", "comp-lzo", &value));
    cr_assert_eq(value.len, 0);
}

struct seen {
    unsigned kinds[4];
    char last[64];
};

static void note(void *arg, const struct occ_difference *d)
{
    struct seen *seen = arg;
    seen->kinds[d->kind]++;
    struct span s = d->local.len ? d->local : d->remote;
    snprintf(seen->last, sizeof(seen->last), "%.*s", (int)s.len, (const char *)s.data);
}

Test(occ, compare_reports_only_what_matters)
{
    struct seen seen = {0};
    const char *a = "V4,dev-type tun,link-mtu 1541,proto UDPv4,keydir 1,cipher A,tls-server";
    cr_assert_eq(occ_compare(a, a, note, &seen), 0);
    cr_assert_eq(occ_compare(a, "V4,dev-type tun,link-mtu 1541,proto TCPv4,cipher B,tls-server", note, &seen), 0);
    cr_assert_eq(occ_compare(a, "V4,dev-type tun,link-mtu 1542,comp-lzo,tls-server", note, &seen), 2);
    cr_assert_eq(seen.kinds[OCC_INCONSISTENT], 1);
    cr_assert_eq(seen.kinds[OCC_ONLY_REMOTE], 1);
    cr_assert_str_eq(seen.last, "comp-lzo");
    cr_assert_eq(occ_compare(a, "V4,link-mtu 1541,tls-server", note, &seen), 1);
    cr_assert_eq(seen.kinds[OCC_ONLY_LOCAL], 1);
    cr_assert_eq(occ_compare(a, "V5,anything", note, &seen), 1);
    cr_assert_eq(seen.kinds[OCC_VERSION], 1);
    cr_assert_eq(occ_compare(a, "", note, &seen), 1);
    cr_assert_gt(occ_compare("V4", "V4,,,\x01\x02,,x", note, &seen), 0);
}

Test(occ, tun_against_tap)
{
#define ITEM(text) {(const uint8_t *)(text), sizeof(text) - 1}
    struct occ_difference d = {OCC_INCONSISTENT, ITEM("dev-type tun"), ITEM("dev-type tap")};
    cr_expect(occ_is_device_kind(&d));
    d = (struct occ_difference){OCC_INCONSISTENT, ITEM("dev-type tap"), ITEM("dev-type tun")};
    cr_expect(occ_is_device_kind(&d));
    d = (struct occ_difference){OCC_INCONSISTENT, ITEM("dev-type null"), ITEM("dev-type tun")};
    cr_expect_not(occ_is_device_kind(&d));
    d = (struct occ_difference){OCC_ONLY_LOCAL, ITEM("dev-type tun"), ITEM("")};
    cr_expect_not(occ_is_device_kind(&d));
}
