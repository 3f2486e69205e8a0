# SPDX-License-Identifier: Apache-2.0
"""A timestamp authority of a test's own: certificates, an engine with [tsa], and the net process before it."""
import http.client
import os
import socket
import subprocess
import threading
import urllib.error
import urllib.request

from deployment import Deployment
from fake_clock import FakeClock
from tools import ENGINE, PATIENCE_S, must, run, wait_until, write_private

POLICY, OTHER_POLICY = '1.3.6.1.4.1.55555.2.1', '1.3.6.1.4.1.55555.2.2'
QUERY, REPLY = 'application/timestamp-query', 'application/timestamp-reply'


def free_port():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        return taken.getsockname()[1]


class TsaCertificates:
    """A root, and certificates for timestamping that it has issued."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.root, self.root_key = folder / 'root.pem', folder / 'root.key'
        must(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', 30, '-subj',
              '/CN=TSA root', '-addext', 'basicConstraints=critical,CA:TRUE', '-keyout', self.root_key, '-out', self.root])

    def key(self, name='tsa', kind=('rsa', 'rsa_keygen_bits:2048')):
        path = self.folder / f'{name}.key'
        must(['openssl', 'genpkey', '-algorithm', kind[0], '-pkeyopt', kind[1], '-out', path])
        path.chmod(0o600)
        return path

    def request(self, key, name='tsa'):
        path = self.folder / f'{name}.csr'
        must(['openssl', 'req', '-new', '-key', key, '-subj', f'/CN={name}', '-out', path])
        return path

    def issue(self, request, usage='critical,timeStamping', days=10):
        path, extensions = request.with_suffix('.pem'), request.with_suffix('.ext')
        extensions.write_text('keyUsage=critical,digitalSignature\n' + (f'extendedKeyUsage={usage}\n' if usage else ''))
        must(['openssl', 'x509', '-req', '-in', request, '-CA', self.root, '-CAkey', self.root_key, '-CAcreateserial', '-days',
              days, '-extfile', extensions, '-out', path])
        return path


class TsaServer:
    """key: 'file' or 'hsm'. The engine's clock is a fake one unless real_clock: set with clock.set()."""

    def __init__(self, key='file', kind=('rsa', 'rsa_keygen_bits:2048'), settings=None, net=None, start=True, real_clock=False, **options):
        self.deployment = Deployment(users=('alice',), start=False, **options)
        self.dir = self.deployment.dir
        self.certificates = TsaCertificates(self.dir / 'ca')
        self.clock = FakeClock(self.dir / 'clock')
        self.port, self.net_process, self.net_log = free_port(), None, []
        if not real_clock:
            self.deployment.env.update(self.clock.env)
        self.deployment.configure('', 'socket_open', 'yes')
        wanted = {'policies': f'{POLICY}, {OTHER_POLICY}', 'key': 'hsm'}
        if key == 'file':
            self.key = self.certificates.key(kind=kind)
            self.certificate = self.certificates.issue(self.certificates.request(self.key))
            wanted.update(key=f'file:{self.key}', certificates=self.certificate)
        for name, value in {**wanted, **(settings or {})}.items():
            self.deployment.configure('tsa', name, value)
        self.make_net_conf(net or {})
        if start:
            try:
                self.start()
            except BaseException:
                self.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def make_net_conf(self, keys):
        self.net_conf = self.dir / 'net.conf'
        lines = {'listen': f'127.0.0.1:{self.port}', **keys}
        if os.geteuid() == 0:  # then it becomes somebody else, who must reach the engine's socket
            lines.setdefault('user', 'nobody')
            self.dir.chmod(0o711)
            self.deployment.place.chmod(0o711)
        text = ''.join(f'{name} = {value}\n' for name, value in lines.items())
        write_private(self.net_conf, f'{text}[engine]\nsocket = {self.deployment.socket}\nuser = {os.geteuid()}\n')

    # -- processes --

    def start(self):
        self.deployment.start()
        self.start_net()

    def start_net(self, wait=True, **options):
        env = {name: value for name, value in self.deployment.env.items() if name != 'LD_PRELOAD'}
        # What looks for leaks would start a process and trace this one, which it does not allow.
        env['ASAN_OPTIONS'] = env.get('ASAN_OPTIONS', '') + ':detect_leaks=0'
        self.net_process = subprocess.Popen([ENGINE, 'net', '--config', self.net_conf], env=env, text=True,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
        begun = len(self.net_log)
        self.net_reader = threading.Thread(target=self.read_net_log, args=(self.net_process,), daemon=True)
        self.net_reader.start()
        if wait:
            self.wait_for_net('connected to the engine', begun)

    def read_net_log(self, process):
        for line in process.stderr:
            self.net_log.append(line)

    def wait_for_net(self, words, begun=0):
        wait_until(lambda: any(words in line for line in self.net_log[begun:]), f'the net process never says "{words}"')

    def stop_net(self):
        self.net_process.terminate()
        status = self.net_process.wait(PATIENCE_S)
        self.net_reader.join(PATIENCE_S)
        self.net_process.stderr.close()
        self.net_process = None
        return status

    def close(self):
        if self.net_process:
            self.net_process.kill()
            self.net_process.wait()
            self.net_reader.join(PATIENCE_S)
            self.net_process.stderr.close()
        self.deployment.close()

    # -- asking --

    def query(self, *options, digest='sha256', data='Hello.'):
        """DER of a request, by openssl; the file is kept for verify()."""
        self.data, path = self.dir / 'data', self.dir / 'query.tsq'
        self.data.write_text(data)
        must(['openssl', 'ts', '-query', '-data', self.data, f'-{digest}', '-cert', '-out', path, *options])
        return path.read_bytes()

    def post(self, body, path='/tsa', type_=QUERY, timeout=PATIENCE_S):
        """(status, headers, body)"""
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}{path}', data=body, method='POST')
        if type_:
            request.add_header('Content-Type', type_)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def stamp(self, *options, **more):
        """A query, its answer in self.reply; the answer's status as openssl shows it."""
        status, headers, body = self.post(self.query(*options, **more))
        assert status == 200, (status, body, self.net_log[-3:])
        assert headers['Content-Type'] == REPLY, headers
        self.reply = self.dir / 'reply.tsr'
        self.reply.write_bytes(body)
        return self.text()

    def text(self, path=None):
        return must(['openssl', 'ts', '-reply', '-in', path or self.reply, '-text'])

    def verify(self, reply=None):
        """By openssl, against the query and the data."""
        path = reply or self.reply
        return run(['openssl', 'ts', '-verify', '-queryfile', self.dir / 'query.tsq', '-in', path, '-CAfile', self.certificates.root])

    def serial(self):
        return next(line.split(':')[1].strip() for line in self.text().splitlines() if line.startswith('Serial number'))

    def connection(self):
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=PATIENCE_S)
