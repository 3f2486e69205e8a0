# SPDX-License-Identifier: Apache-2.0
"""trustp11 pdf verify against updates that readers read in different ways: what any of them may show is content."""
import functools
import json
import sys
import unittest
import zlib

from draft import PAGE_TEXT, Draft, appearance, stream, token_over
from test_pdf_verify import FILLED, NOTE, VerifyTest
from tools import CLI, must, run

EVIL = stream(PAGE_TEXT.replace(b'100', b'999'))


class Update:
    """One revision more, its cross-references written by hand: ROWS are (number, generation, offset; None: free)."""

    def __init__(self, draft):
        self.draft, self.rows = draft, []

    def put(self, number, content, generation=0, header=None, row=True):
        """HEADER: the generation before "obj", when it is not that of the row."""
        if row:
            self.rows.append((number, generation, len(self.draft.data)))
        self.draft.data += b'%d %d obj\n' % (number, generation if header is None else header)
        self.draft.data += (content.encode() if isinstance(content, str) else content) + b'\nendobj\n'
        return self

    def free(self, number, generation=1):
        self.rows.append((number, generation, None))
        return self

    def end(self, trailer):
        text = (f'trailer\n<< /Size {trailer.get("Size", max(self.draft.objects) + 20)} /Root 1 0 R '
                f'/Prev {self.draft.startxref} {trailer.get("more", "")} >>\n')
        self.draft.startxref = trailer['at']
        self.draft.data += text.encode() + b'startxref\n%d\n%%%%EOF\n' % trailer['at']
        return self.draft

    def table(self, **trailer):
        at = len(self.draft.data)
        self.draft.data += b'xref\n' + b''.join(
            b'%d 1\n%010d %05d %s \n' % (n, offset or 0, generation, b'f' if offset is None else b'n') for n, generation, offset in self.rows)
        return self.end({**trailer, 'at': at})

    def section(self, number, rows, entries='', last=True):
        """A cross-reference stream; ROWS: (number, three fields)."""
        at, rows = len(self.draft.data), sorted(rows)
        if last:
            rows.append((number, 1, at, 0))
        data = zlib.compress(b''.join(bytes([kind]) + second.to_bytes(4, 'big') + third.to_bytes(2, 'big') for _, kind, second, third in rows))
        index = ' '.join(f'{row[0]} 1' for row in rows)
        self.draft.data += b'%d 0 obj\n' % number + stream(
            data, f'/Type /XRef /W [1 4 2] /Index [{index}] /Filter /FlateDecode /Size {number + 1} /Root 1 0 R {entries}') + b'\nendobj\n'
        return at

    def fields(self):
        return [(n, 0 if offset is None else 1, offset or 0, generation) for n, generation, offset in self.rows]

    def stream(self, rows=()):
        at = self.section(max(self.draft.objects) + 19, [*self.fields(), *rows], f'/Prev {self.draft.startxref}')
        self.draft.startxref = at
        self.draft.data += b'startxref\n%d\n%%%%EOF\n' % at
        return self.draft

    def hybrid(self):
        """All that is new stands in the stream alone."""
        at = self.section(max(self.draft.objects) + 19, self.fields(), last=False)
        self.rows = [(0, 65535, None)]
        return self.table(more=f'/XRefStm {at}')


def object_stream(members, extra=''):
    """MEMBERS: (number, text)."""
    head, body = '', ''
    for number, text in members:
        head += f'{number} {len(body)} '
        body += text + ' '
    return stream((head + body).encode(), f'/Type /ObjStm /N {len(members)} /First {len(head)} {extra}')


def mixed(draft):
    """DRAFT, so that a cross-reference stream may follow."""
    return Update(draft).put(5, draft.text(5)).hybrid()


class ReadersTest(VerifyTest):
    def certified(self, draft=None):
        return self.signed(draft or Draft(), certify=1)

    def refused(self, draft, words='readers may show different things'):
        verdict = self.fails(draft, 'FORMAT_FAILURE', 'changed after signing: ')
        told = [change['words'] for change in verdict['signatures'][0]['changes'] if not change['allowed']]
        self.assertTrue(any(words in line for line in told), told)


