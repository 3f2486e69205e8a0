# SPDX-License-Identifier: Apache-2.0
"""The timestamp authority when things fail under it: each HSM call in turn, a death between record and answer, a full disk.

What must hold each time: nobody has a token that is not in the log, what the client gets is an answer of HTTP, no serial number
comes twice, and afterwards there are tokens again.
"""
import concurrent.futures
import itertools
import os
import re
import unittest

from deployment import CKR, DeploymentTest, run
from tools import needs_root, wait_until
from tsa_server import TsaServer

CALLS_MOST = 60  # of one token: with more it is not what it was
GENERAL_ERROR, SESSION_INVALID = 0x05, 0xb3


class TsaFaultsTest(DeploymentTest):
    def serve(self, certified=True, **options):
        server = TsaServer(**options)
        self.addCleanup(server.close)
        if certified and options.get('key') == 'hsm':
            self.certify(server)
        return server

    def certify(self, server):
        """A key in the HSM, made by whoever holds the engine."""
        request = server.dir / 'hsm.csr'
        server.deployment.ok('tsa', 'key', 'make', '--type', 'p-256')
        server.deployment.ok('tsa', 'key', 'csr', '--subject', '/CN=TSA in the HSM', '--out', request)
        server.deployment.ok('tsa', 'cert', 'import', server.certificates.issue(request))

    def entries(self, server, outcome='intent'):
        return [entry for entry in server.deployment.audit('--action', 'tsa.timestamp') if entry['outcome'] == outcome]

    def serial(self, server, body):
        """Of a granted response; None when there is no token in it."""
        path = server.dir / 'one.tsr'
        path.write_bytes(body)
        found = re.search(r'Serial number: 0x(\w+)', server.text(path))
        return found.group(1).lower() if found else None

    def assert_recorded(self, server, bodies):
        """Each token that somebody has is in the log, once."""
        recorded = [entry['object_id'] for entry in self.entries(server)]
        self.assertEqual(len(set(recorded)), len(recorded))
        serials = [self.serial(server, body) for body in bodies]
        self.assertLessEqual(set(serials), set(recorded))
        self.assertEqual(len(set(serials)), len(serials))

    def assert_works_again(self, server):
        wait_until(lambda: server.post(server.query())[0] == 200, 'there are no timestamps any more')
        self.assertIn('Status: Granted', server.stamp())
        done = server.verify()
        self.assertEqual(done.status, 0, done.err)
        self.assert_sound(server.deployment)


class EveryHsmCall(TsaFaultsTest):
    def fail_each(self, server, code):
        """The first call of a token fails, then the second, and so on, until a token is made without meeting its fault."""
        query, granted, refused = server.query(), [], 0
        for n in itertools.count(1):
            self.assertLess(n, CALLS_MOST)
            server.deployment.fault(f'* {n} fail {code:#x}')
            status, headers, body = server.post(query)
            fired = server.deployment.fired().exists()
            server.deployment.fault()
            with self.subTest(call=n, code=hex(code)):
                self.assertIn(status, (200, 503), body)
                if status == 503:
                    self.assertIsNotNone(headers['Retry-After'])
                    refused += 1
                else:
                    granted.append(body)
                    self.assertIsNotNone(self.serial(server, body))
                wait_until(lambda: server.post(query)[0] == 200, 'no timestamp after a fault')
            if not fired:
                break
        self.assert_recorded(server, granted)
        self.assert_works_again(server)
        return refused

    def test_key_in_the_hsm(self):
        server = self.serve(key='hsm', faults=True)
        self.assertGreater(self.fail_each(server, GENERAL_ERROR), 1)

    def test_key_in_the_hsm_whose_device_fails(self):
        server = self.serve(key='hsm', faults=True)
        self.fail_each(server, CKR['DEVICE_ERROR'])
        self.fail_each(server, SESSION_INVALID)

    def test_key_in_a_file(self):
        """The log alone needs the HSM: a token that it cannot record does not leave."""
        server = self.serve(faults=True)
        self.assertGreater(self.fail_each(server, GENERAL_ERROR), 0)


