#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# What else Firefox would look for on the network.
stay_at_home()
{
    mkdir -p "$HOME/profile"
    cat >"$HOME/profile/user.js" <<'JS'
user_pref("app.normandy.enabled", false);
user_pref("app.update.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.dns.disablePrefetch", true);
user_pref("services.settings.server", "http://127.0.0.1:9/");
user_pref("toolkit.telemetry.server", "");
JS
}

need firefox-esr certutil modutil openssl
consumer_begin 'login = session'
cp -p pin "$HOME/pin"
stay_at_home
tls_server "$PORT2"
page
let_in "$PORT2" "$TOKEN rsa"

# Of several certificates Firefox takes the first: for the EC key, the other one goes. After `trustp11 logout` Firefox ends
# well, or waits, but nobody was let in.
get()
{
    timeout "$1" firefox-esr --headless --no-remote --profile "$HOME/profile" --screenshot "$WORK/again.png" \
        "https://localhost:$PORT2/" || true
    let_in "$PORT2" "$TOKEN ec"
}
trustp11 key delete rsa --user "$TOKEN" --yes --json >/dev/null
refused get 15
login
get 60
consumer_row 'Firefox' "$(version_of firefox-esr)" yes yes session 'TLS client, without a window'
