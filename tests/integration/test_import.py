# SPDX-License-Identifier: Apache-2.0
"""Keys that were made elsewhere, by openssl: they sign as others do afterwards, and nothing of them stays behind."""
import os
import pathlib
import unittest

from deployment import Authority, DeploymentTest, must, write_private
from programs import STRANGER, ProgramTest, needs_root
from test_faults import DEVICE_ERROR, GENERAL_ERROR, Faults
from test_secrets import fields, token_keys, unwrap

PASSWORD = 'the-files-PASSWORD-planted-6be1'
OLD = ['-legacy', '-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-RC2-40', '-macalg', 'sha1']


class Elsewhere:
    """Keys and certificates of another system's, as files in FOLDER."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.authority = Authority(folder / 'ca')

    def key(self, name='old', *options):
        """PKCS#8 in PEM; P-256 unless OPTIONS of genpkey say otherwise."""
        path = self.folder / f'{name}.key'
        must(['openssl', 'genpkey', '-out', path,
              *(options or ('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'))])
        path.chmod(0o600)
        return path

    def chain(self, key):
        request = key.with_suffix('.csr')
        must(['openssl', 'req', '-new', '-key', key, '-subj', '/CN=alice', '-out', request])
        return self.authority.issue(request)

    def pkcs12(self, key, *options, chain=None, password=PASSWORD):
        path = key.with_suffix('.p12')
        must(['openssl', 'pkcs12', '-export', '-inkey', key, '-in', chain or self.chain(key), '-out', path, '-passout',
              f'pass:{password}', *options])
        path.chmod(0o600)
        return path


class ImportTest(DeploymentTest):
    settings = {}

    def setUp(self):
        self.deployment = self.deploy(settings=self.settings)
        self.alice = self.deployment.add_user('alice')
        self.elsewhere = Elsewhere(self.deployment.dir / 'elsewhere')

    def take(self, path, *options, stdin=PASSWORD + '\n', user='alice'):
        return self.deployment.cli('key', 'import', path, '--user', user, '--label', 'k', '--id', '0a0b', *options,
                                   stdin=stdin)

    def taken(self, path, *options, **named):
        done = self.take(path, *options, **named)
        self.assert_ok(done)
        self.deployment.key_ids['k'] = '0a0b'
        return done

    def row(self):
        return self.deployment.json('key', 'list', '--user', 'alice')[0]

    def keys(self):
        return [row['label'] for row in self.deployment.json('key', 'list', '--user', 'alice')]


