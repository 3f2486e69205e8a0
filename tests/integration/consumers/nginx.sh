#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

export PATH=$PATH:/usr/sbin
need nginx curl

# serve SECRET: nginx with this.
serve()
{
    rm -f nginx.pid
    (umask 077 && printf '%s' "$1" >pin.txt)
    OPENSSL_CONF=$WORK/openssl.cnf nginx -p "$WORK" -c nginx.conf -e stderr &
    until [ -s nginx.pid ]; do
        kill -0 $! || return 1
        sleep 0.1
    done
}

# client: what the server says.
client()
{
    curl -sS --cacert "$CA" "https://localhost:$PORT/file.txt"
}

consumer_begin
PORT=$(free_ports 1)
export PORT
trap 'stop nginx.pid' EXIT
page
cmp rsa.out file.txt
cmp ec.out file.txt
cmp any.out file.txt
stop nginx.pid

serve "$PIN"
client | cmp - file.txt
trustp11 logout --user "$TOKEN" --json
refused client
login
refused client
stop nginx.pid
trustp11 logout --user "$TOKEN" --json
refused serve "$PIN"

serve "$PIN$(code)"
refused client
stop nginx.pid
printf 'master_process off;\n' >>nginx.conf
used=$PIN$(code)
serve "$used"
client | cmp - file.txt
stop nginx.pid
refused serve "$used"
consumer_row 'nginx (engine)' "$(version_of nginx)" yes yes 'PIN' 'TLS server'
