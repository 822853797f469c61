#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Users, passwords, pass phrases and challenges: from files, inline, from a person at a terminal.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
#        tun7 10.77.0.1 == tunnel == 10.77.0.x tun0
. "$(dirname "$0")/../tools/testlib.sh"
. "$(dirname "$0")/../tools/clientlib.sh"

# password_server WANTED: accepts anna with this password
password_server() {
    need python3
    network
    printf '#!/bin/sh\nprintf "%%s\\n" "$(cat "$1")" >>"%s/logins"\n[ "$(cat "$1")" = "anna\n%s" ]\n' "$WORK" "$1" >"$WORK/verify"
    chmod 755 "$WORK/verify"
    server_start server 7 udp4 1194 "script-security 2" "auth-user-pass-verify $WORK/verify via-file"
    printf 'anna\nsecret word\n' >"$WORK/login"
    printf 'anna\n' >"$WORK/name"
    printf 'anna\nwrong\n' >"$WORK/bad"
    chmod 600 "$WORK/login" "$WORK/name" "$WORK/bad"
}

# client_typed ANSWERS... : vpnd on a terminal with somebody who types
client_typed() {
    : >"$WORK/client.log"
    start client ip netns exec "$(ns c)" python3 "$TESTS_DIR/tools/terminal.py" "$WORK/client.log" "$@" -- \
        "$VPND" --cd "$WORK" --config "$WORK/client.conf"
}

from_files() {
    password_server 'secret word'
    client_conf "remote 10.99.0.1 1194 udp4" "auth-user-pass login"
    client_start
    client_up
    client_pings
    grep -q 'this configuration may cache passwords in memory' "$WORK/client.log" || fail "no warning about the cache"
    stop client
    client_conf "remote 10.99.0.1 1194 udp4" "<auth-user-pass>" "anna" "secret word" "</auth-user-pass>" "auth-nocache"
    client_start
    client_up
    log_mark
    kill -USR1 "$(pid_of client)"
    expect_since 'Initialization Sequence Completed'
    grep -q 'secret word' "$WORK/client.log" && fail "the password is in the log"
    return 0
}

typed() {
    password_server 'secret word'
    client_conf "remote 10.99.0.1 1194 udp4" "auth-user-pass"
    client_typed "Enter Auth Username:=anna" "Enter Auth Password:=secret word"
    client_up
    client_pings
    grep -q 'secret word' "$WORK/client.log" && fail "the password was shown"
    grep -qE 'Username: ?anna' "$WORK/client.log" || fail "the user name was not shown"
    stop client
    client_conf "remote 10.99.0.1 1194 udp4" "auth-user-pass name"
    client_typed "Enter Auth Password:=secret word"
    client_up
}

nobody_to_ask() {
    password_server 'secret word'
    client_conf "remote 10.99.0.1 1194 udp4" "auth-user-pass"
    : >"$WORK/client.log"
    start client setsid ip netns exec "$(ns c)" "$VPND" --cd "$WORK" --config "$WORK/client.conf"
    client_ends 1
    grep -q 'Nobody to ask "Enter Auth Username:": there is no terminal' "$WORK/client.log" || fail "no clear line"
}

static_challenge() {
    password_server "SCRV1:$(printf 'secret word' | base64):$(printf 123456 | base64)"
    client_conf "remote 10.99.0.1 1194 udp4" "auth-user-pass login" 'static-challenge "Token code" 1'
    client_typed "CHALLENGE: Token code=123456"
    client_up
    client_pings
}

refused() {
    password_server 'secret word'
    client_conf "remote 10.99.0.1 1194 udp4" "auth-user-pass bad"
    client_start
    client_ends 0
    grep -q 'AUTH: Received control message: AUTH_FAILED' "$WORK/client.log" || fail "no word"
    grep -q 'SIGTERM\[soft,auth-failure\] received, process exiting' "$WORK/client.log" || fail "wrong end"
    client_conf "remote 10.99.0.1 1194 udp4" "auth-user-pass bad" "auth-retry nointeract" "connect-retry 1 1"
    client_start
    expect_log "$WORK/client.log" 'SIGUSR1\[soft,auth-failure\] received, process restarting'
    stop client
    client_conf "remote 10.99.0.1 1194 udp4" "auth-user-pass" "auth-retry interact"
    client_typed "Enter Auth Username:=anna" "Enter Auth Password:=oops" "Enter Auth Username:=anna" \
        "Enter Auth Password:=secret word"
    client_up 20
    client_pings
}

key_phrase() {
    network
    server_start server 7 udp4 1194
    openssl pkey -in "$WORK/pki/client1.key" -aes256 -passout 'pass:open sesame' -out "$WORK/pki/locked.key"
    chmod 600 "$WORK/pki/locked.key"
    client_conf "remote 10.99.0.1 1194 udp4"
    sed -i 's/client1.key/locked.key/' "$WORK/client.conf"
    client_typed "Enter Private Key Password:=open sesame"
    client_up
    client_pings
    grep -q 'open sesame' "$WORK/client.log" && fail "the pass phrase was shown"
    stop client
    echo 'open sesame' >"$WORK/phrase"
    chmod 600 "$WORK/phrase"
    client_start --askpass "$WORK/phrase"
    client_up
    stop client
    echo 'wrong' >"$WORK/phrase"
    client_start --askpass "$WORK/phrase"
    client_ends 1
    grep -q 'private key password verification failed' "$WORK/client.log" || fail "no clear line"
}

