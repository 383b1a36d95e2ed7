# shellcheck shell=bash
# What libpq takes as a database's address (a URI, or KEY=VALUE pairs), taken apart, for scripts to source.
#
#     address_read ADDRESS -> address_part: its parameters; of a URI the password and the query alone
#                             address_safe: the address less its password, to stand on a command line
#                             address_error: why it failed, less the address, where it returns 1
#
# psql is libpq, and reads the rest of it better than a script can.

address_read()
{
    declare -gA address_part=()
    address_safe=''
    address_error=''
    case $1 in
    postgres://* | postgresql://*) address_read_uri "$1" ;;
    *=*) address_read_pairs "$1" ;;
    *) address_error="the database's address is neither postgresql://USER@HOST/DATABASE nor KEY=VALUE pairs" ;;
    esac
    [[ -z $address_error ]]
}

address_read_uri()
{
    local rest=${1#*://} query='' user pair kept=()
    address_safe=${1%%://*}://
    if [[ $rest == *\?* ]]; then
        query=${rest#*\?}
        rest=${rest%%\?*}
    fi
    if [[ ${rest%%/*} == *@* ]]; then
        user=${rest%%@*}
        rest=${rest#*@}
        [[ $user != *:* ]] || address_part[password]=$(address_decode "${user#*:}")
        address_safe+=${user%%:*}@
    fi
    address_safe+=$rest
    while [[ -n $query ]]; do
        pair=${query%%&*}
        query=${query#"$pair"}
        query=${query#&}
        if [[ ${pair%%=*} =~ ^[a-z_]+$ ]]; then
            address_part[${pair%%=*}]=$(address_decode "${pair#*=}")
        fi
        [[ $pair == password=* ]] || kept+=("$pair")
    done
    if ((${#kept[@]} > 0)); then
        address_safe+="?$(IFS='&' && echo "${kept[*]}")"
    fi
    if [[ ${address_part[ssl]:-} == true ]]; then
        address_part[sslmode]=require
    fi
}

address_decode()
{
    local text=${1//\\/\\\\}
    printf '%b' "${text//%/\\x}"
}

address_read_pairs()
{
    local rest=$1 value
    local pair="^[[:space:]]*([A-Za-z_]+)[[:space:]]*=[[:space:]]*('([^'\\\\]|\\\\.)*'|([^[:space:]'\\\\]|\\\\.)*)(.*)\$"
    while [[ $rest =~ $pair ]]; do
        value=${BASH_REMATCH[2]}
        [[ ${BASH_REMATCH[1]} == password ]] || address_safe+="${BASH_REMATCH[1]}=$value "
        [[ $value != \'* ]] || value=${value:1:-1}
        rest=${BASH_REMATCH[5]}
        address_part[${BASH_REMATCH[1]}]=$(address_unescape "$value")
    done
    [[ $rest =~ ^[[:space:]]*$ ]] || address_error="the KEY=VALUE pairs of the database's address cannot be read to their end"
}

# \x is x.
address_unescape()
{
    local i text=$1 plain=''
    for ((i = 0; i < ${#text}; i++)); do
        [[ ${text:i:1} != \\ ]] || i=$((i + 1))
        plain+=${text:i:1}
    done
    printf '%s' "$plain"
}
