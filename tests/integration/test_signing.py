# SPDX-License-Identifier: Apache-2.0
"""Every mechanism that the module offers, and every reason for which the policy says no; OpenSSL and `policy explain`
have the last word on each."""
import hashlib
import re
import time
import unittest

from cryptoki import Program
from deployment import MODULE, Authority, der_integer, der_sequence, must, run, wait_until, write_private
from programs import ProgramTest

DATA = b'what is signed, in one part or in several'
PARTS = [DATA[:7], b'', DATA[7:30], DATA[30:]]

# what follows CKM_ in the hash variants -> OpenSSL's name
SHA2 = {'SHA224': 'sha224', 'SHA256': 'sha256', 'SHA384': 'sha384', 'SHA512': 'sha512'}
SHA3 = {'SHA3_224': 'sha3-224', 'SHA3_256': 'sha3-256', 'SHA3_384': 'sha3-384', 'SHA3_512': 'sha3-512'}
HASHES = {**SHA2, **SHA3}

# RFC 8017 §9.2 note 1, and RFC 8017's older ones
DIGEST_INFO = {
    'md5': '3020300c06082a864886f70d020505000410',
    'sha1': '3021300906052b0e03021a05000414',
    'sha256': '3031300d060960864801650304020105000420',
    'sha384': '3041300d060960864801650304020205000430',
    'sha512': '3051300d060960864801650304020305000440',
}


def digest_info(name, data=DATA):
    return bytes.fromhex(DIGEST_INFO[name]) + hashlib.new(name, data).digest()


def der_of(signature):
    """r and s side by side, as PKCS#11 has them, to what OpenSSL reads; longer than deployment's for P-521."""
    half = len(signature) // 2
    content = der_integer(signature[:half]) + der_integer(signature[half:])
    return der_sequence(content) if len(content) < 128 else bytes([0x30, 0x81, len(content)]) + content


class SigningTest(ProgramTest):
    settings = {}

    def setUp(self):
        self.deployed = self.deploy(settings=self.settings)
        self.alice = self.deployed.add_user()

    def logged_in(self):
        program = self.program(self.deployed)
        program.login(self.alice.pin_and_code())
        return program

    def public_key(self, label):
        """As the module shows it to somebody who is not logged in."""
        path = self.deployed.dir / f'{label}.der'
        if not path.exists():
            with Program(MODULE, self.deployed.env) as program:
                path.write_bytes(program.public_key(label))
        return path

    def openssl_verifies(self, label, hash_name, signature, data=DATA, options=()):
        """Whether OpenSSL finds it good, and finds the same over other data bad."""
        key, signed = self.public_key(label), write_private(self.deployed.dir / 'signature', signature)
        command = ['openssl', 'dgst', f'-{hash_name}', '-keyform', 'DER', '-verify', key, '-signature', signed]
        command += options
        good = run([*command, write_private(self.deployed.dir / 'data', data)])
        bad = run([*command, write_private(self.deployed.dir / 'data', data + b'.')])
        self.assertNotEqual(bad.status, 0)
        return good.status == 0

    def explain(self, label, *options):
        """What `policy explain` answers, and the rules that it says are broken."""
        done = self.deployed.cli('policy', 'explain', label, '--user', 'alice', *options)
        broken = [line.split('  ')[0].strip() for line in done.out.splitlines() if re.search(r'  no  ', line)]
        return done, broken

    def assert_explained(self, label, rules, *options):
        """For a login that is supposed to be open."""
        done, broken = self.explain(label, '--login-age', '1s', *options)
        self.assertEqual((done.status, broken), (1 if rules else 0, rules), done.out)

    def assert_good(self, label, hash_name, signature, **named):
        self.assertTrue(self.openssl_verifies(label, hash_name, signature, **named), f'{label}, {hash_name}')


