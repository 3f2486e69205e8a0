#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need curl openssl
find_library engines-3/pkcs11.so >/dev/null
consumer_begin
tls_server "$PORT2"
page
for html in rsa ec token; do
    grep "Subject: .*CN *= *$TOKEN ${html/token/rsa}\$" $html.html
done

export PKCS11_MODULE_PATH=$TP_MODULE
get()
{
    curl --silent --show-error --cacert "$CA" --engine pkcs11 --key-type ENG \
        --key "pkcs11:token=$TOKEN;object=ec;type=private;pin-source=file:$HOME/secret" --cert ec.pem \
        --output "$1" "https://localhost:$PORT2/"
}
refused get used-code.html
printf '%s' "$PIN" >"$HOME/secret"
refused get no-code.html
refused curl --silent --show-error --cacert "$CA" "https://localhost:$PORT2/"
login
get after-login.html
grep "Subject: .*CN *= *$TOKEN ec\$" after-login.html
consumer_row 'curl' "$(version_of curl)" yes yes 'pin+code, PIN' 'TLS client, by the OpenSSL engine'
