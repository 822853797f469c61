#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Users and passwords between vpnd and the installed openvpn, each in both roles: scripts, deferred and pending logins,
# PAM, challenges, tokens, and every way to be refused.
#
#   [s] eth0 10.99.0.1 ------------- 10.99.0.2 eth0 [c]
. "$(dirname "$0")/../tools/testlib.sh"

ANSWER=$TESTS_DIR/tools/typist.py

# setting SERVER CLIENT: names of the two programs, network, certificates, the usual lines
setting() {
    need openvpn openssl python3
    server_and_client
    SERVER=$VPND CLIENT=$VPND
    [ "$1" = vpnd ] || SERVER=$OPENVPN
    [ "$2" = vpnd ] || CLIENT=$OPENVPN
    pki "$WORK/pki"
    mkdir "$WORK/tmp"
    write_server 'topology subnet' 'server 10.77.0.0 255.255.255.0' 'verify-client-cert none' 'keepalive 5 30' \
        'script-security 3' 'tmp-dir tmp' 'verb 4'
    cat >"$WORK/client.conf" <<-END
		client
		dev null
		ifconfig-noexec
		remote 10.99.0.1 1194 udp
		nobind
		ca pki/ca.crt
		remote-cert-tls server
		auth-user-pass credentials
		connect-retry 1 3
		verb 4
	END
    credentials anna 'secret word'
}

credentials() { # USER PASSWORD
    printf '%s\n%s\n' "$1" "$2" >"$WORK/credentials"
    chmod 600 "$WORK/credentials"
}

server_lines() { printf '%s\n' "$@" >>"$WORK/server.conf"; }
client_lines() { printf '%s\n' "$@" >>"$WORK/client.conf"; }

# script NAME: a program from standard input; it can use $WORK
script() {
    {
        echo '#!/bin/sh'
        echo "WORK=$WORK"
        cat
    } >"$WORK/$1"
    chmod 755 "$WORK/$1"
}

start_server() {
    start server ip netns exec "$(ns s)" "$SERVER" --cd "$WORK" --config server.conf
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
}

start_client() { start client ip netns exec "$(ns c)" "$CLIENT" --cd "$WORK" --config client.conf "$@"; }

# The client with somebody in front of it: PROMPT=ANSWER...
start_client_with_user() {
    start client "$ANSWER" "$@" -- ip netns exec "$(ns c)" "$CLIENT" --cd "$WORK" --config client.conf
}

connected() { expect_log "$WORK/client.log" 'Initialization Sequence Completed'; }

# refused [REASON]: the client is told, and ends
refused() {
    expect_log "$WORK/client.log" "AUTH: Received control message: AUTH_FAILED${1:+,$1}\$"
    wait_for 15 "the client to end" sh -c "! kill -0 $(pid_of client)"
}

# ---------------------------------------------------------------- scripts

via() { # SERVER CLIENT env|file
    setting "$1" "$2"
    if [ "$3" = env ]; then
        script verify <<<'[ "$username/$password/$script_type" = "anna/secret word/user-pass-verify" ]'
    else
        script verify <<<'[ -z "$password" ] && [ "$(cat "$1")" = "anna
secret word" ]'
    fi
    server_lines "auth-user-pass-verify $WORK/verify via-$3" 'username-as-common-name'
    start_server
    start_client
    connected
    expect_log "$WORK/server.log" "authentication succeeded for username 'anna'"
    expect_log "$WORK/server.log" ' anna/(udp4:)?10.99.0.2:'
    stop client
    : >"$WORK/client.log"
    credentials anna wrong
    start_client
    refused
    expect_log "$WORK/server.log" '10.99.0.2:[0-9]+ TLS Auth Error: '
    stop server
    [ -z "$(ls "$WORK/tmp")" ] || fail "files were left behind: $(ls "$WORK/tmp")"
}

