# SPDX-License-Identifier: Apache-2.0
"""PDFs of a test's own, written and signed byte by byte, so that any of it can be wrong: objects as text, revision behind revision.

    draft = Draft()                                   # one page, a form with a text field, an empty signature field
    draft.sign(leaf, services=services)               # OpenSSL's CAdES signature in a new field
    draft.update({4: stream(b'BT ... ET')})           # an incremental update
    draft.store(services, [leaf])                     # DSS
    draft.stamp(services)                             # a document timestamp
    draft.save(path)
"""
import re
import tempfile
import pathlib
import urllib.request

from der import NULL, OCTETS, SET, inside, items, oid, sequence, tlv
from tools import must

ROOM = 24000  # hex digits of /Contents
SIGNATURE_STAMP = '1.2.840.113549.1.9.16.2.14'

PAGE_TEXT = b'BT /F1 18 Tf 40 700 Td (I owe you 100 yen.) Tj ET'


def stream(data, entries=''):
    return f'<< /Length {len(data)} {entries} >>\nstream\n'.encode() + data + b'\nendstream'


def appearance(text):
    return stream(f'/Tx BMC BT /F1 12 Tf 2 4 Td ({text}) Tj ET EMC'.encode(),
                  '/Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources << /Font << /F1 5 0 R >> >>')


def fetch(url, body=None, kind=''):
    request = urllib.request.Request(url, data=body, headers={'Content-Type': kind} if body is not None else {})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


def der(path, what='x509'):
    return must(['openssl', what, '-in', path, '-outform', 'DER'], text=False)


def token_over(services, data, digest='sha256', tsa='tsa'):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / 'data').write_bytes(data)
        must(['openssl', 'ts', '-query', '-data', path / 'data', f'-{digest}', '-cert', '-out', path / 'query'])
        reply = fetch(services.tsa(tsa), (path / 'query').read_bytes(), 'application/timestamp-query')
    return inside(reply)[1][2]


def ocsp_of(services, certificate, issuer):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        must(['openssl', 'ocsp', '-issuer', issuer.certificate, '-cert', certificate, '-no_nonce', '-reqout', path / 'request'])
        return fetch(services.url(f'ocsp/{issuer.name}'), (path / 'request').read_bytes(), 'application/ocsp-request')


def with_unsigned(cms, attribute):
    """CMS with ATTRIBUTE (DER of a whole Attribute) among the unsigned ones of its only signer."""
    outer = inside(cms)
    signed = items(outer[1][1])[0]
    parts = items(signed[1])
    signer = items(parts[-1][1])[0]
    signer = tlv(0x30, signer[1] + tlv(0xa1, attribute))
    body = b''.join(part[2] for part in parts[:-1]) + tlv(0x31, signer)
    return tlv(0x30, outer[0][2] + tlv(0xa0, tlv(0x30, body)))


def bare(cms):
    """What the only signer of CMS has signed, the attributes; and a CMS whose signature has none, and is over them."""
    outer = inside(cms)
    signed = items(outer[1][1])[0]
    parts = items(signed[1])
    version, sid, digest_algorithm, attributes, algorithm, signature = items(items(parts[-1][1])[0][1])
    signer = sequence(version[2], sid[2], digest_algorithm[2], algorithm[2], signature[2])
    body = b''.join(part[2] for part in parts[:-1]) + tlv(SET, signer)
    return tlv(SET, attributes[1]), sequence(outer[0][2], tlv(0xa0, sequence(body)))


def signed_again(cms, leaf, digest, algorithm):
    """CMS with the signature of its only signer made anew: by DIGEST over the same attributes, and ALGORITHM (a dotted OID) for its name."""
    outer = inside(cms)
    signed = items(outer[1][1])[0]
    parts = items(signed[1])
    version, sid, digest_algorithm, attributes, _, _ = items(items(parts[-1][1])[0][1])
    with tempfile.TemporaryDirectory() as folder:
        data, signature = pathlib.Path(folder) / 'data', pathlib.Path(folder) / 'signature'
        data.write_bytes(tlv(SET, attributes[1]))
        must(['openssl', 'dgst', f'-{digest}', '-sign', leaf.key, '-out', signature, data])
        signer = sequence(version[2], sid[2], digest_algorithm[2], attributes[2], sequence(oid(algorithm), tlv(NULL)),
                          tlv(OCTETS, signature.read_bytes()))
    body = b''.join(part[2] for part in parts[:-1]) + tlv(SET, signer)
    return sequence(outer[0][2], tlv(0xa0, sequence(body)))