class Rsa(SigningTest):
    def setUp(self):
        super().setUp()
        self.deployed.generate(self.alice, 'rsa', 'rsa-2048')
        self.signing = self.logged_in()

    def test_pkcs1_with_each_hash_in_one_part_and_in_several(self):
        for name, openssl in HASHES.items():
            with self.subTest(name):
                whole = self.signing.sign(f'{name}_RSA_PKCS', DATA)
                self.assertEqual(whole, self.signing.sign_in_parts(f'{name}_RSA_PKCS', PARTS))  # it is deterministic
                self.assert_good('rsa', openssl, whole)
                self.signing.verify(f'{name}_RSA_PKCS', DATA, whole)
                self.assert_ckr('SIGNATURE_INVALID', self.signing.verify, f'{name}_RSA_PKCS', DATA + b'.', whole)

    def test_pkcs1_over_a_ready_digest_info(self):
        for name in ('sha256', 'sha384', 'sha512'):
            self.assert_good('rsa', name, self.signing.sign('RSA_PKCS', digest_info(name)))
            parts = [digest_info(name)[:9], digest_info(name)[9:]]
            self.assert_good('rsa', name, self.signing.sign_in_parts('RSA_PKCS', parts))

    def test_pss_with_each_hash_in_one_part_and_in_several(self):
        for name, openssl in SHA2.items():
            length = hashlib.new(openssl).digest_size
            pss, options = [name, name, length], pss_options(length)
            with self.subTest(name):
                whole = self.signing.sign(f'{name}_RSA_PKCS_PSS', DATA, pss=pss)
                self.assert_good('rsa', openssl, whole, options=options)
                in_parts = self.signing.sign_in_parts(f'{name}_RSA_PKCS_PSS', PARTS, pss=pss)
                self.assert_good('rsa', openssl, in_parts, options=options)
                ready = self.signing.sign('RSA_PKCS_PSS', hashlib.new(openssl, DATA).digest(), pss=pss)
                self.assert_good('rsa', openssl, ready, options=options)

    def test_pss_with_other_salts(self):
        for length in (0, 20, 222):  # 256 - 2 - 32 is the most that fits
            signature = self.signing.sign('SHA256_RSA_PKCS_PSS', DATA, pss=['SHA256', 'SHA256', length])
            self.assert_good('rsa', 'sha256', signature, options=pss_options(length))
        self.assert_ckr('MECHANISM_PARAM_INVALID', self.signing.sign, 'SHA256_RSA_PKCS_PSS', DATA,
                        pss=['SHA256', 'SHA256', 223])

    def test_pss_parameters_that_do_not_fit_are_refused(self):
        for mechanism, pss in (('SHA256_RSA_PKCS_PSS', None), ('SHA256_RSA_PKCS_PSS', ['SHA384', 'SHA384', 48])):
            self.assert_ckr('MECHANISM_PARAM_INVALID', self.signing.sign, mechanism, DATA, pss=pss)
        self.assert_ckr('MECHANISM_INVALID', self.signing.sign, 'SHA256_RSA_PKCS_PSS', DATA,
                        pss=['SHA256', 'SHA_1', 32])
        self.assert_ckr('DATA_LEN_RANGE', self.signing.sign, 'RSA_PKCS_PSS', DATA[:31], pss=['SHA256', 'SHA256', 32])

    def test_sha1_is_refused(self):
        self.assert_ckr('FUNCTION_REJECTED', self.signing.sign, 'SHA1_RSA_PKCS', DATA)
        self.assert_ckr('FUNCTION_REJECTED', self.signing.sign, 'RSA_PKCS', digest_info('sha1'))
        self.assert_ckr('FUNCTION_REJECTED', self.signing.sign, 'SHA1_RSA_PKCS_PSS', DATA, pss=['SHA_1', 'SHA_1', 20])
        self.assertIn('SHA-1', self.deployed.audit('--action', 'sign')[-1]['reason'])
        self.assert_explained('rsa', ['hash'], '--hash', 'SHA-1')
        self.assert_explained('rsa', [], '--hash', 'SHA-256')

    def test_md5_is_refused(self):
        self.assert_ckr('FUNCTION_REJECTED', self.signing.sign, 'RSA_PKCS', digest_info('md5'))
        self.assert_ckr('MECHANISM_INVALID', self.signing.sign, 'MD5_RSA_PKCS', DATA)

    def test_what_is_no_digest_info_is_refused(self):
        good = digest_info('sha256')
        for bad in (hashlib.sha256(DATA).digest(), b'x', good + b'\0', good[:-1], b'\0' + good,
                    good.replace(bytes.fromhex('0500'), b''), bytes.fromhex('308131') + good[2:]):
            self.assert_ckr('DATA_INVALID', self.signing.sign, 'RSA_PKCS', bad)
        self.assert_ckr('DATA_LEN_RANGE', self.signing.sign, 'RSA_PKCS', b'x' * 246)
        self.signing.sign('RSA_PKCS', good)

    def test_mechanisms_of_other_keys_and_raw_rsa_are_refused(self):
        self.assert_ckr('KEY_TYPE_INCONSISTENT', self.signing.sign, 'ECDSA', hashlib.sha256(DATA).digest())
        self.assert_ckr('KEY_TYPE_INCONSISTENT', self.signing.sign, 'ECDSA_SHA256', DATA)
        self.assert_ckr('MECHANISM_INVALID', self.signing.sign, 'RSA_X_509', DATA)
        self.assertNotIn('RSA_X_509', self.signing.ask('mechanisms'))
        self.assertNotIn('MD5_RSA_PKCS', self.signing.ask('mechanisms'))

    def test_a_refused_signature_leaves_the_session_usable(self):
        self.assert_ckr('FUNCTION_REJECTED', self.signing.sign, 'SHA1_RSA_PKCS', DATA)
        self.assert_good('rsa', 'sha256', self.signing.sign('SHA256_RSA_PKCS', DATA))


