# SPDX-License-Identifier: Apache-2.0
"""What programs write on the token with pkcs11-tool: keys, certificates, data, labels and ids; and who may not.

The refused are programs of another uid: root has the engine's role, which may all that officers may.
"""
import re
import unittest

from deployment import MODULE, Authority, as_nobody, must, needs_root, run
from programs import AliceTest

P256 = ('--key-type', 'EC:prime256v1')
OWNERS_MAY = {('owner', 'delete'): 'yes'}


class WritingTest(AliceTest):
    def setUp(self):
        super().setUp()
        self.as_stranger = False

    def tool(self, *arguments, login=True):
        """pkcs11-tool, by Alice with PIN and code; as another uid from stranger() on."""
        command = ['pkcs11-tool', '--module', str(self.module()), '--token-label', 'alice', *map(str, arguments)]
        if login:
            command[1:1] = ['--login', '--pin', self.alice.pin_and_code()]
        return run(as_nobody(*command) if self.as_stranger else command, env=self.deployed.env)

    def module(self):
        return self.admit_others(self.deployed) / MODULE.name if self.as_stranger else MODULE

    def stranger_from_now_on(self):
        self.admit_others(self.deployed)
        for path in self.deployed.dir.glob('*.der'):
            path.chmod(0o644)
        self.as_stranger = True

    def written(self, *arguments):
        done = self.tool(*arguments)
        self.assert_ok(done)
        return done.out

    def shown(self, kind, login=True):
        """Objects of KIND as pkcs11-tool lists them."""
        done = self.tool('--list-objects', '--type', kind, login=login)
        self.assert_ok(done)
        return done.out

    def assert_answer(self, done, *words):
        self.assertNotEqual(done.status, 0, done.out)
        for word in words:
            self.assertIn(word, done.err)

    def keys(self):
        return {key['label']: key for key in self.deployed.json('key', 'list', '--user', 'alice')}

    def certificate(self, label='k'):
        """From a CA, for one of Alice's keys; DER, in a file."""
        authority = Authority(self.deployed.dir / 'ca')
        pem = authority.issue(self.deployed.request(self.alice, label))
        return self.der(pem, label)

    def der(self, pem, name):
        path = self.deployed.dir / f'{name}.der'
        must(['openssl', 'x509', '-in', pem, '-outform', 'DER', '-out', path])
        return path

    def strangers_certificate(self):
        folder = self.deployed.dir
        must(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout',
              folder / 'other.key', '-out', folder / 'other.pem', '-subj', '/CN=Somebody else', '-days', '30'])
        return self.der(folder / 'other.pem', 'other')


class MakingKeys(WritingTest):
    settings = OWNERS_MAY

    def test_a_key_that_a_program_made_signs_at_once_and_is_in_the_log(self):
        for number, kind in enumerate(('EC:prime256v1', 'EC:secp384r1', 'EC:secp521r1', 'rsa:2048')):
            out = self.written('--keypairgen', '--key-type', kind, '--label', f'made {number}', '--id', f'aa0{number}')
            self.assertIn('never extractable, local', out)
            key = self.keys()[f'made {number}']
            self.assertEqual((key['cka_id'], key['pending'], key['state']), (f'aa0{number}', False, 'active'))
        self.deployed.key_ids['made 0'] = 'aa00'
        self.assert_signs(self.deployed, self.alice, 'made 0')
        made = self.entries('key.generate')[-4:]
        self.assertEqual([entry['role'] for entry in made], ['owner'] * 4)
        self.assert_sound(self.deployed)

    def test_a_key_needs_a_name_of_its_own_and_a_curve_that_the_hsm_keeps(self):
        self.assert_answer(self.tool('--keypairgen', *P256, '--label', 'k'), 'CKR_ATTRIBUTE_VALUE_INVALID')
        self.assert_answer(self.tool('--keypairgen', *P256, '--label', 'new', '--id', self.deployed.key_id('k')),
                           'CKR_ATTRIBUTE_VALUE_INVALID')
        self.assert_answer(self.tool('--keypairgen', '--key-type', 'EC:secp256k1', '--label', 'new'), '0x140')
        self.assert_answer(self.tool('--keypairgen', '--key-type', 'rsa:1024', '--label', 'new'), 'ATTRIBUTE_VALUE')
        self.assertEqual(list(self.keys()), ['k'])

    def test_what_no_key_can_be_is_refused_with_the_reason(self):
        self.deployed.env['TRUSTP11_DEBUG'] = 'stderr'
        for options, words in ((('--key-type', 'rsa:1024'), 'RSA with 2048'), (('--key-type', 'EC:secp256k1'), 'P-256, P-384'),
                               ((*P256, '--extractable'), 'CKA_EXTRACTABLE is false')):
            self.assert_answer(self.tool('--keypairgen', *options, '--label', 'new'), 'C_GenerateKeyPair: ', words)
        self.assertEqual(list(self.keys()), ['k'])

    def test_what_pkcs11_tool_tests_works(self):
        self.deployed.configure('policy', 'insecure_sha1', 'yes')  # that program signs over nothing else
        self.deployed.restart()
        self.deployed.generate(self.alice, 'r', 'rsa-2048')
        out = self.written('--test')
        self.assertIn('RSA-PKCS: OK', out)
        self.assertIn('No errors', out)
        out = self.written('--test-ec', '--session-rw', *P256, '--label', 'tested', '--id', '99')
        self.assertIn('Deleting the private and the public key again', out)
        self.assertEqual(sorted(self.keys()), ['k', 'r'])

    @needs_root
    def test_owners_make_no_keys_where_they_may_not(self):
        self.deployed.configure('owner', 'generate', 'no')
        self.deployed.restart()
        self.stranger_from_now_on()
        self.assert_answer(self.tool('--keypairgen', *P256, '--label', 'new'), '0x200')
        self.assertEqual(list(self.keys()), ['k'])
        refused = self.entries('key.generate')[-1]
        self.assertEqual((refused['outcome'], refused['role']), ('refused', 'owner'))
        self.deployed.configure('owner', 'generate', 'yes')
        self.deployed.restart()
        self.written('--keypairgen', *P256, '--label', 'new')


