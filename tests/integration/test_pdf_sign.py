# SPDX-License-Identifier: Apache-2.0
"""`trustp11 pdf sign`, `extend` and `renew`, `trustp11 cms sign`: every form of PDF, every kind of key and level, and what is
refused. Other opinions: pdfsig (poppler), openssl cms and ts, qpdf --check."""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import zlib

import pdfs
from authority_services import DAY, AuthorityServices
from deployment import Authority, DeploymentTest
from tools import CLI, MODULE, SOFTHSM, must, run, write_private


class Signing:
    """What tests of signed files say of them. Mixed into a TestCase that has `dir`, `env`, `anchors`."""

    def assert_done(self, result):
        self.assertEqual(result.status, 0, f'{result.out}\n{result.err}')

    def assert_line(self, result, *words, status=1):
        self.assertEqual(result.status, status, f'{result.out}\n{result.err}')
        lines = result.err.strip().splitlines()
        self.assertEqual(len(lines), 1, result.err)
        for word in words:
            self.assertIn(word, lines[0])

    def assert_cms(self, signed, cms):
        content, der = self.dir / 'content', self.dir / 'cms.der'
        content.write_bytes(signed)
        der.write_bytes(cms)
        verify = ['openssl', 'cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-in', der, '-CAfile', self.anchors, '-purpose',
                  'any', '-out', '/dev/null', '-content']
        done = run([*verify, content])
        self.assertEqual(done.status, 0, done.err)
        content.write_bytes(signed + b'.')
        self.assertNotEqual(run([*verify, content]).status, 0, 'another content verifies')
        printed = must(['openssl', 'cms', '-cmsout', '-print', '-noout', '-inform', 'DER', '-in', der])
        self.assertNotIn('signingTime', printed.split('unsignedAttrs')[0])
        self.assertIn('id-smime-aa-signingCertificateV2', printed)

    def assert_stamp(self, signed, token):
        content, der = self.dir / 'content', self.dir / 'token.der'
        content.write_bytes(signed)
        der.write_bytes(token)
        untrusted = self.dir / 'untrusted.pem'
        untrusted.write_text(self.services.authorities['intermediate'].certificate.read_text())
        must(['openssl', 'ts', '-verify', '-token_in', '-in', der, '-data', content, '-CAfile', self.anchors, '-untrusted', untrusted])

    def assert_signed(self, before, after, signatures=1, stamps=0, password=None, whole=True):
        """AFTER is BEFORE and more, and good in the eyes of others."""
        old, new = before.read_bytes(), after.read_bytes()
        self.assertEqual(new[:len(old)], old, 'bytes of the document have changed')
        word = [{'u': '-upw', 'o': '-opw'}[password], password] if password else []
        told = must(['pdfsig', '-nocert', *word, after])
        self.assertEqual(told.count('Signature is Valid'), signatures, told)
        if whole and not stamps:
            self.assertIn('Total document signed', told)
        check = run(['qpdf', *([f'--password={password}'] if password else []), '--check', after])
        self.assertEqual(check.status, 0, f'{check.out}\n{check.err}')
        found = pdfs.signatures(new)
        self.assertEqual(len(found), signatures + stamps)
        for signed, cms, text in found:
            if b'ETSI.RFC3161' in text:
                self.assert_stamp(signed, cms)
            elif b'ETSI.CAdES.detached' in text:
                self.assert_cms(signed, cms)
        return found


    def read_only(self):
        """A folder that takes no files, whoever asks."""
        place = self.dir / 'read-only'
        place.mkdir(mode=0o555)
        if os.geteuid() == 0:
            mounted = run(['mount', '-t', 'tmpfs', '-o', 'ro,size=64k', 'trustp11-test', place])
            if mounted.status != 0:
                self.skipTest(f'no file system can be mounted here: {mounted.err.strip()}')
            self.addCleanup(run, ['umount', '-l', place])
        return place


class PdfTest(unittest.TestCase, Signing):
    @classmethod
    def setUpClass(cls):
        cls.services = AuthorityServices()
        cls.addClassCleanup(cls.services.close)
        cls.anchors, cls.tsa = cls.services.anchors, cls.services.tsa()
        cls.keys = {kind: cls.key(cls.services.issue(kind, key=kind)) for kind in ('rsa', 'ec', 'p-384', 'ed25519')}

    @classmethod
    def key(cls, leaf):
        return write_private(leaf.key.with_suffix('.all'), leaf.key.read_bytes() + leaf.chain.read_bytes())

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='trustp11-pdf-'))
        self.addCleanup(shutil.rmtree, self.dir)
        self.addCleanup(self.services.behaviours.clear)
        self.env = {'PATH': os.environ['PATH'], 'HOME': str(self.dir), 'XDG_CACHE_HOME': str(self.dir / 'cache')}
        self.out = self.dir / 'out.pdf'
        self.pdf = self.put(pdfs.table(pdfs.page()))

    def put(self, content, name='in.pdf'):
        path = self.dir / name
        path.write_bytes(content)
        return path

    def cli(self, *arguments, stdin='', timeout=60, folder=None):
        return run([CLI, *arguments], stdin=stdin, env=self.env, timeout=timeout, folder=folder)

    def softhsm(self):
        """A token with a key, PIN 1234, without a certificate: the key's URI, and whom the services have given one for it."""
        leaf = self.services.issue('hsm', key='rsa')
        conf = self.dir / 'softhsm2.conf'
        (self.dir / 'tokens').mkdir()
        conf.write_text(f'directories.tokendir = {self.dir}/tokens\n')
        self.env['SOFTHSM2_CONF'] = str(conf)
        must(['softhsm2-util', '--init-token', '--free', '--label', 'T', '--pin', '1234', '--so-pin', '5678'], env=self.env)
        must(['softhsm2-util', '--import', leaf.key, '--token', 'T', '--label', 'sig', '--id', '01', '--pin', '1234'], env=self.env)
        return f'pkcs11:token=T;object=sig?module-path={SOFTHSM}', leaf

    def sign(self, *options, key='ec', pdf=None, out=None, **more):
        return self.cli('pdf', 'sign', '--key-file', self.keys[key], *options, pdf or self.pdf, out or self.out, **more)

    def sign_at(self, level, *options, **more):
        return self.sign('--level', level, '--tsa', self.tsa, '--trust', self.anchors, *options, **more)

    def extend(self, pdf, out, *options):
        return self.cli('pdf', 'extend', '--tsa', self.tsa, '--trust', self.anchors, *options, pdf, out)

    def assert_passed(self, path, *more):
        """In the eyes of our own verifier; with what is in the document alone."""
        done = self.cli('pdf', 'verify', '--trust', self.anchors, *more, path)
        self.assertEqual(done.status, 0, f'{done.out}\n{done.err}')
        self.assertIn('TOTAL-PASSED', done.out)

    def assert_untouched(self, *, out=None, pdf=None):
        """Nothing under the result's name, and nothing left beside it."""
        out = out or self.out
        self.assertFalse(out.exists(), 'a half-written file')
        self.assertEqual([p for p in out.parent.iterdir() if p.name.startswith('.trustp11')], [])


class Forms(PdfTest):
    """Forms of files."""

    def assert_signs(self, content, *options, **more):
        pdf = self.put(content)
        self.out.unlink(missing_ok=True)
        self.assert_done(self.sign(*options, pdf=pdf))
        return self.assert_signed(pdf, self.out, **more)

    def test_tables_streams_and_hybrids(self):
        for content in (pdfs.table(pdfs.page()), pdfs.xref_stream(pdfs.page()), pdfs.hybrid(pdfs.page())):
            with self.subTest(content[-120:]):
                self.assert_signs(content)
        self.assertIn(b'(hidden)', self.out.read_bytes())
        self.assertEqual(must(['qpdf', '--show-object=9', self.out]).strip(), '(hidden)')

    def test_every_version(self):
        for version in (b'1.0', b'1.1', b'1.2', b'1.3', b'1.4', b'1.5', b'1.6', b'1.7', b'2.0'):
            with self.subTest(version):
                self.assert_signs(pdfs.table(pdfs.page(), version))
                self.assertEqual(b'/ESIC' in self.out.read_bytes(), version != b'2.0')

    def test_object_streams(self):
        packed = self.dir / 'packed.pdf'
        must(['qpdf', '--object-streams=generate', self.pdf, packed])
        self.assert_signs(packed.read_bytes())

    def test_linearised(self):
        linear = self.dir / 'linear.pdf'
        must(['qpdf', '--linearize', self.pdf, linear])
        self.assert_signs(linear.read_bytes())

    def test_forms_wherever_their_parts_are(self):
        for direct_form in (False, True):
            for indirect_fields in (False, True):
                for indirect_annots in (False, True):
                    with self.subTest(form=direct_form, fields=indirect_fields, annots=indirect_annots):
                        objects = pdfs.with_field(direct_form=direct_form, indirect_fields=indirect_fields,
                                                  indirect_annots=indirect_annots)
                        self.assert_signs(pdfs.table(objects))  # a new field
                        self.assertIn('Signature1', must(['pdfsig', '-nocert', self.out]))
                        self.assertEqual(must(['qpdf', '--json=1', '--json-key=acroform', self.out]).count('"fullname"'), 2)
                        self.assert_signs(pdfs.table(objects), '--field', 'Here')
                        self.assertIn('Here', must(['pdfsig', '-nocert', self.out]))

    def test_annotations_are_printed(self):
        """PDF/A wants the Print flag, also of what is not to be seen."""
        self.assert_signs(pdfs.table(pdfs.page()))
        self.assertIn(b'/F 132', self.out.read_bytes())

    def test_a_field_deeper_in_the_form(self):
        objects = pdfs.page(catalog=b'/AcroForm 7 0 R', more=b'/Annots[12 0 R]')
        objects[7], objects[11] = b'<</Fields[11 0 R]>>', b'<</T(office)/FT/Sig/Kids[12 0 R]>>'
        objects[12] = b'<</T(head)/Parent 11 0 R/Type/Annot/Subtype/Widget/F 4/P 3 0 R/Rect[0 0 0 0]>>'
        self.assert_signs(pdfs.table(objects), '--field', 'office.head')
        self.assertIn('office.head', must(['pdfsig', '-nocert', self.out]))

    def test_names_that_are_taken_are_not_used_again(self):
        self.assert_signs(pdfs.table(pdfs.with_field(name=b'Signature1')))
        self.assertIn('Signature2', must(['pdfsig', '-nocert', self.out]))

    def test_encrypted(self):
        for words in (['--allow-weak-crypto', '--encrypt', 'u', 'o', '40', '--'], ['--allow-weak-crypto', '--encrypt', 'u', 'o', '128', '--use-aes=n', '--'],
                      ['--allow-weak-crypto', '--encrypt', 'u', 'o', '128', '--use-aes=y', '--'], ['--encrypt', 'u', 'o', '256', '--']):
            locked = self.dir / 'locked.pdf'
            must(['qpdf', *words, self.pdf, locked])
            for password in ('u', 'o'):
                with self.subTest(words[-4:], password=password):
                    word = write_private(self.dir / 'word', password + '\n')
                    self.out.unlink(missing_ok=True)
                    self.assert_done(self.sign('--password-file', word, '--reason', 'secret reason', pdf=locked))
                    self.assert_signed(locked, self.out, password=password)
                    self.assertNotIn(b'secret reason', self.out.read_bytes())
                    self.assertIn('secret reason', must(['qpdf', f'--password={password}', '--qdf', self.out, '-'], text=False)
                                  .decode('latin-1'))
            self.out.unlink()
            self.assert_line(self.sign(pdf=locked), 'password', '--password-file')
            self.assert_line(self.sign('--password-file', write_private(self.dir / 'word', 'x\n'), pdf=locked), 'password')
            self.assert_untouched()


