#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need openssl certtool gnutls-cli curl
find_library ossl-modules/pkcs11.so >/dev/null
consumer_begin
tls_server "$PORT2"
page
openssl_made
diff <(openssl x509 -in stored.pem) <(openssl x509 -in rsa.pem)
grep 'Client certificate' client.html
grep "Subject: .*CN *= *$TOKEN rsa" client.html

dgst()
{
    OPENSSL_CONF=$HOME/.config/trustp11/openssl.cnf openssl dgst -sha256 \
        -sign "pkcs11:token=$TOKEN;object=ec;type=private;pin-source=file:$HOME/secret" -out "$1" file.txt
}
openssl_logins dgst
consumer_row 'OpenSSL provider (pkcs11-provider)' "$(version_of pkcs11-provider)" yes yes 'pin+code, PIN' \
    'dgst, PSS, cms, req, TLS server and client'
