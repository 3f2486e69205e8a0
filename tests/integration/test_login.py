# SPDX-License-Identifier: Apache-2.0
"""Logins end, and programs are asked to log in again; and one login for all programs: `trustp11 login`."""
import json
import os
import time
import unittest

from cryptoki import CryptokiError
from deployment import wait_until
from programs import STRANGER, TRIES, AliceTest, needs_root


class Ending(AliceTest):
    def assert_fell_back(self, program, sign_finish=True):
        """PROGRAM had begun a signature, and knows its key's handle, from before its login ended."""
        if sign_finish:
            self.assert_ckr('USER_NOT_LOGGED_IN', program.ask, 'sign_finish', program.session, b'data'.hex())
        self.assert_public(program)
        self.assert_ckr('USER_NOT_LOGGED_IN', program.sign, key=self.key)
        program.login(self.alice.pin_and_code())
        self.assert_user(program)
        program.sign()

    def signing(self):
        program = self.logged_in()
        self.key = program.objects('private')[0]
        program.sign()
        program.sign_init()
        return program


class EndByTime(Ending):
    settings = {('login', 'for'): '2s'}

    def test_when_the_time_is_up_the_program_is_asked_to_log_in_again(self):
        program = self.signing()
        wait_until(lambda: self.entries('login.ended'), 'the login does not end')
        self.assertIn('time', self.entries('login.ended')[0]['reason'])
        self.assert_fell_back(program)


class EndByPolicyAge(Ending):
    settings = {('policy', 'login_age'): '2s'}

    def test_a_login_that_is_too_old_for_the_policy_has_ended(self):
        program = self.signing()
        wait_until(lambda: self.entries('login.ended'), 'the login does not end')
        self.assert_fell_back(program)

    def test_it_is_not_joined_any_more(self):
        program, given = self.program(self.deployed), self.alice.pin_and_code()
        program.login(given)
        self.assert_public(program)
        self.assert_ckr('PIN_INCORRECT', program.login, given)

    def test_trustp11_login_is_cut_to_it(self):
        self.assert_ok(self.deployed.login(self.alice, '--for', '8h'))
        program = self.program(self.deployed)
        program.login(self.alice.pin)
        self.assert_public(program)
        self.assert_ckr('PIN_INCORRECT', program.login, self.alice.pin)


class EndByCount(Ending):
    settings = {('policy', 'signatures'): '2'}

    def test_when_the_signatures_are_used_up_the_program_is_asked_to_log_in_again(self):
        program = self.signing()
        program.ask('sign_finish', program.session, b'data'.hex())
        self.assert_fell_back(program, sign_finish=False)

    def test_each_signature_is_numbered_in_the_log(self):
        program = self.logged_in()
        program.sign()
        program.sign()
        self.assertEqual([entry['use'] for entry in self.entries('sign')], [1, 2])

    def test_32_threads_get_no_more_than_were_granted(self):
        signer = self.deployed.signer(self.alice, threads=32)
        self.assertEqual(signer.login(self.alice.pin_and_code()), 0)
        signed, failed = signer.sign(2)
        self.assertEqual(len(signed), 2, failed)
        self.assertNotEqual(failed, [])
        self.assertEqual(sorted(entry['outcome'] for entry in self.entries('sign')).count('intent'), 2)

    def test_joining_does_not_start_the_count_anew(self):
        program, given = self.program(self.deployed), self.alice.pin_and_code()
        program.login(given)
        program.sign()
        program.finalize()
        program.initialize()
        program.open()
        program.login(given)
        program.sign()
        self.assert_ckr('USER_NOT_LOGGED_IN', program.sign_init, key=self.any_key(program))

    def any_key(self, program):
        return program.objects('public')[0] + 1


