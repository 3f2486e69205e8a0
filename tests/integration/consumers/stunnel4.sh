#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need stunnel4

# client PORT: what the server says.
client()
{
    openssl s_client -quiet -connect "127.0.0.1:$1" -CAfile "$CA" -verify_return_error -verify_hostname localhost
}

# serve SECRET: stunnel with this.
echo "## serve()"; serve()
{
    rm -f stunnel.pid
    sed -i "s/^engineCtrl = PIN:.*/engineCtrl = PIN:$1/" stunnel.conf
    stunnel4 stunnel.conf &
    until [ -s stunnel.pid ]; do
        kill -0 $! || return 1
        sleep 0.1
    done
}

consumer_begin
read -r RSA_PORT EC_PORT < <(free_ports 2)
export RSA_PORT EC_PORT
trap 'stop stunnel.pid' EXIT
page
cmp rsa.out file.txt
cmp ec.out file.txt
stop stunnel.pid

used=$PIN$(code)
serve "$used"
client "$EC_PORT" | cmp - file.txt
stop stunnel.pid
refused serve "$used"
grep 'PIN incorrect' refused.out
refused serve "$PIN"

login
serve "$PIN"
client "$EC_PORT" | cmp - file.txt
trustp11 logout --user "$TOKEN" --json
refused client "$EC_PORT"
login
refused client "$EC_PORT"
stop stunnel.pid

sed -i 's/^foreground = .*/foreground = no/' stunnel.conf
serve "$PIN"
client "$RSA_PORT" | cmp - file.txt
consumer_row 'stunnel (engine)' "$(version_of stunnel4)" yes yes 'pin+code, PIN' 'TLS server'
