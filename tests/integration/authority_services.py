# SPDX-License-Identifier: Apache-2.0
"""A public key infrastructure on loopback: a root, an intermediate CA, people, timestamp authorities, OCSP responders, CRLs.

    with AuthorityServices() as services:
        alice = services.issue('alice')                      # .certificate .key .chain: PEM files
        services.anchors                                     # PEM file of the root
        services.tsa()                                       # URL of a timestamp authority
        services.behave('tsa/tsa', 'hour-off')               # it lies; see MISBEHAVIOURS and TSA_LIES, OCSP_LIES; None: honest
        services.revoke(alice, reason='keyCompromise')       # at=TIME, too; known at once to OCSP and CRLs
        services.asked('ocsp/intermediate')                  # how often
        services.clock = time.time() + 400 * 86400           # all services tell, and all certificates begin at, that time

With AuthorityServices(faked=clock), a FakeClock, that clock is theirs, and OpenSSL's.

Everything is issued by "intermediate" unless `issuer` names another authority (`root`, or one made by authority()). The
certificates name the services of their issuer (AIA: ocsp/ISSUER, ca/ISSUER.cer; CDP: crl/ISSUER.crl), unless told not to.
Honest answers of the present are OpenSSL's (`openssl ts`, `ocsp`, `ca -gencrl`); others are put together here.
Times are seconds since 1970, UTC.
"""
import base64
import calendar
import collections
import http.server
import os
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import time

from der import ENUMERATED, OCTETS, SEQUENCE, generalized_time, inside, integer, items, oid, sequence, tlv
from tools import must

DAY = 86400
POLICY, OTHER_POLICY = '1.3.6.1.4.1.55555.1.1', '1.3.6.1.4.1.55555.1.2'

KINDS = {
    'signer': ['keyUsage=critical,digitalSignature,nonRepudiation'],
    'tsa': ['keyUsage=critical,digitalSignature', 'extendedKeyUsage=critical,timeStamping'],
    'ocsp': ['keyUsage=critical,digitalSignature', 'extendedKeyUsage=OCSPSigning', 'noCheck=ignored'],
    'ocsp-checked': ['keyUsage=critical,digitalSignature', 'extendedKeyUsage=OCSPSigning'],
    'plain': ['keyUsage=critical,digitalSignature'],
    'ca': ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'],
}
# What any path can do instead of answering.
MISBEHAVIOURS = ('http-400', 'http-429', 'http-500', 'http-503', 'http-404', 'http-405', 'hang', 'close', 'garbage', 'wrong-type', 'auth')
# And what a timestamp authority or a responder can answer. 'composed' is honest, but not made by OpenSSL.
TSA_LIES = ('composed', 'imprint', 'no-nonce', 'nonce', 'policy', 'no-eku', 'untrusted', 'expired', 'hour-off', 'reject', 'broken', 'sha1', 'weak-key',
            'weak-chain')
OCSP_LIES = ('composed', 'unknown', 'stale', 'stranger', 'try-later', 'other-certificate', 'no-next-update')

Leaf = collections.namedtuple('Leaf', 'name issuer certificate key chain serial')


def moment(seconds):
    return time.strftime('%Y%m%d%H%M%SZ', time.gmtime(seconds))


def index_moment(seconds):
    """As openssl ca writes it: UTCTime until 2049."""
    year = time.gmtime(seconds).tm_year
    return time.strftime('%y%m%d%H%M%SZ' if year < 2050 else '%Y%m%d%H%M%SZ', time.gmtime(seconds))


