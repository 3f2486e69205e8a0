# SPDX-License-Identifier: Apache-2.0
"""What the engine stands on fails: HSM, records, socket, store, disk. It is told clearly, nothing is lost."""
import json
import os
import socket
import subprocess
import time
import unittest

from cryptoki import PYTHON
from deployment import (CKR, ENGINE, NOBODY, PATIENCE_S, DeploymentTest, as_nobody, must, needs_root, run, wait_until,
                        write_private)


class Hsm(DeploymentTest):
    def test_module_or_token_absent_at_the_start(self):
        deployment = self.deploy(start=False)
        text = deployment.engine_conf.read_text()
        deployment.configure('', 'hsm', deployment.hsm_uri.replace('libsofthsm2.so', 'no-such-module.so'))
        self.assert_start_refused(deployment, 'no-such-module.so')
        deployment.configure('', 'hsm', deployment.hsm_uri.replace('token=demo', 'token=elsewhere'))
        self.assert_start_refused(deployment, 'elsewhere', 'connect it')
        deployment.engine_conf.write_text(text)
        deployment.start()
        self.assert_still_works(deployment, deployment.alice())

    def test_token_that_goes_away_and_comes_back(self):
        deployment = self.deploy(faults=True)
        alice = deployment.alice()
        signer = deployment.signer(alice)
        self.assertEqual(signer.login(alice.pin_and_code()), CKR['OK'])
        self.assertEqual(signer.sign()[1], [])
        deployment.fault('* 1 gone')
        made, failed = signer.sign()
        self.assertEqual(made, [])
        self.assertEqual(failed[0][0], 'C_Sign')
        self.assertIn(failed[0][1], (CKR['DEVICE_REMOVED'], CKR['DEVICE_ERROR']))
        status = deployment.cli('status')
        self.assertEqual(status.status, 1)
        self.assertIn('HSM', status.out)
        self.assertIn('HSM', (deployment.dir / 'module.log').read_text())
        deployment.fault()
        made = wait_until(lambda: signer.sign()[0], 'the HSM is back, and nothing signs')
        self.assertEqual(len(made), 1)  # without a new login
        self.assert_still_works(deployment, alice)

    def test_wrong_hsm_pin(self):
        deployment = self.deploy(start=False)
        write_private(deployment.dir / 'hsm.pin', '11111111')
        self.assert_start_refused(deployment, 'PIN', 'pin-source')
        write_private(deployment.dir / 'hsm.pin', deployment.hsm_pin)
        deployment.start()
        self.assert_still_works(deployment, deployment.alice())

    def test_hsm_pin_file_missing_or_readable_by_all(self):
        deployment = self.deploy(start=False)
        pin = deployment.dir / 'hsm.pin'
        pin.chmod(0o644)
        self.assert_start_refused(deployment, str(pin))
        pin.unlink()
        self.assert_start_refused(deployment, str(pin))
        write_private(pin, deployment.hsm_pin)
        deployment.start()

    def test_empty_token_with_the_same_label(self):
        deployment = self.deploy()
        alice = deployment.alice()
        deployment.stop()
        softhsm_conf = (deployment.dir / 'softhsm2.conf').read_text()
        deployment.make_token('other-tokens')
        self.assert_start_refused(deployment, 'token', 'demo')
        (deployment.dir / 'softhsm2.conf').write_text(softhsm_conf)
        deployment.start()
        self.assert_still_works(deployment, alice)

    def test_token_of_another_deployment_with_the_same_label(self):
        """It has keys of the right names: only what they compute tells."""
        deployment = self.deploy()
        alice = deployment.alice()
        deployment.stop()
        before = deployment.store.read_bytes()
        softhsm_conf = (deployment.dir / 'softhsm2.conf').read_text()
        deployment.make_token('other-tokens')
        deployment.ok('init', '--dir', deployment.dir / 'other', '--hsm', deployment.hsm_uri, '--name', 'demo',
                      '--no-backup')
        self.assert_start_refused(deployment, 'another HSM')
        self.assertEqual(deployment.store.read_bytes(), before)
        (deployment.dir / 'softhsm2.conf').write_text(softhsm_conf)
        deployment.start()
        self.assert_still_works(deployment, alice)


