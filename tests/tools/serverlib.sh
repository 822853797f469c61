# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What tests of the server share, on top of testlib.sh: one server in namespace s, clients of either program.

# server_up: start it and wait until it serves
server_up() {
    start server ip netns exec "$(ns s)" "${SERVER:-$VPND}" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
}

# client_start NAME PROGRAM [NAMESPACE]: start NAME.conf
client_start() {
    start "$1" ip netns exec "$(ns "${3:-c}")" "$2" --cd "$WORK" --config "$1.conf"
}

# client_up NAME PROGRAM [NAMESPACE]: and wait until it is connected
client_up() {
    client_start "$@"
    expect_log "$WORK/$1.log" 'Initialization Sequence Completed'
}

# more_certificates DIR FIRST LAST: client certificates NAME = clientN
more_certificates() {
    local i
    for i in $(seq "$2" "$3"); do
        pki_certificate "$1" "client$i" "-newkey ec -pkeyopt ec_paramgen_curve:P-256" clientAuth
    done
    chmod 600 "$1"/*.key
}

# address_in NAMESPACE DEVICE: its IPv4 address
address_in() { ip -n "$(ns "$1")" -4 -o addr show "$2" | sed -n 's/.*inet \([0-9.]*\).*/\1/p'; }

# logged FILE REGEX: at once
logged() { grep -aqE -- "$2" "$WORK/$1.log"; }
