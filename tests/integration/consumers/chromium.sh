#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

need chromium certutil modutil openssl
[ "$(id -u)" = 0 ] || die "only root writes a policy of chromium"
consumer_begin 'login = session'
cp -p pin "$HOME/pin"
tls_server "$PORT2"
[ ! -e "/etc/chromium/policies/managed/$TOKEN.json" ] || die "/etc/chromium/policies/managed/$TOKEN.json is there already"
leftovers+=("/etc/chromium/policies/managed/$TOKEN.json")
page
for label in rsa ec; do
    grep "Subject: .*CN=$TOKEN $label\$" $label.html
    let_in "$PORT2" "$TOKEN $label"
done

# After `trustp11 logout`; the policy still names the EC key.
get()
{
    timeout 60 chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --user-data-dir="$HOME/chromium" \
        --dump-dom "https://localhost:$PORT2/" >again.html
    grep "Subject: .*CN=$TOKEN ec\$" again.html
}
refused get
grep ERR_SSL_CLIENT_AUTH_SIGNATURE_FAILED refused.out
login
get
consumer_row 'Chromium' "$(version_of chromium)" yes yes session 'TLS client, without a window'