class CertificateAuthority:
    def __init__(self, services, name, issuer=None, **options):
        self.services, self.name = services, name
        self.folder = services.folder / name
        self.folder.mkdir()
        self.certificate, self.key, self.index = (self.folder / part for part in ('ca.pem', 'ca.key', 'index.txt'))
        self.index.touch()
        (self.folder / 'crlnumber').write_text('01\n')
        self.crl_extensions = []  # lines of OpenSSL's configuration: 'issuingDistributionPoint=critical,@idp' and the like
        self.crl_days = 7
        self.crl_strings = None  # a tag: what its CRL spells its name in, instead of UTF8String
        self.digest = 'sha256'  # of what it signs, and of its responders' answers
        self.crl_time = None  # thisUpdate; None: the services' clock
        self.responder = None  # who answers, good or not; None: one of the responders, who are made when they are needed
        self.responders = []  # (leaf, start, end) of each
        self.responder_days = 9 * 365
        self.make(issuer, **options)

    def conf(self, extensions=()):
        path = self.folder / 'ca.cnf'
        number = 'crlnumber=%s/crlnumber\n' % self.folder
        path.write_text(
            f'[ca]\ndefault_ca=a\n[a]\ndatabase={self.index}\nnew_certs_dir={self.folder}\ncertificate={self.certificate}\n'
            f'private_key={self.key}\ndefault_md={self.digest}\nrand_serial=yes\npolicy=p\ndefault_days=30\nunique_subject=no\n'
            f'{number}crl_extensions=crl\n[p]\ncountryName=optional\norganizationName=optional\ncommonName=supplied\n'
            'emailAddress=optional\n[crl]\nauthorityKeyIdentifier=keyid\n' + '\n'.join(self.crl_extensions) + '\n[v3]\n'
            'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' + '\n'.join(extensions) + '\n')
        return path

    def make(self, issuer, start=None, end=None, key='ec', extra=(), **places):
        services = self.services
        request = services.request(self.folder / 'ca', f'/C=JP/O=Test/CN={"Root" if self.name == "root" else self.name} CA', key)
        if issuer:
            path, self.serial = services.authorities[issuer].sign(request, KINDS['ca'] + list(extra), start, end, **places)
            assert path == self.certificate
        else:
            self.serial = None
            start = services.now() - 365 * DAY if start is None else start
            end = services.now() + 20 * 365 * DAY if end is None else end
            conf = self.conf(['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'] + list(extra))
            must(['openssl', 'ca', '-batch', '-notext', '-selfsign', '-config', conf, '-extensions', 'v3', '-in', request, '-out',
                  self.certificate, '-keyfile', self.key, '-startdate', moment(start), '-enddate', moment(end)])
        services.publish(f'ca/{self.name}.cer', must(['openssl', 'x509', '-in', self.certificate, '-outform', 'DER'],
                                                     text=False))

    def sign(self, request, extensions, start=None, end=None, ocsp=True, crl=True, ca_issuers=True):
        services = self.services
        start = services.now() - 3600 if start is None else start
        end = services.now() + 30 * DAY if end is None else end
        access = [f'OCSP;URI:{services.url("ocsp/" + self.name)}'] if ocsp else []
        access += [f'caIssuers;URI:{services.url("ca/" + self.name + ".cer")}'] if ca_issuers else []
        extensions = list(extensions)
        extensions += ['authorityInfoAccess=' + ','.join(access)] if access else []
        extensions += [f'crlDistributionPoints=URI:{services.url("crl/" + self.name + ".crl")}'] if crl else []
        path = request.with_suffix('.pem')
        with services.lock:
            must(['openssl', 'ca', '-batch', '-notext', '-config', self.conf(extensions), '-extensions', 'v3', '-in', request,
                  '-out', path, '-startdate', moment(start), '-enddate', moment(end)])
        serial = must(['openssl', 'x509', '-in', path, '-noout', '-serial']).strip().split('=')[1]
        return path, serial

    def revoke(self, serial, reason, at):
        with self.services.lock:
            lines = []
            for line in self.index.read_text().splitlines():
                fields = line.split('\t')
                if fields[3] == serial:
                    fields[0], fields[2] = 'R', index_moment(at) + (f',{reason}' if reason else '')
                lines.append('\t'.join(fields))
            self.index.write_text('\n'.join(lines) + '\n')

    def status(self, serial):
        """('V', None, None), ('R', seconds, reason) or None for a stranger."""
        for line in self.index.read_text().splitlines():
            fields = line.split('\t')
            if int(fields[3], 16) == serial:
                if fields[0] != 'R':
                    return 'V', None, None
                text, _, reason = fields[2].partition(',')
                form = '%y%m%d%H%M%SZ' if len(text) == 13 else '%Y%m%d%H%M%SZ'
                return 'R', calendar.timegm(time.strptime(text, form)), reason
        return None

    def crl(self):
        this = self.services.now() - 60 if self.crl_time is None else self.crl_time
        path = self.folder / 'list.crl'
        with self.services.lock:
            must(['openssl', 'ca', '-gencrl', '-config', self.conf(), '-out', path, '-crl_lastupdate', moment(this),
                  '-crl_nextupdate', moment(this + self.crl_days * DAY)])
            der = must(['openssl', 'crl', '-in', path, '-outform', 'DER'], text=False)
        return der if self.crl_strings is None else self.spelled(der)

    def spelled(self, crl):
        """CRL, with its issuer's name in other strings."""
        to_be_signed, algorithm, _ = inside(crl)
        parts = [whole for _, _, whole in inside(to_be_signed[2])]
        parts[2] = re.sub(rb'(\x06\x03\x55\x04.)\x0c', rb'\1' + bytes([self.crl_strings]), parts[2], flags=re.S)
        to_be_signed = sequence(*parts)
        return sequence(to_be_signed, algorithm[2], tlv(0x03, b'\0' + self.services.sign_raw(to_be_signed, self)))


