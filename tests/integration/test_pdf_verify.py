# SPDX-License-Identifier: Apache-2.0
"""trustp11 pdf verify, cms verify: what is good passes, every way known to forge a signed PDF is found, and time tells."""
import base64
import hashlib
import html.parser
import json
import pathlib
import re
import resource
import shutil
import tempfile
import time
import unittest
import xml.etree.ElementTree

from authority_services import DAY, AuthorityServices
from der import SET, inside, items, tlv
from draft import PAGE_TEXT, Draft, appearance, bare, fetch, signed_again, stream, token_over
from tools import CLI, must, run, write_private

REPORT, XMLDSIG = '{http://uri.etsi.org/19102/v1.2.1#}', '{http://www.w3.org/2000/09/xmldsig#}'
RANGE = rb'/ByteRange \[0 (\d+) (\d+) (\d+)\]'
FILLED = {7: Draft().text(7).replace('(100)', '(999)'), 8: appearance('999')}
def filled_as(name):
    return {7: FILLED[7].replace('(amount)', name), 8: FILLED[8]}


NOTE = {50: '<< /Type /Annot /Subtype /FreeText /Rect [40 690 300 720] /Contents (1000000 yen) /DA (/F1 18 Tf) /P 3 0 R >>'}
FIELD_LOCK = ('/Reference [<< /Type /SigRef /TransformMethod /FieldMDP /TransformParams << /Type /TransformParams /Action /Include '
              '/Fields [({})] /V /1.2 >> >>]')


class VerifyTest(unittest.TestCase):
    """One PKI for all tests of a class; the present is its time, unless a test moves it."""

    @classmethod
    def setUpClass(cls):
        cls.services = AuthorityServices()
        cls.addClassCleanup(cls.services.close)
        cls.alice, cls.bob = cls.services.issue('alice'), cls.services.issue('bob')
        cls.services.tsa()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix='trustp11-verify-'))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.env = {'PATH': '/usr/bin:/bin', 'HOME': str(cls.folder)}
        cls.crls = []
        for name in ('root', 'intermediate'):
            path = cls.folder / f'{name}.crl'
            path.write_bytes(fetch(cls.services.url(f'crl/{name}.crl')))
            cls.crls += ['--crl', path]

    def verify(self, draft, *options, trust=True, crls=True):
        path = draft if isinstance(draft, pathlib.Path) else draft.save(self.folder / 'draft.pdf')
        trusted = ['--trust', self.services.anchors] if trust else []
        result = run([CLI, 'pdf', 'verify', *trusted, *(self.crls if crls else []), *options, '--json', path], env=self.env)
        self.assertTrue(result.out, result.err)
        verdict = json.loads(result.out)
        self.assertEqual(result.status, 3 if not verdict['signed'] else 0 if verdict['verdict'] == 'TOTAL-PASSED' else 1)
        return verdict

    def signed(self, draft=None, **options):
        draft = draft or Draft()
        draft.sign(self.alice, services=self.services, **options)
        return draft

    def trustp11_signs(self, source, path, *options):
        leaf = self.services.issue('frank', key='rsa')
        leaf.key.chmod(0o600)
        must([CLI, 'pdf', 'sign', '--key-file', leaf.key, '--certificate', leaf.chain, '--trust', self.services.anchors, '--tsa',
              self.services.tsa(), *options, source, path], env=self.env, timeout=60)

    def passes(self, draft, *options, **more):
        verdict = self.verify(draft, *options, **more)
        self.assertEqual(verdict['verdict'], 'TOTAL-PASSED', json.dumps(verdict, indent=1))
        return verdict

    def fails(self, draft, sub, words, *options, **more):
        verdict = self.verify(draft, *options, **more)
        self.assertEqual((verdict['verdict'], verdict['sub']), ('TOTAL-FAILED', sub), json.dumps(verdict, indent=1))
        self.assertIn(words, verdict['words'])
        return verdict

    def open(self, draft, sub, *options, **more):
        verdict = self.verify(draft, *options, **more)
        self.assertEqual((verdict['verdict'], verdict['sub']), ('INDETERMINATE', sub), json.dumps(verdict, indent=1))
        return verdict


class Good(VerifyTest):
    def test_levels(self):
        draft = self.signed()
        self.assertEqual(self.passes(draft)['signatures'][0]['level'], 'B-B')
        draft = self.signed(stamp=self.services)
        self.assertEqual(self.passes(draft)['signatures'][0]['level'], 'B-T')
        draft.store(self.services, [self.alice])
        verdict = self.passes(draft, crls=False)
        self.assertEqual((verdict['signatures'][0]['level'], verdict['covered'], verdict['notes']), ('B-LT', False, []))
        draft.stamp(self.services)
        verdict = self.passes(draft, crls=False)
        self.assertEqual(verdict['signatures'][0]['level'], 'B-LTA')
        self.assertEqual(verdict['signatures'][1]['form'], 'document timestamp')
        self.assertTrue(verdict['covered'])

    def test_with_crls_in_the_document(self):
        draft = self.signed(stamp=self.services).store(self.services, [self.alice], crl=True)
        self.assertEqual(self.passes(draft, crls=False)['signatures'][0]['level'], 'B-LT')

    def test_what_is_signed_is_data(self):
        """Signed as anything else, it may have been signed as what it is elsewhere."""
        self.passes(self.signed(options=('-cades', '-econtent_type', 'pkcs7-data')))
        self.fails(self.signed(options=('-cades', '-econtent_type', 'id-smime-ct-TSTInfo')), 'FORMAT_FAILURE', 'detached')

    def test_pkcs7_is_no_pades(self):
        draft = self.signed(sub_filter='adbe.pkcs7.detached', options=())
        self.assertEqual(self.passes(draft)['signatures'][0]['level'], 'PKCS#7')
        self.open(self.signed(options=()), 'SIG_CONSTRAINTS_FAILURE')

    def test_two_signers(self):
        draft = self.signed()
        draft.sign(self.bob, field='Second', services=self.services)
        first, second = self.passes(draft)['signatures']
        self.assertEqual([c['nature'] for c in first['changes']], ['signature'])
        self.assertEqual(second['changes'], [])
        self.assertEqual((first['revision'], second['revision'], second['whole']), (2, 3, True))

    def test_a_field_that_waited(self):
        draft = self.signed()
        draft.sign(self.bob, into=9, services=self.services)
        self.assertEqual(self.passes(draft)['signatures'][1]['field'], 'Reserved')

    def test_white_space_behind(self):
        draft = self.signed()
        draft.data += b'\r\n\r\n'
        self.assertTrue(self.passes(draft)['signatures'][0]['whole'])

    def test_signed_by_nss(self):
        """pdfsig, with a certificate and key of its own in an NSS database. It fails now and then with ECDSA, whose length varies."""
        database, dora = self.folder / 'nss', self.services.issue('dora', key='rsa')
        database.mkdir()
        bundle, source, path = self.folder / 'dora.p12', self.folder / 'source.pdf', self.folder / 'nss.pdf'
        must(['openssl', 'pkcs12', '-export', '-in', dora.chain, '-inkey', dora.key, '-name', 'dora', '-passout', 'pass:x',
              '-out', bundle])
        must(['certutil', '-N', '-d', f'sql:{database}', '--empty-password'])
        must(['pk12util', '-i', bundle, '-d', f'sql:{database}', '-W', 'x'])
        self.signed().save(source)
        must(['pdfsig', '-nssdir', f'sql:{database}', '-nick', 'dora', '-add-signature', source, path])
        verdict = self.passes(path)
        self.assertEqual([s['signer'].split(',')[0] for s in verdict['signatures']], ['CN=alice', 'CN=dora'])

    def test_encrypted_and_signed(self):
        source, encrypted, path = (self.folder / name for name in ('plain.pdf', 'secret.pdf', 'signed-secret.pdf'))
        Draft().save(source)
        password = write_private(self.folder / 'password', 'user\n')
        for bits, extra in (('256', []), ('128', ['--use-aes=y'])):
            must(['qpdf', '--encrypt', 'user', 'owner', bits, *extra, '--', source, encrypted])
            path.unlink(missing_ok=True)
            self.trustp11_signs(encrypted, path, '--level', 'B-LTA', '--password-file', password, '--reason', 'read')
            verdict = self.passes(path, '--password-file', password)
            self.assertEqual((verdict['encrypted'], verdict['signatures'][0]['reason']), (True, 'read'))

    def test_encrypted(self):
        source, path = self.folder / 'plain.pdf', self.folder / 'encrypted.pdf'
        Draft().save(source)
        must(['qpdf', '--encrypt', 'user', 'owner', '256', '--', source, path])
        result = run([CLI, 'pdf', 'verify', path], env=self.env)
        self.assertEqual(result.status, 1)
        self.assertIn('--password-file', result.err)
        password = write_private(self.folder / 'password', 'user\n')
        self.assertTrue(self.verify_unsigned(path, password)['encrypted'])

    def verify_unsigned(self, path, password):
        verdict = json.loads(run([CLI, 'pdf', 'verify', '--json', '--password-file', password, path], env=self.env).out)
        self.assertIn('no signature', verdict['words'])
        return verdict