class Keys(PdfTest):
    def test_every_kind_of_key_and_hash(self):
        for key, hashes in {'rsa': ('sha256', 'sha384', 'sha512', 'sha3-256', 'sha3-384', 'sha3-512'), 'ec': ('sha256', 'sha512'),
                            'p-384': ('sha384', 'sha3-384'), 'ed25519': ('sha512',)}.items():
            for name in hashes:
                for pss in ([], ['--pss']) if key == 'rsa' else ([],):
                    with self.subTest(key=key, hash=name, pss=bool(pss)):
                        self.out.unlink(missing_ok=True)
                        self.assert_done(self.sign('--hash', name, *pss, key=key))
                        new = self.out.read_bytes()
                        found = pdfs.signatures(new)
                        self.assertEqual(len(found), 1)
                        if key == 'ed25519':  # OpenSSL 3.0 verifies no EdDSA in CMS
                            self.assertIn(bytes.fromhex('06032b6570'), found[0][1])
                        else:
                            self.assert_cms(*found[0][:2])

    def test_what_does_not_go_together_is_refused(self):
        self.assert_line(self.sign('--pss', key='ec'), 'PSS is for RSA')
        self.assert_line(self.sign('--hash', 'sha256', key='ed25519'), 'SHA-512')
        self.assert_line(self.sign('--hash', 'sha1'), 'too weak')
        self.assert_line(self.sign('--hash', 'rot13'), 'rot13', status=2)
        self.assert_untouched()

    def test_certificates_that_may_not_sign(self):
        services = self.services
        expired = services.issue('late', start=services.now() - 20 * DAY, end=services.now() - DAY)
        early = services.issue('early', start=services.now() + DAY)
        for leaf, words in ((expired, 'has expired'), (early, 'not valid before')):
            self.assert_line(self.cli('pdf', 'sign', '--key-file', self.key(leaf), self.pdf, self.out), words)
        bare = write_private(self.dir / 'bare.pem', expired.key.read_bytes())
        self.assert_line(self.cli('pdf', 'sign', '--key-file', bare, self.pdf, self.out), 'no certificate', '--certificate')
        self.assert_untouched()

    def test_softhsm_with_a_certificate_from_a_file(self):
        uri, leaf = self.softhsm()
        sign = ['pdf', 'sign', '--key', uri, '--certificate', leaf.chain]
        self.assert_line(self.cli(*sign, self.pdf, self.out, stdin='\n'), 'PIN of T: nothing was given')
        self.assert_done(self.cli(*sign, self.pdf, self.out, stdin='1234\n'))
        self.assert_signed(self.pdf, self.out)
        pin = write_private(self.dir / 'pin', '1234\n')
        self.assert_done(self.cli('pdf', 'sign', '--key', f'{uri}&pin-source=file:{pin}', '--certificate', leaf.chain, '--pss', self.pdf,
                                  self.out, '--force'))
        self.assert_signed(self.pdf, self.out)
        write_private(self.dir / 'here', '1234\n')
        self.assert_done(self.cli('pdf', 'sign', '--key', f'{uri}&pin-source=here', '--certificate', leaf.chain, self.pdf, self.out, '--force',
                                  folder=self.dir))
        self.out.unlink()
        self.assert_line(self.cli(*sign, self.pdf, self.out, stdin='4321\n'), 'PIN')
        other = self.services.issue('another', key='rsa')
        self.assert_line(self.cli('pdf', 'sign', '--key', uri, '--certificate', other.chain, self.pdf, self.out, stdin='1234\n'))
        self.assert_untouched()


class Levels(PdfTest):
    def test_each_level_by_either_name(self):
        for level, stamps, dss in (('B-B', 0, False), ('ES', 0, False), ('B-T', 0, False), ('ES-T', 0, False), ('B-LT', 0, True),
                                   ('B-LTA', 1, True), ('ES-A', 1, True)):
            with self.subTest(level):
                self.out.unlink(missing_ok=True)
                self.assert_done(self.sign_at(level))
                found = self.assert_signed(self.pdf, self.out, stamps=stamps, whole=not dss)
                self.assertEqual(b'/DSS' in self.out.read_bytes(), dss)
                if dss:
                    self.assert_passed(self.out)
                self.assertEqual(bytes.fromhex('060b2a864886f70d010910020e') in found[0][1], level not in ('B-B', 'ES'))

    def dss(self, path):
        objects = json.loads(must(['qpdf', '--json=1', '--json-key=objects', path]))['objects']
        catalog = next(o for o in objects.values() if isinstance(o, dict) and o.get('/Type') == '/Catalog')
        return objects[catalog['/DSS']]

    def test_evidence_is_there_once(self):
        self.assert_done(self.sign_at('B-LTA'))
        first = self.dss(self.out)
        self.assertGreaterEqual(len(first['/Certs']), 4)  # signer, TSA, intermediate, root
        self.assertGreaterEqual(len(first['/OCSPs']), 2)
        again = self.dir / 'again.pdf'
        self.assert_done(self.extend(self.out, again))
        second = self.dss(again)
        for shelf, streams in first.items():
            if isinstance(streams, list):
                self.assertEqual(second[shelf][:len(streams)], streams)
        contents = [must(['qpdf', f'--show-object={ref.replace(" R", "").replace(" ", ",")}', '--filtered-stream-data', again], text=False)
                    for shelf in second.values() if isinstance(shelf, list) for ref in shelf]
        self.assertEqual(len(contents), len(set(contents)))

    def test_crls_where_there_is_no_responder(self):
        key = self.key(self.services.issue('by-crl', ocsp=False))
        self.assert_done(self.cli('pdf', 'sign', '--level', 'B-LT', '--tsa', self.tsa, '--trust', self.anchors, '--key-file', key, self.pdf,
                                  self.out))
        self.assertGreaterEqual(len(self.dss(self.out)['/CRLs']), 1)

    def test_who_is_revoked_signs_nothing(self):
        leaf = self.services.issue('revoked')
        self.services.revoke(leaf, 'keyCompromise')
        sign = ['pdf', 'sign', '--tsa', self.tsa, '--trust', self.anchors, '--key-file', self.key(leaf)]
        for level in ('B-LT', 'B-LTA'):
            self.assert_line(self.cli(*sign, '--level', level, self.pdf, self.out), 'revoked', 'keyCompromise')
        self.assert_untouched()

    def test_levels_lack_nothing_that_they_need(self):
        self.assert_line(self.sign('--level', 'B-LT', '--tsa', self.tsa), '--trust', status=2)
        self.assert_line(self.sign('--level', 'B-X'), 'B-X', status=2)
        self.assertNotEqual(self.sign('--level', 'B-T').status, 0)
        self.assert_untouched()

    def test_evidence_that_cannot_be_had(self):
        for path in ('ocsp/intermediate', 'crl/intermediate.crl'):
            self.services.behave(path, 'http-500')
        self.assert_line(self.sign_at('B-LT'), "the signer's certificate")
        self.assert_untouched()

    def test_tsas_that_fail_or_lie(self):
        for behaviour in ('http-500', 'close', 'garbage', 'imprint', 'nonce', 'untrusted', 'no-eku', 'hour-off', 'reject'):
            with self.subTest(behaviour):
                bad = self.services.tsa('bad-' + behaviour)
                self.services.behave('tsa/bad-' + behaviour, behaviour)
                done = self.cli('pdf', 'sign', '--level', 'B-T', '--tsa', bad, '--trust', self.anchors, '--key-file', self.keys['ec'],
                                self.pdf, self.out)
                self.assert_line(done, '127.0.0.1')
                self.assert_untouched()
        done = self.cli('pdf', 'sign', '--level', 'B-T', '--tsa', bad, '--tsa', self.tsa, '--trust', self.anchors, '--key-file',
                        self.keys['ec'], self.pdf, self.out)
        self.assert_done(done)  # the next one is asked
        self.assert_signed(self.pdf, self.out)

    def test_an_earlier_result_stays_when_it_fails(self):
        self.assert_done(self.sign())
        kept = self.out.read_bytes()
        bad = self.services.tsa('down')
        self.services.behave('tsa/down', 'close')
        done = self.cli('pdf', 'sign', '--level', 'B-T', '--force', '--tsa', bad, '--trust', self.anchors, '--key-file', self.keys['ec'],
                        self.pdf, self.out)
        self.assertEqual(done.status, 1)
        self.assertEqual(self.out.read_bytes(), kept)


