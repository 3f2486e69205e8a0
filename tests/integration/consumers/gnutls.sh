#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need p11tool certtool gnutls-serv gnutls-cli curl
consumer_begin
tls_server "$PORT2"
page
grep "token=$TOKEN" tokens.txt
for label in rsa ec; do
    grep "object=$label;type=cert" certificates.txt
    grep "object=$label;type=private" keys.txt
done
diff <(openssl x509 -in exported.pem) <(openssl x509 -in rsa.pem)
openssl cms -verify -inform DER -in rsa.p7 -CAfile "$CA" -binary -out rsa.content
cmp rsa.content file.txt
openssl cms -verify -inform DER -in ec.p7 -content file.txt -CAfile "$CA" -binary -out /dev/null
openssl req -in request.pem -noout -verify
grep 'GnuTLS' page.html
grep "Subject: .*CN *= *$TOKEN ec" client.html

sign()
{
    GNUTLS_PIN=$1 certtool --provider "$TP_MODULE" --p7-sign --load-privkey "pkcs11:token=$TOKEN;object=ec;type=private" \
        --load-certificate ec.pem --infile file.txt --outder --outfile "$2"
}
given=$PIN$(code)
sign "$given" first.p7
refused sign "$given" used-code.p7
refused sign "$PIN" no-code.p7
login
sign "$PIN" after-login.p7
openssl cms -verify -inform DER -in after-login.p7 -CAfile "$CA" -binary -out /dev/null
consumer_row 'GnuTLS: p11tool, certtool, gnutls-serv' "$(version_of gnutls-bin)" yes yes 'pin+code, PIN' \
    'CMS, requests, TLS server and client'
