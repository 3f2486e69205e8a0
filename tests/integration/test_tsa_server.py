# SPDX-License-Identifier: Apache-2.0
"""The timestamp authority: engine and net process, asked over HTTP; OpenSSL makes the requests and judges the answers."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import socket
import threading
import time
import unittest

from deployment import CKR, DeploymentTest
from tools import CLI, ENGINE, NOBODY, SOURCE, must, needs_root, run, wait_until
from tsa_server import OTHER_POLICY, POLICY, QUERY, TsaServer

DIGESTS = ('sha224', 'sha256', 'sha384', 'sha512', 'sha512-224', 'sha512-256', 'sha3-224', 'sha3-256', 'sha3-384', 'sha3-512')


class TsaServerTest(DeploymentTest):
    def serve(self, **options):
        server = TsaServer(**options)
        self.addCleanup(server.close)
        return server

    def assert_granted(self, server, *options, **more):
        self.assertIn('Status: Granted', server.stamp(*options, **more))
        done = server.verify()
        self.assertEqual(done.status, 0, done.err)

    def assert_rejected(self, server, failure, *words, body=None, **more):
        if body is None:
            text = server.stamp(**more)
        else:
            status, _, reply = server.post(body)
            self.assertEqual(status, 200, reply)
            server.reply = server.dir / 'reply.tsr'
            server.reply.write_bytes(reply)
            text = server.text()
        self.assertIn('Status: Rejected', text)
        for word in (failure, *words):
            self.assertIn(word, text)
        self.assertIn('Not included', text)

    def tokens(self, server):
        return [entry for entry in server.deployment.audit('--action', 'tsa.timestamp') if entry['outcome'] == 'intent']


class Protocol(TsaServerTest):
    @classmethod
    def setUpClass(cls):
        cls.server = TsaServer()
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        self.server.clock.set()

    def test_every_digest(self):
        for digest in DIGESTS:
            with self.subTest(digest):
                self.assert_granted(self.server, digest=digest)
                self.assertIn(f'Policy OID: {POLICY}', self.server.text())

    def test_weak_digests(self):
        for digest, name in (('sha1', 'SHA-1'), ('md5', 'MD5')):
            with self.subTest(digest):
                self.assert_rejected(self.server, 'unrecognized or unsupported algorithm', name, digest=digest)

    def test_policies(self):
        self.assert_granted(self.server, '-tspolicy', OTHER_POLICY)
        self.assertIn(f'Policy OID: {OTHER_POLICY}', self.server.text())
        status, _, reply = self.server.post(self.server.query('-tspolicy', '1.2.3.4'))
        self.assertEqual(status, 200)
        path = self.server.dir / 'refused.tsr'
        path.write_bytes(reply)
        self.assertIn('requested TSA policy is not supported', self.server.text(path))

    def test_certificates_only_on_demand(self):
        data, query = self.server.dir / 'data', self.server.dir / 'bare.tsq'
        data.write_text('Hello.')
        must(['openssl', 'ts', '-query', '-data', data, '-sha256', '-out', query])
        with_them = self.server.post(self.server.query())[2]
        without = self.server.post(query.read_bytes())[2]
        self.assertLess(len(without) + 300, len(with_them))
        reply = self.server.dir / 'bare.tsr'
        reply.write_bytes(without)
        verify = ['openssl', 'ts', '-verify', '-queryfile', query, '-in', reply, '-CAfile', self.server.certificates.root]
        self.assertNotEqual(run(verify).status, 0)
        self.assertEqual(run([*verify, '-untrusted', self.server.certificate]).status, 0)

    def test_without_a_nonce(self):
        self.assert_granted(self.server, '-no_nonce')
        self.assertIn('Nonce: unspecified', self.server.text())

    def test_garbage(self):
        query = self.server.query()
        for body in (b'', b'Hello.', query[:-1], query + b'\0', b'\x30\x00', os.urandom(4000), b'\x30\x84\xff\xff\xff\xff'):
            with self.subTest(body[:10]):
                self.assert_rejected(self.server, 'the data submitted has the wrong format', body=body)

    def test_digest_of_the_wrong_length(self):
        query = self.server.query('-no_nonce')
        at = query.index(b'\x04\x20')
        shorter = bytearray(query[:at] + b'\x04\x1f' + query[at + 3:])
        shorter[1] -= 1  # the request
        shorter[6] -= 1  # the imprint
        self.assertEqual(shorter[5], 0x30)
        self.assert_rejected(self.server, 'wrong format', 'not as long', body=bytes(shorter))

    def test_the_imprint_comes_back_as_it_was_sent(self):
        query = self.server.query('-no_nonce')
        at = query.index(b'\x05\x00\x04\x20')
        bare = bytearray(query[:at] + query[at + 2:])
        for length in (1, 6, 8):  # the request's, the imprint's, its algorithm's
            bare[length] -= 2
        odd = query[:at] + b'\x04' + query[at + 1:]
        for body, imprint in ((query, query[5:at + 36]), (bytes(bare), bytes(bare[5:at + 34]))):
            with self.subTest(len(body)):
                self.assertEqual(imprint[0], 0x30)
                status, _, reply = self.server.post(body)
                self.assertEqual(status, 200)
                self.assertIn(imprint, reply)
        self.assert_rejected(self.server, 'unrecognized or unsupported algorithm', body=odd)

    def test_what_is_not_in_der(self):
        query = self.server.query('-no_nonce')
        self.assertEqual(query[-3:], b'\x01\x01\xff')
        said_no = query[:-1] + b'\0'
        self.assertEqual(self.server.post(said_no)[0], 200)
        for body in (query[:-1] + b'\1', b'\x30\x81' + query[1:], b'\x30\x80' + query[2:] + b'\0\0'):
            with self.subTest(body[:4]):
                self.assert_rejected(self.server, 'the data submitted has the wrong format', 'DER', body=body)

    def test_unknown_extension(self):
        query = bytearray(self.server.query('-no_nonce'))
        extension = bytes([0xa0, 0x0c, 0x30, 0x0a, 6, 4, 0x2a, 3, 4, 5, 4, 2, 5, 0])
        query[1] += len(extension)
        self.assert_rejected(self.server, 'extension', body=bytes(query) + extension)

    def test_another_version(self):
        query = bytearray(self.server.query())
        self.assertEqual(bytes(query[2:5]), b'\x02\x01\x01')
        query[4] = 2
        self.assert_rejected(self.server, 'transaction not permitted or supported', body=bytes(query))

    def test_routes(self):
        query = self.server.query()
        self.assertEqual(self.server.post(query, path='/')[0], 404)
        self.assertEqual(self.server.post(query, path='/tsa/x')[0], 404)
        self.assertEqual(self.server.post(query, type_='text/plain')[0], 415)
        self.assertEqual(self.server.post(query, type_='application/timestamp-query-not')[0], 415)
        self.assertEqual(self.server.post(query, type_='Application/Timestamp-Query; charset=x')[0], 200)
        self.assertEqual(self.server.post(b'x' * (16 << 10))[0], 413)
        for method in ('GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'):
            connection = self.server.connection()
            connection.request(method, '/tsa')
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.headers['Allow']), (405, 'POST'), method)
            connection.close()

    def exchange(self, sent):
        """What comes back until the server ends the connection, or says nothing more."""
        with socket.create_connection(('127.0.0.1', self.server.port), timeout=1) as connection:
            connection.sendall(sent)
            got = b''
            try:
                while part := connection.recv(65536):
                    got += part
            except (TimeoutError, ConnectionResetError):
                pass
            return got

    def good(self):
        query = self.server.query('-no_nonce')
        return (b'POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\nContent-Length: %d\r\n\r\n%s'
                % (len(query), query))

    def test_an_answer_without_a_body_where_none_may_be(self):
        """What came after the header of an answer to HEAD would be read as the next answer."""
        for path in (b'/tsa', b'/'):
            got = self.exchange(b'HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n' % path)
            self.assertTrue(got.startswith(b'HTTP/1.1 40') and got.endswith(b'\r\n\r\n'), got)

    def test_no_request_is_taken_for_another_s_body(self):
        """evhttp reads none after the header of some: what is in it is not answered."""
        good = self.good()
        self.assertEqual(re.findall(rb'HTTP/1.1 (\d+) ', self.exchange(good * 2)), [b'200', b'200'])
        for method in (b'HEAD', b'GET', b'DELETE', b'OPTIONS', b'PUT', b'PATCH'):
            for path in (b'/tsa', b'/'):
                with self.subTest(method=method, path=path):
                    got = self.exchange(b'%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s' % (method, path, len(good), good))
                    self.assertIn(re.findall(rb'HTTP/1.1 (\d+) ', got), ([b'405'], [b'404']))
                    self.assertIn(b'\r\nConnection: close\r\n', got)

    def test_the_host_is_beyond_doubt(self):
        good = self.good()
        for host, status in ((b'Host: y\r\n', 200), (b'', 400), (b'Host: x\r\nHost: y\r\n', 400), (b'Host:\r\n', 400)):
            with self.subTest(host):
                self.assertTrue(self.exchange(good.replace(b'Host: x\r\n', host)).startswith(b'HTTP/1.1 %d ' % status))
        self.assertIn(b' 200 ', self.exchange(good.replace(b'HTTP/1.1\r\nHost: x', b'HTTP/1.0'))[:15])

    def test_no_other_version_is_spoken(self):
        self.assertTrue(self.exchange(self.good().replace(b'HTTP/1.1', b'HTTP/1.9')).startswith(b'HTTP/1.1 200 '))

    def ask_raw(self, fields, body):
        """The statuses of the answers to two requests, of which the first has FIELDS."""
        head = b'POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\n'
        return re.findall(rb'HTTP/1.1 (\d+) ', self.exchange(head + fields + b'\r\n' + body + self.good()))

    def test_where_a_request_ends_is_beyond_doubt(self):
        query = self.server.query('-no_nonce')
        length, chunked = b'Content-Length: %d\r\n' % len(query), b'%x\r\n%s\r\n0\r\n\r\n' % (len(query), query)
        for fields, body in ((length, query), (b'content-length:   %d  \r\n' % len(query), query)):
            with self.subTest(good=fields):
                self.assertEqual(self.ask_raw(fields, body), [b'200', b'200'])
        for fields, body in ((length + b'Content-Length: 3\r\n', query), (length * 2, query), (length.replace(b': ', b': +'), query),
                             (length.replace(b':', b' :'), b'')):
            with self.subTest(doubtful=fields):
                self.assertEqual(self.ask_raw(fields, body), [b'400'])
        for coding, body in ((b'Chunked', chunked), (b'chunked', b'0x' + chunked), (b'chunked', b'+' + chunked), (b'chunked', b' ' + chunked),
                             (b'gzip, chunked', chunked)):
            with self.subTest(coding=coding, body=body[:5]):
                self.assertEqual(self.ask_raw(b'Transfer-Encoding: %s\r\n' % coding, body), [b'411'])
        with self.subTest('no length'):
            self.assertEqual(self.ask_raw(b'', query), [b'411'])
            self.assertEqual(self.ask_raw(b'Content-Length: 0\r\n', b''), [b'200', b'200'])  # that it is no request is the engine's word
        for more, coding, body in ((length, b'chunked', chunked), (length, b'xchunked', query), (b'', b'chunked, identity', chunked)):
            with self.subTest(more=more, coding=coding):  # evhttp's answer, or ours
                self.assertIn(self.ask_raw(more + b'Transfer-Encoding: %s\r\n' % coding, body), ([b'400'], [b'411']))

    def test_one_connection_for_many(self):
        query, connection = self.server.query(), self.server.connection()
        for _ in range(20):
            connection.request('POST', '/tsa', query, {'Content-Type': 'application/timestamp-query'})
            answer = connection.getresponse()
            self.assertEqual((answer.status, len(answer.read()) > 1000), (200, True))
        connection.close()

    def test_many_at_a_time(self):
        query, known = self.server.query(), len(self.tokens(self.server))
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            replies = list(pool.map(lambda _: self.server.post(query), range(200)))
        self.assertEqual({status for status, _, _ in replies}, {200})
        tokens = self.tokens(self.server)[known:]
        self.assertEqual(len(tokens), 200)
        self.assertEqual(len({entry['object_id'] for entry in tokens}), 200)

    def test_what_is_recorded(self):
        self.assert_granted(self.server)
        entry = self.tokens(self.server)[-1]
        text = self.server.text()
        self.assertEqual(entry['object_id'], self.server.serial().removeprefix('0x').lower())
        self.assertEqual(entry['hash'], '2d8bd7d9bb5f85ba643f0110d50cb506a1fe439e769a22503193ea6046bb87f7')
        self.assertEqual((entry['mechanism'], entry['program']), ('SHA-256', 'trustp11d net'))
        self.assertIn(POLICY, entry['detail'])
        self.assertIn(entry['detail'][11:19], text)
        self.assert_rejected(self.server, 'algorithm', digest='sha1')
        last = self.server.deployment.audit('--action', 'tsa.timestamp')[-1]
        self.assertEqual(last['outcome'], 'refused')
        self.assertIn('badAlg', last['reason'])
        self.assert_sound(self.server.deployment)

    def test_the_command_line(self):
        query, reply = self.server.dir / 'q', self.server.dir / 'r'
        query.write_bytes(self.server.query())
        done = self.server.deployment.json('tsa', 'reply', '--in', query, '--out', reply)
        self.assertEqual((done['status'], done['policy']), ('granted', POLICY))
        self.assertEqual(self.server.verify(reply).status, 0)
        made = len(self.tokens(self.server))
        self.assert_refused(self.server.deployment.cli('tsa', 'reply', '--in', query, '--out', reply), 'there already')
        self.assert_refused(self.server.deployment.cli('tsa', 'reply', '--in', query, '--out', self.server.dir / 'nowhere/r'), 'nowhere')
        self.assertEqual(len(self.tokens(self.server)), made, 'for nobody')
        query.write_bytes(self.server.query(digest='sha1'))
        reply.unlink()
        refused = self.server.deployment.cli('tsa', 'reply', '--in', query, '--out', reply)
        self.assertEqual(refused.status, 1)
        self.assertIn('badAlg', refused.out)
        self.assertIn('Rejected', self.server.text(reply))

    def test_nothing_of_people_in_the_access_log(self):
        self.server.post(b'x', path='/secret-name?token=1')
        self.server.post(self.server.query(), path='/tsa?who=alice')
        log = ''.join(self.server.net_log)
        self.assertIn('POST /tsa 200', log)
        for word in ('127.0.0.1:', 'secret-name', 'alice', 'token='):
            self.assertNotIn(word, log.replace(f'127.0.0.1 port {self.server.port}', ''))


class Clock(TsaServerTest):
    def test_not_synchronised(self):
        server = self.serve()
        self.assert_granted(server)
        server.clock.set(synchronised=False)
        time.sleep(0.2)
        self.assert_rejected(server, "time source is not available", 'not synchronised')
        server.clock.set()
        time.sleep(0.2)
        self.assert_granted(server)

    def test_error_beyond_the_accuracy(self):
        server = self.serve(settings={'accuracy_ms': '20'})
        server.clock.set(error_us=19000)
        self.assert_granted(server)
        self.assertIn('unspecified seconds, 0x14 millis', server.text().replace('0x00 seconds', 'unspecified seconds'))
        server.clock.set(error_us=21000)
        time.sleep(0.2)
        self.assert_rejected(server, "time source is not available", '21000 us')

    def test_set_forward_and_back(self):
        server = self.serve()
        self.assert_granted(server)
        server.clock.set(offset_us=5_000_000)
        self.assert_rejected(server, "time source is not available", 'was set by')
        time.sleep(11)
        self.assert_granted(server)  # NTP says that it is right
        server.clock.set(offset_us=0)
        time.sleep(0.4)
        self.assert_rejected(server, "time source is not available")
        self.assert_sound(server.deployment)

    def test_unwatched(self):
        server = self.serve(settings={'unwatched_clock': 'yes'})
        server.clock.set(synchronised=False)
        self.assert_granted(server)

    def test_ordering_goes_on_after_a_restart(self):
        server = self.serve(start=False, settings={'ordering': 'yes'})
        server.clock.set(offset_us=60_000_000)
        server.start()
        self.assert_granted(server)
        self.assertIn('Ordering: yes', server.text())
        server.deployment.stop()
        server.clock.set()  # set back while the engine was away: nobody has seen the step
        server.deployment.start()
        wait_until(lambda: server.post(server.query())[0] == 200, 'the net process does not find the engine again')
        self.assert_rejected(server, "time source is not available", 'behind a timestamp')


class Restarts(TsaServerTest):
    def test_serials_are_unique(self):
        server, serials = self.serve(), []
        for end in (server.deployment.stop, server.deployment.kill, server.deployment.stop, server.deployment.kill):
            for _ in range(5):
                self.assert_granted(server)
                serials.append(server.serial())
            end()
            server.deployment.start()
            wait_until(lambda: server.post(server.query())[0] == 200, 'the net process does not find the engine again')
        self.assertEqual(len(set(serials)), 20)
        recorded = [entry['object_id'] for entry in self.tokens(server)]
        self.assertEqual(len(set(recorded)), len(recorded))
        self.assertLessEqual({serial.removeprefix('0x').lower() for serial in serials}, set(recorded))
        self.assert_sound(server.deployment)

    def test_engine_away(self):
        server = self.serve()
        server.deployment.stop()
        status, headers, body = server.post(server.query())
        self.assertEqual((status, headers['Retry-After'] is not None), (503, True), body)
        self.assertIn(b'try again', body)
        self.assertIn('text/plain', headers['Content-Type'])
        server.deployment.start()
        wait_until(lambda: server.post(server.query())[0] == 200, 'the net process does not find the engine again')
        self.assert_granted(server)

    def test_killed_under_load(self):
        """Whatever token anybody has got is in the log."""
        server, query = self.serve(), None
        query = server.query()

        def ask(_):
            try:
                return server.post(query)
            except OSError:
                return None
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = pool.map(ask, range(400))
            time.sleep(0.3)
            server.deployment.kill()
            replies = list(replies)
        server.deployment.start()
        got = [reply[2] for reply in replies if reply is not None and reply[0] == 200]
        self.assertGreater(len(got), 0)
        recorded = {entry['object_id'] for entry in self.tokens(server)}
        for number, body in enumerate(got):
            path = server.dir / 'one.tsr'
            path.write_bytes(body)
            serial = re.search(r'Serial number: 0x(\w+)', server.text(path)).group(1).lower()
            self.assertIn(serial, recorded, number)
        self.assert_sound(server.deployment)

    def test_drain(self):
        server = self.serve()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            query = server.query()
            replies = [pool.submit(server.post, query) for _ in range(40)]
            wait_until(lambda: sum(reply.done() for reply in replies) > 4, 'no answers')
            self.assertEqual(server.stop_net(), 0, "".join(server.net_log[-14:]))
            ends = [reply.exception() or reply.result()[0] for reply in replies]
        for end in ends:  # answered, or never taken; none is cut off
            self.assertTrue(end == 200 or isinstance(end, OSError), end)


class Faults(TsaServerTest):
    def test_no_token_without_an_entry(self):
        """The log's MAC fails while the token is signed: it does not leave."""
        server = self.serve(faults=True)
        query, refused = server.query(), 0
        for n in range(1, 6):
            server.deployment.fault(f'C_Sign {n} fail {CKR["DEVICE_ERROR"]:#x}', f'C_SignFinal {n} fail {CKR["DEVICE_ERROR"]:#x}')
            replies = [server.post(query) for _ in range(4)]
            server.deployment.fault()
            refused += sum(status == 503 for status, _, _ in replies)
            recorded = {entry['object_id'] for entry in self.tokens(server)}
            for status, _, body in replies:
                if status == 200:
                    path = server.dir / 'one.tsr'
                    path.write_bytes(body)
                    self.assertIn(re.search(r'Serial number: 0x(\w+)', server.text(path)).group(1).lower(), recorded)
        self.assertGreater(refused, 0)
        self.assert_granted(server)
        self.assert_sound(server.deployment)

    def test_hsm_away(self):
        server = self.serve(faults=True)
        server.deployment.fault(f'* 1+ fail {CKR["DEVICE_ERROR"]:#x}')
        self.assertEqual(server.post(server.query())[0], 503)
        server.deployment.fault()
        wait_until(lambda: server.post(server.query())[0] == 200, 'no timestamps although the HSM is back')
        self.assert_sound(server.deployment)


