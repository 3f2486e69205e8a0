# SPDX-License-Identifier: Apache-2.0
"""Signers by PKCS#11 URI with libtrustp11.so and with SoftHSM: what they make is verified by openssl."""
import os
import pathlib
import unittest

from deployment import MODULE, SOFTHSM, Authority, DeploymentTest, must, run, write_private

PROGRAM = pathlib.Path(os.environ['TP_BUILD']) / 'tests' / 'integration' / 'cms-signer'


class SignerTest(DeploymentTest):
    settings = {}

    def setUp(self):
        self.deployed = self.deploy(settings=self.settings)
        self.authority = Authority(self.deployed.dir / 'ca')
        self.content, self.out = self.deployed.dir / 'content', self.deployed.dir / 'out.p7s'
        self.content.write_bytes(os.urandom(5000))

    def sign(self, uri, *options, stdin=''):
        return run([PROGRAM, uri, self.content, self.out, *options], stdin=stdin, env=self.deployed.env)

    def verify(self, content=None, *options):
        return run(['openssl', 'cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-in', self.out, '-content',
                    content or self.content, '-CAfile', self.authority.certificate, '-purpose', 'any', '-out', '/dev/null',
                    *options])

    def assert_signed(self, result, made=1, asked=1):
        self.assert_ok(result)
        self.assertEqual(result.out, f'asked {asked} made {made}\n')
        self.assert_ok(self.verify())
        other = self.deployed.dir / 'other'
        other.write_bytes(self.content.read_bytes() + b'.')
        self.assertNotEqual(self.verify(other).status, 0, 'another content verifies')


class OwnModuleTest(SignerTest):
    def certified(self, kind='p-256'):
        alice = self.deployed.alice(kind=kind)
        chain = self.authority.issue(self.deployed.request(alice))
        self.assert_ok(self.deployed.import_certificate(alice, chain))
        self.deployed.logout(alice)
        return alice

    def uri(self, alice, more=''):
        return f'pkcs11:token={alice.name};id=%{"%".join(self.id_pairs())}?module-path={MODULE}{more}'

    def id_pairs(self):
        text = self.deployed.key_id('k')
        return [text[at:at + 2] for at in range(0, len(text), 2)]


class OwnModule(OwnModuleTest):
    def test_one_pin_and_code_for_many_threads_and_signatures(self):
        alice = self.certified()
        done = self.sign(self.uri(alice), 4, 40, stdin=alice.pin_and_code() + '\n')
        self.assert_signed(done, made=40)
        self.assertEqual(len(self.deployed.intents()), 40)

    def test_rsa_with_pkcs1_and_pss(self):
        alice = self.certified('rsa-2048')
        self.assert_signed(self.sign(self.uri(alice), stdin=alice.pin_and_code() + '\n'))
        self.assert_signed(self.sign(self.uri(alice), 1, 1, 'pss', stdin=alice.pin_and_code() + '\n'))

    def test_pin_source_holds_pin_and_code(self):
        alice = self.certified()
        source = write_private(self.deployed.dir / 'pin', alice.pin_and_code() + '\n')
        self.assert_signed(self.sign(self.uri(alice, f'&pin-source=file:{source}')), asked=0)
        source.chmod(0o644)
        self.assert_refused(self.sign(self.uri(alice, f'&pin-source=file:{source}')), 'TP_CONFIG', 'chmod 600')

    def test_a_wrong_or_used_code_is_refused(self):
        alice = self.certified()
        self.assert_refused(self.sign(self.uri(alice), stdin=alice.pin + alice.wrong_code() + '\n'), 'TP_PIN_WRONG', '"alice"')
        self.assert_refused(self.sign(self.uri(alice), stdin=alice.pin + alice.used_code() + '\n'), 'TP_PIN_WRONG')
        self.assert_refused(self.sign(self.uri(alice)), 'TP_CONFIG', 'nobody to ask')
        self.assertFalse(self.out.exists())

    def test_a_key_or_token_that_is_not_there_is_refused(self):
        alice = self.certified()
        nokey = f'pkcs11:token=alice;object=nosuch?module-path={MODULE}'
        self.assert_refused(self.sign(nokey, stdin=alice.pin_and_code() + '\n'), 'TP_NOT_FOUND', 'object=k')
        self.assert_refused(self.sign(f'pkcs11:token=bob?module-path={MODULE}'), 'TP_NOT_FOUND', 'token=alice')

    def test_without_certificate_nothing_is_made(self):
        alice = self.deployed.alice()
        self.deployed.logout(alice)
        self.assert_refused(self.sign(self.uri(alice), stdin=alice.pin_and_code() + '\n'), 'TP_NOT_FOUND', 'no certificate')


class ShortLogin(OwnModuleTest):
    settings = {('policy', 'signatures'): '3'}

    def test_a_login_that_has_ended_stays_so(self):
        """A login that ends in the middle is told, and nothing asks or logs in by itself."""
        alice = self.certified()
        done = self.sign(self.uri(alice), 1, 5, stdin=alice.pin_and_code() + '\n' + alice.pin_and_code() + '\n')
        self.assert_refused(done, 'TP_NOT_LOGGED_IN', 'start again')
        self.assertEqual(len(self.deployed.intents()), 3)


class SoftHsm(SignerTest):
    def test_a_key_of_the_token_with_its_certificate(self):
        env, pin = self.deployed.env, self.deployed.hsm_pin
        tool = ['pkcs11-tool', '--module', SOFTHSM, '--token-label', 'demo', '--login', '--pin', pin]
        key, request = self.deployed.dir / 'rsa.key', self.deployed.dir / 'rsa.csr'
        must(['openssl', 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', key])
        must(['openssl', 'req', '-new', '-key', key, '-subj', '/CN=rsa', '-out', request])
        chain = self.authority.issue(request)
        for path, source, form in ((self.deployed.dir / 'k.der', key, 'pkey'), (self.deployed.dir / 'c.der', chain, 'x509')):
            must(['openssl', form, '-in', source, '-outform', 'DER', '-out', path])
        must([*tool, '--write-object', self.deployed.dir / 'k.der', '--type', 'privkey', '--id', '77', '--label', 'rsa',
              '--usage-sign'], env=env)
        must([*tool, '--write-object', self.deployed.dir / 'c.der', '--type', 'cert', '--id', '77', '--label', 'rsa'], env=env)
        uri = f'pkcs11:token=demo;object=rsa?module-path={SOFTHSM}'
        self.assert_signed(self.sign(uri, 2, 10, stdin=pin + '\n'), made=10)
        self.assert_signed(self.sign(uri, 2, 10, 'pss', stdin=pin + '\n'), made=10)
        self.assert_refused(self.sign(uri, stdin='0000\n'), 'TP_PIN_WRONG', 'a few tries are left')


if __name__ == '__main__':
    unittest.main()