class Records(DeploymentTest):
    """What somebody with the database's password, or a disk, could do to it."""

    def setUp(self):
        self.deployment = self.deploy(users=('alice', 'bob'))
        self.alice = self.deployment.alice()
        self.deployment.generate(self.alice, 'other')
        self.assert_signs(self.deployment, self.alice)

    def assert_noticed(self):
        """The engine serves nobody but those who look, and says so to all others."""
        self.deployment.start()
        done = self.deployment.cli('status', '--json')
        self.assertEqual(done.status, 1)
        self.assertNotEqual(self.deployment.sign(self.alice).status, 0)
        self.assertEqual(self.deployment.login(self.alice).status, 1)
        self.assertEqual(self.deployment.cli('user', 'add', 'mallory').status, 1)
        self.assertEqual(self.deployment.verify().status, 1)

    def content(self, label):
        with self.deployment.database() as database:
            query = "SELECT content FROM record WHERE kind = 'credential' AND name = ?"
            return database.execute(query, (label,)).fetchone()[0]

    def set_content(self, label, content):
        self.deployment.tamper("UPDATE record SET content = ? WHERE kind = 'credential' AND name = ?", content, label)

    def test_damaged_key_blob(self):
        good = self.content('k')
        at = len(good) // 2
        self.deployment.stop()
        self.set_content('k', good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        self.assert_noticed()
        self.deployment.stop()
        self.set_content('k', good)
        self.deployment.start()
        self.assert_still_works(self.deployment, self.alice)

    def test_swapped_key_blobs_stay_refused_even_when_accepted(self):
        """An officer's word opens the engine for all others; it does not make another's key of a key."""
        bob = self.deployment.add_user('bob')
        self.deployment.generate(bob, 'bobs')
        one, other = self.content('k'), self.content('other')
        self.deployment.stop()
        self.set_content('k', other)
        self.set_content('other', one)
        self.assert_noticed()
        self.deployment.ok('audit', 'accept', '--yes', '--reason', 'a test did it')
        self.assertNotEqual(self.deployment.sign(self.alice).status, 0)
        self.assertIn('restore it from a backup', (self.deployment.dir / 'module.log').read_text())
        self.assert_signs(self.deployment, bob, 'bobs')

    def test_edited_row(self):
        self.deployment.stop()
        self.deployment.tamper("UPDATE record SET name = 'mallory' WHERE kind = 'user' AND name = 'alice'")
        self.assert_noticed()
        self.deployment.stop()
        self.deployment.tamper("UPDATE record SET name = 'alice' WHERE kind = 'user' AND name = 'mallory'")
        self.deployment.start()
        self.assert_still_works(self.deployment, self.alice)

    def test_rolled_back_row(self):
        """A used code made fresh again: the whole old row, with its own MAC."""
        self.deployment.restart()
        with self.deployment.database() as database:
            old = database.execute("SELECT slot, version, mac, content FROM record WHERE kind = 'factor'").fetchone()
        self.assert_signs(self.deployment, self.alice)
        self.deployment.stop()
        with self.deployment.database() as database:
            new = database.execute("SELECT slot, version, mac, content FROM record WHERE kind = 'factor'").fetchone()
        self.assertNotEqual(old, new)
        put = 'UPDATE record SET version = ?, mac = ?, content = ? WHERE slot = ?'
        self.deployment.tamper(put, *old[1:], old[0])
        self.assert_noticed()
        self.deployment.stop()
        self.deployment.tamper(put, *new[1:], new[0])
        self.deployment.start()
        self.assert_still_works(self.deployment, self.alice)

    def test_deleted_row(self):
        self.deployment.stop()
        self.deployment.tamper("DELETE FROM record WHERE kind = 'credential' AND name = 'other'")
        self.assert_noticed()

    def test_row_of_another_deployment(self):
        other = self.deploy()
        mallory = other.add_user('mallory')
        self.assertEqual(mallory.name, 'mallory')
        other.stop()
        with other.database() as database:
            row = database.execute("SELECT kind, id, owner, name, version, mac, content FROM record"
                                   " WHERE kind = 'user'").fetchone()
        self.deployment.stop()
        self.deployment.tamper('INSERT INTO record (kind, id, owner, name, version, mac, content)'
                               ' VALUES (?, ?, ?, ?, ?, ?, ?)', *row)
        self.assert_noticed()

    def test_row_that_is_edited_under_a_running_engine_is_not_believed(self):
        """Nothing of bob is in memory yet after the restart: the row is read when he comes."""
        self.deployment.add_user('bob')
        self.deployment.restart()
        with self.deployment.database() as database:
            good = database.execute("SELECT content FROM record WHERE kind = 'user' AND name = 'bob'").fetchone()[0]
        edit = "UPDATE record SET content = ? WHERE kind = 'user' AND name = 'bob'"
        self.deployment.tamper(edit, good[:-1] + bytes([good[-1] ^ 1]))
        done = self.deployment.cli('login', '--user', 'bob', stdin='bob-has-a-PIN\n000000\n')
        self.assert_refused(done, 'changed')
        self.deployment.tamper(edit, good)
        self.deployment.restart()
        self.assertNotIn('changed', self.deployment.cli('login', '--user', 'bob', stdin='bob-has-a-PIN\n000000\n').err)

    def test_what_is_found_changed_while_the_engine_runs_stops_it_for_all_but_those_who_look(self):
        self.deployment.add_user('bob')
        self.deployment.restart()
        self.assert_signs(self.deployment, self.alice)
        self.deployment.tamper("DELETE FROM record WHERE kind = 'user' AND name = 'bob'")
        self.assert_refused(self.deployment.cli('user', 'suspend', 'bob'), 'deleted')
        done = self.deployment.sign(self.alice)
        self.assertNotEqual(done.status, 0)
        self.assert_refused(self.deployment.cli('user', 'add', 'carol'), 'until an officer has accepted')
        self.assertTrue(json.loads(self.deployment.cli('status', '--json').out)['tampered'])
        doctor = json.loads(self.deployment.cli('doctor', '--json').out)
        self.assertIn('bad', [row['verdict'] for row in doctor if row['name'] == 'audit log'])
        wait_until(lambda: 'until an officer has' in ''.join(self.deployment.log), 'the engine does not log it')


class Socket(DeploymentTest):
    def serve(self, program, *prefix):
        """Another program at the engine's socket; its process. PROGRAM has a listening socket `s`."""
        code = ('import os, socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\n'
                'os.chmod(sys.argv[1], 0o666)\ns.listen()\nprint("ready", flush=True)\n' + program)
        process = subprocess.Popen([*prefix, PYTHON, '-c', code, str(self.path)], text=True,
                                   stdout=subprocess.PIPE)

        def end():
            process.kill()
            process.wait()
            process.stdout.close()
        self.addCleanup(end)
        self.assertEqual(process.stdout.readline(), 'ready\n')
        return process

    def setUp(self):
        self.deployment = self.deploy(start=False)
        self.path = self.deployment.socket

    def assert_engine_comes_back(self, process):
        process.kill()
        process.wait()
        self.deployment.start()
        self.assert_ok(self.deployment.cli('status'))

    @needs_root
    def test_process_of_another_user_is_told_nothing(self):
        self.path = self.deployment.dir / 'fake' / 'engine.sock'
        self.path.parent.mkdir()
        os.chown(self.path.parent, NOBODY, NOBODY)
        self.deployment.dir.chmod(0o711)
        self.deployment.configure('', 'socket', self.path, self.deployment.client_conf)
        process = self.serve('c, _ = s.accept()\nprint(len(c.recv(4096)), flush=True)\n', *as_nobody())
        done = self.deployment.cli('login', '--user', 'alice', stdin='a-PIN-for-alice\n123456\n')
        self.assert_refused(done, f'uid {NOBODY}', 'nothing was sent')
        self.assertEqual(process.stdout.readline(), '0\n')
        self.deployment.configure('', 'socket', self.deployment.socket, self.deployment.client_conf)
        self.assert_engine_comes_back(process)

    def test_process_with_another_protocol(self):
        process = self.serve('while True:\n c, _ = s.accept()\n c.recv(4096)\n'
                             ' c.sendall(b"HTTP/1.1 400 Bad Request\\r\\n\\r\\n")\n c.close()\n')
        self.assert_refused(self.deployment.cli('status'), str(self.path))
        self.assert_engine_comes_back(process)

    def test_process_that_says_nothing_costs_the_timeout_and_no_more(self):
        process = self.serve('kept = []\nwhile True:\n kept.append(s.accept())\n')
        begun = time.monotonic()
        self.assert_refused(self.deployment.cli('status', '--timeout', '2s'), 'time')
        self.assertLess(time.monotonic() - begun, PATIENCE_S / 2)
        self.assert_engine_comes_back(process)

    def test_process_that_closes_at_once(self):
        process = self.serve('while True:\n s.accept()[0].close()\n')
        self.assert_refused(self.deployment.cli('status'), str(self.path))
        self.assert_engine_comes_back(process)

    def test_socket_of_a_dead_engine(self):
        self.deployment.start()
        alice = self.deployment.alice()
        self.deployment.kill()
        self.assertTrue(self.path.is_socket())
        self.assert_refused(self.deployment.cli('status'), str(self.path), 'start trustp11d')
        self.deployment.start()  # takes the path over
        self.assert_still_works(self.deployment, alice)

    def test_file_in_the_place_of_the_socket_is_not_removed(self):
        self.path.write_text('somebody keeps this here')
        self.assert_start_refused(self.deployment, str(self.path))
        self.assertEqual(self.path.read_text(), 'somebody keeps this here')
        self.path.unlink()
        self.deployment.start()

    def test_second_engine_does_not_start_beside_the_first(self):
        self.deployment.start()
        done = run([ENGINE, 'engine', '--config', self.deployment.engine_conf], env=self.deployment.env)
        self.assertEqual(done.status, 1)
        self.assertIn('already serves', done.err)
        self.assert_ok(self.deployment.cli('status'))

    def test_garbage_does_not_disturb_the_engine(self):
        self.deployment.start()
        alice = self.deployment.alice()
        for garbage in (b'GET / HTTP/1.1\r\n\r\n', b'\xff' * 70000, b'\0' * 64, os.urandom(4096)):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE_S)
                client.connect(str(self.path))
                try:
                    client.sendall(garbage)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(4096):
                        pass
                except (BrokenPipeError, ConnectionResetError):
                    pass  # it may close before it has heard all of it
        self.assert_still_works(self.deployment, alice)