def pss_options(length):
    return ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', f'rsa_pss_saltlen:{length}']


class Sha1Allowed(SigningTest):
    settings = {('policy', 'insecure_sha1'): 'yes'}

    def test_sha1_signs_where_the_policy_allows_it_and_md5_never(self):
        self.deployed.generate(self.alice, 'rsa', 'rsa-2048')
        program = self.logged_in()
        self.assert_good('rsa', 'sha1', program.sign('SHA1_RSA_PKCS', DATA))
        self.assert_explained('rsa', [], '--hash', 'SHA-1')
        self.assert_ckr('FUNCTION_REJECTED', program.sign, 'RSA_PKCS', digest_info('md5'))
        self.assert_explained('rsa', ['hash'], '--hash', 'MD5')


class RsaSizes(SigningTest):
    settings = {('policy', 'rsa_bits'): '3072'}

    def test_a_key_shorter_than_the_policy_asks_for_is_refused(self):
        self.deployed.generate(self.alice, 'short', 'rsa-2048')
        self.deployed.generate(self.alice, 'long', 'rsa-3072')
        program = self.logged_in()
        self.assert_ckr('FUNCTION_REJECTED', program.sign, 'SHA256_RSA_PKCS', DATA, 'short')
        self.assert_good('long', 'sha256', program.sign('SHA256_RSA_PKCS', DATA, 'long'))
        self.assert_explained('short', ['key size'])
        self.assert_explained('long', [])