class Extending(PdfTest):
    def test_from_every_level_to_every_level(self):
        for start in ('B-B', 'B-T', 'B-LT', 'B-LTA'):
            self.out.unlink(missing_ok=True)
            self.assert_done(self.sign_at(start))
            before = len(pdfs.signatures(self.out.read_bytes()))
            for level in ('B-T', 'B-LT', 'B-LTA'):
                with self.subTest(start=start, level=level):
                    longer = self.dir / f'{start}-{level}.pdf'
                    self.assert_done(self.extend(self.out, longer, '--level', level))
                    stamps = len(pdfs.signatures(longer.read_bytes())) - 1
                    self.assert_signed(self.out, longer, stamps=stamps, whole=False)
                    if level != 'B-T':
                        self.assert_passed(longer)
                    self.assertEqual(stamps + 1 - before, 0 if level == 'B-LT' and start != 'B-B' else 1)

    def test_what_another_program_has_signed(self):
        nss = self.dir / 'nss'
        nss.mkdir()
        leaf = self.services.issue('nss', key='rsa')
        p12 = self.dir / 'nss.p12'
        must(['openssl', 'pkcs12', '-export', '-inkey', leaf.key, '-in', leaf.certificate, '-certfile', leaf.chain, '-name', 'nss',
              '-passout', 'pass:', '-out', p12, '-certpbe', 'AES-256-CBC', '-keypbe', 'AES-256-CBC'])
        must(['certutil', '-N', '-d', f'sql:{nss}', '--empty-password'])
        must(['pk12util', '-i', p12, '-d', f'sql:{nss}', '-W', '', '-K', ''])
        must(['certutil', '-A', '-d', f'sql:{nss}', '-n', 'root', '-t', 'CT,C,C', '-i', self.anchors])
        foreign = self.dir / 'foreign.pdf'
        run(['pdfsig', '-nssdir', nss, '-add-signature', '-nick', 'nss', self.pdf, foreign])
        self.assertTrue(foreign.exists())
        self.assert_done(self.extend(foreign, self.out))
        self.assert_signed(foreign, self.out, stamps=1)
        both = self.dir / 'both.pdf'
        self.assert_done(self.sign(pdf=self.out, out=both))
        self.assert_signed(self.out, both, signatures=2, stamps=1)

    def test_without_a_signature_there_is_nothing_to_extend(self):
        self.assert_line(self.extend(self.pdf, self.out), 'not signed')
        self.assert_untouched()

    def test_a_signer_who_was_revoked_after_the_archive_timestamp(self):
        leaf = self.services.issue('gone')
        sign = ['pdf', 'sign', '--tsa', self.tsa, '--trust', self.anchors, '--key-file', self.key(leaf), '--level']
        self.assert_done(self.cli(*sign, 'B-LTA', self.pdf, self.out))
        plain = self.dir / 'plain.pdf'
        self.assert_done(self.cli(*sign, 'B-B', self.pdf, plain))
        self.services.revoke(leaf)
        shutil.rmtree(self.dir / 'cache')
        self.assert_done(self.extend(self.out, self.dir / 'renewed.pdf'))
        self.assert_signed(self.out, self.dir / 'renewed.pdf', stamps=2)
        self.assert_passed(self.dir / 'renewed.pdf')
        self.assert_line(self.extend(plain, self.dir / 'no.pdf'), 'revoked')

    def test_that_a_signer_has_been_revoked_since_the_answer_that_the_document_has_is_told(self):
        """The answer is fresh, and yet everybody is asked again."""
        leaf, signed = self.services.issue('since'), self.dir / 'signed.pdf'
        self.assert_done(self.cli('pdf', 'sign', '--tsa', self.tsa, '--trust', self.anchors, '--key-file', self.key(leaf), '--level', 'B-LT',
                                  self.pdf, signed))
        self.assertEqual(self.extend(signed, self.out).err, '')
        self.services.revoke(leaf, 'keyCompromise', at=self.services.now() - 600)
        shutil.rmtree(self.dir / 'cache')
        told = self.extend(signed, self.dir / 'again.pdf')
        self.assert_done(told)
        self.assertRegex(told.err, 'is not good: .* was revoked')

    def test_a_signer_who_has_expired(self):
        """What a timestamp covers can be renewed; what nothing covers is too late."""
        leaf = self.services.issue('short', end=self.services.now() + 8)
        sign = ['pdf', 'sign', '--tsa', self.tsa, '--trust', self.anchors, '--key-file', self.key(leaf), '--level']
        paths = {level: self.dir / f'{level}.pdf' for level in ('B-LTA', 'B-T', 'B-B')}
        for level, path in paths.items():
            self.assert_done(self.cli(*sign, level, self.pdf, path))
        time.sleep(max(0, 8.5 - (time.time() - paths['B-LTA'].stat().st_mtime)))
        self.assert_line(self.cli(*sign, 'B-B', self.pdf, self.out), 'has expired')
        for level, stamps in (('B-LTA', 2), ('B-T', 1)):
            longer = self.dir / f'{level}-longer.pdf'
            self.assert_done(self.extend(paths[level], longer))
            self.assertEqual(len(pdfs.signatures(longer.read_bytes())), 1 + stamps)
            self.assert_passed(longer)
        self.assert_line(self.extend(paths['B-B'], self.out), 'expired')
        self.assert_untouched()

    def test_renewing_an_archive(self):
        archive = self.dir / 'archive'
        (archive / 'deeper').mkdir(parents=True)
        for name in ('a.pdf', 'deeper/b.pdf'):
            self.assert_done(self.sign_at('B-LTA', out=archive / name))
        shutil.copy(self.pdf, archive / 'unsigned.pdf')
        (archive / 'broken.pdf').write_bytes(b'%PDF-1.7\nnothing')
        before = {path: path.read_bytes() for path in archive.rglob('*.pdf')}
        renew = ['pdf', 'renew', archive, '--tsa', self.tsa, '--trust', self.anchors, '--json']
        report = {row['file']: row for row in json.loads(self.cli(*renew).out)}
        self.assertEqual(report[str(archive / 'a.pdf')]['status'], 'good')
        self.assertEqual(report[str(archive / 'unsigned.pdf')]['status'], 'not signed')
        self.assertEqual(report[str(archive / 'broken.pdf')]['status'], 'failed')
        self.assertEqual({path: path.read_bytes() for path in before}, before)
        due = self.cli(*renew, '--within', '400d', '--dry-run')
        self.assertEqual([row['status'] for row in json.loads(due.out)].count('due'), 2)
        self.assertEqual({path: path.read_bytes() for path in before}, before)
        same = json.loads(self.cli(*renew, '--within', '400d').out)
        self.assertEqual([row['status'] for row in same].count('as long as can be'), 2)
        self.assertEqual({path: path.read_bytes() for path in before}, before)
        renew[renew.index(self.tsa)] = self.services.tsa('lasting', end=self.services.now() + 700 * 86400)
        done = self.cli(*renew, '--within', '400d')
        self.assertEqual(done.status, 1)  # the broken one
        self.assertEqual([row['status'] for row in json.loads(done.out)].count('renewed'), 2)
        for name in ('a.pdf', 'deeper/b.pdf'):
            old = self.put(before[archive / name], 'old.pdf')
            self.assert_signed(old, archive / name, stamps=2)


    def renew(self, archive, *options):
        """Exit status, and each file's row."""
        done = self.cli('pdf', 'renew', archive, '--json', *options)
        return done.status, {pathlib.Path(row['file']).name: row for row in json.loads(done.out)}

    def test_a_tsa_that_lasts_no_longer_is_no_failure(self):
        archive, end = self.dir / 'archive', self.services.now()
        archive.mkdir()
        only, lasting = (['--within', '400d', '--trust', self.anchors, '--tsa', self.services.tsa(name, end=end + days * 86400)]
                         for name, days in (('only', 300), ('longer', 500)))
        self.assert_done(self.sign_at('B-LTA', '--tsa', only[-1], out=archive / 'a.pdf'))
        self.assert_done(self.cli('pdf', 'extend', *only[2:], archive / 'a.pdf', archive / 'b.pdf'))
        before = {path: path.read_bytes() for path in archive.iterdir()}
        told = self.cli('pdf', 'renew', archive, *only)
        self.assertEqual((told.status, told.out.count('as long as can be'), told.err.count('last no longer')), (0, 2, 1), told.err)
        self.assertEqual({path: path.read_bytes() for path in archive.iterdir()}, before)
        status, dry = self.renew(archive, *only, '--dry-run')
        self.assertEqual((status, {row['status'] for row in dry.values()}), (0, {'due'}))
        self.assertIn('as long as can be', dry['b.pdf']['why'])
        status, done = self.renew(archive, *lasting)
        self.assertEqual((status, {row['status'] for row in done.values()}), (0, {'renewed'}))

    def due(self, many):
        """An archive whose timestamps end, and what it is renewed with."""
        archive = self.dir / 'archive'
        archive.mkdir()
        self.assert_done(self.sign_at('B-LTA'))
        for n in range(many):
            shutil.copy(self.out, archive / f'{n:03}.pdf')
        lasting = self.services.tsa('lasting-still', end=self.services.now() + 700 * DAY)
        return archive, ['pdf', 'renew', archive, '--tsa', lasting, '--trust', self.anchors, '--within', '400d']

    def test_a_renewal_that_is_broken_off_tells_what_is_done(self):
        archive, renew = self.due(150)
        for number in (signal.SIGINT, signal.SIGHUP):
            before = {path: path.read_bytes() for path in archive.iterdir()}
            with subprocess.Popen([CLI, *renew, '--json'], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                lines = iter(process.stderr.readline, '')
                told = [json.loads(next(line for line in lines if '"renewed"' in line))]  # while the others are being renewed
                process.send_signal(number)
                told += [json.loads(line) for line in lines]
                report = json.load(process.stdout)
            self.assertEqual(process.returncode, 1)
            counts = told.pop()
            changed = {str(path) for path in before if path.read_bytes() != before[path]}
            self.assertEqual({row['file'] for row in report if row['status'] == 'renewed'}, changed)
            self.assertEqual(counts, {'renewed': len(changed), 'failed': 0, 'left': 150 - len(report)})
            self.assertGreater(counts['left'], 0)
        self.assert_done(self.cli(*renew, timeout=300))
        self.assertEqual({len(pdfs.signatures(path.read_bytes())) for path in archive.iterdir()}, {3})

    def test_how_long_a_time_span_may_be_is_said(self):
        archive = self.dir / 'archive'
        archive.mkdir()
        self.assert_done(self.sign(out=archive / 'a.pdf'))
        for span in ('3654d', '100y'):
            self.assert_line(self.cli('pdf', 'renew', archive, '--dry-run', '--within', span), f'{span}: not a time span', '3653d at most', status=2)
        done = self.cli('pdf', 'renew', archive, '--dry-run', '--trust', self.anchors, '--within', '3653d')
        self.assert_done(done)
        self.assertIn('due', done.out)

    def test_a_renewal_breaks_off_when_no_tsa_answers(self):
        archive, renew = self.due(20)
        before = {path: path.read_bytes() for path in archive.iterdir()}
        self.services.behave('tsa/lasting-still', 'http-500')
        done = self.cli(*renew)
        self.assertEqual(done.status, 1)
        first, counts, last = done.err.splitlines()
        self.assertIn('000.pdf: no timestamp: ', first)
        self.assertEqual(counts, '0 renewed, 1 failed, 19 not tried')
        self.assertIn('broken off, since the others would fail alike (no timestamp: ', last)
        self.assertEqual({path: path.read_bytes() for path in before}, before)
        self.services.behave('tsa/lasting-still')
        (archive / '003.pdf').write_bytes(b'broken')
        done = self.cli(*renew)
        self.assertEqual((done.status, done.out.count('renewed'), done.err.count(': renewed\n')), (1, 19, 19), done.err)
        self.assertIn('003.pdf: ', done.err)
        self.assertNotIn('broken off', done.err)

    def test_the_level_that_it_has_is_told(self):
        for level in ('B-B', 'B-LTA'):
            self.assert_done(self.sign_at(level, out=self.dir / f'{level}.pdf'))
        for start, wanted, has in (('B-B', 'B-T', 'B-T'), ('B-B', 'B-LT', 'B-LT'), ('B-LTA', 'B-T', 'B-LTA'), ('B-LTA', 'B-LT', 'B-LTA')):
            with self.subTest(start, wanted=wanted):
                done = self.extend(self.dir / f'{start}.pdf', self.dir / f'{start}-{wanted}.pdf', '--level', wanted, '--json')
                self.assertEqual(json.loads(done.out)['level'], has)


class NotExtended(PdfTest):
    """What is bad for good, and what cannot be read."""

    def tampered(self, path, old=b'(A document.)', new=b'(A dokument.)'):
        content = path.read_bytes()
        self.assertEqual(content.count(old), 1)
        path.write_bytes(content.replace(old, new))
        return path

    def archive(self, **documents):
        """A folder with a file for each, which is at a level."""
        folder = self.dir / 'archive'
        folder.mkdir()
        for name, level in documents.items():
            self.assert_done(self.sign_at(level, out=folder / f'{name}.pdf'))
        return folder

    def test_a_document_that_was_changed(self):
        for start in ('B-B', 'B-LTA'):
            path = self.tampered(self.archive(**{start: start}) / f'{start}.pdf')
            for level in ('B-T', 'B-LT', 'B-LTA'):
                with self.subTest(start, level=level):
                    asked = self.services.asked('tsa/tsa')
                    self.assert_line(self.extend(path, self.out, '--level', level), str(path), 'Signature1', 'TOTAL-FAILED',
                                     'HASH_FAILURE', 'has been changed', 'nothing was written')
                    self.assert_untouched()
                    self.assertEqual(self.services.asked('tsa/tsa'), asked)
            shutil.rmtree(path.parent)

    def test_a_document_timestamp_over_something_else(self):
        path = self.archive(a='B-LTA') / 'a.pdf'
        longer = self.dir / 'longer.pdf'
        self.assert_done(self.extend(path, longer))
        content = bytearray(path.read_bytes())
        end = content.index(b'%%EOF', content.index(b'/ByteRange'))
        content[content.index(b'stream\n', end) + 7 + 40] ^= 1 # of a certificate in the DSS
        path.write_bytes(content)
        self.assert_line(self.extend(path, self.out), 'the timestamp in Timestamp1', 'TOTAL-FAILED', 'HASH_FAILURE')
        self.assert_untouched()

    def test_whom_nobody_trusts_is_not_bad_for_good(self):
        """Who does may say so later: INDETERMINATE, and a note from B-LT on."""
        other = self.services.authority('other').certificate
        tsa = self.services.tsa('others', issuer='other')
        self.assert_done(self.sign('--level', 'B-LTA', '--tsa', tsa, '--trust', self.anchors, '--trust', other))
        for level, stamps, words in (('B-T', 2, ''), ('B-LT', 1, 'note: nothing was missing: it is as it was; no new evidence: '),
                                     ('B-LTA', 2, 'note: no new evidence: ')):
            with self.subTest(level):
                longer = self.dir / f'{level}.pdf'
                done = self.cli('pdf', 'extend', '--level', level, '--trust', other, '--tsa', tsa, self.out, longer)
                self.assert_done(done)
                self.assertTrue(done.err.startswith(words) if words else done.err == '', done.err)
                self.assertEqual(len(pdfs.signatures(longer.read_bytes())), 1 + stamps)

    def test_in_a_batch(self):
        folder, results = self.archive(bad='B-B', good='B-B', lasting='B-LTA'), self.dir / 'results'
        self.tampered(folder / 'bad.pdf')
        batch = ('pdf', 'extend', '--tsa', self.tsa, '--trust', self.anchors, '--level', 'B-LT', '--batch', folder, '--out', results)
        done = self.cli(*batch, '--json')
        *rows, counts = (json.loads(line) for line in done.out.splitlines())
        self.assertEqual({pathlib.Path(row['file']).name: row['status'] for row in rows},
                         {'bad.pdf': 'failed', 'good.pdf': 'extended', 'lasting.pdf': 'extended'})
        self.assertEqual((done.status, counts['extended'], counts['failed']), (1, 2, 1))
        self.assertEqual(sorted(path.name for path in results.iterdir()), ['good.pdf', 'lasting.pdf'])
        shutil.rmtree(results)
        done = self.cli(*batch)
        self.assertEqual((done.status, done.out), (1, '2 extended, 0 done before, 1 failed, 0 not tried\n'))
        self.assertEqual(len(done.err.splitlines()), 2, done.err)
        self.assertRegex(done.err, r'bad.pdf: .*TOTAL-FAILED')
        self.assertIn('lasting.pdf: note: nothing was missing', done.err)

    def test_in_an_archive(self):
        archive = self.archive(good='B-B', bad='B-B')
        self.tampered(archive / 'bad.pdf')
        leaf = self.services.issue('leaver')
        self.assert_done(self.cli('pdf', 'sign', '--key-file', self.key(leaf), self.pdf, archive / 'revoked.pdf'))
        self.services.revoke(leaf)
        shutil.rmtree(self.dir / 'cache', ignore_errors=True)
        before = {path: path.read_bytes() for path in archive.iterdir()}
        renew = ('pdf', 'renew', archive, '--json')
        trust, tsa = ('--trust', self.anchors), ('--tsa', self.tsa)
        for options, good in (((*trust, '--dry-run', '--within', '1d'), 'good'), ((*trust, '--dry-run'), 'due'),
                              ((*trust, *tsa, '--within', '1d'), 'good'), ((*trust, *tsa), 'renewed')):
            with self.subTest(options):
                done = self.cli(*renew, *options)
                rows = {pathlib.Path(row['file']).stem: row for row in json.loads(done.out)}
                self.assertEqual((done.status, {name: row['status'] for name, row in rows.items()}),
                                 (1, {'good': good, 'bad': 'failed', 'revoked': 'failed'}))
                self.assertIn('TOTAL-FAILED', rows['bad']['why'])
                self.assertIn('too late', rows['revoked']['why'])
                self.assertEqual([name for name, row in rows.items() if row.get('until')], ['good'])
                self.assertEqual({path: path.read_bytes() for path in before if path.stem != 'good'},
                                 {path: content for path, content in before.items() if path.stem != 'good'})
        self.assert_passed(archive / 'good.pdf')

    def test_a_dry_run_without_trust_says_what_it_does_not_know(self):
        archive = self.archive(good='B-B', bad='B-B')
        self.tampered(archive / 'bad.pdf')
        done = self.cli('pdf', 'renew', archive, '--dry-run')
        self.assertEqual(done.status, 1)
        self.assertRegex(done.out, r'bad.pdf +failed')
        self.assertRegex(done.out, r'good.pdf +due')
        self.assertIn('nobody is trusted', done.err)
        self.assertNotIn('nobody is trusted', self.cli('pdf', 'renew', archive, '--dry-run', '--trust', self.anchors).err)

    def test_an_encrypted_document_wants_its_password(self):
        locked, word, archive = self.dir / 'locked.pdf', write_private(self.dir / 'word', 'u\n'), self.archive(open='B-B')
        must(['qpdf', '--encrypt', 'u', 'o', '256', '--', self.pdf, locked])
        signed = archive / '0.pdf'
        self.assert_done(self.sign('--password-file', word, pdf=locked, out=signed))
        for level in ('B-T', 'B-LTA'):
            self.assert_line(self.extend(signed, self.out, '--level', level), f'{signed}: ', ': --password-file FILE')
        services, results = ('--tsa', self.tsa, '--trust', self.anchors), self.dir / 'results'
        batch = self.cli('pdf', 'extend', *services, '--batch', archive, '--out', results, '--jobs', '1')
        self.assertEqual((batch.status, batch.out), (1, '1 extended, 0 done before, 1 failed, 0 not tried\n'))
        self.assertIn(': --password-file FILE', batch.err)
        for dry in ((), ('--dry-run',)):
            rows = json.loads(self.cli('pdf', 'renew', archive, *services, *dry, '--json').out)
            self.assertIn(': --password-file FILE', next(row['why'] for row in rows if row['file'] == str(signed)))
        self.assert_done(self.extend(signed, self.out, '--password-file', word))
        self.assert_done(self.cli('pdf', 'renew', archive, *services, '--password-file', word))


class Documents(PdfTest):
    """What documents allow, and what fields demand."""

    def rects(self, path):
        objects = json.loads(must(['qpdf', '--json=1', '--json-key=objects', path]))['objects']
        return [value['/Rect'] for value in objects.values() if isinstance(value, dict) and value.get('/FT') == '/Sig']

    def test_visible_signatures_do_not_lie_on_each_other(self):
        for corner, more in ((['--visible'], 1), (['--at', 'top-left'], -1)):
            path = self.pdf
            for n in range(3):
                self.assert_done(self.sign(*corner, pdf=path, out=self.dir / f'{corner[-1]}{n}.pdf'))
                path = self.dir / f'{corner[-1]}{n}.pdf'
            rects = self.rects(path)
            self.assertEqual(len(rects), 3)
            for below, above in zip(rects[::more], rects[::more][1:]):
                self.assertEqual((below[0], below[2]), (above[0], above[2]))
                self.assertLess(below[3], above[1])
        place = ['--rect', '20,20,150,50'] # who says where means it
        self.assert_done(self.sign(*place, pdf=self.pdf, out=self.dir / 'one.pdf'))
        self.assert_done(self.sign(*place, pdf=self.dir / 'one.pdf', out=self.dir / 'two.pdf'))
        self.assertEqual(self.rects(self.dir / 'two.pdf'), [[20, 20, 170, 70]] * 2)

    def test_three_signers_in_turn(self):
        paths = [self.pdf] + [self.dir / f'{n}.pdf' for n in range(3)]
        for n, key in enumerate(('rsa', 'ec', 'p-384')):
            self.assert_done(self.sign(key=key, pdf=paths[n], out=paths[n + 1]))
        self.assert_signed(paths[2], paths[3], signatures=3)

    def test_certification(self):
        allowed = {'none': False, 'forms': False, 'annotations': True}
        for word, more in allowed.items():
            with self.subTest(word):
                certified, second = self.dir / f'{word}.pdf', self.dir / f'{word}-2.pdf'
                self.assert_done(self.sign('--certify', word, out=certified))
                self.assert_signed(self.pdf, certified)
                self.assertIn(b'/DocMDP', certified.read_bytes())
                done = self.sign(pdf=certified, out=second)
                if more:
                    self.assert_done(done)
                    self.assert_signed(certified, second, signatures=2)
                else:
                    self.assert_line(done, 'certified', 'DocMDP')
                    self.assert_untouched(out=second)
        self.assert_done(self.sign())
        self.assert_line(self.sign('--certify', 'forms', pdf=self.out, out=self.dir / 'x.pdf'), 'first signature')

    def test_a_field_of_a_certified_form_may_be_signed(self):
        pdf, certified = self.put(pdfs.table(pdfs.with_field())), self.dir / 'certified.pdf'
        self.assert_done(self.sign('--certify', 'forms', pdf=pdf, out=certified))
        self.assert_line(self.sign(pdf=certified), 'DocMDP P=2', 'Here')
        self.assert_done(self.sign('--field', 'Here', pdf=certified))
        self.assert_signed(certified, self.out, signatures=2)

    def test_a_lock_names_fields_that_are_there(self):
        pdf = self.put(pdfs.table(pdfs.page()))
        self.assert_line(self.sign('--lock', 'include', '--lock-field', 'nosuch', pdf=pdf), "'nosuch' is no field")
        self.assertFalse(self.out.exists())
        self.assert_done(self.sign('--field', 'Mine', '--lock', 'include', '--lock-field', 'Mine', pdf=pdf))

    def test_locks(self):
        objects = pdfs.with_field(field=b'/Lock<</Type/SigFieldLock/Action/Include/Fields[(Other)]>>')
        objects[7] = b'<</Fields[6 0 R 11 0 R 12 0 R]>>'
        for number, name in ((11, b'Other'), (12, b'Third')):
            objects[number] = b'<</Type/Annot/Subtype/Widget/FT/Sig/T(' + name + b')/F 4/Rect[0 0 0 0]>>'
        pdf, locked = self.put(pdfs.table(objects)), self.dir / 'locked.pdf'
        self.assert_done(self.sign('--field', 'Here', pdf=pdf, out=locked))
        self.assertIn(b'/FieldMDP', locked.read_bytes())
        self.assert_line(self.sign('--field', 'Other', pdf=locked), 'locked', 'Here')
        self.assert_done(self.sign('--field', 'Third', pdf=locked))
        self.assert_signed(locked, self.out, signatures=2)
        self.assert_line(self.sign('--field', 'Here', '--lock', 'all', pdf=pdf, out=self.dir / 'x.pdf'), '--lock')
        everything = self.dir / 'all.pdf'
        self.assert_done(self.sign('--lock', 'all', pdf=pdf, out=everything))
        self.assert_line(self.sign('--field', 'Here', pdf=everything, out=self.dir / 'x.pdf'), 'locked')
        self.assert_line(self.sign('--lock', 'include', pdf=pdf, out=self.dir / 'x.pdf'), '--lock-field', status=2)

    def test_a_lock_in_doubt_locks_all(self):
        """A program that reads it otherwise would say that the second signature has broken the first."""
        objects = pdfs.with_field(field=b'/Lock<</Type/SigFieldLock/Action/Include/Fields[(Ano\xadther)(Twi\\nce)]>>')
        objects[7] = b'<</Fields[6 0 R 11 0 R]>>'
        objects[11] = b'<</Type/Annot/Subtype/Widget/FT/Sig/T(Other)/F 4/Rect[0 0 0 0]>>'
        locked = self.dir / 'locked.pdf'
        self.assert_done(self.sign('--field', 'Here', pdf=self.put(pdfs.table(objects)), out=locked))
        self.assert_line(self.sign('--field', 'Other', pdf=locked), 'locked', 'Here')
        self.assertFalse(self.out.exists())

    def test_a_field_that_has_its_place_is_not_put_elsewhere(self):
        pdf = self.put(pdfs.table(pdfs.with_field()))
        for option in (['--at', 'top-left'], ['--rect', '0,0,9,9'], ['--page', '1']):
            self.assert_line(self.sign('--field', 'Here', *option, pdf=pdf), 'Here has its place')
        self.assertFalse(self.out.exists())
        self.assert_done(self.sign('--field', 'Here', '--visible', pdf=pdf))

    def test_an_empty_field_is_pointed_out(self):
        pdf = self.put(pdfs.table(pdfs.with_field()), 'form.pdf')
        done = self.sign(pdf=pdf)
        self.assert_done(done)
        self.assertEqual(done.err, 'note: the document has an empty signature field, Here, which --field would fill; a new one was made\n')
        told = self.sign('--json', '--force', pdf=pdf)
        self.assertEqual(told.err, '')
        self.assertIn('Here', json.loads(told.out)['note'])
        self.assertEqual(self.sign('--field', 'Here', '--force', pdf=pdf).err, '')
        self.assertIn('Here', self.sign('--field', 'Heer', '--force', pdf=pdf).err)  # a new one: a slip, perhaps
        self.assertEqual(self.sign('--force').err, '')

    def test_fields_that_are_not_for_it(self):
        pdf = self.put(pdfs.table(pdfs.with_field()))
        self.assert_done(self.sign('--field', 'Here', pdf=pdf))
        self.assert_line(self.sign('--field', 'Here', pdf=self.out, out=self.dir / 'x.pdf'), 'signed already')
        objects = pdfs.with_field()
        objects[6] = objects[6].replace(b'/Sig', b'/Tx')
        self.assert_line(self.sign('--field', 'Here', pdf=self.put(pdfs.table(objects)), out=self.dir / 'x.pdf'), 'not one for signatures')
        self.assert_line(self.sign('--field', 'a.b', out=self.dir / 'x.pdf'), 'a.b')

    def test_seed_values(self):
        def seeded(seed):
            return self.put(pdfs.table(pdfs.with_field(field=b'/SV<</Type/SV' + seed + b'>>')))

        here = ['--field', 'Here']
        for seed, words, good in (
                (b'/Ff 2/SubFilter[/adbe.pkcs7.detached]', 'SubFilter', None),
                (b'/Ff 2/SubFilter[/adbe.pkcs7.detached/ETSI.CAdES.detached]', None, []),
                (b'/Ff 64/DigestMethod[(SHA512)]', None, []),
                (b'/Ff 8/Reasons[(Agreed)(Seen)]', 'Reasons', ['--reason', 'Seen']),
                (b'/MDP<</P 2>>', '--certify forms', ['--certify', 'forms']),
                (b'/TimeStamp<</URL(http://example.org)/Ff 1>>', '--level B-T', None),
                (b'/Cert<</Ff 1/Subject[(nobody)]>>', 'Subject', None)):
            with self.subTest(seed):
                pdf = seeded(seed)
                self.out.unlink(missing_ok=True)
                if words:
                    self.assert_line(self.sign(*here, pdf=pdf), 'demands', words)
                    self.assert_untouched()
                if good is not None:
                    self.assert_done(self.sign(*here, *good, pdf=pdf))
                    self.assert_signed(pdf, self.out)
        self.assert_done(self.sign(*here, pdf=seeded(b'/Ff 64/DigestMethod[(SHA384)]'), out=self.dir / 'h.pdf'))
        self.assertIn('SHA-384', must(['pdfsig', '-nocert', self.dir / 'h.pdf']))

    def test_dynamic_forms_are_refused_and_others_told_of(self):
        dynamic = pdfs.page(catalog=b'/NeedsRendering true/AcroForm<</Fields[]/XFA 6 0 R>>')
        dynamic[6] = pdfs.stream(b'<xdp/>')
        self.assert_line(self.sign(pdf=self.put(pdfs.table(dynamic))), 'dynamic XFA')
        self.assert_untouched()
        static = pdfs.page(catalog=b'/AcroForm<</Fields[]/XFA 6 0 R>>')
        static[6] = pdfs.stream(b'<xdp/>')
        done = self.sign(pdf=self.put(pdfs.table(static)))
        self.assert_done(done)
        self.assertIn('XFA', done.err)


class Places(PdfTest):
    """Where results go, and what is never touched."""

    def test_output_equal_to_input(self):
        original = self.pdf.read_bytes()
        self.pdf.chmod(0o640)
        self.assert_done(self.sign(out=self.pdf))
        self.assert_signed(self.put(original, 'original.pdf'), self.pdf)
        self.assertEqual(self.pdf.stat().st_mode & 0o777, 0o640)
        link = self.dir / 'link.pdf'
        link.symlink_to(self.pdf)
        self.assert_done(self.sign(out=link))
        self.assertTrue(link.is_symlink())
        self.assert_signed(self.put(original, 'original.pdf'), self.pdf, signatures=2)

    def meanwhile(self, change):
        """CHANGE happens while evidence is asked for: what was read of the document is known then, and nothing is signed yet."""
        shutil.rmtree(self.dir / 'cache', ignore_errors=True)
        answer = type(self.services).ocsp

        def ocsp(name, request):
            self.services.__dict__.pop('ocsp', None)
            change()
            return answer(self.services, name, request)
        self.services.ocsp = ocsp
        self.addCleanup(self.services.__dict__.pop, 'ocsp', None)

    def test_a_document_that_is_changed_meanwhile_is_not_signed(self):
        one, other = (pdfs.table(pdfs.page(text=b'Pay %d EUR.' % n)) for n in (1, 9))
        self.assertEqual(len(one), len(other))

        def over():
            before = self.pdf.stat()
            with open(self.pdf, 'r+b') as file:
                file.write(other)
            os.utime(self.pdf, ns=(before.st_atime_ns, before.st_mtime_ns))
        for out in (self.out, self.pdf):
            for change in (over, lambda: self.put(other + b'%more'), lambda: os.truncate(self.pdf, 100)):
                with self.subTest(out=out.name, change=change):
                    self.put(one)
                    self.meanwhile(change)
                    done = self.sign_at('B-LT', out=out)
                    self.assertEqual(done.status, 1, done.out)
                    self.assertFalse(self.out.exists())
                    self.assertEqual(pdfs.signatures(self.pdf.read_bytes()), [])
        self.put(one)
        self.meanwhile(over)
        self.assert_line(self.sign_at('B-LT'), 'changed by another program', 'sign it again')
        self.put(one)
        self.meanwhile(lambda: None)
        self.assert_done(self.sign_at('B-LT'))
        self.assert_passed(self.out)

    def test_a_document_that_is_changed_meanwhile_is_not_extended(self):
        signed, longer = self.dir / 'signed.pdf', self.dir / 'longer.pdf'
        self.assert_done(self.sign_at('B-T', out=signed))
        whole = signed.read_bytes()
        for level in ('B-LT', 'B-LTA'):
            with self.subTest(level):
                self.meanwhile(lambda: signed.write_bytes(whole + b'%more'))
                self.assert_line(self.extend(signed, longer, '--level', level), 'changed by another program')
                self.assertFalse(longer.exists())
                signed.write_bytes(whole)
        self.meanwhile(lambda: None)
        self.assert_done(self.extend(signed, longer, '--level', 'B-LTA'))

    def test_without_proc(self):
        """As in a bare chroot: files without a name could not be named there."""
        bare = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh']
        if os.geteuid() != 0 or run([*bare, 'true']).status != 0:
            self.skipTest('root alone may take /proc away')
        line, original = [*bare, CLI, 'pdf', 'sign', '--key-file', self.keys['ec'], self.pdf], self.pdf.read_bytes()
        must([*line, self.out], env=self.env)
        self.assert_signed(self.pdf, self.out)
        self.assert_line(run([*line, self.out], env=self.env), 'is there already')
        other = self.dir / 'other.pdf'
        other.hardlink_to(self.pdf)
        self.assert_line(run([*line, self.pdf], env=self.env), 'is there already')  # which of the two is meant is not known
        other.unlink()
        must([*line, self.pdf], env=self.env)
        self.assert_signed(self.put(original, 'original.pdf'), self.pdf)
        self.assertEqual([path.name for path in self.dir.iterdir() if path.name.startswith('.trustp11-')], [])

    def test_standard_input_and_output_are_no_documents(self):
        for command in ('sign', 'extend'):
            for operands, word in (((self.pdf, '-'), 'OUT'), (('-', self.out), 'IN')):
                with self.subTest(command=command, operands=operands):
                    key = ('--key-file', self.keys['ec']) if command == 'sign' else ()
                    self.assert_line(self.cli('pdf', command, *key, *operands, folder=self.dir), word, './-', status=2)
                    self.assertFalse((self.dir / '-').exists())
        self.assert_done(self.cli('pdf', 'sign', '--key-file', self.keys['ec'], self.pdf, './-', folder=self.dir))
        self.assert_signed(self.pdf, self.dir / '-')

    def test_what_is_there_is_not_written_over(self):
        self.out.write_bytes(b'precious')
        self.assert_line(self.sign(), 'is there already', '--force')
        self.assertEqual(self.out.read_bytes(), b'precious')
        self.assert_done(self.sign('--force'))
        self.assert_signed(self.pdf, self.out)

    def test_long_paths_leave_room_for_what_is_wrong(self):
        deep = self.dir
        for _ in range(4):
            deep = deep / ('d' * 200)
        deep.mkdir(parents=True)
        broken, fine = deep / 'broken.pdf', deep / 'fine.pdf'
        broken.write_bytes(b'no PDF')
        shutil.copy(self.pdf, fine)
        self.assert_line(self.sign(pdf=broken), '…/', '/broken.pdf: ', 'PDF')
        self.assert_line(self.sign(pdf=deep / 'nothing.pdf'), '/nothing.pdf: No such file')
        self.assert_line(self.sign(out=fine), '/fine.pdf', 'is there already')
        self.put(f'{broken}\n{fine}\n'.encode(), 'names')
        done = self.cli('pdf', 'sign', '--key-file', self.keys['ec'], '--batch', self.dir / 'names', '--out', self.dir / 'results')
        self.assert_line(done, f'{broken}: ', 'PDF')
        self.assert_done(self.sign(pdf=fine))

    def test_links_to_elsewhere_are_not_followed(self):
        target = self.put(b'precious', 'target')
        self.out.symlink_to(target)
        for force in ([], ['--force']):
            self.assert_line(self.sign(*force), 'symbolic link')
        self.assertEqual(target.read_bytes(), b'precious')
        self.out.unlink()
        self.out.symlink_to(self.dir / 'nowhere')
        self.assert_line(self.sign(), 'symbolic link')

    def test_odd_names(self):
        self.assert_line(self.sign(pdf=self.dir), 'is a folder: its PDFs are signed with --batch')
        os.mkfifo(self.dir / 'pipe')
        self.assert_line(self.sign(pdf=self.dir / 'pipe'), 'no regular file')
        self.assert_line(self.sign(pdf=self.dir / 'nothing'), 'No such file')
        self.assert_line(self.sign(out=self.dir), 'no regular file')
        self.assertEqual(self.sign(out=self.dir / 'no/such/folder.pdf').status, 1)
        self.assertEqual(self.cli('pdf', 'sign', '--key-file', self.keys['ec'], self.pdf).status, 2)

    def test_a_full_disk(self):
        """By a limit on the size of files, which needs no root; nothing is left."""
        large = self.put(pdfs.table({**pdfs.page(), 9: pdfs.stream(os.urandom(200000))}))
        done = subprocess.run([CLI, 'pdf', 'sign', '--key-file', self.keys['ec'], large, self.out], env=self.env, capture_output=True,
                              text=True, timeout=60, check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000)))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1)
        self.assertIn('the result', done.stderr)
        self.assert_untouched()

    def no_room(self):
        """A folder on a disk with little room."""
        place = self.dir / 'no-room'
        place.mkdir()
        mounted = run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'trustp11-test', place])
        if mounted.status != 0:
            self.skipTest(f'no file system can be mounted here: {mounted.err.strip()}')
        self.addCleanup(run, ['umount', '-l', place])
        return place

    def test_a_full_disk_is_told_by_the_place_of_the_result(self):
        place, documents = self.no_room(), self.dir / 'documents'
        documents.mkdir()
        large = documents / 'large.pdf'
        large.write_bytes(pdfs.table({**pdfs.page(), 9: pdfs.stream(os.urandom(200000))}))
        done = self.sign(pdf=large, out=place / 'x.pdf')
        self.assert_line(done, f'trustp11: {place}/x.pdf: ')
        self.assertNotIn(str(large), done.err)
        done = self.cli('pdf', 'sign', '--key-file', self.keys['ec'], '--batch', documents, '--out', place)
        self.assertIn(f'{large}: {place}/large.pdf: ', done.err)
        self.assertEqual(list(place.iterdir()), [])
        self.assert_done(self.sign(out=place / 'x.pdf'))

    def test_what_is_signed_is_told_when_the_output_fails(self):
        data, out, folder = self.put(b'data', 'data'), self.dir / 'result', self.dir / 'documents'
        folder.mkdir()
        shutil.copy(self.pdf, folder)
        sign, trust = ('pdf', 'sign', '--key-file', self.keys['ec']), ('--tsa', self.tsa, '--trust', self.anchors)
        for command, made in (((*sign, self.pdf, out), True), (('cms', 'sign', '--key-file', self.keys['ec'], data, '--out', out), True),
                              (('tsa', 'stamp', *trust, data, '--out', out), True), ((*sign, '--batch', folder, '--out', out), True),
                              ((*sign, self.dir / 'nothing', out), False)):
            for more in ((), ('--json',)):
                with self.subTest(command[:3], more=more), open('/dev/full', 'w') as full:
                    done = subprocess.run([CLI, *command, *more], env=self.env, stdout=full, stderr=subprocess.PIPE, text=True)
                    self.assertEqual((done.returncode, out.exists()), (1, made), done.stderr)
                    self.assertEqual(f'writing the output failed: No space left on device; the result is there all the same: {out}' in done.stderr,
                                     made, done.stderr)
                    if out.is_dir():
                        self.assertEqual(len(list(out.iterdir())), 1)
                        shutil.rmtree(out)
                    out.unlink(missing_ok=True)

    def test_damaged_files(self):
        good = pdfs.table(pdfs.page())
        for content in (b'', b'not a PDF', good[:200], good[:-30].replace(b'xref', b'xxxx'), good.replace(b'startxref\n', b'startxref\n9')):
            with self.subTest(content[:20]):
                done = self.sign(pdf=self.put(content))
                self.assertEqual(done.status, 1, done.err)
                self.assertEqual(len(done.err.strip().splitlines()), 1)
                self.assert_untouched()


    def test_an_authority_that_is_not_asked_is_told(self):
        done = self.sign('--tsa', 'http://127.0.0.1:9/')
        self.assertEqual((done.status, done.err),
                         (0, 'note: no timestamp authority is asked at level B-B: --level B-T or above has a timestamp\n'))

    def test_files_of_other_kinds_are_called_what_they_are(self):
        for content, words in ((b'not a PDF', 'this is no PDF: %PDF-'), (b'\xff\xd8\xff\xe0JFIF', 'a JPEG picture'),
                               (b'PK\x03\x04', 'a ZIP file'), (b'<html>', 'HTML')):
            self.assert_line(self.sign(pdf=self.put(content)), words)
        # one with a header is called damaged
        done = self.sign(pdf=self.put(pdfs.table(pdfs.page())[:200]))
        self.assertNotIn('no PDF', done.err)
        self.assert_line(done, 'damaged or was cut off: get it anew')

    def test_what_takes_too_much_memory_is_not_called_damaged(self):
        if any(name in pathlib.Path(CLI).read_bytes() for name in (b'__asan_init', b'__tsan_init')):
            self.skipTest('readers of PDFs have no limit of memory under sanitizers')
        for many, words in ((5_000_000, 'needs more memory than a reader of PDFs gets'), (1000, '')):
            with self.subTest(many):
                done = self.sign(pdf=self.put(pdfs.table(pdfs.page(catalog=b'/Many [' + b'/A ' * many + b']'))))
                if not words:
                    self.assert_done(done)
                    continue
                self.assert_line(done, words)
                self.assertNotIn('damaged', done.err)
                self.assert_untouched()

    def test_hostile_files(self):
        """An error, or a signature that others find good; nothing hangs."""
        cyclic = pdfs.page()
        cyclic[2] = b'<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>'
        fields = pdfs.page(catalog=b'/AcroForm 7 0 R')
        fields[7], fields[8] = b'<</Fields[8 0 R 8 0 R]>>', b'<</T(a)/Kids[8 0 R 8 0 R]>>'
        deep = pdfs.page(more=b'/Deep ' + b'[' * 5000 + b']' * 5000)
        loop = pdfs.table(pdfs.page())
        loop = loop.replace(b'/Root 1 0 R', b'/Root 1 0 R/Prev %d' % loop.rindex(b'xref\n0'))
        root = pdfs.table({1: b'1 0 R', 2: b'<<>>'})
        beyond = pdfs.table(pdfs.page()).replace(b'00000 n', b'99999 n')
        for content in (pdfs.table(cyclic), pdfs.table(fields), pdfs.table(deep), loop, root, beyond):
            with self.subTest(content[:300]):
                pdf = self.put(content)
                self.out.unlink(missing_ok=True)
                done = self.sign(pdf=pdf, timeout=30)
                if done.status == 0:
                    self.assertIn('Signature is Valid', must(['pdfsig', '-nocert', self.out]))
                else:
                    self.assertEqual(done.status, 1, done.err)
                    self.assertEqual(len(done.err.strip().splitlines()), 1, done.err)
                    self.assert_untouched()