class Store(DeploymentTest):
    def setUp(self):
        self.deployment = self.deploy()
        self.alice = self.deployment.alice()

    def test_missing_store_is_not_made_anew(self):
        self.deployment.stop()
        aside = self.deployment.dir / 'aside.db'
        self.deployment.store.rename(aside)
        self.assert_start_refused(self.deployment, str(self.deployment.store))
        self.assertFalse(self.deployment.store.exists())
        aside.rename(self.deployment.store)
        self.deployment.start()
        self.assert_still_works(self.deployment, self.alice)

    def test_store_that_another_process_has_locked(self):
        signer = self.deployment.signer(self.alice)
        self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])
        database = self.deployment.database()
        database.execute('BEGIN IMMEDIATE')
        made, failed = signer.sign()
        self.assertEqual(made, [])
        self.assertEqual(failed[0][0], 'C_Sign')
        database.execute('ROLLBACK')
        database.close()
        made = wait_until(lambda: signer.sign()[0], 'the store is free, and nothing signs')
        self.assertEqual(len(made), 1)
        self.assert_still_works(self.deployment, self.alice)

    def test_engine_does_not_start_on_a_locked_store(self):
        self.deployment.stop()
        database = self.deployment.database()
        database.execute('PRAGMA locking_mode = EXCLUSIVE')
        database.execute('BEGIN EXCLUSIVE')
        self.assert_start_refused(self.deployment, str(self.deployment.store), 'another process')
        database.execute('ROLLBACK')
        database.close()
        self.deployment.start()
        self.assert_still_works(self.deployment, self.alice)

    def test_damaged_store(self):
        self.deployment.stop()
        good = self.deployment.store.read_bytes()
        page = 4096
        for name, bad in (('cut short', good[:len(good) // 2]), ('no database', os.urandom(len(good))),
                          ('empty', b''), ('a page of noise', good[:page] + os.urandom(page) + good[2 * page:])):
            with self.subTest(name):
                self.deployment.store.write_bytes(bad)
                self.assert_start_refused(self.deployment, str(self.deployment.store))
                self.deployment.store.write_bytes(good)
        self.deployment.start()
        self.assert_still_works(self.deployment, self.alice)

    def test_store_of_a_newer_version(self):
        self.deployment.stop()
        database = self.deployment.database()
        version = database.execute('PRAGMA user_version').fetchone()[0]
        database.execute('PRAGMA user_version = 99')
        self.assert_start_refused(self.deployment, str(self.deployment.store), '99', 'newer')
        database.execute(f'PRAGMA user_version = {version}')
        database.close()
        self.deployment.start()
        self.assert_still_works(self.deployment, self.alice)

    def test_missing_or_wrong_log_key(self):
        self.deployment.stop()
        path = self.deployment.place / 'audit.pem'
        good = path.read_text()
        path.unlink()
        self.assert_start_refused(self.deployment, str(path))
        must(['openssl', 'ecparam', '-genkey', '-name', 'prime256v1', '-noout', '-out', self.deployment.dir / 'x.key'])
        must(['openssl', 'pkey', '-in', self.deployment.dir / 'x.key', '-pubout', '-out', path])
        self.assertEqual(self.deployment.verify().status, 1)
        path.write_text(good)
        self.deployment.start()
        self.assert_still_works(self.deployment, self.alice)

    def test_engine_killed_while_threads_sign(self):
        """Once; test_kill.py does it many times and looks closer."""
        signer = self.deployment.signer(self.alice, threads=8)
        self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])
        signer.begin()
        signer.wait_signed(200)
        self.deployment.kill()
        signer.wait_idle()
        self.assertEqual(len(signer.failed), 8)
        self.assertEqual({rv for _, rv in signer.failed} - {CKR['DEVICE_REMOVED'], CKR['DEVICE_ERROR']}, set())
        self.deployment.start()
        recorded = {entry['hash'] for entry in self.deployment.intents()}
        self.assertEqual({digest for digest, _ in signer.signed} - recorded, set())
        self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])
        self.assertEqual(signer.sign()[1], [])
        self.assert_still_works(self.deployment, self.alice)


