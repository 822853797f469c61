#!/bin/sh
# SPDX-License-Identifier: MIT
# An example of a self-service portal on vpnd-pki's scripting contract (vpnd-pki(1), SCRIPTING): a CGI program for a web
# server that has authenticated the person already (REMOTE_USER) over HTTPS.
#
#   GET  ?profile   the person's .ovpn: made at the first time, renewed when it ends within 30 days
#   GET  ?status    what is known about the person's certificates, JSON
#   POST ?revoke    the device was lost: revoke everything of this person
#
# The authority (PKI_DIR, default /etc/vpnd/pki) must be writable for the web server's user, and its key without a
# password or with its password in PKI_PASS_FILE. Needs jq.
set -u
pki=${PKI:-vpnd-pki}
export PKI_DIR="${PKI_DIR:-/etc/vpnd/pki}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# answer STATUS TYPE: the head; the body follows from standard input
answer() {
    printf 'Status: %s\r\nContent-Type: %s\r\nCache-Control: no-store\r\n%s\r\n' "$1" "$2" "${disposition:-}"
    cat
}

fail() { # STATUS TEXT
    printf '%s\n' "$2" | answer "$1" text/plain
    exit 0
}

# run ARGS: vpnd-pki; its exit status becomes an HTTP status
run() {
    set -- ${PKI_PASS_FILE:+--ca-pass-file "$PKI_PASS_FILE"} "$@"
    "$pki" "$@" >"$work/out" 2>"$work/err"
    case $? in
    0) ;;
    2) fail "409 Conflict" "$(cat "$work/err")" ;;
    3) fail "503 Service Unavailable" "Somebody else is being served; try again in a moment." ;;
    *) cat "$work/err" >&2 && fail "500 Internal Server Error" "The certificate authority does not work; its log tells more." ;;
    esac
}

user=${REMOTE_USER:-}
[ -n "$user" ] || fail "403 Forbidden" "Log in first."

# Days that the newest certificate of this person is still good; nothing when there is none.
days_left() {
    "$pki" --json show -- "$user" 2>/dev/null | jq -r '[.[] | select(.state == "valid")] | last | .days_left // empty'
}

case ${REQUEST_METHOD:-GET}:${QUERY_STRING:-} in
GET:status)
    run --json show -- "$user"
    answer "200 OK" application/json <"$work/out"
    ;;
GET:profile)
    left=$(days_left)
    if [ -z "$left" ]; then
        run --out "$work/profile" client -- "$user"
    elif [ "$left" -le 30 ]; then
        run renew -- "$user"
    fi
    run --out "$work/profile" export -- "$user"
    disposition="Content-Disposition: attachment; filename=\"$user.ovpn\"$(printf '\r\n.')"
    disposition=${disposition%.}
    answer "200 OK" application/x-openvpn-profile <"$work/profile"
    ;;
POST:revoke)
    run revoke -- "$user"
    answer "200 OK" text/plain <"$work/out"
    ;;
*) fail "404 Not Found" "Ask for ?profile or ?status, or POST to ?revoke." ;;
esac
