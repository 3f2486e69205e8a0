# SPDX-License-Identifier: Apache-2.0
"""A deployment of trustp11 of a test's own: token, store, engine, users, keys; and what a test does with them.

Everything lies in a temporary folder, and close() leaves nothing behind: engines are ended by their process id. PINs
are made cheap and keys may sign before they have certificates, unless a test says otherwise.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import unittest

from authority import Authority, der_integer, der_sequence
from people import User, hotp
from signer import Signer
from tools import (CKR, CLI, ENGINE, FAULT, MODULE, NOBODY, PATIENCE_S, SOFTHSM, Result, as_nobody, must, needs_root,
                   run, wait_until, write_private)

# Tests import from here alone.
__all__ = ['CKR', 'CLI', 'ENGINE', 'MODULE', 'NOBODY', 'PATIENCE_S', 'SOFTHSM', 'Authority', 'Deployment',
           'DeploymentTest', 'Result', 'Signer', 'User', 'as_nobody', 'der_integer', 'der_sequence', 'hotp', 'must',
           'needs_root', 'run', 'wait_until', 'write_private']

CHEAP = {('pin', 'insecure_cheap'): 'yes', ('pin', 'memory_kib'): '8', ('pin', 'passes'): '1',
         ('policy', 'without_certificate'): 'yes'}


class Deployment:
    def __init__(self, users=('alice',), spawn=False, faults=False, backup=False, hsm_pin='90437856', settings=None,
                 start=True):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='trustp11-'))
        self.place = self.dir / 'deployment'
        self.engine_conf, self.client_conf = self.place / 'engine.conf', self.place / 'trustp11.conf'
        self.store, self.socket = self.place / 'store.db', self.place / 'engine.sock'
        self.user_names, self.spawn, self.faults, self.hsm_pin = users, spawn, faults, hsm_pin
        self.custodian = self.dir / 'custodian.key' if backup else None
        self.process, self.log, self.signers, self.key_ids = None, [], [], {}
        self.program, self.runs_as = ENGINE, {}  # the latter: options of Popen, for an engine of another user
        self.control = self.dir / 'fault.rules'
        self.make_environment()
        self.make_token()
        try:
            self.init()
            for (section, key), value in {**CHEAP, **(settings or {})}.items():
                self.configure(section, key, value)
            if start and not spawn:
                self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    # -- making --

    def make_environment(self):
        kept = ('PATH', 'LANG', 'LD_LIBRARY_PATH', 'ASAN_OPTIONS', 'LSAN_OPTIONS', 'TSAN_OPTIONS',
                'UBSAN_OPTIONS')
        self.env = {name: os.environ[name] for name in kept if name in os.environ}
        self.env.update(HOME=str(self.dir), SOFTHSM2_CONF=str(self.dir / 'softhsm2.conf'),
                        TRUSTP11_CONF=str(self.client_conf), PKCS11_FAULT_MODULE=SOFTHSM,
                        PKCS11_FAULT_CONTROL=str(self.control), TRUSTP11_DEBUG=str(self.dir / 'module.log'))

    def make_token(self, folder='tokens', label='demo'):
        tokens = self.dir / folder
        tokens.mkdir(exist_ok=True)
        (self.dir / 'softhsm2.conf').write_text(
            f'directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n')
        must(['softhsm2-util', '--init-token', '--free', '--label', label, '--pin', self.hsm_pin, '--so-pin',
              '1234567890'], env=self.env)
        write_private(self.dir / 'hsm.pin', self.hsm_pin)
        module = FAULT if self.faults else SOFTHSM
        self.hsm_uri = f'pkcs11:token={label}?module-path={module}&pin-source=file:{self.dir}/hsm.pin'

    def init_arguments(self):
        backup = ['--no-backup']
        if self.custodian:
            backup = ['--backup-key', self.custodian.with_suffix('.pem'), '--backup-dir', self.dir / 'backup']
        return ['init', '--dir', self.place, '--hsm', self.hsm_uri, '--name', 'demo', '--users',
                ','.join(self.user_names), *backup, *(['--spawn'] if self.spawn else [])]

    def init(self):
        if self.custodian:
            must(['openssl', 'genrsa', '-out', self.custodian, '2048'])
            must(['openssl', 'pkey', '-in', self.custodian, '-pubout', '-out', self.custodian.with_suffix('.pem')])
        self.ok(*self.init_arguments())

    def configure(self, section, key, value, path=None):
        """Sets a key of engine.conf, or of the file at PATH; takes effect at the next start."""
        path = path or self.engine_conf
        text = path.read_text()
        begin = text.index(f'\n[{section}]\n') if section else 0
        end = text.find('\n[', begin + 1) if section else text.find('\n[')
        part = text[begin:] if end < 0 else text[begin:end]
        changed, count = re.subn(rf'(?m)^#?{key} =.*$', f'{key} = {value}', part, count=1)
        assert count == 1, f'{path} has no {key} in [{section}]'
        path.write_text(text[:begin] + changed + (text[end:] if end >= 0 else ''))

    # -- the engine --

    def start(self):
        """Starts it in the foreground; a failure is an AssertionError with its words."""
        failed = self.try_start()
        assert failed is None, f'the engine ended with {failed.status}: {failed.err}'

    def try_start(self):
        """None when it serves; otherwise how it ended."""
        self.process = subprocess.Popen([self.program, 'engine', '--config', self.engine_conf], env=self.env, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        **self.runs_as)
        begun, serving = len(self.log), threading.Event()
        self.log_reader = threading.Thread(target=self._read_log, args=(self.process, serving), daemon=True)
        self.log_reader.start()
        assert serving.wait(PATIENCE_S), f'the engine neither serves nor ends: {self.log[begun:]}'
        if any(' info: serving ' in line for line in self.log[begun:]):
            return None
        status = self.process.wait(PATIENCE_S)
        self._forget_process()
        return Result(status, '', ''.join(self.log[begun:]))

    def _read_log(self, process, serving):
        for line in process.stderr:
            self.log.append(line)
            if ' info: serving ' in line:
                serving.set()
        serving.set()  # the end of the stream: it has ended

    def _forget_process(self):
        self.log_reader.join(PATIENCE_S)
        self.process.stderr.close()
        self.process = None

    def end(self, number):
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        self._forget_process()
        return status

    def stop(self):
        status = self.end(signal.SIGTERM)
        assert status == 0, f'the engine did not end well: {status}: {self.log[-3:]}'

    def kill(self):
        return self.end(signal.SIGKILL)

    def restart(self):
        self.stop()
        self.start()

    def pid(self):
        return self.process.pid if self.process else json.loads(self.ok('status', '--json'))['pid']

    def spawned_pid(self):
        """Of a spawned engine, without asking it; None when there is none."""
        for entry in pathlib.Path('/proc').iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / 'cmdline').read_bytes().split(b'\0')
                except OSError:
                    continue
                if str(self.engine_conf.resolve()).encode() in words and b'--spawned' in words:
                    return int(entry.name)
        return None

    def end_spawned(self, number=signal.SIGTERM):
        pid = self.spawned_pid()
        if pid is not None:
            os.kill(pid, number)
            wait_until(lambda: self.spawned_pid() != pid, 'the spawned engine has not ended')
        return pid

    def close(self):
        for signer in self.signers:
            signer.process.kill()
            signer.close()
        if self.process:
            self.kill()
        if self.spawn:
            self.end_spawned(signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)

    # -- the command line --

    def cli(self, *arguments, stdin='', timeout=PATIENCE_S):
        return run([CLI, *arguments], stdin=stdin, env=self.env, timeout=timeout)

    def ok(self, *arguments, stdin=''):
        return must([CLI, *arguments], stdin=stdin, env=self.env)

    def json(self, *arguments):
        return json.loads(self.ok(*arguments, '--json'))

    # -- people --

    def add_user(self, name='alice', factor='hotp', pin=None, roles=()):
        """Added by an officer, enrolled by themselves."""
        code = self.dir / f'{name}.code'
        self.ok('user', 'add', name, '--code-file', code, *(word for role in roles for word in ('--role', role)))
        enrolment_code = code.read_text()
        user = self.enrol(name, code, factor, pin or f'{name}-has-a-PIN')
        user.enrolment_code = enrolment_code
        return user

    def enrol(self, name, code, factor, pin):
        pin_file, uri = write_private(self.dir / f'{name}.pin', pin + '\n'), self.dir / f'{name}.uri'
        self.ok('enrol', '--user', name, '--factor', factor, '--code-file', code, '--pin-file', pin_file, '--uri-file',
                uri, '--no-confirm')
        user = User(name, pin, uri.read_text())
        self.ok('enrol', '--user', name, '--code-file', code, '--confirm', stdin=user.code() + '\n')
        for path in (code, uri, pin_file):
            path.unlink()
        return user

    def user_row(self, name='alice'):
        return self.json('user', 'list', name)[0]

    def login(self, user, *options, pin=None, code=None):
        """`trustp11 login`: for all programs of this uid."""
        return self.cli('login', '--user', user.name, *options, stdin=f'{pin or user.pin}\n{code or user.code()}\n')

    def logout(self, user):
        return self.cli('logout', '--user', user.name)

    # -- keys --

    def generate(self, user, label='k', kind='p-256', *options):
        cka_id = hashlib.sha256(f'{user.name} {label}'.encode()).hexdigest()[:16]
        self.ok('key', 'generate', '--user', user.name, '--label', label, '--type', kind, '--id', cka_id, *options)
        self.key_ids[label] = cka_id

    def key_id(self, label):
        """CKA_ID in hex, which is what pkcs11-tool finds keys by."""
        return self.key_ids[label]

    def request(self, user, label='k'):
        """A certificate request for a key whose owner is logged in, or logs in now."""
        path = self.dir / f'{label}.csr'
        done = self.cli('key', 'csr', label, '--user', user.name, '--subject', f'/CN={user.name}', '--out', path,
                        stdin=f'{user.pin}\n{user.code()}\n')
        assert done.status == 0, done.err
        return path

    def import_certificate(self, user, path):
        return self.cli('cert', 'import', path, '--user', user.name)

    def alice(self, label='k', kind='p-256'):
        """The usual beginning: a user with a key."""
        user = self.add_user('alice')
        self.generate(user, label, kind)
        return user

    # -- signing --

    def signer(self, user, key='k', threads=1):
        signer = Signer(self, user, key, threads)
        self.signers.append(signer)
        return signer

    def pkcs11_tool(self, *arguments):
        return run(['pkcs11-tool', '--module', MODULE, *arguments], env=self.env)

    def sign(self, user, pin=None, key='k', mechanism='ECDSA', data=None):
        """One signature through pkcs11-tool, with a login of its own; the tool's result."""
        data_file, out = self.dir / 'to-sign', self.dir / 'signature'
        data_file.write_bytes(data or os.urandom(32))
        out.unlink(missing_ok=True)
        return self.pkcs11_tool('--token-label', user.name, '--login', '--pin', pin or user.pin_and_code(), '--sign',
                                '--mechanism', mechanism, '--id', self.key_id(key), '--input-file', data_file,
                                '--output-file', out)

    def verify_signature(self, user, digest, signature, key='k'):
        """With openssl and the public key that the module shows: ECDSA over a ready digest, r and s side by side."""
        public, data, der = self.dir / 'public.der', self.dir / 'digest', self.dir / 'signature.der'
        got = self.pkcs11_tool('--token-label', user.name, '--read-object', '--type', 'pubkey', '--id',
                               self.key_id(key), '--output-file', public)
        assert got.status == 0, got.err
        data.write_bytes(digest)
        half = len(signature) // 2
        der.write_bytes(der_sequence(der_integer(signature[:half]) + der_integer(signature[half:])))
        return run(['openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', public, '-keyform', 'DER', '-in', data,
                    '-sigfile', der]).status == 0

    # -- the log and the store --

    def audit(self, *filters):
        """Entries as `audit list --json` has them, oldest first."""
        lines = self.ok('audit', 'list', '--all', '--json', *filters).splitlines()
        return [json.loads(line) for line in lines]

    def intents(self):
        """Signatures that were decided on, however they ended: the entries that were durable before they were released."""
        return [entry for entry in self.audit('--action', 'sign') if entry['outcome'] == 'intent']

    def settle(self):
        """Until the log says how each signature ended, a moment after the caller knows. Returns all entries."""
        def complete():
            entries = self.audit()
            intents = {entry['index'] for entry in entries if entry['outcome'] == 'intent'}
            closed = {item['intent'] for entry in entries for item in entry.get('completions', ())}
            return entries if intents <= closed else None
        return wait_until(complete, 'a signature is never completed in the log')

    def verify(self, *options):
        return self.cli('audit', 'verify', *options)

    def database(self):
        """For tampering: the engine must not be running, or must be meant to see it."""
        connection = sqlite3.connect(self.store, isolation_level=None)
        connection.execute('PRAGMA busy_timeout = 5000')
        return connection

    def tamper(self, sql, *values):
        with_changes = self.database()
        count = with_changes.execute(sql, values).rowcount
        with_changes.close()
        assert count != 0, f'nothing was tampered with: {sql}'

    # -- faults of the HSM (faults=True) --

    def fault(self, *rules):
        """Rules of tests/fault/pkcs11_fault.c; counting starts anew. None: everything passes again."""
        for path in (self.fired(), self.control):
            path.unlink(missing_ok=True)
        fresh = self.control.with_suffix('.new')
        fresh.write_text(''.join(rule + '\n' for rule in rules))
        fresh.rename(self.control)

    def fired(self):
        return self.control.with_name(self.control.name + '.fired')


