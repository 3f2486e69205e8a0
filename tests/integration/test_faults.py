# SPDX-License-Identifier: Apache-2.0
"""The HSM fails, at every call in turn, or hangs: callers are answered, nothing stays half done, and a retry succeeds.

tests/fault/pkcs11_fault.so stands between engine and SoftHSM. Each loop lets the first call fail, then the second, and
so on; it ends when a scenario has passed without meeting its fault.
"""
import itertools
import shutil
import unittest

from deployment import CKR, SOFTHSM, DeploymentTest, User, run, wait_until, write_private

CALLS_MOST = 400  # a scenario with more calls than this is not what it was
# GENERAL_ERROR is that call's own misfortune; after the others the engine looks for its token anew
GENERAL_ERROR, DEVICE_ERROR, DEVICE_REMOVED, SESSION_INVALID = 0x05, 0x30, 0x32, 0xb3


class Faults(DeploymentTest):
    def every_call(self, deployment, code, scenario, mended):
        """For each N: the N-th HSM call of scenario(N) answers CODE; mended(N, its result) looks at what is left."""
        for n in itertools.count(1):
            self.assertLess(n, CALLS_MOST)
            deployment.fault(f'* {n} fail {code:#x}')
            outcome = scenario(n)
            fired = deployment.fired().exists()
            deployment.fault()
            with self.subTest(call=n, code=hex(code)):
                mended(n, outcome)
            if not fired:
                return n - 1

    def assert_answer(self, done):
        """Success, or one line with status 1."""
        if done.status != 0:
            self.assert_refused(done)


class LoginAndSign(Faults):
    def setUp(self):
        self.deployment = self.deploy(faults=True)
        self.alice = self.deployment.alice()
        self.assert_signs(self.deployment, self.alice)

    def login_and_sign(self, _):
        signer = self.deployment.signer(self.alice)
        rv = signer.login(self.alice.pin_and_code())
        made, failed = signer.sign() if rv == CKR['OK'] else ([], [])
        return signer, rv, made, failed

    def mended(self, _, outcome):
        signer, rv, made, failed = outcome
        self.assertEqual(len(made) + len(failed), 1 if rv == CKR['OK'] else 0)
        self.assertNotEqual(rv, CKR['PIN_INCORRECT'])  # it was right, and is not told otherwise
        if rv != CKR['OK']:
            self.assertEqual(self.deployment.user_row()['tries_left'], 5)  # nothing wrong was given
            self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])
        self.assertEqual(signer.sign()[1], [])
        self.assertEqual(self.deployment.user_row()['tries_left'], 5)
        self.deployment.signers.remove(signer)
        signer.close()
        self.assert_sound(self.deployment)

    def test_call_that_fails(self):
        self.assertGreater(self.every_call(self.deployment, GENERAL_ERROR, self.login_and_sign, self.mended), 10)
        self.assert_still_works(self.deployment, self.alice)

    def test_device_error(self):
        self.every_call(self.deployment, DEVICE_ERROR, self.login_and_sign, self.mended)
        self.assert_still_works(self.deployment, self.alice)

    def test_device_removed(self):
        self.every_call(self.deployment, DEVICE_REMOVED, self.login_and_sign, self.mended)
        self.assert_still_works(self.deployment, self.alice)

    def test_session_lost(self):
        self.every_call(self.deployment, SESSION_INVALID, self.login_and_sign, self.mended)
        self.assert_still_works(self.deployment, self.alice)

    def test_no_signature_without_an_entry(self):
        """The log's MAC fails while the key signs: what was signed does not leave."""
        for n in range(1, 12):
            signer = self.deployment.signer(self.alice, threads=4)
            self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])
            self.deployment.fault(f'C_Sign {n} fail {DEVICE_ERROR:#x}', f'C_SignFinal {n} fail {DEVICE_ERROR:#x}')
            signer.sign(3)
            self.deployment.fault()
            self.assertEqual(signer.sign(1)[1], [])
            recorded = {entry['hash'] for entry in self.deployment.intents()}
            self.assertEqual({digest for digest, _ in signer.signed} - recorded, set())
            self.deployment.signers.remove(signer)
            signer.close()
        self.assert_sound(self.deployment)


