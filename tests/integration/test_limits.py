# SPDX-License-Identifier: Apache-2.0
"""Uids that take all they can get: what others still get, what it costs the engine, and that the log says so."""
import contextlib
import os
import pathlib
import pwd
import resource
import threading
import time
import unittest

from deployment import CKR, needs_root, wait_until
from frames import OK, Connection, field, frame, words_of
from programs import STRANGER, ProgramTest

HOSTILE, OTHERS = 4001, range(4002, 4006)  # uids that need no names
MIB = 1 << 20
LARGE = 12 * MIB  # the largest body: a CRL
SOON_S = 2  # on a machine with other things to do; without the limits, each of these took far longer


@needs_root
class Limits(ProgramTest):
    options = {}

    def setUp(self):
        self.deployed = self.deploy(**self.options)
        self.admit_others(self.deployed)
        self.alice = self.deployed.alice()
        self.open = contextlib.ExitStack()
        self.addCleanup(self.open.close)

    def connect(self, uid=HOSTILE, **options):
        connection = Connection(self.deployed.socket, uid, **options)
        self.open.callback(connection.close)
        return connection

    def memory(self):
        status = pathlib.Path(f'/proc/{self.deployed.pid()}/status').read_text(encoding='ascii')
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith('VmRSS'))

    def assert_recorded(self, action, uid, words):
        """A refusal of UID is in the log, or soon will be."""
        wait_until(lambda: [entry for entry in self.deployed.audit('--action', action, '--outcome', 'refused')
                            if entry.get('uid') == uid and words in entry['reason']], f'no entry says "{words}"')

    def in_background(self, work):
        """WORK again and again until the end of the with block."""
        @contextlib.contextmanager
        def running():
            ended = threading.Event()

            def loop():
                while not ended.is_set():
                    work()
            thread = threading.Thread(target=loop, daemon=True)
            thread.start()
            try:
                yield
            finally:
                ended.set()
                thread.join()
        return running()

    def slowest_signature(self, for_s=3):
        """Of those that are made one after the other for so long."""
        signer = self.deployed.signer(self.alice)
        self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])
        took, end = [], time.monotonic() + for_s
        while not took or time.monotonic() < end:
            begun = time.monotonic()
            self.assertEqual(signer.sign()[1], [])
            took.append(time.monotonic() - begun)
        return max(took)