class Configured(PdfTest):
    """documents.conf says what the command line does not."""

    def configure(self, text):
        path = self.dir / '.config/trustp11/documents.conf'
        path.parent.mkdir(parents=True)
        write_private(path, text)

    def test_a_home_that_is_not_there_is_not_made(self):
        del self.env['XDG_CACHE_HOME']
        cache = pathlib.Path('.cache/trustp11/evidence')
        for name, there in (('missing', False), ('home', True)):
            home = self.dir / name
            if there:
                home.mkdir()
            self.env['HOME'] = str(home)
            self.assert_done(self.sign_at('B-LT', '--force'))
            self.assertEqual((home.exists(), (home / cache).exists()), (there, there))

    def test_level_hash_tsas_and_trust(self):
        slow = self.services.tsa('slow')
        self.services.behave('tsa/slow', 'hang')
        self.configure(f'[tsa first]\nurl = {slow}\ntimeout = 1s\n[tsa second]\nurl = {self.tsa}\n[trust]\nsigners = {self.anchors}\n'
                       '[signing]\nlevel = B-LTA\nhash = sha384\n')
        done = self.sign('--json', key='rsa')
        self.assert_done(done)
        told = json.loads(done.out)
        self.assertEqual((told['level'], told['hash']), ('B-LTA', 'SHA-384'))
        self.assert_signed(self.pdf, self.out, stamps=1)
        self.out.unlink()
        self.assert_done(self.sign('--level', 'B-B', '--hash', 'sha256', key='rsa'))
        self.assertIn('SHA-256', must(['pdfsig', '-nocert', self.out]))

    def test_the_key(self):
        self.assert_line(self.cli('pdf', 'sign', self.pdf, self.out), 'which key', status=2)
        self.configure('[signing]\nkey = pkcs11:token=nowhere?module-path=/nowhere.so\n')
        self.assert_line(self.cli('pdf', 'sign', self.pdf, self.out), '/nowhere.so')
        self.assert_done(self.sign())
        self.assert_line(self.sign('--key', 'pkcs11:token=x', out=self.dir / 'x.pdf'), 'two keys', status=2)

    def test_a_level_by_either_name(self):
        self.configure(f'[signing]\nlevel = ES-T\n[tsa one]\nurl = {self.tsa}\n[trust]\nsigners = {self.anchors}\n')
        self.assert_done(self.sign())
        self.assert_signed(self.pdf, self.out)
        told = json.loads(self.cli('pdf', 'verify', '--trust', self.anchors, '--online', '--json', self.out).out)
        self.assertEqual(told['signatures'][0]['level'], 'B-T')

    def test_a_level_that_is_none(self):
        self.configure('[signing]\nlevel = ES-B\n')
        self.assert_line(self.sign(), 'documents.conf:2', 'ES-B', 'ES-T')
        self.assert_untouched()

    def test_the_certificate_of_the_key(self):
        uri, leaf = self.softhsm()
        self.configure(f'[signing]\nkey = {uri}&pin-source=file:pin\ncertificate = chain.pem\n')
        folder = self.dir / '.config/trustp11'
        self.assert_line(self.cli('pdf', 'sign', self.pdf, self.out), f'{folder}/chain.pem')
        shutil.copy(leaf.chain, folder / 'chain.pem')
        self.assert_line(self.cli('pdf', 'sign', self.pdf, self.out), f'{folder}/pin')
        write_private(folder / 'pin', '1234\n')
        self.assert_done(self.cli('pdf', 'sign', self.pdf, self.out))
        self.assert_signed(self.pdf, self.out)
        self.assert_line(self.cli('pdf', 'sign', '--certificate', self.services.issue('other', key='rsa').chain, self.pdf, self.out,
                                  '--force'), 'certificate')
        self.assert_line(self.cli('pdf', 'sign', '--key', uri, self.pdf, self.out, '--force', stdin='1234\n'), 'certificate')

    def test_a_certificate_without_its_key(self):
        self.configure('[signing]\ncertificate = chain.pem\n')
        self.assert_line(self.sign(), 'certificate', 'key')