class Ec(SigningTest):
    CURVES = {'p-256': 32, 'p-384': 48, 'p-521': 66}

    def setUp(self):
        super().setUp()
        for curve in self.CURVES:
            self.deployed.generate(self.alice, curve, curve)
        self.signing = self.logged_in()

    def test_each_curve_with_each_hash_in_one_part_and_in_several(self):
        for curve, length in self.CURVES.items():
            for name, openssl in HASHES.items():
                with self.subTest(f'{curve} {name}'):
                    whole = self.signing.sign(f'ECDSA_{name}', DATA, curve)
                    self.assertEqual(len(whole), 2 * length)
                    self.assert_good(curve, openssl, der_of(whole))
                    self.signing.verify(f'ECDSA_{name}', DATA, whole, curve)
            self.assert_good(curve, 'sha256', der_of(self.signing.sign_in_parts('ECDSA_SHA256', PARTS, curve)))

    def test_each_curve_over_a_ready_hash(self):
        for curve in self.CURVES:
            for name in ('sha256', 'sha384', 'sha512'):
                signature = self.signing.sign('ECDSA', hashlib.new(name, DATA).digest(), curve)
                self.assert_good(curve, name, der_of(signature))

    def test_what_is_as_long_as_no_hash_is_refused(self):
        for length in (1, 31, 33, 40, 63):
            self.assert_ckr('DATA_LEN_RANGE', self.signing.sign, 'ECDSA', b'x' * length, 'p-256')
        self.assert_ckr('DATA_LEN_RANGE', self.signing.sign, 'ECDSA', b'x' * 65, 'p-256')

    def test_sha1_and_md5_are_refused(self):
        self.assert_ckr('FUNCTION_REJECTED', self.signing.sign, 'ECDSA_SHA1', DATA, 'p-256')
        for name in ('sha1', 'md5'):
            self.assert_ckr('FUNCTION_REJECTED', self.signing.sign, 'ECDSA', hashlib.new(name, DATA).digest(), 'p-256')

    def test_mechanisms_of_rsa_keys_are_refused(self):
        self.assert_ckr('KEY_TYPE_INCONSISTENT', self.signing.sign, 'SHA256_RSA_PKCS', DATA, 'p-256')
        self.assert_ckr('MECHANISM_PARAM_INVALID', self.signing.sign, 'ECDSA_SHA256', DATA, 'p-256',
                        pss=['SHA256', 'SHA256', 32])


class MechanismsSwitchedOff(SigningTest):
    settings = {('policy', 'rsa_pkcs'): 'no', ('policy', 'ecdsa'): 'no'}

    def test_mechanisms_that_the_policy_has_switched_off_are_refused(self):
        self.deployed.generate(self.alice, 'rsa', 'rsa-2048')
        self.deployed.generate(self.alice, 'ec', 'p-256')
        program = self.logged_in()
        self.assert_ckr('MECHANISM_INVALID', program.sign, 'SHA256_RSA_PKCS', DATA, 'rsa')
        self.assert_ckr('MECHANISM_INVALID', program.sign, 'ECDSA_SHA256', DATA, 'ec')
        program.sign('SHA256_RSA_PKCS_PSS', DATA, 'rsa', pss=['SHA256', 'SHA256', 32])
        self.assert_explained('rsa', ['mechanism'], '--mechanism', 'rsa-pkcs')
        self.assert_explained('ec', ['mechanism'], '--mechanism', 'ecdsa')
        self.assert_explained('rsa', [], '--mechanism', 'rsa-pss')


# ---- states, certificates, times; `policy explain` is asked about each ----

class PolicyTest(SigningTest):
    """What happens in the module, and what `policy explain` says, must be the same."""

    def setUp(self):
        super().setUp()
        self.deployed.generate(self.alice)
        self.shared = self.deployed.login(self.alice)  # for explain and for requests: it sees the same login
        self.assert_ok(self.shared)
        self.authority = Authority(self.deployed.dir / 'ca')

    def certify(self, **named):
        path = self.authority.issue(self.deployed.request(self.alice), **named)
        self.assert_ok(self.deployed.import_certificate(self.alice, path))
        return path

    def program_now(self):
        program = self.program(self.deployed)
        program.login(self.alice.pin)
        return program

    def assert_signs(self, program=None):
        signature = (program or self.program_now()).sign('ECDSA_SHA256', DATA)
        self.assert_good('k', 'sha256', der_of(signature))
        done, broken = self.explain('k')
        self.assertEqual((done.status, broken), (0, []), done.out)

    def assert_refuses(self, ckr, rule, words, program=None):
        program = program or self.program_now()
        self.assert_ckr(ckr, program.sign, 'ECDSA_SHA256', DATA)
        entry = [entry for entry in self.deployed.audit('--outcome', 'refused') if entry['action'] == 'sign'][-1]
        self.assertIn(words, entry['reason'])
        done, broken = self.explain('k')
        self.assertEqual(done.status, 1, done.out)
        self.assertEqual(broken, [rule])
        self.assertIn(entry['reason'], done.out)