deferred() { # SERVER CLIENT
    since 2.6 "$1"
    setting "$1" "$2"
    script verify <<-'END'
		file=$auth_control_file
		reason=$auth_failed_reason_file
		if [ "$password" = "secret word" ]; then (sleep 1; printf 1 >"$file") &
		else (sleep 1; printf "no such user" >"$reason"; printf 0 >"$file") & fi
		exit 2
	END
    server_lines "auth-user-pass-verify $WORK/verify via-env"
    start_server
    start_client
    connected
    stop client
    : >"$WORK/client.log"
    credentials anna wrong
    start_client
    refused 'no such user'
}

# A login that waits for a browser; then one whose method the client cannot do.
pending() { # SERVER CLIENT
    since 2.6 "$1"
    setting "$1" "$2"
    script verify <<-'END'
		printf '60\n%s\n%s\n' "$username" 'WEB_AUTH::https://login.example/x?y=1' >"$auth_pending_file"
		file=$auth_control_file
		(while [ ! -e "$WORK/approved" ]; do sleep 0.2; done; printf 1 >"$file") &
		exit 2
	END
    server_lines "auth-user-pass-verify $WORK/verify via-env"
    client_lines 'setenv IV_SSO webauth' 'push-peer-info'
    credentials webauth x
    mkdir "$WORK/bin"
    printf '#!/bin/sh\necho "$(id -u) $1" >%s/opened\n' "$WORK" >"$WORK/bin/xdg-open"
    chmod 755 "$WORK/bin/xdg-open"
    : >"$WORK/opened"
    chmod 666 "$WORK/opened"
    start_server
    # A desktop with a user who called sudo.
    PATH=$WORK/bin:$PATH DISPLAY=:7 SUDO_UID=65534 SUDO_GID=65534 start_client
    expect_log "$WORK/client.log" 'AUTH_PENDING'
    if [ "$2" = vpnd ]; then
        expect_log "$WORK/client.log" 'The server waits for your login in a browser: open https://login.example/x\?y=1'
        expect_log "$WORK/opened" '^65534 https://login.example/x\?y=1$'
    fi
    expect_log "$WORK/client.log" "Info command was pushed by server .'WEB_AUTH::https://login.example/x\?y=1'"
    : >"$WORK/approved"
    connected
    stop client
    : >"$WORK/client.log"
    credentials unheard-of x
    start_client
    refused "Authentication failed, required pending auth method 'unheard-of' not supported"
}

# A question in the running login, answered by the user of vpnd.
crtext() { # SERVER CLIENT
    since 2.6 "$1"
    setting "$1" "$2"
    script verify <<-'END'
		printf '60\ncrtext\nCR_TEXT:R,E:Which code?' >"$auth_pending_file"
		echo "$auth_control_file" >"$WORK/control"
		exit 2
	END
    script response <<-'END'
		[ "$(base64 -d <"$1")" = 8675309 ] && printf 1 >"$(cat "$WORK/control")"
	END
    server_lines "auth-user-pass-verify $WORK/verify via-env" "client-crresponse $WORK/response"
    client_lines 'setenv IV_SSO crtext' 'push-peer-info'
    start_server
    sed -i 's/^nobind/lport 5000/' "$WORK/client.conf"
    start_client_with_user 'CHALLENGE: Which code\?=8675309'
    connected
    [ "$1" = vpnd ] || return 0
    # It starts anew from the same port, beside its old session, and is asked again.
    local pid
    for pid in $(ip netns pids "$(ns c)"); do kill -KILL "$pid"; done
    : >"$WORK/client.log"
    start_client_with_user 'CHALLENGE: Which code\?=8675309'
    connected
    expect_log "$WORK/server.log" 'a new session of the same client replaces the old one'
}