class Looks(PdfTest):
    """Visible signatures."""

    def text_of(self, path, page=1):
        return must(['pdftotext', '-layout', '-f', page, '-l', page, path, '-'])

    def test_text_in_japanese_is_embedded(self):
        self.assert_done(self.sign('--visible', '--language', 'ja', '--reason', '承認のため', '--location', '東京', '--name', '山田 太郎'))
        self.assert_signed(self.pdf, self.out)
        text = self.text_of(self.out)
        for words in ('電子署名：山田 太郎', '理由：承認のため', '場所：東京'):
            self.assertIn(words, text)
        fonts = [line for line in must(['pdffonts', self.out]).splitlines() if 'Identity-H' in line]
        self.assertEqual(len(fonts), 1)
        self.assertRegex(fonts[0], r'^[A-Z]{6}\+\S+ +CID TrueType +Identity-H +yes yes yes')

    def test_upright_on_turned_pages(self):
        """Rendered, the signature's ink lies where --rect says, whatever /Rotate is."""
        for rotate in (0, 90, 180, 270):
            with self.subTest(rotate):
                pdf = self.put(pdfs.table(pdfs.page(rotate=rotate, text=b' ')))
                self.out.unlink(missing_ok=True)
                self.assert_done(self.sign('--rect', '50,40,200,60', '--text', 'HHHHHHHH', pdf=pdf))
                boxes = must(['pdftotext', '-bbox', self.out, '-'])
                height = 842 if rotate % 180 == 0 else 595
                word = boxes[boxes.index('<word'):].split('>')[0]
                numbers = {name: float(value) for name, value in re.findall(r'(\w+)="([\d.]+)"', word)}
                self.assertTrue(50 <= numbers['xMin'] < numbers['xMax'] <= 250, word)
                self.assertTrue(height - 100 <= numbers['yMin'] < numbers['yMax'] <= height - 40, word)
                self.assertGreater(numbers['xMax'] - numbers['xMin'], numbers['yMax'] - numbers['yMin'])

    def test_several_pages_one_signature(self):
        pdf = self.put(pdfs.table(pdfs.page(count=3)))
        self.assert_done(self.sign('--page', '1,last', '--text', 'Everywhere', pdf=pdf))
        self.assert_signed(pdf, self.out)
        self.assertEqual(['Everywhere' in self.text_of(self.out, n) for n in (1, 2, 3)], [True, False, True])
        self.assert_line(self.sign('--page', '4', pdf=pdf, out=self.dir / 'x.pdf'), '3')
        for pages, wanted in (('all', [True, True, True]), ('2-last', [False, True, True]), ('1-2,2,1', [True, True, False])):
            with self.subTest(pages=pages):
                self.assert_done(self.sign('--page', pages, '--text', 'Everywhere', '--force', pdf=pdf))
                self.assert_signed(pdf, self.out)
                self.assertEqual([self.text_of(self.out, n).count('Everywhere') for n in (1, 2, 3)], [int(w) for w in wanted])
        self.assert_line(self.sign('--page', '2-4', pdf=pdf, out=self.dir / 'x.pdf'), '3')
        self.assert_line(self.sign('--page', '5-last', pdf=pdf, out=self.dir / 'x.pdf'), 'no page 5')
        self.assert_line(self.sign('--page', 'all', pdf=self.put(pdfs.table(pdfs.page(count=65))), out=self.dir / 'x.pdf'), '64')
        self.assert_line(self.sign('--page', '0', pdf=pdf, out=self.dir / 'x.pdf'), 'list of pages', status=2)

    def test_a_field_with_a_place_is_filled(self):
        pdf = self.put(pdfs.table(pdfs.with_field()))
        self.assert_done(self.sign('--field', 'Here', '--reason', 'seen', pdf=pdf))
        self.assert_signed(pdf, self.out)
        self.assertIn('Reason: seen', self.text_of(self.out))

    def image(self, name, alpha):
        depth = 4 if alpha else 3
        pixels = bytes(value for y in range(20) for x in range(20) for value in (200, 10, 10, 128)[:depth])
        rows = b''.join(b'\0' + pixels[y * 20 * depth:(y + 1) * 20 * depth] for y in range(20))

        def chunk(kind, data):
            return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

        return self.put(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 20, 20, 8, 6 if alpha else 2, 0, 0, 0)) +
                        chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''), name)

    def test_images(self):
        self.assert_done(self.sign('--image', self.image('alpha.png', True), '--no-text'))
        self.assert_signed(self.pdf, self.out)
        listed = must(['pdfimages', '-list', self.out])
        self.assertIn('smask', listed)
        self.assert_done(self.sign('--image', self.image('plain.png', False), out=self.dir / 'plain.pdf'))
        self.assertNotIn('smask', must(['pdfimages', '-list', self.dir / 'plain.pdf']))
        jpeg = self.dir / 'page'
        must(['pdftoppm', '-jpeg', '-singlefile', '-r', '20', self.out, jpeg])
        self.assert_done(self.sign('--image', jpeg.with_suffix('.jpg'), '--no-text', out=self.dir / 'jpeg.pdf'))
        self.assertIn('jpeg', must(['pdfimages', '-list', self.dir / 'jpeg.pdf']))
        self.assertIn(jpeg.with_suffix('.jpg').read_bytes(), (self.dir / 'jpeg.pdf').read_bytes())

    def test_images_that_are_none(self):
        png = self.image('image.png', True).read_bytes()
        for content, words in ((b'GIF89a', 'neither PNG nor JPEG'), (png[:60], 'PNG'), (b'\xff\xd8\xff\xe0\0\4ab', 'JPEG'),
                               (b'', 'x.png: it is empty, and no image'), (png[:16] + b'\0\1\0\0\0\1\0\0' + png[24:], '')):
            with self.subTest(words):
                self.assert_line(self.sign('--image', self.put(content, 'x.png')), words)
        self.assert_untouched()

    def test_pdf_a_stays_pdf_a(self):
        """No transparency, embedded fonts, calibrated colours; PDF/A-1 stays 1.4 and gets no extensions."""
        xmp = b'<x:xmpmeta><rdf:Description pdfaid:part="1" pdfaid:conformance="B"/></x:xmpmeta>'
        objects = pdfs.page(catalog=b'/Metadata 6 0 R')
        objects[6] = pdfs.stream(xmp, b'/Type/Metadata/Subtype/XML')
        pdf = self.put(pdfs.table(objects, b'1.4'))
        self.assert_done(self.sign('--image', self.image('alpha.png', True), pdf=pdf))
        self.assert_signed(pdf, self.out)
        self.assertNotIn('smask', must(['pdfimages', '-list', self.out]))
        added = self.out.read_bytes()[pdf.stat().st_size:]
        for word in (b'/ESIC', b'/Version', b'/DeviceRGB'):
            self.assertNotIn(word, added)

    def test_text_that_cannot_be_shown(self):
        self.assert_line(self.sign('--text', 'x' * 3000, '--size', '30x10'), 'does not fit')
        self.assert_line(self.sign('--text', '{nobody}'), '{nobody}')
        self.assert_line(self.sign('--visible', '--font', self.dir / 'no.ttf'), 'cannot be read')
        self.assert_line(self.sign('--visible', '--font', self.pdf), 'no TrueType')
        self.assert_line(self.sign('--rect', '500,40,200,60'), 'not on the page')
        self.assert_line(self.sign('--rect', '1,2,3'), 'rectangle', status=2)
        self.assert_untouched()


