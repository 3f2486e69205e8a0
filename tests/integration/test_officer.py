# SPDX-License-Identifier: Apache-2.0
"""An officer looks after a token through PKCS#11: C_InitToken, C_InitPIN; and its user takes over with C_SetPIN."""
import os
import pty
import subprocess
import termios
import unittest

from deployment import MODULE, PATIENCE_S, Result, wait_until, write_private
from programs import TRIES, ProgramTest, needs_root

INITIAL, OWN = 'a-first-PIN', 'a-PIN-of-my-own'


class OfficerTest(ProgramTest):
    """Olga is the officer of two slots: alice's and bob's. Bob is nobody yet."""
    officer = 'olga'

    def setUp(self):
        self.deployed = self.deploy(users=('alice', 'bob'))
        self.olga = self.deployed.add_user('olga', roles=('officer',))
        self.alice = self.deployed.alice()
        if self.officer:
            with self.deployed.client_conf.open('a') as conf:
                conf.write(f'officer = {self.officer}\n')

    def so(self):
        return self.olga.pin_and_code()

    def init_token(self, slot, label, pin=None):
        return self.deployed.pkcs11_tool('--slot', slot, '--init-token', '--label', label, '--so-pin', pin or self.so())

    def init_pin(self, slot=0, new=INITIAL, pin=None):
        return self.deployed.pkcs11_tool('--slot', slot, '--init-pin', '--login', '--login-type', 'so', '--so-pin',
                                         pin or self.so(), '--new-pin', new)

    def change_pin(self, old, new=OWN, slot=0):
        return self.change_pin_with(old + self.alice.code(), new, slot)

    def change_pin_with(self, old, new=OWN, slot=0):
        """Given at the prompt, which takes 20 bytes: with --pin pkcs11-tool logs in first, which uses up the code."""
        ours, its = pty.openpty()
        process = subprocess.Popen(['pkcs11-tool', '--module', MODULE, '--slot', str(slot), '--change-pin', '--new-pin', new],
                                   env=self.deployed.env, stdin=its, stdout=its, stderr=subprocess.PIPE, text=True)
        try:
            # what is typed before it has switched off the echo, it throws away
            wait_until(lambda: process.poll() is not None or not termios.tcgetattr(its)[3] & termios.ECHO, 'no prompt')
            os.write(ours, f'{old}\n'.encode())
            err = process.communicate(timeout=PATIENCE_S)[1]
        finally:
            process.kill()
            os.close(ours)
            os.close(its)
        return Result(process.returncode, '', err)

    def so_program(self, pin=None, **options):
        program = self.program(self.deployed, **options)
        program.close()
        program.open(rw=True)
        program.login_as_officer(pin or self.so())
        return program

    def entries(self, action):
        return [entry for entry in self.deployed.audit() if entry['action'] == action]

    def module_log(self):
        return (self.deployed.dir / 'module.log').read_text()

    def assert_refused_by_tool(self, done, code):
        self.assertNotEqual(done.status, 0, done.out)
        self.assertIn(code, done.out + done.err)

    def assert_unchanged(self):
        self.assert_signs(self.deployed, self.alice)
        self.assertEqual(self.entries('pin.init') + self.entries('token.init'),
                         [entry for entry in self.deployed.audit() if entry['action'] in ('pin.init', 'token.init')
                          and entry['outcome'] != 'ok'])