class States(PolicyTest):
    def set_state(self, verb, *options):
        self.deployed.ok('key', verb, 'k', '--user', 'alice', *options)

    def test_a_suspended_key_does_not_sign_until_it_is_resumed(self):
        program = self.program_now()
        self.assert_signs(program)
        self.set_state('suspend')
        self.assert_refuses('KEY_FUNCTION_NOT_PERMITTED', 'key state', 'suspended', program)
        self.set_state('resume')
        self.assert_signs(program)

    def test_a_key_in_doubt_does_not_sign_until_it_is_resumed(self):
        self.set_state('doubt', '--reason', 'laptop stolen')
        self.assert_refuses('KEY_FUNCTION_NOT_PERMITTED', 'key state', 'doubt')
        self.set_state('resume')
        self.assert_signs()

    def test_a_revoked_key_never_signs_again(self):
        self.set_state('revoke', '--yes')
        self.assert_refuses('KEY_FUNCTION_NOT_PERMITTED', 'key state', 'revoked')
        self.assert_refused(self.deployed.cli('key', 'resume', 'k', '--user', 'alice'), 'revoked')
        self.assert_refuses('KEY_FUNCTION_NOT_PERMITTED', 'key state', 'revoked')

    def test_a_deleted_key_is_gone(self):
        program = self.program_now()
        key = program.objects('private')[0]
        self.assert_signs(program)
        self.set_state('delete', '--yes')
        self.assertEqual(program.objects('public'), [])
        self.assert_ckr('KEY_HANDLE_INVALID', program.sign, 'ECDSA_SHA256', DATA, key=key)


class Certificates(PolicyTest):
    settings = {('policy', 'without_certificate'): 'no'}

    def test_a_key_signs_once_it_has_its_certificate(self):
        program = self.program_now()
        self.assert_refuses('FUNCTION_REJECTED', 'certificate present', 'no certificate', program)
        self.certify()
        self.assert_signs(program)

    def test_an_expired_certificate_is_not_imported_and_one_that_expires_signs_no_more(self):
        expired = self.authority.issue(self.deployed.request(self.alice), seconds=-60)
        self.assert_refused(self.deployed.import_certificate(self.alice, expired), 'expired')
        (self.deployed.dir / 'k.csr').unlink()
        until = time.time() + 4
        self.certify(seconds=4)
        program = self.program_now()
        self.assert_signs(program)
        wait_until(lambda: time.time() > until + 1, 'time stands still')
        self.assert_refuses('FUNCTION_REJECTED', 'certificate validity', 'expired', program)

    def test_the_certificate_of_another_key_is_refused(self):
        self.deployed.generate(self.alice, 'other')
        path = self.certify()
        self.assert_refused(self.deployed.cli('cert', 'import', path, '--user', 'alice', '--key', 'other'),
                            'belongs to')
        stranger = self.deployed.dir / 'stranger.csr'
        must(['openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj',
              '/CN=stranger', '-keyout', '/dev/null', '-out', stranger])
        self.assert_refused(self.deployed.import_certificate(self.alice, self.authority.issue(stranger)), 'any key')

    def test_a_certificate_that_its_issuer_did_not_sign_is_refused(self):
        path = self.authority.issue(self.deployed.request(self.alice))
        other = Authority(self.deployed.dir / 'other-ca', name='Test CA')
        path.write_text(path.read_text().replace(self.authority.certificate.read_text(), other.certificate.read_text()))
        self.assert_refused(self.deployed.import_certificate(self.alice, path), 'not issued by')

    def test_a_key_usage_without_signatures_is_refused(self):
        text = self.authority.conf.read_text()
        self.authority.conf.write_text(text.replace('digitalSignature,nonRepudiation', 'keyAgreement'))
        self.certify()
        self.assert_refuses('FUNCTION_REJECTED', 'certificate usage', 'key usage')

    def test_key_usages_for_signatures_are_accepted(self):
        for usage in ('digitalSignature', 'nonRepudiation'):
            text = self.authority.conf.read_text()
            self.authority.conf.write_text(re.sub('critical,.*', f'critical,{usage}', text))
            self.certify()
            self.assert_signs()
            (self.deployed.dir / 'k.csr').unlink()