class KeyInTheHsm(TsaServerTest):
    def certify(self, server, name, usage='critical,timeStamping'):
        request = server.dir / f'{name}.csr'
        server.deployment.ok('tsa', 'key', 'csr', '--subject', f'/CN={name}', '--out', request)
        return server.certificates.issue(request, usage)

    def test_from_making_to_replacing(self):
        server = self.serve(key='hsm')
        self.assertEqual(server.post(server.query())[0], 503)
        self.assert_refused(server.deployment.cli('tsa', 'key', 'csr', '--subject', '/CN=x'), 'no key yet')
        self.assertEqual(server.deployment.json('tsa', 'key', 'make')['type'], 'rsa-3072', 'what lasts beyond 2030 (docs/pades.md)')
        self.assert_refused(server.deployment.cli('tsa', 'key', 'make'), '--replace')
        self.assertEqual(server.post(server.query())[0], 503)
        self.assert_refused(server.deployment.cli('tsa', 'cert', 'import', self.certify(server, 'wrong', usage=None)), 'timestamps alone')
        (server.dir / 'right.csr').unlink(missing_ok=True)
        certificate = self.certify(server, 'right')
        self.assertIn('not_after', server.deployment.json('tsa', 'cert', 'import', certificate))
        self.assert_granted(server)
        server.deployment.ok('tsa', 'key', 'make', '--type', 'p-256')
        self.assert_granted(server)  # with the one before
        other = server.certificates.issue(server.certificates.request(server.certificates.key('other'), 'other'))
        self.assert_refused(server.deployment.cli('tsa', 'cert', 'import', other), 'not for the timestamp authority')
        server.deployment.ok('tsa', 'cert', 'import', self.certify(server, 'next'))
        self.assert_granted(server)
        self.assertIn('next', must(['openssl', 'pkcs7', '-inform', 'DER', '-print_certs', '-in', self.token(server)]))
        server.deployment.restart()
        wait_until(lambda: server.post(server.query())[0] == 200, 'no timestamps after a restart')
        self.assert_granted(server)
        self.assertEqual([entry['action'] for entry in server.deployment.audit() if entry['action'].startswith('tsa.key.make')],
                         ['tsa.key.make'] * 3)
        self.assert_sound(server.deployment)

    def token(self, server):
        path = server.dir / 'token.p7'
        path.unlink(missing_ok=True)
        must(['openssl', 'ts', '-reply', '-in', server.reply, '-token_out', '-out', path])
        return path

    @unittest.skipUnless(os.geteuid() == 0, 'needs root')
    def test_only_who_holds_the_engine(self):
        server = self.serve(key='hsm')
        conf = server.dir / 'nobody.conf'
        conf.write_text(f'socket = {server.deployment.socket}\nengine_user = root\n')
        conf.chmod(0o644)
        server.dir.chmod(0o755)
        done = run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', CLI, 'tsa', 'key', 'make', '--config', conf],
                   env=server.deployment.env)
        self.assertEqual(done.status, 1, done.err)
        self.assertIn('not permitted', done.err)