class Batches(PdfTest):
    def setUp(self):
        super().setUp()
        self.folder, self.results = self.dir / 'many', self.dir / 'signed'
        self.folder.mkdir()
        self.results.mkdir()
        for n in range(20):
            (self.folder / f'{n:02}.pdf').write_bytes(pdfs.table(pdfs.page(text=b'Document %d' % n)))

    def other_root(self):
        root = self.dir / 'other.pem'
        must(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', self.dir / 'other.key',
              '-subj', '/CN=other', '-out', root])
        return root

    def batch(self, *options):
        return self.cli('pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', self.folder, '--out', self.results, *options)

    def rows(self, text):
        """The line of each file; the last line counts them."""
        rows = [json.loads(line) for line in text.splitlines()]
        counts = rows.pop()
        statuses = [row['status'] for row in rows]
        self.assertEqual([counts[name] for name in ('signed', 'skipped', 'failed')],
                         [statuses.count(name) for name in ('signed', 'skipped', 'failed')])
        return rows

    def test_all_are_signed_and_then_left(self):
        done = self.batch('--json')
        self.assert_done(done)
        rows = self.rows(done.out)
        self.assertEqual({row['status'] for row in rows}, {'signed'})
        self.assertEqual(len(rows), 20)
        for n in (0, 19):
            self.assert_signed(self.folder / f'{n:02}.pdf', self.results / f'{n:02}.pdf')
        first = {path: path.read_bytes() for path in self.results.iterdir()}
        (self.results / '07.pdf').unlink()
        rows = self.rows(self.batch('--json').out)
        self.assertEqual(sorted(row['status'] for row in rows), ['signed'] + ['skipped'] * 19)
        self.assertEqual({path: path.read_bytes() for path in first if path.name != '07.pdf'},
                         {path: content for path, content in first.items() if path.name != '07.pdf'})

    def test_one_that_fails_does_not_keep_the_others(self):
        (self.folder / '05.pdf').write_bytes(b'broken')
        done = self.batch('--json')
        self.assertEqual(done.status, 1)
        rows = {pathlib.Path(row['file']).name: row for row in self.rows(done.out)}
        self.assertEqual(rows['05.pdf']['status'], 'failed')
        self.assertTrue(rows['05.pdf']['error'])
        self.assertEqual([row['status'] for row in rows.values()].count('signed'), 19)
        self.assertFalse((self.results / '05.pdf').exists())
        told = self.batch()
        self.assertEqual(told.status, 1)
        self.assertIn('0 signed, 19 done before, 1 failed, 0 not tried', told.out)
        self.assertIn('05.pdf', told.err)

    def test_one_that_is_encrypted_does_not_keep_the_others(self):
        must(['qpdf', '--encrypt', 'u', 'o', '256', '--', self.pdf, self.folder / '0.pdf'])
        done = self.batch('--jobs', '1', '--json')
        self.assertEqual(done.status, 1)
        rows = self.rows(done.out)
        self.assertEqual(sorted(row['status'] for row in rows), ['failed'] + ['signed'] * 20)
        self.assertIn('--password-file', next(json.dumps(row) for row in rows if row['status'] == 'failed'))

    def test_a_list_of_names(self):
        names = self.put(''.join(f'{self.folder}/{n:02}.pdf\n' for n in (3, 4)).encode(), 'names')
        done = self.cli('pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', names, '--out', self.results)
        self.assert_done(done)
        self.assertEqual(sorted(path.name for path in self.results.iterdir()), ['03.pdf', '04.pdf'])

    def sign_list(self, content, *options):
        names = self.put(content, 'names')
        return self.cli('pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', names, '--out', self.results, *options)

    def test_what_would_become_one_file_is_told_apart(self):
        third = f'{self.folder}/03.pdf\n'
        (self.dir / 'other').mkdir()
        shutil.copy(self.folder / '03.pdf', self.dir / 'other')
        for second, words in ((third, 'is named twice; name it once'), (f'{self.dir}/../{self.dir.name}/many/03.pdf\n', 'are the same file'),
                              (f'{self.dir}/other/03.pdf\n', 'would both become')):
            with self.subTest(words):
                self.assert_line(self.sign_list((third + second).encode()), words)
        self.assert_done(self.sign_list((third + f'{self.folder}/04.pdf\n').encode()))

    def test_lists_that_other_systems_write(self):
        names = f'{self.folder}/03.pdf\r\n{self.folder}/04.pdf\r\n'
        done = self.sign_list(b'\xef\xbb\xbf' + names.encode())
        self.assert_done(done)
        self.assertIn('2 signed, 0 done before, 0 failed, 0 not tried', done.out)
        for content in (names.encode('utf-16'), names.encode('utf-16-be'), b'\xfe\xff' + names.encode('utf-16-be'), names.replace('\r\n', '\0').encode()):
            with self.subTest(content[:3]):
                self.assert_line(self.sign_list(content), 'UTF-16', status=2)

    def test_a_result_that_is_of_something_else_is_left(self):
        (self.results / '01.pdf').write_bytes(b'precious')
        done = self.batch()
        self.assertEqual(done.status, 1)
        self.assertIn('is there already', done.err)
        self.assertEqual((self.results / '01.pdf').read_bytes(), b'precious')

    def test_a_document_that_was_replaced_is_not_done_before(self):
        """Whatever its time says: mv, cp -p, tar and rsync keep it, and a second is long."""
        self.assert_done(self.batch())
        first = {path: path.read_bytes() for path in self.results.iterdir()}
        newest = max(path.stat().st_mtime for path in first)
        for name, when in (('03', newest - 86400), ('04', newest)):
            (self.folder / f'{name}.pdf').write_bytes(pdfs.table(pdfs.page(text=b'Another one')))
            os.utime(self.folder / f'{name}.pdf', (when, when))
        os.utime(self.folder / '06.pdf', (newest + 86400, newest + 86400))  # touched, and still the same
        (self.results / '05.pdf').write_bytes(b'garbage' * 1000)
        first[self.results / '05.pdf'] = b'garbage' * 1000
        done = self.batch('--json')
        rows = {pathlib.Path(row['file']).stem: row for row in self.rows(done.out)}
        self.assertEqual((done.status, sorted(name for name, row in rows.items() if row['status'] != 'skipped')), (1, ['03', '04', '05']))
        for name in ('03', '04', '05'):
            self.assertIn('is not what comes of this document', rows[name]['error'])
        self.assertEqual({path: path.read_bytes() for path in first}, first)
        self.assert_done(self.batch('--force'))
        for name in ('03', '05'):
            self.assert_signed(self.folder / f'{name}.pdf', self.results / f'{name}.pdf')

    def test_what_was_done_at_another_level_is_told(self):
        self.assert_done(self.batch())
        higher = ('--level', 'B-T', '--tsa', self.tsa, '--trust', self.anchors)
        done = self.batch(*higher)
        self.assert_done(done)
        self.assertIn('20 done before', done.out)
        self.assertIn('stays at the level that it has', done.err)
        self.assertEqual({row['note'] for row in self.rows(self.batch(*higher, '--json').out)},
                         {'it is there already, and stays at the level that it has'})
        self.assertEqual(self.batch().err, '')

    def fill(self, many):
        for n in range(20, many):
            shutil.copy(self.folder / '00.pdf', self.folder / f'{n}.pdf')

    def test_broken_off_it_tells_what_is_done(self):
        self.fill(600)
        command = [CLI, 'pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', self.folder, '--out', self.results, '--jobs', '1',
                   '--json']
        with subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, text=True) as process:
            first = process.stdout.readline() # while the others are being signed
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()
        self.assertEqual(process.returncode, 1)
        rows = self.rows(first + rest)
        self.assertEqual({row['status'] for row in rows}, {'signed'})
        self.assertEqual({row['out'] for row in rows}, {str(path) for path in self.results.iterdir()})
        self.assertEqual(json.loads(rest.splitlines()[-1])['left'], 600 - len(rows))
        self.assertLess(len(rows), 600)
        self.assert_done(self.batch())

    def signalled(self, number, ignored):
        """A batch that gets the signal at its first document: its rows, and how many are left."""
        command = [CLI, 'pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', self.folder, '--out', self.results, '--jobs', '1',
                   '--json', '--force']
        before = signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)
        try:
            process = subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, text=True)
        finally:
            signal.signal(number, before)
        with process:
            first = process.stdout.readline()
            process.send_signal(number)
            rest = process.stdout.read()
        return process.returncode, self.rows(first + rest), json.loads(rest.splitlines()[-1])['left']

    def test_what_is_ignored_does_not_break_it_off(self):
        """nohup, and what runs in the background of a script without job control."""
        self.fill(300)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                status, rows, left = self.signalled(number, ignored=True)
                self.assertEqual((status, len(rows), left), (0, 300, 0))
                status, rows, left = self.signalled(number, ignored=False)
                self.assertEqual((status, len(rows)), (1, 300 - left))
                self.assertGreater(left, 0)

    def test_broken_off_it_says_by_what(self):
        """In the words of whatever failed; the whole of a long story stands at the first file."""
        for path, cut in (('', False), ('/' + 'long' * 50, True)):
            with self.subTest(path):
                done = self.batch('--level', 'B-T', '--trust', self.anchors, '--tsa', f'http://127.0.0.1:1{path}', '--jobs', '1')
                self.assertEqual(done.status, 1)
                *_, first, last = done.err.splitlines()
                self.assertIn('00.pdf: no timestamp: http://127.0.0.1:1', first)
                self.assertIn('broken off, since the others would fail alike (no timestamp: http://127.0.0.1:1', last)
                self.assertEqual('…); the same command goes on from there' in last, cut)
                self.assertLess(len(last), 280)
        self.assertIn('0 failed', self.batch('--level', 'B-T', '--trust', self.anchors, '--tsa', self.tsa).out)

    def test_without_what_reads_documents_it_is_broken_off(self):
        self.fill(300)
        command = [CLI, 'pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', self.folder, '--out', self.results, '--jobs', '1', '--json']
        with subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, text=True) as process:
            first = process.stdout.readline()
            for child in pathlib.Path(f'/proc/{process.pid}/task/{process.pid}/children').read_text().split():
                os.kill(int(child), signal.SIGKILL)
            rest = process.stdout.read()
        rows = self.rows(first + rest)
        failed = [row['error'] for row in rows if row['status'] == 'failed']
        self.assertEqual(process.returncode, 1)
        self.assertIn('the process that starts readers of PDFs has ended', failed[-1])
        self.assertLessEqual(len(failed), 2)  # that which was being read, and the next one
        self.assertGreater(json.loads(rest.splitlines()[-1])['left'], 0)
        self.assert_done(self.batch())

    def test_a_signer_who_is_not_good_is_told_of_once(self):
        leaf, other = self.services.issue('revoked-in-a-batch'), self.other_root()
        self.services.revoke(leaf, 'keyCompromise')
        sign = ['pdf', 'sign', '--level', 'B-LT', '--tsa', self.tsa, '--jobs', '1', '--batch', self.folder, '--out', self.results]
        alone = write_private(self.dir / 'alone.pem', self.keys['rsa'].read_bytes().split(b'-----END CERTIFICATE-----')[0] +
                              b'-----END CERTIFICATE-----\n')
        for key, trust, words in ((self.key(leaf), self.anchors, ('revoked', 'keyCompromise', 'sign with another key')),
                                  (alone, other, ('nothing that is trusted', '--certificate', '--trust'))):
            with self.subTest(words):
                done = self.cli(*sign, '--trust', trust, '--key-file', key)
                self.assertEqual(done.status, 1)
                self.assertIn('0 signed, 0 done before, 1 failed, 19 not tried', done.out)
                first, last = done.err.splitlines()
                for word in ('00.pdf', "the signer's certificate", *words):
                    self.assertIn(word, first)
                self.assertIn('broken off, since the others would fail alike', last)

    def test_notes_are_told(self):
        (self.folder / '05.pdf').write_bytes(pdfs.table(pdfs.with_field()))
        done = self.batch()
        self.assert_done(done)
        self.assertEqual(done.err.count('note: '), 1, done.err)
        self.assertIn('05.pdf: note: the document has an empty signature field', done.err)
        self.assertEqual(self.batch().err, '')

    def test_a_name_that_is_nobodys_is_told_once(self):
        (self.folder / 'folder.pdf').mkdir()
        (self.dir / 'names').write_text(f'{self.dir}/nope.pdf\n{self.folder}/folder.pdf\n{self.folder}/03.pdf\n')
        done = self.cli('pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', self.dir / 'names', '--out', self.results)
        self.assertEqual(sorted(done.err.splitlines()), [f'{self.folder}/folder.pdf: it is a folder: name a file that is in it',
                                                         f'{self.dir}/nope.pdf: No such file or directory'])
        self.assertIn('1 signed', done.out)
        alone = self.sign(pdf=self.dir / 'nope.pdf')
        self.assert_line(alone, f'{self.dir}/nope.pdf: No such file or directory')
        self.assertEqual(alone.err.count('nope.pdf'), 1)

    def test_without_a_list_no_folder_is_made(self):
        (self.dir / 'empty').mkdir()
        self.results.rmdir()
        for names, words in ((self.dir / 'nowhere', 'No such file'), (self.dir / 'empty', 'has no file *.pdf')):
            done = self.cli('pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', names, '--out', self.results)
            self.assert_line(done, words)
            self.assertFalse(self.results.exists())

    def test_the_folder_for_results_is_made(self):
        self.results.rmdir()
        self.assert_done(self.batch())
        self.assertEqual(len(list(self.results.iterdir())), 20)

    def test_a_pdf_is_no_list(self):
        done = self.cli('pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', self.folder / '00.pdf', '--out', self.results)
        self.assert_line(done, 'is a PDF itself', status=2)

    def test_killed_in_the_middle_it_leaves_whole_files_only(self):
        self.fill(300)
        command = [CLI, 'pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', self.folder, '--out', self.results]
        with subprocess.Popen(command, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            end = time.monotonic() + 30
            while len(list(self.results.iterdir())) < 5 and time.monotonic() < end:
                time.sleep(0.005)
            process.kill()
        left = list(self.results.iterdir())
        self.assertGreaterEqual(len(left), 5)
        for path in left[:10]:
            self.assert_signed(self.folder / path.name, path)
        self.assert_done(self.batch())
        self.assertEqual(len(list(self.results.iterdir())), 300)

    def test_with_few_descriptors(self):
        for n in range(20, 200):
            (self.folder / f'{n}.pdf').write_bytes(pdfs.table(pdfs.page(text=b'Document %d' % n)))
        most = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, most[1]))
        self.assert_done(self.batch('--jobs', 4))
        self.assertEqual(len(list(self.results.iterdir())), 200)

    def test_a_hard_link_to_a_document_is_not_replaced(self):
        content = (self.folder / '03.pdf').read_bytes()
        os.link(self.folder / '03.pdf', self.results / '03.pdf')
        one = ('pdf', 'sign', '--key-file', self.keys['rsa'], self.folder / '03.pdf', self.results / '03.pdf')
        self.assert_line(self.cli(*one), '--force')
        done = self.batch('--json')
        self.assertEqual((done.status, [row['status'] for row in self.rows(done.out)].count('failed')), (1, 1))
        self.assertIn('another name of it', done.out)
        self.assertEqual((self.results / '03.pdf').read_bytes(), content)
        self.assert_done(self.cli(*one, '--force'))
        self.assertEqual((self.folder / '03.pdf').read_bytes(), content)
        self.assert_signed(self.folder / '03.pdf', self.results / '03.pdf')

    def test_out_of_a_batch_is_another_folder(self):
        done = self.cli('pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', self.folder, '--out', f'{self.folder}/.')
        self.assert_line(done, 'elsewhere', status=2)
        names = self.put(f'{self.folder}/03.pdf\n'.encode(), 'names')
        done = self.cli('pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', names, '--out', self.folder)
        self.assertEqual(done.status, 1)
        self.assertIn('elsewhere', done.err)
        before = (self.folder / '03.pdf').read_bytes()
        done = self.cli('pdf', 'sign', '--key-file', self.keys['rsa'], '--batch', names, '--out', self.folder, '--force')
        self.assertEqual((done.status, (self.folder / '03.pdf').read_bytes()), (1, before), 'the original was replaced')
        self.assertIn('elsewhere', done.err)
        self.assert_done(self.sign(pdf=self.folder / '03.pdf', out=self.folder / '03.pdf'))