LOCK_WITH = ('/Reference [<< /Type /SigRef /TransformMethod /FieldMDP /TransformParams << /Type /TransformParams {} /V /1.2 >> >>]')
GROUP = {7: '<< /T (Group) {} /Kids [20 0 R 21 0 R] >>',
         **{number: f'<< /Type /Annot /Subtype /Widget {{}} /Parent 7 0 R /T ({name}) /DA (/F1 12 Tf 0 g) /Rect [40 {600 - 30 * i} 240 '
            f'{620 - 30 * i}] /F 4 /P 3 0 R >>' for i, (number, name) in enumerate(((20, 'amount'), (21, 'b')))},
         3: '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> '
            '/Annots [20 0 R 21 0 R 9 0 R] >>'}


def group(above='', below=''):
    """A field that only stands above two others."""
    return {number: text.format(above if number == 7 else below) for number, text in GROUP.items()}


class Fields(VerifyTest):
    """Values that come from above, locks by names, fonts that come later."""

    def changed(self, draft, words):
        verdict = self.fails(draft, 'FORMAT_FAILURE', 'changed after signing: ')
        self.assertIn(words, verdict['words'])

    def shown_anew(self, draft, number):
        """The field with another appearance."""
        return {number: draft.text(number).replace('/F 4', '/F 4 /AP << /N 60 0 R >>'), 60: appearance('999')}

    def test_a_value_above_is_none_of_a_field(self):
        lock = LOCK_WITH.format('/Action /Include /Fields [(Group.amount)]')
        draft = self.signed(Draft(group(below='/FT /Tx')), entries=lock)
        draft.update({7: draft.text(7).replace('(Group)', '(Group) /V (x)'), **self.shown_anew(draft, 20)})
        self.changed(draft, 'fields below "Group"')

    def test_a_value_above_is_inherited_under_each_name(self):
        for lock, words in (('(Group.amount)', '"Group.amount" was filled in, which the signature has locked'), ('(Other)', None)):
            draft = self.signed(Draft(group(above='/FT /Tx')), entries=LOCK_WITH.format(f'/Action /Include /Fields [{lock}]'))
            draft.update({7: draft.text(7).replace('(Group)', '(Group) /V (999)'), **self.shown_anew(draft, 20)})
            if words is None:
                self.passes(draft)
            else:
                self.changed(draft, words)

    def test_a_value_above_does_not_free_a_kid_with_its_own(self):
        draft = self.signed(Draft(group(above='/FT /Tx', below='/V (100)')))
        draft.update({7: draft.text(7).replace('(Group)', '(Group) /V (999)'), **self.shown_anew(draft, 20)})
        self.changed(draft, '"Group.amount" /AP was changed')

    def test_a_value_above_does_not_free_a_signature(self):
        draft = Draft({9: '<< /T (Group) /FT /Tx /Kids [20 0 R] >>',
                       20: '<< /Type /Annot /Subtype /Widget /FT /Sig /T (S) /Parent 9 0 R /Rect [40 500 240 550] /F 4 /P 3 0 R >>',
                       3: Draft().text(3).replace('9 0 R', '20 0 R')})
        draft.sign(self.alice, into=20, services=self.services)
        self.passes(draft)
        draft.update({9: draft.text(9).replace('/FT', '/V (x) /FT'), **self.shown_anew(draft, 20)})
        self.changed(draft, '"Group.S" /AP was')

    def test_locks_by_names_that_could_be_taken_for_others(self):
        long = 'A' * 300
        for listed, name in ((f'({long}x)', f'({long}y)'), ('(a?)', '(a\x07)'), ('(a\x80\x9f)', '(a\x9f\x9f)')):
            draft = Draft({7: Draft().text(7).replace('(amount)', name)})
            self.signed(draft, entries=LOCK_WITH.format(f'/Action /Exclude /Fields [{listed}]'))
            self.changed(draft.update(filled_as(name)), 'form field')
        draft = self.signed(entries=LOCK_WITH.format('/Action /Exclude /Fields [(amount)]'))
        self.passes(draft.update(FILLED))

    def test_two_locks_are_the_stricter(self):
        first = '<< /Type /SigRef /TransformMethod /FieldMDP /TransformParams << /Action /Include /Fields [(zzz)] >> >>'
        draft = self.signed(entries=f'/Reference [{first} {first.replace("/Include /Fields [(zzz)]", "/All")}]')
        self.changed(draft.update(FILLED), 'which the signature has locked')
        self.passes(self.signed(entries=f'/Reference [{first}]').update(FILLED))

    def test_of_several_permissions_the_strictest_holds(self):
        reference = '<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /P {} /V /1.2 >> >>'
        for numbers, good in (((3, 1), False), ((1, 3), False), ((2, 3), True), ((3,) * 17, False)):
            draft = self.signed(entries=f'/Reference [{" ".join(reference.format(n) for n in numbers)}]').update(FILLED)
            if good:
                self.passes(draft)
            else:
                self.changed(draft, 'which the signature')

    def test_a_field_with_two_names_is_locked_by_both(self):
        """Some readers name it by the way down from the form, some by the way up."""
        above, form = GROUP[7].format(''), '<< /Fields [20 0 R 7 0 R 9 0 R] /DR << /Font << /F1 5 0 R >> >> /DA (/F1 12 Tf 0 g) >>'
        aside = above.replace('20 0 R ', '')
        for parent, kids, named, words in (('7 0 R', above, 'Group', 'locked'), ('7 0 R', aside, 'Group', 'locked'),
                                           ('null', above, 'Group', 'stands in two places'), ('null', aside, 'Group', None),
                                           ('7 0 R', above, None, None)):
            with self.subTest(parent=parent, kids=kids, named=named):
                objects = {**group(below='/FT /Tx'), 6: form, 7: kids}
                objects[20] = objects[20].replace('/Parent 7 0 R', f'/Parent {parent}')
                draft = self.signed(Draft(objects), entries=LOCK_WITH.format(f'/Action /Include /Fields [({named})]') if named else '')
                changed = self.shown_anew(draft, 20)
                draft.update({**changed, 20: changed[20].replace('/F 4', '/F 4 /V (999)')})
                if words is None:
                    self.passes(draft)
                else:
                    self.changed(draft, words)

    def with_font(self, form, field):
        return Draft({6: f'<< /Fields [7 0 R 9 0 R] /NeedAppearances true {form} >>',
                      7: '<< /Type /Annot /Subtype /Widget /FT /Tx /T (amount) /V (100) /Rect [40 600 240 620] /F 4 /P 3 0 R '
                         f'{field} >>'})

    def test_a_font_that_fields_lacked(self):
        old, new = '/DR << /Font << /F1 5 0 R >> >>', '/DR << /Font << /F1 5 0 R /F9 60 0 R >> >>'
        font = '<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>'
        for named in ('/F9', '/F#39'):
            draft = self.signed(self.with_font(old, f'/DA ({named} 12 Tf 0 g)'))
            self.changed(draft.update({6: draft.text(6).replace(old, new), 60: font}), 'a font was added that form fields lacked')
        draft = self.signed(self.with_font('', '/DA (/F9 12 Tf 0 g)'))
        self.changed(draft.update({6: draft.text(6).replace('true', f'true {new}'), 60: font}), 'a font was added that form fields lacked')
        draft = self.signed(self.with_font(old, '/DA (/F1 12 Tf 0 g)'))  # for new fields
        self.passes(draft.update({6: draft.text(6).replace(old, new), 60: font}))

    def test_a_default_appearance_that_fields_lacked(self):
        for field, good in (('', False), ('/DA (/F1 12 Tf 0 g)', True)):
            draft = self.signed(self.with_font('/DR << /Font << /F1 5 0 R >> >>', field))
            draft.update({6: draft.text(6).replace('true', 'true /DA (/F1 99 Tf 1 0 0 rg)')})
            if good:
                self.passes(draft)
            else:
                self.changed(draft, 'form fields that said nothing of how they look')


