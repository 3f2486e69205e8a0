#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need gcc pkg-config
consumer_begin
cp "$consumers/libp11.c" .

# sign SECRET KEY FILE
sign()
{
    SECRET=$1 ./sign "$TP_MODULE" "$TOKEN" "$2" file.txt "$3"
}

page | tee page.out
grep -x 'certificate rsa' page.out
grep -x 'certificate ec' page.out
openssl dgst -sha256 -verify rsa.pub -signature rsa.sig file.txt
openssl dgst -sha256 -verify ec.pub -signature ec.sig file.txt

used=$PIN$(code)
sign "$used" ec once.sig
refused sign "$used" ec twice.sig
refused sign "$PIN" ec without.sig
refused ./sign "$TP_MODULE" "$TOKEN" ec file.txt nothing.sig
left_nothing twice.sig without.sig nothing.sig

login
sign "$PIN" ec pin.sig
openssl dgst -sha256 -verify ec.pub -signature pin.sig file.txt
configure 'login = session'
./sign "$TP_MODULE" "$TOKEN" rsa file.txt session.sig
openssl dgst -sha256 -verify rsa.pub -signature session.sig file.txt
consumer_row 'libp11' "$(version_of libp11-dev)" yes yes 'pin+code, PIN, session' 'a program of its own, in C'