class BringingKeys(WritingTest):
    settings = {('owner', 'import'): 'yes'}

    def made_elsewhere(self, *options):
        """A private key in DER, as pkcs11-tool reads it, and its public key."""
        pem, der, public = (self.deployed.dir / name for name in ('elsewhere.pem', 'elsewhere.der', 'elsewhere.pub'))
        must(['openssl', 'genpkey', *options, '-out', pem])
        must(['openssl', 'pkey', '-in', pem, '-outform', 'DER', '-out', der])
        must(['openssl', 'pkey', '-in', pem, '-pubout', '-out', public])
        return der, public

    def assert_signs_as(self, public, kind, cka_id):
        data, out = self.deployed.dir / 'signed.data', self.deployed.dir / 'signed.sig'
        data.write_bytes(b'what is signed')
        mechanism = 'SHA256-RSA-PKCS' if kind == 'rsa' else 'ECDSA-SHA256'
        self.written('--sign', '--mechanism', mechanism, '--id', cka_id, '--input-file', data, '--output-file', out,
                     '--signature-format', 'openssl')
        must(['openssl', 'dgst', '-sha256', '-verify', public, '-signature', out, data])

    def test_a_key_that_was_made_elsewhere_signs_and_says_so(self):
        for kind, options in (('rsa', ('-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048')),
                              ('p-256', ('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256')),
                              ('p-521', ('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'))):
            with self.subTest(kind):
                der, public = self.made_elsewhere(*options)
                cka_id = kind.encode().hex()
                out = self.written('--write-object', der, '--type', 'privkey', '--label', kind, '--id', cka_id)
                self.assertIn('sensitive', out)
                self.assertNotIn('local', out)
                self.assertNotIn('never extractable', out)
                self.assert_signs_as(public, kind, cka_id)
        self.assertEqual([(entry['role'], entry['outcome']) for entry in self.entries('key.import')], [('owner', 'ok')] * 3)
        self.assert_sound(self.deployed)

    def test_one_key_is_there_once(self):
        der, _ = self.made_elsewhere('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256')
        self.written('--write-object', der, '--type', 'privkey', '--label', 'first')
        self.assert_answer(self.tool('--write-object', der, '--type', 'privkey', '--label', 'second'),
                           'CKR_ATTRIBUTE_VALUE_INVALID')

    def test_keys_that_are_not_kept_here_are_refused(self):
        for options in (('-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'),
                        ('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1')):
            der, _ = self.made_elsewhere(*options)
            done = self.tool('--write-object', der, '--type', 'privkey', '--label', 'x')
            self.assertNotEqual(done.status, 0, done.out)
        der, _ = self.made_elsewhere('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256')
        self.deployed.env['TRUSTP11_DEBUG'] = 'stderr'
        self.assert_answer(self.tool('--write-object', der, '--type', 'privkey', '--label', 'x', '--extractable'),
                           'CKA_EXTRACTABLE is false')
        self.assertEqual(list(self.keys()), ['k'])

    @needs_root
    def test_owners_bring_none_where_they_may_not(self):
        der, _ = self.made_elsewhere('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256')
        self.deployed.configure('owner', 'import', 'no')
        self.deployed.restart()
        self.stranger_from_now_on()
        self.assert_answer(self.tool('--write-object', der, '--type', 'privkey', '--label', 'x'), '0x200')
        self.assertEqual(list(self.keys()), ['k'])


