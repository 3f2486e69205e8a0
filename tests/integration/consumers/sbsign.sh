#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# sign SECRET KEY FILE
sign()
{
    (umask 077 && printf '%s' "$1" >secret.txt)
    OPENSSL_CONF=$WORK/openssl.cnf sbsign --engine pkcs11 --cert "$2.pem" --addcert "$CA" --output "$3" \
        --key "pkcs11:token=$TOKEN;object=$2;type=private?pin-source=file:$WORK/secret.txt" program.efi
}

# signed FILE: the program as sbverify sees it, the signature as OpenSSL does. (osslsigncode 2.5 refuses what sbsign makes.)
signed()
{
    sbverify --cert "$CA" "$1"
    authenticode_good "$1"
}

need sbsign sbverify
consumer_begin
python3 "$consumers/pe.py" efi program.efi
page
signed rsa.efi
signed ec.efi
sed 's/\x31\xc0\xc3/\x31\xc0\xc2/' rsa.efi >changed.efi
refused sbverify --cert "$CA" changed.efi

used=$PIN$(code)
sign "$used" ec once.efi
refused sign "$used" ec twice.efi
refused sign "$PIN" ec without.efi
left_nothing twice.efi without.efi

login
sign "$PIN" ec pin.efi
signed pin.efi
consumer_row 'sbsign (engine)' "$(version_of sbsigntool)" yes yes 'pin+code, PIN' 'EFI programs'
