#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need certutil modutil cmsutil pdfsig qpdf
consumer_begin
"$libexec/make-pdf" unsigned.pdf 'A document to sign.'
page
for label in rsa ec; do
    grep "^$TOKEN:$label " certificates.txt
    grep " $label\$" keys.txt
    cmp $label.content file.txt
    openssl cms -verify -inform DER -in $label.p7 -CAfile "$CA" -binary -out openssl.content
    cmp openssl.content file.txt
done
"$libexec/split-pdf" signed.pdf signed.content signed.cms
openssl cms -verify -inform DER -binary -in signed.cms -content signed.content -CAfile "$CA" -out /dev/null
qpdf --check signed.pdf

sign()
{
    cmsutil -S -d "sql:$HOME/.pki/nssdb" -N "$TOKEN:ec" -f "$HOME/secret" -G -Y NONE -H SHA256 -i file.txt -o "$1"
}
refused sign used-code.p7
printf '%s' "$PIN" >"$HOME/secret"
refused sign no-code.p7
login
sign after-login.p7
openssl cms -verify -inform DER -in after-login.p7 -CAfile "$CA" -binary -out /dev/null
trustp11 logout --user "$TOKEN" --json >/dev/null
refused pdfsig -nssdir "$HOME/.pki/nssdb" -nss-pwd "$PIN" -add-signature -nick "$TOKEN:rsa" unsigned.pdf refused.pdf
consumer_row 'NSS: certutil, cmsutil, pdfsig' "$(version_of libnss3-tools), poppler $(version_of poppler-utils)" yes yes \
    'pin+code, PIN' 'CMS, PDF; PDF with EC not always: poppler 22.12'