class Users(Faults):
    def setUp(self):
        self.deployment = self.deploy(faults=True)
        self.code = self.deployment.dir / 'code'
        self.pin = write_private(self.deployment.dir / 'pin', 'a-PIN-for-everyone\n')
        self.uri = self.deployment.dir / 'uri'

    def add(self, name):
        return self.deployment.cli('user', 'add', name, '--code-file', self.code)

    def enrol(self, name):
        return self.deployment.cli('enrol', '--user', name, '--factor', 'hotp', '--code-file', self.code, '--pin-file',
                                   self.pin, '--uri-file', self.uri, '--no-confirm')

    def names(self):
        return {row['name'] for row in self.deployment.json('user', 'list')}

    def test_add(self):
        def mended(n, done):
            self.assert_answer(done)
            self.assertEqual(f'u{n}' in self.names(), done.status == 0)
            self.assertEqual(self.code.exists(), done.status == 0)
            if done.status != 0:
                self.assert_ok(self.add(f'u{n}'))
            self.code.unlink()
            self.assert_sound(self.deployment)
        self.assertGreater(self.every_call(self.deployment, DEVICE_ERROR, lambda n: self.add(f'u{n}'), mended), 2)

    def test_enrol(self):
        names = (f'u{n}' for n in itertools.count())

        def enrol(_):
            self.deployment.fault()
            self.name = next(names)
            self.assert_ok(self.add(self.name))
            self.deployment.fault(f'* {_} fail {DEVICE_ERROR:#x}')
            return self.enrol(self.name)

        def mended(_, done):
            self.assert_answer(done)
            self.assertEqual(self.uri.exists(), done.status == 0)
            if done.status != 0:
                self.assert_ok(self.enrol(self.name))
            self.confirm_and_log_in()
        self.assertGreater(self.every_call(self.deployment, DEVICE_ERROR, enrol, mended), 5)

    def confirm(self):
        self.user = User(self.name, 'a-PIN-for-everyone', self.uri.read_text())
        self.first = self.user.code()
        return self.confirm_again()

    def confirm_again(self):
        return self.deployment.cli('enrol', '--user', self.name, '--code-file', self.code, '--confirm',
                                   stdin=self.first + '\n')

    def confirm_and_log_in(self):
        self.assert_ok(self.confirm())
        self.log_in_and_out()

    def log_in_and_out(self):
        self.assert_ok(self.deployment.login(self.user))
        self.assert_ok(self.deployment.logout(self.user))
        for path in (self.code, self.uri):
            path.unlink()
        self.assert_sound(self.deployment)

    def test_confirm(self):
        names = (f'u{n}' for n in itertools.count())

        def confirm(n):
            self.deployment.fault()
            self.name = next(names)
            self.assert_ok(self.add(self.name))
            self.assert_ok(self.enrol(self.name))
            self.deployment.fault(f'* {n} fail {DEVICE_ERROR:#x}')
            return self.confirm()

        def mended(_, done):
            self.assert_answer(done)
            row = self.deployment.user_row(self.name)
            self.assertEqual(row['state'], 'enrolled' if done.status == 0 else 'invited')
            if done.status != 0:
                self.assert_ok(self.confirm_again())
            self.log_in_and_out()
        self.assertGreater(self.every_call(self.deployment, DEVICE_ERROR, confirm, mended), 3)


class Keys(Faults):
    def setUp(self):
        self.deployment = self.deploy(faults=True)
        self.alice = self.deployment.add_user('alice')

    def labels(self):
        return {key['label'] for key in self.deployment.json('key', 'list', '--user', 'alice')}

    def generate(self, n):
        return self.deployment.cli('key', 'generate', '--user', 'alice', '--label', f'k{n}')

    def mended(self, n, done):
        self.assert_answer(done)
        self.assertEqual(f'k{n}' in self.labels(), done.status == 0)
        if done.status != 0:
            self.assert_ok(self.generate(n))
        self.assert_sound(self.deployment)

    def test_generate(self):
        for code in (DEVICE_ERROR, GENERAL_ERROR):
            self.assertGreater(self.every_call(self.deployment, code, self.generate, self.mended), 5)
            for label in self.labels():
                self.deployment.ok('key', 'delete', label, '--user', 'alice', '--yes')
        self.deployment.generate(self.alice)
        self.assert_still_works(self.deployment, self.alice)

    def test_generated_keys_sign(self):
        """Whatever was survived on the way: each key that is listed is whole."""
        self.every_call(self.deployment, DEVICE_ERROR, self.generate, self.mended)
        self.assert_ok(self.deployment.login(self.alice))
        for label in sorted(self.labels()):
            signer = self.deployment.signer(self.alice, key=label)
            self.assertEqual(signer.login(self.alice.pin), CKR['OK'])
            made, failed = signer.sign()
            self.assertEqual((len(made), failed), (1, []), label)
            self.deployment.signers.remove(signer)
            signer.close()


