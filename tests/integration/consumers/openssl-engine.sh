#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need openssl certtool gnutls-cli curl
find_library engines-3/pkcs11.so >/dev/null
consumer_begin
page
openssl_made

export PKCS11_MODULE_PATH=$TP_MODULE
dgst()
{
    openssl dgst -engine pkcs11 -keyform engine -sha256 \
        -sign "pkcs11:token=$TOKEN;object=ec;type=private;pin-source=file:$HOME/secret" -out "$1" file.txt
}
openssl_logins dgst
consumer_row 'OpenSSL engine (libp11)' "$(version_of libengine-pkcs11-openssl)" yes yes 'pin+code, PIN' \
    'dgst, PSS, cms, req, TLS server'