class Changes(VerifyTest):
    """What was done after signing, and whether it was allowed."""

    def changed(self, draft, words, **more):
        verdict = self.fails(draft, 'FORMAT_FAILURE', 'changed after signing: ', **more)
        self.assertIn(words, verdict['words'])
        self.assertTrue(verdict['signatures'][0]['intact'])
        return verdict['signatures'][0]['changes'][0]

    def test_more_annotations_than_are_compared(self):
        draft = self.signed()
        first = draft.new()
        notes = {first: '<< /Type /Annot /Subtype /Text /Rect [0 0 0 0] >>'}
        many = f'{first} 0 R ' * 10001
        draft.update({**notes, 3: re.sub(r'/Annots *\[', f'/Annots [{many}', draft.text(3), count=1)})
        self.changed(draft, 'too long to be compared')

    def test_page_content_replaced(self):
        change = self.changed(self.signed().update({4: stream(PAGE_TEXT.replace(b'100', b'999'))}), 'page 1 /Contents was replaced')
        self.assertEqual((change['nature'], change['revision'], change['object']), ('content', 3, 4))

    def test_content_resources_tree_and_actions(self):
        other_page = {60: '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>'}
        for words, changes in [
                ('page 1 /Contents was changed', lambda d: {**d.edit(3, '/Contents 4 0 R', '/Contents 40 0 R'), 40: stream(b'BT ET')}),
                ('page 1 /Resources was replaced', lambda d: {5: '<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>'}),
                ('page 1 /MediaBox was changed', lambda d: d.edit(3, '595 842', '595 400')),
                ('page 1 /Rotate was added', lambda d: d.edit(3, '/Type /Page', '/Type /Page /Rotate 180')),
                ('pages were added', lambda d: {**d.edit(2, '[3 0 R]', '[3 0 R 60 0 R]'), **other_page}),
                ("document's /OpenAction was added", lambda d: d.edit(1, '/Type', '/OpenAction << /S /JavaScript /JS (x) >> /Type')),
                ("document's /Names was added", lambda d: d.edit(1, '/Type', '/Names << >> /Type')),
                ("document's /OCProperties was added", lambda d: d.edit(1, '/Type', '/OCProperties << >> /Type')),
                ("document's /Perms was added", lambda d: d.edit(1, '/Type', '/Perms << >> /Type'))]:
            with self.subTest(words):
                draft = self.signed()
                self.changed(draft.update(changes(draft)), words)

    def test_certified_without_any_change(self):
        draft = self.signed(certify=1)
        self.assertEqual(self.passes(draft)['signatures'][0]['form'], 'certification signature')
        draft.store(self.services, [self.alice]).stamp(self.services)
        verdict = self.passes(draft)
        self.assertEqual({c['nature'] for c in verdict['signatures'][0]['changes']}, {'evidence', 'timestamp'})
        draft = self.signed(certify=1)
        draft.sign(self.bob, field='Second', services=self.services)
        self.changed(draft, 'a signature was added')
        draft = self.signed(certify=1)
        self.changed(draft.update(FILLED), 'form field "amount" was filled in')

    def test_certified_for_forms(self):
        verdict = self.passes(self.signed(certify=2).update(FILLED))
        self.assertIn('covered by no signature', verdict['notes'][0])
        self.assertEqual(verdict['signatures'][0]['changes'][0]['nature'], 'form')
        self.assertFalse(verdict['covered'])
        draft = self.signed(certify=2)
        self.changed(draft.update({**NOTE, **draft.append_to(3, 'Annots', '50 0 R')}), 'an annotation (FreeText) was added')

    def test_evil_annotation(self):
        """Allowed with P=3, and where nobody has restricted anything; told with its place."""
        for certify in (3, None):
            draft = self.signed(certify=certify)
            draft.update({**NOTE, **draft.append_to(3, 'Annots', '50 0 R')})
            change = self.passes(draft)['signatures'][0]['changes'][0]
            self.assertEqual((change['nature'], change['warned'], change['page'], change['rect']),
                             ('annotation', True, 1, [40, 690, 300, 720]))
        draft = self.signed(certify=3)
        link = {50: NOTE[50].replace('/FreeText', '/Link').replace('/P 3', '/A << /S /URI /URI (http://x/) >> /P 3')}
        self.changed(draft.update({**link, **draft.append_to(3, 'Annots', '50 0 R')}), 'an annotation was added')

    def test_sneaky_signature(self):
        draft = self.signed(certify=2)
        draft.sign(self.bob, field='Over', rect='40 690 300 720', services=self.services, field_entries='/AP << /N 8 0 R >>')
        verdict = self.passes(draft)
        self.assertIn('look at it', verdict['words'])
        change = verdict['signatures'][0]['changes'][0]
        self.assertEqual((change['warned'], change['page'], change['rect']), (True, 1, [40, 690, 300, 720]))
        draft.sign(self.bob, field='Behind', rect='40 600 300 640', services=self.services, field_entries='/AP << /N 8 0 R >>')
        changes = self.passes(draft)['signatures'][0]['changes']
        self.assertEqual([c['rect'] for c in changes if c['warned']], [[40, 690, 300, 720], [40, 600, 300, 640]],
                         'one does not hide behind another')
        draft = self.signed(certify=2)
        draft.sign(self.bob, field='Unseen', services=self.services)
        self.assertFalse(any(c['warned'] for c in self.passes(draft)['signatures'][0]['changes']))

    def test_a_timestamp_that_shows_something_where_nothing_may(self):
        draft = self.signed(certify=1)
        draft.sign(None, field='Stamp', rect='40 690 300 720', sub_filter='ETSI.RFC3161', kind='DocTimeStamp',
                   make=lambda data: token_over(self.services, data))
        self.changed(draft, 'shows something on the page')

    def test_a_new_field_that_no_signer_answers_for(self):
        """It may be a frame to sign in, and no more: what it showed would be anybody's."""
        look = '/AP << /N 60 0 R >>'
        stamp = {'sub_filter': 'ETSI.RFC3161', 'kind': 'DocTimeStamp', 'make': lambda data: token_over(self.services, data)}
        for certify in (None, 2, 3):
            for entries, warned in (('', True), (look, None)):
                with self.subTest(certify=certify, entries=entries):
                    empty = self.signed(certify=certify)
                    empty.update({50: f'<< /Type /Annot /Subtype /Widget /FT /Sig /T (Frame) /Rect [40 690 300 720] /F 4 /P 3 0 R {entries} >>',
                                  60: appearance('999'), **empty.append_to(6, 'Fields', '50 0 R'), **empty.append_to(3, 'Annots', '50 0 R')})
                    stamped = self.signed(certify=certify)
                    stamped.sign(None, field='Stamp', rect='40 690 300 720', field_entries=entries, changes={60: appearance('999')}, **stamp)
                    for draft in (empty, stamped):
                        if warned:
                            self.assertTrue(self.passes(draft)['signatures'][0]['changes'][0]['warned'])
                        else:
                            self.changed(draft, 'shows something on the page, and no signer answers for it')
        draft = self.signed()
        draft.sign(self.bob, field='Second', rect='40 690 300 720', field_entries=look, changes={60: appearance('Bob')}, services=self.services)
        self.assertFalse(any(change['warned'] for change in self.passes(draft)['signatures'][0]['changes']), 'Bob answers for it')
        field = {50: f'<< /Type /Annot /Subtype /Widget /FT /Sig /T (Third) /V 10 0 R /Rect [40 600 300 640] /F 4 /P 3 0 R {look} >>'}
        draft.update({**field, **draft.append_to(3, 'Annots', '50 0 R')})
        self.changed(draft, 'its value is no signature that is judged')

    def test_an_empty_field_that_no_signer_answers_for(self):
        """It was there: what comes to it is a signature of its own, or shows nothing else than before."""
        look = {60: appearance('Signed: Bob')}
        shown = Draft().text(9).replace('/FT', '/AP << /N 60 0 R >> /FT')
        draft = self.signed()
        draft.update({**draft.edit(9, '/FT', f'/V {draft.new() - 2} 0 R /AP << /N 60 0 R >> /FT'), **look})
        self.changed(draft, '"Reserved" was signed: its value is no signature that is judged')
        stamp = {'sub_filter': 'ETSI.RFC3161', 'kind': 'DocTimeStamp', 'make': lambda data: token_over(self.services, data)}
        for before, words in ((Draft(), None), (Draft({9: shown, **look}), None), (Draft(), '"Reserved" /AP was changed')):
            draft = self.signed(before)
            if words is not None:
                draft.objects[9] = shown
            draft.sign(None, into=9, changes=look, **stamp)
            if words is None:
                self.passes(draft)
            else:
                self.changed(draft, words)
        draft = self.signed()
        draft.objects[9] = shown
        draft.sign(self.bob, into=9, changes=look, services=self.services)
        self.passes(draft)

    def test_a_push_button_has_no_value(self):
        button = Draft().text(7).replace('/FT /Tx', '/FT /Btn /Ff {}').replace('/V (100)', '/V /Off')
        for flags, good in ((0, True), (65536, False)):
            draft = self.signed(Draft({7: button.format(flags)}), certify=2)
            draft.update({**draft.edit(7, '/V /Off', '/V /On'), 8: appearance('999')})
            if good:
                self.passes(draft)
            else:
                self.changed(draft, 'push button "amount" was given a value')

    def test_a_new_field_that_pages_alone_list(self):
        field = '<< /Type /Annot /Subtype /Widget /FT /Sig /T (Second) /V {} /Rect [40 690 300 720] /F 4 /P 3 0 R /AP << /N 60 0 R >> >>'
        for value in ('<< /Type /Sig /Name (Bob) >>', '<< /Type /DocTimeStamp >>', '61 0 R'):
            with self.subTest(value):
                draft = self.signed()
                draft.update({50: field.format(value), 60: appearance('999'), 61: '<< /Type /Sig /Name (Bob) >>',
                              **draft.append_to(3, 'Annots', '50 0 R')})
                self.changed(draft, 'its value is no signature that is judged')
        draft = self.signed()
        draft.sign(self.bob, field='Second', rect='40 690 300 720', field_entries='/AP << /N 60 0 R >>', services=self.services,
                   changes={60: appearance('Bob'), 6: draft.text(6)})
        verdict = self.passes(draft)
        self.assertIn('is in no field of the form', verdict['notes'][0])
        self.assertFalse(any(change['warned'] for change in verdict['signatures'][0]['changes']))

    def test_a_new_field_that_is_something_else(self):
        for words, entries in (('it is no widget', '/Subtype /Link /Dest [3 0 R /Fit]'),
                               ('it has /PA', '/Subtype /Widget /PA << /S /URI /URI (http://x/) >>'),
                               ('it has /A,', '/Subtype /Widget /A << /S /URI /URI (http://x/) >>')):
            with self.subTest(words):
                draft = self.signed(certify=3)
                draft.update({50: f'<< /Type /Annot /FT /Sig /T (Frame) /Rect [0 0 595 842] /F 2 /P 3 0 R {entries} >>',
                              **draft.append_to(6, 'Fields', '50 0 R'), **draft.append_to(3, 'Annots', '50 0 R')})
                self.changed(draft, words)

    def test_pop_ups(self):
        """One that shows only what its comment says is spared the warning; a comment that becomes one has vanished."""
        window = '<< /Type /Annot /Subtype /Popup /Rect [300 690 500 740] /P 3 0 R {} >>'
        for entries, warned in (('/Parent 50 0 R', False), ('', True), ('/Parent 50 0 R /AP << /N 60 0 R >>', True),
                                ('/Parent 50 0 R /Open true', True)):
            with self.subTest(entries):
                draft = self.signed(Draft(extra={**NOTE, 3: Draft().text(3).replace('/Annots [', '/Annots [50 0 R ')}))
                draft.update({70: window.format(entries), 60: appearance('999'), **draft.append_to(3, 'Annots', '70 0 R')})
                self.assertEqual([change['warned'] for change in self.passes(draft)['signatures'][0]['changes']], [warned])
        draft = self.signed(Draft(extra={**NOTE, 3: Draft().text(3).replace('/Annots [', '/Annots [50 0 R ')}))
        draft.update({50: window.format('/F 2')})
        self.assertTrue(self.passes(draft)['signatures'][0]['changes'][0]['warned'])

    def test_locked_fields(self):
        self.changed(self.signed(entries=FIELD_LOCK.format('amount')).update(FILLED), 'which the signature has locked')
        self.passes(self.signed(entries=FIELD_LOCK.format('other')).update(FILLED))
        lock = Draft(extra={9: Draft().text(9).replace('/FT', '/Lock << /Type /SigFieldLock /Action /All >> /FT')})
        self.changed(self.signed(lock, into=9).update(FILLED), 'which the signature has locked')

    def test_what_is_locked_is_told(self):
        all_of_them = Draft(extra={9: Draft().text(9).replace('/FT', '/Lock << /Type /SigFieldLock /Action /All >> /FT')})
        exclude = FIELD_LOCK.replace('Include', 'Exclude')
        for draft, locks, words, page, data in (
                (self.signed(entries=FIELD_LOCK.format('amount')), {'action': 'include', 'fields': ['amount']}, 'form fields amount',
                 'この署名が固定するフォーム項目</th>\n<td>amount</td>', 'include: amount'),
                (self.signed(entries=exclude.format('amount')), {'action': 'exclude', 'fields': ['amount']}, 'all form fields but amount',
                 '<td>次を除くすべて: amount</td>', 'exclude: amount'),
                (self.signed(all_of_them, into=9), {'action': 'all', 'fields': []}, 'all form fields', '<td>すべて</td>', 'all'),
                (self.signed(), None, None, None, None)):
            with self.subTest(locks=locks):
                self.assertEqual(self.passes(draft)['signatures'][0].get('locks'), locks)
                told, reports = {}, {}
                for ending in ('html', 'xml'):
                    report = self.folder / f'locks.{ending}'
                    report.unlink(missing_ok=True)
                    told = run([CLI, 'pdf', 'verify', '--lang', 'ja', '--report', report, draft.save(self.folder / 'draft.pdf')], env=self.env)
                    reports[ending] = report.read_text()
                if locks is None:
                    self.assertNotIn(' locks ', told.out)
                    self.assertNotIn('固定', reports['html'])
                    self.assertNotIn('fieldmdp', reports['xml'])
                else:
                    self.assertRegex(told.out, f' locks +{words}\n')
                    self.assertIn(page, reports['html'])
                    self.assertIn(f'fieldmdp</Type>\n<Value>{data}</Value>', reports['xml'])

    def test_how_a_form_looks(self):
        """Its values are the same: only what is seen is another."""
        for words, changes in [('"amount" /AP was replaced', lambda d: {8: appearance('999')}),
                               ('"amount" /DA was changed', lambda d: d.edit(7, '/F1 12 Tf', '/F1 1 Tf')),
                               ('"amount" /Rect was changed', lambda d: d.edit(7, '[40 600', '[40 690')),
                               ('NeedAppearances', lambda d: d.edit(6, '/Fields', '/NeedAppearances true /Fields')),
                               ("form's /DA was changed", lambda d: d.edit(6, '/F1 12 Tf', '/F2 12 Tf')),
                               ("form's /DR", lambda d: d.edit(6, '/F1 5 0 R', '/F1 50 0 R'))]:
            with self.subTest(words):
                draft = self.signed()
                self.changed(draft.update(changes(draft)), words)

    def test_numbers_with_other_digits(self):
        filled = lambda d, rect: {**FILLED, 7: FILLED[7].replace('[40 600 240 620]', rect)}
        for rect in ('[40.0 600.0 240.00 620]', '[40.0001 600 240 620]'):
            draft = self.signed()
            self.passes(draft.update(filled(draft, rect)))
        draft = self.signed()
        self.changed(draft.update(filled(draft, '[40.1 600 240 620]')), '"amount" /Rect was changed')

    def test_fields_come_and_go(self):
        draft = self.signed()
        text = {50: '<< /Type /Annot /Subtype /Widget /FT /Tx /T (new) /V (x) /Rect [1 1 9 9] >>'}
        self.changed(draft.update({**text, **draft.append_to(6, 'Fields', '50 0 R')}), 'form field "new" was added')
        draft = self.signed()
        self.changed(draft.update(draft.edit(6, '7 0 R', '')), 'form fields were removed')

    def test_metadata(self):
        xmp = lambda text: {64: stream(text, '/Type /Metadata /Subtype /XML')}
        draft = self.signed(Draft(catalog='/Metadata 64 0 R', extra=xmp(b'<a/>')))
        self.assertEqual(self.passes(draft.update(xmp(b'<b/>')))['signatures'][0]['changes'][0]['nature'], 'metadata')

    def test_shadow_replace(self):
        """What was prepared and hidden in the signed revision is switched on by a small change."""
        hidden = {60: stream(b'BT /F1 18 Tf 40 700 Td (I owe you nothing.) Tj ET'), 61: '<< /Type /Pages /Kids [62 0 R] /Count 1 >>',
                  62: '<< /Type /Page /Parent 61 0 R /MediaBox [0 0 595 842] /Contents 60 0 R >>',
                  63: '<< /Type /Catalog /Pages 61 0 R /AcroForm 6 0 R >>'}
        draft = self.signed(Draft(extra=hidden))
        self.changed(draft.update(draft.edit(1, '/Pages 2 0 R', '/Pages 61 0 R')), 'the page tree was replaced')
        draft = self.signed(Draft(extra=hidden))
        self.changed(draft.update({90: '<< >>'}, trailer='/Root 63 0 R'), 'the catalog was replaced')

    def test_shadow_hide(self):
        cover = {60: stream(b'1 g 0 600 595 242 re f', '/Type /XObject /Subtype /Form /BBox [0 0 595 842]')}
        content = {4: stream(PAGE_TEXT + b' /Cover Do'), **cover}
        draft = Draft(extra={**content, 3: Draft().text(3).replace('/Font <<', '/XObject << /Cover 60 0 R >> /Font <<', 1)})
        self.changed(self.signed(draft).update({60: stream(b'', '/Type /XObject /Subtype /Form /BBox [0 0 1 1]')}), 'page 1 /Resources')
        draft = self.signed(Draft(extra={**content, 3: draft.text(3)}))
        self.changed(draft.update({90: '<< >>'}, free=(60,)), 'page 1 /Resources')

    def test_one_object_in_two_places(self):
        """Metadata may change; but not those that are the page's content, too."""
        draft = self.signed(Draft(catalog='/Metadata 4 0 R'))
        self.changed(draft.update({4: stream(b'BT ET')}), 'page 1')
        draft = self.signed(Draft(page='/Dangling 90 0 R'))
        self.changed(draft.update({90: '<< /S /JavaScript >>'}), 'page 1 /Dangling')

    def test_changed_between_and_after_two_signatures(self):
        draft = self.signed()
        draft.update({4: stream(b'BT ET')})
        draft.sign(self.bob, field='Second', services=self.services)
        verdict = self.fails(draft, 'FORMAT_FAILURE', 'in revision 3')
        self.assertEqual([s['verdict'] for s in verdict['signatures']], ['TOTAL-FAILED', 'TOTAL-PASSED'])