class Draft:
    def __init__(self, extra=None, catalog='', page='', acroform=''):
        self.data, self.objects, self.startxref, self.trailer = b'%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', {}, 0, ''
        objects = {
            1: f'<< /Type /Catalog /Pages 2 0 R /AcroForm 6 0 R {catalog} >>',
            2: '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
            3: f'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> '
               f'/Annots [7 0 R 9 0 R] {page} >>',
            4: stream(PAGE_TEXT),
            5: '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
            6: f'<< /Fields [7 0 R 9 0 R] /DR << /Font << /F1 5 0 R >> >> /DA (/F1 12 Tf 0 g) {acroform} >>',
            7: '<< /Type /Annot /Subtype /Widget /FT /Tx /T (amount) /V (100) /DA (/F1 12 Tf 0 g) /Rect [40 600 240 620] /F 4 '
               '/P 3 0 R /AP << /N 8 0 R >> >>',
            8: appearance('100'),
            9: '<< /Type /Annot /Subtype /Widget /FT /Sig /T (Reserved) /Rect [40 500 240 550] /F 4 /P 3 0 R >>',
        }
        objects.update(extra or {})
        self.update(objects)

    # -- revisions --

    def new(self):
        return max(self.objects) + 1

    def text(self, number):
        value = self.objects[number]
        return value.decode() if isinstance(value, bytes) else value

    def update(self, objects, trailer='', cross_references=True, free=()):
        """One revision more. The newest of each object is remembered."""
        places = {}
        for number, value in objects.items():
            places[number] = len(self.data)
            self.data += f'{number} 0 obj\n'.encode() + (value.encode() if isinstance(value, str) else value) + b'\nendobj\n'
        self.objects.update(objects)
        if cross_references:
            self.write_table(places, trailer, free)
        return self

    def write_table(self, places, trailer, free):
        at, size = len(self.data), max(self.objects) + 1
        lines = [b'xref\n']
        if not self.startxref:
            lines.append(b'0 1\n0000000000 65535 f \n')
        for number in sorted(places):
            lines.append(b'%d 1\n%010d 00000 n \n' % (number, places[number]))
        for number in free:
            lines.append(b'%d 1\n0000000000 00001 f \n' % number)
        previous = f'/Prev {self.startxref}' if self.startxref else ''
        root = '' if '/Root' in trailer else '/Root 1 0 R'
        lines.append(f'trailer\n<< /Size {size} {root} {previous} {trailer} >>\nstartxref\n{at}\n%%EOF\n'.encode())
        self.data += b''.join(lines)
        self.startxref = at

    def edit(self, number, old, new):
        """The object with OLD replaced by NEW, for update()."""
        text = self.text(number)
        assert old in text, (old, text)
        return {number: text.replace(old, new, 1)}

    def append_to(self, number, key, item):
        return self.edit(number, f'/{key} [', f'/{key} [{item} ')

    def save(self, path):
        path.write_bytes(self.data)
        return path

    # -- signatures --

    def sign(self, leaf, field='Signature', sub_filter='ETSI.CAdES.detached', entries='', rect='0 0 0 0', field_entries='', into=None,
             changes=None, make=None, services=None, stamp=None, kind='Sig', options=('-cades',), certificates=None, certify=None, digest='sha256',
             flags=132, subtype='Widget'):
        """A signature by LEAF in a new field, or INTO the number of one that is there. MAKE: what turns the signed bytes into /Contents,
        instead of OpenSSL. STAMP: services whose TSA stamps the signature. CERTIFY: P of DocMDP."""
        number, widget = self.new(), into or self.new() + 1
        if certify:
            entries += (' /Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams '
                        f'/P {certify} /V /1.2 >> >>]')
        objects = {number: f'<< /Type /{kind} /Filter /Adobe.PPKLite /SubFilter /{sub_filter} {entries} '
                           f'/ByteRange [0 0000000000 0000000000 0000000000] /Contents <{"0" * ROOM}> >>'}
        if into:
            objects.update(self.edit(into, '/FT /Sig', f'/FT /Sig /V {number} 0 R'))
        else:
            objects[widget] = (f'<< /Type /Annot /Subtype /{subtype} /FT /Sig /T ({field}) /V {number} 0 R /Rect [{rect}] /F {flags} /P 3 0 R '
                               f'{field_entries} >>')
            objects.update(self.append_to(6, 'Fields', f'{widget} 0 R'))
            objects.update(self.append_to(3, 'Annots', f'{widget} 0 R'))
        objects[6] = objects.get(6, self.text(6)).replace('/Fields', '/SigFlags 3 /Fields', 1)
        if certify:
            objects.update(self.edit(1, '/Type /Catalog', f'/Type /Catalog /Perms << /DocMDP {number} 0 R >>'))
        objects.update(changes or {})
        self.update(objects)
        self.fill(number, make or (lambda data: self.cms(data, leaf, options, stamp, services, certificates, digest)))
        return number

    def fill(self, number, make):
        at = self.data.rindex(b'/Contents <') + len(b'/Contents ')
        end = at + ROOM + 2
        ranges = b'[0 %010d %010d %010d]' % (at, end, len(self.data) - end)
        where = self.data.rindex(b'/ByteRange [', 0, at) + len(b'/ByteRange ')
        self.data = self.data[:where] + ranges + self.data[where + len(ranges):]
        contents = make(self.data[:at] + self.data[end:]).hex().encode()
        assert len(contents) <= ROOM, len(contents)
        self.data = self.data[:at] + b'<' + contents.ljust(ROOM, b'0') + b'>' + self.data[end:]
        begin = self.data.rindex(b'\n%d 0 obj\n' % number) + len(b'\n%d 0 obj\n' % number)
        self.objects[number] = self.data[begin:self.data.index(b'\nendobj', begin)]

    @staticmethod
    def cms(data, leaf, options=('-cades',), stamp=None, services=None, certificates=None, digest='sha256'):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / 'data').write_bytes(data)
            above = ['-certfile', certificates] if certificates else services.certificates_of(leaf, True) if services else []
            must(['openssl', 'cms', '-sign', '-binary', *options, '-md', digest, '-signer', leaf.certificate, '-inkey', leaf.key,
                  *above, '-in', path / 'data', '-outform', 'DER', '-out', path / 'cms'])
            cms = (path / 'cms').read_bytes()
        if stamp:
            signature = [content for tag, content, _ in items(items(items(items(inside(cms)[1][1])[0][1])[-1][1])[0][1])
                         if tag == OCTETS][-1]
            cms = with_unsigned(cms, tlv(0x30, oid(SIGNATURE_STAMP) + tlv(0x31, token_over(stamp, signature))))
        return cms

    # -- long term --

    def store(self, services, leaves, tsas=('tsa',), crl=False):
        """DSS with certificates, and OCSP responses of all that can be revoked (or CRLs)."""
        certificates, ocsps, crls = [], [], []
        issued = [(leaf.certificate, services.authorities[leaf.issuer]) for leaf in leaves]
        issued += [(services.tsas[name][0].certificate, services.authorities[services.tsas[name][0].issuer]) for name in tsas
                   if name in services.tsas]
        issued += [(services.authorities['intermediate'].certificate, services.authorities['root'])]
        for certificate, issuer in issued:
            certificates.append(der(certificate))
            if crl:
                crls.append(fetch(services.url(f'crl/{issuer.name}.crl')))
            else:
                ocsps.append(ocsp_of(services, certificate, issuer))
        return self.add_store(certificates, ocsps, crls)

    def add_store(self, certificates, ocsps, crls):
        number, objects, lists = self.new(), {}, {}
        for key, values in (('Certs', certificates), ('OCSPs', ocsps), ('CRLs', crls)):
            for value in values:
                objects[number] = stream(value)
                lists.setdefault(key, []).append(f'{number} 0 R')
                number += 1
        entries = ' '.join(f'/{key} [{" ".join(value)}]' for key, value in lists.items())
        catalog = re.sub(r'/DSS \d+ 0 R', '', self.text(1))
        objects[number] = f'<< {entries} >>'
        objects[1] = catalog.replace('/Type /Catalog', f'/Type /Catalog /DSS {number} 0 R', 1)
        return self.update(objects)

    def stamp(self, services, field='Stamp', tsa='tsa'):
        return self.sign(None, field=field, sub_filter='ETSI.RFC3161', kind='DocTimeStamp',
                         make=lambda data: token_over(services, data, tsa=tsa))
