# SPDX-License-Identifier: Apache-2.0
"""Slots that change, and a slot that many users share: C_WaitForSlotEvent, C_LoginUser with `users = *`."""
import time
import unittest

from deployment import MODULE, PATIENCE_S, der_integer, der_sequence, run, wait_until, write_private
from programs import ProgramTest

SHORT_S = 0.5
BELIEVED_S = 1.1  # a module that has just asked does not ask again before


class Events(ProgramTest):
    """Slot 0 is alice's, and she is there; slot 1 is bob's, who is not yet."""

    def setUp(self):
        self.deployed = self.deploy(users=('alice', 'bob'))
        self.deployed.add_user('alice')
        self.waiter = self.program(self.deployed)

    def begin_waiting(self):
        """And until the engine has been asked."""
        self.waiter.ask('begin_waiting')
        self.assert_waits()

    def assert_waits(self):
        self.assertIsNone(self.waiter.ask('end_waiting', SHORT_S))

    def assert_event(self, slot):
        self.assertEqual(self.waiter.ask('end_waiting', PATIENCE_S), slot)

    def suspend(self, name='alice'):
        self.deployed.ok('user', 'suspend', name, '--reason', 'test')


class Waiting(Events):
    def test_a_user_who_is_added(self):
        self.assertEqual(self.waiter.ask('slots'), [0])
        self.begin_waiting()
        self.deployed.ok('user', 'add', 'bob', '--code-file', self.deployed.dir / 'bob.code')
        self.assert_event(1)
        wait_until(lambda: self.waiter.ask('slots') == [0, 1], 'the new token does not show in the list of slots')
        self.assertEqual(self.waiter.token(1)['label'], 'bob')

    def test_suspended_resumed_closed_and_erased(self):
        for verb in (['suspend'], ['resume'], ['close', '--yes'], ['erase', '--yes']):
            self.begin_waiting()
            self.deployed.ok('user', *verb, 'alice', '--reason', 'test')
            self.assert_event(0)
        wait_until(lambda: self.waiter.ask('slots') == [], 'the token of who is erased is still there')

    def test_locked_by_wrong_pins_and_unlocked(self):
        self.begin_waiting()
        guesser = self.program(self.deployed)
        for _ in range(4):
            self.assert_ckr('PIN_INCORRECT', guesser.login, 'wrong-horse000000')
        self.assert_waits()
        self.assert_ckr('PIN_LOCKED', guesser.login, 'wrong-horse000000')
        self.assert_event(0)
        self.assertIn('USER_PIN_LOCKED', self.waiter.token()['flags'])
        self.begin_waiting()
        self.deployed.ok('user', 'unlock', 'alice', '--reason', 'test')
        self.assert_event(0)

    def test_what_happens_to_others_is_no_event(self):
        self.begin_waiting()
        self.deployed.add_user('carol')
        self.suspend('carol')
        self.assert_waits()

    def test_calls_go_on_meanwhile(self):
        self.begin_waiting()
        begun = time.monotonic()
        for _ in range(20):
            self.waiter.token()
        self.assertLess(time.monotonic() - begun, 5)

    def test_several_wait_and_each_event_is_for_one(self):
        other = self.program(self.deployed)  # a program of its own hears of it as well
        self.begin_waiting()
        other.ask('begin_waiting')
        self.assertIsNone(other.ask('end_waiting', SHORT_S))
        self.suspend()
        self.assert_event(0)
        self.assertEqual(other.ask('end_waiting', PATIENCE_S), 0)

    def test_another_uid_waits_as_well(self):
        stranger = self.stranger(self.deployed)
        stranger.ask('begin_waiting')
        self.assertIsNone(stranger.ask('end_waiting', SHORT_S))
        self.suspend()
        self.assertEqual(stranger.ask('end_waiting', PATIENCE_S), 0)

    def test_the_engine_goes_and_comes_back(self):
        self.begin_waiting()
        self.deployed.restart()
        self.assert_waits()
        self.deployed.kill()
        self.assert_waits()
        self.deployed.start()
        self.suspend()
        self.assert_event(0)

    def test_what_happened_before_it_came_back_is_told(self):
        self.begin_waiting()
        self.deployed.stop()
        elsewhere = self.deployed.place / 'other.sock'
        other = write_private(self.deployed.dir / 'other.conf', self.deployed.client_conf.read_text())
        self.deployed.configure('', 'socket', elsewhere, path=other)
        self.deployed.configure('', 'socket', elsewhere)
        self.deployed.start()  # where the program does not find it
        self.deployed.ok('user', 'suspend', 'alice', '--reason', 'test', '--config', other)
        self.assert_waits()
        self.deployed.configure('', 'socket', self.deployed.socket)
        self.deployed.restart()
        self.assert_event(0)

    def test_the_engine_does_not_wait_for_those_who_wait(self):
        self.begin_waiting()
        begun = time.monotonic()
        self.deployed.stop()
        self.assertLess(time.monotonic() - begun, 4)

    def test_finalize_ends_it_and_leaves_no_thread(self):
        threads = self.waiter.ask('threads')
        for away in (False, True):
            self.begin_waiting()
            if away:
                self.deployed.stop()
            self.waiter.finalize()
            self.assertEqual(self.waiter.ask('end_waiting', PATIENCE_S), 'CRYPTOKI_NOT_INITIALIZED')
            wait_until(lambda: self.waiter.ask('threads') == threads, 'a thread is left')
            self.waiter.initialize()


