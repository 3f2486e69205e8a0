# SPDX-License-Identifier: Apache-2.0
"""One-time codes in programs that only know a PIN: what logs in, what joins, what counts, and what does not."""
import os
import unittest

from cryptoki import CryptokiError
from deployment import hotp, wait_until
from programs import TRIES, AliceTest

MALFORMED_MOST = 10  # refusals of PINs that cannot be right, before the module says "locked"
LOW = ('USER_PIN_COUNT_LOW', 'USER_PIN_FINAL_TRY', 'USER_PIN_LOCKED')


class PinAndCode(AliceTest):
    def test_pin_followed_by_the_code_signs(self):
        program, digest = self.program(self.deployed), os.urandom(32)
        self.assertEqual(program.state(), 'RO_PUBLIC')
        program.login(self.alice.pin_and_code())
        self.assert_user(program)
        self.assert_verifies(digest, program.sign('ECDSA', digest))

    def test_certificates_and_public_keys_are_visible_without_login_and_private_keys_are_not(self):
        program = self.program(self.deployed)
        self.assertEqual(len(program.objects('public', 'k')), 1)
        self.assertEqual(program.objects('private', 'k'), [])

    def test_neither_half_alone_logs_in(self):
        program = self.program(self.deployed)
        for given in (self.alice.pin, self.alice.code() + self.alice.pin, self.alice.pin + self.alice.wrong_code(),
                      'not-the-PIN-at-all' + self.alice.code()):
            self.assert_ckr('PIN_INCORRECT', program.login, given)
        self.assert_public(program)
        program.login(self.alice.pin_and_code())

    def test_a_wrong_pin_does_not_use_up_the_code(self):
        program, code = self.program(self.deployed), self.alice.code()
        self.assert_ckr('PIN_INCORRECT', program.login, 'not-the-PIN-at-all' + code)
        program.login(self.alice.pin + code)

    def test_codes_that_were_pressed_and_never_sent_are_skipped_but_not_without_limit(self):
        program = self.program(self.deployed)
        self.alice.counter += 5
        program.login(self.alice.pin_and_code())
        program.logout()
        ahead = self.alice.counter + 100
        self.assert_ckr('PIN_INCORRECT', program.login, self.alice.pin + hotp(self.alice.seed, ahead))
        self.assertEqual(self.tries_left(self.deployed), TRIES - 1)


class Joining(AliceTest):
    def test_the_same_process_joins_with_the_same_pin_and_code(self):
        program, given = self.program(self.deployed), self.alice.pin_and_code()
        program.login(given)
        program.ask('close', program.session)  # the last one: PKCS#11 logs out here
        program.open()
        self.assertEqual(program.state(), 'RO_PUBLIC')
        program.login(given)
        program.sign()
        self.assertEqual(len(self.entries('login')), 1)

    def test_it_joins_after_the_module_was_finalized(self):
        program, given = self.program(self.deployed), self.alice.pin_and_code()
        for _ in range(3):
            program.login(given)
            program.sign()
            program.finalize()
            program.initialize()
            program.open()
        self.assertEqual(len(self.entries('login')), 1)
        self.assertEqual(len({entry['authorisation'] for entry in self.entries('sign')}), 1)

    def test_another_process_is_refused_and_nothing_is_counted(self):
        program, other, given = self.program(self.deployed), self.program(self.deployed), self.alice.pin_and_code()
        program.login(given)
        self.assert_ckr('PIN_INCORRECT', other.login, given)
        self.assert_public(other)
        self.assertEqual(self.tries_left(self.deployed), TRIES)
        self.assertNotIn('USER_PIN_COUNT_LOW', other.token()['flags'])
        self.assertIn('used', self.entries('login')[-1]['reason'])
        program.sign()

    def test_the_same_process_with_another_code_is_not_joined_but_judged(self):
        program, other = self.logged_in(), self.program(self.deployed)
        program.finalize()
        program.initialize()
        program.open()
        self.assert_ckr('PIN_INCORRECT', program.login, self.wrong())
        self.assertEqual(self.tries_left(self.deployed), TRIES - 1)
        other.login(self.alice.pin_and_code())

    def test_a_code_is_used_up_also_when_its_login_has_ended(self):
        program, given = self.program(self.deployed), self.alice.pin_and_code()
        program.login(given)
        program.logout()
        self.assert_ckr('PIN_INCORRECT', program.login, given)
        self.assertEqual(self.tries_left(self.deployed), TRIES)
        program.login(self.alice.pin_and_code())

    def test_a_code_is_used_up_also_after_the_engine_was_killed(self):
        program, given = self.program(self.deployed), self.alice.pin_and_code()
        program.login(given)
        self.deployed.kill()
        self.deployed.start()
        self.assert_public(program)
        self.assert_ckr('PIN_INCORRECT', program.login, given)
        program.login(self.alice.pin_and_code())

    def test_used_codes_are_limited_in_rate_and_never_lock(self):
        program, given = self.logged_in(), self.alice.pin + self.alice.used_code()
        other, answers = self.program(self.deployed), []
        for _ in range(3 * TRIES):
            with self.assertRaises(CryptokiError) as caught:
                other.login(given)
            answers.append(caught.exception.name)
        self.assertEqual(set(answers[:TRIES]), {'PIN_INCORRECT'})
        self.assertEqual(answers[-1], 'FUNCTION_FAILED', 'nothing slows used codes down')
        self.assertFalse(self.deployed.user_row()['locked'])
        self.assertEqual(self.tries_left(self.deployed), TRIES)
        program.sign()
        fresh = self.alice.pin_and_code()

        def let_in():
            try:
                other.login(fresh)
                return True
            except CryptokiError as error:
                self.assertEqual(error.name, 'FUNCTION_FAILED')
                return False
        wait_until(let_in, 'the brake is never released')


