#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need gpgsm gpg-agent gnupg-pkcs11-scd

# sign SECRET FILE, by an agent and a smart card daemon of its own.
sign()
{
    gpgconf --kill gpg-agent
    printf '%s' "$1" | timeout 30 gpgsm --batch --disable-crl-checks --pinentry-mode loopback --passphrase-fd 0 \
        --local-user "$TOKEN rsa" --detach-sign --output "$2" file.txt
}

# signed FILE: as gpgsm sees it, since OpenSSL takes only half of them (see the page).
signed()
{
    gpgsm --batch --disable-crl-checks --verify "$1" file.txt 2>&1 | grep -F "Good signature from \"/CN=$TOKEN rsa/"
}

# unsigned FILE: gpgsm writes certificates before it asks for the signature, and leaves them there. More it must not be.
unsigned()
{
    refused gpgsm --batch --disable-crl-checks --verify "$1" file.txt
    refused openssl cms -cmsout -inform DER -in "$1" -outform DER -out /dev/null
    [ "$(stat -c %s "$1")" -lt "$(($(stat -c %s once.p7s) - 256))" ] # no room for a signature
}

consumer_begin
trap 'gpgconf --kill gpg-agent' EXIT
page | tee page.out
[ "$(grep -c 'key type:' page.out)" = 1 ] # no EC
openssl cms -verify -binary -inform DER -in rsa.p7s -content file.txt -CAfile "$CA" -purpose any -out /dev/null
signed rsa.p7s

used=$PIN$(code)
sign "$used" once.p7s
signed once.p7s
refused sign "$used" twice.p7s
grep 'Bad PIN' refused.out
unsigned twice.p7s
refused sign "$PIN" without.p7s
grep 'Bad PIN' refused.out
unsigned without.p7s

login
sign "$PIN" pin.p7s
signed pin.p7s
consumer_row 'gpgsm (gnupg-pkcs11-scd)' "$(version_of gpgsm)" yes no 'pin+code, PIN' \
    'gnupg-pkcs11-scd shows no EC keys; OpenSSL refuses half of the signatures, for GnuPG'"'"'s zero byte'