class Init(Faults):
    def setUp(self):
        self.deployment = self.deploy(faults=True, start=False)

    def prepare(self):
        """An empty token, and no deployment."""
        shutil.rmtree(self.deployment.place)
        shutil.rmtree(self.deployment.dir / 'tokens')
        self.deployment.make_token()

    def token_objects(self):
        return run(['pkcs11-tool', '--module', SOFTHSM, '--token-label', 'demo', '--login', '--pin',
                    self.deployment.hsm_pin, '--list-objects'], env=self.deployment.env).out

    def fail_every_call(self, code):
        def init(n):
            self.deployment.fault()
            self.prepare()
            self.deployment.fault(f'* {n} fail {code:#x}')
            return self.deployment.cli(*self.deployment.init_arguments())

        def mended(_, done):
            self.assert_answer(done)
            if done.status != 0:
                self.assertFalse(self.deployment.place.exists(), 'init leaves the folder that it made')
                self.assertEqual(self.token_objects(), '')
                self.assert_ok(self.deployment.cli(*self.deployment.init_arguments()))
            self.assert_sound(self.deployment)
        self.assertGreater(self.every_call(self.deployment, code, init, mended), 20)
        self.deployment.start()
        self.assert_ok(self.deployment.cli('status'))

    def test_call_that_fails(self):
        self.fail_every_call(GENERAL_ERROR)

    def test_token_that_is_lost_and_comes_back(self):
        self.fail_every_call(DEVICE_ERROR)


class Start(Faults):
    FIRST = 25  # the rest is the probe of what the HSM can do, which is there to be answered "no"

    def test_start(self):
        deployment = self.deploy(faults=True, start=False)
        for n in range(1, self.FIRST):
            with self.subTest(call=n):
                deployment.fault(f'* {n} fail {DEVICE_ERROR:#x}')
                ended = deployment.try_start()
                deployment.fault()
                if ended is not None:
                    self.assertEqual(ended.status, 1)
                    self.assertEqual(len(ended.err.strip().splitlines()), 1, ended.err)
                    deployment.start()
                self.assert_ok(deployment.cli('status'))
                deployment.stop()
                self.assert_sound(deployment)


class Hanging(Faults):
    def setUp(self):
        self.deployment = self.deploy(users=('alice', 'bob'), faults=True)
        self.deployment.configure('', 'timeout', '3s', self.deployment.client_conf)
        self.alice = self.deployment.alice()
        self.bob = self.deployment.add_user('bob')
        self.deployment.generate(self.bob, 'bobs')
        self.slow, self.other = self.deployment.signer(self.alice), self.deployment.signer(self.bob, 'bobs', threads=3)
        self.assertEqual(self.slow.login(self.alice.pin_and_code()), CKR['OK'])
        self.assertEqual(self.other.login(self.bob.pin_and_code()), CKR['OK'])
        for signer in (self.slow, self.other):
            self.assertEqual(signer.sign()[1], [])
        self.deployment.settle()

    def hang(self, rule):
        """Alice meets a call that hangs. What she is told, and whether bob could go on meanwhile."""
        self.deployment.fault(rule)
        self.slow.begin(1)
        wait_until(self.deployment.fired().exists, 'the call is never made')
        made, _ = self.other.sign(10)
        self.slow.wait_idle()
        self.deployment.fault()
        return len(made) == 30

    def assert_recovered(self):
        wait_until(lambda: not self.slow.sign()[1], 'alice cannot sign any more')
        wait_until(lambda: not self.other.sign()[1], 'bob cannot sign any more')
        self.deployment.settle()
        self.assert_sound(self.deployment)

    def test_hanging_signature_costs_its_caller_the_timeout_and_others_nothing(self):
        """C_Sign also makes the log's MACs, without which nobody can go on: it is tried until the key's own hangs."""
        for attempt in range(10):
            others_went_on = self.hang(f'C_Sign {attempt % 2 + 1} hold')
            failed = list(self.slow.failed)
            self.slow.failed.clear()
            self.other.failed.clear()
            self.assert_recovered()
            self.slow.failed.clear()
            self.other.failed.clear()
            if others_went_on:
                break
        self.assertTrue(others_went_on, 'in ten attempts bob was always kept waiting')
        self.assertEqual(failed, [('C_Sign', CKR['DEVICE_ERROR'])])

    def test_hanging_unwrap_of_one_key_does_not_hold_up_another(self):
        self.deployment.restart()
        self.assertEqual(self.slow.login(self.alice.pin_and_code()), CKR['OK'])
        self.assertEqual(self.other.login(self.bob.pin_and_code()), CKR['OK'])
        self.assertEqual(self.other.sign()[1], [])  # bob's key is unwrapped, alice's is not
        self.assertTrue(self.hang('C_UnwrapKey 1 hold'))
        self.assertEqual(self.slow.failed, [('C_Sign', CKR['DEVICE_ERROR'])])
        self.assert_recovered()

    def test_slow_hsm_is_not_a_broken_one(self):
        self.deployment.fault('C_Sign * delay 300')
        made, failed = self.slow.sign(2)
        self.assertEqual((len(made), failed), (2, []))
        self.deployment.fault()
        self.assert_recovered()


if __name__ == '__main__':
    unittest.main()
