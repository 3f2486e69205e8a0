#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need keytool

# request KEY FILE SECRET
request()
{
    SECRET=$3 keytool -certreq -alias "$1" -file "$2" -keystore NONE -storetype PKCS11 -addprovider SunPKCS11 \
        -providerarg "$HOME/.config/trustp11/java.cfg" -storepass:env SECRET
}

# request_good KEY FILE: its own signature is right, and it is for this key.
request_good()
{
    openssl req -in "$2" -verify -noout 2>&1 | grep -F 'verify OK'
    openssl req -in "$2" -noout -pubkey | cmp - "$1.pub"
}

consumer_begin
page | tee page.out
grep '^rsa, PrivateKeyEntry' page.out
grep '^ec, PrivateKeyEntry' page.out
request_good rsa rsa-request.pem
request_good ec ec-request.pem

used=$PIN$(code)
request ec once.pem "$used"
refused request ec twice.pem "$used"
refused request ec without.pem "$PIN"
left_nothing twice.pem without.pem

login
request rsa session.pem "$PIN"
request_good rsa session.pem
consumer_row 'Java keytool (SunPKCS11)' "$(version_of openjdk-17-jre-headless)" yes yes 'pin+code, PIN' \
    'lists, makes certificate requests'