class Manual(TsaServerTest):
    def blocks(self):
        """Settings, key and certificate, timestamps; then without systemd: engine, net process, the same of root."""
        page = (SOURCE / 'docs/man/trustp11d.8').read_text(encoding='utf-8').split('A timestamp authority, from nothing.')[1]
        blocks = [block.split('\n.Ed')[0] for block in page.split('.Bd -literal -offset indent\n')[1:]]
        return [block.replace('\\-', '-').replace('\\e', '\\') for block in blocks]

    def test_the_example_of_trustp11d(self):
        """What the page says, with services started here instead of by systemd."""
        settings, *commands = self.blocks()[:3]
        server = self.serve(start=False, settings=dict(line.split(' = ') for line in settings.splitlines()[1:]))
        server.deployment.start()
        (server.dir / 'contract.pdf').write_text('A contract.')
        for name, source in (('ca.pem', server.certificates.root), ('ca.key', server.certificates.root_key)):
            (server.dir / name).symlink_to(source)
        services = {'systemctl restart trustp11d': server.deployment.restart, 'systemctl enable --now trustp11d-net': server.start_net}
        env = {**server.deployment.env, 'PATH': f'{CLI.parent}:{os.environ["PATH"]}'}
        lines = '\n'.join(commands).splitlines()
        self.assertGreater(len(lines), 10)
        for line in lines:
            command = line[2:].replace(':3180', f':{server.port}')
            self.assertIn(line[:2], ('# ', '$ '))
            services.get(command, lambda command=command: must(['sh', '-c', command], env=env, folder=server.dir))()
        self.assertTrue((server.dir / 'contract.pdf.tst').stat().st_size > 0)

    def folder_script(self, server, kind):
        """The page's way without systemd, up to a timestamp, as one script. Only the HSM, the port and the clock are this test's."""
        blocks = self.blocks()
        engine, own_net, roots_net = blocks[3:6]
        certify = [line for line in blocks[1].splitlines() if 'systemctl' not in line]
        net = roots_net if kind == 'root' else own_net
        script = ['pids=', "trap 'kill $pids; wait' EXIT"]
        for line in [*engine.splitlines(), *certify, *net.splitlines(), *blocks[2].splitlines()]:
            self.assertIn(line[:2], ('# ', '$ '))
            command = re.sub("'pkcs11:.*?'", f"'{server.deployment.hsm_uri}'", line[2:]).replace(':3180', f':{server.port}')
            if command.endswith('net.conf'):
                command = command.replace("printf '", f"printf 'listen = 127.0.0.1:{server.port}\\n")
            if command.endswith(' &'):
                awaited = f'curl -s http://127.0.0.1:{server.port}/' if ' net ' in command else '[ -S tsa/engine.sock ]'
                command = f'{"env -u LD_PRELOAD " if " net " in command else ""}{command}\npids="$pids $!"\nuntil {awaited}; do sleep 0.1; done'
            script.append(command)
        return '\n'.join(script)

    def follow(self, kind, before=()):
        server = self.serve(start=False)
        server.deployment.make_token('tokens of the page')
        for name, source in (('ca.pem', server.certificates.root), ('ca.key', server.certificates.root_key)):
            shutil.copy(source, server.dir / name)
        (server.dir / 'contract.pdf').write_text('A contract.')
        bin_dir = server.dir / 'bin'
        bin_dir.mkdir()
        for program in (CLI, ENGINE):
            shutil.copy(program, bin_dir)
        if before:
            must(['chown', '-R', '--no-dereference', 'nobody', server.dir])
        env = {**server.deployment.env, 'PATH': f'{bin_dir}:{os.environ["PATH"]}'}
        must([*before, 'sh', '-e', '-c', self.folder_script(server, kind)], env=env, folder=server.dir)
        self.assertTrue((server.dir / 'contract.pdf.tst').stat().st_size > 0)

    @needs_root
    def test_the_folder_of_root(self):
        self.follow('root')

    def test_the_folder_of_an_ordinary_user(self):
        self.follow('user', ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups'] if os.geteuid() == 0 else ())


class Configuration(TsaServerTest):
    def test_engine_without_a_usable_key_serves_people(self):
        server = self.serve(start=False)
        server.key.chmod(0o644)
        server.start()
        self.assertIn('chmod 600', ''.join(server.deployment.log))
        self.assertEqual(server.post(server.query())[0], 503)
        self.assertEqual(server.deployment.cli('user', 'list').status, 0)

    def test_expired_certificate(self):
        server = self.serve(start=False)
        server.certificates.issue(server.dir / 'ca/tsa.csr', days=-1)
        server.start()
        self.assertIn('expired', ''.join(server.deployment.log))
        self.assertEqual(server.post(server.query())[0], 503)

    def test_an_engine_that_is_not_there_is_told_at_start(self):
        server = self.serve(start=False)
        server.start_net(wait=False)
        server.wait_for_net('without the engine')
        self.assertEqual(server.post(server.query())[0], 503)
        server.deployment.start()
        server.wait_for_net('connected to the engine')
        wait_until(lambda: server.post(server.query())[0] == 200, 'no timestamps although the engine is there')
        said = [line for line in server.net_log if 'the engine' in line]
        self.assertEqual(len(said), 2, said)
        self.assertIn(str(server.deployment.socket), said[0])

    def test_an_engine_out_of_reach_is_told_with_what_to_do(self):
        server = self.serve(start=False)
        server.deployment.start()
        server.deployment.place.chmod(0o600)  # also its owner cannot pass
        server.start_net(wait=False)
        server.wait_for_net('without the engine')
        said = ''.join(server.net_log)
        for words in ('Permission denied', 'socket_open', 'chmod'):
            self.assertIn(words, said)
        self.assertNotIn('spawn', said, 'net.conf has no such setting')
        server.deployment.place.chmod(0o711)
        server.wait_for_net('connected to the engine')

    def test_an_engine_of_another_user_is_told_with_the_setting(self):
        server = self.serve(start=False)
        text = server.net_conf.read_text()
        server.net_conf.write_text(text.replace(f'\nuser = {os.geteuid()}\n', f'\nuser = {os.geteuid() + 1}\n'))
        server.deployment.start()
        server.start_net(wait=False)
        server.wait_for_net('[engine] user in net.conf')

    def test_mistakes(self):
        for settings, word in (({'policies': '1.2.x'}, 'object identifier'), ({'policies': ''}, 'no policy'), ({'key': 'there'}, 'pkcs11:'),
                               ({'hash': 'md5'}, 'hash')):
            with self.subTest(settings):
                server = self.serve(start=False, settings=settings)
                self.assert_start_refused(server.deployment, word)

    def test_what_is_left_of_the_disk_is_for_people(self):
        """More than any disk has: each timestamp is a record, whoever asks, and people's signatures are, too."""
        server = self.serve(settings={'reserve_mb': str(1 << 30)})
        status, headers, body = server.post(server.query())
        self.assertEqual((status, headers['Retry-After'] is not None), (503, True), body)
        server.wait_for_net('reserve_mb')
        self.assertIn('reserve_mb', server.deployment.cli('doctor').out)
        server.deployment.ok('user', 'add', 'zoe', '--code-file', server.dir / 'code')
        self.assertEqual(self.tokens(server), [])
        server.deployment.configure('tsa', 'reserve_mb', '0')
        server.deployment.restart()
        wait_until(lambda: server.post(server.query())[0] == 200, 'no timestamps although there is no reserve')

    def test_no_authority(self):
        server = self.serve(start=False, settings={'key': ''})
        server.start()
        self.assertEqual(server.post(server.query())[0], 503)
        self.assertIn('[tsa]', ''.join(server.net_log))


class WithoutAnEngine(TsaServerTest):
    def test_reply_with_a_file(self):
        server = self.serve(start=False)
        query, reply = server.dir / 'q', server.dir / 'r'
        query.write_bytes(server.query())
        wanted = ['tsa', 'reply', '--in', query, '--out', reply, '--key', server.key, '--certificate', server.certificate, '--policy', POLICY]
        server.clock.set(synchronised=False)  # the command line's, too
        self.assertIn('timeNotAvailable', server.deployment.cli(*wanted).out)
        reply.unlink()
        self.assert_ok(server.deployment.cli(*wanted, '--unwatched-clock'))
        self.assertEqual(server.verify(reply).status, 0)
        server.key.chmod(0o644)
        reply.unlink()
        self.assertEqual(server.deployment.cli(*wanted, '--unwatched-clock').status, 1)
        self.assertFalse(reply.exists())


class Limits(TsaServerTest):
    TIME_S = 4

    @classmethod
    def setUpClass(cls):
        cls.server = TsaServer(net={'time': f'{cls.TIME_S}s', 'connections': '20'})
        cls.addClassCleanup(cls.server.close)

    def open(self):
        connection = socket.create_connection(('127.0.0.1', self.server.port), timeout=20)
        self.addCleanup(connection.close)
        return connection

    def assert_ended(self, connection):
        """The server ends it, in time."""
        connection.settimeout(8)
        try:
            while connection.recv(4096):
                pass
        except ConnectionError:
            pass

    def assert_serves(self):
        wait_until(lambda: self.answers(), 'no timestamps any more')

    def answers(self):
        try:
            return self.server.post(self.server.query(), timeout=5)[0] == 200
        except OSError:
            return False

    def test_slow_header(self):
        connection, begun = self.open(), time.monotonic()
        with self.assertRaises(OSError):
            for letter in b'POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: ' + 100 * b'x':
                connection.send(bytes([letter]))
                time.sleep(0.1)
            self.fail('a header of ten seconds was taken')
        self.assertLess(time.monotonic() - begun, 6)
        self.assert_serves()

    def test_slow_body(self):
        connection = self.open()
        connection.sendall(b'POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\nContent-Length: 100\r\n\r\n')
        with self.assertRaises(OSError):
            for _ in range(100):
                connection.send(b'x')
                time.sleep(0.1)
            self.fail('a body of ten seconds was taken')

    def test_silence(self):
        self.assert_ended(self.open())

    def test_unused_connection(self):
        connection, query = self.open(), self.server.query()
        connection.sendall(b'POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\nContent-Length: %d\r\n\r\n'
                           % len(query) + query)
        self.assertTrue(connection.recv(4096).startswith(b'HTTP/1.1 200'))
        self.assert_ended(connection)

    def test_large_body(self):
        for size in (17 << 10, 1 << 20):
            connection = self.open()
            try:
                connection.sendall(b'POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\n'
                                   b'Content-Length: %d\r\n\r\n' % size + b'x' * size)
            except OSError:
                pass
            self.assert_refused_or_ended(connection)
        self.assert_serves()

    def assert_refused_or_ended(self, connection):
        try:
            answer = connection.recv(4096)
        except OSError:
            return
        self.assertTrue(answer == b'' or answer.startswith((b'HTTP/1.1 4', b'HTTP/1.1 5')), answer)

    def memory_kib(self):
        status = pathlib.Path(f'/proc/{self.server.net_process.pid}/status').read_text()
        return int(re.search(r'VmRSS:\s+(\d+) kB', status).group(1))

    def test_endless_chunks(self):
        """Refused; what comes after is thrown away, until the connection's time is up."""
        connection, begun, before = self.open(), time.monotonic(), self.memory_kib()
        connection.sendall(b'POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\nTransfer-Encoding: chunked\r\n\r\n')
        try:
            while time.monotonic() < begun + 20:
                connection.sendall(100 * (b'400\r\n' + b'x' * 1024 + b'\r\n'))
            self.fail('a body of twenty seconds was taken')
        except OSError:
            pass
        self.assertLess(self.memory_kib(), before + 8192)
        self.assert_serves()

    def test_large_header(self):
        connection = self.open()
        try:
            connection.sendall(b'POST /tsa HTTP/1.1\r\nX: ' + b'x' * 100000 + b'\r\n\r\n')
        except OSError:
            pass
        self.assert_refused_or_ended(connection)
        self.assert_serves()

    def test_garbage(self):
        for garbage in (b'\0' * 100 + b'\r\n\r\n', os.urandom(5000), b'GET\r\n\r\n', b'POST /tsa HTTP/9.9\r\n\r\n', b'\x16\x03\x01\x02\x00\x01\x00\r\n\r\n',
                        b'POST /tsa HTTP/1.1\r\nContent-Length: -1\r\n\r\n', b'POST http://[ HTTP/1.1\r\n\r\n'):
            with self.subTest(garbage[:20]):
                connection = self.open()
                try:
                    connection.sendall(garbage)
                except OSError:
                    continue
                self.assert_refused_or_ended(connection)
        self.assert_serves()

    def test_many_connections(self):
        crowd = []
        for _ in range(200):
            try:
                crowd.append(socket.create_connection(('127.0.0.1', self.server.port), timeout=5))
            except OSError:
                break
        time.sleep(1)
        held = len(os.listdir(f'/proc/{self.server.net_process.pid}/fd'))
        self.assertLess(held, 2 * 20 + 64 + 1)
        for connection in crowd:
            connection.close()
        self.assert_serves()

    def test_who_holds_all_connections_makes_room(self):
        crowd = [self.open() for _ in range(30)]
        time.sleep(0.5)
        begun = time.monotonic()
        self.assertEqual(self.server.post(self.server.query())[0], 200)
        self.assertLess(time.monotonic() - begun, self.TIME_S / 2)
        for connection in crowd:
            connection.close()

    def assert_makes_room(self, request):
        """Who holds all connections and asks for something with each of them, in time, again and again."""
        crowd, done = [], threading.Event()

        def ask_again(connection):
            while not done.is_set():
                try:
                    connection.sendall(request)
                    if not connection.recv(65536):
                        raise ConnectionError
                except OSError:
                    connection.close()
                    connection = socket.socket()
                    connection.settimeout(5)
                    connection.connect_ex(('127.0.0.1', self.server.port))
                done.wait(0.3)
            connection.close()

        try:
            for _ in range(30):
                crowd.append(threading.Thread(target=ask_again, args=[self.open()]))
                crowd[-1].start()
            time.sleep(1)
            for _ in range(3):
                self.assertEqual(self.server.post(self.server.query(), timeout=15)[0], 200)
        finally:
            done.set()
            for thread in crowd:
                thread.join()

    def test_who_asks_for_nothing_that_is_there_on_all_connections_makes_room(self):
        self.assert_makes_room(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')

    def test_who_asks_for_timestamps_on_all_connections_makes_room(self):
        query = self.server.query('-no_nonce')
        self.assert_makes_room(b'POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\nContent-Length: %d\r\n\r\n%s'
                               % (len(query), query))

    def test_a_request_keeps_its_time_on_another_connection_s_descriptor(self):
        """The server knows a descriptor as that of a silent connection; the next one that has it has asked, and is waited with."""
        query, silent = self.server.query(), self.open()
        time.sleep(0.5)
        os.kill(self.server.deployment.process.pid, signal.SIGSTOP)
        try:
            silent.close()
            time.sleep(0.05)
            connection = self.open()
            connection.sendall(b'POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\nContent-Length: %d\r\n\r\n'
                               % len(query) + query)
            time.sleep(self.TIME_S + 1)
        finally:
            os.kill(self.server.deployment.process.pid, signal.SIGCONT)
        self.assertTrue(connection.recv(4096).startswith(b'HTTP/1.1 200'))

    def test_abandoned_requests(self):
        query = self.server.query()
        for _ in range(100):
            connection = self.open()
            connection.sendall(b'POST /tsa HTTP/1.1\r\nHost: x\r\nContent-Type: application/timestamp-query\r\nContent-Length: %d\r\n\r\n' % len(query) + query)
            connection.close()
        self.assert_serves()

    def test_it_is_confined(self):
        status = pathlib.Path(f'/proc/{self.server.net_process.pid}/status').read_text()
        self.assertRegex(status, r'NoNewPrivs:\s1')
        self.assertRegex(status, r'Seccomp:\s2')
        self.assertNotRegex(status, r'Uid:\s0\s')
        self.assertRegex(status, r'CapEff:\s0+\n')


class Privileges(TsaServerTest):
    @unittest.skipUnless(os.geteuid() == 0, 'needs root')
    def test_root_needs_a_user(self):
        for user, word in (('', 'started as root'), ('root', 'is root'), ('nobody-of-that-name', 'no user')):
            with self.subTest(user):
                server = self.serve(start=False, net={'user': user})
                server.deployment.start()
                server.start_net(wait=False)
                self.assertEqual(server.net_process.wait(20), 1)
                server.wait_for_net(word)


if __name__ == '__main__':
    unittest.main()