class Forgeries(VerifyTest):
    """Published attacks: incremental saving, universal signature forgery, signature wrapping."""

    def edit_range(self, draft, make):
        match = list(re.finditer(RANGE, draft.data))[-1]
        new = make(*map(int, match.groups())).ljust(len(match.group()))
        self.assertEqual(len(new), len(match.group()))
        draft.data = draft.data[:match.start()] + new + draft.data[match.end():]
        return draft

    def test_ranges(self):
        for words, make in [('not there', lambda a, b, c: b'/ByteRangX [0 %d %d %d]' % (a, b, c)),
                            ('exactly four', lambda a, b, c: b'/ByteRange []'),
                            ('exactly four', lambda a, b, c: b'/ByteRange [0 %d %d 9 9 9]' % (a, b)),
                            ('not there', lambda a, b, c: b'/ByteRange null'),
                            ('no place', lambda a, b, c: b'/ByteRange [0 -%d %d %d]' % (a, b, c)),
                            ('no place', lambda a, b, c: b'/ByteRange [0 (%d) %d %d]' % (a, b, c)),
                            ('no place', lambda a, b, c: b'/ByteRange [0 %d %d 9999999999]' % (a, b)),
                            ('empty', lambda a, b, c: b'/ByteRange [0 0 0 0]'),
                            ('first byte', lambda a, b, c: b'/ByteRange [1 %d %d %d]' % (a - 1, b, c)),
                            ('overlap', lambda a, b, c: b'/ByteRange [0 %d %d %d]' % (a, a - 9, c)),
                            ('beyond', lambda a, b, c: b'/ByteRange [0 %d %d %d]' % (a, b, c + 1)),
                            ('revision', lambda a, b, c: b'/ByteRange [0 %d %d %d]' % (a, b, c - 20)),
                            ('< and >', lambda a, b, c: b'/ByteRange [0 %d %d %d]' % (a + 1, b, c)),
                            ('< and >', lambda a, b, c: b'/ByteRange [0 %d %d %d]' % (a, b + 1, c - 1))]:
            with self.subTest(words):
                self.fails(self.edit_range(self.signed(), make), 'FORMAT_FAILURE', words)

    def test_contents(self):
        for new in (b'null', b'<>', b'<00>', b'<3000>', b'()'):
            draft = self.signed()
            match = list(re.finditer(rb'/Contents <[0-9a-f]*>', draft.data))[-1]
            text = (b'/Contents ' + new).ljust(len(match.group()))
            draft.data = draft.data[:match.start()] + text + draft.data[match.end():]
            self.fails(draft, 'FORMAT_FAILURE', '')

    def test_no_signature_at_all(self):
        path = Draft().save(self.folder / 'plain.pdf')
        verdict = self.verify(path)
        self.assertEqual((verdict['signed'], verdict['signatures']), (False, []))
        self.assertNotIn('verdict', verdict)
        self.assertIn('no signature', verdict['words'])
        told = run([CLI, 'pdf', 'verify', path], env=self.env)
        self.assertEqual((told.status, told.err), (3, ''))
        self.assertIn(': not signed\n', told.out)
        self.assertNotIn('TOTAL', told.out)

    def test_a_bad_signature_is_worse_than_none(self):
        plain, good = Draft().save(self.folder / 'plain.pdf'), self.signed().save(self.folder / 'good.pdf')
        bad = self.signed().update({4: stream(b'BT ET')}).save(self.folder / 'bad.pdf')
        trusted = ['--trust', self.services.anchors, *self.crls]
        for files, status in (((good,), 0), ((good, plain), 3), ((plain, good), 3), ((plain, bad), 1), ((bad, plain), 1),
                              ((plain, self.folder / 'missing.pdf'), 1)):
            with self.subTest(files=files):
                self.assertEqual(run([CLI, 'pdf', 'verify', *trusted, *files], env=self.env).status, status)

    def test_dictionary_replaced_later(self):
        draft = Draft()
        number = draft.sign(self.alice, services=self.services)
        draft.update({number: re.sub(rb'/Contents <[0-9a-f]*>', b'/Contents null', draft.objects[number])})
        self.fails(draft, 'FORMAT_FAILURE', '/Contents')
        draft = Draft()
        number = draft.sign(self.alice, services=self.services, entries='/Reason (to read)')
        draft.update({number: draft.objects[number].replace(b'(to read)', b'(to pay!)')})
        verdict = self.fails(draft, 'FORMAT_FAILURE', 'was replaced')
        self.assertEqual(verdict['signatures'][0]['reason'], 'to read')

    def test_appended_without_references(self):
        self.fails(self.signed().update({4: stream(b'BT ET')}, cross_references=False), 'FORMAT_FAILURE', 'appended')
        draft = self.signed()
        draft.data += b'% only a comment\n'
        self.fails(draft, 'FORMAT_FAILURE', 'appended')
        draft = self.signed()
        at = draft.startxref
        draft.update({4: stream(b'BT ET')}, cross_references=False)
        draft.data += b'startxref\n%d\n%%%%EOF\n' % at
        self.fails(draft, 'FORMAT_FAILURE', 'appended')

    def test_signature_copied(self):
        """A later revision says that the old signature is its own."""
        draft = Draft()
        number = draft.sign(self.alice, services=self.services)
        draft.update({number: draft.objects[number], 4: stream(b'BT ET')})
        self.fails(draft, 'FORMAT_FAILURE', 'page 1 /Contents was replaced')
        draft = Draft()
        number = draft.sign(self.alice, services=self.services)
        copy, widget = draft.new(), [n for n in draft.objects if '(Signature)' in str(draft.objects[n])][0]
        draft.update({copy: draft.objects[number], 4: stream(b'BT ET'), **draft.edit(widget, f'/V {number} 0 R', f'/V {copy} 0 R')})
        self.fails(draft, 'FORMAT_FAILURE', 'not part of the revision')

    def test_two_in_one_revision(self):
        draft = Draft()
        number = draft.sign(self.alice, services=self.services)
        copy, widget = draft.new(), draft.new() + 1
        draft.update({copy: draft.objects[number], widget: f'<< /FT /Sig /T (Twin) /V {copy} 0 R >>',
                      **draft.append_to(6, 'Fields', f'{widget} 0 R')})
        verdict = self.fails(draft, 'FORMAT_FAILURE', 'same revision')
        self.assertEqual(len(verdict['signatures']), 2)

    def test_wrapping(self):
        """The second part is moved; what is between is the attacker's, with cross-references at the place that the signed part names."""
        draft = self.signed()
        where = int(re.findall(rb'startxref\n(\d+)', draft.data)[-1])
        match = list(re.finditer(RANGE, draft.data))[-1]
        first, second, rest = map(int, match.groups())
        end = b' >>\nendobj\n'  # of the signature dictionary
        evil = end + b'4 0 obj\n' + stream(b'BT ET') + b'\nendobj\n'
        evil_at = second + len(end)
        evil = evil.ljust(where - second)
        previous = int(re.findall(rb'/Prev (\d+)', draft.data)[-1])
        places = {n: draft.data.rindex(b'\n%d 0 obj' % n) + 1 for n in (3, 6, 10, 11)}
        table = b'xref\n4 1\n%010d 00000 n \n' % evil_at
        inserted = len(evil) + len(table) + 200
        for number, place in places.items():
            table += b'%d 1\n%010d 00000 n \n' % (number, place + (inserted if place > second else 0))
        table += b'trailer\n<< /Size 12 /Root 1 0 R /Prev %d >>\n' % previous
        evil = (evil + table).ljust(inserted)
        self.assertEqual(len(evil), inserted)
        draft.data = draft.data[:second] + evil + draft.data[second:]
        self.edit_range(draft, lambda a, b, c: b'/ByteRange [0 %010d %010d %010d]' % (first, second + inserted, rest))
        must(['qpdf', '--check', draft.save(self.folder / 'wrapped.pdf')])  # it reads well: with the page that the attacker wants
        self.fails(draft, 'FORMAT_FAILURE', 'what it leaves out is not a string')

    def test_bytes_changed(self):
        draft = self.signed()
        draft.data = draft.data.replace(b'100 yen', b'900 yen')
        self.fails(draft, 'HASH_FAILURE', 'changed')
        draft = self.signed()
        match = list(re.finditer(rb'/Contents <([0-9a-f]*?)(00)*>', draft.data))[-1]
        at = match.end(1) - 4
        draft.data = draft.data[:at] + (b'00' if draft.data[at:at + 2] != b'00' else b'11') + draft.data[at + 2:]
        self.fails(draft, 'SIG_CRYPTO_FAILURE', 'key')

    def test_bytes_changed_below_a_timestamp_over_all(self):
        draft = self.signed(stamp=self.services).store(self.services, [self.alice])
        draft.stamp(self.services)
        draft.data = draft.data.replace(b'100 yen', b'900 yen')
        verdict = self.verify(draft)
        self.assertEqual((verdict['sub'], verdict['covered'], verdict['signatures'][-1]['whole']), ('HASH_FAILURE', False, True))
        self.assertEqual(verdict['notes'], [])

    def test_content_of_another_signature(self):
        other = self.signed(Draft(extra={4: stream(b'BT ET')}))
        cms = bytes.fromhex(re.findall(rb'/Contents <([0-9a-f]*)>', other.data)[-1].decode()).rstrip(b'\0')
        self.fails(self.signed(make=lambda data: cms), 'HASH_FAILURE', 'changed')

    def test_garbage_in_contents(self):
        self.fails(self.signed(make=lambda data: b'\x30\x80garbage'), 'FORMAT_FAILURE', '/Contents')