class FromTokenToSignature(OfficerTest):
    def test_an_officer_makes_token_and_first_pin_and_the_user_another_and_signs(self):
        self.assert_ok(self.init_token(0, 'Card of Alice'))
        shown = self.program(self.deployed).token()
        self.assertEqual(shown['label'], 'Card of Alice')
        self.assertNotIn('USER_PIN_INITIALIZED', shown['flags'])
        self.assertEqual(self.deployed.user_row()['state'], 'no-pin')
        self.assertEqual(self.deployed.user_row()['keys'], 0)
        self.assert_ok(self.init_pin())
        self.assertIn('USER_PIN_TO_BE_CHANGED', self.program(self.deployed).token()['flags'])
        self.assertEqual(self.deployed.user_row()['state'], 'initial-pin')
        self.assert_ok(self.change_pin(INITIAL))
        self.assertNotIn('USER_PIN_TO_BE_CHANGED', self.program(self.deployed).token()['flags'])
        self.deployed.generate(self.alice, 'new')
        self.alice.pin = OWN
        done = self.deployed.pkcs11_tool('--token-label', 'Card of Alice', '--login', '--pin', self.alice.pin_and_code(),
                                         '--sign', '--mechanism', 'ECDSA', '--id', self.deployed.key_id('new'),
                                         '--input-file', write_private(self.deployed.dir / 'data', os.urandom(32)),
                                         '--output-file', self.deployed.dir / 'signature')
        self.assert_ok(done)
        self.assert_sound(self.deployed)

    def test_the_log_says_who_did_it_and_what_was_lost(self):
        self.assert_ok(self.init_pin())
        self.assert_ok(self.init_token(0, 'Card'))
        initial, = self.entries('pin.init')
        token, = self.entries('token.init')
        for entry in (initial, token):
            self.assertEqual((entry['outcome'], entry['subject'], entry['role']), ('ok', 'olga', 'officer'))
        self.assertEqual(initial['detail'], 'initial PIN, keys lost 1')
        self.assertEqual(token['detail'], 'keys lost 0')
        self.assertNotIn('Card', str(self.deployed.audit()))  # it may be a person's name, and could not be erased
        self.assertIn('keys that were lost with the old one: 1', self.module_log())
        self.assert_sound(self.deployed)

    def test_the_officers_login_is_over_with_the_program(self):
        self.assert_ok(self.init_pin())
        ended, = wait_until(lambda: self.entries('login.ended'), 'the login has not ended')
        self.assertEqual(ended['subject'], 'olga')

    def test_a_user_who_is_nobody_yet_gets_a_token_and_enrols_with_the_officers_pin(self):
        self.assert_ok(self.init_token(1, 'Card of Bob'))
        self.assertEqual(self.deployed.user_row('bob')['state'], 'no-pin')
        self.assert_ok(self.init_pin(slot=1))
        self.assertIn('trustp11 enrol --user bob', self.module_log())
        self.assertEqual(self.deployed.user_row('bob')['state'], 'invited')
        code = write_private(self.deployed.dir / 'bob.code', INITIAL + '\n')
        self.assert_refused(self.deployed.cli(
            'enrol', '--user', 'bob', '--factor', 'hotp', '--code-file', code, '--pin-file', code, '--uri-file',
            self.deployed.dir / 'bob.uri', '--no-confirm'), 'an officer may know')
        bob = self.deployed.enrol('bob', code, 'hotp', OWN)
        self.deployed.generate(bob, 'of-bob')
        self.assert_ok(self.deployed.pkcs11_tool('--slot', 1, '--login', '--pin', bob.pin_and_code(), '--list-objects'))
        program = self.program(self.deployed, slot=1)
        program.login(bob.pin_and_code())
        program.sign()


class Initial(OfficerTest):
    """What the officer's PIN is good for."""

    def setUp(self):
        super().setUp()
        self.assert_ok(self.init_pin())

    def test_it_neither_logs_in_nor_signs(self):
        program = self.program(self.deployed)
        self.assert_ckr('PIN_EXPIRED', program.login, INITIAL + self.alice.code())
        self.assert_public(program)
        done = self.deployed.cli('login', '--user', 'alice', stdin=f'{INITIAL}\n{self.alice.code()}\n')
        self.assert_refused(done, 'trustp11 pin change')
        self.assertEqual(self.deployed.intents(), [])
        self.assertEqual(self.tries_left(self.deployed), TRIES)

    def test_the_old_pin_is_good_for_nothing(self):
        program = self.program(self.deployed)
        program.close()
        program.open(rw=True)
        self.assert_ckr('PIN_INCORRECT', program.set_pin, self.alice.pin_and_code(), OWN)
        self.assertEqual(self.tries_left(self.deployed), TRIES - 1)

    def test_without_a_code_it_changes_nothing(self):
        self.assert_refused_by_tool(self.change_pin_with(INITIAL + self.alice.wrong_code()), 'CKR_PIN_INCORRECT')
        self.assertEqual(self.deployed.user_row()['state'], 'initial-pin')

    def test_the_user_cannot_keep_it(self):
        self.assert_refused_by_tool(self.change_pin(INITIAL, INITIAL), 'CKR_PIN_INVALID')
        self.assertEqual(self.deployed.user_row()['state'], 'initial-pin')

    def test_the_command_line_changes_it_as_well(self):
        new = write_private(self.deployed.dir / 'new.pin', OWN + '\n')
        done = self.deployed.cli('pin', 'change', '--user', 'alice', '--new-pin-file', new,
                                 stdin=f'{INITIAL}\n{self.alice.code()}\n')
        self.assert_ok(done)
        self.alice.pin = OWN
        self.program(self.deployed).login(self.alice.pin_and_code())