class Counting(AliceTest):
    def test_five_wrong_ones_lock_and_the_flags_say_how_near_it_is(self):
        program = self.program(self.deployed)
        seen = []
        for _ in range(TRIES):
            seen.append(sorted(flag for flag in program.token()['flags'] if flag in LOW))
            answer = 'PIN_LOCKED' if len(seen) == TRIES else 'PIN_INCORRECT'
            self.assert_ckr(answer, program.login, self.wrong())
        seen.append(sorted(flag for flag in program.token()['flags'] if flag in LOW))
        low, final, locked = LOW
        self.assertEqual(seen, [[], [low], [low], [low], [low, final], [locked]])
        self.assert_ckr('PIN_LOCKED', program.login, self.alice.pin_and_code())
        self.assertTrue(self.deployed.user_row()['locked'])

    def test_an_officer_unlocks(self):
        program = self.program(self.deployed)
        for _ in range(TRIES):
            with self.assertRaises(CryptokiError):
                program.login(self.wrong())
        self.deployed.ok('user', 'unlock', 'alice')
        self.assertFalse(set(LOW) & set(program.token()['flags']))
        program.login(self.alice.pin_and_code())

    def test_a_right_one_starts_the_count_anew(self):
        program = self.program(self.deployed)
        for _ in range(2):
            for _ in range(TRIES - 1):
                self.assert_ckr('PIN_INCORRECT', program.login, self.wrong())
            program.login(self.alice.pin_and_code())
            self.assertFalse(set(LOW) & set(program.token()['flags']))
            program.logout()

    def test_wrong_pin_and_wrong_code_count_alike(self):
        program = self.program(self.deployed)
        for left, given in enumerate((self.wrong(), 'not-the-PIN-at-all' + self.alice.code(),
                                      'not-the-PIN-at-all' + self.alice.wrong_code()), 1):
            self.assert_ckr('PIN_INCORRECT', program.login, given)
            self.assertEqual(self.tries_left(self.deployed), TRIES - left)

    def test_a_wrong_pin_with_a_used_code_counts(self):
        program = self.logged_in()
        program.logout()
        self.assert_ckr('PIN_INCORRECT', program.login, 'not-the-PIN-at-all' + self.alice.used_code())
        self.assertEqual(self.tries_left(self.deployed), TRIES - 1)

    def test_the_count_outlives_the_engine(self):
        program = self.program(self.deployed)
        for _ in range(TRIES - 1):
            self.assert_ckr('PIN_INCORRECT', program.login, self.wrong())
        self.deployed.kill()
        self.deployed.start()
        self.assert_ckr('PIN_LOCKED', program.login, self.wrong())

    def test_a_locked_user_signs_no_more_in_programs_that_are_logged_in(self):
        program, other = self.logged_in(), self.program(self.deployed)
        program.sign()
        for _ in range(TRIES):
            with self.assertRaises(CryptokiError):
                other.login(self.wrong())
        self.assert_ckr('FUNCTION_REJECTED', program.sign)
        self.deployed.ok('user', 'unlock', 'alice')
        program.sign()