class Revocation(PolicyTest):
    def revoke(self, certificate, reason):
        must(['openssl', 'ca', '-config', self.authority.conf, '-revoke', certificate, '-crl_reason', reason])

    def crl(self, authority=None, name='ca.crl'):
        path = self.deployed.dir / name
        must(['openssl', 'ca', '-config', (authority or self.authority).conf, '-gencrl', '-out', path])
        return path

    def key_state(self):
        return self.deployed.json('key', 'list', '--user', 'alice')[0]['state']

    def test_a_crl_revokes_the_keys_of_the_certificates_on_it(self):
        certificate, program = self.certify(), self.program_now()
        self.assertEqual(self.deployed.json('crl', 'import', self.crl())['on_it'], 0)
        self.assert_signs(program)
        self.revoke(certificate, 'keyCompromise')
        self.assertEqual(self.deployed.json('crl', 'import', self.crl())['on_it'], 1)
        self.assertEqual(self.key_state(), 'revoked')
        self.assert_refuses('KEY_FUNCTION_NOT_PERMITTED', 'key state', 'revoked', program)

    def test_certificate_hold_suspends(self):
        certificate = self.certify()
        self.revoke(certificate, 'certificateHold')
        self.deployed.ok('crl', 'import', self.crl())
        self.assertEqual(self.key_state(), 'suspended')
        self.assert_refuses('KEY_FUNCTION_NOT_PERMITTED', 'key state', 'suspended')
        self.deployed.ok('key', 'resume', 'k', '--user', 'alice')
        self.assert_signs()

    def test_a_crl_that_the_issuer_did_not_sign_is_refused(self):
        certificate = self.certify()
        impostor = Authority(self.deployed.dir / 'impostor')  # of the same name
        (impostor.folder / 'index.txt').write_text(self.revoked_index(certificate))
        self.assert_refused(self.deployed.cli('crl', 'import', self.crl(impostor)), 'CRL')
        self.assertEqual(self.key_state(), 'active')
        self.assert_signs()

    def revoked_index(self, certificate):
        """The authority's own index after revoking, which a second key of the same name then signs."""
        self.revoke(certificate, 'keyCompromise')
        return (self.authority.folder / 'index.txt').read_text()

    def test_a_damaged_crl_is_refused(self):
        certificate = self.certify()
        self.revoke(certificate, 'keyCompromise')
        der = self.deployed.dir / 'crl.der'
        must(['openssl', 'crl', '-in', self.crl(), '-outform', 'DER', '-out', der])
        content = bytearray(der.read_bytes())
        content[-1] ^= 1
        der.write_bytes(content)
        self.assert_refused(self.deployed.cli('crl', 'import', der))
        self.assertEqual(self.key_state(), 'active')
        content[-1] ^= 1
        der.write_bytes(content)
        self.deployed.ok('crl', 'import', der)
        self.assertEqual(self.key_state(), 'revoked')

    def alone(self, path):
        """The user's certificate without its issuer."""
        path.write_text(path.read_text().replace(self.authority.certificate.read_text(), ''))
        return path

    def certified(self, name, authority=None, alone=False):
        """Another user with a key and its certificate."""
        user = self.deployed.add_user(name)
        self.deployed.generate(user, name)
        path = (authority or self.authority).issue(self.deployed.request(user, name))
        self.assert_ok(self.deployed.import_certificate(user, self.alone(path) if alone else path))
        return path

    def states(self, *names):
        return [self.deployed.json('key', 'list', '--user', name)[0]['state'] for name in names]

    def test_a_certificate_without_its_issuer_is_judged_wherever_it_stands(self):
        """The issuer is known by others' certificates: those before it in the store, and those after it."""
        first = self.authority.issue(self.deployed.request(self.alice))
        self.assert_ok(self.deployed.import_certificate(self.alice, self.alone(first)))
        self.certified('bob')
        last = self.certified('carol', alone=True)
        for certificate in (first, last):
            self.revoke(certificate, 'keyCompromise')
        answer = self.deployed.json('crl', 'import', self.crl())
        self.assertEqual((answer['on_it'], answer['not_judged']), (2, 0))
        self.assertEqual(self.states('alice', 'bob', 'carol'), ['revoked', 'active', 'revoked'])

    def test_the_issuer_may_be_given_with_the_list(self):
        path = self.authority.issue(self.deployed.request(self.alice))
        self.assert_ok(self.deployed.import_certificate(self.alice, self.alone(path)))
        self.revoke(path, 'superseded')
        self.assert_refused(self.deployed.cli('crl', 'import', self.crl()), '--issuer')
        impostor = Authority(self.deployed.dir / 'impostor')
        self.assert_refused(self.deployed.cli('crl', 'import', self.crl(), '--issuer', impostor.certificate), 'verify')
        self.assertEqual(self.key_state(), 'active')
        answer = self.deployed.json('crl', 'import', self.crl(), '--issuer', self.authority.certificate)
        self.assertEqual(answer['on_it'], 1)
        self.assertEqual(self.key_state(), 'revoked')
        self.deployed.ok('crl', 'import', self.crl())  # the issuer is known by now

    def test_an_issuer_of_the_same_name_speaks_for_its_own_certificates(self):
        certificate = self.certify()
        namesake = Authority(self.deployed.dir / 'namesake')  # with another key
        self.certified('bob', namesake)
        (namesake.folder / 'index.txt').write_text(self.revoked_index(certificate))  # alice's serial number
        done = self.deployed.cli('crl', 'import', self.crl(namesake))
        self.assert_ok(done)
        self.assertRegex(done.out, r'Not judged: +1')
        self.assertIn('nothing', done.err)
        self.assertEqual(self.states('alice', 'bob'), ['active', 'active'])
        self.deployed.ok('crl', 'import', self.crl(name='own.crl'))
        self.assertEqual(self.states('alice', 'bob'), ['revoked', 'active'])

    def refusal(self, number):
        """The entry of that refused import, from 1: a refusal is answered before it is written down."""
        def written():
            entries = self.deployed.audit('--action', 'cert.import', '--outcome', 'refused')
            return entries[number - 1] if len(entries) >= number else None
        return wait_until(written, 'the refusal is not in the log')

    def test_a_certificate_that_comes_after_the_list_is_refused(self):
        self.certified('bob')
        path = self.authority.issue(self.deployed.request(self.alice))
        self.revoke(path, 'keyCompromise')
        self.assertEqual(self.deployed.json('crl', 'import', self.crl())['on_it'], 0)
        for times in (1, 2):
            refused = self.deployed.import_certificate(self.alice, path)
            self.assert_refused(refused, 'keyCompromise', 'Test CA')
            self.assertIn('keyCompromise', self.refusal(times)['reason'])
            self.assertNotIn('BEGIN CERTIFICATE', self.deployed.ok('cert', 'show', '--user', 'alice', '--pem'))
            self.deployed.restart()
        self.assert_refused(self.deployed.import_certificate(self.alice, self.alone(path)), 'keyCompromise')
        self.shared = self.deployed.login(self.alice)
        (self.deployed.dir / 'k.csr').unlink()
        self.certify()
        self.deployed.ok('audit', 'verify')

    def test_an_older_list_does_not_take_the_place_of_a_newer_one(self):
        conf = self.authority.conf
        conf.write_text(conf.read_text().replace('default_crl_days=30', 'default_crl_days=30\ncrlnumber='
                                                 f'{self.authority.folder}/crlnumber'))
        (self.authority.folder / 'crlnumber').write_text('00FF\n')
        path = self.certify()
        before = self.crl(name='before.crl')
        self.revoke(path, 'certificateHold')
        self.deployed.ok('crl', 'import', self.crl())
        self.deployed.ok('crl', 'import', self.deployed.dir / 'ca.crl')  # the same again
        self.assert_refused(self.deployed.cli('crl', 'import', before), 'newer one is kept')
        records = self.deployed.json('status')['records']
        self.deployed.ok('crl', 'import', self.crl())
        self.assertEqual(self.deployed.json('status')['records'], records)
        self.assertEqual(self.key_state(), 'suspended')

    def test_doctor_tells_of_a_list_that_is_overdue(self):
        checks = lambda: next(check for check in self.deployed.json('doctor', '--module', MODULE) if check['name'] == 'revocation lists')
        self.certify()
        self.assertEqual((checks()['verdict'], checks()['words']), ('ok', '0 kept, none overdue'))
        must(['openssl', 'ca', '-config', self.authority.conf, '-gencrl', '-crlsec', '2', '-out',
              self.deployed.dir / 'short.crl'])
        self.deployed.ok('crl', 'import', self.deployed.dir / 'short.crl')
        found = wait_until(lambda: checks()['verdict'] == 'note' and checks(), 'doctor does not find it overdue')
        self.assertIn('Test CA', found['words'])
        self.assertIn('crl import', found['advice'])
        self.deployed.ok('crl', 'import', self.crl())
        self.assertEqual(checks()['verdict'], 'ok')

    def test_a_list_of_strangers_is_refused(self):
        self.certify()
        other = Authority(self.deployed.dir / 'other', 'Other CA')
        self.assert_refused(self.deployed.cli('crl', 'import', self.crl(other)), 'Other CA')


