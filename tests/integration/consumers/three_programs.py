# SPDX-License-Identifier: Apache-2.0
"""LibreOffice, pdfsig and trustp11 sign one document in turn, up to B-LTA: three_programs.py"""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from test_pdf_verify import VerifyTest  # noqa: E402
from tools import must  # noqa: E402


class ThreePrograms(VerifyTest):
    def test_three_programs(self):
        """LibreOffice, pdfsig and trustp11 sign in turn: all three are good, and what one adds is no change to the others."""
        home, database = self.folder / 'office', self.folder / 'office/nss'
        database.mkdir(parents=True)
        must(['certutil', '-N', '-d', f'sql:{database}', '--empty-password'])
        for name in ('grace', 'heidi'):
            leaf, bundle = self.services.issue(name, key='rsa'), home / f'{name}.p12'
            must(['openssl', 'pkcs12', '-export', '-in', leaf.chain, '-inkey', leaf.key, '-name', name, '-passout', 'pass:x', '-out',
                  bundle])
            must(['pk12util', '-i', bundle, '-d', f'sql:{database}', '-W', 'x'])
        must(['certutil', '-A', '-d', f'sql:{database}', '-n', 'root', '-t', 'CT,C,C', '-i', self.services.anchors])
        (home / 'file.txt').write_text('I owe you 100 yen.')
        export = ('pdf:writer_pdf_Export:{"SignPDF": {"type": "boolean", "value": "true"}, "SignCertificateSubjectName": '
                  '{"type": "string", "value": "CN=grace,O=Test,C=JP"}}')
        must(['soffice', '--headless', '--convert-to', export, '--outdir', home, home / 'file.txt'], timeout=250,
             env={**self.env, 'HOME': str(home), 'MOZILLA_CERTIFICATE_FOLDER': f'sql:{database}'})
        second, third = home / 'second.pdf', home / 'third.pdf'
        must(['pdfsig', '-nssdir', f'sql:{database}', '-nick', 'heidi', '-add-signature', home / 'file.pdf', second])
        self.trustp11_signs(second, third, '--level', 'B-LTA')
        verdict = self.passes(third)
        self.assertEqual([(s['signer'].split(',')[0], s.get('level')) for s in verdict['signatures']],
                         [('CN=grace', 'PKCS#7'), ('CN=heidi', 'PKCS#7'), ('CN=frank', 'B-LTA'), ('CN=tsa', None)])


if __name__ == '__main__':
    unittest.main()