class ChangingKeys(WritingTest):
    settings = OWNERS_MAY

    def test_a_new_label_and_id_are_those_of_all_that_belongs_to_the_key(self):
        self.assert_ok(self.deployed.import_certificate(self.alice, self.certificate()))
        self.written('--type', 'privkey', '--id', self.deployed.key_id('k'), '--set-id', '0badcafe')
        for kind in ('privkey', 'pubkey', 'cert'):
            self.assertIn('0badcafe', self.shown(kind))
        self.assert_ok(self.deployed.cli('key', 'change', 'k', '--user', 'alice', '--label', 'contracts'))
        for kind in ('privkey', 'pubkey', 'cert'):
            self.assertIn('contracts', self.shown(kind))
        self.deployed.restart()  # what was told is kept
        self.assertEqual(self.keys()['contracts']['cka_id'], '0badcafe')
        self.assertEqual([entry['detail'] for entry in self.entries('key.change')], ['changed: id', 'changed: label'])
        self.assert_sound(self.deployed)

    def test_labels_and_ids_stay_unique_and_have_limits(self):
        self.deployed.generate(self.alice, 'second')
        change = ('key', 'change', 'k', '--user', 'alice')
        self.assert_refused(self.deployed.cli(*change, '--label', 'second'), 'already')
        self.assert_refused(self.deployed.cli(*change, '--id', self.deployed.key_id('second')), 'already')
        self.assertEqual(self.deployed.cli(*change).status, 2)
        self.assertEqual(self.deployed.cli(*change, '--label', 'x' * 129).status, 2)
        self.assertEqual(self.deployed.cli(*change, '--id', '00' * 65).status, 2)
        self.assertEqual(sorted(self.keys()), ['k', 'second'])
        self.assert_ok(self.deployed.cli(*change, '--label', 'k', '--id', self.deployed.key_id('k')))  # its own

    def test_a_key_ends_with_its_private_key_and_certificate(self):
        self.assert_ok(self.deployed.import_certificate(self.alice, self.certificate()))
        self.written('--delete-object', '--type', 'privkey', '--id', self.deployed.key_id('k'))
        self.assertEqual(self.keys(), {})
        self.assertEqual(self.shown('cert') + self.shown('pubkey'), '')
        self.assertEqual(self.entries('key.delete')[-1]['role'], 'owner')

    def test_a_public_key_is_not_destroyed_by_itself_and_the_reason_is_said(self):
        self.deployed.env['TRUSTP11_DEBUG'] = 'stderr'
        by_id = ('--id', self.deployed.key_id('k'))
        self.assert_answer(self.tool('--delete-object', '--type', 'pubkey', *by_id), '0x1b', 'goes with its private key')
        self.assertEqual(list(self.keys()), ['k'])
        self.written('--delete-object', '--type', 'privkey', *by_id)
        self.assertEqual(self.keys(), {})

    @needs_root
    def test_owners_change_and_delete_nothing_where_they_may_not(self):
        for key in ('change', 'delete'):
            self.deployed.configure('owner', key, 'no')
        self.deployed.restart()
        self.stranger_from_now_on()
        by_id = ('--type', 'privkey', '--id', self.deployed.key_id('k'))
        self.assert_answer(self.tool('--delete-object', *by_id), '0x1b')
        self.assert_answer(self.tool(*by_id, '--set-id', '01'), '0x1b')
        self.assertEqual(self.keys()['k']['cka_id'], self.deployed.key_id('k'))
        for key in ('change', 'delete'):
            self.deployed.configure('owner', key, 'yes')
        self.deployed.restart()
        self.written(*by_id, '--set-id', '01')
        self.written('--delete-object', '--type', 'privkey', '--id', '01')
        self.assertEqual(self.keys(), {})

    @needs_root
    def test_nobody_changes_what_is_somebody_elses(self):
        self.deployed.add_user('bob')
        self.stranger_from_now_on()
        self.assert_ok(self.cli_as('nobody', self.deployed, 'login', '--user', 'alice',
                                   stdin=f'{self.alice.pin}\n{self.alice.code()}\n'))
        for words in (('key', 'change', 'x', '--label', 'y'), ('key', 'delete', 'x', '--yes'),
                      ('cert', 'remove', 'x', '--yes'), ('key', 'generate', '--label', 'y')):
            done = self.cli_as('nobody', self.deployed, *words, '--user', 'bob')
            self.assert_refused(done, 'not permitted')


