# SPDX-License-Identifier: Apache-2.0
"""`trustp11 tsa`: timestamps from authorities that work, that do not, and that lie; tokens that are checked; anchors that are taken
over. OpenSSL is the other opinion."""
import base64
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from authority_services import DAY, MISBEHAVIOURS, OTHER_POLICY, POLICY, TSA_LIES, AuthorityServices
from der import NULL, OCTETS, generalized_time, integer, oid, sequence, tlv
from tools import CLI, must, run, write_private

# What each does wrong, as people read it.
FAILURES = {
    'http-400': 'status 400', 'http-429': 'status 429', 'http-500': 'status 500', 'http-503': 'status 503', 'http-404': 'status 404',
    'http-405': 'status 405',
    'hang': 'no answer in time', 'close': '127.0.0.1', 'garbage': '127.0.0.1', 'wrong-type': 'text/html', 'auth': 'status 401',
    'imprint': 'something else', 'no-nonce': 'lacks the nonce', 'nonce': 'another nonce', 'no-eku': 'timeStamping',
    'untrusted': 'certificate', 'expired': 'expired', 'hour-off': "s after our clock's", 'reject': 'the clock is away', 'broken': '127.0.0.1',
    'sha1': 'too weakly', 'weak-key': 'RSA-1024', 'weak-chain': 'weak CA',
}


class TsaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.services = AuthorityServices()
        cls.addClassCleanup(cls.services.close)
        cls.good = cls.services.tsa('good')
        cls.bad = cls.services.tsa('bad')

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='trustp11-tsa-'))
        self.addCleanup(shutil.rmtree, self.dir)
        self.addCleanup(self.services.behaviours.clear)
        self.file, self.token = self.dir / 'file', self.dir / 'token'
        self.file.write_text('Hello.')
        self.conf = self.dir / 'documents.conf'
        self.env = {'PATH': os.environ['PATH'], 'HOME': str(self.dir), 'XDG_CACHE_HOME': str(self.dir / 'cache')}

    def cli(self, *arguments):
        return run([CLI, 'tsa', *arguments], env=self.env)

    def stamp(self, *arguments, trust=True):
        self.token.unlink(missing_ok=True)
        trust = ['--trust', self.services.anchors] if trust else []
        return self.cli('stamp', self.file, '--out', self.token, *trust, *arguments)

    def check(self, *arguments):
        return self.cli('check', self.token, self.file, '--trust', self.services.anchors, *arguments)

    def configure(self, text):
        folder = self.dir / '.config/trustp11'
        folder.mkdir(parents=True, exist_ok=True)
        write_private(folder / 'documents.conf', text)
        return folder

    def assert_openssl_verifies(self):
        must(['openssl', 'ts', '-verify', '-data', self.file, '-in', self.token, '-token_in', '-CAfile', self.services.anchors,
              '-untrusted', self.services.authorities['intermediate'].certificate])

    # ---- stamp ----

    def test_a_token_that_openssl_verifies(self):
        done = self.stamp('--tsa', self.good, '--json')
        self.assertEqual(done.status, 0, done.err)
        told = json.loads(done.out)
        self.assertEqual(told['tsa'], 'CN=good,O=Test,C=JP')
        self.assertEqual(told['policy'], POLICY)
        self.assertTrue(told['trusted'])
        self.assertEqual(told['digest'], must(['openssl', 'dgst', '-sha256', '-r', self.file]).split()[0])
        self.assert_openssl_verifies()

    def test_each_hash(self):
        for name in ('sha384', 'sha512', 'sha3-256'):
            done = self.stamp('--tsa', self.good, '--hash', name)
            self.assertEqual(done.status, 0, done.err)
            self.assert_openssl_verifies()

    def test_a_policy_is_asked_for_and_demanded(self):
        done = self.stamp('--tsa', self.good, '--policy', OTHER_POLICY, '--json')
        self.assertEqual(json.loads(done.out)['policy'], OTHER_POLICY)
        done = self.stamp('--tsa', self.good, '--policy', '1.2.3.4')
        self.assertEqual(done.status, 1)
        self.assertIn('unacceptedPolicy', done.err)
        self.services.behave('tsa/bad', 'policy')
        done = self.stamp('--tsa', self.bad, '--policy', POLICY)
        self.assertEqual(done.status, 1)
        self.assertIn('is under policy 1.3.6.1.4.1.55555.9', done.err)

    def test_whatever_goes_wrong_the_next_one_is_asked(self):
        self.configure(f'[tsa bad]\nurl = {self.bad}\ntimeout = 1s\n[tsa good]\nurl = {self.good}\n')
        for behaviour, words in FAILURES.items():
            with self.subTest(behaviour):
                self.services.behave('tsa/bad', behaviour)
                before = self.services.asked('tsa/bad'), self.services.asked('tsa/good')
                done = self.stamp('--json')
                self.assertEqual(done.status, 0, done.err)
                self.assertEqual(json.loads(done.out)['tsa'], 'CN=good,O=Test,C=JP')
                self.assertEqual((self.services.asked('tsa/bad'), self.services.asked('tsa/good')), (before[0] + 1, before[1] + 1))
                self.assert_openssl_verifies()
                done = self.stamp('--tsa', self.bad)
                self.assertEqual(done.status, 1)
                self.assertIn(words, done.err)
                self.assertIn(self.bad, done.err)
                self.assertEqual(len(done.err.splitlines()), 1, done.err)
                self.assertFalse(self.token.exists(), 'nothing is left behind')

    def test_an_error_says_what_each_has_done(self):
        self.services.behave('tsa/bad', 'http-400')
        self.services.behave('tsa/good', 'imprint')
        done = self.stamp('--tsa', self.bad, '--tsa', self.good)
        self.assertEqual(done.status, 1)
        self.assertIn('status 400', done.err)
        self.assertIn('something else', done.err)
        self.assertEqual(len(done.err.splitlines()), 1, 'each is told once')

    def test_one_that_another_one_stands_in_for_is_a_note(self):
        self.services.behave('tsa/bad', 'http-400')
        done = self.stamp('--tsa', self.bad, '--tsa', self.good)
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(done.err.count('status 400'), 1)
        self.assertTrue(done.err.startswith('note: '), done.err)

    def test_an_error_says_what_to_do(self):
        for behaviour, words in (('http-404', 'path in its URL'), ('http-429', 'ask later'), ('http-503', 'ask later'), ('auth', 'password_file'),
                                 ('http-405', 'that of a timestamp authority'), ('wrong-type', 'that of a timestamp authority')):
            with self.subTest(behaviour):
                self.services.behave('tsa/bad', behaviour)
                self.assertIn(words, self.stamp('--tsa', self.bad).err)

    def test_nobody_listens(self):
        done = self.stamp('--tsa', 'http://127.0.0.1:1/')
        self.assertEqual(done.status, 1)
        self.assertIn('http://127.0.0.1:1/', done.err)
        self.assertIn('is it running', done.err)

    def test_a_url_that_cannot_be_asked_is_told_before_anybody_is(self):
        before = self.services.asked('tsa/good')
        for url, words in (('htp://tsa.example/', 'htp:// is not asked'), ('http://user:sesame@tsa.example/', 'password_file'), ('tsa.example', 'begins with http')):
            with self.subTest(url):
                done = self.stamp('--tsa', self.good, '--tsa', url)
                self.assertEqual(done.status, 1)
                self.assertIn(words, done.err)
                self.assertNotIn('sesame', done.out + done.err)
        self.assertEqual(self.services.asked('tsa/good'), before)
        done = self.stamp('--tsa', self.good, '--tsa', 'http://tsa.example/')
        self.assertEqual(done.status, 0, done.err)

    def test_a_password_in_a_url_is_not_shown(self):
        self.configure('[tsa x]\nurl = http://user:sesame@tsa.example/\n')
        for options in ([], ['--json'], ['--try']):
            done = self.cli('list', *options)
            self.assertEqual(done.status, 1)
            self.assertIn('password_file', done.err)
            self.assertNotIn('sesame', done.out + done.err)
        self.configure('[tsa x]\nurl = http://tsa.example/\n')
        self.assertIn('tsa.example', self.cli('list').out)

    def test_without_anchors_it_is_said(self):
        done = self.stamp('--tsa', self.good, trust=False)
        self.assertEqual(done.status, 0, done.err)
        self.assertIn('was not checked', done.err)
        self.services.behave('tsa/bad', 'no-eku')
        done = self.stamp('--tsa', self.bad, trust=False)
        self.assertEqual(done.status, 1, 'the rest is')
        self.assertNotIn('was not checked', done.err, 'of no timestamp')

    def test_what_is_there_is_not_written_over(self):
        self.token.write_text('mine')
        done = self.cli('stamp', self.file, '--out', self.token, '--tsa', self.good, '--trust', self.services.anchors)
        self.assertEqual(done.status, 1)
        self.assertEqual(self.token.read_text(), 'mine')

    def test_wrong_usage(self):
        for arguments, words in ((['stamp', self.file], '--out'), (['stamp', self.dir / 'none', '--out', self.token, '--tsa', self.good], 'none'),
                                 (['stamp', self.file, '--out', self.token], '[tsa NAME]'),
                                 (['stamp', self.file, '--out', self.token, '--tsa', 'ftp://x/'], 'ftp'),
                                 (['stamp', self.file, '--out', self.token, '--tsa', self.good, '--hash', 'md5'], 'md5')):
            done = self.cli(*arguments)
            self.assertIn(done.status, (1, 2))
            self.assertIn(words, done.err)
            self.assertFalse(self.token.exists())

    def test_a_name_and_a_password(self):
        self.services.behave('tsa/bad', 'auth')
        folder = self.configure(f'[tsa bad]\nurl = {self.bad}\nuser = alice\npassword_file = secret\n')
        write_private(folder / 'secret', 'sesame\n')
        self.assertEqual(self.stamp().status, 0)
        self.assertEqual(self.stamp('--tsa', self.bad).status, 0, 'its section counts when it is named by its URL')
        write_private(folder / 'secret', 'wrong\n')
        done = self.stamp()
        self.assertIn('status 401', done.err)
        self.assertIn('first line of password_file', done.err)
        (folder / 'secret').chmod(0o644)
        done = self.stamp()
        self.assertEqual(done.status, 1)
        self.assertIn('others can read it', done.err)

    # ---- check ----

    def test_check(self):
        self.stamp('--tsa', self.good)
        done = self.check('--json')
        self.assertEqual(done.status, 0, done.out + done.err)
        self.assertEqual(json.loads(done.out)['indication'], 'TOTAL-PASSED')
        self.assertIn('OCSP', json.loads(done.out)['status'])

    def test_check_takes_a_whole_response_by_openssl(self):
        query, reply = self.dir / 'query', self.dir / 'reply'
        must(['openssl', 'ts', '-query', '-data', self.file, '-sha256', '-cert', '-out', query])
        connection = http.client.HTTPConnection(self.good.split('/')[2])
        connection.request('POST', '/tsa/good', query.read_bytes(), {'Content-Type': 'application/timestamp-query'})
        reply.write_bytes(connection.getresponse().read())
        connection.close()
        self.token = reply
        self.assertEqual(self.check().status, 0)

    def test_check_finds_another_file_and_a_changed_token(self):
        self.stamp('--tsa', self.good)
        self.file.write_text('Hello!')
        done = self.check('--json')
        self.assertEqual(done.status, 1)
        self.assertEqual(json.loads(done.out)['subindication'], 'HASH_FAILURE')
        self.file.write_text('Hello.')
        changed = bytearray(self.token.read_bytes())
        changed[-1] ^= 1
        self.token.write_bytes(changed)
        done = self.check('--json')
        self.assertEqual(done.status, 1)
        self.assertEqual(json.loads(done.out)['subindication'], 'SIG_CRYPTO_FAILURE')

    def test_check_finds_a_revoked_tsa_and_one_of_a_stranger(self):
        url = self.services.tsa('soon')
        self.stamp('--tsa', url)
        self.services.revoke(self.services.leaves['soon'], 'keyCompromise')
        done = self.check('--json')
        self.assertEqual((done.status, json.loads(done.out)['subindication']), (1, 'REVOKED_NO_POE'))
        url = self.services.tsa('strange', issuer=self.services.stranger())
        self.stamp('--tsa', url, trust=False)
        done = self.check('--json')
        self.assertEqual((done.status, json.loads(done.out)['subindication']), (1, 'NO_CERTIFICATE_CHAIN_FOUND'))

    def test_check_offline_and_at_another_time(self):
        self.stamp('--tsa', self.good)
        done = self.check('--offline', '--json')
        self.assertEqual((done.status, json.loads(done.out)['subindication']), (1, 'TRY_LATER'))
        later = time.strftime('%Y-%m-%d', time.gmtime(time.time() + 2 * 365 * DAY))
        done = self.check('--at', later, '--json')
        self.assertEqual((done.status, json.loads(done.out)['indication']), (1, 'INDETERMINATE'))

    def test_check_says_why_there_is_no_revocation_data(self):
        self.stamp('--tsa', self.good)
        self.services.behave('ocsp/intermediate', 'unknown')
        self.services.behave('crl/intermediate.crl', 'http-404')
        done = self.check('--json')
        self.assertEqual((done.status, json.loads(done.out)['subindication']), (1, 'TRY_LATER'))
        self.assertIn('the OCSP responder does not know the certificate', json.loads(done.out)['why'])

    def compose(self, imprint='sha256', digest='sha256', at=None, leaf='good'):
        """A token over the file, by the hash IMPRINT, signed with DIGEST."""
        kinds = {'md5': '1.2.840.113549.2.5', 'sha1': '1.3.14.3.2.26', 'sha256': '2.16.840.1.101.3.4.2.1'}
        hashed = sequence(sequence(oid(kinds[imprint]), tlv(NULL)), tlv(OCTETS, hashlib.new(imprint, self.file.read_bytes()).digest()))
        info = sequence(integer(1), oid(POLICY), hashed, integer(4711), generalized_time(time.time() - 60 if at is None else at))
        self.services.tsa(leaf)
        self.token.write_bytes(self.services.sign_content(info, self.services.leaves[leaf], True, digest))

    def check_composed(self, **how):
        self.compose(**how)
        done = self.check('--json')
        return json.loads(done.out)['subindication'] if done.status else 'good'

    def test_check_judges_strength(self):
        self.services.tsa('weak', key='rsa-1024')
        weak = 'CRYPTO_CONSTRAINTS_FAILURE_NO_POE'
        self.assertEqual(self.check_composed(), 'good')
        for how in ({'imprint': 'md5'}, {'imprint': 'sha1'}, {'digest': 'sha1'}, {'leaf': 'weak'}):
            self.assertEqual(self.check_composed(**how), weak, how)

    def test_check_judges_time(self):
        for at in (time.time() + 3600, 4070908800, 1, time.time() - 366 * DAY):
            self.assertEqual(self.check_composed(at=at), 'TIMESTAMP_ORDER_FAILURE', at)
        self.assertEqual(self.check_composed(at=time.time() + 30), 'good')  # clocks differ

    def test_check_tells_a_certificate_for_something_else_as_such(self):
        leaf = self.services.issue('of no purpose', kind='plain')
        self.services.tsas['of no purpose'] = (leaf, POLICY)
        self.assertEqual(self.check_composed(leaf='of no purpose'), 'SIG_CONSTRAINTS_FAILURE')

    def test_check_wants_anchors_and_tokens(self):
        self.stamp('--tsa', self.good)
        done = self.cli('check', self.token, self.file)
        self.assertEqual(done.status, 1)
        self.assertIn('--trust', done.err)
        self.token.write_text('nothing')
        self.assertEqual(self.check().status, 1)

    # ---- list ----

    def test_list(self):
        self.assertIn('documents.conf', self.cli('list').out)
        self.configure(f'[tsa second]\nurl = {self.bad}\npolicy = 1.2.3\n[tsa first]\nurl = {self.good}\n[trust]\ntsas = {self.services.anchors}\n')
        told = json.loads(self.cli('list', '--json').out)
        self.assertEqual([(tsa['name'], tsa['url']) for tsa in told], [('second', self.bad), ('first', self.good)])
        done = self.cli('list', '--try', '--json')
        told = json.loads(done.out)
        self.assertEqual((done.status, [tsa['good'] for tsa in told]), (1, [False, True]))
        self.assertIn('unacceptedPolicy', told[0]['words'])
        self.configure(f'[tsa first]\nurl = {self.good}\n[trust]\ntsas = {self.services.anchors}\n')
        self.assertEqual(self.cli('list', '--try').status, 0)

    def test_a_configuration_that_is_wrong_is_told_with_its_place(self):
        for text, words in (('[tsa x]\n', 'has no url'), ('[tsa x]\nurl = http://x/\nuser = a\n', 'belong together'),
                            ('[tsa x]\nurl = http://x/\nkey_file = a\n', 'belong together'), ('[tsb x]\nurl = a\n', 'documents.conf:1'),
                            ('[tsa x]\nurl = htp://x/\n', '[tsa x]'), ('[tsa x]\nurl = http://u:p@x/\n', '[tsa x]'),
                            ('[tsa x]\nurl = http://x/\nuser = u\npassword_file = /dev/null\n', 'in clear'),
                            ('[signing]\nlevel = B-Q\n', 'documents.conf:2'), ('[signing]\nhash = md5\n', 'documents.conf:2')):
            self.configure(text)
            done = self.cli('list')
            self.assertEqual(done.status, 1, text)
            self.assertIn(words, done.err)
        self.configure('').joinpath('documents.conf').chmod(0o666)
        self.assertIn('chmod', self.cli('list').err)

    # ---- trust ----

    def test_trust_takes_bundles(self):
        old = self.services.issue('old TSA', kind='tsa', start=time.time() - 40 * DAY, end=time.time() - DAY)
        bundle = self.dir / 'bundle.pem'
        bundle.write_text(self.services.anchors.read_text() + old.certificate.read_text())
        p7b = self.dir / 'bundle.p7b'
        must(['openssl', 'crl2pkcs7', '-nocrl', '-certfile', bundle, '-outform', 'DER', '-out', p7b])
        done = self.cli('trust', bundle, p7b, '--json')
        self.assertEqual(done.status, 0, done.err)
        told = [entry['what'] for entry in json.loads(done.out)]
        self.assertEqual(told, ['imported', 'expired: left out', 'there already', 'expired: left out'])
        self.assertEqual(self.cli('trust', bundle, '--expired', '--dry-run').status, 0)
        self.assertEqual(len(list((self.dir / '.config/trustp11/tsa-trust').iterdir())), 1)
        done = self.stamp('--tsa', self.good, '--json', trust=False)
        self.assertTrue(json.loads(done.out)['trusted'], 'and they are used')
        self.services.behave('tsa/bad', 'untrusted')
        self.assertEqual(self.stamp('--tsa', self.bad, trust=False).status, 1)

    def test_anchors_that_are_none(self):
        text = self.dir / 'hello.txt'
        text.write_text('Hello.')
        for done in (self.cli('trust', text), self.stamp('--tsa', self.good, '--trust', text, trust=False)):
            self.assertEqual(done.status, 1)
            self.assertIn('hello.txt: this is no certificate: neither in PEM nor in DER', done.err)

    def test_trust_refuses_who_can_vouch_for_no_timestamp(self):
        signer, tsa = (self.services.issue(name, kind=kind).certificate for name, kind in (('a signer', 'signer'), ('a TSA', 'tsa')))
        done = self.cli('trust', signer)
        self.assertEqual((done.status, len(done.err.splitlines())), (1, 1), done.err)
        self.assertIn('timeStamping', done.err)
        self.assertFalse(list((self.dir / '.config/trustp11/tsa-trust').iterdir()))
        both = self.dir / 'both.pem'
        both.write_text(signer.read_text() + tsa.read_text())
        done = self.cli('trust', both, '--json')
        self.assertEqual([entry['what'] for entry in json.loads(done.out)], ["neither a CA's nor for timestamps: left out", 'imported'])

    def trust_list(self, services, doctype='', next_update=''):
        entry = lambda kind, status, certificate: (
            '<TSPService><ServiceInformation><ServiceTypeIdentifier>http://uri.etsi.org/TrstSvc/Svctype/'
            f'{kind}</ServiceTypeIdentifier><ServiceDigitalIdentity><DigitalId><X509Certificate>\n'
            f'{base64.encodebytes(self.services.der(certificate)).decode()}</X509Certificate></DigitalId></ServiceDigitalIdentity>'
            f'<ServiceStatus>http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/{status}</ServiceStatus></ServiceInformation></TSPService>')
        return (f'<?xml version="1.0" encoding="UTF-8"?>{doctype}<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#">'
                f'<SchemeInformation><NextUpdate>{next_update and f"<dateTime>{next_update}</dateTime>"}</NextUpdate></SchemeInformation>'
                + ''.join(entry(*service) for service in services) + '</TrustServiceStatusList>')

    def test_trust_takes_trust_lists(self):
        root, intermediate = (self.services.authorities[name].certificate for name in ('root', 'intermediate'))
        stranger = self.services.authorities[self.services.stranger()].certificate
        signer = self.services.issue('signer').certificate
        xml = self.dir / 'list.xml'
        xml.write_text(self.trust_list([('TSA/QTST', 'granted', root), ('CA/QC', 'granted', signer), ('TSA', 'withdrawn', stranger),
                                        ('TSA', 'recognisedatnationallevel', intermediate)]))
        done = self.cli('trust', xml, '--json')
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual([entry['subject'] for entry in json.loads(done.out)], ['CN=Root CA,O=Test,C=JP', 'CN=intermediate CA,O=Test,C=JP'])

    def test_trust_mends_an_anchor_that_is_damaged(self):
        """As by a full disk, or an editor; other text around the certificate is nobody's business."""
        root, folder, token = self.services.authorities['root'].certificate, self.dir / 'anchors', self.dir / 'token'

        def told(*options):
            done = self.cli('trust', root, '--to', folder, '--json', *options)
            self.assertEqual(done.status, 0, done.err)
            return [entry['what'] for entry in json.loads(done.out)]
        self.assertEqual(told(), ['imported'])
        [anchor] = folder.iterdir()
        whole = anchor.read_bytes()
        for damage in (b'', whole[:100], self.services.authorities['intermediate'].certificate.read_bytes()):
            with self.subTest(damage[:40]):
                anchor.write_bytes(damage)
                self.assertEqual(told('--dry-run'), ['there, but damaged: would be written anew'])
                self.assertEqual(anchor.read_bytes(), damage)
                self.assertEqual(told(), ['there, but damaged: written anew'])
                self.assertEqual(anchor.read_bytes(), whole)
        anchor.write_bytes(b'our root\n' + whole)
        self.assertEqual(told(), ['there already'])
        done = self.cli('stamp', '--tsa', self.services.tsa(), '--trust', folder, '--out', token, root)
        self.assertEqual(done.status, 0, done.err)
        anchor.unlink()
        anchor.symlink_to('nowhere')
        done = self.cli('trust', root, '--to', folder)
        self.assertEqual(done.status, 1)
        self.assertIn('no regular file', done.err)

    def test_trust_tells_what_a_list_does_not_prove(self):
        xml, services = self.dir / 'list.xml', [('TSA/QTST', 'granted', self.services.authorities['root'].certificate)]
        for next_update, stale in (('', False), ('2999-01-01T00:00:00Z', False), ('2021-02-03T04:05:06Z', True)):
            xml.write_text(self.trust_list(services, next_update=next_update))
            done = self.cli('trust', xml, '--dry-run')
            self.assertEqual(done.status, 0, done.err)
            self.assertIn('signature is not checked', done.err)
            self.assertEqual('stale since 2021-02-03T04:05:06' in done.err, stale, done.err)

    def test_trust_tells_of_those_that_are_not_granted_any_more(self):
        xml, root = self.dir / 'list.xml', self.services.authorities['root'].certificate
        xml.write_text(self.trust_list([('TSA/QTST', 'withdrawn', root), ('TSA', 'withdrawn', root), ('CA/QC', 'withdrawn', root)]))
        done = self.cli('trust', xml)
        self.assertEqual(done.status, 1)
        self.assertIn('2 are not any more', done.err)

    def test_trust_refuses_what_is_none(self):
        xml = self.dir / 'list.xml'
        for text, words in ((self.trust_list([]), 'no timestamp authority'), ('<html/>', 'no trust list'), (self.trust_list([])[:-9], 'line'),
                            (self.trust_list([], '<!DOCTYPE x [<!ENTITY a "b">]>'), 'document type'), ('nothing', 'list.xml')):
            xml.write_text(text)
            done = self.cli('trust', xml)
            self.assertEqual(done.status, 1, text)
            self.assertIn(words, done.err)
        self.assertEqual(self.cli('trust', self.dir / 'none').status, 1)

    def test_trust_refuses_a_list_that_is_nested_without_end(self):
        """Each element that is open costs the parser memory: 30 MiB of them, more than a gigabyte."""
        xml = self.dir / 'list.xml'
        for depth, words in ((60, 'no timestamp authority'), (4 << 20, 'limit')):
            xml.write_text(self.trust_list([]).replace('</Trust', depth * '<a>' + depth * '</a>' + '</Trust'))
            with subprocess.Popen([CLI, 'tsa', 'trust', xml], env=self.env, stderr=subprocess.PIPE, text=True) as process:
                self.assertIn(words, process.stderr.read())
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 1)
            self.assertLess(usage.ru_maxrss, 400 << 10)  # KiB; a sanitizer's among it


class CompletenessTest(unittest.TestCase):
    def test_each_misbehaviour_is_tried(self):
        self.assertEqual(set(MISBEHAVIOURS + TSA_LIES) - set(FAILURES), {'composed', 'policy'})


if __name__ == '__main__':
    unittest.main()
