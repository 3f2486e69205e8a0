# SPDX-License-Identifier: Apache-2.0
"""Certificates, and the DER that a raw ECDSA signature needs around it."""
import time

from tools import must


class Authority:
    """A throw-away CA, by the command openssl."""

    def __init__(self, folder, name='Test CA'):
        self.folder = folder
        folder.mkdir()
        self.certificate, self.key = folder / 'ca.pem', folder / 'ca.key'
        (folder / 'index.txt').touch()
        self.conf = folder / 'ca.cnf'
        self.conf.write_text(
            f'[ca]\ndefault_ca=a\n[a]\ndir={folder}\ndatabase={folder}/index.txt\nnew_certs_dir={folder}\n'
            f'certificate={self.certificate}\nprivate_key={self.key}\ndefault_md=sha256\nrand_serial=yes\n'
            'policy=p\nx509_extensions=v3\ndefault_days=30\ndefault_crl_days=30\nunique_subject=no\n'
            '[p]\ncommonName=supplied\n[v3]\nkeyUsage=critical,digitalSignature,nonRepudiation\n')
        must(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', 30,
              '-subj', f'/CN={name}', '-keyout', self.key, '-out', self.certificate])

    def issue(self, request, seconds=86400):
        """A certificate and its issuer, for a request; valid from an hour ago, for so many seconds from now."""
        path = request.with_suffix('.pem')
        moment = lambda at: time.strftime('%Y%m%d%H%M%SZ', time.gmtime(at))
        must(['openssl', 'ca', '-batch', '-notext', '-config', self.conf, '-in', request, '-out', path, '-startdate',
              moment(time.time() - 3600), '-enddate', moment(time.time() + seconds)])
        path.write_text(path.read_text() + self.certificate.read_text())
        return path


def der_integer(big_endian):
    value = big_endian.lstrip(b'\0') or b'\0'
    if value[0] & 0x80:
        value = b'\0' + value
    return bytes([2, len(value)]) + value


def der_sequence(content):
    assert len(content) < 128
    return bytes([0x30, len(content)]) + content