class Refused(OfficerTest):
    def test_a_wrong_pin_or_code_changes_nothing(self):
        wrong = self.olga.pin + self.olga.wrong_code()
        self.assert_refused_by_tool(self.init_token(0, 'x', wrong), 'CKR_PIN_INCORRECT')
        self.assert_refused_by_tool(self.init_pin(pin=wrong), 'CKR_PIN_INCORRECT')
        self.assertEqual(self.tries_left(self.deployed, 'olga'), TRIES - 2)
        self.assert_unchanged()

    def test_the_users_own_pin_is_not_the_sos(self):
        self.assert_refused_by_tool(self.init_token(0, 'x', self.alice.pin_and_code()), 'CKR_PIN_INCORRECT')
        self.assert_unchanged()

    def test_a_code_counts_once(self):
        used = self.so()
        self.assert_ok(self.init_token(1, 'Bob', used))
        self.assert_refused_by_tool(self.init_token(0, 'Alice', used), 'CKR_PIN_INCORRECT')
        self.assert_unchanged_but_bob()

    def assert_unchanged_but_bob(self):
        self.assert_signs(self.deployed, self.alice)
        self.assertEqual(self.program(self.deployed).token()['label'], 'alice')

    def test_an_officer_who_is_locked_or_suspended(self):
        self.deployed.ok('user', 'suspend', 'olga')
        self.assert_refused_by_tool(self.init_token(0, 'x'), 'CKR_PIN_LOCKED')
        self.deployed.ok('user', 'resume', 'olga')
        for _ in range(TRIES):
            self.init_token(0, 'x', self.olga.pin + self.olga.wrong_code())
        self.assert_refused_by_tool(self.init_token(0, 'x'), 'CKR_PIN_LOCKED')
        self.assert_unchanged()

    def test_a_token_with_a_session_is_not_made_anew(self):
        program = self.program(self.deployed)
        self.assert_ckr('SESSION_EXISTS', program.init_token, 0, self.so(), 'x')
        self.assert_unchanged()

    def test_there_is_no_so_beside_a_read_only_session(self):
        program = self.program(self.deployed)
        self.assert_ckr('SESSION_READ_ONLY_EXISTS', program.login_as_officer, self.so())
        self.assert_ckr('SESSION_READ_WRITE_SO_EXISTS', self.so_program().open)
        self.assert_unchanged()

    def test_a_pin_that_is_none(self):
        program = self.so_program()
        self.assertEqual(program.state(), 'RW_SO')
        self.assertEqual(program.objects('private'), [])
        self.assert_ckr('PIN_LEN_RANGE', program.init_pin, 'short')
        self.assert_ckr('PIN_INVALID', program.init_pin, '1234567890')
        program.logout()
        self.assert_ckr('USER_NOT_LOGGED_IN', program.init_pin, INITIAL)
        self.assert_unchanged()

    def test_the_so_whom_an_officer_suspends_does_nothing_more(self):
        program = self.so_program()
        self.deployed.ok('user', 'suspend', 'olga')
        self.assert_ckr('USER_NOT_LOGGED_IN', program.init_pin, INITIAL)
        self.assert_unchanged()

    def test_a_closed_user_gets_no_token_and_no_pin(self):
        self.deployed.ok('user', 'close', 'alice', '--yes')
        self.assert_refused_by_tool(self.init_token(0, 'x'), 'CKR_TOKEN_WRITE_PROTECTED')
        self.assert_ckr('FUNCTION_REJECTED', self.so_program().init_pin, INITIAL)
        for action in ('token.init', 'pin.init'):
            entry, = wait_until(lambda action=action: self.entries(action), f'{action} is not in the log')
            self.assertEqual(entry['outcome'], 'refused')

    def test_the_so_changes_the_officers_pin_and_not_the_users(self):
        self.so_program().set_pin(self.so(), OWN)
        self.olga.pin = OWN
        self.so_program()
        self.assert_unchanged()


class NobodyIsTheSo(OfficerTest):
    officer = None

    def test_without_an_officer_in_the_configuration_the_log_says_what_to_do(self):
        self.assert_refused_by_tool(self.init_token(0, 'x'), 'CKR_TOKEN_WRITE_PROTECTED')
        self.assert_refused_by_tool(self.init_pin(), 'CKR_USER_TYPE_INVALID')
        self.assertIn('officer = NAME', self.module_log())
        self.assert_unchanged()


class NoOfficer(OfficerTest):
    officer = 'alice'

    def test_who_is_no_officer_is_logged_out_again_and_changes_nothing(self):
        self.assert_refused_by_tool(self.init_token(1, 'x', self.alice.pin_and_code()), 'CKR_TOKEN_WRITE_PROTECTED')
        self.assert_refused_by_tool(self.init_pin(1, pin=self.alice.pin_and_code()), 'CKR_USER_TYPE_INVALID')
        self.assertIn('alice is logged out again: not an officer', self.module_log())
        wait_until(lambda: len(self.entries('login.ended')) == 2, 'a login is left open')
        self.assertEqual(self.tries_left(self.deployed), TRIES)
        self.assertNotIn('bob', [row['name'] for row in self.deployed.json('user', 'list')])
        self.assert_unchanged()


@needs_root
class OtherUid(OfficerTest):
    """An officer need not be root: the login is what permits it."""

    def test_an_officers_login_is_enough_for_any_uid(self):
        self.deployed.configure('', 'socket_open', 'yes')
        self.deployed.restart()
        program = self.stranger(self.deployed)
        program.close()
        program.open(rw=True)
        self.assert_ckr('USER_NOT_LOGGED_IN', program.init_pin, INITIAL)
        program.login_as_officer(self.so())
        program.init_pin(INITIAL)
        entry, = self.entries('pin.init')
        self.assertEqual((entry['outcome'], entry['subject'], entry['role']), ('ok', 'olga', 'officer'))
        done = self.cli_as('nobody', self.deployed, 'user', 'suspend', 'alice')
        self.assert_refused(done, 'not permitted')  # the officer's login is that program's alone


if __name__ == '__main__':
    unittest.main()