class Hidden(ReadersTest):
    """What readers do not read alike is as it was signed; what it refers to, for any of them, has to be, too."""

    def page(self, contents):
        """poppler takes the first of a key in dictionaries that are large."""
        more = ' '.join(f'/K{i} {i}' for i in range(40))
        return Draft().text(3).replace('/Contents 4 0 R', f'{contents} {more}')

    def test_a_key_twice(self):
        for contents in ('/Contents 30 0 R /Contents 4 0 R', '/Contents 30 0 R /X ( \\) ) /Contents 4 0 R', '/Contents 30 %\n0 R /Contents 4 0 R',
                         '/Contents [30 0 R] /Contents 4 0 R', '/Contents +30 0 R /Contents 4 0 R', '/Contents 4 0 R /Resources << /X 30 0 R >>'):
            for extra in ({}, {30: stream(PAGE_TEXT)}):
                with self.subTest(contents=contents, extra=len(extra)):
                    draft = self.certified(Draft({3: self.page(contents), **extra}))
                    self.passes(draft)
                    self.refused(draft.update({30: EVIL}), 'object 30 can be read in two ways')

    def test_what_is_behind_it(self):
        page = self.page('/Contents 4 0 R /Resources 30 0 R')
        draft = self.certified(Draft({3: page, 30: '<< /Font << /F1 31 0 R >> >>', 31: Draft().text(5)}))
        self.passes(draft)
        self.passes(draft.store(self.services, [self.alice]))
        self.refused(draft.update({31: '<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>'}), 'object 31 can be read in two ways')

    def test_in_an_object_stream(self):
        page = self.page('/Contents 30 0 R /Contents 4 0 R').replace('/Type /Page', '/Type /Page /Font 5 0 R')
        draft = Update(mixed(Draft({30: stream(PAGE_TEXT)}))).put(44, object_stream([(3, page), (45, '<< /X 8 0 R >>')]))
        draft = draft.stream([(3, 2, 44, 0), (45, 2, 44, 1)])
        self.passes(self.signed_aside(draft))
        self.refused(Update(draft).put(30, EVIL).stream(), 'object 30 can be read in two ways')

    def signed_aside(self, draft):
        """In the field that was there: the page stays as it is."""
        draft.sign(self.alice, into=9, services=self.services)
        return draft

    def test_others_may_change(self):
        draft = self.signed(Draft({3: self.page('/Contents 30 0 R /Contents 4 0 R')}))
        self.passes(draft.update(FILLED))
        self.passes(draft.store(self.services, [self.alice]))

    def test_an_entry_twice(self):
        """Some take the first of a section's two, some the last."""
        page = Draft().text(3)
        other = page.replace('/Contents 4', '/Contents 30')
        for pages in ((page, other), (other, page), (page, other, page)):
            with self.subTest(other=pages.index(other), count=len(pages)):
                update = Update(Draft({30: stream(PAGE_TEXT)}))
                for text in pages:
                    update.put(3, text)
                draft = self.signed_aside(update.table())
                self.passes(draft)
                self.fails(draft.update({30: EVIL}), 'FORMAT_FAILURE', 'changed after signing: ')


class Generations(ReadersTest):
    """QPDF goes by number and generation, MuPDF by number alone."""

    def test_another_generation_in_each_kind_of_section(self):
        for kind in ('table', 'stream', 'hybrid'):
            for generation in (1, 7, 65534, 65535):
                with self.subTest(kind=kind, generation=generation):
                    self.refused(getattr(Update(self.certified()).put(4, EVIL, generation), kind)())

    def test_whatever_it_replaces(self):
        for number, content in ((3, Draft().text(3).replace('/Contents 4', '/Contents 40')), (8, appearance('999')),
                                (1, Draft().text(1).replace('/Type', '/OpenAction << /S /JavaScript /JS (x) >> /Type')),
                                (7, Draft().text(7).replace('(100)', '(999)')), (5, '<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>')):
            with self.subTest(number):
                self.refused(Update(self.certified()).put(number, content, 1).table())

    def test_under_a_document_timestamp(self):
        draft = Update(self.certified()).put(4, EVIL, 1).table()
        draft.stamp(self.services)
        self.refused(draft)

    def test_a_header_that_has_the_right_generation(self):
        self.refused(Update(self.certified()).put(4, EVIL, 1, header=0).table(), 'it is not where the cross-reference table says')

    def test_freed_first(self):
        draft = Update(self.certified()).free(4).table()
        self.refused(Update(draft).put(4, EVIL, 1).table())

    def test_in_one_section_with_what_it_hides(self):
        update = Update(self.certified())
        self.refused(update.put(4, EVIL, 1).put(4, stream(PAGE_TEXT)).table())

    def test_a_reference_that_led_nowhere(self):
        """Signed with a reference by a generation that there was not, which then comes under another."""
        for reference in ('/Contents [4 0 R 90 3 R]', '/Thumb 90 3 R /Contents 4 0 R'):
            with self.subTest(reference):
                draft = self.certified(Draft(extra={3: Draft().text(3).replace('/Contents 4 0 R', reference)}))
                draft.objects[90] = '<< >>'
                self.refused(Update(draft).put(90, EVIL).table())

    def test_a_number_that_was_freed_may_come_again(self):
        """ISO 32000-2 §7.5.4: with its next generation, and nothing that still refers to the old one."""
        draft = self.signed(Draft(extra={50: '<< >>'}))
        update = Update(Update(draft).free(50).table()).put(50, NOTE[50], 1)
        draft = update.put(3, draft.append_to(3, 'Annots', '50 1 R')[3]).table()
        self.assertEqual(self.passes(draft)['signatures'][0]['changes'][0]['nature'], 'annotation')

    def test_beyond_size(self):
        draft = self.certified(Draft(extra={3: Draft().text(3).replace('/Contents 4 0 R', '/Contents [4 0 R 90 0 R]')}))
        self.refused(Update(draft).put(90, EVIL).table(Size=max(draft.objects) + 1))