class EndByOfficer(Ending):
    def test_when_an_officer_suspends_the_user_their_logins_end_at_once(self):
        program = self.signing()
        self.deployed.ok('user', 'suspend', 'alice')
        self.assert_ckr('USER_NOT_LOGGED_IN', program.ask, 'sign_finish', program.session, b'data'.hex())
        self.assert_public(program)
        self.assertIn('USER_PIN_LOCKED', program.token()['flags'])
        self.assert_ckr('PIN_LOCKED', program.login, self.alice.pin_and_code())
        self.deployed.ok('user', 'resume', 'alice')
        self.assertNotIn('USER_PIN_LOCKED', program.token()['flags'])
        self.assert_fell_back(program, sign_finish=False)

    def test_an_engine_that_starts_anew_knows_no_logins(self):
        program = self.signing()
        self.deployed.restart()
        self.assert_fell_back(program)

    def test_another_users_login_stays(self):
        program = self.signing()
        self.deployed.ok('user', 'add', 'bob', '--code-file', self.deployed.dir / 'bob.code')
        self.deployed.ok('user', 'suspend', 'bob')
        program.ask('sign_finish', program.session, b'data'.hex())
        self.assert_user(program)


class EndOfProcess(AliceTest):
    def test_when_the_process_ends_so_does_its_login(self):
        program = self.logged_in()
        program.sign()
        program.end()
        wait_until(lambda: self.entries('login.ended'), 'the login outlives its process')
        self.assertIn('process', self.entries('login.ended')[0]['reason'])


# ---- trustp11 login ----

class Shared(AliceTest):
    def login_shared(self, *options):
        done = self.deployed.login(self.alice, *options)
        self.assert_ok(done)
        return done

    def test_programs_of_the_same_uid_log_in_with_the_pin_alone(self):
        self.login_shared('--for', '15m')
        for _ in range(2):
            program = self.program(self.deployed)
            self.assert_public(program)
            program.login(self.alice.pin)
            self.assert_user(program)
            program.sign()

    def test_the_pin_alone_is_refused_before(self):
        self.assert_ckr('PIN_INCORRECT', self.program(self.deployed).login, self.alice.pin)

    def test_a_wrong_pin_alone_counts_then(self):
        self.login_shared()
        program = self.program(self.deployed)
        for _ in range(TRIES - 1):
            self.assert_ckr('PIN_INCORRECT', program.login, 'not-the-PIN-at-all')
        self.assertEqual(self.tries_left(self.deployed), 1)
        self.assert_ckr('PIN_LOCKED', program.login, 'not-the-PIN-at-all')
        self.assert_ckr('PIN_LOCKED', program.login, self.alice.pin)

    def test_a_pin_alone_that_ends_in_digits_counts_as_well(self):
        self.login_shared()
        self.assert_ckr('PIN_INCORRECT', self.program(self.deployed).login, 'not-the-PIN-123456')
        self.assertEqual(self.tries_left(self.deployed), TRIES - 1)

    def test_its_signatures_are_shared_by_all_programs(self):
        self.login_shared('--signatures', '3')
        one, two = self.program(self.deployed), self.program(self.deployed)
        one.login(self.alice.pin)
        two.login(self.alice.pin)
        key = two.objects('private')[0]
        one.sign()
        two.sign()
        one.sign()
        self.assert_ckr('USER_NOT_LOGGED_IN', two.sign, key=key)
        self.assert_public(two)
        self.assert_ckr('PIN_INCORRECT', two.login, self.alice.pin)

    def test_it_ends_with_its_time(self):
        self.login_shared('--for', '2s')
        program = self.program(self.deployed)
        program.login(self.alice.pin)
        program.sign()
        self.assert_public(program)
        self.assert_ckr('PIN_INCORRECT', program.login, self.alice.pin)

    def test_logout_ends_it_for_all(self):
        self.login_shared()
        program = self.program(self.deployed)
        program.login(self.alice.pin)
        key = program.objects('private')[0]
        self.assert_ok(self.deployed.logout(self.alice))
        self.assert_ckr('USER_NOT_LOGGED_IN', program.sign, key=key)
        self.assert_public(program)
        self.assert_ckr('PIN_INCORRECT', program.login, self.alice.pin)
        self.assert_refused(self.deployed.logout(self.alice), 'alice')

    def test_c_logout_ends_it_for_that_program_only(self):
        self.login_shared()
        one, two = self.program(self.deployed), self.program(self.deployed)
        one.login(self.alice.pin)
        two.login(self.alice.pin)
        one.logout()
        self.assert_public(one)
        two.sign()
        one.login(self.alice.pin)
        one.sign()

    def test_a_wrong_login_opens_nothing(self):
        self.assert_refused(self.deployed.login(self.alice, code=self.alice.wrong_code()), 'tries left')
        self.assert_ckr('PIN_INCORRECT', self.program(self.deployed).login, self.alice.pin)

    @needs_root
    def test_programs_of_another_uid_do_not_share_it(self):
        self.login_shared()
        stranger = self.stranger(self.deployed)
        self.assert_ckr('PIN_INCORRECT', stranger.login, self.alice.pin)
        self.assert_ckr('PIN_INCORRECT', stranger.login, self.alice.pin + self.alice.used_code())
        self.assert_public(stranger)
        self.assert_refused(self.cli_as(STRANGER, self.deployed, 'logout', '--user', 'alice'), 'alice')
        self.program(self.deployed).login(self.alice.pin)


