# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Making a deployment for development: a SoftHSM token, an engine that is spawned on first use, an enrolled user.
# Sourced after common.sh, by the demo and the benches. `trustp11` is found in $PATH.

# softhsm_token DIR LABEL: a token of its own below DIR, its PIN in DIR/hsm.pin, and SOFTHSM2_CONF for whoever uses it.
softhsm_token()
{
    local dir=$1 label=$2
    mkdir -p "$dir/tokens"
    printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$dir/tokens" >"$dir/softhsm2.conf"
    export SOFTHSM2_CONF=$dir/softhsm2.conf
    (umask 077 && openssl rand -hex 12 >"$dir/hsm.pin")
    softhsm2-util --init-token --free --label "$label" --so-pin "$(openssl rand -hex 12)" --pin "$(cat "$dir/hsm.pin")" \
        >/dev/null
}

# deployment_make DIR NAME USERS: configurations, token keys, store; TRUSTP11_CONF for whoever uses it.
deployment_make()
{
    local dir=$1 name=$2 users=$3 hsm
    hsm="pkcs11:token=$name?module-path=$(find_library softhsm/libsofthsm2.so)&pin-source=file:$dir/hsm.pin"
    trustp11 init --dir "$dir" --hsm "$hsm" --name "$name" --spawn --users "$users" --no-backup --json >/dev/null
    export TRUSTP11_CONF=$dir/trustp11.conf
}

# user_enrol DIR USER PIN: makes the user, and enrols them as they would themselves. Leaves DIR/USER.pin and DIR/USER.totp
# (the secret, in base32).
user_enrol()
{
    local dir=$1 user=$2
    (umask 077 && printf '%s' "$3" >"$dir/$user.pin") # no newline: libp11 takes the file as it is
    trustp11 user add "$user" --code-file "$dir/$user.code" --json >/dev/null
    trustp11 enrol --user "$user" --code-file "$dir/$user.code" --pin-file "$dir/$user.pin" \
        --uri-file "$dir/$user.uri" --no-confirm --json >/dev/null
    (umask 077 && sed -n 's/.*[?&]secret=\([A-Z2-7]*\).*/\1/p' "$dir/$user.uri" >"$dir/$user.totp")
    code_next "$dir" "$user"
    printf '%s\n' "$code" | trustp11 enrol --user "$user" --code-file "$dir/$user.code" --confirm --json >/dev/null
    rm -f "$dir/$user.code" "$dir/$user.uri"
}

# user_login DIR USER TIME: for so long, this account's programs need the PIN alone.
user_login()
{
    code_next "$1" "$2"
    printf '%s\n' "$code" | trustp11 login --user "$2" --pin-file "$1/$2.pin" --for "$3" --json >/dev/null
}

# ca_make DIR: a throw-away certification authority: DIR/ca.pem, DIR/ca.key.
ca_make()
{
    local dir=$1
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/ca.key" -out "$dir/ca.pem" -days 30 \
        -subj '/C=JP/O=trustp11 demo/CN=Demo CA (throw-away)' \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
    cat >"$dir/ca.cnf" <<'CONF'
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, nonRepudiation
extendedKeyUsage = emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CONF
}

# crl_make DIR: what ca_make's CA has revoked, which is nothing: DIR/crl.pem.
crl_make()
{
    local dir=$1
    : >"$dir/index.txt"
    printf '[ca]\ndefault_ca = demo\n[demo]\ndatabase = %s\ndefault_md = sha256\ndefault_crl_days = 29\n' "$dir/index.txt" \
        >"$dir/crl.cnf"
    openssl ca -config "$dir/crl.cnf" -gencrl -keyfile "$dir/ca.key" -cert "$dir/ca.pem" -out "$dir/crl.pem" 2>/dev/null
}

# key_make DIR USER LABEL ID TYPE: a key in the HSM, and the CA's certificate for it: DIR/LABEL.pem, DIR/LABEL.pub. Needs
# user_login.
key_make()
{
    local dir=$1 user=$2 label=$3 id=$4 type=$5
    trustp11 key generate --user "$user" --type "$type" --label "$label" --id "$id" --json >/dev/null
    trustp11 key csr "$label" --user "$user" --subject "/C=JP/O=trustp11 demo/CN=Demo User ($type)" \
        --out "$dir/$label.csr" --json >/dev/null
    openssl x509 -req -in "$dir/$label.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 29 \
        -extfile "$dir/ca.cnf" -out "$dir/$label.pem" 2>/dev/null
    openssl x509 -in "$dir/$label.pem" -noout -pubkey >"$dir/$label.pub"
    cat "$dir/$label.pem" "$dir/ca.pem" >"$dir/$label.chain.pem"
    trustp11 cert import "$dir/$label.chain.pem" --user "$user" --json >/dev/null
}

