#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# A server for this account, on a port of its own, that knows both keys.
sshd_start()
{
    ssh-keygen -q -t ed25519 -N '' -f host_key
    for label in rsa ec; do
        ssh-keygen -i -m PKCS8 -f $label.pub
    done >authorized_keys
    cat >sshd_config <<CONF
ListenAddress 127.0.0.1:$PORT
HostKey $WORK/host_key
AuthorizedKeysFile $WORK/authorized_keys
PidFile none
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
CONF
    cat >ssh_config <<CONF
Host server
HostName 127.0.0.1
Port $PORT
User $(id -un)
UserKnownHostsFile $WORK/known_hosts
IdentityFile none
BatchMode no
CONF
    printf '[127.0.0.1]:%s %s\n' "$PORT" "$(cat host_key.pub)" >known_hosts
    [ "$(id -u)" != 0 ] || mkdir -p /run/sshd
    until_exit /usr/sbin/sshd -D -e -f "$WORK/sshd_config" 2>sshd.log
    until_open "$PORT"
}

# An SSHSIG (PROTOCOL.sshsig) of an RSA key, checked by OpenSSL: what was signed goes to FILE.tbs, the signature to FILE.raw.
sshsig_split()
{
    python3 - "$1" "$2" <<'PYTHON'
import base64
import hashlib
import struct
import sys


def strings(data):
    while data:
        size, = struct.unpack('>I', data[:4])
        yield data[4:4 + size]
        data = data[4 + size:]


def string(data):
    return struct.pack('>I', len(data)) + data


text = open(sys.argv[1]).read().splitlines()
blob = base64.b64decode(''.join(line for line in text if not line.startswith('-----')))
assert blob[:10] == b'SSHSIG\0\0\0\1'
_, namespace, reserved, hash_name, signature = strings(blob[10:])
digest = hashlib.new(hash_name.decode(), open(sys.argv[2], 'rb').read()).digest()
open(sys.argv[1] + '.tbs', 'wb').write(b'SSHSIG' + b''.join(map(string, (namespace, reserved, hash_name, digest))))
name, raw = strings(signature)
assert name == b'rsa-sha2-512'
open(sys.argv[1] + '.raw', 'wb').write(raw)
PYTHON
}

need ssh ssh-agent ssh-keygen git /usr/sbin/sshd
consumer_begin
sshd_start
page
printf 'rsa\nec\nagent\n' | diff - login.txt
for algorithm in RSA ECDSA; do
    grep "Accepted publickey for $(id -un) from 127.0.0.1 port [0-9]* ssh2: $algorithm " sshd.log
done
for label in rsa ec; do
    grep -F "$(ssh-keygen -l -f $label.ssh.pub | cut -d ' ' -f 2)" agent.txt
    ssh-keygen -i -m PKCS8 -f $label.pub | sed 's/^/signer@example.jp /'
done >allowed
for label in rsa ec; do
    ssh-keygen -Y verify -f allowed -I signer@example.jp -n file -s $label.sshsig <file.txt
done
sshsig_split rsa.sshsig file.txt
openssl dgst -sha512 -verify rsa.pub -signature rsa.sshsig.raw rsa.sshsig.tbs
git -C repository -c gpg.ssh.allowedSignersFile="$WORK/allowed" verify-commit HEAD
git -C repository -c gpg.ssh.allowedSignersFile="$WORK/allowed" verify-tag v1

export SSH_ASKPASS=$HOME/askpass SSH_ASKPASS_REQUIRE=force
log_in()
{
    SECRET=$1 ssh -F ssh_config server true
}
given=$PIN$(code)
log_in "$given"
refused log_in "$given"
refused log_in "$PIN"
login
log_in "$PIN"
consumer_row 'OpenSSH, git' "$(version_of openssh-client)" yes yes 'pin+code, PIN' 'logins, agent, signed files, commits and tags'
