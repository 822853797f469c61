# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # variables of easy-rsa-lite/pki, which reads this file
# The command "pki server-setup": everything that a server needs.

setup_usage() {
    cat <<'END'
usage: pki server-setup [OPTION...]

Makes what a server needs, asking what no option tells:
  --remote HOST        name or address by which clients reach this server
  --proto udp|tcp      default udp
  --port PORT          default 1194 (tcp: 443)
  --network NET/BITS   addresses inside the VPN, default 10.8.0.0/24 (/16 to /29)
  --redirect yes|no    send all traffic of the clients through the VPN, default yes
and not asking:
  --network6 NET/64    IPv6 addresses inside the VPN too, for example fd12:3456:789a::/64
  --dns ADDRESS|none   DNS server for clients whose traffic goes through the VPN, default 9.9.9.9
  --etc DIR            where to write, default /etc/vpnd
  --units DIR          where the systemd unit goes, default /etc/systemd/system; "none": nowhere
  --yes                take the defaults instead of asking
  --key, --ca-pass-file, --no-ca-pass: as for pki init
Called again it changes the settings and keeps keys and certificates.
END
}

# question TEXT DEFAULT: the answer in $answer
question() {
    answer=$2
    [ "$setup_yes" = no ] || return 0
    [ -t 0 ] || refuse $EXIT_USAGE "no terminal to ask: $1 (use the option, or --yes for the default)"
    printf '%s [%s]: ' "$1" "$2" >&2
    IFS= read -r typed || typed=
    [ -z "$typed" ] || answer=$typed
}

setup_questions() {
    guess=$(ip -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p' | head -n 1) || guess=
    [ -n "$remote" ] || { question "Public name or address of this server" "${guess:-vpn.example.com}"; remote=$answer; }
    [ -n "$proto" ] || { question "Protocol: udp is faster, tcp passes more firewalls" udp; proto=$answer; }
    [ -n "$port" ] || { question "Port" "$([ "$proto" = tcp ] && echo 443 || echo 1194)"; port=$answer; }
    [ -n "$setup_network" ] || { question "Network inside the VPN" 10.8.0.0/24; setup_network=$answer; }
    [ -n "$setup_redirect" ] || { question "Send all traffic of clients through the VPN (yes or no)" yes; setup_redirect=$answer; }
    setup_dns=${setup_dns:-9.9.9.9}
}

setup_check() {
    case $remote in '' | -* | *[!A-Za-z0-9.:_-]*) refuse $EXIT_REFUSED "'$remote' is not a host name or address" ;; esac
    case $proto in udp | tcp) ;; *) refuse $EXIT_REFUSED "the protocol must be udp or tcp" ;; esac
    check_number "$port" "the port" 1 65535
    case $setup_redirect in yes | no) ;; *) refuse $EXIT_REFUSED "redirect must be yes or no" ;; esac
    case $setup_dns in none) ;; *[!0-9a-fA-F.:]*) refuse $EXIT_REFUSED "'$setup_dns' is not the address of a DNS server" ;; esac
    case $setup_network6 in
    '' | [0-9a-fA-F]*:*/64) case ${setup_network6%/64} in *[!0-9a-fA-F:]*) refuse $EXIT_REFUSED "'$setup_network6' is not an IPv6 network" ;; esac ;;
    *) refuse $EXIT_REFUSED "'$setup_network6' is not a network like fd12:3456:789a::/64" ;;
    esac
    setup_mask=$(say "$setup_network" | awk -F '[./]' '
        NF == 5 && $5 ~ /^[0-9]+$/ && $5 >= 16 && $5 <= 29 {
            bad = 0
            for (i = 1; i <= 4; i++) if ($i !~ /^[0-9]+$/ || $i > 255) bad = 1
            n = (($1 * 256 + $2) * 256 + $3) * 256 + $4; size = 2 ^ (32 - $5)
            if (bad || n % size) exit
            m = 4294967296 - size
            printf "%d.%d.%d.%d\n", int(m / 16777216), int(m / 65536) % 256, int(m / 256) % 256, m % 256 }')
    [ -n "$setup_mask" ] || refuse $EXIT_REFUSED "'$setup_network' is not a network like 10.8.0.0/24 (/16 to /29, host bits zero)"
}

# The user and the group that own nothing; their names differ between distributions.
setup_nobody() {
    if id nobody >/dev/null 2>&1; then
        printf 'user nobody\ngroup %s\n' "$(id -gn nobody)"
    fi
}

