# SPDX-License-Identifier: Apache-2.0
"""Secrets with known values are planted, used in every way, and then looked for where they must not be.

What SoftHSM keeps is its own: it runs inside the engine's process, so that its copies of the token's keys, of the key
that decrypts its object files, and of what a call is working on lie in that process's memory. A hardware HSM has them
in its own. Looked for is therefore what passes through our hands: PINs, one-time codes, seeds, enrolment codes, the
HSM's PIN, and in the files also every key.
"""
import base64
import os
import pathlib
import shutil
import signal
import unittest

from deployment import CKR, DeploymentTest, must, needs_root, write_private

HSM_PIN = 'hsm-PIN-planted-5c1de0'
PIN = 'alices-PIN-planted-90bd27'
NEW_PIN = 'alices-new-PIN-planted-418e'
WRONG_PIN = 'mistyped-PIN-planted-7732fa'


USER_UWK, KEY_BLOB = 15, 4  # fields of the records (engine/records.proto)


def token_keys(deployment):
    """name → bytes, as the backup's custodians could have them."""
    keys = {}
    for path in sorted((deployment.dir / 'backup').glob('*.wrapped')):
        plain = deployment.dir / 'plain'
        must(['openssl', 'pkeyutl', '-decrypt', '-inkey', deployment.custodian, '-in', path, '-out', plain, '-pkeyopt',
              'rsa_padding_mode:oaep'])
        keys[path.stem] = plain.read_bytes()
        plain.unlink()
    return keys


def fields(message):
    """Field number → bytes of a protobuf message, for those that have a length."""
    found, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(message):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            varint()
        else:
            assert kind == 2, kind
            length = varint()
            found[number] = message[at:at + length]
            at += length
    return found


def unwrap(deployment, key, wrapped):
    """RFC 5649, by the command openssl."""
    path, plain = deployment.dir / 'wrapped', deployment.dir / 'unwrapped'
    path.write_bytes(wrapped)
    must(['openssl', 'enc', '-d', '-id-aes256-wrap-pad', '-K', key.hex(), '-iv', 'A65959A6', '-in', path, '-out',
          plain])
    value = plain.read_bytes()
    for each in (path, plain):
        each.unlink()
    return value


def private_scalar(pkcs8):
    """The 32 bytes that are the key, from a PKCS#8 with an ECPrivateKey (RFC 5915): version 1, then an octet string."""
    at = pkcs8.index(bytes([0x02, 0x01, 0x01, 0x04, 0x20])) + 5
    return pkcs8[at:at + 32]


def forms(name, value):
    """A secret as it is, in hex and in base64: name → bytes."""
    found = {name: value, f'{name} in hex': value.hex().encode(), f'{name} in HEX': value.hex().upper().encode(),
             f'{name} in base64': base64.b64encode(value).rstrip(b'=')}
    if len(value) == 20:
        found[f'{name} in base32'] = base64.b32encode(value)
    return found