class Certificates(WritingTest):
    settings = OWNERS_MAY

    def test_a_certificate_of_ones_own_key_is_put_to_it(self):
        path = self.certificate()
        self.written('--write-object', path, '--type', 'cert', '--label', 'signing 2026')
        out = self.shown('cert')
        self.assertIn('signing 2026', out)
        self.assertIn(self.deployed.key_id('k'), out)
        self.assertIn('label:      k\n', self.shown('privkey'))
        self.assertTrue(self.keys()['k']['certificate'])
        self.written('--delete-object', '--type', 'cert', '--label', 'signing 2026')
        self.assertFalse(self.keys()['k']['certificate'])
        self.assertEqual([entry['action'] for entry in self.deployed.audit() if entry['action'].startswith('cert.')],
                         ['cert.import', 'cert.remove'])

    def test_a_certificate_with_another_keys_id_is_refused(self):
        path = self.certificate()
        self.assert_answer(self.tool('--write-object', path, '--type', 'cert', '--id', '01'), 'ATTRIBUTE_VALUE')
        self.assertFalse(self.keys()['k']['certificate'])
        self.written('--write-object', path, '--type', 'cert', '--id', self.deployed.key_id('k'))
        self.assertTrue(self.keys()['k']['certificate'])

    def writer(self):
        program = self.logged_in()
        program.open(rw=True)
        return program

    def test_the_serial_number_may_be_in_der_or_bare_and_must_be_the_certificates(self):
        path = self.certificate()
        serial = bytes.fromhex(must(['openssl', 'x509', '-in', path, '-noout', '-serial']).strip().partition('=')[2])
        bare = serial if serial[0] < 0x80 else b'\0' + serial  # as Java's BigInteger writes it
        der = bytes([2, len(bare)]) + bare
        program = self.writer()
        for given in (bare, der):
            attributes = {'VALUE': path.read_bytes().hex(), 'SERIAL_NUMBER': given.hex()}
            self.assertNotEqual(program.ask('create_certificate', program.session, attributes), 0)
            self.assertTrue(self.keys()['k']['certificate'])
            self.written('--delete-object', '--type', 'cert', '--label', 'k')
        for given in (bare[:-1], bare + b'\0', der[:-1], b'\2', bytes([3]) + der[1:]):
            attributes = {'VALUE': path.read_bytes().hex(), 'SERIAL_NUMBER': given.hex()}
            self.assert_ckr('TEMPLATE_INCONSISTENT', program.ask, 'create_certificate', program.session, attributes)
        self.assertFalse(self.keys()['k']['certificate'])

    def test_a_keys_subject_comes_with_its_certificate_and_may_be_told_before(self):
        path = self.certificate()
        program = self.writer()
        key = program.objects('private', 'k')[0]
        subject = {'SUBJECT': '300c310a300806035504030c0178'}
        program.ask('change', program.session, key, subject)
        self.assertEqual(program.attribute(key, 'SUBJECT'), b'')
        certificate = program.ask('create_certificate', program.session, {'VALUE': path.read_bytes().hex()})
        own = program.attribute(certificate, 'SUBJECT')
        self.assertNotIn(own.hex(), ('', subject['SUBJECT']))
        self.assertEqual(program.attribute(key, 'SUBJECT'), own)
        program.ask('change', program.session, key, {'SUBJECT': own.hex()})
        self.assert_ckr('ATTRIBUTE_READ_ONLY', program.ask, 'change', program.session, key, subject)
        self.assert_ckr('ATTRIBUTE_READ_ONLY', program.ask, 'change', program.session, certificate, subject)

    def test_somebody_elses_certificate_is_kept_beside_the_keys(self):
        path = self.strangers_certificate()
        self.written('--write-object', path, '--type', 'cert', '--label', 'partner', '--id', '77')
        self.deployed.restart()
        out = self.shown('cert', login=False)
        self.assertIn('partner', out)
        self.assertIn('Somebody else', out)
        self.assertFalse(self.keys()['k']['certificate'])
        self.written('--delete-object', '--type', 'cert', '--label', 'partner')
        self.assertEqual(self.shown('cert', login=False), '')
        self.assert_sound(self.deployed)

    def test_what_is_no_certificate_is_refused(self):
        path = self.deployed.dir / 'broken.der'
        path.write_bytes(self.strangers_certificate().read_bytes()[:-7])
        done = self.tool('--write-object', path, '--type', 'cert', '--label', 'broken')
        self.assertNotEqual(done.status, 0)
        self.assertEqual(self.shown('cert', login=False), '')

    @needs_root
    def test_owners_write_no_certificates_where_they_may_not(self):
        own, other = self.certificate(), self.strangers_certificate()
        for key in ('certificate', 'object'):
            self.deployed.configure('owner', key, 'no')
        self.deployed.restart()
        self.stranger_from_now_on()
        for path in (own, other):
            self.assert_answer(self.tool('--write-object', path, '--type', 'cert', '--label', 'x'), '0x200')
        self.assertEqual(self.shown('cert'), '')