class ManyGuesses(AliceTest):
    def assert_all_counted(self, answers):
        self.assertEqual(answers.count('PIN_INCORRECT'), TRIES - 1, answers)
        self.assertEqual(answers.count('PIN_LOCKED'), len(answers) - TRIES + 1, answers)
        tries = [entry for entry in self.entries('login.try') if entry['detail'].startswith('login, ')]
        self.assertEqual(len(tries), TRIES)
        self.assertTrue(self.deployed.user_row()['locked'])

    def test_64_processes_get_5_guesses_between_them(self):
        self.assert_all_counted(self.guess_at_once(self.deployed, [self.wrong()] * 64))
        program = self.program(self.deployed)
        self.assert_ckr('PIN_LOCKED', program.login, self.alice.pin_and_code())
        self.deployed.ok('user', 'unlock', 'alice')
        program.login(self.alice.pin_and_code())

    def test_64_threads_of_one_process_get_5_guesses_between_them(self):
        self.assert_all_counted(self.program(self.deployed).ask('login_at_once', [self.wrong()] * 64))

    def test_the_same_right_code_from_16_processes_logs_in_one_of_them(self):
        answers = self.guess_at_once(self.deployed, [self.alice.pin_and_code()] * 16)
        self.assertEqual(answers.count('OK'), 1, answers)
        self.assertFalse(self.deployed.user_row()['locked'])
        self.assertEqual(self.tries_left(self.deployed), TRIES)


class ManyTries(AliceTest):
    settings = {('pin', 'tries'): '100'}

    def test_64_guesses_at_once_count_64(self):
        answers = self.guess_at_once(self.deployed, [self.wrong()] * 64)
        self.assertEqual(set(answers), {'PIN_INCORRECT'})
        self.assertEqual(self.tries_left(self.deployed), 100 - 64)


class Malformed(AliceTest):
    def test_what_cannot_be_right_is_refused_in_the_module_and_counts_towards_nothing(self):
        before = self.deployed.audit()
        for given in ('', 'short', 'x' * 2000):
            program = self.program(self.deployed)
            for _ in range(MALFORMED_MOST):
                self.assert_ckr('PIN_INCORRECT', program.login, given)
            for _ in range(MALFORMED_MOST):
                self.assert_ckr('PIN_LOCKED', program.login, given)
            self.assertFalse(set(LOW) & set(program.token()['flags']))
        self.assertEqual(self.deployed.audit(), before)
        self.assertEqual(self.tries_left(self.deployed), TRIES)

    def test_only_that_process_is_told_locked_and_a_right_pin_still_goes_through(self):
        program, other = self.program(self.deployed), self.program(self.deployed)
        for _ in range(MALFORMED_MOST + 1):
            with self.assertRaises(CryptokiError):
                program.login('')
        self.assert_ckr('PIN_INCORRECT', other.login, '')
        program.login(self.alice.pin_and_code())
        program.logout()
        self.assert_ckr('PIN_INCORRECT', program.login, '')

    def test_a_pin_without_code_spends_no_try_and_is_no_reason_to_loop(self):
        program = self.program(self.deployed)
        for _ in range(MALFORMED_MOST):
            self.assert_ckr('PIN_INCORRECT', program.login, self.alice.pin)
        self.assert_ckr('PIN_LOCKED', program.login, self.alice.pin)
        self.assertEqual(self.tries_left(self.deployed), TRIES)
        program.login(self.alice.pin_and_code())


if __name__ == '__main__':
    unittest.main()
