# SPDX-License-Identifier: Apache-2.0
"""What the pages under docs say of the source, compared with it; and their links."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / 'docs/pkcs11.md'


def read(path):
    return (ROOT / path).read_text(encoding='utf-8')


def first_cells(heading):
    """Of the table in the section HEADING of PAGE."""
    section = read(PAGE).split(f'\n## {heading}\n')[1].split('\n## ')[0]
    return [line.split('|')[1] for line in section.splitlines() if line.startswith('| C')]


def names(prefix, texts):
    return [name for text in texts for name in re.findall(rf'\b{prefix}_[A-Za-z0-9_]+', text)]


class Pkcs11(unittest.TestCase):
    def test_each_function_has_one_place(self):
        source = [read('include/trustp11/cryptoki.h')]
        functions = set(re.findall(r'X\((C_[A-Za-z]+)', source[0]))
        self.assertGreater(len(functions), 90)
        told = names('C', first_cells('Functions'))
        self.assertEqual(len(told), len(set(told)))
        self.assertEqual(set(told), functions)

    def test_what_is_not_supported_is_said_to_be_not_supported(self):
        refused = set(re.findall(r'X\((C_[A-Za-z]+)', read('src/p11/unsupported.c')))
        rows = [line for line in read(PAGE).splitlines() if 'CKR_FUNCTION_NOT_SUPPORTED' in line]
        told = set(names('C', [row.split('|')[1] for row in rows]))
        others = {name for name in told - refused if not re.search('Message|capsulate|Async|Authenticated', name)}
        self.assertLessEqual(refused, told)
        self.assertEqual(others, set())

    def test_each_mechanism_has_one_place(self):
        table = read('src/p11/mechanism.c').split('tp_p11_mechanism table[]')[1].split('\n};')[0]
        told = names('CKM', first_cells('Mechanisms'))
        self.assertEqual(len(told), len(set(told)))
        self.assertEqual(set(told), set(names('CKM', [table])))

    def test_what_a_mechanism_needs_of_the_hsm_is_what_the_engine_is_asked_for(self):
        rows = re.findall(r'\{(CKM_\w+), ([^,]+), \w+, \w+, (\w+), \w+\}', read('src/p11/mechanism.c'))
        self.assertGreater(len(rows), 50)
        needs = {'0': '–', 'TP_IPC_RSA_PKCS': 'CKM_RSA_PKCS', 'TP_IPC_RSA_PSS': 'CKM_RSA_PKCS_PSS',
                 'TP_IPC_ECDSA': 'CKM_ECDSA', 'TP_IPC_EDDSA': 'CKM_EDDSA'}
        section = read(PAGE).split('\n## Mechanisms\n')[1].split('\n## ')[0]
        told = {}
        for line in section.splitlines():
            if line.startswith('| C'):
                cells = [cell.strip() for cell in line.split('|')]
                told.update({name: cells[3] for name in names('CKM', [cells[1]])})
        for name, flags, primitive in rows:
            with self.subTest(mechanism=name):
                need = ('–' if flags == 'USE_VERIFY' else 'to make such keys, wrap and unwrap them'
                        if flags in ('MAKE_KEY', 'MAKE_EC') else needs[primitive])
                self.assertIn(told[name], (need, 'as above'))

    def test_each_attribute_has_one_place(self):
        table = read('src/p11/object.c').split('struct row rows[]')[1].split('\n};')[0]
        table += read('src/p11/secret_attribute.c').split('struct row rows[]')[1].split('\n};')[0]
        made = set(re.findall(r'\{(CKA_\w+),', table))
        made |= set(re.findall(r'attributes_add(?:_ulong)?\([^,]*attributes, (CKA_\w+)', read('src/p11/key.c')))
        made |= {'CKA_PROFILE_ID'}
        told = names('CKA', first_cells('Objects'))
        self.assertEqual(len(told), len(set(told)))
        self.assertEqual(set(told), made)

    def test_each_profile_is_named(self):
        made = set(names('CKP', [read('src/p11/set.c'), read('src/p11/inventory.c')]))
        self.assertTrue(made)
        self.assertEqual(set(names('CKP', [read(PAGE)])), made)


class Japanese(unittest.TestCase):
    """Each sentence that a report can show has a row in report/japanese.c."""
    SOURCES = ('src/pades/verify/*.c', 'src/pades/change/*.c', 'src/pades/restriction.c', 'src/validation/certificate.c', 'src/validation/status.c',
               'src/validation/ask.c', 'src/validation/source.c', 'src/http/http.c', 'src/http/url.c', 'src/pki/path*.c',
               'src/pki/cms_read*.c', 'src/pki/cms_verify.c', 'src/pki/timestamp.c', 'src/pki/timestamp_info.c', 'src/pki/signature.c',
               'src/pki/ocsp.c', 'src/pki/ocsp_read.c', 'src/pki/crl*.c')
    NOT_SHOWN = {  # errors that end a verification, hints for the command line, and names in our own words (report/words.h)
        'the form is too large or too deep to be searched for signatures', 'the PEM file has no whole block',
        'the PEM block is not base64', 'what was signed is not a regular file', 'certification signature', 'document timestamp',
        'detached signature', 'at most as many digits as needed', 'libcurl does not start: %s', 'Too large response headers',
        'a password is not sent in clear to another machine; use https://',
        "it sends to another place (HTTP status %ld), which a client certificate is not shown to; give that place's own URL", 'nobody was asked: give --online, --ocsp or --crl',
        'nobody is trusted yet: give the root certificate with --trust', 'reading failed: %s', 'the file ends before its byte %llu',
        'the document has more than %d revisions', 'not a regular file',
        'its root is not among those that are trusted: if you trust it, give it with --trust'}

    @staticmethod
    def literals(text):
        text = re.sub(r'/\*.*?\*/', '', re.sub(r'#include.*', '', text), flags=re.S)
        for joined in re.findall(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+', text):
            yield ''.join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', joined))

    @staticmethod
    def parts(sentence):
        """What is between the places where something is put in."""
        cut = re.split(r'%[-0-9.*]*(?:zu|ll?[ud]|[a-z])|\*', sentence)
        return [part.strip(' ,:;()') for part in cut if part.strip(' ,:;()')]

    def test_every_sentence_is_there(self):
        table = read('src/pades/report/japanese.c').split('rows[] = {')[1].split('\n};')[0]
        rows = [pair[0] for pair in re.findall(r'\{("(?:[^"\\]|\\.)*"),\s*("(?:[^"\\]|\\.)*")\}', table)]
        self.assertGreater(len(rows), 150)
        self.assertEqual(len(rows), len(set(rows)))
        self.assertLessEqual(max(row.count('*') for row in rows), 4)
        found = 0
        for source in sorted(path for pattern in self.SOURCES for path in ROOT.glob(pattern)):
            for sentence in self.literals(source.read_text(encoding='utf-8')):
                parts = self.parts(sentence)
                if not re.search('[a-z] [a-z]', sentence) or sentence.strip('…') in self.NOT_SHOWN or not parts:
                    continue
                found += 1
                with self.subTest(source=source.name, sentence=sentence):
                    self.assertTrue(any(all(part in row for part in parts) for row in rows), 'is not in Japanese')
        self.assertGreater(found, 120)


class Links(unittest.TestCase):
    def test_lead_to_files_that_are_there(self):
        for page in [ROOT / 'README.md', ROOT / 'NEWS.md', *(ROOT / 'docs').rglob('*.md')]:
            for target in re.findall(r'\]\(([^)#:]+)\)', page.read_text(encoding='utf-8')):
                with self.subTest(page=page.name, target=target):
                    self.assertTrue((page.parent / target).exists())


if __name__ == '__main__':
    unittest.main()