class Hours(PolicyTest):
    @staticmethod
    def around(now):
        return {('policy', 'hour_from'): str(now), ('policy', 'hour_until'): str(now + 1)}

    def restart_with(self, settings):
        for (section, key), value in settings.items():
            self.deployed.configure(section, key, value)
        self.deployed.restart()
        self.assert_ok(self.deployed.login(self.alice))

    def test_nothing_is_signed_outside_of_the_hours(self):
        hour = time.localtime().tm_hour
        self.restart_with(self.around((hour + 12) % 24))
        self.assert_refuses('FUNCTION_REJECTED', 'hours', 'local time')

    def test_it_is_signed_within_the_hours(self):
        hour = time.localtime().tm_hour  # an hour's end within this test: two hours, over midnight if need be
        self.restart_with({('policy', 'hour_from'): str(hour), ('policy', 'hour_until'): str((hour + 1) % 24 + 1)})
        self.assert_signs()

    def test_explain_answers_for_other_times(self):
        self.restart_with(self.around(9))
        midday, morning = self.explain('k', '--at', at_local_hour(12)), self.explain('k', '--at', at_local_hour(9))
        self.assertEqual(midday[1], ['hours'])
        self.assertEqual(morning[1], [])


def at_local_hour(hour):
    today = list(time.localtime())
    today[3:6] = hour, 30, 0
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.mktime(tuple(today[:8]) + (-1,))))