class SharedLimits(AliceTest):
    settings = {('login', 'shared_for'): '1h', ('policy', 'signatures'): '2'}

    def test_what_is_wished_for_is_cut_to_what_the_policy_allows(self):
        done = self.deployed.login(self.alice, '--for', '100h', '--signatures', '50', '--json')
        self.assert_ok(done)
        answer = json.loads(done.out)
        self.assertEqual(answer['signatures_left'], 2)
        self.assertLess(answer['until'], time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(time.time() + 3700)))
        program = self.program(self.deployed)
        program.login(self.alice.pin)
        program.sign()
        program.sign()
        self.assert_public(program)


class SessionLogin(AliceTest):
    """login = session: no login in the program at all."""

    def setUp(self):
        super().setUp()
        self.deployed.configure('', 'login', 'session', self.deployed.client_conf)

    def test_programs_sign_without_a_login_after_trustp11_login(self):
        program, digest = self.program(self.deployed), os.urandom(32)
        self.assertNotIn('LOGIN_REQUIRED', program.token()['flags'])
        self.assertEqual(len(program.objects('private')), 1)
        self.assert_ckr('USER_NOT_LOGGED_IN', program.sign)
        self.assert_ok(self.deployed.login(self.alice))
        self.assert_verifies(digest, program.sign('ECDSA', digest))

    def test_logout_ends_it(self):
        program = self.program(self.deployed)
        self.assert_ok(self.deployed.login(self.alice))
        program.sign()
        self.assert_ok(self.deployed.logout(self.alice))
        self.assert_ckr('USER_NOT_LOGGED_IN', program.sign)

    def test_its_count_holds(self):
        program = self.program(self.deployed)
        self.assert_ok(self.deployed.login(self.alice, '--signatures', '1'))
        program.sign()
        self.assert_ckr('USER_NOT_LOGGED_IN', program.sign)

    def test_another_process_login_is_not_borrowed(self):
        pin_program, program = self.program(self.deployed), self.program(self.deployed)
        pin_program.login(self.alice.pin_and_code())
        pin_program.sign()
        self.assert_ckr('USER_NOT_LOGGED_IN', program.sign)

    @needs_root
    def test_another_uid_does_not_sign(self):
        self.assert_ok(self.deployed.login(self.alice))
        self.assert_ckr('USER_NOT_LOGGED_IN', self.stranger(self.deployed).sign)
        self.program(self.deployed).sign()

    def test_with_login_pin_a_login_is_required(self):
        self.deployed.configure('', 'login', 'pin', self.deployed.client_conf)
        self.assert_ok(self.deployed.login(self.alice))
        program = self.program(self.deployed)
        self.assertIn('LOGIN_REQUIRED', program.token()['flags'])
        self.assertEqual(program.objects('private'), [])


