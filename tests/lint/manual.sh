#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The generated manual and completions: mandoc and man find nothing to say, every option is there, the shells parse
# the completions and bash completes with them.
set -u
SOURCE_DIR=${SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILD_DIR=${BUILD_DIR:-$SOURCE_DIR/build}
doc=$BUILD_DIR/doc
status=0
wrong() {
    echo "$*"
    status=1
}
have() { command -v "$1" >/dev/null 2>&1 || { echo "not tried: $1 is not installed"; return 1; }; }

if have mandoc; then
    for page in "$doc/vpnd.8" "$SOURCE_DIR/doc/vpnd-pki.1"; do
        said=$(mandoc -Tlint "$page" 2>/dev/null | grep -v 'referenced manual not found')
        [ -z "$said" ] || wrong "$said"
    done
fi
if have man; then
    for page in "$doc/vpnd.8" "$SOURCE_DIR/doc/vpnd-pki.1"; do
        said=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -l -Z "$page" 2>&1 >/dev/null)
        [ -z "$said" ] || wrong "$said"
    done
fi
while IFS=$'\t' read -r name kind _; do
    [ "$kind" = block ] || grep -q -- "^\.It Fl \\\\-$name\( \|\$\)" "$doc/vpnd.8" || wrong "vpnd.8 does not have $name"
done < <("$doc/reference" table)
have zsh && { zsh -n "$doc/completion.zsh" || wrong "zsh does not parse its completion"; }
have fish && { fish -n "$doc/completion.fish" || wrong "fish does not parse its completion"; }

# complete WORD... : what bash offers for the last word
complete_words() {
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vpnd; printf "%s\n" "${COMPREPLY[@]}"' \
        bash "$doc/completion.bash" "$@" | tr '\n' ' '
}
expect() { # OFFERED WORD...
    local want=$1
    shift
    [ "$(complete_words "$@")" = "$want " ] || wrong "bash completes '$*' with '$(complete_words "$@")' instead of '$want'"
}
bash -n "$doc/completion.bash" || wrong "bash does not parse its completion"
expect "--tls-crypt --tls-crypt-v2 --tls-crypt-v2-verify --tls-crypt-v2-max-age" vpnd --tls-cry
expect "--topology" vpnd --config x --topo
expect "net30" vpnd --topology n
expect "none nointeract" vpnd --auth-retry n
[ "$(complete_words vpnd --config "$SOURCE_DIR/sample-config/offi" | tr " " "\n" | grep -c "office-[ab].conf")" = 2 ] || wrong "bash does not complete files"
expect "$SOURCE_DIR/sample-config" vpnd --cd "$SOURCE_DIR/sample-c"
[ -z "$(complete_words vpnd --no-replay- | tr -d " ")" ] || wrong "a refused option is offered"

# The certificate authority's completion, with an authority that has two certificates.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/pki/issued" && touch "$work/pki/issued/anna.crt" "$work/pki/issued/bob.crt"
pki_words() {
    (cd "$work" && bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vpnd_pki; printf "%s\n" "${COMPREPLY[@]}"' \
        bash "$SOURCE_DIR/easy-rsa-lite/completion.bash" "$@") | sort | tr '\n' ' '
}
[ "$(pki_words vpnd-pki re)" = "renew revoke " ] || wrong "vpnd-pki re: $(pki_words vpnd-pki re)"
[ "$(pki_words vpnd-pki revoke a)" = "anna " ] || wrong "vpnd-pki revoke a: $(pki_words vpnd-pki revoke a)"
[ "$(pki_words vpnd-pki --key rsa2)" = "rsa2048 " ] || wrong "vpnd-pki --key rsa2: $(pki_words vpnd-pki --key rsa2)"
for word in $(bash "$SOURCE_DIR/easy-rsa-lite/pki" help | grep -oE -- '--[a-z0-9-]+' | sort -u); do
    [ "$word" = -- ] || [ "$(pki_words vpnd-pki "$word" | tr ' ' '\n' | grep -cx -- "$word")" = 1 ] || wrong "vpnd-pki is not completed: $word"
done
exit $status