class NotLoggedIn(PolicyTest):
    def test_explain_and_module_agree_on_a_missing_login(self):
        self.assert_ok(self.deployed.logout(self.alice))
        done, broken = self.explain('k')
        self.assertEqual((done.status, broken), (1, ['authorisation', 'authorisation time']))
        self.assertEqual(self.program(self.deployed).objects('private'), [])

    def test_explain_supposes_logins(self):
        self.assert_ok(self.deployed.logout(self.alice))
        self.assertEqual(self.explain('k', '--login-age', '1m')[1], [])
        self.assertEqual(self.explain('k', '--login-age', '9h')[1], ['login age', 'authorisation time'])

    def test_explain_judges_hashes_and_mechanisms(self):
        for options, rules in ((('--hash', 'SHA-1'), ['hash']), (('--hash', 'SHA-256'), []),
                               (('--mechanism', 'rsa-pkcs'), ['mechanism and key']), (('--mechanism', 'ecdsa'), []),
                               (('--digest', hashlib.sha256(DATA).hexdigest()), [])):
            done, broken = self.explain('k', *options)
            self.assertEqual((done.status, broken), (1 if rules else 0, rules), done.out)
        self.assertEqual(self.explain('k', '--digest', 'abcd')[0].status, 2)


if __name__ == '__main__':
    unittest.main()