class AuthorityServices:
    def __init__(self, clock=None, faked=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='trustp11-pki-'))
        self.faked, self.env = faked, {**os.environ, **faked.env} if faked else None
        self.clock, self.lock, self.ending = clock, threading.RLock(), threading.Event()
        self.published, self.behaviours, self.counts, self.requests = {}, {}, collections.Counter(), {}
        self.authorities, self.leaves, self.tsas, self.made = {}, {}, {}, 0
        self.serial = int(time.time() * 1000)
        self.server = Server(('127.0.0.1', 0), Handler)
        self.server.services = self
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True)
        self.thread.start()
        try:
            self.authority('root')
            self.authority('intermediate', issuer='root', start=self.now() - 365 * DAY, end=self.now() + 10 * 365 * DAY)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- what tests ask for ----

    def now(self):
        if self.faked:
            return int(self.faked.now())
        return int(time.time() if self.clock is None else self.clock)

    def url(self, path):
        return f'http://127.0.0.1:{self.server.server_address[1]}/{path}'

    @property
    def anchors(self):
        return self.authorities['root'].certificate

    def authority(self, name, issuer=None, **options):
        """A CA: self-signed without an issuer. Options: start, end, key, extra (lines of extensions), ocsp, crl, ca_issuers."""
        self.authorities[name] = CertificateAuthority(self, name, issuer, **options)
        return self.authorities[name]

    def issue(self, name, kind='signer', issuer='intermediate', key='ec', extra=(), csr=None, start=None, end=None, **places):
        """A certificate. KIND: see KINDS. KEY: ec, rsa, ed25519, …; or CSR: a request of a key that lies elsewhere (key: None).
        EXTRA: lines of extensions. places: ocsp, crl, ca_issuers = False: not named in it."""
        self.made += 1
        base = self.folder / f'leaf-{self.made}'
        if csr:
            request = base.with_suffix('.csr')
            shutil.copy(csr, request)
        else:
            request = self.request(base, f'/C=JP/O=Test/CN={name}', key)
        path, serial = self.authorities[issuer].sign(request, KINDS[kind] + list(extra), start, end, **places)
        chain = base.with_suffix('.chain.pem')
        above = [a.certificate.read_text() for a in self.path_of(issuer)]
        chain.write_text(path.read_text() + ''.join(above))
        leaf = Leaf(name, issuer, path, None if csr else base.with_suffix('.key'), chain, serial)
        self.leaves[name] = leaf
        return leaf

    def revoke(self, leaf, reason=None, at=None):
        """LEAF: what issue() or authority() gave, or an authority's name."""
        if isinstance(leaf, (str, CertificateAuthority)):
            authority = self.authorities[leaf] if isinstance(leaf, str) else leaf
            self.issuer_of(authority).revoke(authority.serial, reason, self.now() if at is None else at)
        else:
            self.authorities[leaf.issuer].revoke(leaf.serial, reason, self.now() if at is None else at)

    def tsa(self, name='tsa', policy=POLICY, **options):
        """The URL of a timestamp authority, which is made when first asked for. Options as of issue()."""
        if name not in self.tsas:
            options.setdefault('end', self.now() + 365 * DAY)
            self.tsas[name] = (self.issue(name, **{'kind': 'tsa', **options}), policy)
        return self.url(f'tsa/{name}')

    def behave(self, path, behaviour=None):
        assert behaviour is None or behaviour in MISBEHAVIOURS + TSA_LIES + OCSP_LIES, behaviour
        self.behaviours[path] = behaviour

    def behave_once(self, path, behaviour):
        """The next time alone."""
        assert behaviour in MISBEHAVIOURS, behaviour
        self.behaviours[path] = [behaviour]

    def misbehaviour(self, path):
        with self.lock:
            behaviour = self.behaviours.get(path)
            if isinstance(behaviour, list):
                self.behaviours[path] = None
                return behaviour[0]
            return behaviour or ''

    def lie(self, path, lies):
        behaviour = self.behaviours.get(path)
        return behaviour if behaviour in lies else None

    def asked(self, path):
        return self.counts[path]

    def publish(self, path, content):
        """CONTENT (bytes) at PATH, as application/octet-stream."""
        self.published[path] = content

    # ---- what is under it ----

    def issuer_of(self, authority):
        for other in self.authorities.values():
            if other.status(int(authority.serial, 16)) is not None and other is not authority:
                return other
        raise KeyError(authority.name)

    def path_of(self, name):
        """The authorities from NAME upwards, without a root."""
        found, authority = [], self.authorities[name]
        while authority.serial is not None:
            found.append(authority)
            authority = self.issuer_of(authority)
        return found

    def request(self, base, subject, key):
        options = {'ec': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'rsa': ['-newkey', 'rsa:2048'],
                   'rsa-1024': ['-newkey', 'rsa:1024'], 'p-384': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
                   'secp160r1': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp160r1'],
                   'rsa-pss-1024': ['-newkey', 'rsa-pss', '-pkeyopt', 'rsa_keygen_bits:1024'],
                   'ed25519': ['-newkey', 'ed25519']}[key]
        must(['openssl', 'req', *options, '-nodes', '-subj', subject, '-utf8', '-keyout', base.with_suffix('.key'), '-out',
              base.with_suffix('.csr')])
        return base.with_suffix('.csr')

    def responder(self, name):
        """Of authority NAME: a delegate with id-pkix-ocsp-nocheck that is valid now, unless a test has put another one in its place."""
        authority, now = self.authorities[name], self.now()
        with self.lock:
            if authority.responder:
                return authority.responder
            for leaf, start, end in authority.responders:
                if start <= now < end:
                    return leaf
            start, end = now - 365 * DAY, now + authority.responder_days * DAY
            leaf = self.issue(f'{name} OCSP', kind='ocsp', issuer=name, start=start, end=end, ocsp=False, crl=False, ca_issuers=False)
            authority.responders.append((leaf, start, end))
            return leaf

    def stranger(self):
        """An authority that nobody trusts."""
        with self.lock:
            return 'stranger' if 'stranger' in self.authorities else self.authority('stranger').name

    def weak(self):
        """An authority whose key is too short."""
        with self.lock:
            return 'weak' if 'weak' in self.authorities else self.authority('weak', issuer='root', key='rsa-1024').name

    def special(self, name, **options):
        with self.lock:
            return self.leaves.get(name) or self.issue(name, **options)

    # ---- timestamps ----

    def stamp(self, name, request):
        lie = self.lie(f'tsa/{name}', TSA_LIES)
        leaf, policy = self.tsas[name]
        if lie is None and self.clock is None:
            return self.stamp_openssl(leaf, policy, request)
        return self.stamp_composed(lie, leaf, policy, request)

    def stamp_openssl(self, leaf, policy, request):
        folder = self.folder / f'tsa-{leaf.name}'
        folder.mkdir(exist_ok=True)
        conf = folder / 'tsa.cnf'
        with self.lock:
            if not conf.exists():
                (folder / 'serial').write_text('01\n')
                conf.write_text(
                    f'[tsa]\ndefault_tsa=t\n[t]\nserial={folder}/serial\ncrypto_device=builtin\nsigner_cert={leaf.certificate}\n'
                    f'certs={leaf.chain}\nsigner_key={leaf.key}\nsigner_digest=sha256\ndefault_policy={policy}\n'
                    f'other_policies={OTHER_POLICY}\ndigests=sha1,sha256,sha384,sha512,sha3-256\naccuracy=secs:1\nordering=no\n'
                    'tsa_name=no\ness_cert_id_chain=no\ness_cert_id_alg=sha256\n')
            (folder / 'request').write_bytes(request)
            must(['openssl', 'ts', '-reply', '-config', conf, '-queryfile', folder / 'request', '-out', folder / 'reply'],
                 env=self.env)
            return (folder / 'reply').read_bytes()

    def stamp_composed(self, lie, leaf, policy, request):
        parts = inside(request)
        imprint = parts[1][2]
        asked_policy = [whole for tag, _, whole in parts[2:] if tag == 0x06]
        nonce = [whole for tag, _, whole in parts[2:] if tag == 0x02]
        certificates = any(tag == 0x01 and content != b'\0' for tag, content, _ in parts[2:])
        if lie == 'reject':
            return sequence(sequence(integer(2), sequence(tlv(0x0c, b'the clock is away')), b'\x03\x03\x01\x00\x02'))
        if lie == 'imprint':
            imprint = imprint[:-1] + bytes([imprint[-1] ^ 1])
        if lie == 'no-nonce':
            nonce = []
        if lie == 'nonce':
            nonce = [integer(4711)]
        if lie == 'policy':
            asked_policy = [oid('1.3.6.1.4.1.55555.9')]
        at = self.now() + (3600 if lie == 'hour-off' else 0)
        with self.lock:
            self.serial += 1
            serial = self.serial
        info = sequence(integer(1), asked_policy[0] if asked_policy else oid(policy), imprint, integer(serial),
                        generalized_time(at), sequence(integer(1)), *nonce)
        if lie == 'no-eku':
            leaf = self.special('tsa without purpose', kind='plain')
        if lie == 'untrusted':
            leaf = self.special('tsa of a stranger', kind='tsa', issuer=self.stranger())
        if lie == 'expired':
            leaf = self.special('tsa of yesterday', kind='tsa', start=self.now() - 40 * DAY, end=self.now() - 10 * DAY)
        if lie == 'weak-key':
            leaf = self.special('tsa of a weak key', kind='tsa', key='rsa-1024')
        if lie == 'weak-chain':
            leaf = self.special('tsa of a weak CA', kind='tsa', issuer=self.weak())
        token = self.sign_content(info, leaf, certificates, 'sha1' if lie == 'sha1' else 'sha256')
        if lie == 'broken':
            token = token[:-1] + bytes([token[-1] ^ 1])
        return sequence(sequence(integer(0)), token)

    def sign_content(self, content, leaf, certificates, digest='sha256'):
        work = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        (work / 'info').write_bytes(content)
        must(['openssl', 'cms', '-sign', '-in', work / 'info', '-binary', '-nodetach', '-cades', '-md', digest, '-econtent_type',
              '1.2.840.113549.1.9.16.1.4', '-signer', leaf.certificate, '-inkey', leaf.key, '-outform', 'DER', '-out',
              work / 'token', *self.certificates_of(leaf, certificates)])
        token = (work / 'token').read_bytes()
        shutil.rmtree(work)
        return token

    def certificates_of(self, leaf, wanted):
        above = self.path_of(leaf.issuer)
        if not wanted:
            return ['-nocerts']
        return ['-certfile', self.write_above(above)] if above else []

    def write_above(self, authorities):
        path = self.folder / ('above-' + authorities[0].name + '.pem')
        path.write_text(''.join(a.certificate.read_text() for a in authorities))
        return path

    # ---- OCSP ----

    def ocsp(self, name, request):
        lie = self.lie(f'ocsp/{name}', OCSP_LIES)
        authority, responder = self.authorities[name], self.responder(name)
        if lie is None and self.clock is None:
            return self.ocsp_openssl(authority, responder, request)
        return self.ocsp_composed(lie, authority, responder, request)

    def ocsp_openssl(self, authority, responder, request):
        work = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        (work / 'request').write_bytes(request)
        with self.lock:
            must(['openssl', 'ocsp', '-index', authority.index, '-CA', authority.certificate, '-rsigner', responder.certificate,
                  '-rkey', responder.key, '-rmd', authority.digest, '-ndays', 7, '-reqin', work / 'request', '-respout', work / 'reply'],
                 env=self.env)
        reply = (work / 'reply').read_bytes()
        shutil.rmtree(work)
        return reply

    def ocsp_composed(self, lie, authority, responder, request):
        if lie == 'try-later':
            return sequence(tlv(ENUMERATED, b'\x03'))
        to_be_signed = inside(inside(request)[0][2])
        requests = [content for tag, content, _ in to_be_signed if tag == SEQUENCE][0]
        extensions = [items(content)[0][2] for tag, content, _ in to_be_signed if tag == 0xa2]
        singles = b''.join(self.ocsp_single(lie, authority, items(one)[0][2]) for _, one, _ in items(requests))
        if lie == 'stranger':
            responder = self.responder(self.stranger())
        name = items(inside(inside(self.der(responder.certificate))[0][2])[5][2])[0][2]
        data = sequence(tlv(0xa1, name), generalized_time(self.now()), sequence(singles),
                        *(tlv(0xa1, part) for part in extensions))
        signature = self.sign_raw(data, responder)
        basic = sequence(data, sequence(oid('1.2.840.10045.4.3.2')), tlv(0x03, b'\0' + signature),
                         tlv(0xa0, sequence(self.der(responder.certificate))))
        return sequence(tlv(ENUMERATED, b'\0'),
                        tlv(0xa0, sequence(oid('1.3.6.1.5.5.7.48.1.1'), tlv(OCTETS, basic))))

    def ocsp_single(self, lie, authority, certificate_id):
        *before, (_, serial, whole) = inside(certificate_id)
        if lie == 'other-certificate':
            certificate_id = sequence(*(part[2] for part in before), integer(int.from_bytes(serial, 'big') ^ 1))
        state = authority.status(int.from_bytes(serial, 'big'))
        this = self.now() - (30 * DAY if lie == 'stale' else 60)
        if state is None or lie == 'unknown':
            status = b'\x82\x00'
        elif state[0] == 'R':
            reasons = ('unspecified', 'keyCompromise', 'CACompromise', 'affiliationChanged', 'superseded', 'cessationOfOperation',
                       'certificateHold')
            reason = [tlv(0xa0, tlv(ENUMERATED, bytes([reasons.index(state[2])])))] if state[2] else []
            status = tlv(0xa1, generalized_time(state[1]), *reason)
        else:
            status = b'\x80\x00'
        next_update = [] if lie == 'no-next-update' else [tlv(0xa0, generalized_time(this + 7 * DAY))]
        return sequence(certificate_id, status, generalized_time(this), *next_update)

    @staticmethod
    def der(certificate):
        return must(['openssl', 'x509', '-in', certificate, '-outform', 'DER'], text=False)

    def sign_raw(self, data, leaf):
        work = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        (work / 'data').write_bytes(data)
        signature = must(['openssl', 'dgst', '-sha256', '-sign', leaf.key, work / 'data'], text=False)
        shutil.rmtree(work)
        return signature


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):  # clients that go away early are what some tests are about
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def answer(self, status, content_type='text/plain', body=b'', **headers):
        self.send_response(status)
        self.send_header('Content-Type', content_type)
        self.send_header('Content-Length', str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.end_headers()
        self.wfile.write(body)

    def authorised(self):
        return self.headers.get('Authorization') == 'Basic ' + base64.b64encode(b'alice:sesame').decode()

    def misbehave(self, behaviour):
        """Whether that was the answer."""
        services = self.server.services
        if behaviour in ('hang', 'close'):
            if behaviour == 'hang':
                services.ending.wait(60)
            self.close_connection = True
        elif behaviour == 'http-429':
            self.answer(429, Retry_After='120')
        elif behaviour.startswith('http-'):
            self.answer(int(behaviour[5:]))
        elif behaviour == 'garbage':
            self.answer(200, self.content_type, b'\x30\x82\x99\x99 this is not DER')
        elif behaviour == 'wrong-type':
            self.answer(200, 'text/html', b'<html>Welcome to this hotel</html>')
        elif behaviour == 'auth' and not self.authorised():
            self.answer(401, WWW_Authenticate='Basic realm="tsa"')
        else:
            return False
        return True

    def handle_path(self, body):
        services, path = self.server.services, self.path.strip('/')
        service, _, name = path.partition('/')
        services.counts[path] += 1
        services.requests[path] = body
        self.content_type = {'tsa': 'application/timestamp-reply', 'ocsp': 'application/ocsp-response',
                             'crl': 'application/pkix-crl', 'ca': 'application/pkix-cert'}.get(service,
                                                                                             'application/octet-stream')
        if self.misbehave(services.misbehaviour(path)):
            return
        if path in services.published:
            self.answer(200, self.content_type, services.published[path])
        elif service in ('tsa', 'ocsp') and not body:
            self.answer(405)
        elif service == 'tsa' and name in services.tsas:
            self.answer(200, self.content_type, services.stamp(name, body))
        elif service == 'ocsp' and name in services.authorities:
            self.answer(200, self.content_type, services.ocsp(name, body))
        elif service == 'crl' and name.removesuffix('.crl') in services.authorities:
            self.answer(200, self.content_type, services.authorities[name.removesuffix('.crl')].crl())
        else:
            self.answer(404)

    def do_POST(self):
        self.handle_path(self.rfile.read(int(self.headers.get('Content-Length', 0))))

    def do_GET(self):
        self.handle_path(b'')


def main():
    """For tests in other languages: evaluates one expression a line, in which `services` is what this file is about, and answers
    on one line; "!" and what went wrong otherwise. Ends with its input."""
    with AuthorityServices() as services:
        print(services.folder, flush=True)
        for line in sys.stdin:
            try:
                answer = str(eval(line, {**globals(), 'services': services}))  # tests are the only ones who ask
            except Exception as error:  # pylint: disable=broad-except
                answer = f'!{error!r}'
            print(answer.replace('\n', ' '), flush=True)


if __name__ == '__main__':
    main()
