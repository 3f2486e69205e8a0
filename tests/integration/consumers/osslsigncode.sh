#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# sign SECRET KEY FILE
sign()
{
    (umask 077 && printf '%s' "$1" >secret.txt)
    osslsigncode sign -pkcs11module "$TP_MODULE" -key "pkcs11:token=$TOKEN;object=$2;type=private" \
        -readpass secret.txt -certs "$2.chain.pem" -h sha256 -in program.exe -out "$3"
}

# signed FILE: as a program of others, and OpenSSL, see it.
signed()
{
    sbverify --cert "$CA" "$1"
    authenticode_good "$1"
}

need osslsigncode sbverify
consumer_begin
python3 "$consumers/pe.py" windows program.exe
page
signed rsa.exe
signed ec.exe
sed 's/\x31\xc0\xc3/\x31\xc0\xc2/' rsa.exe >changed.exe
refused osslsigncode verify -CAfile "$CA" -in changed.exe

used=$PIN$(code)
sign "$used" ec once.exe
refused sign "$used" ec twice.exe
grep -i 'PIN incorrect' refused.out
refused sign "$PIN" ec without.exe
left_nothing twice.exe without.exe

login
sign "$PIN" ec pin.exe
signed pin.exe
consumer_row 'osslsigncode (engine)' "$(version_of osslsigncode)" yes yes 'pin+code, PIN' 'Authenticode'
