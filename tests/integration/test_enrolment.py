# SPDX-License-Identifier: Apache-2.0
"""Second factors, PINs, and what becomes of the keys that they seal: enrolment, change, reset."""
import base64
import datetime
import os
import time
import unittest

from deployment import User, hotp, wait_until, write_private
from programs import TRIES, AliceTest, ProgramTest


class Totp(ProgramTest):
    def setUp(self):
        self.deployed = self.deploy()
        self.alice = self.deployed.add_user('alice', factor='totp')
        self.deployed.generate(self.alice)

    def test_a_code_of_now_logs_in_once(self):
        program, other, given = self.program(self.deployed), self.program(self.deployed), self.alice.pin_and_code()
        program.login(given)
        program.sign()
        self.assert_ckr('PIN_INCORRECT', other.login, given)
        self.assertEqual(self.tries_left(self.deployed), TRIES)

    def test_an_earlier_code_is_refused_after_a_later_one(self):
        program = self.program(self.deployed)
        earlier = self.alice.pin_and_code()
        program.login(self.alice.pin_and_code())
        program.logout()
        self.assert_ckr('PIN_INCORRECT', program.login, earlier)

    def test_codes_of_other_times_are_refused(self):
        program, step = self.program(self.deployed), int(time.time()) // self.alice.period
        for at in (step - 20, step + 20):
            self.assert_ckr('PIN_INCORRECT', program.login, self.alice.pin + hotp(self.alice.seed, at))
        self.assertEqual(self.tries_left(self.deployed), TRIES - 2)


PSKC = '''<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">{packages}</KeyContainer>
'''
PACKAGE = '''
 <KeyPackage>
  <DeviceInfo><Manufacturer>{maker}</Manufacturer><SerialNo>{serial}</SerialNo></DeviceInfo>
  <Key Id="{serial}" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp">
   <Issuer>Issuer</Issuer>
   <AlgorithmParameters><ResponseFormat Length="8" Encoding="DECIMAL"/></AlgorithmParameters>
   <Data>
    <Secret><PlainValue>{seed}</PlainValue></Secret>
    <Counter><PlainValue>{counter}</PlainValue></Counter>
   </Data>
  </Key>
 </KeyPackage>
'''