# A question that nobody answers does not keep the client from ending.
interrupted() {
    password_server 'secret word'
    client_conf "remote 10.99.0.1 1194 udp4" "auth-user-pass login" "auth-nocache" "auth-retry interact" \
        'static-challenge "Token code" 1'
    client_typed "CHALLENGE: Token code=1"
    expect_log "$WORK/client.log" 'AUTH_FAILED'
    expect_log "$WORK/client.log" 'CHALLENGE: Token code.*' 10
    sleep 1.5
    client_ends_by_signal
}
client_ends_by_signal() {
    local child
    child=$(pgrep -P "$(pid_of client)" | head -n 1)
    kill -USR1 "${child:-$(pid_of client)}"
    kill -TERM "$(pid_of client)"
    client_ends 0
}

# auth-nocache: each key exchange asks again, through the management interface too.
nocache() {
    password_server 'secret word'
    client_conf "remote 10.99.0.1 1194 udp4" "auth-user-pass" "auth-nocache" "reneg-sec 3" \
        "management client.sock unix" "management-query-passwords"
    client_start
    for _ in first second third; do
        printf '%s\n' "@expect ^>PASSWORD:Need 'Auth' username/password\$" 'username "Auth" "anna"' \
            'password "Auth" "secret word"'
    done >"$WORK/dialogue"
    timeout 40 python3 "$TESTS_DIR/tools/management.py" "$WORK/client.sock" "$WORK/dialogue" >"$WORK/said" ||
        fail "the dialogue broke off: $(tail -n 1 "$WORK/said")"
    wait_for 10 "the third login" sh -c "[ \"\$(grep -c anna '$WORK/logins')\" -ge 3 ]"
    client_pings
    grep -q 'AUTH_FAILED\|TLS Error' "$WORK/client.log" && fail "a key exchange failed"
    stop client
}

# pull-filter holds for the tokens of renegotiations, too: each login is by password.
unwanted_token() {
    password_server 'secret word'
    stop server
    server_start server 7 udp4 1194 "script-security 2" "auth-user-pass-verify $WORK/verify via-file" "auth-gen-token"
    client_conf "remote 10.99.0.1 1194 udp4" "auth-user-pass login" "reneg-sec 2" "pull-filter ignore auth-token"
    client_start
    client_up
    wait_for 20 "the fourth login by password" sh -c "[ \"\$(grep -c anna '$WORK/logins')\" -ge 4 ]"
    client_pings
}

# A service has no terminal: the questions go through systemd-ask-password to whoever answers them. The directories of
# a running systemd are made up, the program and its protocol are real.
asked_by_systemd() {
    need systemd-ask-password unshare setsid
    password_server 'secret word'
    client_conf "remote 10.99.0.1 1194 udp4" "auth-user-pass"
    : >"$WORK/client.log"
    start client setsid ip netns exec "$(ns c)" unshare -m sh -c "mount -t tmpfs run /run/systemd
        mkdir /run/systemd/system /run/systemd/ask-password
        python3 '$TESTS_DIR/tools/password_agent.py' '$WORK/agent.log' 'Enter Auth Username:=anna' \
            'Enter Auth Password:=secret word' &
        exec '$VPND' --cd '$WORK' --config '$WORK/client.conf'"
    client_up
    client_pings
    grep -qx 'Enter Auth Username: echo=1 icon=network-vpn' "$WORK/agent.log" || fail "the name is asked for without echo"
    grep -qx 'Enter Auth Password: echo=0 icon=network-vpn' "$WORK/agent.log" || fail "the password is shown"
    grep -q 'secret word' "$WORK/client.log" && fail "the password is in the log"
    stop client
    # nobody answers: a signal ends the program, and with it the question
    : >"$WORK/client.log"
    start client setsid ip netns exec "$(ns c)" unshare -m sh -c "mount -t tmpfs run /run/systemd
        mkdir /run/systemd/system /run/systemd/ask-password
        exec '$VPND' --cd '$WORK' --config '$WORK/client.conf'"
    wait_for 5 "the question" pgrep -P "$(pid_of client)" -f systemd-ask-password
    kill -TERM "$(pid_of client)"
    wait_for 5 "the question to go" sh -c "[ -z \"\$(ip netns pids '$(ns c)')\" ]"
}

run_case from-files from_files
run_case typed typed
run_case nocache nocache
run_case unwanted-token unwanted_token
run_case asked-by-systemd asked_by_systemd
run_case nobody-to-ask nobody_to_ask
run_case static-challenge static_challenge
run_case refused refused
run_case key-phrase key_phrase
run_case interrupted interrupted
finish
