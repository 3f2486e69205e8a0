#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need soffice certutil modutil pdfsig qpdf
consumer_begin 'login = session'
cp -p pin "$HOME/pin"
page
mkdir without-module
certutil -N -d sql:without-module --empty-password
certutil -A -d sql:without-module -n our-ca -t CT,C,C -i "$CA"
for label in rsa ec; do
    pdfsig -nssdir sql:without-module $label/file.pdf | tee pdfsig.txt
    grep "Signer Certificate Common Name: $TOKEN $label\$" pdfsig.txt
    grep 'Signature is Valid' pdfsig.txt
    grep 'Certificate is Trusted' pdfsig.txt
    "$libexec/split-pdf" $label/file.pdf $label.content $label.cms
    openssl cms -verify -inform DER -binary -in $label.cms -content $label.content -CAfile "$CA" -out /dev/null
    qpdf --check $label/file.pdf
done
python3 "$consumers/three_programs.py"

# After `trustp11 logout`. LibreOffice itself ends well: there is just no PDF.
sign()
{
    local subject
    subject=$(openssl x509 -in rsa.pem -noout -subject -nameopt RFC2253 | sed 's/^subject=//')
    timeout 60 soffice --headless --convert-to \
        "pdf:writer_pdf_Export:{\"SignPDF\": {\"type\": \"boolean\", \"value\": \"true\"},
        \"SignCertificateSubjectName\": {\"type\": \"string\", \"value\": \"$subject\"}}" --outdir refused file.txt
    [ -e refused/file.pdf ]
}
refused sign
consumer_row 'LibreOffice' "$(version_of libreoffice-writer)" yes yes session 'PDF export, without a window'
