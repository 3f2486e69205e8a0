# SPDX-License-Identifier: Apache-2.0
"""Programs that people use: OpenSC's and GnuTLS's tools, OpenSSL by its engine and by its provider, OpenSSH; and what
any program may do to a module: fork, load it twice, let it go. (NSS signs a PDF in the demo.)"""
import glob
import pathlib
import shutil
import subprocess
import unittest

from deployment import MODULE, Authority, Deployment, must, run, wait_until, write_private
from programs import ProgramTest

DATA = b'what is signed'
KEYS = {'rsa': 'rsa-2048', 'ec': 'p-256'}


def library(*patterns):
    """The first file of PATTERNS below the usual folders; None when there is none."""
    for folder in ('/usr/lib', '/usr/lib/*-linux-gnu', '/usr/lib64'):
        for pattern in patterns:
            found = sorted(glob.glob(f'{folder}/{pattern}'))
            if found:
                return found[0]
    return None


OPENSSL_ENGINE = library('engines-3/pkcs11.so', 'engines-3/libpkcs11.so')
OPENSSL_PROVIDER = library('ossl-modules/pkcs11.so')


def uri(key, pin=None, kind='private'):
    return f'pkcs11:token=alice;object={key};type={kind}' + (f'?pin-value={pin}' if pin else '')