class DiskFull(DeploymentTest):
    @needs_root
    def test_nothing_is_signed_that_cannot_be_recorded(self):
        deployment = self.deploy(start=False)
        mounted = run(['mount', '-t', 'tmpfs', '-o', 'size=8m,mode=700', 'trustp11-test', deployment.place])
        if mounted.status != 0:
            self.skipTest(f'no file system can be mounted here: {mounted.err.strip()}')
        self.addCleanup(run, ['umount', '-l', deployment.place])
        deployment.make_token('tokens-for-the-small-disk')
        deployment.init()
        for (section, key), value in (((('pin', 'insecure_cheap')), 'yes'), (('pin', 'memory_kib'), '8'),
                                      (('policy', 'without_certificate'), 'yes')):
            deployment.configure(section, key, value)
        deployment.start()
        alice = deployment.alice()
        signer = deployment.signer(alice, threads=4)
        self.assertEqual(signer.login(alice.pin_and_code()), CKR['OK'])
        filling = deployment.place / 'filling'
        with filling.open('wb', buffering=0) as file:
            try:
                while True:
                    file.write(b'x' * 4096)
            except OSError:
                pass
        signer.begin()
        signer.wait_idle()
        self.assertEqual(len(signer.failed), 4)
        done = deployment.cli('user', 'add', 'bob')
        self.assert_refused(done, 'full')
        filling.unlink()
        made, failed = signer.sign()
        self.assertEqual((len(made), failed), (4, []))
        recorded = {entry['hash'] for entry in deployment.intents()}
        self.assertEqual({digest for digest, _ in signer.signed} - recorded, set())
        deployment.ok('user', 'add', 'bob')
        self.assert_still_works(deployment, alice)
        deployment.stop()


if __name__ == '__main__':
    unittest.main()
