# SPDX-License-Identifier: Apache-2.0
"""`trustp11 pdf sign` with a smart card in a reader, through OpenSC's module: the URI is all that is different."""
import json
import unittest

import pdfs
from smart_card import OPENSC, Card, Reader
from test_pdf_sign import PdfTest
from tools import needs_root, write_private

PIN = '135792'


@needs_root
class SmartCard(PdfTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.leaf = cls.services.issue('carla', key='rsa', issuer='root')  # a card has no chain on it
        reader = Reader()
        cls.addClassCleanup(reader.close)

    def setUp(self):
        super().setUp()
        self.card = Card(self.dir, self.leaf, PIN)
        self.addCleanup(self.card.take_out)

    def uri(self, pin=None):
        """Of the card's only key."""
        uri = f'pkcs11:token=carla?module-path={OPENSC}'
        return f'{uri}&pin-source=file:{write_private(self.dir / "pin", pin)}' if pin else uri

    def sign_by_card(self, *options, pin=None, stdin='', level='B-B'):
        return self.cli('pdf', 'sign', '--key', self.uri(pin), '--level', level, *options, stdin=stdin)

    def test_a_document(self):
        self.assert_done(self.sign_by_card(self.pdf, self.out, stdin=PIN + '\n'))
        self.assert_signed(self.pdf, self.out)

    def test_each_level_and_scheme(self):
        for level, *options in (('B-T', '--pss'), ('B-LTA', '--hash', 'SHA-512')):
            with self.subTest(level=level):
                done = self.sign_by_card('--tsa', self.tsa, '--trust', self.anchors, *options, '--force', self.pdf, self.out, pin=PIN,
                                         level=level)
                self.assert_done(done)
                self.assert_signed(self.pdf, self.out, stamps=level == 'B-LTA', whole=level != 'B-LTA')
                self.assert_passed(self.out, '--online')

    def test_a_batch_asks_once(self):
        many, results = self.dir / 'many', self.dir / 'signed'
        many.mkdir()
        for n in range(6):
            (many / f'{n}.pdf').write_bytes(pdfs.table(pdfs.page(text=b'Document %d' % n)))
        done = self.sign_by_card('--batch', many, '--out', results, '--json', stdin=PIN + '\n')
        self.assert_done(done)
        self.assertEqual(json.loads(done.out.splitlines()[-1])['signed'], 6)
        for n in range(6):
            self.assert_signed(many / f'{n}.pdf', results / f'{n}.pdf')

    def test_a_wrong_pin_signs_nothing_and_the_right_one_does_afterwards(self):
        self.assert_line(self.sign_by_card(self.pdf, self.out, stdin='975310\n'), 'PIN')
        self.assert_untouched()
        self.assert_done(self.sign_by_card(self.pdf, self.out, stdin=PIN + '\n'))

    def test_a_card_that_was_taken_out(self):
        self.card.take_out()
        self.assert_line(self.sign_by_card(self.pdf, self.out, pin=PIN), str(OPENSC), 'token')
        self.assert_untouched()
        self.card.put_in()
        self.assert_done(self.sign_by_card(self.pdf, self.out, pin=PIN))


if __name__ == '__main__':
    unittest.main()
