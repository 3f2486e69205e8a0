#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

/usr/bin/python3 -c 'import PyKCS11' || die 'python3-pykcs11 is not installed: scripts/setup --consumers'

# sign SECRET PREFIX [PROGRAM]
sign()
{
    SECRET=$1 /usr/bin/python3 "${3:-sign.py}" "$2"
}

# signed PREFIX
signed()
{
    openssl dgst -sha256 -verify rsa.pub -signature "$1rsa.sig" file.txt
    openssl dgst -sha256 -verify ec.pub -signature "$1ec.sig" file.txt
}

consumer_begin
page | tee page.out
grep -x 'certificate rsa' page.out
grep -x 'certificate ec' page.out
grep -x 'as Python says' page.out
signed signed-

used=$PIN$(code)
sign "$used" once-
refused sign "$used" twice-
grep CKR_PIN_INCORRECT refused.out
refused sign "$PIN" without-
left_nothing twice-rsa.sig without-rsa.sig

login
sign "$PIN" pin-
signed pin-
configure 'login = session'
sed '/^session\.log/d' sign.py >session.py
sign '' session- session.py
signed session-
consumer_row 'PyKCS11' "$(version_of python3-pykcs11)" yes yes 'pin+code, PIN, session' \
    'a program of its own, in Python'