# setting FILE KEY VALUE: sets KEY of a configuration, which its reference text has as a comment.
setting()
{
    sed -i "s|^#\{0,1\}$2 = .*|$2 = $3|" "$1"
    grep -q "^$2 = " "$1" || die "$1 has no $2"
}

# engine_pid: of the engine that TRUSTP11_CONF names; starts it, if need be.
engine_pid()
{
    trustp11 status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])'
}

# code_next DIR USER: sets `code` to a one-time code that has not been used. Each counts once, and there is a new one
# every 30 seconds: so this waits, and says so.
code_next()
{
    local dir=$1 user=$2 used now
    used=$(cat "$dir/$user.step" 2>/dev/null || printf 0)
    now=$(date +%s)
    [ $((now / 30)) -gt "$used" ] || code_wait $((30 - now % 30))
    now=$(date +%s)
    printf '%s\n' $((now / 30)) >"$dir/$user.step"
    # shellcheck disable=SC2034 # read by the caller
    code=$(oathtool --totp -b --now "@$now" - <"$dir/$user.totp")
}

code_wait()
{
    local left
    if [ ! -t 1 ]; then
        say "    (waiting $1 s for the next one-time code: each counts once)"
        sleep "$1"
        return
    fi
    for left in $(seq "$1" -1 1); do
        printf '\r    next one-time code (each counts once) in %2d s [%-30s]' "$left" \
            "$(printf '%*s' $((30 - left)) '' | tr ' ' '#')"
        sleep 1
    done
    printf '\r%78s\r' ''
}

# deployment_stop DIR: ends the spawned engine of the deployment in DIR, if there is one.
deployment_stop()
{
    local dir=$1 pid
    [ -S "$dir/engine.sock" ] || return 0
    pid=$(TRUSTP11_CONF=$dir/trustp11.conf SOFTHSM2_CONF=$dir/softhsm2.conf engine_pid 2>/dev/null) || return 0
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$dir/engine.conf" || return 0
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.1
    done
}

# token_key_make DIR TOKEN LABEL: an RSA-2048 key in the token of softhsm_token itself, without any engine, and the certificate of
# ca_make's CA for it, in the token too.
token_key_make()
{
    local dir=$1 token=$2 label=$3 module uri
    module=$(find_library softhsm/libsofthsm2.so)
    uri="pkcs11:token=$token;object=$label;type=private?module-path=$module&pin-source=file:$dir/hsm.pin"
    pkcs11-tool --module "$module" --token-label "$token" --login --pin "$(cat "$dir/hsm.pin")" --keypairgen \
        --key-type rsa:2048 --label "$label" --id 01 >/dev/null 2>&1
    pkcs11-tool --module "$module" --token-label "$token" --read-object --type pubkey --id 01 --output-file "$dir/$label.pub" \
        >/dev/null 2>&1
    openssl pkey -pubin -inform DER -in "$dir/$label.pub" -out "$dir/$label.pub.pem"
    openssl req -new -newkey rsa:2048 -nodes -keyout "$dir/unused.key" -subj "/C=JP/O=trustp11 bench/CN=$label" \
        -out "$dir/unused.csr" 2>/dev/null
    openssl x509 -req -in "$dir/unused.csr" -force_pubkey "$dir/$label.pub.pem" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" \
        -CAcreateserial -days 29 -extfile "${4:-$dir/ca.cnf}" -out "$dir/$label.pem" 2>/dev/null
    openssl x509 -in "$dir/$label.pem" -outform DER -out "$dir/$label.der"
    pkcs11-tool --module "$module" --token-label "$token" --login --pin "$(cat "$dir/hsm.pin")" --write-object \
        "$dir/$label.der" --type cert --label "$label" --id 01 >/dev/null 2>&1
    rm -f "$dir/unused.key" "$dir/unused.csr"
    printf '%s\n' "${uri%;type=private*}?module-path=$module&pin-source=file:$dir/hsm.pin" >"$dir/$label.uri"
}
