#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need pkcs11-tool
consumer_begin
page
openssl dgst -sha256 -verify rsa.pub -signature rsa.sig file.txt
openssl dgst -sha256 -verify ec.pub -signature ec.sig file.txt
openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -verify rsa.pub -signature pss.sig file.txt
refused pkcs11-tool --module "$TP_MODULE" --token-label "$TOKEN" --login --pin "$PIN" --sign --mechanism ECDSA-SHA256 \
    --id 02 --input-file file.txt --output-file refused.sig
consumer_row 'OpenSC pkcs11-tool' "$(version_of opensc)" yes yes 'pin+code, PIN' \
    'also lists, reads certificates, changes the PIN'