class Weak(VerifyTest):
    def test_hash_and_key(self):
        self.open(self.signed(digest='sha1'), 'CRYPTO_CONSTRAINTS_FAILURE_NO_POE')
        weak, draft = self.services.issue('weak', key='rsa-1024'), Draft()
        draft.sign(weak, services=self.services)
        self.open(draft, 'CRYPTO_CONSTRAINTS_FAILURE_NO_POE')
        strong, draft = self.services.issue('strong', key='rsa'), Draft()
        draft.sign(strong, services=self.services)
        self.passes(draft)

    def test_curve_that_is_too_small(self):
        weak, draft = self.services.issue('weak curve', key='secp160r1'), Draft()
        draft.sign(weak, services=self.services)
        self.assertIn('ec-161', self.open(draft, 'CRYPTO_CONSTRAINTS_FAILURE_NO_POE')['words'])

    def test_hash_of_the_attributes(self):
        """SHA-256 over the document, and another one over the attributes that say so."""
        rsa = self.services.issue('rsa', key='rsa')
        for digest, algorithm, judge in (('sha1', '1.2.840.113549.1.1.5', lambda draft: self.open(draft, 'CRYPTO_CONSTRAINTS_FAILURE_NO_POE')),
                                         ('md5', '1.2.840.113549.1.1.4', lambda draft: self.open(draft, 'CRYPTO_CONSTRAINTS_FAILURE_NO_POE')),
                                         ('sha512', '1.2.840.113549.1.1.13', self.passes)):
            draft = Draft()
            draft.sign(rsa, services=self.services, make=lambda data: signed_again(Draft.cms(data, rsa, services=self.services), rsa,
                                                                                   digest, algorithm))
            judge(draft)

    def test_a_proof_of_today_is_no_proof_of_then(self):
        self.open(self.signed(digest='sha1', stamp=self.services), 'CRYPTO_CONSTRAINTS_FAILURE')

    def test_hash_inside(self):
        """adbe.pkcs7.sha1: a SHA-1 hash of the document is what is signed."""
        def make(data):
            source, cms = self.folder / 'hash', self.folder / 'hash.cms'
            source.write_bytes(hashlib.sha1(data).digest())
            must(['openssl', 'cms', '-sign', '-binary', '-nodetach', '-md', 'sha256', '-signer', self.alice.certificate, '-inkey',
                  self.alice.key, '-certfile', self.services.write_above(self.services.path_of('intermediate')), '-in', source,
                  '-outform', 'DER', '-out', cms])
            return cms.read_bytes()
        draft = self.signed(sub_filter='adbe.pkcs7.sha1', make=make)
        self.open(draft, 'CRYPTO_CONSTRAINTS_FAILURE_NO_POE')
        draft.data = draft.data.replace(b'100 yen', b'900 yen')
        self.fails(draft, 'HASH_FAILURE', 'changed')
        self.fails(self.signed(make=make), 'FORMAT_FAILURE', 'detached')

    def test_usage_rights_are_told(self):
        draft = self.signed(Draft(catalog='/Perms << /UR3 80 0 R >>', extra={
            80: '<< /Type /Sig /SubFilter /adbe.pkcs7.detached /ByteRange [0 1 2 3] /Contents <00> >>'}))
        verdict = self.passes(draft)
        self.assertEqual(len(verdict['signatures']), 1)
        self.assertIn('UR3', ' '.join(verdict['notes']))

    def test_in_no_field(self):
        draft = Draft()
        number = draft.sign(self.alice, services=self.services, changes={**draft.edit(3, '/Type', '/Hidden 10 0 R /Type'), 6: draft.text(6)})
        self.assertEqual(number, 10)
        verdict = self.passes(draft)
        self.assertNotIn('field', verdict['signatures'][0])
        self.assertIn('in no field', ' '.join(verdict['notes']))

    def test_form_not_supported(self):
        verdict = self.open(self.signed(sub_filter='adbe.x509.rsa_sha1'), 'CUSTOM')
        self.assertIn('adbe.x509.rsa_sha1', verdict['words'])

    def test_a_timestamp_alone_signs_nothing(self):
        """Anybody can get one."""
        draft = Draft()
        draft.stamp(self.services)
        verdict = self.verify(draft)
        self.assertEqual((verdict['signed'], verdict.get('verdict')), (False, None))
        self.assertIn('nobody has signed', verdict['words'])
        self.assertEqual(verdict['signatures'][0]['verdict'], 'TOTAL-PASSED')
        result = run([CLI, 'pdf', 'verify', '--json', draft.save(self.folder / 'stamped.pdf')], env=self.env)
        verdict = json.loads(result.out)
        self.assertEqual((result.status, verdict['signed'], verdict['verdict']), (1, False, 'INDETERMINATE'))

    def test_an_error_does_not_turn_words_around(self):
        result = run([CLI, 'pdf', 'verify', self.folder / 'a\u202egnp.pdf'], env=self.env)
        self.assertEqual(result.status, 1)
        self.assertIn('a?gnp.pdf: No such file', result.err)

    def test_nobody_trusted(self):
        verdict = self.open(self.signed(), 'NO_CERTIFICATE_CHAIN_FOUND', trust=False)
        self.assertIn('nobody is trusted yet', verdict['hint'])
        self.assertIn('--trust', verdict['hint'])

    def test_another_is_trusted(self):
        other = self.folder / 'other.pem'
        must(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', self.folder / 'other.key', '-subj', '/CN=other',
              '-out', other])
        verdict = self.open(self.signed(), 'NO_CERTIFICATE_CHAIN_FOUND', '--trust', other, trust=False)
        self.assertIn('its root is not among those that are trusted', verdict['hint'])
        self.assertIn('--trust', verdict['hint'])
        self.assertNotIn('--trust', verdict['words'])

    def test_nobody_asked(self):
        draft = self.signed()
        verdict = self.open(draft, 'TRY_LATER', crls=False)
        self.assertIn('--online', verdict['hint'])
        self.assertNotIn('--online', verdict['words'])
        self.assertNotIn('hint', self.passes(draft, '--online', crls=False))

    def test_revoked(self):
        carol, draft = self.services.issue('carol'), Draft()
        draft.sign(carol, services=self.services)
        self.passes(draft)
        stamped = Draft()
        stamped.sign(carol, services=self.services, stamp=self.services)
        time.sleep(1.1)  # revocation has a second for its unit
        self.services.revoke(carol, 'keyCompromise')
        self.open(draft, 'REVOKED_NO_POE', '--online', crls=False)
        self.passes(stamped, '--online', crls=False)

    def test_a_newer_list_knows_more_than_the_document(self):
        erin, draft, path = self.services.issue('erin'), Draft(), self.folder / 'newer.crl'
        draft.sign(erin, services=self.services)
        draft.store(self.services, [erin])
        self.passes(draft, crls=False)
        self.services.revoke(erin, 'keyCompromise', at=time.time() - 90)
        path.write_bytes(fetch(self.services.url('crl/intermediate.crl')))
        self.open(draft, 'REVOKED_NO_POE', '--crl', path, crls=False)

    def test_who_is_asked_knows_more_than_the_document(self):
        grace, draft = self.services.issue('grace'), Draft()
        draft.sign(grace, services=self.services)
        draft.store(self.services, [grace])
        self.services.revoke(grace, 'keyCompromise', at=time.time() - 90)
        self.passes(draft, crls=False)
        self.open(draft, 'REVOKED_NO_POE', '--online', crls=False)

    def decoys(self, count):
        """Certificates with the intermediate's name and key identifier, of another key, each with a serial number of its own."""
        intermediate, path, serial = self.services.authorities['intermediate'].certificate, self.folder / 'decoy.der', 0x112233 << 32
        key_id = must(['openssl', 'x509', '-in', intermediate, '-noout', '-ext', 'subjectKeyIdentifier']).split()[-1]
        must(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout',
              self.folder / 'decoy.key', '-subj', '/C=JP/O=Test/CN=intermediate CA', '-utf8', '-days', '9', '-set_serial', str(serial),
              '-addext', f'subjectKeyIdentifier={key_id}', '-outform', 'DER', '-out', path])
        return [path.read_bytes().replace(serial.to_bytes(7, 'big'), (serial + i).to_bytes(7, 'big')) for i in range(count)]

    def test_decoys_spoil_nothing_and_cost_little(self):
        """Certificates of the issuer's name that somebody appended to the document."""
        draft = Draft()
        draft.sign(self.alice, services=self.services, stamp=self.services)
        draft.store(self.services, [self.alice])
        draft.add_store(self.decoys(3000), [], [])
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.passes(draft)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertLess(ended.ru_utime - began.ru_utime, 3)

    def test_weak_issuer(self):
        self.services.authority('small', issuer='root', key='rsa-1024', start=time.time() - DAY)
        dan, draft = self.services.issue('dan', issuer='small'), Draft()
        draft.sign(dan, services=self.services)
        verdict = self.open(draft, 'CRYPTO_CONSTRAINTS_FAILURE_NO_POE', '--online')
        self.assertIn('rsa-1024', verdict['words'])
        self.services.authority('tiny', issuer='root', key='rsa-pss-1024', start=time.time() - DAY)
        dina, draft = self.services.issue('dina', issuer='tiny', ocsp=False), Draft()
        draft.sign(dina, services=self.services)
        verdict = self.open(draft, 'CRYPTO_CONSTRAINTS_FAILURE_NO_POE', '--online')
        self.assertIn('rsa-pss-1024', verdict['words'])

    def test_tsa_that_nobody_knows(self):
        """Takes nothing away from a signature that is good without it, and proves nothing."""
        stranger = self.services.stranger()
        self.services.tsa('foreign', issuer=stranger)
        draft = self.signed()
        draft.stamp(self.services, tsa='foreign')
        verdict = self.passes(draft)
        self.assertIn('proves nothing', verdict['notes'][0])
        self.assertNotIn('proven', verdict['signatures'][0])

    def test_timestamp_over_something_else(self):
        draft = self.signed()
        draft.sign(None, field='Stamp', sub_filter='ETSI.RFC3161', kind='DocTimeStamp',
                   make=lambda data: token_over(self.services, b'else'))
        self.fails(draft, 'HASH_FAILURE', 'something else')


