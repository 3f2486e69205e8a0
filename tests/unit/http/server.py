#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server that does what a path says, well or badly: for the unit tests of the room http.

Usage: server.py FOLDER. Makes its certificates in FOLDER (ca.pem, other.pem, client.pem with client.key), listens on three
ports of loopback, and writes them on one line: plain HTTP, TLS, TLS that demands a client certificate. Ends with its input.
"""
import http.server
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time

FOLDER = pathlib.Path(sys.argv[1])
PORTS = {}


def openssl(*arguments):
    subprocess.run(['openssl', *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_root(name):
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', 2, '-subj', f'/CN={name}',
            '-keyout', FOLDER / f'{name}.key', '-out', FOLDER / f'{name}.pem')


def make_leaf(name, subject_alt_name):
    (FOLDER / 'ext').write_text(f'subjectAltName={subject_alt_name}\n')
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', f'/CN={name}', '-keyout',
            FOLDER / f'{name}.key', '-out', FOLDER / 'csr')
    openssl('x509', '-req', '-in', FOLDER / 'csr', '-CA', FOLDER / 'ca.pem', '-CAkey', FOLDER / 'ca.key', '-days', 2, '-extfile',
            FOLDER / 'ext', '-out', FOLDER / f'{name}.pem')


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def answer(self, status=200, body=b'good', content_type='text/plain', **headers):
        self.send_response(status)
        if content_type:
            self.send_header('Content-Type', content_type)
        self.send_header('Content-Length', str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.end_headers()
        self.wfile.write(body)

    def send_to(self, place, status=302):
        self.answer(status, b'', Location=place)

    def do_POST(self):
        self.posted = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.do_GET()

    def do_GET(self):
        name = 'do_' + self.path.split('?')[0].strip('/').replace('/', '_')
        getattr(self, name, lambda: self.answer(404))()

    def do_good(self):
        self.answer()

    def do_echo(self):
        self.answer(body=f'{self.command} {self.headers.get("Content-Type")} '.encode() + getattr(self, 'posted', b''))

    def do_who(self):
        names = ('Authorization', 'User-Agent', 'Accept', 'Expect')
        self.answer(body='\n'.join(f'{name}: {self.headers.get(name)}' for name in names).encode())

    def do_typed(self):
        self.answer(content_type='Application/OCSP-response; charset=x')

    def do_untyped(self):
        self.answer(content_type=None)

    def do_silent(self):
        time.sleep(5)

    def do_slow(self):
        self.send_response(200)
        self.send_header('Content-Length', '100')
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b'x')
            time.sleep(0.1)

    def do_large(self):
        self.answer(body=b'x' * 5000)

    def do_endless(self):
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        try:
            while True:
                self.wfile.write(b'400\r\n' + b'x' * 0x400 + b'\r\n')
        except OSError:
            self.close_connection = True

    def without_end(self, first, again):
        try:
            self.wfile.write(b'HTTP/1.1 200 OK\r\n' + first)
            while True:
                self.wfile.write(again)
        except OSError:
            self.close_connection = True

    def do_long_header(self):
        self.without_end(b'X: ', b'x' * 4096)

    def do_many_headers(self):
        self.without_end(b'', b'X: ' + b'x' * 100 + b'\r\n')

    def do_cut(self):
        self.send_response(200)
        self.send_header('Content-Length', '100')
        self.end_headers()
        self.wfile.write(b'x')
        self.close_connection = True

    def do_closes(self):
        self.close_connection = True

    def do_garbage(self):
        self.wfile.write(b'\0\1\2 this is not HTTP\r\n\r\n')
        self.close_connection = True

    def do_loop(self):
        self.send_to('/loop')

    def do_once(self):
        self.send_to('/echo')

    def do_not_modified(self):
        self.answer(304, b'')

    def do_nowhere(self):
        self.send_to('')

    def do_see(self):
        self.send_to('/echo', 303)

    def do_thrice(self):
        self.send_to('/twice', 301)

    def do_twice(self):
        self.send_to('/once', 307)

    def do_down(self):
        self.send_to(f'http://127.0.0.1:{PORTS["plain"]}/good')

    def do_up(self):
        self.send_to(f'https://localhost:{PORTS["tls"]}/good')

    def do_elsewhere(self):
        self.send_to(f'http://127.0.0.2:{PORTS["plain"]}/who')

    def do_file(self):
        self.send_to('file:///etc/passwd')

    def do_busy(self):
        self.answer(429, Retry_After='7')

    def do_busy_for_years(self):
        self.answer(503, Retry_After='99999999999')

    def do_bad(self):
        self.answer(400)

    def do_private(self):
        good = self.headers.get('Authorization') == 'Basic YWxpY2U6c2VjcmV0IQ=='
        self.answer(200 if good else 401, WWW_Authenticate='Basic realm="x"')


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


def serve(name, context=None, host='127.0.0.1'):
    server = Server((host, PORTS.get(name, 0)), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    PORTS[name] = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()


def context(demands):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(FOLDER / 'server.pem', FOLDER / 'server.key')
    if demands:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(FOLDER / 'ca.pem')
    return made


def main():
    make_root('ca')
    make_root('other')
    make_leaf('server', 'DNS:localhost,IP:127.0.0.1')
    make_leaf('client', 'DNS:client')
    openssl('pkey', '-in', FOLDER / 'client.key', '-aes128', '-passout', 'pass:x', '-out', FOLDER / 'client.encrypted.key')
    serve('plain')
    serve('plain', host='127.0.0.2')
    serve('tls', context(False))
    serve('mutual', context(True))
    print(PORTS['plain'], PORTS['tls'], PORTS['mutual'], flush=True)
    sys.stdin.read()


if __name__ == '__main__':
    socket.setdefaulttimeout(20)
    main()