who_may_come_without() { # SERVER CLIENT
    setting "$1" "$2"
    script verify <<<'[ -z "$username$password" ]'
    sed -i '/auth-user-pass/d' "$WORK/client.conf"
    sed -i '/verify-client-cert/d' "$WORK/server.conf"
    client_lines 'cert pki/client1.crt' 'key pki/client1.key'
    server_lines "auth-user-pass-verify $WORK/verify via-env" 'verify-client-cert optional' 'auth-user-pass-optional'
    start_server
    start_client
    connected
}

# Certificate and password are both required; each alone is not enough.
both_required() { # SERVER CLIENT
    setting "$1" "$2"
    script verify <<<'[ "$username/$common_name" = anna/client1 ]'
    sed -i '/verify-client-cert/d' "$WORK/server.conf"
    server_lines "auth-user-pass-verify $WORK/verify via-env"
    start_server
    start_client --cert pki/client1.crt --key pki/client1.key
    connected
    stop client
    : >"$WORK/client.log"
    credentials bert x
    start_client --cert pki/client1.crt --key pki/client1.key
    refused
    : >"$WORK/client.log"
    : >"$WORK/server.log"
    credentials anna x
    start_client
    expect_log "$WORK/server.log" 'TLS Error: TLS handshake failed'
    stop client
    ! grep -q 'Initialization Sequence Completed' "$WORK/client.log" || fail "it came in without a certificate"
}

odd_credentials() { # SERVER CLIENT
    setting "$1" "$2"
    script verify <<<'echo "$username|$password" >>"$WORK/seen"'
    server_lines "auth-user-pass-verify $WORK/verify via-env"
    start_server
    credentials "$(printf '%0127d' 7)" "pässwörd \$(id) 'x' \\"
    start_client
    connected
    stop client
    grep -qxF "$(printf '%0127d' 7)|pässwörd \$(id) 'x' \\" "$WORK/seen" || fail "arrived changed: $(cat "$WORK/seen")"
}

# ---------------------------------------------------------------- challenges

static_challenge() { # SERVER CLIENT
    setting "$1" "$2"
    script verify <<<'[ "$password" = "SCRV1:c2VjcmV0IHdvcmQ=:ODY3NTMwOQ==" ]'
    server_lines "auth-user-pass-verify $WORK/verify via-env"
    client_lines 'static-challenge "Which code?" 1'
    start_server
    start_client_with_user 'CHALLENGE: Which code\?=8675309'
    connected
}

dynamic_challenge() { # SERVER CLIENT
    since 2.6 "$1"
    setting "$1" "$2"
    script verify <<-'END'
		case $username/$password in
		anna/"secret word") printf 'CRV1:R,E:st4te:YW5uYQ==:Which code, Anna?' >"$auth_failed_reason_file"; exit 1 ;;
		anna/CRV1::st4te::8675309) exit 0 ;;
		esac
		exit 1
	END
    server_lines "auth-user-pass-verify $WORK/verify via-env"
    client_lines 'auth-retry interact'
    start_server
    start_client_with_user 'CHALLENGE: Which code, Anna\?=8675309'
    connected
}

# ---------------------------------------------------------------- ways to be refused

temporary() { # SERVER CLIENT: come back in three seconds
    since 2.6 "$1" "$2"
    setting "$1" "$2"
    script verify <<-'END'
		[ ! -e "$WORK/again" ] || exit 0
		: >"$WORK/again"
		printf 'TEMP[backoff 3,advance no]:busy' >"$auth_failed_reason_file"
		exit 1
	END
    server_lines "auth-user-pass-verify $WORK/verify via-env"
    start_server
    start_client
    expect_log "$WORK/client.log" 'AUTH_FAILED,TEMP\[backoff 3,advance no\]:busy'
    local since=$SECONDS
    connected
    [ $((SECONDS - since)) -ge 2 ] || fail "it came back too early"
}