class Hardware(ProgramTest):
    SEED, OTHER_SEED, COUNTER = b'12345678901234567890', b'09876543210987654321', 7

    def setUp(self):
        self.deployed = self.deploy()
        self.code = self.deployed.dir / 'alice.code'
        self.pin = write_private(self.deployed.dir / 'pin', 'alice-has-a-PIN\n')
        self.deployed.ok('user', 'add', 'alice', '--code-file', self.code)

    def tokens(self, *serials, seed=SEED, maker='Maker'):
        """The makers' file for them."""
        return write_private(self.deployed.dir / 'tokens.xml', PSKC.format(packages=''.join(PACKAGE.format(
            maker=maker, serial=serial, seed=base64.b64encode(seed).decode(), counter=self.COUNTER)
            for serial in serials)))

    def import_token(self, serial='987654321', user='alice', **told):
        return self.deployed.cli('factor', 'import', self.tokens(serial, **told), '--user', user)

    def enrol(self, code, *options):
        return self.deployed.cli('enrol', '--user', 'alice', '--factor', 'hardware', '--code-file', self.code,
                                 '--pin-file', self.pin, *options, stdin=code + '\n')

    def test_the_codes_of_an_imported_token_log_in(self):
        self.assert_ok(self.import_token())
        self.assert_ok(self.enrol(hotp(self.SEED, self.COUNTER, 8)))
        self.deployed.ok('key', 'generate', '--user', 'alice', '--label', 'k')
        self.assertEqual(self.deployed.json('factor', 'list', '--user', 'alice')[0]['serial'], '987654321')
        program = self.program(self.deployed)
        program.login('alice-has-a-PIN' + hotp(self.SEED, self.COUNTER + 1, 8))
        program.sign()

    def test_the_codes_of_another_token_do_not(self):
        self.assert_ok(self.import_token())
        self.assert_refused(self.enrol(hotp(self.OTHER_SEED, self.COUNTER, 8)))
        self.assertEqual(self.deployed.user_row()['state'], 'invited')
        self.assert_refused(self.enrol(hotp(self.SEED, self.COUNTER - 1, 8)))
        self.assert_ok(self.enrol(hotp(self.SEED, self.COUNTER, 8)))
        program = self.program(self.deployed)
        for given in (hotp(self.OTHER_SEED, self.COUNTER + 1, 8), hotp(self.SEED, self.COUNTER + 1, 6)):
            self.assert_ckr('PIN_INCORRECT', program.login, 'alice-has-a-PIN' + given)

    def test_without_a_token_there_is_nothing_to_enrol_with(self):
        self.assert_refused(self.enrol('00000000'), 'factor import')

    def test_a_right_enrolment_code_never_locks_whatever_else_is_missing(self):
        for _ in range(TRIES + 1):
            self.assert_refused(self.enrol('00000000'), 'factor import')
        self.assertEqual(self.tries_left(self.deployed), TRIES)

    def test_a_token_is_registered_once_and_for_one_user(self):
        self.assert_ok(self.import_token())
        self.assert_refused(self.import_token(), 'registered already')
        self.deployed.ok('user', 'add', 'bob')
        self.assert_refused(self.import_token(user='bob'), 'registered already, for alice', 'trustp11 factor remove')
        self.assert_ok(self.import_token(user='bob', maker='Another Maker'))  # whose numbers are others
        factor = self.deployed.json('factor', 'list', '--user', 'alice')[0]['id']
        self.deployed.ok('factor', 'remove', factor, '--user', 'alice', '--yes')
        self.assert_ok(self.import_token(user='bob'))
        self.assert_refused(self.import_token(), 'for bob')
        self.assert_sound(self.deployed)

    def test_of_two_tokens_the_serial_number_says_which(self):
        self.assert_ok(self.import_token('one'))
        self.assert_ok(self.import_token('two', seed=self.OTHER_SEED))
        self.assert_refused(self.enrol('00000000'), '2 hardware tokens', '--serial')
        self.assert_refused(self.enrol('00000000', '--serial', 'three'), 'three')
        done = self.enrol(hotp(self.SEED, self.COUNTER, 8), '--serial', 'one')
        self.assert_ok(done)
        self.assertIn('(token one)', done.out)
        self.assertEqual({row['serial']: row['state'] for row in self.deployed.json('factor', 'list', '--user', 'alice')},
                         {'one': 'in use', 'two': 'registered'})

    def test_an_import_says_which_tokens_there_are_and_when_they_count(self):
        path = self.tokens('one', 'two')
        done = self.deployed.cli('factor', 'import', path, '--user', 'alice')
        self.assertEqual((done.status, done.err.count('--serial: one, two')), (2, 1), done.err)
        done = self.deployed.cli('factor', 'import', path, '--user', 'alice', '--serial', 'three')
        self.assert_refused(done, 'three', 'one, two')
        self.assertIn('comes next', self.import_token('one').out)
        self.assert_ok(self.enrol(hotp(self.SEED, self.COUNTER, 8)))
        done = self.import_token('two')
        self.assert_ok(done)
        self.assertIn('costs the keys', done.out)


# ---- PINs and keys ----

class PinChange(AliceTest):
    NEW = 'another-PIN-of-alice'

    def change(self, old=None, new=NEW):
        new_file = write_private(self.deployed.dir / 'new.pin', new + '\n')
        return self.deployed.cli('pin', 'change', '--user', 'alice', '--new-pin-file', new_file,
                                 stdin=f'{old or self.alice.pin}\n{self.alice.code()}\n')

    def assert_only(self, pin, old):
        program, digest = self.program(self.deployed), os.urandom(32)
        self.assert_ckr('PIN_INCORRECT', program.login, old + self.alice.code())
        program.login(pin + self.alice.code())
        self.assert_verifies(digest, program.sign('ECDSA', digest))

    def test_the_new_pin_signs_with_the_same_keys_and_the_old_one_is_refused(self):
        before, program = self.deployed.json('key', 'list', '--user', 'alice'), self.logged_in()
        program.sign()
        self.assert_ok(self.change())
        self.assert_public(program)  # its login was made with a PIN that is no longer right
        self.assertEqual([key['id'] for key in self.deployed.json('key', 'list', '--user', 'alice')],
                         [key['id'] for key in before])
        self.assert_only(self.NEW, self.alice.pin)

    def test_the_module_changes_it_too(self):
        program = self.program(self.deployed)
        program.open(rw=True)
        program.ask('set_pin', program.session, self.alice.pin_and_code(), self.NEW)
        self.assert_only(self.NEW, self.alice.pin)

    def test_a_wrong_old_pin_changes_nothing_and_counts(self):
        self.assert_refused(self.change(old='not-the-PIN-at-all'))
        self.assertEqual(self.tries_left(self.deployed), TRIES - 1)
        self.assert_only(self.alice.pin, self.NEW)

    def test_a_bad_new_pin_changes_nothing(self):
        for new in ('short', '12345678', 'aaaaaaaaaa'):
            self.assert_refused(self.change(new=new))
        self.assert_only(self.alice.pin, self.NEW)