class Large(Limits):
    def test_millions_of_fields_from_anybody_stall_nobody(self):
        connections = [self.connect() for _ in range(16)]
        bomb = frame('crl import', b'\x78\x00' * (LARGE // 2))

        def send():
            for part in (bomb[:-1], bomb[-1:]):  # all are complete at the same moment
                for connection in connections:
                    connection.send(part)
            for connection in connections:
                self.assertIn('not permitted', words_of(connection.read()[2]))
        with self.in_background(send):
            slowest = self.slowest_signature()
        self.assertLess(slowest, SOON_S)
        self.assert_recorded('crl.import', HOSTILE, 'not permitted')

    def test_millions_of_fields_from_root_are_refused(self):
        connection = self.connect(0)
        begun = time.monotonic()
        _, body = connection.ask('crl import', b'\x78\x00' * (LARGE // 2))
        self.assertIn('does not know', words_of(body))
        self.assertLess(time.monotonic() - begun, SOON_S)
        connection.send(frame('crl import', field(1, b'') * (LARGE // 2)))
        self.assertTrue(connection.is_closed())
        self.assert_still_works(self.deployed, self.alice)

    def test_an_officer_of_any_uid_sends_large_bodies_while_logged_in(self):
        olga = self.deployed.add_user('olga', roles=('officer',))
        body = field(1, b'\x30' * 100000)
        uid = pwd.getpwnam(STRANGER).pw_uid
        ask = lambda: words_of(self.connect(uid).ask('crl import', body)[1])
        self.assertIn('not permitted', ask())
        self.assert_ok(self.cli_as(STRANGER, self.deployed, 'login', '--user', 'olga',
                                   stdin=f'{olga.pin}\n{olga.code()}\n'))
        time.sleep(0.05)  # with PINs this cheap, it is too soon to be looked at again
        self.assertIn('this is not one CRL', ask())
        self.assert_ok(self.cli_as(STRANGER, self.deployed, 'logout', '--user', 'olga'))
        self.assertIn('not permitted', ask())


class Memory(Limits):
    def test_answers_that_nobody_reads(self):
        before = self.memory()
        connections = [self.connect() for _ in range(300)]
        questions = frame('objects', field(1, b'alice')) * 250
        for connection in connections:
            connection.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                for _ in range(10):
                    connection.send(questions)
        self.assert_signs(self.deployed, self.alice)
        self.assertLess(self.memory() - before, 150 * MIB)
        self.open.close()  # which the engine has not heard of yet
        wait_until(lambda: self.connect().is_served(), 'what closed connections held is not given back')
        self.assert_still_works(self.deployed, self.alice)

    def test_bodies_that_are_never_finished_even_by_root(self):
        before, full = self.memory(), 0
        begun = frame('crl import', bytes(LARGE))[:-1]
        connections = [self.connect(0) for _ in range(30)]
        for connection in connections:
            connection.send(begun)
        self.assertLess(self.memory() - before, 100 * MIB)
        for connection in connections[5:]:
            connection.send(b'\0')
            full += 'try again' in words_of(connection.read()[2])
        self.assertEqual(full, 25)
        self.assert_recorded('crl.import', 0, 'try again')
        self.assert_still_works(self.deployed, self.alice)


class Lanes(Limits):
    options = {'settings': {('pin', 'memory_kib'): '65536', ('pin', 'passes'): '3'}}  # as they are in earnest

    def flood(self, connections, request, count=200):
        """More of it than may wait."""
        def send():
            for connection in connections:
                connection.send(request * count)
            for connection in connections:
                for _ in range(count):
                    rc, _, body = connection.read()
                    if rc != OK:
                        self.words.add(words_of(body))
        self.words = set()
        return self.in_background(send)

    def test_logins_of_one_uid_do_not_keep_another_waiting(self):
        """Mallory has an account: each wrong PIN costs the engine what a right one does."""
        mallory = [self.deployed.add_user(f'mallory{number}') for number in range(10)]
        connections = [self.connect() for _ in range(8)]
        for connection in connections:
            for user in mallory:
                connection.send(frame('login', field(1, user.name.encode()), secret=b'not-the-PIN000000'))
        begun = time.monotonic()
        self.assert_ok(self.deployed.login(self.alice))
        self.assertLess(time.monotonic() - begun, SOON_S)
        for connection in connections:
            for _ in mallory:
                self.assertNotEqual(connection.read()[0], OK)  # they had their turn, too

    def test_looking_of_one_uid_is_refused_when_too_much_of_it_waits(self):
        connections = [self.connect() for _ in range(20)]
        with self.flood(connections, frame('objects', field(1, b'nobody at all'))):
            slowest = self.slowest_signature()
            begun = time.monotonic()
            self.deployed.ok('status')
            self.assertLess(time.monotonic() - begun, SOON_S)
        self.assertLess(slowest, SOON_S)
        self.assertTrue(any('too many requests of this user' in words for words in self.words), self.words)
        self.assert_recorded('look', HOSTILE, 'too many requests')


class Connections(Limits):
    FILES = 700

    def setUp(self):
        self.deployed = self.deploy(start=False)
        self.deployed.runs_as = {'preexec_fn': lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, self.FILES))}
        self.deployed.start()
        self.admit_others(self.deployed)
        self.alice = self.deployed.alice()
        self.open = contextlib.ExitStack()
        self.addCleanup(self.open.close)

    def test_four_uids_with_all_connections_shut_out_nobody(self):
        signer = self.deployed.signer(self.alice)
        self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])
        opened = {uid: [self.connect(uid) for _ in range(200)] for uid in OTHERS}
        refused = [connection.refused for own in opened.values() for connection in own if connection.refused]
        self.assertIn('as many connections as it may', refused[0])
        self.deployed.ok('status')  # root's
        self.assertTrue(self.connect(HOSTILE).is_served(), 'a uid with fewer than the others')
        self.assertEqual(signer.sign()[1], [])
        self.assert_still_works(self.deployed, self.alice)
        self.assert_recorded('connection.refused', OTHERS[-1], 'as many connections')
        self.assert_recorded('connection.refused', OTHERS[0], 'make room')

    def test_the_descriptors_that_the_hsm_needs_are_left(self):
        connections = [self.connect(uid) for uid in OTHERS for _ in range(200)]
        descriptors = len(os.listdir(f'/proc/{self.deployed.pid()}/fd'))
        self.assertLess(descriptors, self.FILES - 150)
        self.assertGreater(descriptors, 256, 'the soft limit was raised')
        bob = self.deployed.add_user('bob')
        self.deployed.generate(bob, 'bobs')
        self.assert_ok(self.deployed.login(bob))
        self.assert_still_works(self.deployed, self.alice)
        self.assertEqual(len(connections), 800)


class WithoutToken(Limits):
    options = {'faults': True}

    def test_what_needs_no_hsm_waits_for_no_session(self):
        self.deployed.restart()  # threads that have had no work have no session either
        connections = [self.connect(0) for _ in range(8)]
        self.deployed.fault('* * gone')
        self.assertNotEqual(self.deployed.login(self.alice).status, 0)  # now it is known that the token is away
        begun = time.monotonic()
        for connection in connections:
            connection.send(frame('policy show'))
        self.assertEqual([connection.read()[0] for connection in connections], [OK] * 8)
        self.assertLess(time.monotonic() - begun, 0.4)
        self.deployed.fault()
        wait_until(lambda: self.deployed.login(self.alice).status == 0, 'the token is not found again')


if __name__ == '__main__':
    unittest.main()