# The user mistyped and is asked again.
interact() { # SERVER CLIENT
    setting "$1" "$2"
    script verify <<<'[ "$password" = right ]'
    server_lines "auth-user-pass-verify $WORK/verify via-env"
    sed -i 's/^auth-user-pass .*/auth-user-pass\nauth-retry interact/' "$WORK/client.conf"
    start_server
    start client "$ANSWER" --once 'Enter Auth Password:=wrong' 'Enter Auth Username:=anna' 'Enter Auth Password:=right' -- \
        ip netns exec "$(ns c)" "$CLIENT" --cd "$WORK" --config client.conf
    expect_log "$WORK/client.log" AUTH_FAILED
    connected
}

# ---------------------------------------------------------------- tokens

asked() { wc -l <"$WORK/asked"; }

# A token replaces the password in renegotiations and survives a restart of the server that has its key in a file.
token() { # SERVER CLIENT
    since 2.6 "$1"
    setting "$1" "$2"
    script verify <<-'END'
		echo "$session_state $session_id" >>"$WORK/asked"
		[ "$username/$password" = "anna/secret word" ]
	END
    (cd "$WORK" && "$SERVER" --genkey auth-token token.key >/dev/null)
    server_lines "auth-user-pass-verify $WORK/verify via-env" 'auth-gen-token 60 20' 'auth-gen-token-secret token.key' \
        'reneg-sec 2' 'hand-window 10'
    start_server
    start_client
    connected
    expect_log "$WORK/client.log" 'auth-token'
    keys() { [ "$(grep -ac 'Control Channel: TLS' "$WORK/server.log")" -ge 3 ]; }
    wait_for 20 "two renegotiations" keys
    expect_log "$WORK/server.log" "Username/auth-token authentication succeeded for username 'anna'"
    [ "$(asked)" = 1 ] || fail "the script was asked $(asked) times"
    grep -q '^Initial ' "$WORK/asked" || fail "session_state was: $(cat "$WORK/asked")"
    stop server KILL
    : >"$WORK/client.log"
    start_server
    kill -USR1 "$(pid_of client)"
    connected
    [ "$(asked)" = 1 ] || fail "after the restart the script was asked again"
}

# Without any renegotiation the server pushes fresh tokens by its clock: the first one would be too old by the time that
# the client needs it. (2.6.14's server writes them into TLS but does not send them before something else is sent.)
token_renewed() { # SERVER CLIENT
    setting "$1" "$2"
    script verify <<<'echo "$session_state" >>"$WORK/asked"; [ "$password" = "secret word" ]'
    (cd "$WORK" && "$SERVER" --genkey auth-token token.key >/dev/null)
    server_lines "auth-user-pass-verify $WORK/verify via-env" 'auth-gen-token 60 4' 'auth-gen-token-secret token.key' \
        'reneg-sec 3600' 'hand-window 2'
    start_server
    start_client
    connected
    tokens() { [ "$(grep -ac 'PUSH_REPLY.*auth-token' "$WORK/client.log")" -ge 3 ]; }
    wait_for 15 "the second new token" tokens
    stop server KILL
    : >"$WORK/client.log"
    start_server
    kill -USR1 "$(pid_of client)"
    connected
    [ "$(asked)" = 1 ] || fail "the last token was not accepted: $(cat "$WORK/asked")"
}

# With external-auth the script judges tokens, and sees their state; an expired one is forgotten by the client.
token_external() { # SERVER CLIENT
    since 2.6 "$1"
    setting "$1" "$2"
    script verify <<-'END'
		echo "$session_state" >>"$WORK/asked"
		case $session_state in
		Initial) [ "$password" = "secret word" ] ;;
		Authenticated) ;;
		*) exit 1 ;;
		esac
	END
    server_lines "auth-user-pass-verify $WORK/verify via-env" 'auth-gen-token 4 20 external-auth' 'reneg-sec 3' 'hand-window 10'
    start_server
    start_client
    connected
    wait_for 15 "the token's end" grep -q Expired "$WORK/asked"
    wait_for 15 "a login with the password" sh -c "[ \$(grep -c Initial '$WORK/asked') -ge 2 ]"
    grep -q '^Authenticated$' "$WORK/asked" || fail "the token was never seen valid"
}