class Reset(AliceTest):
    def test_a_reset_user_has_lost_the_keys_and_begins_anew(self):
        program, code = self.logged_in(), self.deployed.dir / 'new.code'
        program.sign()
        self.deployed.ok('user', 'reset', 'alice', '--yes', '--code-file', code)
        self.assert_public(program)
        self.assertEqual(self.deployed.json('key', 'list', '--user', 'alice'), [])
        self.assertEqual(program.objects('public'), [])
        self.assertIn('keys lost 1', self.entries('user.reset')[0]['detail'])
        self.assert_ckr('USER_PIN_NOT_INITIALIZED', program.login, self.alice.pin_and_code())
        self.alice = self.deployed.enrol('alice', code, 'hotp', 'a-third-PIN-of-alice')
        self.deployed.generate(self.alice, 'new')
        program.login(self.alice.pin_and_code())
        program.sign(label='new')

    def test_a_key_that_still_waits_for_its_owner_goes_too(self):
        """Or whoever has the new code, and so an officer, would sign with it."""
        self.deployed.generate(self.alice, 'waits')
        self.deployed.ok('user', 'reset', 'alice', '--yes', '--code-file', self.deployed.dir / 'new.code')
        self.assertEqual(self.deployed.json('key', 'list', '--user', 'alice'), [])

    def test_it_says_so_before_it_is_done(self):
        done = self.deployed.cli('user', 'reset', 'alice')
        self.assertEqual(done.status, 2)
        self.assertIn('cannot sign any more', done.err)
        self.assertEqual(len(self.deployed.json('key', 'list', '--user', 'alice')), 1)
        self.logged_in().sign()


class Pending(ProgramTest):
    def setUp(self):
        self.deployed = self.deploy()
        self.code = self.deployed.dir / 'alice.code'

    def pending(self):
        return [key['pending'] for key in self.deployed.json('key', 'list', '--user', 'alice')]

    def test_a_key_made_before_enrolment_is_usable_from_the_first_login(self):
        self.deployed.ok('user', 'add', 'alice', '--code-file', self.code)
        self.deployed.ok('key', 'generate', '--user', 'alice', '--label', 'k')
        program = self.program(self.deployed)
        self.assertEqual(self.pending(), [True])
        self.assert_ckr('USER_PIN_NOT_INITIALIZED', program.login, 'alice-has-a-PIN000000')
        alice = self.deployed.enrol('alice', self.code, 'hotp', 'alice-has-a-PIN')
        self.assertEqual(self.pending(), [True])
        program.login(alice.pin_and_code())
        self.assertEqual(self.pending(), [False])
        program.sign()

    def test_a_key_made_while_its_owner_is_away_waits(self):
        alice = self.deployed.alice()
        self.assertEqual(self.pending(), [True])
        self.assert_ckr('PIN_INCORRECT', self.program(self.deployed).login, alice.pin + alice.wrong_code())
        self.assertEqual(self.pending(), [True])
        self.program(self.deployed).login(alice.pin_and_code())
        self.assertEqual(self.pending(), [False])

    def test_a_key_made_while_its_owner_is_logged_in_signs_at_once(self):
        alice = self.deployed.add_user()
        program = self.program(self.deployed)
        program.login(alice.pin_and_code())
        self.deployed.generate(alice)
        self.assertEqual(self.pending(), [False])
        program.sign()