class Files(ImportTest):
    def test_pkcs12_signs_through_pkcs11_tool(self):
        key = self.elsewhere.key()
        done = self.taken(self.elsewhere.pkcs12(key))
        self.assertIn('destroy them', done.err)
        self.assertNotIn(PASSWORD, done.out + done.err)
        row = self.row()
        self.assertEqual((row['type'], row['imported'], row['certificate'], row['pending']), ('p-256', True, True, True))
        self.assert_signs(self.deployment, self.alice)
        shown = self.deployment.ok('cert', 'show', '--user', 'alice')
        self.assertIn('CN=Test CA', shown)
        self.assert_sound(self.deployment)
        self.assertEqual([entry['outcome'] for entry in self.deployment.audit('--action', 'key.import')], ['ok'])

    def test_the_signature_is_that_keys(self):
        """Verified with the public key that openssl made, not with what the module shows."""
        key = self.elsewhere.key('rsa', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048')
        self.taken(self.elsewhere.pkcs12(key, *OLD))
        public, data = key.with_suffix('.pub'), os.urandom(100)
        must(['openssl', 'pkey', '-in', key, '-pubout', '-out', public])
        self.assert_ok(self.deployment.sign(self.alice, mechanism='SHA256-RSA-PKCS', data=data))
        must(['openssl', 'dgst', '-sha256', '-verify', public, '-signature', self.deployment.dir / 'signature',
              self.deployment.dir / 'to-sign'])

    def test_every_type(self):
        for kind, options in (('rsa-3072', ('-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072')),
                              ('rsa-4096', ('-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:4096')),
                              ('p-384', ('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384')),
                              ('p-521', ('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'))):
            with self.subTest(kind):
                done = self.deployment.cli('key', 'import', self.elsewhere.key(kind, *options), '--user', 'alice',
                                           '--label', kind, '--json')
                self.assert_ok(done)
                self.assertIn(kind, done.out)

    def test_pem_in_its_forms_and_from_standard_input(self):
        key = self.elsewhere.key()
        encrypted = write_private(self.elsewhere.folder / 'encrypted.pem', '')
        must(['openssl', 'pkey', '-in', key, '-aes256', '-passout', f'pass:{PASSWORD}', '-out', encrypted])
        traditional = write_private(self.elsewhere.folder / 'traditional.pem', '')
        must(['openssl', 'pkey', '-in', key, '-traditional', '-out', traditional])
        password = write_private(self.elsewhere.folder / 'password', PASSWORD + '\n')
        for path, options, stdin in ((encrypted, (), PASSWORD + '\n'), (encrypted, ('--password-file', password), ''),
                                     (traditional, (), ''), ('-', (), traditional.read_text()),
                                     ('-', ('--password-file', password), encrypted.read_text())):
            with self.subTest(path=path, options=options):
                self.taken(path, *options, stdin=stdin)
                self.deployment.ok('key', 'delete', 'k', '--user', 'alice', '--yes')

    def test_key_while_its_owner_is_logged_in_needs_no_other_login(self):
        self.assert_ok(self.deployment.login(self.alice))
        self.taken(self.elsewhere.key(), stdin='')
        self.assertFalse(self.row()['pending'])
        self.assert_signs(self.deployment, self.alice)

    def test_key_outlives_the_engine(self):
        self.taken(self.elsewhere.key(), stdin='')
        self.deployment.restart()
        self.assert_still_works(self.deployment, self.alice)


class Refused(ImportTest):
    def assert_not_taken(self, path, *words, options=(), stdin=PASSWORD + '\n'):
        self.assert_refused(self.take(path, *options, stdin=stdin), *words)
        self.assertEqual(self.keys(), [])

    def test_wrong_password(self):
        path = self.elsewhere.pkcs12(self.elsewhere.key())
        self.assert_not_taken(path, 'password is wrong', stdin='wrong\n')
        self.assert_not_taken(path, 'none on standard input', stdin='')

    def test_file_that_others_can_read(self):
        key = self.elsewhere.key()
        key.chmod(0o644)
        self.assert_not_taken(key, 'chmod 600')

    def test_keys_that_are_not_kept(self):
        for name, word, options in (('small', '2048', ('-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024')),
                                    ('koblitz', 'named', ('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1')),
                                    ('explicit', 'named', ('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256',
                                                           '-pkeyopt', 'ec_param_enc:explicit')),
                                    ('ed25519', 'this HSM cannot keep ed25519', ('-algorithm', 'ED25519'))):
            with self.subTest(name):
                self.assert_not_taken(self.elsewhere.key(name, *options), word)

    def test_no_key_and_no_file(self):
        empty = write_private(self.elsewhere.folder / 'empty', '')
        self.assert_not_taken(empty, 'no private key')
        self.assert_not_taken(self.elsewhere.folder / 'none', 'No such file')

    def test_standard_input_is_file_or_password(self):
        encrypted = self.elsewhere.folder / 'encrypted.pem'
        must(['openssl', 'pkey', '-in', self.elsewhere.key(), '-aes256', '-passout', f'pass:{PASSWORD}', '-out', encrypted])
        done = self.take('-', stdin=encrypted.read_text())
        self.assertEqual(done.status, 2, done.err)
        self.assertIn('--password-file', done.err)

    def test_certificates_of_another_key(self):
        key, other = self.elsewhere.key(), self.elsewhere.key('other')
        both = write_private(self.elsewhere.folder / 'both.pem', key.read_text() + self.elsewhere.chain(other).read_text())
        self.assert_not_taken(both, '--key-only')
        self.taken(both, '--key-only')
        self.assertFalse(self.row()['certificate'])

    def test_certificate_that_is_revoked(self):
        key, crl = self.elsewhere.key(), self.elsewhere.folder / 'crl.pem'
        chain, conf = self.elsewhere.chain(key), self.elsewhere.authority.conf
        must(['openssl', 'ca', '-config', conf, '-revoke', chain])
        must(['openssl', 'ca', '-config', conf, '-gencrl', '-out', crl])
        self.deployment.ok('crl', 'import', crl, '--issuer', self.elsewhere.authority.certificate)
        path = self.elsewhere.pkcs12(key, chain=chain)
        self.assert_not_taken(path, 'on the kept CRL')
        self.taken(path, '--key-only')
        self.assert_refused(self.deployment.import_certificate(self.alice, chain), 'on the kept CRL')

    def test_the_same_key_again(self):
        key = self.elsewhere.key()
        self.taken(key)
        again = self.deployment.cli('key', 'import', key, '--user', 'alice', '--label', 'again')
        self.assert_refused(again, 'this key already')
        self.assertEqual(self.keys(), ['k'])

    def test_user_who_is_not_there_or_closed(self):
        key = self.elsewhere.key()
        self.assert_refused(self.take(key, user='bob'), 'bob')
        self.deployment.ok('user', 'close', 'alice', '--yes')
        self.assert_refused(self.take(key), 'closed')


@needs_root
class Owners(ProgramTest):
    """Another account, in which alice is logged in."""

    def begin(self, **settings):
        self.deployed = self.deploy(**settings)
        self.alice, self.bob = self.deployed.add_user('alice'), self.deployed.add_user('bob')
        self.elsewhere = Elsewhere(self.deployed.dir / 'elsewhere')
        self.key = self.elsewhere.key().read_text()

    def log_in(self, user):
        self.assert_ok(self.cli_as(STRANGER, self.deployed, 'login', '--user', user.name,
                                   stdin=f'{user.pin}\n{user.code()}\n'))

    def take(self, name='alice'):
        return self.cli_as(STRANGER, self.deployed, 'key', 'import', '-', '--user', name, stdin=self.key)

    def keys(self, name='alice'):
        return len(self.deployed.json('key', 'list', '--user', name))

    def test_may_not_unless_it_is_said(self):
        self.begin()
        self.log_in(self.alice)
        self.assert_refused(self.take(), '[owner] import')
        self.assertEqual(self.keys(), 0)
        refused = self.deployed.audit('--action', 'key.import')
        self.assertEqual([(entry['outcome'], entry['role']) for entry in refused], [('refused', 'owner')])

    def test_may_where_it_is_said_and_only_for_themselves(self):
        self.begin(settings={('owner', 'import'): 'yes'})
        self.assert_refused(self.take(), 'not permitted')
        self.log_in(self.alice)
        self.assert_refused(self.take('bob'), 'not permitted')
        self.assert_ok(self.take())
        self.assertEqual((self.keys(), self.keys('bob')), (1, 0))
        self.assertIn('owner.import', self.deployed.ok('policy', 'show'))

    def test_may_not_free_a_key_that_was_stopped_by_importing_it_again(self):
        self.begin(settings={('owner', 'import'): 'yes', ('owner', 'delete'): 'yes'})
        self.log_in(self.alice)
        delete = lambda: self.cli_as(STRANGER, self.deployed, 'key', 'delete', 'alice', '--user', 'alice', '--yes')
        self.assert_ok(self.take())
        self.deployed.ok('key', 'suspend', 'alice', '--user', 'alice')
        self.assert_refused(delete(), 'only an officer')
        self.assert_refused(self.take(), 'this key already')
        self.deployed.ok('key', 'resume', 'alice', '--user', 'alice')
        self.assert_ok(delete())
        self.assert_ok(self.take())

    def test_who_is_an_officer_too_needs_no_such_wish(self):
        self.begin()
        self.log_in(self.deployed.add_user('olga', roles=('officer',)))
        self.assert_ok(self.take('olga'))


class NothingStays(ImportTest):
    """What passes through our hands is wiped; of SoftHSM's own see test_secrets.py."""

    def setUp(self):
        super().setUp()
        key = self.elsewhere.key('rsa', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048')
        self.planted = {**self.numbers(key), **self.scalar(self.elsewhere.key('ec'))}
        self.keys_taken = [key, self.elsewhere.folder / 'ec.key']

    def numbers(self, key):
        """d, p, q and the CRT's numbers, as PKCS#8 has them, and as words of libcrypto's in memory: the other way round."""
        text = must(['openssl', 'pkey', '-in', key, '-noout', '-text'])
        found, name = {}, None
        for line in text.splitlines():
            if line and not line.startswith(' '):
                name = line.split(':')[0]
            elif name in ('privateExponent', 'prime1', 'prime2', 'exponent1', 'exponent2', 'coefficient'):
                found[name] = found.get(name, '') + line.strip().replace(':', '')
        self.assertEqual(len(found), 6, text)
        return {f'{name}{way}': value for name, digits in found.items()
                for way, value in self.both_ways(bytes.fromhex(digits).lstrip(b'\0'))}

    def scalar(self, key):
        text = must(['openssl', 'pkey', '-in', key, '-noout', '-text'])
        digits = text.split('priv:')[1].split('pub:')[0].replace(':', '').split()
        return {f'scalar{way}': value for way, value in self.both_ways(bytes.fromhex(''.join(digits))[-32:])}

    @staticmethod
    def both_ways(value):
        """Thirty-two bytes of it are enough to know it by, whatever it is cut into."""
        middle = value[len(value) // 2 - 16:len(value) // 2 + 16]
        yield '', middle
        yield ', reversed', middle[::-1]

    def assert_nowhere(self, content, where):
        self.assertEqual([name for name, value in self.planted.items() if value in content], [], where)

    def memory(self, pid):
        content = b''
        with open(f'/proc/{pid}/maps', encoding='ascii') as maps, open(f'/proc/{pid}/mem', 'rb', buffering=0) as memory:
            for line in maps:
                bounds, flags = line.split()[:2]
                begin, end = (int(word, 16) for word in bounds.split('-'))
                if not flags.startswith('rw'):
                    continue
                memory.seek(begin)
                try:
                    content += memory.read(end - begin)
                except OSError:
                    pass  # a guard page
        return content

    def import_all(self):
        for number, key in enumerate(self.keys_taken):
            path = self.elsewhere.pkcs12(key)
            self.assert_ok(self.deployment.cli('key', 'import', path, '--user', 'alice', '--label', f'k{number}',
                                               stdin=PASSWORD + '\n'))

    @needs_root
    def test_in_the_engines_memory(self):
        self.import_all()
        content = self.memory(self.deployment.pid())
        self.assertIn(b'alice', content)  # it is its memory
        self.assert_nowhere(content, 'memory')

    def test_in_files(self):
        self.import_all()
        self.deployment.stop()
        for path in self.deployment.dir.rglob('*'):
            if path.is_file() and self.elsewhere.folder not in path.parents:
                self.assert_nowhere(path.read_bytes(), path)
        self.assert_nowhere(''.join(self.deployment.log).encode(), 'log')

    def test_the_search_would_find_them(self):
        """The twin: the PKCS#8 itself."""
        for key in self.keys_taken:
            der = must(['openssl', 'pkcs8', '-topk8', '-nocrypt', '-in', key, '-outform', 'DER'], text=False)
            with self.assertRaises(AssertionError):
                self.assert_nowhere(der, key)


class Stored(DeploymentTest):
    def test_what_is_stored_is_the_key_wrapped(self):
        """By the custodians' backup: the stored blob is the PKCS#8 of the very key, under the user's wrapping key."""
        deployment = self.deploy(backup=True)
        deployment.add_user('alice')
        key = Elsewhere(deployment.dir / 'elsewhere').key()
        deployment.ok('key', 'import', key, '--user', 'alice', '--label', 'k')
        database = deployment.database()
        (user,), = database.execute("SELECT content FROM record WHERE kind = 'user'")
        (record,), = database.execute("SELECT content FROM record WHERE kind = 'credential'")
        database.close()
        uwk = unwrap(deployment, token_keys(deployment)['kek-1'], fields(user)[15])
        plain = write_private(deployment.dir / 'plain.der', unwrap(deployment, uwk, fields(record)[4]))
        public = [must(['openssl', 'pkey', '-in', path, '-pubout']) for path in (key, plain)]
        self.assertEqual(public[0], public[1])


class FailingHsm(Faults):
    """An HSM that fails at each of the steps: no key is made, or one that signs."""

    def setUp(self):
        self.deployment = self.deploy(faults=True)
        self.alice = self.deployment.add_user('alice')
        self.elsewhere = Elsewhere(self.deployment.dir / 'elsewhere')

    def take(self, n):
        return self.deployment.cli('key', 'import', self.elsewhere.key(f'k{n}'), '--user', 'alice', '--label', 'k', '--id', '0a')

    def mended(self, n, done):
        """With the key that was made, or is made now, nothing is wrong; it makes room for the next one."""
        rows = self.deployment.json('key', 'list', '--user', 'alice')
        self.assertEqual(len(rows), 1 if done.status == 0 else 0)
        if done.status != 0:
            self.assertNotEqual(done.err, '')
            self.assert_ok(self.take(n))
        self.assert_sound(self.deployment)
        self.deployment.ok('key', 'delete', 'k', '--user', 'alice', '--yes')

    def test_call_that_fails(self):
        self.assertGreater(self.every_call(self.deployment, GENERAL_ERROR, self.take, self.mended), 10)
        self.assert_still_signs()

    def test_device_error(self):
        self.every_call(self.deployment, DEVICE_ERROR, self.take, self.mended)
        self.assert_still_signs()

    def assert_still_signs(self):
        self.assert_ok(self.take('last'))
        self.deployment.key_ids['k'] = '0a'
        self.assert_still_works(self.deployment, self.alice)


if __name__ == '__main__':
    unittest.main()
