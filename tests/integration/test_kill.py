# SPDX-License-Identifier: Apache-2.0
"""The engine is killed, again and again, while threads sign and guess: nothing that a client has been told is lost."""
import hashlib
import random
import signal
import threading
import unittest

from deployment import CKR, DeploymentTest, wait_until

KILLS = 24
THREADS = 8
GUESSES_ALLOWED = 100
GONE = {CKR['DEVICE_REMOVED'], CKR['DEVICE_ERROR']}


class Guesser(threading.Thread):
    """Tries wrong PINs, one after the other, and counts the answers."""

    def __init__(self, deployment, user):
        super().__init__(daemon=True)
        self.deployment, self.user = deployment, user
        self.answered = 0
        self.ending = False
        self.start()

    def run(self):
        while not self.ending:
            done = self.deployment.login(self.user, pin='not-the-PIN', code='000000')
            if 'wrong' not in done.err:
                return  # the engine is gone
            self.answered += 1

    def end(self):
        self.ending = True
        self.join()
        return self.answered


class Kill(DeploymentTest):
    def setUp(self):
        self.deployment = self.deploy(users=('alice', 'bob'), settings={('pin', 'tries'): str(GUESSES_ALLOWED)})
        self.alice = self.deployment.alice()
        self.bob = self.deployment.add_user('bob')
        self.random = random.Random(20261122)

    def assert_signatures_recorded(self, signed):
        """Each has its intent, and where that was completed, with this very signature."""
        entries = self.deployment.audit('--action', 'sign')
        intents = {entry['hash']: entry['index'] for entry in entries
                   if entry['action'] == 'sign' and entry['outcome'] == 'intent'}
        self.assertEqual({digest for digest, _ in signed} - intents.keys(), set())
        completed = {item['intent']: item for entry in self.deployment.audit() for item in entry.get('completions', ())}
        for digest, signature in signed:
            item = completed[intents[digest]]
            self.assertIn(item['outcome'], ('ok', 'unknown'))
            if item['outcome'] == 'ok':
                self.assertEqual(item['signature_sha256'], hashlib.sha256(bytes.fromhex(signature)).hexdigest())
        self.assertEqual(set(intents.values()) - completed.keys(), set(), 'an intent was never closed')
        return completed

    def kill_while_signing(self, signer):
        """One life of the engine, from login to SIGKILL."""
        made = len(signer.signed)
        pin_and_code = self.alice.pin_and_code()
        self.assertEqual(signer.login(pin_and_code), CKR['OK'])
        guesser = Guesser(self.deployment, self.bob)
        signer.begin()
        signer.wait_signed(made + self.random.randrange(1, 150))
        self.deployment.kill()
        signer.wait_idle()
        self.assertEqual(len(signer.failed), THREADS)
        self.assertEqual({rv for _, rv in signer.failed} - GONE, set())
        signer.failed.clear()
        return pin_and_code, guesser.end()

    def test_nothing_that_was_told_is_lost(self):
        signer = self.deployment.signer(self.alice, threads=THREADS)
        guesses = 0
        for life in range(KILLS):
            pin_and_code, answered = self.kill_while_signing(signer)
            guesses += answered
            self.deployment.start()
            with self.subTest(life=life):
                # the code counted before the login was answered: it stays used
                self.assertEqual(signer.login(pin_and_code), CKR['PIN_INCORRECT'])
                used = GUESSES_ALLOWED - self.deployment.user_row('bob')['tries_left']
                self.assertGreaterEqual(used, guesses)  # one more may have been counted, and not answered
                guesses = used
                self.assertEqual(self.deployment.user_row('alice')['tries_left'], GUESSES_ALLOWED)
                self.assert_sound(self.deployment)
        self.assertGreater(guesses, 0)
        self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])  # one process through all of it
        self.assertEqual(signer.sign(5)[1], [])
        self.assertGreater(len(signer.signed), KILLS)
        self.deployment.restart()
        completed = self.assert_signatures_recorded(signer.signed)
        self.assertIn('unknown', {item['outcome'] for item in completed.values()}, 'no kill has hit a signature')
        self.assert_still_works(self.deployment, self.alice)

    def test_intent_without_completion_is_closed_as_unknown_at_the_next_start(self):
        signer = self.deployment.signer(self.alice, threads=THREADS)
        self.kill_while_signing(signer)
        self.deployment.start()
        unknown = [item['intent'] for entry in self.deployment.audit('--action', 'outcome.unknown')
                   for item in entry['completions']]
        for entry in self.deployment.audit('--action', 'outcome.unknown'):
            self.assertEqual({item['outcome'] for item in entry['completions']}, {'unknown'})
        self.assertEqual(len(unknown), len(set(unknown)))
        before = self.deployment.audit('--action', 'outcome.unknown')
        self.deployment.restart()  # once, not at each start
        self.assertEqual(self.deployment.audit('--action', 'outcome.unknown'), before)
        self.assert_signatures_recorded(signer.signed)

    def test_lock_is_not_lifted_by_a_kill(self):
        for _ in range(GUESSES_ALLOWED):
            done = self.deployment.login(self.bob, pin='not-the-PIN', code='000000')
            if 'locked' in done.err:
                break
        self.assertTrue(self.deployment.user_row('bob')['locked'])
        self.deployment.kill()
        self.deployment.start()
        self.assertTrue(self.deployment.user_row('bob')['locked'])
        self.assert_refused(self.deployment.login(self.bob), 'locked')
        self.assert_ok(self.deployment.login(self.alice))

    def test_shared_login_ends_with_the_engine(self):
        self.assert_ok(self.deployment.login(self.alice))
        signer = self.deployment.signer(self.alice)
        self.assertEqual(signer.login(self.alice.pin), CKR['OK'])
        self.assertEqual(signer.sign()[1], [])
        self.deployment.kill()
        self.deployment.start()
        made, failed = signer.sign()
        self.assertEqual((made, len(failed)), ([], 1))
        self.assertEqual(signer.login(self.alice.pin), CKR['PIN_INCORRECT'])
        self.assert_ok(self.deployment.login(self.alice))
        self.assertEqual(signer.login(self.alice.pin), CKR['OK'])
        self.assertEqual(signer.sign()[1], [])


