#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need openssl certtool gnutls-cli curl
find_library ossl-modules/pkcs11.so >/dev/null
consumer_begin
tls_server "$PORT2"
page
openssl dgst -sha256 -verify rsa.pub -signature rsa.sig file.txt
openssl dgst -sha256 -verify ec.pub -signature ec.sig file.txt
openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -verify rsa.pub -signature pss.sig file.txt
diff <(openssl x509 -in stored.pem) <(openssl x509 -in rsa.pem)
for label in rsa ec; do
    certtool --p7-verify --inder --load-ca-certificate "$CA" --infile $label.p7
done
certtool --crq-info --infile request.pem | grep 'Self signature: verified'
certtool --verify --load-ca-certificate self.pem --infile self.pem
grep 's_server' page.html
grep 'Handshake was completed' gnutls-cli.txt
grep 'Client certificate' client.html
grep "Subject: .*CN *= *$TOKEN rsa" client.html

dgst()
{
    OPENSSL_CONF=$HOME/.config/trustp11/openssl.cnf openssl dgst -sha256 \
        -sign "pkcs11:token=$TOKEN;object=ec;type=private;pin-source=file:$HOME/secret" -out "$1" file.txt
}
refused dgst used-code.sig
printf '%s' "$PIN" >"$HOME/secret"
refused dgst no-code.sig
login
dgst after-login.sig
openssl dgst -sha256 -verify ec.pub -signature after-login.sig file.txt
consumer_row 'OpenSSL provider (pkcs11-provider)' "$(version_of pkcs11-provider)" yes yes 'pin+code, PIN' \
    'dgst, PSS, cms, req, TLS server and client'