class EnrolmentTest(ProgramTest):
    settings = {}

    def setUp(self):
        self.deployed = self.deploy(settings=self.settings)
        self.code, self.uri = self.deployed.dir / 'alice.code', self.deployed.dir / 'alice.uri'
        self.pin = write_private(self.deployed.dir / 'pin', 'alice-has-a-PIN\n')
        self.until = self.deployed.json('user', 'add', 'alice', '--code-file', self.code)['until']

    def begin(self, code=None):
        self.uri.unlink(missing_ok=True)
        path = self.code if code is None else write_private(self.deployed.dir / 'other.code', code + '\n')
        return self.deployed.cli('enrol', '--user', 'alice', '--factor', 'hotp', '--code-file', path, '--pin-file',
                                 self.pin, '--uri-file', self.uri, '--no-confirm')

    def confirm(self, code):
        return self.deployed.cli('enrol', '--user', 'alice', '--code-file', self.code, '--confirm', stdin=code + '\n')

    def begun(self):
        self.assert_ok(self.begin())
        return User('alice', 'alice-has-a-PIN', self.uri.read_text())


class Enrolment(EnrolmentTest):
    def test_a_code_enrols_once(self):
        alice = self.begun()
        self.assert_ok(self.confirm(alice.code()))
        for refused in (self.begin(), self.confirm(alice.code())):
            self.assert_refused(refused, 'alice is enrolled already', 'no enrolment is open', 'costs the keys')
            self.assertNotIn('go on', refused.err)
        self.program(self.deployed).login(alice.pin_and_code())

    def test_a_lost_picture_is_made_again_before_it_is_confirmed(self):
        lost, alice = self.begun(), self.begun()
        self.assertNotEqual(lost.seed, alice.seed)
        self.assert_refused(self.confirm(lost.code()))
        self.assert_ok(self.confirm(alice.code()))
        self.assertEqual(len(self.deployed.json('factor', 'list', '--user', 'alice')), 1)

    def test_nobody_logs_in_before_the_first_code(self):
        alice = self.begun()
        self.assert_ckr('USER_PIN_NOT_INITIALIZED', self.program(self.deployed).login, alice.pin_and_code())

    def test_wrong_codes_count_and_lock(self):
        for left in range(TRIES, 0, -1):
            self.assertEqual(self.tries_left(self.deployed), left)
            self.assert_refused(self.begin('AAAAAAAAAAAAAAAAAAAA'))
        self.assertTrue(self.deployed.user_row()['locked'])
        self.assert_refused(self.begin(), 'unlock')
        self.deployed.ok('user', 'unlock', 'alice')
        self.assert_ok(self.begin())

    def test_wrong_first_codes_count_and_lock(self):
        alice = self.begun()
        for _ in range(TRIES):
            self.assert_refused(self.confirm(alice.wrong_code()))
        self.assertTrue(self.deployed.user_row()['locked'])
        self.assert_refused(self.confirm(alice.code()), 'unlock')
        self.deployed.ok('user', 'unlock', 'alice')
        self.assert_ok(self.confirm(alice.code()))

    def test_an_enrolled_user_is_not_enrolled_over(self):
        alice = self.begun()
        self.assert_ok(self.confirm(alice.code()))
        self.assert_refused(self.begin('AAAAAAAAAAAAAAAAAAAA'), 'no enrolment is open')
        self.assertEqual(self.tries_left(self.deployed), TRIES)


class EnrolmentRunsOut(EnrolmentTest):
    settings = {('pin', 'enrolment'): '1s'}

    def wait_expired(self):
        until = datetime.datetime.fromisoformat(self.until.replace('Z', '+00:00')).timestamp()
        wait_until(lambda: time.time() > until, f'it never becomes {self.until}')

    def test_a_code_that_has_run_out_is_refused_and_a_reset_makes_a_new_one(self):
        self.wait_expired()
        self.assert_refused(self.begin(), 'run out')
        self.assertEqual(self.tries_left(self.deployed), TRIES)
        self.deployed.configure('pin', 'enrolment', '1h')
        self.deployed.restart()
        self.assert_refused(self.begin(), 'run out')
        self.code.unlink()
        self.deployed.ok('user', 'reset', 'alice', '--yes', '--code-file', self.code)
        self.assert_ok(self.begin())


if __name__ == '__main__':
    unittest.main()
