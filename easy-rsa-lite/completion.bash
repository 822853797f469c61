# SPDX-License-Identifier: MIT
# bash completion for vpnd-pki
_vpnd_pki()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} word directory=${PKI_DIR:-pki} command=
    local commands="init server client sign renew revoke crl list show expiring export import server-setup help"
    [[ -d $directory ]] || directory=/etc/vpnd/pki
    for ((word = 1; word < COMP_CWORD; word++)); do
        [[ " $commands " != *" ${COMP_WORDS[word]} "* ]] || command=${COMP_WORDS[word]}
        [[ ${COMP_WORDS[word]} != --dir ]] || directory=${COMP_WORDS[word + 1]}
    done
    case $previous in
    --dir | --etc | --units | import) mapfile -t COMPREPLY < <(compgen -d -- "$current") && return ;;
    --ca-pass-file | --p12-pass-file | --request | --out) mapfile -t COMPREPLY < <(compgen -f -- "$current") && return ;;
    --key) mapfile -t COMPREPLY < <(compgen -W "ec rsa2048 rsa3072 rsa4096 ed25519" -- "$current") && return ;;
    --type) mapfile -t COMPREPLY < <(compgen -W "server client" -- "$current") && return ;;
    --proto) mapfile -t COMPREPLY < <(compgen -W "udp tcp" -- "$current") && return ;;
    --redirect) mapfile -t COMPREPLY < <(compgen -W "yes no" -- "$current") && return ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "--dir --key --days --ca-pass-file --no-ca-pass --request --type --revoke-old --out
            --remote --port --proto --p12 --p12-pass-file --json --force --network --network6 --redirect --dns --etc --units
            --yes --help" -- "$current")
    elif [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    else
        case $command in
        renew | revoke | show | export)
            mapfile -t COMPREPLY < <(cd "$directory/issued" 2>/dev/null && compgen -G "$current*.crt" | sed 's/\.crt$//')
            ;;
        esac
    fi
}
complete -F _vpnd_pki vpnd-pki