class OtherFiles(PdfTest):
    """`trustp11 cms sign`."""

    def verify(self, signature, content):
        return run(['openssl', 'cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-in', signature, '-content', content, '-CAfile',
                    self.anchors, '-purpose', 'any', '-out', '/dev/null'])

    def test_detached_signatures(self):
        data, signature = self.put(os.urandom(3 << 20), 'data'), self.dir / 'data.p7s'
        for level in ('B-B', 'ES-T'):
            with self.subTest(level):
                signature.unlink(missing_ok=True)
                done = self.cli('cms', 'sign', data, '--out', signature, '--key-file', self.keys['rsa'], '--level', level, '--tsa', self.tsa,
                                '--trust', self.anchors)
                self.assert_done(done)
                self.assert_done(self.verify(signature, data))
                self.assertEqual(bytes.fromhex('060b2a864886f70d010910020e') in signature.read_bytes(), level == 'ES-T')
                self.assertNotEqual(self.verify(signature, self.pdf).status, 0)
        self.assertIn('signingTime', must(['openssl', 'cms', '-cmsout', '-print', '-noout', '-inform', 'DER', '-in', signature]))

    def test_a_file_that_is_changed_meanwhile_is_not_signed(self):
        data, signature, done = self.put(b'', 'data'), self.dir / 'data.p7s', threading.Event()
        os.truncate(data, 256 << 20)

        def change():
            while not done.is_set():
                os.utime(data)
        thread = threading.Thread(target=change)
        thread.start()
        refused = [self.cli('cms', 'sign', data, '--out', signature, '--key-file', self.keys['ec']),
                   self.cli('tsa', 'stamp', data, '--out', signature, '--tsa', self.tsa, '--trust', self.anchors)]
        done.set()
        thread.join()
        for one in refused:
            self.assert_line(one, 'changed by another program', 'try again')
        self.assertFalse(signature.exists())
        self.assert_done(self.cli('cms', 'sign', data, '--out', signature, '--key-file', self.keys['ec']))

    def test_nothing_is_there_before_it_is_whole(self):
        """Whoever is killed while a TSA keeps him waiting leaves nothing, and the next run is not in its own way."""
        data, out = self.put(b'data', 'data'), self.dir / 'out'
        timestamps = ('--tsa', self.tsa, '--trust', self.anchors)
        for command in (('cms', 'sign', '--key-file', self.keys['ec'], '--level', 'B-T'), ('tsa', 'stamp')):
            line = [CLI, *command, *timestamps, '--out', out, data]
            for killer in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
                with self.subTest(command=command, killer=killer):
                    self.services.behave('tsa/tsa', 'hang')
                    asked = self.services.asked('tsa/tsa')
                    with subprocess.Popen(line, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
                        while self.services.asked('tsa/tsa') == asked and process.poll() is None:
                            time.sleep(0.01)
                        process.send_signal(killer)
                    self.assertEqual(process.returncode, -killer)
                    self.assertEqual(sorted(path.name for path in self.dir.iterdir() if path.is_file()), ['data', 'in.pdf'])
            self.services.behave('tsa/tsa')
            self.assert_done(run(line, env=self.env))
            self.assert_line(run(line, env=self.env), 'there already')
            out.unlink()

    def test_what_somebody_else_has_put_there_meanwhile_is_left(self):
        out = self.dir / 'out.p7s'
        answer = type(self.services).stamp

        def stamp(name, request):
            out.write_bytes(b'precious')
            return answer(self.services, name, request)
        self.services.stamp = stamp
        self.addCleanup(self.services.__dict__.pop, 'stamp', None)
        for refuse in (None, 'reject'):
            with self.subTest(refuse):
                out.unlink(missing_ok=True)
                self.services.behave('tsa/tsa', refuse)
                done = self.cli('cms', 'sign', self.pdf, '--out', out, '--key-file', self.keys['ec'], '--level', 'B-T', '--tsa', self.tsa,
                                '--trust', self.anchors)
                self.assertEqual(done.status, 1)
                self.assertEqual(out.read_bytes(), b'precious')

    def test_the_umask_has_its_say(self):
        for umask, mode in ((0o077, 0o600), (0o022, 0o644)):
            out = self.dir / f'{umask}.p7s'
            must(['sh', '-c', f'umask {umask:o} && exec "$@"', 'sh', CLI, 'cms', 'sign', '--key-file', self.keys['ec'], '--out', out,
                  self.pdf], env=self.env)
            self.assertEqual(out.stat().st_mode & 0o777, mode)

    def test_what_cannot_be_done_costs_no_pin(self):
        uri, leaf = self.softhsm()
        signature, taken = self.dir / 'x.p7s', self.put(b'precious', 'taken')
        sign = ('cms', 'sign', '--key', uri, '--certificate', leaf.chain)
        for data, out, words in ((self.pdf, taken, 'there already'), (self.dir / 'nothing', signature, 'nothing: No such file'),
                                 (self.dir, signature, 'it is a folder'), (self.pdf, self.dir / 'nowhere' / 'x.p7s', 'No such file')):
            with self.subTest(words):
                self.assert_line(self.cli(*sign, data, '--out', out), words)  # and no PIN is to be had
        self.assertNotEqual(self.cli(*sign, self.pdf, '--out', signature).status, 0)
        self.assert_done(self.cli(*sign, self.pdf, '--out', signature, stdin='1234\n'))
        with subprocess.Popen(['cat', self.pdf], stdout=subprocess.PIPE) as pipe:
            path, signature = f'/dev/fd/{pipe.stdout.fileno()}', self.dir / 'y.p7s'
            done = subprocess.run([CLI, *sign, path, '--out', signature], env=self.env, input='1234\n', text=True, capture_output=True,
                                  pass_fds=[pipe.stdout.fileno()])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_done(self.verify(signature, self.pdf))

    def test_standard_output_is_no_result(self):
        place = self.dir / 'place'
        place.mkdir()
        request = self.dir / 'request.tsq'
        must(['openssl', 'ts', '-query', '-data', self.pdf, '-sha256', '-cert', '-out', request])
        authority = self.services.issue('tsa-by-hand', kind='tsa')
        for command in (('cms', 'sign', self.pdf, '--key-file', self.keys['ec']), ('tsa', 'stamp', self.pdf, '--tsa', self.tsa, '--trust', self.anchors),
                        ('tsa', 'reply', '--in', request, '--key', authority.key, '--certificate', authority.chain, '--policy', '1.2.3',
                         '--unwatched-clock')):
            with self.subTest(command[:2]):
                self.assert_line(self.cli(*command, '--out', '-', folder=place), 'a file of that name is ./-', status=2)
                self.assertEqual(list(place.iterdir()), [])
                self.assert_done(self.cli(*command, '--out', './-', folder=place))
                (place / '-').unlink()

    def test_closed_standard_input_is_no_file(self):
        signature, names = self.dir / 'x.p7s', ('pdf', 'sign', '--key-file', self.keys['ec'], '--batch', '-', '--out', self.dir / 'results')
        sign = ('cms', 'sign', '-', '--key-file', self.keys['ec'], '--out', signature)
        stamp = ('tsa', 'stamp', '-', '--tsa', self.tsa, '--trust', self.anchors, '--out', signature)
        for command in (sign, stamp, names, ('tsa', 'reply', '--key', self.keys['ec'], '--out', signature)):
            with self.subTest(command[:2]):
                closed = subprocess.run([CLI, *command], env=self.env, capture_output=True, text=True, preexec_fn=lambda: os.close(0))
                self.assertEqual((closed.returncode, closed.stderr.count('\n')), (1, 1), closed.stderr)
                self.assertIn('standard input, which is closed', closed.stderr)
                self.assertFalse(signature.exists())
        for content in ('', 'data'):
            with self.subTest(content):
                signature.unlink(missing_ok=True)
                self.assert_done(self.cli(*sign, stdin=content))
                self.assert_done(self.verify(signature, self.put(content.encode(), 'data')))

    def test_what_is_refused(self):
        signature = self.dir / 'x.p7s'
        sign = ['cms', 'sign', self.pdf, '--key-file', self.keys['ec']]
        self.assert_line(self.cli(*sign), '--out', status=2)
        self.assert_line(self.cli(*sign, '--out', signature, '--level', 'B-LTA'), 'B-LTA', status=2)
        self.assertNotEqual(self.cli('cms', 'sign', self.dir / 'nothing', '--key-file', self.keys['ec'], '--out', signature).status, 0)
        self.assertFalse(signature.exists())
        conf = self.dir / 'softhsm2.conf'
        (self.dir / 'tokens').mkdir()
        conf.write_text(f'directories.tokendir = {self.dir}/tokens\n')
        self.env['SOFTHSM2_CONF'] = str(conf)
        must(['softhsm2-util', '--init-token', '--free', '--label', 'T', '--pin', '1234', '--so-pin', '5678'], env=self.env)
        piped = self.cli('cms', 'sign', '-', '--out', signature, '--key', f'pkcs11:token=T?module-path={SOFTHSM}', stdin='data')
        self.assertNotEqual(piped.status, 0)
        self.assertIn('pin-source', piped.err)
        self.assertFalse(signature.exists())
        signature.write_bytes(b'precious')
        self.assert_line(self.cli(*sign, '--out', signature), 'there already')
        self.assertEqual(signature.read_bytes(), b'precious')


class OwnModule(DeploymentTest, Signing):
    """With libtrustp11.so: the PIN and one code, whatever there is to sign."""

    def setUp(self):
        self.deployed = self.deploy()
        self.dir, self.env = self.deployed.dir, self.deployed.env
        self.authority = Authority(self.dir / 'ca')
        self.anchors = self.authority.certificate
        self.alice = self.deployed.alice(kind='rsa-2048')
        self.assert_ok(self.deployed.import_certificate(self.alice, self.authority.issue(self.deployed.request(self.alice))))
        self.deployed.logout(self.alice)
        self.uri = f'pkcs11:token={self.alice.name}?module-path={MODULE}'

    def test_one_code_for_a_batch(self):
        folder, results = self.dir / 'many', self.dir / 'signed'
        folder.mkdir()
        results.mkdir()
        for n in range(30):
            (folder / f'{n}.pdf').write_bytes(pdfs.table(pdfs.page(text=b'Document %d' % n)))
        before = len(self.deployed.intents())
        done = self.deployed.cli('pdf', 'sign', '--key', self.uri, '--batch', folder, '--out', results, stdin=self.alice.pin_and_code() + '\n')
        self.assert_ok(done)
        for path in results.iterdir():
            self.assert_signed(folder / path.name, path)
        self.assertEqual(len(list(results.iterdir())), 30)
        self.assertEqual(len(self.deployed.intents()) - before, 30)
        self.assert_sound(self.deployed)

    def test_a_wrong_code_signs_nothing(self):
        pdf, out = self.dir / 'in.pdf', self.dir / 'out.pdf'
        pdf.write_bytes(pdfs.table(pdfs.page()))
        done = self.deployed.cli('pdf', 'sign', '--key', self.uri, pdf, out, stdin='\n')
        self.assert_refused(done, 'PIN and one-time code of alice: nothing was given')
        done = self.deployed.cli('pdf', 'sign', '--key', self.uri, pdf, out, stdin=self.alice.pin + self.alice.wrong_code() + '\n')
        self.assertEqual(done.status, 1, done.err)
        self.assertFalse(out.exists())
        # whatever can be wrong with the names is told before a code is used up
        out.write_bytes(b'precious')
        code = self.alice.pin_and_code()
        self.assertEqual(self.deployed.cli('pdf', 'sign', '--key', self.uri, pdf, out, stdin=code + '\n').status, 1)
        out.unlink()
        self.assert_ok(self.deployed.cli('pdf', 'sign', '--key', self.uri, pdf, out, stdin=code + '\n'))
        self.assert_signed(pdf, out)

    def test_a_folder_that_takes_nothing_costs_no_code(self):
        pdf, out, folder = self.dir / 'in.pdf', self.dir / 'out.pdf', self.read_only()
        pdf.write_bytes(pdfs.table(pdfs.page()))
        code = self.alice.pin_and_code() + '\n'
        for words in ([pdf, folder / 'out.pdf'], ['--batch', self.put_list(pdf), '--out', folder]):
            done = self.deployed.cli('pdf', 'sign', '--key', self.uri, *words, stdin=code)
            self.assert_line(done, str(folder), 'cannot be written to', 'another')
        self.assert_ok(self.deployed.cli('pdf', 'sign', '--key', self.uri, pdf, out, stdin=code))

    def test_a_document_that_cannot_be_read_costs_no_code(self):
        pdf, secret, broken, out = (self.dir / name for name in ('in.pdf', 'secret.pdf', 'broken.pdf', 'out.pdf'))
        pdf.write_bytes(pdfs.table(pdfs.page()))
        broken.write_bytes(b'not a PDF')
        must(['qpdf', '--encrypt', 'u', 'o', '256', '--', pdf, secret])
        code = self.alice.pin_and_code() + '\n'
        for path, words in ((broken, 'this is no PDF'), (secret, '--password-file')):
            self.assert_line(self.deployed.cli('pdf', 'sign', '--key', self.uri, path, out, stdin=code), str(path), words)
        self.assert_ok(self.deployed.cli('pdf', 'sign', '--key', self.uri, pdf, out, stdin=code))
        self.assert_signed(pdf, out)

    def put_list(self, *paths):
        names = self.dir / 'names'
        names.write_text(''.join(f'{path}\n' for path in paths))
        return names


if __name__ == '__main__':
    unittest.main()