class Syntax(ReadersTest):
    """One object, or one cross-reference, that says two things."""

    def test_a_number_twice_in_one_table(self):
        for first, second in ((stream(PAGE_TEXT), EVIL), (EVIL, stream(PAGE_TEXT))):
            verdict = self.verify(Update(self.certified()).put(4, first).put(4, second).table())
            self.assertEqual(verdict['verdict'], 'TOTAL-FAILED')

    def test_a_key_twice(self):
        for contents in ('/Contents 4 0 R /Contents 40 0 R', '/Contents 40 0 R /Contents 4 0 R'):
            with self.subTest(contents):
                draft = self.certified()
                update = Update(draft).put(40, EVIL).put(3, draft.edit(3, '/Contents 4 0 R', contents)[3])
                self.assertEqual(self.verify(update.table())['verdict'], 'TOTAL-FAILED')
        draft = self.certified()
        twice = draft.edit(3, '/Contents 4 0 R', '/Contents 4 0 R /Contents 4 0 R')[3]
        self.passes(Update(draft).put(3, twice).table())

    def test_a_stream_that_is_longer_than_it_says(self):
        short = stream(PAGE_TEXT).replace(b'\nendstream', b' BT ET\nendstream')
        self.assertEqual(self.verify(Update(self.certified()).put(4, short).table())['verdict'], 'TOTAL-FAILED')

    def test_written_again_as_it_was(self):
        """By any form, and with other white space: nothing has changed."""
        draft = self.certified()
        self.passes(Update(draft).put(4, stream(PAGE_TEXT)).put(3, draft.text(3).replace(' ', '\n')).table())
        self.passes(Update(draft).put(5, draft.text(5)).hybrid())
        self.passes(Update(draft).put(4, stream(PAGE_TEXT)).stream())
        draft = self.certified()
        self.passes(self.packed(draft, [(5, draft.text(5)), (2, draft.text(2))]))

    @staticmethod
    def packed(draft, members, rows=None, **container):
        """MEMBERS in an object stream, 70; ROWS: (number, index)."""
        draft = mixed(draft)
        rows = rows or [(number, index) for index, (number, _) in enumerate(members)]
        draft.objects[70] = ''
        return Update(draft).put(70, object_stream(members), **container).stream([(n, 2, 70, i) for n, i in rows])

    def test_object_streams(self):
        font, symbol = Draft().text(5), '<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>'
        for words, members, rows in (('twice', [(5, font), (5, symbol)], [(5, 0)]), ('twice, the last', [(5, symbol), (5, font)], [(5, 1)]),
                                     ('index of another', [(60, symbol), (5, font)], [(5, 0)]),
                                     ('index beyond', [(5, font)], [(5, 9)]),
                                     ('key twice', [(5, font.replace('/BaseFont', '/BaseFont /Symbol /BaseFont'))], [(5, 0)])):
            with self.subTest(words):
                self.assertEqual(self.verify(self.packed(self.certified(), members, rows))['verdict'], 'TOTAL-FAILED')

    def test_an_object_stream_under_two_generations(self):
        font, symbol = Draft().text(5), '<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>'
        draft = self.packed(self.certified(), [(5, font)])
        self.passes(draft)
        self.refused(Update(draft).put(70, object_stream([(5, symbol)]), 1).table())

    def tabled(self, form, header=b'5 2\n'):
        """An update whose table has the entries of FORM, for two objects that are as they were."""
        draft = self.certified()
        update = Update(draft).put(5, draft.text(5)).put(6, draft.text(6))
        at = len(draft.data)
        draft.data += b'xref\n' + header + form % tuple(row[2] for row in update.rows)
        return update.end({'at': at})

    def test_entries_by_the_letter(self):
        """Who counts bytes finds no entry where white space is more, mends the table, and shows what no table speaks of."""
        for form in (b'%010d 00000 n \n%010d 00000 n \n', b'%010d 00000 n\r\n%010d 00000 n\r\n', b'%010d 00000 n\n%010d 00000 n\n'):
            with self.subTest(form):
                self.passes(self.tabled(form))
        for form in (b'%010d 00000 n     \n%010d 00000 n \n', b'%d 0 n\n%d 0 n\n', b'%010d  00000 n \n%010d  00000 n \n',
                     b'     %010d 00000 n \n%010d 00000 n \n'):
            with self.subTest(form):
                self.refused(self.tabled(form), 'the cross-references can be read in two ways')

    def test_startxref_that_is_far_from_the_end(self):
        """QPDF looks for it in the last 1054 bytes, others in the last 1024: they show what stands last in the file."""
        draft = Draft()
        draft.data += b'4 0 obj\n' + EVIL + b'\nendobj\n'
        self.certified(draft)
        draft.data = draft.data.ljust(draft.data.rindex(b'startxref') + 1024)
        self.passes(draft)
        draft.data += b' '
        self.fails(draft, 'FORMAT_FAILURE', 'cross-references are damaged')

    def test_a_hybrid_that_is_none(self):
        """/XRefStm is of tables alone; MuPDF follows that of a stream, too, and here to what was signed as nobody's."""
        draft = Draft()
        evil = len(draft.data)
        draft.data += b'4 0 obj\n' + EVIL + b'\nendobj\n'
        hidden = Update(draft).section(60, [(4, 1, evil, 0)], last=False)
        self.certified(draft)
        self.passes(draft)
        update = Update(draft).put(5, draft.text(5))
        at = update.section(95, update.fields(), f'/Prev {draft.startxref} /XRefStm {hidden}')
        draft.data += b'startxref\n%d\n%%%%EOF\n' % at
        self.refused(draft, 'the cross-references can be read in two ways')

    def test_an_object_that_no_section_has(self):
        """Whoever has a reason to mend the file finds it, and takes the last of a number."""
        for header in (b'4 0 obj', b'4 0obj', b'4\n0\tobj'):
            for kind in ('table', 'stream', 'hybrid'):
                with self.subTest(header=header, kind=kind):
                    draft = self.certified()
                    update = Update(draft).put(5, draft.text(5))
                    draft.data += header + b'\n' + EVIL + b'\nendobj\n'
                    self.refused(getattr(update, kind)(), 'an object that no cross-reference leads to')
        font = Draft().text(5)
        self.passes(Update(Update(self.certified()).put(5, font).table()).put(5, font).table())  # an older one is in an older section

    @staticmethod
    def linearized(length):
        """The first part of a linearized file (Annex F), with a page of its own, for a file of LENGTH; startxref names another part."""
        parts = {81: '<< /Type /Catalog /Pages 82 0 R >>', 82: '<< /Type /Pages /Kids [83 0 R] /Count 1 >>',
                 83: Draft().text(3).replace('2 0 R', '82 0 R').replace('4 0 R', '84 0 R').replace('/Annots [7 0 R 9 0 R]', ''), 84: EVIL,
                 5: Draft().text(5)}
        draft = Draft.__new__(Draft)
        draft.data = b'%%PDF-1.7\n80 0 obj\n<< /Linearized 1 /L %d /H [700 20] /O 83 /E 900 /N 1 /T 9 >>\nendobj\n' % length
        draft.objects, draft.startxref, table = {}, 0, len(draft.data)
        places, body = {}, b''
        for number, content in parts.items():
            places[number] = table + 1000 + len(body)
            body += b'%d 0 obj\n' % number + (content if isinstance(content, bytes) else content.encode()) + b'\nendobj\n'
        rows = b''.join(b'%d 1\n%010d 00000 n \n' % place for place in sorted(places.items()))
        draft.data += (b'xref\n' + rows + b'trailer\n<< /Size 86 /Root 81 0 R >>\nstartxref\n0\n%%EOF\n').ljust(1000) + body
        return draft.update(Draft().objects)

    def test_a_linearized_file_that_becomes_one_by_its_length(self):
        """poppler begins at the first part of a file whose /L is its length, and by startxref otherwise."""
        draft = self.certified(self.linearized(60000))
        self.passes(draft)
        near = self.certified(self.linearized(len(draft.data) + 500))
        self.passes(near)
        near.data = near.data.ljust(len(draft.data) + 500)
        self.fails(near, 'FORMAT_FAILURE', 'cross-references are damaged')
        draft = Update(draft).put(90, '<< /Long (' + 'x' * (59000 - len(draft.data)) + ') >>').table()
        draft.data = draft.data.ljust(60000)
        self.refused(draft, 'the cross-references are damaged since')

    def test_a_linearized_file(self):
        """By QPDF: startxref names its first part."""
        path, linear = self.folder / 'plain.pdf', self.folder / 'linear.pdf'
        Draft().save(path)
        must(['qpdf', '--linearize', path, linear])
        facts = json.loads(run([CLI, 'pdf', 'verify', '--json', linear], env=self.env).out)
        self.assertFalse(facts['damaged'])

    def test_cross_references_that_cannot_be_followed(self):
        """A filter that nobody uses there: what it says is not known."""
        draft = self.certified()
        update = Update(draft).put(5, draft.text(5))
        rows = b''.join(bytes([kind]) + second.to_bytes(4, 'big') + third.to_bytes(2, 'big') for _, kind, second, third in update.fields())
        at = len(draft.data)
        draft.data += b'95 0 obj\n' + stream(rows.hex().encode() + b'>', f'/Type /XRef /W [1 4 2] /Index [5 1] /Filter /ASCIIHexDecode '
                                             f'/Size 96 /Root 1 0 R /Prev {draft.startxref}') + b'\nendobj\nstartxref\n%d\n%%%%EOF\n' % at
        self.refused(draft, 'the cross-references can be read in two ways')