class Data(WritingTest):
    settings = OWNERS_MAY

    def data(self, content=b'notes'):
        path = self.deployed.dir / 'data.der'
        path.write_bytes(content)
        return path

    def read(self, label):
        done = self.tool('--read-object', '--type', 'data', '--label', label, login=False)
        return done.out if done.status == 0 else None

    def test_data_are_kept_seen_by_all_and_deleted(self):
        self.written('--write-object', self.data(), '--type', 'data', '--label', 'n', '--application-label', 'app')
        self.deployed.restart()
        self.assertEqual(self.read('n'), 'notes')
        self.assertIn("'app'", self.shown('data', login=False))
        self.written('--delete-object', '--type', 'data', '--label', 'n')
        self.assertIsNone(self.read('n'))
        self.assertEqual([entry['action'] for entry in self.deployed.audit() if entry['action'].startswith('object.')],
                         ['object.put', 'object.delete'])
        self.assert_sound(self.deployed)

    def test_data_are_neither_private_nor_large(self):
        self.assert_answer(self.tool('--write-object', self.data(), '--type', 'data', '--label', 'n', '--private'),
                           'CKR_TEMPLATE_INCONSISTENT')
        program = self.logged_in()
        self.assertEqual(program.ask('create_data', 'n', 'x' * 8193, 1), 0)
        self.assertEqual(program.ask('create_data', 'n', 'x' * 8192, 1), 1)

    def test_there_are_at_most_a_hundred(self):
        program = self.logged_in()
        self.assertEqual(program.ask('create_data', 'n', 'x', 101), 100)
        self.assertEqual(len(re.findall('Data object', self.shown('data', login=False))), 100)

    def test_what_two_programs_change_of_one_object_is_both_kept(self):
        first, second = self.logged_in(), self.logged_in()
        first.ask('create_data', 'n', 'old', 1)
        (in_first, of_first), (in_second, of_second) = self.found(first), self.found(second)
        first.ask('change', in_first, of_first, {'VALUE': b'new'.hex()})
        second.ask('change', in_second, of_second, {'LABEL': b'm'.hex()})
        self.assertEqual(self.read('m'), 'new')
        self.written('--delete-object', '--type', 'data', '--label', 'm')
        self.assert_ckr('OBJECT_HANDLE_INVALID', second.ask, 'change', in_second, of_second, {'LABEL': b'n'.hex()})

    def found(self, program):
        """A session of PROGRAM's in which it may write, and the data n."""
        session = program.open(rw=True)
        return session, program.ask('find', session, 'data', 'n')[0]

    def test_without_a_login_nothing_is_written(self):
        done = self.tool('--write-object', self.data(), '--type', 'data', '--label', 'n', login=False)
        self.assert_answer(done, 'CKR_USER_NOT_LOGGED_IN')
        self.assertIsNone(self.read('n'))

    def test_what_an_erased_user_kept_is_gone_from_the_store(self):
        self.written('--write-object', self.data(b'a very private note'), '--type', 'data', '--label', 'n')
        for verb in ('close', 'erase'):
            self.deployed.ok('user', verb, 'alice', '--yes')
        self.deployed.stop()
        for path in self.deployed.place.glob('store.db*'):
            self.assertNotIn(b'a very private note', path.read_bytes())


if __name__ == '__main__':
    unittest.main()
