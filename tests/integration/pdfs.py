# SPDX-License-Identifier: Apache-2.0
"""PDFs for tests, written object by object, and what is in signed ones."""
import re
import zlib

FONT = b'<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>'


def stream(content, extra=b''):
    return b'<<' + extra + b'/Length %d>>stream\n' % len(content) + content + b'\nendstream'


def table(objects, version=b'1.7', trailer=b''):
    """OBJECTS: number to content; 1 is the catalog. A cross-reference table."""
    out, size, offsets = b'%PDF-' + version + b'\n%\xe2\xe3\xcf\xd3\n', max(objects) + 1, {}
    for number, content in sorted(objects.items()):
        offsets[number] = len(out)
        out += b'%d 0 obj\n' % number + content + b'\nendobj\n'
    at = len(out)
    rows = [b'%010d 00000 n \n' % offsets[n] if n in offsets else b'0000000000 00001 f \n' for n in range(1, size)]
    out += b'xref\n0 %d\n0000000000 65535 f \n' % size + b''.join(rows)
    return out + b'trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n' % (size, trailer, at)


def xref_stream(objects):
    """The same with a cross-reference stream."""
    out, number, offsets = b'%PDF-1.5\n%\xe2\xe3\xcf\xd3\n', max(objects) + 1, {}
    for other, content in sorted(objects.items()):
        offsets[other] = len(out)
        out += b'%d 0 obj\n' % other + content + b'\nendobj\n'
    offsets[number] = len(out)
    rows = b'\0\0\0\0\0\xff' + b''.join(b'\1' + offsets[n].to_bytes(4, 'big') + b'\0' for n in range(1, number + 1))
    extra = b'/Type/XRef/W[1 4 1]/Size %d/Root 1 0 R/Filter/FlateDecode' % (number + 1)
    out += b'%d 0 obj\n' % number + stream(zlib.compress(rows), extra) + b'\nendobj\n'
    return out + b'startxref\n%d\n%%%%EOF\n' % offsets[number]


def hybrid(objects):
    """A table whose trailer points to a cross-reference stream, too; object 9 is in the stream alone."""
    out, offsets = b'%PDF-1.5\n%\xe2\xe3\xcf\xd3\n', {}
    for number, content in sorted({**objects, 9: b'(hidden)'}.items()):
        offsets[number] = len(out)
        out += b'%d 0 obj\n' % number + content + b'\nendobj\n'
    hidden = len(out)
    rows = b'\1' + offsets[9].to_bytes(4, 'big') + b'\0' + b'\1' + hidden.to_bytes(4, 'big') + b'\0'
    out += b'10 0 obj\n' + stream(rows, b'/Type/XRef/W[1 4 1]/Index[9 2]/Size 11/Root 1 0 R') + b'\nendobj\n'
    at = len(out)
    shown = [n for n in sorted(objects)]
    out += b'xref\n0 %d\n0000000000 65535 f \n' % (len(shown) + 1) + b''.join(b'%010d 00000 n \n' % offsets[n] for n in shown)
    return out + b'trailer\n<</Size 11/Root 1 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n' % (hidden, at)


def page(rotate=0, more=b'', catalog=b'', text=b'A document.', count=1):
    """The objects of a document of COUNT pages (3, 20, 21, ...), with more in its first page's and its catalog's dictionary."""
    numbers = [3] + list(range(20, 20 + count - 1))
    common = b'<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Rotate %d/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>' % rotate
    objects = {1: b'<</Type/Catalog/Pages 2 0 R' + catalog + b'>>',
               2: b'<</Type/Pages/Kids[' + b' '.join(b'%d 0 R' % n for n in numbers) + b']/Count %d>>' % count,
               3: common + more + b'>>', 4: stream(b'BT /F 24 Tf 72 720 Td (' + text + b') Tj ET'), 5: FONT}
    objects.update({n: common + b'>>' for n in numbers[1:]})
    return objects


def with_field(name=b'Here', rect=b'100 100 300 160', field=b'', form=b'', direct_form=False, indirect_fields=False,
               indirect_annots=False):
    """A document with an empty signature field, 6; the form is 7, its /Fields 8, the page's /Annots 10, where they are objects."""
    fields, annots = b'[6 0 R]', b'[6 0 R]'
    dictionary = b'<</Fields ' + (b'8 0 R' if indirect_fields else fields) + form + b'>>'
    objects = page(more=b'/Annots ' + (b'10 0 R' if indirect_annots else annots),
                   catalog=b'/AcroForm ' + (dictionary if direct_form else b'7 0 R'))
    objects[6] = (b'<</Type/Annot/Subtype/Widget/FT/Sig/T(' + name + b')/F 4/P 3 0 R/Rect[' + rect + b']' + field + b'>>')
    if not direct_form:
        objects[7] = dictionary
    if indirect_fields:
        objects[8] = fields
    if indirect_annots:
        objects[10] = annots
    return objects


def signatures(pdf):
    """(bytes that are signed, CMS, dictionary's text) of each signature, in the file's order, by what is written alone."""
    found = []
    for match in re.finditer(rb'/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]', pdf):
        a, b, c, d = (int(n) for n in match.groups())
        text = pdf[a + b:c]
        assert text[:1] == b'<' and text[-1:] == b'>', 'the gap is not /Contents'
        raw = bytes.fromhex(text[1:-1].decode())
        start, end = pdf.rfind(b' obj', 0, match.start()), pdf.find(b'endobj', match.end())
        if raw[1] == 0x80:  # BER of other programs
            cms = raw
        else:
            head = 2 if raw[1] < 0x80 else 2 + (raw[1] & 0x7f)
            cms = raw[:head + (raw[1] if head == 2 else int.from_bytes(raw[2:head], 'big'))]
            assert not raw[len(cms):].strip(b'\0'), 'the padding is not zeros'
        found.append((pdf[a:a + b] + pdf[c:c + d], cms, pdf[start:a + b] + pdf[c:end]))
    return found