class Mending(ReadersTest):
    """Who has a reason to mend a file goes through all of it, and shows the last object of a number: neither the reason nor the object may
    come after signing."""

    def store(self, draft):
        """What a certified document allows: an update with a DSS, 40."""
        update = Update(draft).put(1, draft.text(1).replace('/Type /Catalog', '/Type /Catalog /DSS 40 0 R')).put(40, '<< /Certs [] >>')
        draft.objects[40] = ''
        return update

    @staticmethod
    def write_table(draft, more, places, trailer, free):
        Draft.write_table(draft, places, f'{trailer} {more}', free)

    def row(self, number, at, kind='table'):
        update = self.store(self.certified())
        update.rows.append((number, 0, at(update.draft, update)))
        return getattr(update, kind)()

    def test_an_update_that_is_honest(self):
        for kind in ('table', 'hybrid'):
            self.passes(getattr(self.store(self.certified()), kind)())

    def test_entries_that_nothing_refers_to(self):
        """Their objects are never read, and lead to damage all the same (MuPDF)."""
        for words, at in (('beyond the file', lambda *_: 9999999999), ('another object', lambda _, update: update.rows[-1][2]),
                          ('no object', lambda _, update: update.rows[-1][2] + 3)):
            with self.subTest(words):
                self.refused(self.row(45, at), 'the cross-references can be read in two ways')
        self.refused(self.row(0, lambda _, update: update.rows[-1][2]), 'the cross-references can be read in two ways')

    def test_entries_of_object_streams_that_nothing_refers_to(self):
        for words, row, good in (('its member', (45, 2, 44, 0), True), ('no stream', (45, 2, 9, 0), False), ('no number', (45, 2, 9999, 0), False),
                                 ('another member', (46, 2, 44, 0), False), ('beyond its members', (45, 2, 44, 1), False)):
            with self.subTest(words):
                draft = mixed(self.certified())
                draft.objects[46] = ''
                draft = self.store(draft).put(44, object_stream([(45, '<< >>')])).stream([row])
                if good:
                    self.passes(draft)
                else:
                    self.refused(draft, 'the cross-references can be read in two ways')

    def test_as_it_was_when_it_was_signed(self):
        """Oddities of a document that nobody has touched since are how it was signed."""
        for more in ('', '/Info 77 0 R'):
            update = Update(Draft()).put(4, EVIL, row=False).put(4, EVIL).put(4, stream(PAGE_TEXT))
            del update.rows[0]
            update.rows.append((45, 0, 9999999999))
            draft = update.table(more=more)
            draft.write_table = functools.partial(self.write_table, draft, more)
            self.certified(draft)
            self.passes(draft)
            self.passes(self.store(draft).table(more=more))

    def test_an_object_under_the_entry_of_another(self):
        update = self.store(self.certified())
        at = len(update.draft.data)
        update.put(4, EVIL, row=False).rows.append((45, 0, at))
        self.refused(update.table(), 'an object behind the one of its number')

    def test_an_object_that_a_later_update_takes_back(self):
        draft = self.certified()
        old = draft.data.index(b'\n4 0 obj') + 1
        draft = Update(draft).put(4, EVIL).table()
        update = self.store(draft)
        update.rows.append((4, 0, old))
        self.refused(update.table(), 'an object behind the one of its number')

    def test_an_object_that_a_later_update_frees(self):
        """As when it was signed: a reference that leads nowhere."""
        for reference in ('/Contents [4 0 R 50 0 R]', '/Thumb 50 0 R /Contents 4 0 R'):
            with self.subTest(reference):
                draft = self.certified(Draft(extra={3: Draft().text(3).replace('/Contents 4 0 R', reference), 51: '<< >>'}))
                self.refused(Update(Update(draft).put(50, EVIL).table()).free(50).table(), 'an object behind the one of its number')
        self.passes(Update(Update(self.signed(Draft(extra={51: '<< >>'}))).put(50, EVIL).table()).free(50).table())

    def test_headers_that_not_everybody_reads(self):
        """Whatever any reader takes for one."""
        for header in (b'4 0%\nobj', b'4%\n0 obj', b'4 % 7 %\r0 % 8\n%\nobj', b'4 +0 obj', b'+4 0 obj', b'4. 0 obj', b'004 0 obj', b'4\v0\xffobj',
                       b'4%(\n0%)\nobj'):
            with self.subTest(header):
                update = self.store(self.certified())
                update.draft.data += header + b'\n' + EVIL + b'\nendobj\n'
                self.refused(update.table(), 'an object that no cross-reference leads to')

    def test_headers_that_are_none(self):
        for text in (b'% 4 0 objection', b'12 % 2000'):
            with self.subTest(text):
                update = self.store(self.certified())
                update.draft.data += text.replace(b' obj', b'\n obj ').replace(b'4 0\n', b'4 x 0\n') + b'\n'
                self.passes(update.put(41, '<< >>').table())

    def test_object_streams_that_nothing_leads_into(self):
        page = Draft().text(3).replace('/Contents 4', '/Contents 45')
        for members, good in (([(45, '<< >>')], True), ([(45, '<< >>'), (3, page)], False), ([(3, page), (3, page)], False),
                              ([(3, page)], '/Type /X'), ([(3, page)], '/Type 42 0 R')):
            with self.subTest(members=members, good=good):
                container = object_stream(members) if isinstance(good, bool) else object_stream(members, good)
                draft = self.store(self.certified()).put(42, '/ObjStm').put(44, container).put(45, EVIL).table()
                if good is True:
                    self.passes(draft)
                else:
                    self.refused(draft, 'an object behind the one of its number')

    def test_a_member_that_was_replaced_properly(self):
        draft = mixed(self.certified())
        font, draft.objects[44] = draft.text(5), ''
        draft = Update(draft).put(44, object_stream([(5, font)])).stream([(5, 2, 44, 0)])
        self.passes(Update(draft).put(5, font).table())

    def test_a_trailer_that_refers_to_what_is_not_there(self):
        """poppler takes it for damage."""
        for key in ('Info', 'Encrypt', 'Other'):
            for number in (39, 77):
                with self.subTest(key=key, number=number):
                    self.refused(self.store(self.certified()).table(more=f'/{key} {number} 0 R'), 'the trailer refers to what is not there')
        self.passes(self.store(self.certified()).put(41, '<< /Title (x) >>').table(more='/Info 41 0 R'))

    OTHER = {81: '<< /Type /Catalog /Pages 82 0 R >>', 82: '<< /Type /Pages /Kids [83 0 R] /Count 1 >>',
             83: '<< /Type /Page /Parent 82 0 R /MediaBox [0 0 595 842] /Contents 84 0 R /Resources << /Font << /F1 5 0 R >> >> >>', 84: EVIL}

    def other(self):
        """A signed document that MuPDF mends, and another one that was appended to it."""
        draft = Draft()
        draft.data = draft.data.replace(b'00000 n \n', b'0 n \n', 1)
        return self.certified(draft).update(self.OTHER)

    def test_a_catalog_that_no_section_names(self):
        """MuPDF takes the last that anything names, when it mends a file."""
        for name in (b'/Root', b'/R#6fot'):
            for before in (b'trailer\n', b'', b'%'):
                with self.subTest(name=name, before=before):
                    draft = self.other()
                    end = b'startxref\n%d\n%%%%EOF\n' % draft.startxref
                    draft.data = draft.data[:-len(end)] + before + b'<< ' + name + b' 81 0 R /Size 90 >>\n' + end
                    self.refused(draft, 'a trailer that is not in use')
        self.passes(self.other())
        self.refused(self.other().update({85: '<< /Root 81 0 R >>'}), 'a trailer that is not in use')
        self.passes(self.other().update({85: '<< /Roots 81 0 R /StructTreeRoot 81 0 R >>'}))

    def test_a_catalog_that_an_older_section_names(self):
        draft = self.other()
        draft.update({85: '<< >>'}, trailer='/Root 81 0 R').update({86: '<< >>'})
        self.refused(draft, 'a trailer that is not in use')

    def test_what_a_hidden_page_refers_to(self):
        """MuPDF mends the file as it was signed, and finds a page that no section has: what that one shows must stay, or not come."""
        for there in (True, False):
            with self.subTest(there=there):
                draft = Draft()
                draft.data = draft.data.replace(b'00000 n \n', b'0 n \n', 1)
                if there:
                    draft.update({30: stream(PAGE_TEXT)})
                page = draft.text(3).replace('/Contents 4', '/Contents 30')
                draft.sign(self.alice, services=self.services, changes={70: f'<< >>\nendobj\n3 0 obj\n{page}'}, certify=1)
                self.passes(draft)
                self.refused(draft.update({30: EVIL}), 'object 30 can be read in two ways')

    def test_a_cross_reference_stream_behind_tables(self):
        """ISO 32000-2 table 17: before it are streams. PDFium mends what has tables there."""
        self.refused(self.store(self.certified()).stream(), 'the cross-references can be read in two ways')
        self.passes(self.store(mixed(self.certified())).stream())