token_expired() { # SERVER CLIENT
    since 2.6 "$1"
    setting "$1" "$2"
    script verify <<<'echo "$session_state" >>"$WORK/asked"; [ "$password" = "secret word" ]'
    server_lines "auth-user-pass-verify $WORK/verify via-env" 'auth-gen-token 4 20' 'reneg-sec 3' 'hand-window 10'
    start_server
    start_client
    connected
    : >"$WORK/client.log"
    expect_log "$WORK/client.log" 'AUTH_FAILED,SESSION: token expired'
    connected
    [ "$(asked)" = 2 ] || fail "the script was asked $(asked) times"
}

# ---------------------------------------------------------------- PAM

pam() { # SERVER CLIENT
    setting "$1" "$2"
    [ -e /etc/pam.d ] || skip "no PAM here"
    ls /lib/*/security/pam_exec.so /usr/lib/*/security/pam_exec.so >/dev/null 2>&1 || skip "no pam_exec"
    mkdir "$WORK/pam.d"
    script check <<-'END'
		read -r password
		echo "$PAM_USER $PAM_RHOST $(id -u)" >>"$WORK/asked"
		[ "$PAM_USER/$password" = "anna/secret word" ]
	END
    printf 'auth required pam_exec.so expose_authtok quiet %s\naccount required pam_permit.so\n' "$WORK/check" \
        >"$WORK/pam.d/vpn"
    server_lines 'auth-pam vpn' 'user nobody' 'group nogroup' 'username-as-common-name'
    start server ip netns exec "$(ns s)" sh -c "mount --bind '$WORK/pam.d' /etc/pam.d && exec '$SERVER' --cd '$WORK' --config server.conf"
    expect_log "$WORK/server.log" 'Initialization Sequence Completed'
    start_client
    connected
    grep -qx 'anna 10.99.0.2 0' "$WORK/asked" || fail "PAM saw: $(cat "$WORK/asked")"
    stop client
    : >"$WORK/client.log"
    credentials anna wrong
    start_client
    refused
    stop client
    # the one that serves is a child of the one that starts it again
    kill -KILL "$(pgrep -n -x vpnd-pam -P "$(ip netns pids "$(ns s)" | paste -sd,)")"
    expect_log "$WORK/server.log" 'the process that asks PAM had died and runs again'
    : >"$WORK/client.log"
    credentials anna 'secret word'
    start_client
    connected
    stop client
    stop server
    wait_for 5 "the PAM process to end" sh -c "[ -z \"\$(ip netns pids '$(ns s)')\" ]"
}

for pair in vpnd,openvpn openvpn,vpnd vpnd,vpnd; do
    ends="${pair/,/ }"
    # shellcheck disable=SC2086 # two words
    {
        run_case "via-env,$pair" via $ends env
        run_case "via-file,$pair" via $ends file
        run_case "deferred,$pair" deferred $ends
        run_case "pending,$pair" pending $ends
        run_case "optional,$pair" who_may_come_without $ends
        run_case "both,$pair" both_required $ends
        run_case "odd,$pair" odd_credentials $ends
        run_case "static-challenge,$pair" static_challenge $ends
        run_case "dynamic-challenge,$pair" dynamic_challenge $ends
        run_case "temporary,$pair" temporary $ends
        run_case "interact,$pair" interact $ends
        run_case "token,$pair" token $ends
        [ "${pair%,*}" != vpnd ] || run_case "token-renewed,$pair" token_renewed $ends
        run_case "token-external,$pair" token_external $ends
        run_case "token-expired,$pair" token_expired $ends
        [ "${pair#*,}" != vpnd ] || run_case "crtext,$pair" crtext $ends
        [ "${pair%,*}" != vpnd ] || run_case "pam,$pair" pam $ends
    }
done
finish
