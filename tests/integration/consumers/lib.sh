# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the consumer tests share; sourced by each. A test makes a user of its own in the deployment of scripts/consumers,
# runs the commands of its page (docs/consumers/NAME.md, every ```sh block, in order), and has each result verified by
# another program. It ends with `consumer_row`, its line of the table in docs/consumers/README.md.
#
# In the page's commands, and here:
#   $TP_MODULE   libtrustp11.so             $PIN     the user's PIN
#   $TOKEN       the token's label          code     prints the next one-time code; each counts once
#   $PORT        free on 127.0.0.1          $PORT2       another one
#   $CA          the CA's certificate       rsa.pem, ec.pem   the user's certificates (labels: rsa, ec; ids: 01, 02)
#   rsa.pub, ec.pub   their public keys     file.txt  something to sign
#   rsa.chain.pem, ec.chain.pem   the certificates with the CA's
# The working folder is the test's own, and so is $HOME.
set -eu -o pipefail

consumers=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../../scripts/lib/common.sh
. "$consumers/../../../scripts/lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=../../../scripts/lib/deployment.sh
. "$consumers/../../../scripts/lib/deployment.sh"

# need COMMAND…: what cannot be installed fails the run.
need()
{
    local program
    for program in "$@"; do
        have "$program" || die "$program is not installed: scripts/setup --consumers"
    done
}

# A configuration that names the test's own user alone. Settings of it, as `login = session`, are given as arguments.
configure()
{
    local setting
    sed "s@^users = .*@users = $TOKEN@
        s@^socket = @socket = $TP_DEPLOYMENT/@
        s@^engine_conf = @engine_conf = $TP_DEPLOYMENT/@" "$TP_DEPLOYMENT/trustp11.conf" >"$WORK/trustp11.conf"
    for setting in "$@"; do
        printf '%s\n' "$setting" >>"$WORK/trustp11.conf"
    done
    export TRUSTP11_CONF=$WORK/trustp11.conf
}

# Counting codes (HOTP), so that nothing waits for the clock.
enrol()
{
    (umask 077 && printf '%s' "$PIN" >"$WORK/pin")
    trustp11 user add "$TOKEN" --code-file "$WORK/code" --json >/dev/null
    trustp11 enrol --user "$TOKEN" --factor hotp --code-file "$WORK/code" --pin-file "$WORK/pin" \
        --uri-file "$WORK/uri" --no-confirm --json >/dev/null
    (umask 077 && sed -n 's/.*[?&]secret=\([A-Z2-7]*\).*/\1/p' "$WORK/uri" >"$WORK/secret")
    printf 0 >"$WORK/counter"
    code | trustp11 enrol --user "$TOKEN" --code-file "$WORK/code" --confirm --json >/dev/null
}

# The next code, for here and, as a program, for the page's commands.
write_code()
{
    mkdir -p "$WORK/bin"
    cat >"$WORK/bin/code" <<CODE
#!/bin/sh
exec 9>>"$WORK/counter.lock"
flock 9
counter=\$(cat "$WORK/counter")
printf '%s' \$((counter + 1)) >"$WORK/counter"
oathtool --hotp -b -c "\$counter" - <"$WORK/secret"
CODE
    chmod 700 "$WORK/bin/code"
    export PATH="$WORK/bin:$PATH"
}

# key LABEL ID TYPE: a key and its certificate.
key()
{
    trustp11 key generate --user "$TOKEN" --type "$3" --label "$1" --id "$2" --json >/dev/null
    printf '%s\n' "$(code)" | trustp11 key csr "$1" --user "$TOKEN" --pin-file "$WORK/pin" \
        --subject "/C=JP/O=trustp11/CN=$TOKEN $1" --email "$TOKEN@example.jp" --out "$1.csr" --json >/dev/null
    openssl x509 -req -in "$1.csr" -CA "$CA" -CAkey "$TP_DEPLOYMENT/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
        -days 29 -extfile "$TP_DEPLOYMENT/user.cnf" -out "$1.pem" 2>/dev/null
    openssl x509 -in "$1.pem" -noout -pubkey >"$1.pub"
    cat "$1.pem" "$CA" >"$1.chain.pem"
    trustp11 cert import "$1.chain.pem" --user "$TOKEN" --json >/dev/null
}