class LongTermTest(unittest.TestCase):
    """A signature's life, with a PKI whose time is chosen."""
    begin = int(time.time()) - 3000 * DAY

    @classmethod
    def setUpClass(cls):
        cls.services = AuthorityServices(clock=cls.begin)
        cls.addClassCleanup(cls.services.close)
        cls.alice = cls.services.issue('alice', end=cls.begin + 365 * DAY)
        cls.services.tsa()
        cls.services.tsa('first', end=cls.begin + 1000 * DAY)
        cls.services.tsa('second', start=cls.begin - DAY, end=cls.begin + 4000 * DAY)
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix='trustp11-verify-'))
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def at(self, day):
        self.services.clock = self.begin + day * DAY

    def verify(self, draft, day, *options):
        path = draft.save(self.folder / 'draft.pdf')
        moment = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(self.begin + day * DAY + 60))
        result = run([CLI, 'pdf', 'verify', '--trust', self.services.anchors, '--at', moment, *options, '--json', path],
                     env={'PATH': '/usr/bin:/bin', 'HOME': str(self.folder)})
        verdict = json.loads(result.out)
        return verdict['verdict'], verdict.get('sub'), verdict

    def signed(self, tsa=None):
        self.at(0)
        draft = Draft()
        draft.sign(self.alice, services=self.services)
        draft.store(self.services, [self.alice], tsas=('first', 'second'))
        if tsa:
            draft.stamp(self.services, field='Stamp0', tsa=tsa)
        return draft