class DeploymentTest(unittest.TestCase):
    """One deployment a test, with what every test wants to say about it."""

    def deploy(self, **options):
        deployment = Deployment(**options)
        self.addCleanup(deployment.close)
        return deployment

    def assert_ok(self, result):
        self.assertEqual(result.status, 0, f'{result.out}\n{result.err}')

    def assert_refused(self, result, *words):
        """Failed with status 1 and one line that says all of WORDS."""
        self.assertEqual(result.status, 1, f'{result.out}\n{result.err}')
        lines = result.err.strip().splitlines()
        self.assertEqual(len(lines), 1, result.err)
        for word in words:
            self.assertIn(word, lines[0])

    def assert_start_refused(self, deployment, *words):
        ended = deployment.try_start()
        self.assertIsNotNone(ended, 'the engine serves')
        self.assertEqual(ended.status, 1, ended.err)
        lines = ended.err.strip().splitlines()
        self.assertEqual(len(lines), 1, ended.err)
        for word in words:
            self.assertIn(word, lines[0])

    def assert_sound(self, deployment):
        """Nothing was lost: the whole log verifies."""
        done = deployment.verify()
        self.assertEqual(done.status, 0, f'{done.out}\n{done.err}')

    def assert_signs(self, deployment, user, key='k'):
        digest = os.urandom(32)
        done = deployment.sign(user, key=key, data=digest)
        self.assertEqual(done.status, 0, f'{done.out}\n{done.err}')
        self.assertTrue(deployment.verify_signature(user, digest, (deployment.dir / 'signature').read_bytes(), key))

    def assert_still_works(self, deployment, user, key='k'):
        self.assert_signs(deployment, user, key)
        self.assert_sound(deployment)
