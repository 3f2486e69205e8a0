#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need apksigner jar jarsigner

# sign KEY FILE SECRET
sign()
{
    SECRET=$3 apksigner -J-add-exports=jdk.crypto.cryptoki/sun.security.pkcs11=ALL-UNNAMED sign \
        --provider-class sun.security.pkcs11.SunPKCS11 --provider-arg "$HOME/.config/trustp11/java.cfg" \
        --ks NONE --ks-type PKCS11 --ks-pass env:SECRET --ks-key-alias "$1" --out "$2" unsigned.apk
}

# signed KEY FILE: all schemes as apksigner, and the first, a JAR's, as jarsigner and OpenSSL see it.
signed()
{
    local digest block=META-INF/${1^^}
    digest=$(openssl x509 -in "$1.pem" -outform DER | openssl dgst -sha256 -r | cut -d ' ' -f 1)
    apksigner verify --verbose --print-certs "$2" >verified.out
    grep 'v1 scheme.*: true' verified.out
    grep 'v2 scheme.*: true' verified.out
    grep 'v3 scheme.*: true' verified.out
    grep "^Signer #1 certificate SHA-256 digest: $digest" verified.out
    jarsigner -verify "$2" | grep '^jar verified'
    rm -rf META-INF
    jar --extract --file "$2" META-INF
    openssl cms -verify -binary -inform DER -in "$block".[RE][SC]* -content "$block.SF" -CAfile "$CA" -purpose any \
        -out /dev/null
}

consumer_begin
python3 "$consumers/apk_manifest.py" AndroidManifest.xml
jar --create --no-manifest --file unsigned.apk AndroidManifest.xml file.txt
refused apksigner verify unsigned.apk
page
signed rsa rsa.apk
signed ec ec.apk

used=$PIN$(code)
sign ec once.apk "$used"
refused sign ec twice.apk "$used"
grep CKR_PIN_INCORRECT refused.out
refused sign ec without.apk "$PIN"
left_nothing twice.apk without.apk

login
sign ec pin.apk "$PIN"
signed ec pin.apk
consumer_row 'apksigner (SunPKCS11)' "$(version_of apksigner)" yes yes 'pin+code, PIN' 'APKs, schemes v1 to v3'