class AlwaysAuthenticate(AliceTest):
    """A key that wants a login for each signature, beside one that does not."""
    DATA = b'what is signed'

    def setUp(self):
        super().setUp()
        self.deployed.generate(self.alice, 'each', 'p-256', '--always-authenticate')

    def sign(self, program, pin=None, label='each'):
        program.sign_init(label=label)
        try:
            if pin is not None:
                program.login_for_signature(pin)
        except CryptokiError:
            self.assert_ckr('USER_NOT_LOGGED_IN', program.ask, 'sign_finish', program.session, self.DATA.hex())
            raise
        signature = program.ask('sign_finish', program.session, self.DATA.hex())
        program.verify('ECDSA_SHA256', self.DATA, bytes.fromhex(signature), label)

    def logged_in(self):
        program, self.given = self.program(self.deployed), self.alice.pin_and_code()
        program.login(self.given)
        return program

    def test_the_attribute_says_so(self):
        program = self.logged_in()
        for label, value in (('each', b'\1'), ('k', b'\0')):
            self.assertEqual(program.attribute(program.objects('private', label)[0], 'ALWAYS_AUTHENTICATE'), value)

    def test_each_code_is_good_for_one_signature(self):
        program = self.logged_in()
        self.sign(program, self.given)
        self.assert_ckr('PIN_INCORRECT', self.sign, program, self.given)
        fresh = self.alice.pin_and_code()
        self.sign(program, fresh)
        self.assert_ckr('PIN_INCORRECT', self.sign, program, fresh)
        self.assertEqual(self.tries_left(self.deployed), TRIES)

    def test_without_a_login_for_it_nothing_is_signed(self):
        program = self.logged_in()
        self.assert_ckr('USER_NOT_LOGGED_IN', self.sign, program)
        self.assert_ckr('PIN_INCORRECT', self.sign, program, self.wrong())
        self.assertEqual(self.tries_left(self.deployed), TRIES - 1)
        self.sign(program, label='k')

    def test_trustp11_login_is_none(self):
        self.assert_ok(self.deployed.login(self.alice))
        program = self.program(self.deployed)
        program.login(self.alice.pin)
        self.sign(program, label='k')
        self.assert_ckr('PIN_INCORRECT', self.sign, program, self.alice.pin)
        self.sign(program, self.alice.pin_and_code())

    def test_the_log_says_for_which_key_a_login_was(self):
        program = self.logged_in()
        self.sign(program, self.given)
        self.sign(program, self.alice.pin_and_code())
        details = [entry.get('detail', '') for entry in self.entries('login')]
        key = [row['id'] for row in self.deployed.json('key', 'list', '--user', 'alice') if row['label'] == 'each'][0]
        self.assertEqual([f'with credential {key}' in detail for detail in details], [False, True, True])

    def test_opensc_signs_with_pin_and_code_given_once(self):
        digest = b'd' * 32
        self.assert_ok(self.deployed.sign(self.alice, key='each', data=digest))
        self.assertTrue(self.deployed.verify_signature(self.alice, digest,
                                                       (self.deployed.dir / 'signature').read_bytes(), 'each'))

    def test_policy_explain_says_what_it_wants(self):
        self.assert_ok(self.deployed.login(self.alice))
        for label, allowed in (('each', False), ('k', True)):
            done = self.deployed.cli('policy', 'explain', label, '--user', 'alice', '--json')
            findings = json.loads(done.out)['findings']
            self.assertEqual([f['ok'] for f in findings if f['rule'] == 'single login'], [allowed])
            self.assertEqual(done.status, 0 if allowed else 1)


if __name__ == '__main__':
    unittest.main()