class ConsumerTest(ProgramTest):
    """One user with an RSA key and an EC key, each with a certificate; one deployment for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.deployed = Deployment()
        cls.addClassCleanup(cls.deployed.close)
        cls.alice = cls.deployed.add_user()
        cls.authority = Authority(cls.deployed.dir / 'ca')
        cls.certificates = {}
        for label, kind in KEYS.items():
            cls.deployed.generate(cls.alice, label, kind)
            cls.certificates[label] = cls.authority.issue(cls.deployed.request(cls.alice, label))
            assert cls.deployed.import_certificate(cls.alice, cls.certificates[label]).status == 0
        cls.ids = {row['label']: row['cka_id'] for row in cls.deployed.json('key', 'list', '--user', 'alice')}
        cls.data = write_private(cls.deployed.dir / 'data', DATA)
        cls.signature = cls.deployed.dir / 'signature'

    def setUp(self):
        self.signature.unlink(missing_ok=True)

    def tool(self, *arguments, stdin='', **environment):
        return run(arguments, stdin=stdin, env={**self.deployed.env, **environment})

    def public_key(self, label):
        path = self.deployed.dir / f'{label}.public.pem'
        path.write_text(must(['openssl', 'x509', '-in', self.certificates[label], '-noout', '-pubkey']))
        return path

    def assert_signed(self, label, hash_name='sha256', path=None):
        must(['openssl', 'dgst', f'-{hash_name}', '-verify', self.public_key(label), '-signature',
              path or self.signature, self.data])

    def assert_cms(self, path):
        text = must(['openssl', 'cms', '-verify', '-in', path, '-inform', 'PEM', '-CAfile', self.authority.certificate,
                     '-purpose', 'any', '-content', self.data, '-binary', '-out', '/dev/null', '-inform', 'PEM'])
        self.assertNotIn('Failure', text)

    def tries_left(self):
        return self.deployed.user_row()['tries_left']


class OpenSc(ConsumerTest):
    def test_slots_are_listed(self):
        done = self.deployed.pkcs11_tool('-L')
        self.assert_ok(done)
        self.assertIn('alice', done.out)
        self.assertIn('login required', done.out)

    def test_mechanisms_are_listed(self):
        done = self.deployed.pkcs11_tool('-M')
        self.assert_ok(done)
        for name in ('ECDSA-SHA256', 'SHA256-RSA-PKCS', 'SHA256-RSA-PKCS-PSS'):
            self.assertIn(name, done.out)

    def test_certificates_and_public_keys_are_shown_without_login(self):
        done = self.deployed.pkcs11_tool('--token-label', 'alice', '-O')
        self.assert_ok(done)
        self.assertEqual(done.out.count('Certificate Object'), len(KEYS) + 1)  # and the authority's, once
        self.assertEqual(done.out.count('Public Key Object'), len(KEYS))
        self.assertNotIn('Private Key Object', done.out)

    def test_private_keys_are_shown_after_login(self):
        done = self.deployed.pkcs11_tool('--token-label', 'alice', '-l', '-p', self.alice.pin_and_code(), '-O')
        self.assert_ok(done)
        self.assertEqual(done.out.count('Private Key Object'), len(KEYS))

    def test_the_certificate_that_is_read_is_the_one_that_was_imported(self):
        for label in KEYS:
            out = self.deployed.dir / 'read.der'
            self.assert_ok(self.deployed.pkcs11_tool('--token-label', 'alice', '-r', '--type', 'cert', '--label', label,
                                                     '-o', out))
            self.assertEqual(must(['openssl', 'x509', '-inform', 'DER', '-in', out]),
                             must(['openssl', 'x509', '-in', self.certificates[label]]))

    def sign(self, label, mechanism, pin=None):
        return self.deployed.pkcs11_tool(
            '--token-label', 'alice', '-l', '-p', pin or self.alice.pin_and_code(), '-s', '-m', mechanism,
            '--signature-format', 'openssl', '--id', self.ids[label], '-i', self.data, '-o', self.signature)

    def test_it_signs(self):
        for label, mechanism in (('rsa', 'SHA256-RSA-PKCS'), ('ec', 'ECDSA-SHA256')):
            self.assert_ok(self.sign(label, mechanism))
            self.assert_signed(label)

    def test_it_does_not_with_a_wrong_code(self):
        done = self.sign('ec', 'ECDSA-SHA256', self.alice.pin + self.alice.wrong_code())
        self.assertNotEqual(done.status, 0)
        self.assertIn('CKR_PIN_INCORRECT', done.err + done.out)
        self.assertFalse(self.signature.exists() and self.signature.stat().st_size > 0)
        self.assert_ok(self.sign('ec', 'ECDSA-SHA256'))


class GnuTls(ConsumerTest):
    def p11tool(self, *arguments, pin=''):
        return self.tool('p11tool', '--provider', MODULE, '--batch', *arguments, GNUTLS_PIN=pin)

    def test_tokens_and_certificates_are_listed_without_login(self):
        done = self.p11tool('--list-tokens')
        self.assert_ok(done)
        self.assertIn('token=alice', done.out)
        done = self.p11tool('--list-all-certs', 'pkcs11:token=alice')
        self.assert_ok(done)
        for label in KEYS:
            self.assertIn(f'object={label}', done.out)

    def test_keys_are_listed_after_login(self):
        done = self.p11tool('--login', '--list-privkeys', 'pkcs11:token=alice', pin=self.alice.pin_and_code())
        self.assert_ok(done)
        self.assertEqual(done.out.count('type=private'), len(KEYS))

    def test_it_signs_and_finds_its_signature_good(self):
        for label in KEYS:
            done = self.p11tool('--login', '--test-sign', uri(label), pin=self.alice.pin_and_code())
            self.assert_ok(done)
            self.assertIn('ok', done.out + done.err)

    def test_it_does_not_with_a_wrong_pin(self):
        done = self.p11tool('--login', '--test-sign', uri('ec'), pin='not-the-PIN-at-all' + self.alice.code())
        self.assertNotEqual(done.status, 0)

    def test_certtool_makes_a_cms_that_openssl_accepts(self):
        for label in KEYS:
            out = self.deployed.dir / f'{label}.p7'
            done = self.tool('certtool', '--provider', MODULE, '--p7-detached-sign', '--load-privkey', uri(label),
                             '--load-certificate', self.certificates[label], '--infile', self.data, '--outfile', out,
                             GNUTLS_PIN=self.alice.pin_and_code())
            self.assert_ok(done)
            self.assert_cms(out)


@unittest.skipUnless(OPENSSL_ENGINE, 'libengine-pkcs11-openssl is not installed: scripts/setup installs it')
class OpenSslEngine(ConsumerTest):
    def openssl(self, *arguments):
        conf = write_private(self.deployed.dir / 'engine.cnf', f'''openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
dynamic_path = {OPENSSL_ENGINE}
MODULE_PATH = {MODULE}
init = 0
''')
        return self.tool('openssl', *arguments, OPENSSL_CONF=str(conf))

    def sign(self, label, pin):
        return self.openssl('dgst', '-sha256', '-engine', 'pkcs11', '-keyform', 'engine', '-sign', uri(label, pin),
                            '-out', self.signature, self.data)

    def test_dgst_signs(self):
        for label in KEYS:
            self.assert_ok(self.sign(label, self.alice.pin_and_code()))
            self.assert_signed(label)

    def test_dgst_does_not_with_a_used_code(self):
        self.assertNotEqual(self.sign('ec', self.alice.pin + self.alice.used_code()).status, 0)
        self.assertFalse(self.signature.exists() and self.signature.stat().st_size > 0)

    def test_cms_signs(self):
        for label in KEYS:
            out = self.deployed.dir / f'{label}.engine.cms'
            self.assert_ok(self.openssl('cms', '-sign', '-binary', '-engine', 'pkcs11', '-keyform', 'engine', '-inkey',
                                        uri(label, self.alice.pin_and_code()), '-signer', self.certificates[label],
                                        '-in', self.data, '-outform', 'PEM', '-out', out))
            self.assert_cms(out)


@unittest.skipUnless(OPENSSL_PROVIDER, 'pkcs11-provider is not installed: scripts/setup installs it from backports')
class OpenSslProvider(ConsumerTest):
    def openssl(self, *arguments):
        conf = write_private(self.deployed.dir / 'provider.cnf', f'''openssl_conf = init
[init]
providers = providers
[providers]
default = default_provider
pkcs11 = pkcs11_provider
[default_provider]
activate = 1
[pkcs11_provider]
module = {OPENSSL_PROVIDER}
pkcs11-module-path = {MODULE}
activate = 1
''')
        return self.tool('openssl', *arguments, OPENSSL_CONF=str(conf))

    def sign(self, label, pin):
        return self.openssl('dgst', '-sha256', '-sign', uri(label, pin), '-out', self.signature, self.data)

    def test_certificates_and_public_keys_are_read_without_login(self):
        for label in KEYS:
            done = self.openssl('storeutl', '-certs', '-noout', '-text', uri(label, kind='cert'))
            self.assert_ok(done)
            self.assertRegex(done.out, 'Subject: CN ?= ?alice')
            done = self.openssl('pkey', '-pubin', '-in', uri(label, kind='public'), '-pubout')
            self.assert_ok(done)
            self.assertEqual(done.out, self.public_key(label).read_text())

    def test_dgst_signs(self):
        for label in KEYS:
            self.assert_ok(self.sign(label, self.alice.pin_and_code()))
            self.assert_signed(label)

    def test_dgst_does_not_with_a_used_code(self):
        self.assertNotEqual(self.sign('ec', self.alice.pin + self.alice.used_code()).status, 0)
        self.assertFalse(self.signature.exists() and self.signature.stat().st_size > 0)

    def test_pss_signs(self):
        done = self.openssl('dgst', '-sha256', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32',
                            '-sign', uri('rsa', self.alice.pin_and_code()), '-out', self.signature, self.data)
        self.assert_ok(done)
        must(['openssl', 'dgst', '-sha256', '-sigopt', 'rsa_padding_mode:pss', '-verify', self.public_key('rsa'),
              '-signature', self.signature, self.data])

    def test_cms_signs(self):
        for label in KEYS:
            out = self.deployed.dir / f'{label}.provider.cms'
            self.assert_ok(self.openssl('cms', '-sign', '-binary', '-inkey', uri(label, self.alice.pin_and_code()),
                                        '-signer', self.certificates[label], '-in', self.data, '-outform', 'PEM',
                                        '-out', out))
            self.assert_cms(out)

    def test_a_program_that_ends_with_the_module_loaded_ends_well(self):
        for _ in range(5):  # statuses of signals would be negative
            self.assertEqual(self.openssl('storeutl', '-noout', 'pkcs11:token=alice').status, 0)


class OpenSsh(ConsumerTest):
    def setUp(self):
        super().setUp()
        self.folder = self.deployed.dir / 'ssh'
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)

    def public_keys(self):
        done = self.tool('ssh-keygen', '-D', MODULE)
        self.assert_ok(done)
        return [line for line in done.out.splitlines() if line.startswith(('ssh-', 'ecdsa-'))]

    def own_keys(self):
        """Without the authority's, whose certificate is shown as well."""
        return [must(['ssh-keygen', '-i', '-m', 'PKCS8', '-f', self.public_key(label)]).strip() for label in KEYS]

    def test_keys_are_listed_without_login(self):
        shown = {line.split()[1] for line in self.public_keys()}
        for key in self.own_keys():
            self.assertIn(key.split()[1], shown)

    def agent(self):
        socket = self.folder / 'agent'
        agent = subprocess.Popen(['ssh-agent', '-D', '-P', MODULE.resolve(), '-a', socket], env=self.deployed.env,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(agent.wait)
        self.addCleanup(agent.terminate)
        wait_until(socket.exists, 'ssh-agent does not listen')
        return {'SSH_AUTH_SOCK': str(socket)}

    def add(self, agent, pin):
        asks = write_private(self.folder / 'askpass', f"#!/bin/sh\necho '{pin}'\n")
        asks.chmod(0o700)
        return self.tool('ssh-add', '-s', MODULE.resolve(), **agent, SSH_ASKPASS=str(asks), SSH_ASKPASS_REQUIRE='force')

    def test_an_agent_signs_with_both_keys_after_one_login(self):
        agent = self.agent()
        self.assert_ok(self.add(agent, self.alice.pin_and_code()))
        for key in self.own_keys():
            (self.folder / 'key.pub').write_text(key + '\n')
            (self.folder / 'allowed').write_text('alice ' + key + '\n')
            done = self.tool('ssh-keygen', '-Y', 'sign', '-f', self.folder / 'key.pub', '-n', 'file',
                             stdin=DATA.decode(), **agent)
            self.assert_ok(done)
            (self.folder / 'data.sig').write_text(done.out)
            verify = ('ssh-keygen', '-Y', 'verify', '-f', self.folder / 'allowed', '-I', 'alice', '-n', 'file', '-s',
                      self.folder / 'data.sig')
            self.assert_ok(self.tool(*verify, stdin=DATA.decode()))
            self.assertNotEqual(self.tool(*verify, stdin='other data').status, 0)

    def test_an_agent_without_a_login_signs_nothing(self):
        agent = self.agent()
        self.add(agent, self.alice.pin + self.alice.wrong_code())
        (self.folder / 'key.pub').write_text(self.own_keys()[0] + '\n')
        done = self.tool('ssh-keygen', '-Y', 'sign', '-f', self.folder / 'key.pub', '-n', 'file', stdin='x', **agent)
        self.assertNotEqual(done.status, 0)


class Forks(ConsumerTest):
    def test_a_child_is_not_initialised_and_may_initialise_anew(self):
        program = self.program(self.deployed)
        given = self.alice.pin_and_code()
        program.login(given)
        program.sign(label='ec')
        answers = program.ask('in_child', [
            ('slots',), ('state', program.session), ('finalize',), ('initialize',), ('open', 0), ('state', 'session'),
            ('find', 'session', 'private'), ('login', 'session', given),
            ('login', 'session', self.alice.pin_and_code()), ('state', 'session'), ('finalize',)])
        self.assertEqual(answers[:4], ['CRYPTOKI_NOT_INITIALIZED'] * 3 + [None])
        self.assertEqual(answers[5:], ['RO_PUBLIC', [], 'PIN_INCORRECT', None, 'RO_USER', None])
        self.assert_user(program)
        program.sign(label='ec')

    def test_a_child_that_does_nothing_does_no_harm(self):
        program = self.program(self.deployed)
        program.login(self.alice.pin_and_code())
        for _ in range(3):
            self.assertEqual(program.ask('in_child', []), [])
            program.sign(label='ec')

    def test_grandchildren_too(self):
        program = self.program(self.deployed)
        steps = [('slots',), ('initialize',), ('in_child', [('slots',), ('initialize',), ('slots',), ('finalize',)]),
                 ('slots',), ('finalize',)]
        self.assertEqual(program.ask('in_child', steps),
                         ['CRYPTOKI_NOT_INITIALIZED', None, ['CRYPTOKI_NOT_INITIALIZED', None, [0], None], [0], None])
        self.assertEqual(program.ask('slots'), [0])


class ComingAndGoing(ConsumerTest):
    def test_a_module_that_is_let_go_leaves_no_descriptor_thread_or_mapping(self):
        program = self.program(self.deployed, initialize=False)
        program.ask('come_and_go', 1, self.alice.pin_and_code())  # what the C library keeps for ever, it has now
        before, after = program.ask('come_and_go', 10, self.alice.pin_and_code())
        self.assertEqual(after, before)
        self.assertEqual(after[1:], [1, 0])

    def test_a_second_consumer_in_the_process_is_told_so_and_does_no_harm(self):
        program = self.program(self.deployed)
        program.login(self.alice.pin_and_code())
        self.assert_ckr('CRYPTOKI_ALREADY_INITIALIZED', program.initialize)
        program.sign(label='ec')
        program.finalize()
        self.assert_ckr('CRYPTOKI_NOT_INITIALIZED', program.ask, 'slots')
        self.assert_ckr('CRYPTOKI_NOT_INITIALIZED', program.finalize)
        program.initialize()
        program.open()
        self.assert_public(program)

    def test_a_program_without_configuration_sees_no_slots_and_one_with_a_missing_one_is_told(self):
        if pathlib.Path('/etc/trustp11/trustp11.conf').exists():
            self.skipTest('this machine has a configuration for all users')
        nothing = {name: value for name, value in self.deployed.env.items() if name != 'TRUSTP11_CONF'}
        self.assertEqual(self.program(self.deployed, environment=nothing, initialize=False).ask('initialize'), None)
        missing = {**self.deployed.env, 'TRUSTP11_CONF': str(self.deployed.dir / 'none.conf')}
        self.assert_ckr('GENERAL_ERROR', self.program(self.deployed, environment=missing, initialize=False).initialize)


if __name__ == '__main__':
    unittest.main()