class Administration(DeploymentTest):
    def test_kill_during_changes_leaves_whole_ones(self):
        """Users, keys and their entries: there, or not there, never in between."""
        deployment = self.deploy()
        deployment.add_user('alice')
        told = set()
        for life in range(8):
            killer = threading.Timer(0.05 + 0.02 * life, deployment.process.kill)
            killer.start()
            for number in range(200):
                label = f'{life}-{number}'
                if deployment.cli('key', 'generate', '--user', 'alice', '--label', label).status != 0:
                    break
                told.add(label)
            killer.join()
            deployment.end(signal.SIGKILL)
            deployment.start()
            labels = {key['label'] for key in deployment.json('key', 'list', '--user', 'alice')}
            self.assertEqual(told - labels, set())
            self.assertLessEqual(len(labels - told), life + 1)  # made, and the engine died before it could say so
            self.assert_sound(deployment)
        self.assertGreater(len(told), 8)


class Spawned(DeploymentTest):
    def test_killed_engine_is_started_again_by_who_needs_it(self):
        deployment = self.deploy(spawn=True)
        alice = deployment.alice()
        signer = deployment.signer(alice, threads=THREADS)
        for _ in range(3):
            self.assertEqual(signer.login(alice.pin_and_code()), CKR['OK'])
            made = len(signer.signed)
            signer.begin()
            signer.wait_signed(made + 50)
            deployment.end_spawned(signal.SIGKILL)
            signer.wait_idle()
            # not signed twice: whether the first was made is for the caller to find out
            self.assertEqual({rv for _, rv in signer.failed} - GONE - {CKR['USER_NOT_LOGGED_IN']}, set())
            signer.failed.clear()
            self.assert_ok(deployment.cli('status'))
        self.assertEqual(signer.login(alice.pin_and_code()), CKR['OK'])
        self.assertEqual(signer.sign()[1], [])
        self.assert_still_works(deployment, alice)

    def test_many_that_start_at_once_find_one_engine(self):
        deployment = self.deploy(spawn=True)
        results = []
        ask = lambda: results.append(deployment.cli('status', '--json'))
        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([done.status for done in results], [0] * 6, [done.err for done in results])
        self.assertEqual(len({done.out.partition('"pid": ')[2].partition(',')[0] for done in results}), 1)

    def test_idle_engine_ends_and_comes_back(self):
        deployment = self.deploy(spawn=True, settings={('', 'idle'): '1s'})
        alice = deployment.alice()
        first = deployment.spawned_pid()
        wait_until(lambda: deployment.spawned_pid() is None, 'the idle engine does not end')
        self.assert_ok(deployment.cli('status'))
        self.assertNotEqual(deployment.spawned_pid(), first)
        self.assert_still_works(deployment, alice)


if __name__ == '__main__':
    unittest.main()