class LongTerm(LongTermTest):
    def test_without_proof_it_ends_with_its_certificate(self):
        draft = self.signed()
        self.assertEqual(self.verify(draft, 1)[0], 'TOTAL-PASSED')
        self.assertEqual(self.verify(draft, 400)[:2], ('INDETERMINATE', 'OUT_OF_BOUNDS_NO_POE'))

    def test_stamped_it_outlives_its_certificate(self):
        draft = self.signed('first')
        verdict = self.verify(draft, 1)
        self.assertEqual(verdict[0], 'TOTAL-PASSED', verdict)

    def test_renewed_in_time_it_outlives_the_tsa(self):
        draft = self.signed('first')
        self.at(300)
        draft.store(self.services, [self.alice], tsas=('first', 'second'))
        draft.stamp(self.services, field='Stamp1', tsa='second')
        self.at(1500)
        draft.store(self.services, [self.alice], tsas=('second',))
        verdict = self.verify(draft, 1500)
        self.assertEqual(verdict[0], 'TOTAL-PASSED', json.dumps(verdict[2], indent=1))
        self.assertEqual(verdict[2]['signatures'][0]['level'], 'B-LTA')
        self.assertTrue(verdict[2]['signatures'][0]['proven'].startswith(time.strftime('%Y-%m-%d', time.gmtime(self.begin))))

    def test_renewed_too_late(self):
        draft = self.signed('first')
        self.at(1100)
        draft.store(self.services, [self.alice], tsas=('second',))
        draft.stamp(self.services, field='Stamp1', tsa='second')
        verdict = self.verify(draft, 1100)
        self.assertEqual(verdict[:2], ('INDETERMINATE', 'OUT_OF_BOUNDS_NO_POE'), json.dumps(verdict[2], indent=1))

    def test_timestamps_that_contradict_each_other(self):
        """One over the signature that is later than one over the document that has it."""
        self.at(10)
        draft = Draft()
        draft.sign(self.alice, services=self.services, stamp=self.services)
        self.at(5)
        draft.store(self.services, [self.alice], tsas=('tsa', 'first', 'second'))
        draft.stamp(self.services, field='Earlier', tsa='first')
        self.at(20)
        draft.store(self.services, [self.alice], tsas=('tsa', 'first', 'second'))
        self.assertEqual(self.verify(draft, 20)[:2], ('INDETERMINATE', 'TIMESTAMP_ORDER_FAILURE'))

    def test_a_timestamp_from_before_its_tsa_proves_nothing(self):
        """A new key's certificate begins when its holder may stamp: an earlier time is not that holder's to tell."""
        for name, start, proven in (('young', 50 * DAY, False), ('just-in-time', 200, True)):
            with self.subTest(tsa=name):
                self.services.tsa(name, start=self.begin + start, end=self.begin + 1000 * DAY)
                draft = self.signed(name)
                self.at(55)
                draft.store(self.services, [self.alice], tsas=(name,))
                status, _, verdict = self.verify(draft, 55)
                self.assertEqual(status, 'TOTAL-PASSED', verdict)
                self.assertEqual('proven' in verdict['signatures'][0], proven, verdict)

    def test_a_timestamp_of_the_future_proves_nothing(self):
        draft = self.signed()
        self.at(500)
        draft.stamp(self.services, field='Late', tsa='second')
        status, sub, verdict = self.verify(draft, 1)
        self.assertEqual(status, 'TOTAL-PASSED', verdict)
        self.assertNotIn('proven', verdict['signatures'][0])