# free_port: one that nobody listens at, below those that the kernel gives to clients.
free_port()
{
    python3 - <<'PYTHON'
import random
import socket
while True:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(('127.0.0.1', random.randrange(10000, 32000)))
        except OSError:
            continue
        print(tried.getsockname()[1])
        break
PYTHON
}

# until_open PORT: that somebody listens there.
until_open()
{
    local tries
    for tries in $(seq 100); do
        ! (: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null || return 0
        sleep 0.1
    done
    die "nobody listens at port $1 after $tries tries"
}

# until_exit PROGRAM…: a program of others in the background, that ends with the test. $! is its process.
until_exit()
{
    "$@" &
    backgrounds+=($!)
}

# leave_nothing: at the end. What a test puts outside of its folder it names in `leftovers`.
leave_nothing()
{
    kill "${backgrounds[@]}" 2>/dev/null || true
    rm -f "${leftovers[@]}"
}

# tls_server PORT [OPTIONS…]: one that insists on a client's certificate and answers with what it says (OpenSSL, a key in a
# file). let_in says whom it has let in.
tls_server()
{
    local port=$1
    shift
    if [ ! -e server.pem ]; then
        openssl req -new -newkey rsa:2048 -nodes -keyout server.key -subj /CN=localhost -out server.csr 2>/dev/null
        openssl x509 -req -in server.csr -CA "$CA" -CAkey "$TP_DEPLOYMENT/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
            -days 29 -extfile "$TP_DEPLOYMENT/user.cnf" -out server.pem 2>/dev/null
    fi
    until_exit openssl s_server -key server.key -cert server.pem -CAfile "$CA" -Verify 1 -verify_return_error -state \
        -accept "127.0.0.1:$port" -www -quiet "$@" >>"server.$port.log" 2>&1
    until_open "$port"
}

# let_in PORT NAME: that somebody of this name has not only shown a certificate to tls_server, but signed as well.
let_in()
{
    awk -v name="CN = $2" '
        /^depth=0 / { asked = substr($0, length($0) - length(name) + 1) == name }
        /SSL_accept:.*read finished/ { if (asked) found = 1; asked = 0 }
        END { exit !found }' "server.$1.log"
}

# consumer_begin [SETTING…]: from here on everything is the test's own. Called with the configuration's settings.
consumer_begin()
{
    name=$(basename "$0" .sh)
    WORK=$TP_WORK/$name
    mkdir -p "$WORK/home" "$WORK/tmp"
    chmod 700 "$WORK/home"
    cd "$WORK"
    export HOME=$WORK/home TMPDIR=$WORK/tmp PIN='correct horse' TOKEN=$name CA=$TP_DEPLOYMENT/ca.pem WORK
    export XDG_CONFIG_HOME=$HOME/.config XDG_CACHE_HOME=$HOME/.cache XDG_DATA_HOME=$HOME/.local/share
    backgrounds=() leftovers=()
    trap leave_nothing EXIT
    PORT=$(free_port)
    PORT2=$(free_port)
    export PORT PORT2
    printf 'Something to sign, by %s.\n' "$name" >file.txt
    configure "$@"
    write_code
    enrol
    key rsa 01 rsa-2048
    key ec 02 p-256
}

# Every ```sh block of the page, in order, as a person would type it. What a page that fails leaves running is ended.
page()
{
    local commands
    commands=$(sed -n '/^```sh$/,/^```$/{/^```/!p}' "$consumers/../../../docs/consumers/$name.md")
    [ -n "$commands" ] || die "docs/consumers/$name.md has no commands"
    bash -eu -o pipefail -c "trap 'kill \$(jobs -p) \${SSH_AGENT_PID:-} \${P11_KIT_SERVER_PID:-} 2>/dev/null || true' EXIT
$commands" </dev/null
}

# page_refused WORDS: that what must not work does not; PAGE's commands are COMMAND… here.
refused()
{
    local status=0
    "$@" >"$WORK/refused.out" 2>&1 </dev/null || status=$?
    [ $status != 0 ] || die "this was to be refused: $*"
}

# left_nothing FILE…: what was refused has written none of these.
left_nothing()
{
    local file
    for file in "$@"; do
        [ ! -s "$file" ] || die "$file is there, though it was refused"
    done
}

# login [OPTIONS…]: what `trustp11 login` opens for all programs of this account; then the PIN alone is enough.
login()
{
    printf '%s\n' "$(code)" | trustp11 login --user "$TOKEN" --pin-file "$WORK/pin" "$@" --json >/dev/null
}

# consumer_row PROGRAM VERSION RSA EC LOGIN NOTES: RSA, EC: yes, no or –; LOGIN: pin+code, PIN, session.
consumer_row()
{
    printf '| [%s](%s.md) | %s | %s | %s | %s | %s |\n' "$1" "$name" "$2" "$3" "$4" "$5" "$6" >"$TP_WORK/$name.row"
}

# openssl_made: what the pages of OpenSSL's engine and provider have in common has made what it says.
openssl_made()
{
    local label
    openssl dgst -sha256 -verify rsa.pub -signature rsa.sig file.txt
    openssl dgst -sha256 -verify ec.pub -signature ec.sig file.txt
    openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -verify rsa.pub -signature pss.sig \
        file.txt
    for label in rsa ec; do
        certtool --p7-verify --inder --load-ca-certificate "$CA" --infile $label.p7
    done
    certtool --crq-info --infile request.pem | grep 'Self signature: verified'
    certtool --verify --load-ca-certificate self.pem --infile self.pem
    grep 's_server' page.html
    grep 'Handshake was completed' gnutls-cli.txt
}

# openssl_logins COMMAND: it signs file.txt with the key ec and the PIN in $HOME/secret into a file that is its argument. Not
# with a code that was used, not without a code, but after `trustp11 login`.
openssl_logins()
{
    refused "$1" used-code.sig
    printf '%s' "$PIN" >"$HOME/secret"
    refused "$1" no-code.sig
    left_nothing used-code.sig no-code.sig
    login
    "$1" after-login.sig
    openssl dgst -sha256 -verify ec.pub -signature after-login.sig file.txt
}

# The version of a Debian package, without Debian's part.
version_of()
{
    dpkg-query -W -f '${Version}' "$1" | sed 's/^[0-9]*://; s/[-+~].*//'
}

# authenticode_good PROGRAM: the signature in it (PKCS#7 around what no `openssl cms` can read), as OpenSSL sees it.
authenticode_good()
{
    local at
    sbattach --detach signature.padded "$1"
    openssl pkcs7 -inform DER -in signature.padded -outform DER -out signature.p7
    at=$(openssl asn1parse -inform DER -in signature.p7 |
        awk -F '[: ]+' '/1\.3\.6\.1\.4\.1\.311\.2\.1\.4$/ && !at {at = NR + 2} NR == at {print $2}')
    openssl asn1parse -inform DER -in signature.p7 -strparse "$at" -noout -out signature.content
    tail -c +3 signature.content >signature.signed # PKCS#7 signs what is in it, without tag and length
    openssl smime -verify -inform DER -binary -in signature.p7 -content signature.signed -CAfile "$CA" -purpose any \
        -out /dev/null
    rm signature.*
}

# free_ports COUNT: TCP ports of 127.0.0.1 on which nothing listens.
free_ports()
{
    python3 -c '
import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(one.getsockname()[1] for one in sockets))' "$1"
}

# stop PIDFILE: the server that wrote it, if it still runs.
stop()
{
    local pid
    pid=$(cat "$1" 2>/dev/null) || return 0
    kill "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.1
    done
}