class Stamps(ReadersTest):
    """Where nothing may be added but a document timestamp, nothing of it may be seen."""

    def stamped(self, draft, **options):
        changes = {60: appearance('999'), **options.pop('changes', {})}
        draft.objects.update(changes)
        draft.sign(None, sub_filter='ETSI.RFC3161', kind='DocTimeStamp', make=lambda data: token_over(self.services, data), changes=changes,
                   **options)
        return draft

    def test_in_a_field_that_waited(self):
        self.passes(self.stamped(self.certified(), into=9))
        draft = self.certified()
        draft.objects[9] = draft.edit(9, '/F 4', '/F 4 /AP << /N 60 0 R >>')[9]
        self.refused(self.stamped(draft, into=9), 'form field "Reserved" /AP was changed')

    def test_in_the_widget_of_a_field_that_waited(self):
        widget = '<< /Type /Annot /Subtype /Widget /Parent 9 0 R /Rect [40 500 240 550] /F 4 /P 3 0 R >>'
        draft = self.certified(Draft(extra={9: '<< /FT /Sig /T (Reserved) /Kids [50 0 R] >>', 50: widget,
                                            3: Draft().text(3).replace('9 0 R', '50 0 R')}))
        self.refused(self.stamped(draft, into=9, changes={50: widget.replace('/F 4', '/F 4 /AP << /N 60 0 R >>')}), '/AP was changed')

    def test_flags_that_hide_from_some(self):
        """NoView is printed; 2^32 + 2 is Hidden for some, and nothing for others."""
        for flags, good in ((2, True), (36, False), (4294967298, False)):
            with self.subTest(flags):
                draft = self.certified()
                self.stamped(draft, field='Stamp', rect='40 690 240 710', flags=flags, field_entries='/AP << /N 60 0 R >>')
                if good:
                    self.passes(draft)
                else:
                    self.refused(draft, 'a new signature field shows something on the page')


    def test_without_area(self):
        """Ghostscript draws an appearance that has some where its own points are."""
        for box, good in (('[0 0 0 0]', True), ('[0 0 595 842]', False)):
            with self.subTest(box):
                changes = {60: appearance('999').replace(b'[0 0 200 20]', box.encode())}
                draft = self.stamped(self.certified(), field='Stamp', changes=changes, field_entries='/AP << /N 60 0 R >>')
                if good:
                    self.passes(draft)
                else:
                    self.refused(draft, 'a new signature field shows something on the page')
        changes = {60: stream(b'1 0 0 rg 0 0 400 800 re f', '/Type /XObject /Subtype /Form')}
        draft = self.stamped(self.certified(), field='Stamp', changes=changes, field_entries='/AP << /N 60 0 R >>')
        self.refused(draft, 'a new signature field shows something on the page')
        states = {60: '<< /On 61 0 R >>', 61: appearance('999')}
        draft = self.certified()
        draft.objects.update(states)
        self.refused(self.stamped(draft, field='Stamp', changes=states, field_entries='/AS /On /AP << /N 60 0 R >>'),
                     'a new signature field shows something on the page')

    def test_that_is_drawn_as_something_else(self):
        """Readers draw a drawing by its points, wherever its rectangle is."""
        ink = '/InkList [[40 690 200 720 300 690]] /C [1 0 0] /BS << /W 12 >>'
        for subtype, entries in (('Polygon', '/Vertices [35 680 435 680 435 740 35 740] /IC [1 0 0]'), ('Ink', ink), ('Square', '/IC [1 0 0]')):
            with self.subTest(subtype):
                self.refused(self.stamped(self.certified(), field='Stamp', subtype=subtype, field_entries=entries), 'it is no widget')
                self.refused(self.stamped(self.certified(), field='Stamp', field_entries=entries), 'which signature fields do not have')

    def test_that_is_none(self):
        draft = self.certified()
        draft.update({50: '<< /Type /Annot /Subtype /Widget /FT /Sig /T (Stamp) /V << /Type /DocTimeStamp >> /Rect [0 0 0 0] /P 3 0 R >>',
                      **draft.append_to(3, 'Annots', '50 0 R')})
        self.refused(draft, 'its value is no signature that is judged')