class Told(VerifyTest):
    """What people and programs are shown."""

    def draft(self):
        entries = r'/Reason (<b>&amp;"\'\)) /Location <feff67714eac> /ContactInfo (a\033[31mb)'
        draft = self.signed(entries=entries)
        return draft.update({4: stream(b'BT ET')})

    def report(self, ending, *options):
        path = self.folder / f'report{ending}'
        path.unlink(missing_ok=True)
        result = run([CLI, 'pdf', 'verify', '--trust', self.services.anchors, *self.crls, '--report', path, *options,
                      self.draft().save(self.folder / 'draft.pdf')], env=self.env)
        self.assertEqual(result.status, 1)
        return path, result

    def test_words(self):
        _, result = self.report('.json')
        for words in ('TOTAL-FAILED', 'changed after signing: page 1 /Contents', 'signed by', '東京', 'revision 2 of 3'):
            self.assertIn(words, result.out)
        self.assertNotIn('\033', result.out)

    def test_xml(self):
        path, _ = self.report('.xml')
        root = xml.etree.ElementTree.parse(path).getroot()
        self.assertEqual(root.tag, REPORT + 'ValidationReport')
        self.assertEqual(root.find(f'.//{REPORT}MainIndication').text, 'urn:etsi:019102:mainindication:total-failed')
        self.assertEqual(root.find(f'.//{REPORT}SubIndication').text, 'urn:etsi:019102:subindication:FORMAT_FAILURE')
        self.assertEqual(root.find(f'.//{REPORT}ReasonElement').text, '<b>&amp;"\')')
        self.assertEqual(len(root.findall(f'.//{REPORT}ValidationObject')), 3)

    def test_page(self):
        for language, words in (('en', ['Not valid', 'Changes after signing']), ('ja', ['無効', '署名後の変更']),
                                ('both', ['無効 / Not valid'])):
            path, _ = self.report('.html', '--lang', language)
            text = path.read_text()
            for word in words:
                self.assertIn(word, text)
            self.assertNotIn('<b>&amp;', text)
            self.assertNotIn('<script', text)
            self.assertIn('<table class="chain">', text)  # columns of fixed widths, and no border in print
            self.assertRegex(text, r'\.chain\{table-layout:fixed\}.*@media print\{.*section\{border:0')
            self.assertNotIn(str(self.folder), text)
            self.assertEqual(Tags.of(text), [])

    def test_report_is_never_written_over(self):
        path, _ = self.report('.json')
        result = run([CLI, 'pdf', 'verify', '--report', path, self.folder / 'draft.pdf'], env=self.env)
        self.assertIn('report.json is there already', result.err)
        self.assertEqual(result.out, '')

    def test_report_without_a_place(self):
        draft, path = self.signed().save(self.folder / 'draft.pdf'), self.folder / 'missing' / 'report.json'
        result = run([CLI, 'pdf', 'verify', '--report', path, draft], env=self.env)
        self.assertRegex(result.err, 'missing/report.json: .*folder .*: No such file or directory')
        self.assertEqual((result.status, result.out), (1, ''))
        result = run([CLI, 'pdf', 'verify', '--report', 'x.doc', draft], env=self.env)
        self.assertEqual(result.status, 2)

    def page(self, draft, *options):
        """The page in Japanese about DRAFT, and what the terminal was told."""
        path = self.folder / 'page.html'
        path.unlink(missing_ok=True)
        result = run([CLI, 'pdf', 'verify', *options, '--lang', 'ja', '--report', path, draft.save(self.folder / 'draft.pdf')], env=self.env)
        return path.read_text(), result.out

    def test_what_options_help_is_for_the_terminal_alone(self):
        draft = self.signed(stamp=self.services)
        for trust, hint, words in (([], 'give the root certificate with --trust', '信頼する認証局にも、手元の証明書にも、発行者がありません'),
                                   (['--trust', self.services.anchors], 'give --online, --ocsp or --crl', '失効情報がありません')):
            text, told = self.page(draft, *trust)
            self.assertEqual(told.count(hint), 3, told)  # of the document, the signature, and the timestamp over it
            self.assertIn(words, text)
            for english in ('--', 'nobody', 'nothing', 'there is'):
                self.assertNotIn(english, text.split('</style>')[1])

    def test_why_a_timestamp_lifts_no_level_is_said(self):
        draft = self.signed(stamp=self.services)
        text, told = self.page(draft, '--trust', self.services.anchors)
        self.assertIn('B-B: タイムスタンプは証明されていません', text)
        self.assertIn('B-B, since its timestamp is not proven: see there', told)
        text, told = self.page(draft, '--trust', self.services.anchors, '--online')
        self.assertNotIn('証明されていません', text)
        self.assertRegex(told, r'level +B-T\n')

    def test_what_others_said_stands_behind_a_sentence(self):
        paths = 'ocsp/intermediate', 'crl/intermediate.crl'
        for behaviour, words in (('close', '有効な回答を得られませんでした（Empty reply from server）'), ('http-500', '（HTTP ステータス 500）'),
                                 ('garbage', '（RFC 6960 の OCSP 応答ではありません）')):
            for path in paths:
                self.services.behave(path, behaviour)
                self.addCleanup(self.services.behave, path)
            self.assertIn(words, self.page(self.signed(), '--trust', self.services.anchors, '--online')[0], behaviour)

    def test_what_was_changed_is_said_once(self):
        draft = self.signed()
        draft.data = draft.data.replace(b'100 yen', b'900 yen')
        text, _ = self.page(draft)
        self.assertEqual(text.count('署名対象が改変されています'), 2)  # of the document, and of the signature

    def test_which_file_it_was(self):
        draft = self.draft()
        digest = hashlib.sha256(draft.data).hexdigest()
        self.assertEqual(self.verify(draft)['sha256'], digest)
        text, told = self.page(draft)
        self.assertIn(f'<p class="sub">ファイルの SHA-256: {digest}</p>', text)
        self.assertNotIn(digest, told)

    def test_digests_in_xml(self):
        """Of the document, and of the signed attributes that the signature is over."""
        made, draft, path = {}, Draft(), self.folder / 'digests.xml'

        def make(data):
            made.update(data=data, cms=Draft.cms(data, self.alice, services=self.services, stamp=self.services))
            return made['cms']
        draft.sign(self.alice, make=make)
        run([CLI, 'pdf', 'verify', '--trust', self.services.anchors, *self.crls, '--report', path, draft.save(self.folder / 'draft.pdf')],
            env=self.env)
        root = xml.etree.ElementTree.parse(path).getroot()
        signer = items(items(items(inside(made['cms'])[1][1])[0][1])[-1][1])[0]
        attributes = next(content for tag, content, _ in items(signer[1]) if tag == 0xa0)
        for element, signed in (('SignersDocument', made['data']), ('SignatureIdentifier', tlv(SET, attributes))):
            value = root.find(f'.//{REPORT}{element}//{XMLDSIG}DigestValue').text
            self.assertEqual(value, base64.b64encode(hashlib.sha256(signed).digest()).decode())
            method = root.find(f'.//{REPORT}{element}//{XMLDSIG}DigestMethod').get('Algorithm')
            self.assertEqual(method, 'http://www.w3.org/2001/04/xmlenc#sha256')
        best = root.find(f'.//{REPORT}BestSignatureTime')
        self.assertEqual(best.find(f'{REPORT}TypeOfProof').text, 'urn:etsi:019102:poetype:validation')
        self.assertEqual(best.find(f'{REPORT}POETime').text, root.find(f'.//{REPORT}TimeStampValue').text)

    def test_a_language_of_no_report(self):
        draft = self.signed().save(self.folder / 'draft.pdf')
        result = run([CLI, 'pdf', 'verify', '--lang', 'ja', draft], env=self.env)
        self.assertEqual((result.status, result.out), (2, ''))
        self.assertRegex(result.err, '--report FILE.html')
        self.assertEqual(result.err.count('\n'), 1)

    def test_many_files(self):
        good, bad = self.signed().save(self.folder / 'good.pdf'), self.draft().save(self.folder / 'bad.pdf')
        result = run([CLI, 'pdf', 'verify', '--trust', self.services.anchors, *self.crls, '--json', good, self.folder / 'none', bad],
                     env=self.env)
        self.assertEqual(result.status, 1)
        self.assertEqual([json.loads(line)['verdict'] for line in result.out.splitlines()], ['TOTAL-PASSED', 'TOTAL-FAILED'])
        self.assertIn('none', result.err)

    def test_detached(self):
        document, signature = self.folder / 'document.txt', self.folder / 'document.p7s'
        document.write_text('I owe you 100 yen.')
        signature.write_bytes(Draft.cms(document.read_bytes(), self.alice, services=self.services, stamp=self.services))
        arguments = [CLI, 'cms', 'verify', '--trust', self.services.anchors, *self.crls, '--json', signature, document]
        result = run(arguments, env=self.env)
        self.assertEqual((result.status, json.loads(result.out)['signatures'][0]['level']), (0, 'B-T'), result.err)
        self.assertEqual(json.loads(result.out)['sha256'], hashlib.sha256(document.read_bytes()).hexdigest())
        pem = self.folder / 'document.pem'
        must(['openssl', 'cms', '-cmsout', '-inform', 'DER', '-in', signature, '-outform', 'PEM', '-out', pem])
        self.assertEqual(run([*arguments[:-2], pem, document], env=self.env).status, 0)
        self.assertIn(f'{self.folder}: it is a folder: name a file that is in it', run([*arguments[:-1], self.folder], env=self.env).err)
        swapped = run([*arguments[:-2], document, signature], env=self.env)
        self.assertEqual(swapped.status, 1)
        self.assertIn(f'{document}: this is not a CMS, or it was cut off; first the signature is named, then what it is over', swapped.err)
        document.write_text('I owe you 999 yen.')
        result = run(arguments, env=self.env)
        self.assertEqual((result.status, json.loads(result.out)['sub']), (1, 'HASH_FAILURE'))

    def test_detached_attributes_are_no_document(self):
        """Whoever signs attributes signs their bytes: a signature without attributes over those is as good, and over no document."""
        document, signature = self.folder / 'document', self.folder / 'document.p7s'
        attributes, cms = bare(Draft.cms(b'I owe you 100 yen.', self.alice, services=self.services))
        for content, made, status in ((attributes, cms, 1), *(
                (text, Draft.cms(text, self.alice, options=('-noattr',), services=self.services), 0)
                for text in (b'I owe you 100 yen.', b'', b'1' + b'0' * 48))):
            with self.subTest(content=content[:8]):
                document.write_bytes(content)
                signature.write_bytes(made)
                result = run([CLI, 'cms', 'verify', '--trust', self.services.anchors, *self.crls, '--json', signature, document],
                             env=self.env)
                told = json.loads(result.out)
                self.assertEqual((result.status, told.get('sub')), (status, 'FORMAT_FAILURE' if status else None), told)
                if status:
                    must(['openssl', 'cms', '-verify', '-binary', '-inform', 'DER', '-in', signature, '-content', document, '-CAfile',
                          self.services.anchors, '-purpose', 'any', '-out', '/dev/null'])  # others take it


class Tags(html.parser.HTMLParser):
    """Elements that are left open, or closed without having been opened."""

    def __init__(self):
        super().__init__()
        self.stack, self.wrong = [], []

    @classmethod
    def of(cls, text):
        parser = cls()
        parser.feed(text)
        return parser.wrong + parser.stack

    def handle_starttag(self, tag, attrs):
        if tag != 'meta':
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.wrong.append(tag)


class Hostile(VerifyTest):
    """Every file costs an error message, or a verdict, in bounded time; none passes."""

    def judge(self, data):
        path = self.folder / 'hostile.pdf'
        path.write_bytes(data)
        result = run([CLI, 'pdf', 'verify', '--trust', self.services.anchors, *self.crls, path], env=self.env, timeout=25)
        self.assertIn(result.status, (1, 3), result)  # 3: what is left of it has no signature
        self.assertLessEqual(result.err.count('\n'), 1)

    def test_cut_anywhere(self):
        data = self.signed().data
        for part in range(1, 12):
            self.judge(data[:len(data) * part // 12])

    def test_no_pdf(self):
        for data in (b'', b'%PDF-1.7', b'\0' * 4096, b'%PDF-1.7\n' + b'[' * 100000, b'%PDF-1.7\n' + b'startxref\n1\n%%EOF\n' * 9000):
            self.judge(data)

    def test_loops_and_depth(self):
        draft = Draft()
        draft.update({7: '<< /T (x) /Kids [7 0 R 9 0 R] >>'})
        self.judge(draft.data)
        deep = {n: f'<< /T (x) /Kids [{n + 1} 0 R] >>' for n in range(100, 400)}
        self.judge(Draft(extra={**deep, 400: '<< /T (x) >>', 6: '<< /Fields [100 0 R] >>'}).data)
        self.judge(Draft(extra={2: '<< /Type /Pages /Kids [2 0 R] /Count 1 >>'}).data)

    def test_changed_form_loops_and_depth(self):
        draft = self.signed()
        deep = {n: f'<< /FT /Sig /T (x) /Kids [{n + 1} 0 R] >>' for n in range(100, 400)}
        draft.update({**deep, 400: '<< /T (x) >>', **draft.append_to(6, 'Fields', '100 0 R')})
        self.judge(draft.data)
        draft = self.signed()
        draft.update({50: '<< /FT /Sig /T (x) /Kids [50 0 R] >>', **draft.append_to(6, 'Fields', '50 0 R'), 4: stream(b'BT ET')})
        self.judge(draft.data)

    def test_many_signatures(self):
        fields = {n: f'<< /FT /Sig /T (f{n}) /V << /Type /Sig /ByteRange [0 1 2 3] /Contents <00> >> >>' for n in range(100, 300)}
        self.judge(Draft(extra={**fields, 6: '<< /Fields [' + ' '.join(f'{n} 0 R' for n in fields) + '] >>'}).data)


if __name__ == '__main__':
    unittest.main()
