#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# p11-kit reads nothing of root's own.
leave_no_module()
{
    [ ! -e "/etc/pkcs11/modules/$TOKEN.module" ] || die "/etc/pkcs11/modules/$TOKEN.module is there already"
    leftovers+=("/etc/pkcs11/modules/$TOKEN.module")
}

need p11-kit p11tool pkcs11-tool certtool
consumer_begin
leave_no_module
page
grep "$TP_MODULE" modules.txt
grep "token=$TOKEN" tokens.txt
for label in rsa ec; do
    grep "object=$label;type=cert" certificates.txt
    grep "label: *$label\$" objects.txt
    openssl dgst -sha256 -verify $label.pub -signature $label.sig file.txt
done
for signed in local remote; do
    openssl cms -verify -inform DER -in $signed.p7 -CAfile "$CA" -binary -out $signed.content
    cmp $signed.content file.txt
done

sign()
{
    GNUTLS_PIN=$1 certtool --p7-sign --load-privkey "pkcs11:token=$TOKEN;object=ec;type=private" \
        --load-certificate ec.pem --infile file.txt --outder --outfile "$2"
}
given=$PIN$(code)
sign "$given" first.p7
refused sign "$given" used-code.p7
login
sign "$PIN" after-login.p7
openssl cms -verify -inform DER -in after-login.p7 -CAfile "$CA" -binary -out /dev/null
consumer_row 'p11-kit' "$(version_of p11-kit)" yes yes 'pin+code, PIN' \
    'proxy, server and client, remote; EC over a digest only'