class Looking(Events):
    def test_an_event_is_told_once(self):
        self.assert_ckr('NO_EVENT', self.waiter.ask, 'event')
        self.suspend()
        time.sleep(BELIEVED_S)
        self.assertEqual(self.waiter.ask('event'), 0)
        self.assert_ckr('NO_EVENT', self.waiter.ask, 'event')
        time.sleep(BELIEVED_S)
        self.assert_ckr('NO_EVENT', self.waiter.ask, 'event')

    def test_an_engine_that_is_away_is_no_event(self):
        self.assert_ckr('NO_EVENT', self.waiter.ask, 'event')
        self.deployed.stop()
        time.sleep(BELIEVED_S)
        self.assert_ckr('NO_EVENT', self.waiter.ask, 'event')


class Shared(ProgramTest):
    """`users = *`: two users, one slot."""

    def setUp(self):
        self.deployed = self.deploy()
        self.users = {name: self.deployed.add_user(name) for name in ('alice', 'bob')}
        for name, user in self.users.items():
            self.deployed.generate(user, f'{name}-key')
        self.deployed.configure('', 'users', '*', path=self.deployed.client_conf)
        self.client = self.program(self.deployed)

    def login(self, name):
        self.client.login_user(name, self.users[name].pin_and_code())

    def objects(self):
        return [handle for kind in ('certificate', 'public', 'private', 'profile') for handle in self.client.objects(kind)]

    def assert_nothing(self):
        self.assertEqual(self.objects(), [])

    def assert_verifies(self, name, signature, data):
        public = write_private(self.deployed.dir / 'public.der', self.client.public_key(f'{name}-key'))
        half = len(signature) // 2
        der = der_sequence(der_integer(signature[:half]) + der_integer(signature[half:]))
        signed = write_private(self.deployed.dir / 'signature', der)
        self.assert_ok(run(['openssl', 'dgst', '-sha256', '-keyform', 'DER', '-verify', public, '-signature', signed,
                            write_private(self.deployed.dir / 'data', data)]))

    def log(self):
        return (self.deployed.dir / 'module.log').read_text()

    def test_two_users_sign_in_turn(self):
        for name in ('alice', 'bob', 'alice'):
            self.assert_nothing()
            self.login(name)
            other = 'bob' if name == 'alice' else 'alice'
            self.assertEqual(self.client.objects('private', f'{other}-key'), [])
            signature = self.client.sign(label=f'{name}-key', data=name.encode())
            self.assert_verifies(name, signature, name.encode())
            self.client.logout()
        self.deployed.settle()
        signed = [entry['subject'] for entry in self.deployed.intents()]
        self.assertEqual(signed, ['alice', 'bob', 'alice'])
        self.assert_sound(self.deployed)

    def test_the_token_is_the_service_whatever_becomes_of_users(self):
        before = self.client.token()
        self.assertEqual(before['label'], 'demo')
        self.deployed.ok('user', 'suspend', 'alice', '--reason', 'test')
        self.assertEqual(self.client.token(), before)
        self.assertIn('LOGIN_REQUIRED', before['flags'])
        self.assertNotIn('USER_PIN_LOCKED', before['flags'])
        self.assertEqual(self.client.ask('slots'), [0])

    def test_without_a_name_no_pin_is_tried(self):
        before = self.deployed.audit('--action', 'login')
        self.assert_ckr('USER_TYPE_INVALID', self.client.login, self.users['alice'].pin_and_code())
        self.assertIn('C_LoginUser', self.log())
        self.assertEqual(self.deployed.audit('--action', 'login'), before)

    def test_wrong_names_and_wrong_pins(self):
        self.assert_ckr('PIN_INCORRECT', self.client.login_user, 'carol', 'carol-has-a-PIN123456')
        self.assertIn('there is no user "carol"', self.log())
        self.assert_ckr('PIN_INCORRECT', self.client.login_user, 'bob', self.users['alice'].pin_and_code())
        self.assertEqual((self.tries_left(self.deployed, 'alice'), self.tries_left(self.deployed, 'bob')), (5, 4))
        self.assert_nothing()

    def test_one_at_a_time(self):
        self.login('alice')
        self.assert_ckr('USER_ALREADY_LOGGED_IN', self.client.login_user, 'alice', self.users['alice'].pin_and_code())
        self.assert_ckr('USER_ANOTHER_ALREADY_LOGGED_IN', self.client.login_user, 'bob',
                        self.users['bob'].pin_and_code())
        self.client.sign(label='alice-key')

    def test_handles_of_the_earlier_user_are_invalid(self):
        self.login('alice')
        key, public = self.client.objects('private')[0], self.client.objects('public')[0]
        self.client.logout()
        for name in (None, 'bob', 'alice'):
            if name:
                self.login(name)
            self.assert_ckr('KEY_HANDLE_INVALID', self.client.sign_init, key=key)
            self.assert_ckr('OBJECT_HANDLE_INVALID', self.client.attribute, public, 'PUBLIC_KEY_INFO')
            if name:
                self.client.logout()

    def test_what_one_has_begun_another_does_not_finish(self):
        self.login('alice')
        self.client.sign_init(label='alice-key')
        self.client.logout()
        self.login('bob')
        self.assert_ckr('KEY_FUNCTION_NOT_PERMITTED', self.client.ask, 'sign_finish', self.client.session, b'data'.hex())
        self.assertEqual(self.deployed.intents(), [])

    def test_a_suspended_user_is_out_and_the_next_one_comes_in(self):
        self.login('alice')
        self.deployed.ok('user', 'suspend', 'alice', '--reason', 'test')
        wait_until(lambda: self.objects() == [], 'the keys of who is suspended are still shown')
        self.assert_ckr('PIN_LOCKED', self.client.login_user, 'alice', self.users['alice'].pin_and_code())
        self.login('bob')
        self.client.sign(label='bob-key')

    def test_what_a_program_writes_is_who_is_logged_ins(self):
        for name, count in (('alice', 2), ('bob', 1)):
            self.login(name)
            self.assertEqual(self.client.ask('create_data', 'note', f'of {name}', count), count)
            self.assertEqual(len(self.client.objects('data')), count)
            self.client.logout()
        self.assertEqual(self.client.ask('create_data', 'note', 'of nobody', 1), 0)
        put = [entry['detail'] for entry in self.deployed.audit('--action', 'object.put')]
        ids = {name: self.deployed.user_row(name)['id'] for name in self.users}
        self.assertEqual(put, [f'data of user {ids[name]}' for name in ('alice', 'alice', 'bob')])

    def test_a_shared_login_of_the_account_is_joined_by_the_pin_alone(self):
        self.assert_ok(self.deployed.login(self.users['alice']))
        self.assert_nothing()
        self.client.login_user('alice', self.users['alice'].pin)
        self.client.sign(label='alice-key')

    def test_besides_a_named_user_it_is_the_last_slot(self):
        self.deployed.configure('', 'users', '*, bob', path=self.deployed.client_conf)
        client = self.program(self.deployed, slot=1)
        self.assertEqual([client.token(slot)['label'] for slot in client.ask('slots')], ['bob', 'demo'])
        client.login_user('alice', self.users['alice'].pin_and_code())
        client.sign(label='alice-key')

    def test_the_command_line_knows_that_a_star_is_nobody(self):
        done = self.deployed.cli('key', 'list')
        self.assertNotEqual(done.status, 0)
        self.assertIn('--user', done.err)
        self.assert_ok(self.deployed.cli('doctor', '--module', MODULE))


if __name__ == '__main__':
    unittest.main()
