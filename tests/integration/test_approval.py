# SPDX-License-Identifier: Apache-2.0
"""[login] approval = yes: programs get the PIN alone, and wait for a code that is given in another place."""
import threading
import unittest

from cryptoki import CryptokiError
from deployment import wait_until
from programs import STRANGER, TRIES, AliceTest, needs_root


class Attempt:
    """A program's login, under way: `answer` is what it was told in the end."""

    def __init__(self, test, program, pin):
        self.answer, self.program, self.pin = None, program, pin
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        test.addCleanup(self.thread.join)

    def run(self):
        try:
            self.program.login(self.pin)
            self.answer = 'OK'
        except CryptokiError as error:
            self.answer = error.name

    def ended(self):
        self.thread.join()
        return self.answer


class Approval(AliceTest):
    settings = {('login', 'approval'): 'yes'}

    def waiting(self, count=1):
        def rows():
            listed = self.deployed.json('approval', 'list', '--user', 'alice')
            return (listed,) if len(listed) == count else None
        return wait_until(rows, f'{count} logins do not wait')[0]

    def attempt(self, pin=None, program=None):
        return Attempt(self, program or self.program(self.deployed), pin or self.alice.pin)

    def give(self, *operands, code=None):
        """What came of it, without the line that says first which program it is."""
        done = self.deployed.cli('approval', 'give', *operands, '--user', 'alice',
                                 stdin=(code or self.alice.code()) + '\n')
        first, _, rest = done.err.partition('\n')
        return done._replace(err=rest) if 'wants to log in as alice' in first else done

    def test_a_program_signs_once_its_login_is_approved(self):
        login = self.attempt()
        row = self.waiting()[0]
        self.assertIn('python3', row['program'])
        self.assertEqual(row['pid'], login.program.process.pid)
        self.assertIsNone(login.answer)
        self.assert_ok(self.give())
        self.assertEqual(login.ended(), 'OK')
        login.program.sign()
        self.assertIn('approved by uid', self.entries('login')[-1]['detail'])

    def test_the_same_pin_again_joins_in_that_process_and_in_no_other(self):
        login = self.attempt()
        self.waiting()
        self.assert_ok(self.give())
        self.assertEqual(login.ended(), 'OK')
        login.program.finalize()
        login.program.initialize()
        login.program.session = login.program.ask('open', 0)
        login.program.login(self.alice.pin)
        other = self.attempt()
        self.waiting()
        self.assertIsNone(other.answer)
        self.assert_ok(self.deployed.cli('approval', 'refuse', '--user', 'alice'))
        self.assertNotEqual(other.ended(), 'OK')

    def test_pin_and_code_in_the_program_are_not_enough(self):
        login = self.attempt(self.alice.pin_and_code())
        self.waiting()
        self.assert_refused(self.give(), 'wrong')
        self.assertEqual(login.ended(), 'PIN_INCORRECT')

    def test_a_wrong_code_or_pin_counts_and_neither_is_told_from_the_other(self):
        words = []
        for pin, code in ((self.alice.pin, self.alice.wrong_code()), ('wrong horse', self.alice.code())):
            login = self.attempt(pin)
            self.waiting()
            done = self.give(code=code)
            self.assert_refused(done, 'wrong')
            self.assertEqual(login.ended(), 'PIN_INCORRECT')
            words.append(done.err.split(';')[0])
        self.assertEqual(words[0], words[1])
        self.assertEqual(self.tries_left(self.deployed), TRIES - 2)

    def test_a_used_code_approves_nothing(self):
        for answer in ('OK', 'PIN_INCORRECT'):
            login = self.attempt()
            self.waiting()
            done = self.give(code=self.alice.code() if answer == 'OK' else self.alice.used_code())
            self.assertEqual(done.status == 0, answer == 'OK')
            self.assertEqual(login.ended(), answer)
        self.assertEqual(self.tries_left(self.deployed), TRIES)

    def test_what_is_no_code_is_refused_and_the_login_waits_on(self):
        login = self.attempt()
        self.waiting()
        self.assert_refused(self.give(code='12345'), '6 digits')
        self.waiting()
        self.assert_ok(self.give())
        self.assertEqual(login.ended(), 'OK')

    def test_a_login_that_nobody_approves_ends_with_its_time_and_counts_for_nothing(self):
        self.deployed.configure('', 'timeout', '2s', self.deployed.client_conf)
        login = self.attempt('wrong horse')
        self.waiting()
        self.assertNotEqual(login.ended(), 'OK')
        self.waiting(0)
        self.assertEqual(self.tries_left(self.deployed), TRIES)
        self.assert_refused(self.give(), 'no login waits')

    def test_a_refused_login_is_in_the_log(self):
        login = self.attempt()
        self.waiting()
        self.assert_ok(self.deployed.cli('approval', 'refuse', '--user', 'alice'))
        self.assertNotEqual(login.ended(), 'OK')
        self.assertEqual(self.entries('login.approval')[-1]['outcome'], 'refused')
        self.assertEqual(self.tries_left(self.deployed), TRIES)

    def test_of_several_one_must_be_named(self):
        first = self.attempt()
        self.waiting()
        second = self.attempt()
        pids = {row['pid']: row['id'] for row in self.waiting(2)}
        self.assertEqual(self.give().status, 2)
        self.assert_ok(self.give(pids[second.program.process.pid]))
        self.assertEqual(second.ended(), 'OK')
        self.assertIsNone(first.answer)
        self.assert_ok(self.give(pids[first.program.process.pid]))
        self.assertEqual(first.ended(), 'OK')

    def test_trustp11_login_waits_too(self):
        answers = []
        thread = threading.Thread(target=lambda: answers.append(
            self.deployed.cli('login', '--user', 'alice', stdin=self.alice.pin + '\n')))
        thread.start()
        self.addCleanup(thread.join)
        self.assertEqual(self.waiting()[0]['program'], 'trustp11')
        self.assert_ok(self.give())
        thread.join()
        self.assert_ok(answers[0])
        program = self.program(self.deployed)
        program.login(self.alice.pin)
        program.sign()
        self.assert_ckr('PIN_INCORRECT', self.program(self.deployed).login, 'wrong horse')
        self.assertEqual(self.tries_left(self.deployed), TRIES - 1)

    def test_waiting_logins_do_not_keep_the_engine_from_ending(self):
        login = self.attempt()
        self.waiting()
        self.deployed.stop()
        self.assertNotEqual(login.ended(), 'OK')
        self.deployed.start()

    @needs_root
    def test_another_uid_neither_sees_nor_judges_them(self):
        self.attempt()
        row = self.waiting()[0]
        self.assertEqual(self.cli_as(STRANGER, self.deployed, 'approval', 'list', '--user', 'alice', '--json').out.strip(),
                         '[]')
        for verb in ('give', 'refuse'):
            done = self.cli_as(STRANGER, self.deployed, 'approval', verb, row['id'], '--user', 'alice',
                               stdin=self.alice.code() + '\n')
            self.assertEqual(done.status, 1)
        self.waiting()
        self.assert_ok(self.deployed.cli('approval', 'refuse', '--user', 'alice'))

    def test_always_authenticate_waits_for_each_signature(self):
        self.deployed.generate(self.alice, 'each', 'p-256', '--always-authenticate')
        login = self.attempt()
        self.waiting()
        self.assert_ok(self.give())
        self.assertEqual(login.ended(), 'OK')
        program = login.program
        program.sign_init(label='each')
        program.login_for_signature(self.alice.pin)  # what approved the login is good for one
        program.ask('sign_finish', program.session, b'x'.hex())
        program.sign_init(label='each')
        answers = []
        thread = threading.Thread(target=lambda: answers.append(program.login_for_signature(self.alice.pin)))
        thread.start()
        self.addCleanup(thread.join)
        self.waiting()
        self.assert_ok(self.give())
        thread.join()
        program.ask('sign_finish', program.session, b'x'.hex())


if __name__ == '__main__':
    unittest.main()