class Places(ReadersTest):
    """One object that means two things: what may change in the one place may not in the other."""

    def changed(self, draft):
        verdict = self.fails(draft, 'FORMAT_FAILURE', 'changed after signing: ')
        return verdict['words']

    def test_fonts_of_the_form_that_are_graphics_states(self):
        for key in ('ExtGState', 'XObject', 'Pattern'):
            with self.subTest(key):
                page = Draft().text(3).replace('/Font <<', f'/{key} 50 0 R /Font <<')
                draft = self.signed(Draft(extra={50: '<< /F1 5 0 R >>', 3: page, 6: Draft().text(6).replace('<< /F1 5 0 R >>', '50 0 R')}))
                self.changed(draft.update({50: '<< /F1 5 0 R /G << /ca 0 >> >>'}))

    def test_fonts_of_the_form_that_are_those_of_a_page(self):
        page = Draft().text(3).replace('/Font << /F1 5 0 R >>', '/Font 50 0 R')
        draft = self.signed(Draft(extra={50: '<< /F1 5 0 R >>', 3: page, 6: Draft().text(6).replace('<< /F1 5 0 R >>', '50 0 R')}))
        draft.update({50: '<< /F1 5 0 R /F2 90 0 R >>', 90: draft.text(5)})
        change = self.passes(draft)['signatures'][0]['changes'][0]
        self.assertEqual((change['nature'], change['warned']), ('form', True))

    def test_comments_that_are_something_else(self):
        comment = '/Type /Annot /Subtype /Text /Rect [1 1 9 9] /Contents (x)'
        for words, page, catalog in (('graphics state', '/Font << /F1 5 0 R >> /ExtGState << /G 50 0 R >>', ''),
                                     ('action', '/Font << /F1 5 0 R >>', '/OpenAction 50 0 R')):
            with self.subTest(words):
                text = Draft().text(3).replace('/Font << /F1 5 0 R >>', page).replace('/Annots [', '/Annots [50 0 R ')
                draft = self.signed(Draft(extra={50: f'<< {comment} >>', 3: text}, catalog=catalog))
                self.changed(draft.update({50: f'<< {comment} /ca 0 /S /JavaScript /JS (x) >>'}))

    def test_pages_that_are_comments_or_fields(self):
        second = '<< /Type /Page /Subtype /Text /T (page) /Rect [1 1 9 9] /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>'
        for words, place in (('comment', {3: Draft().text(3).replace('/Annots [', '/Annots [60 0 R ')}),
                             ('field', {6: Draft().text(6).replace('/Fields [', '/Fields [60 0 R ')})):
            with self.subTest(words):
                extra = {60: second, 2: '<< /Type /Pages /Kids [3 0 R 60 0 R] /Count 2 >>', **place}
                draft = self.signed(Draft(extra=extra))
                self.changed(draft.update({60: second.replace('/Contents 4', '/Contents 90'), 90: EVIL}))

    def test_a_page_tree_that_is_a_field(self):
        extra = {6: Draft().text(6).replace('/Fields [', '/Fields [2 0 R '), 2: '<< /Type /Pages /T (t) /Kids [3 0 R] /Count 1 >>'}
        draft = self.signed(Draft(extra=extra))
        page = {90: '<< /Type /Page /FT /Sig /T (s) /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>'}
        self.changed(draft.update({**page, 2: '<< /Type /Pages /T (t) /Kids [3 0 R 90 0 R] /Count 2 >>'}))

    def test_fields_that_are_scripts(self):
        script = '/Limits [(a) (a)] /Names [(a) << /S /JavaScript /JS (app.alert\\(1\\)) >>]'
        for catalog, entries, good in (('/Names << /JavaScript << /Kids 20 0 R >> >>', '', False), ('', script, False), ('', '', True)):
            with self.subTest(catalog=catalog, entries=entries):
                draft = self.signed(Draft({6: Draft().text(6).replace('[7 0 R 9 0 R]', '20 0 R'), 20: '[7 0 R 9 0 R]'}, catalog), into=9)
                draft.update({20: '[7 0 R 9 0 R 50 0 R]', 50: f'<< /FT /Sig /T (late) /Type /Annot /Subtype /Widget /Rect [0 0 0 0] {entries} >>'})
                if good:
                    self.passes(draft)
                else:
                    self.changed(draft)

    def test_a_link_that_became_a_comment(self):
        link = '<< /Type /Annot /Subtype /Link /Rect [1 1 9 9] >>'
        draft = self.signed(Draft(extra={50: link, 3: Draft().text(3).replace('/Annots [', '/Annots [50 0 R ')}))
        self.assertIn('an annotation', self.changed(draft.update({50: NOTE[50]})))


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