setup_server_conf() {
    cat <<END
# Written by $PROGRAM server-setup on $(date -u +%Y-%m-%d). Check a change with: vpnd --config $setup_etc/server.conf --check
port $port
proto $([ "$proto" = tcp ] && echo tcp-server || echo udp)
dev tun
topology subnet
server ${setup_network%/*} $setup_mask
END
    [ -z "$setup_network6" ] || say "server-ipv6 $setup_network6"
    cat <<END
ca $setup_etc/pki/ca.crt
cert $setup_etc/pki/issued/server.crt
key $setup_etc/pki/private/server.key
dh none
crl-verify $setup_etc/pki/crl.pem
tls-crypt-v2 $setup_etc/pki/private/tls-crypt-v2-server.key
remote-cert-tls client
keepalive 10 60
persist-tun
ifconfig-pool-persist $setup_etc/addresses.txt
verb 3
END
    setup_nobody
    [ "$proto" = tcp ] || say "explicit-exit-notify 1"
    [ "$setup_redirect" = yes ] || return 0
    say "nat-masquerade"
    say "push \"redirect-gateway def1 ${setup_network6:+ipv6 }bypass-dhcp\""
    [ "$setup_dns" = none ] || say "push \"dhcp-option DNS $setup_dns\""
}

setup_unit() {
    cat <<END
[Unit]
Description=vpnd, server.conf
Documentation=man:vpnd(8)
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart=$program --config $setup_etc/server.conf --status /run/vpnd/status 10 --status-version 2 --suppress-timestamps
# With "+": the daemon may run as another user, whom the capabilities below do not let root signal.
ExecReload=+/bin/sh -c 'kill -HUP \$MAINPID'
PrivateTmp=true
# Kept: the next start finds there what a killed run left to undo.
RuntimeDirectory=vpnd
RuntimeDirectoryMode=0710
RuntimeDirectoryPreserve=yes
KillMode=process
Restart=on-failure
RestartSec=5s
CapabilityBoundingSet=CAP_IPC_LOCK CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_SYS_CHROOT CAP_DAC_OVERRIDE CAP_CHOWN CAP_SYS_NICE CAP_AUDIT_WRITE
LimitNOFILE=1048576
TasksMax=4096
DeviceAllow=/dev/null rw
DeviceAllow=/dev/net/tun rw
ProtectSystem=true
ProtectHome=true

[Install]
WantedBy=multi-user.target
END
}

setup_template() {
    printf 'remote %s %s %s\ndev tun\nnobind\nresolv-retry infinite\npersist-tun\n' "$remote" "$port" "$proto"
    printf 'remote-cert-tls server\nverify-x509-name server name\nverb 3\n'
}

# What is made in the authority's directory, in one commit.
setup_keys() {
    take_lock
    if [ ! -f "$pki_dir/private/tls-crypt-v2-server.key" ]; then
        "$program" --genkey tls-crypt-v2-server "$stage/new/private/tls-crypt-v2-server.key" >"$stage/genkey.out" 2>&1 ||
            refuse $EXIT_OPENSSL "vpnd could not make a key: $(tail -n 1 "$stage/genkey.out")"
    fi
    setup_template >"$stage/new/client-template.conf"
    commit
}

# put FILE MODE: standard input becomes FILE, all of it or nothing
put() {
    half_written=$1.new.$$
    cat >"$half_written" || refuse $EXIT_REFUSED "cannot write '$1'"
    chmod "$2" "$half_written"
    mv "$half_written" "$1"
    half_written=
}

setup_files() {
    program=$(vpnd_program)
    [ -n "$program" ] || refuse $EXIT_OPENSSL "vpnd is not installed (or set VPND to its path)"
    [ "$setup_units" = none ] || [ -d "$setup_units" ] ||
        refuse $EXIT_REFUSED "there is no directory '$setup_units'; --units none does without a unit"
    mkdir -p "$setup_etc" 2>/dev/null || refuse $EXIT_REFUSED "cannot make the directory '$setup_etc'"
    [ -w "$setup_etc" ] || refuse $EXIT_REFUSED "'$setup_etc' is not yours to write in; run this as root"
    pki_dir=$setup_etc/pki
    [ -f "$pki_dir/ca.crt" ] || cmd_init
    [ -n "$(serial_of server)" ] || cmd_issue server server
    setup_keys
    [ ! -f "$setup_etc/server.conf" ] || cp -p "$setup_etc/server.conf" "$setup_etc/server.conf.before"
    setup_server_conf | put "$setup_etc/server.conf" 644
    [ "$setup_units" = none ] || setup_unit | put "$setup_units/vpnd.service" 644
    # The daemon reads the CRL after it has given up its privileges.
    chmod 755 "$setup_etc"
    chmod 711 "$pki_dir"
}

cmd_server_setup() {
    if [ "$setup_help" = yes ]; then
        setup_usage
        return
    fi
    setup_questions
    setup_check
    setup_files
    me="$PROGRAM --dir $pki_dir"
    [ "$pki_dir" != /etc/vpnd/pki ] || me=$PROGRAM
    cat <<END

Ready: $setup_etc/server.conf
  start:         $([ "$setup_units" = none ] && echo "$program --config $setup_etc/server.conf" || echo "systemctl daemon-reload && systemctl enable --now vpnd")
  firewall:      open $port/$proto (ufw allow $port/$proto; firewall-cmd --permanent --add-port=$port/$proto)
  a client:      $me client NAME      writes NAME.ovpn
  revoke one:    $me revoke NAME      ends its session within 10 seconds
END
}
