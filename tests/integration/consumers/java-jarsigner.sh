#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need jarsigner jar keytool

# sign KEY FILE SECRET
sign()
{
    SECRET=$3 jarsigner -keystore NONE -storetype PKCS11 -addprovider SunPKCS11 -providerArg "$HOME/.config/trustp11/java.cfg" \
        -storepass:env SECRET -signedjar "$2" program.jar "$1"
}

# signed KEY FILE: the signature in it, as OpenSSL sees it.
signed()
{
    local block=META-INF/${1^^}
    rm -rf META-INF
    jar --extract --file "$2" META-INF
    openssl cms -verify -binary -inform DER -in "$block".[RE][SC]* -content "$block.SF" -CAfile "$CA" -purpose any \
        -out /dev/null
    openssl dgst -sha256 -binary META-INF/MANIFEST.MF | openssl base64 >manifest.digest
    tr -d '\r' <"$block.SF" | grep -F "SHA-256-Digest-Manifest: $(cat manifest.digest)"
}

consumer_begin
page | tee page.out
[ "$(grep -c '^jar verified' page.out)" = 2 ]
signed rsa program-rsa.jar
signed ec program-ec.jar

used=$PIN$(code)
sign ec once.jar "$used"
refused sign ec twice.jar "$used"
refused sign ec without.jar "$PIN"
left_nothing twice.jar without.jar

login
sign rsa session.jar "$PIN"
signed rsa session.jar
consumer_row 'Java jarsigner (SunPKCS11)' "$(version_of openjdk-17-jdk-headless)" yes yes 'pin+code, PIN' 'JAR files'