class Secrets(DeploymentTest):
    def setUp(self):
        # eight digits: six would now and then be found by chance
        self.deployment = self.deploy(hsm_pin=HSM_PIN, backup=True, settings={('otp', 'digits'): '8'})
        self.live_a_little()
        self.planted = {'enrolment code': self.alice.enrolment_code.encode(), **forms('seed', self.alice.seed)}
        for name, text in (('PIN', PIN), ('new PIN', NEW_PIN), ('wrong PIN', WRONG_PIN), ('HSM PIN', HSM_PIN)):
            self.planted.update(forms(name, text.encode()))
        for number, code in enumerate(self.alice.codes):
            self.planted[f'code {number}'] = code.encode()

    def live_a_little(self):
        """Whatever takes a secret: enrolment, logins right and wrong, a change of PIN, signatures of many threads."""
        deployment = self.deployment
        self.alice = deployment.add_user('alice', pin=PIN)
        deployment.generate(self.alice, 'k')
        self.learn_keys()
        self.assert_refused(deployment.login(self.alice, pin=WRONG_PIN))
        self.assert_signs(deployment, self.alice)
        deployment.ok('pin', 'change', '--user', 'alice', stdin=f'{PIN}\n{self.alice.code()}\n{NEW_PIN}\n')
        self.assert_ok(deployment.login(self.alice, pin=NEW_PIN))
        self.signer = deployment.signer(self.alice, threads=4)
        self.assertEqual(self.signer.login(NEW_PIN), CKR['OK'])
        self.assertEqual(self.signer.sign(50)[1], [])

    def learn_keys(self):
        """The token's keys from their backup; with them alice's, from what is stored until her first login."""
        self.keys = token_keys(self.deployment)
        database = self.deployment.database()
        (user,), = database.execute("SELECT content FROM record WHERE kind = 'user'")
        (key,), = database.execute("SELECT content FROM record WHERE kind = 'credential'")
        database.close()
        self.keys['user wrapping key'] = unwrap(self.deployment, self.keys['kek-1'], fields(user)[USER_UWK])
        pkcs8 = unwrap(self.deployment, self.keys['user wrapping key'], fields(key)[KEY_BLOB])
        self.keys['private key'] = private_scalar(pkcs8)

    def assert_nowhere(self, content, where, planted=None):
        found = [name for name, value in (planted or self.planted).items() if value in content]
        self.assertEqual(found, [], where)

    def with_keys(self):
        planted = dict(self.planted)
        for name, value in self.keys.items():
            planted.update(forms(name, value))
        return planted

    def files(self):
        """All that was written, but for what the test has written itself and the token's own."""
        own = {'hsm.pin', 'custodian.key'}
        tokens = self.deployment.dir / 'tokens'
        return [path for path in self.deployment.dir.rglob('*')
                if path.is_file() and path.name not in own and tokens not in path.parents]

    def test_files(self):
        """Store (db, -wal, -shm), configuration, backup, engine's and module's logs: while it runs and after it."""
        names = {path.name for path in self.files()}
        self.assertLessEqual({'store.db', 'store.db-wal', 'store.db-shm', 'module.log', 'audit.pem'}, names)
        planted = self.with_keys()
        for moment in ('running', 'ended'):
            for path in self.files():
                self.assert_nowhere(path.read_bytes(), f'{path}, {moment}', planted)
            self.assert_nowhere(''.join(self.deployment.log).encode(), f'log, {moment}', planted)
            if moment == 'running':
                self.deployment.stop()

    def test_the_search_would_find_them(self):
        """The twin: the same search, where something was put for it."""
        for name, value in self.with_keys().items():
            path = write_private(self.deployment.dir / 'planted', b'before' + value + b'after')
            with self.assertRaises(AssertionError, msg=name):
                self.assert_nowhere(path.read_bytes(), 'planted', self.with_keys())

    def test_what_the_log_tells(self):
        told = self.deployment.ok('audit', 'list', '--all', '--json') + self.deployment.ok('audit', 'list', '--all')
        self.assertIn('alice', told)
        self.assert_nowhere(told.encode(), 'audit list', self.with_keys())
        for command in (['status'], ['doctor', '--module', os.devnull], ['user', 'list'], ['policy', 'show'],
                        ['factor', 'list', '--user', 'alice'], ['key', 'list', '--user', 'alice']):
            done = self.deployment.cli(*command, '--json')
            self.assert_nowhere((done.out + done.err).encode(), command, self.with_keys())

    def test_command_line(self):
        content = pathlib.Path(f'/proc/{self.deployment.pid()}/cmdline').read_bytes()
        self.assertIn(b'engine.conf', content)
        self.assert_nowhere(content, 'cmdline', self.with_keys())

    def test_environment(self):
        """Not even the engine's own user may read it, as with any process that cannot be dumped; root may."""
        path = pathlib.Path(f'/proc/{self.deployment.pid()}/environ')
        if os.geteuid() != 0:
            with self.assertRaises(PermissionError):
                path.read_bytes()
            return
        content = path.read_bytes()
        self.assertIn(b'SOFTHSM2_CONF', content)
        self.assert_nowhere(content, 'environ', self.with_keys())

    # ---- memory ----

    def mappings(self, pid):
        """(from, to, flags) of what can be read."""
        found = []
        for line in pathlib.Path(f'/proc/{pid}/smaps').read_text().splitlines():
            words = line.split()
            if '-' in words[0] and not words[0].endswith(':'):
                begin, end = (int(word, 16) for word in words[0].split('-'))
                readable = words[1].startswith('r')
            elif words[0] == 'VmFlags:' and readable:
                found.append((begin, end, set(words[1:])))
        return found

    def memory(self, pid, excluded_from_dumps):
        content = b''
        with open(f'/proc/{pid}/mem', 'rb', buffering=0) as memory:
            for begin, end, flags in self.mappings(pid):
                if ('dd' in flags) == excluded_from_dumps and 'io' not in flags and 'pf' not in flags:
                    memory.seek(begin)
                    try:
                        content += memory.read(end - begin)
                    except OSError:
                        pass  # [vvar]
        return content

    @needs_root
    def test_secrets_live_only_where_neither_a_dump_nor_swap_takes_them(self):
        """The HSM's PIN is kept for a token that comes back: in locked memory that dumps leave out, nowhere else."""
        pid = self.deployment.pid()
        kept = [flags for _, _, flags in self.mappings(pid) if 'dd' in flags and 'lo' in flags]
        self.assertNotEqual(kept, [])
        self.assertIn(HSM_PIN.encode(), self.memory(pid, excluded_from_dumps=True))
        self.assert_nowhere(self.memory(pid, excluded_from_dumps=False), 'memory that would be dumped')

    @needs_root
    @unittest.skipUnless(shutil.which('gcore'), 'needs gcore (package gdb)')
    def test_core_file(self):
        path = self.deployment.dir / 'core'
        pid = self.deployment.pid()
        must(['gcore', '-o', path, pid], timeout=60)
        content = (self.deployment.dir / f'core.{pid}').read_bytes()
        self.assertIn(b'trustp11/demo', content)  # the engine's own words: so it is its core
        self.assert_nowhere(content, 'core file')

    def test_engine_that_crashes_leaves_no_core(self):
        process = self.deployment.process
        limits = pathlib.Path(f'/proc/{process.pid}/limits').read_text()
        self.assertRegex(limits, r'Max core file size +0 +0 ')
        process.send_signal(signal.SIGQUIT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -os.WTERMSIG(status)
        self.assertEqual(os.WTERMSIG(status), signal.SIGQUIT)
        self.assertFalse(os.WCOREDUMP(status))
        self.deployment._forget_process()
        self.deployment.start()
        self.assert_sound(self.deployment)


if __name__ == '__main__':
    unittest.main()