class Death(TsaFaultsTest):
    def test_between_record_and_answer(self):
        """The token's key hangs until its entry is durable, and then the engine dies: nobody has got a token, the log says that it
        is not known how it ended, and its number is never given again."""
        server = self.serve(key='hsm', faults=True)
        server.stamp()
        server.deployment.restart()
        wait_until(lambda: 'connected to the engine' in server.net_log[-1], 'the net process does not find the engine again')
        query, before = server.query(), {entry['object_id'] for entry in self.entries(server)}
        server.deployment.fault('C_UnwrapKey 1 hold')  # of the token's key, at its first use; the log unwraps nothing
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(server.post, query)
            wait_until(server.deployment.fired().exists, 'no key was unwrapped')
            wait_until(lambda: len(self.entries(server)) > len(before), 'the token was not recorded')
            recorded = {entry['object_id'] for entry in self.entries(server)} - before
            self.assertFalse(asked.done())
            server.deployment.kill()
            status, _, body = asked.result()
        self.assertEqual((status, len(recorded)), (503, 1), body)
        server.deployment.fault()
        server.deployment.start()
        self.assert_works_again(server)
        entries = self.entries(server)
        self.assertEqual([entry.get('ended') for entry in entries if entry['object_id'] in recorded], ['unknown'])
        numbers = [entry['object_id'] for entry in entries]
        self.assertEqual(len(set(numbers)), len(numbers))

    def test_again_and_again(self):
        """Eight clients, and the engine dies under them many times: all that they were given is in the log."""
        server, got = self.serve(), []
        query = server.query()

        def ask(_):
            try:
                status, _, body = server.post(query)
            except OSError:
                return None
            return body if status == 200 else None
        for _ in range(6):
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                replies = [pool.submit(ask, number) for number in range(80)]
                wait_until(lambda: sum(reply.done() for reply in replies) > 10, 'no answers')
                server.deployment.kill()
                got += [reply.result() for reply in replies if reply.result()]
            server.deployment.start()
            wait_until(lambda: server.post(query)[0] == 200, 'the net process does not find the engine again')
        self.assertGreater(len(got), 6)
        self.assert_recorded(server, got)
        entries = server.deployment.settle()
        open_ends = {entry['index'] for entry in entries if entry['outcome'] == 'intent' and entry['action'] == 'tsa.timestamp'}
        self.assertLessEqual(open_ends, {item['intent'] for entry in entries for item in entry.get('completions', ())})
        self.assert_works_again(server)


class FullDisk(TsaFaultsTest):
    def serve_on_8_mb(self, **settings):
        server = self.serve(start=False, settings=settings)
        place = server.deployment.place
        inside = {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}
        mounted = run(['mount', '-t', 'tmpfs', '-o', f'size=8m,mode={place.stat().st_mode & 0o777:o}', 'trustp11-test', place])
        if mounted.status != 0:
            self.skipTest(f'no file system can be mounted here: {mounted.err.strip()}')
        self.addCleanup(run, ['umount', '-l', place])
        for name, content in inside.items():
            (place / name).write_bytes(content)
            (place / name).chmod(0o600)
        server.start()
        return server, place

    @needs_root
    def test_what_is_left_of_the_disk_is_for_people(self):
        server, place = self.serve_on_8_mb(reserve_mb='3')
        self.assert_works_again(server)
        ballast, room = place / 'ballast', os.statvfs(place)
        ballast.write_bytes(bytes(room.f_bavail * room.f_frsize - (2 << 20)))
        wait_until(lambda: server.post(server.query())[0] == 503, 'timestamps take what is left')
        server.deployment.ok('user', 'add', 'zoe', '--code-file', server.dir / 'code')
        ballast.unlink()
        self.assert_works_again(server)

    @needs_root
    def test_no_room_for_the_log(self):
        """What cannot be recorded is not given; room again, and there are timestamps again."""
        server, place = self.serve_on_8_mb(reserve_mb='0')
        query, granted = server.query(), []
        granted.append(server.post(query)[2])
        ballast = place / 'ballast'
        with ballast.open('wb', buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        self.assertEqual(os.statvfs(place).f_bavail, 0)
        refused = 0
        for _ in range(2000):  # the log has some room of its own left, and then no more
            status, headers, body = server.post(query)
            if status == 200:
                granted.append(body)
                continue
            self.assertEqual((status, headers['Retry-After'] is not None), (503, True), body)
            refused += 1
            if refused == 3:
                break
        self.assertEqual(refused, 3)
        ballast.unlink()
        self.assert_works_again(server)
        self.assert_recorded(server, granted)


if __name__ == '__main__':
    unittest.main()
