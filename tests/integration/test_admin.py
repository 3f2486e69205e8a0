# SPDX-License-Identifier: Apache-2.0
"""Administration: who may do what, what each verb does, and an engine that is a service under a user of its own."""
import json
import os
import pwd
import shutil
import subprocess
import unittest

from cryptoki import CryptokiError
from deployment import CLI, ENGINE, MODULE, Authority, Deployment, DeploymentTest, must, run, wait_until, write_private
from programs import STRANGER, ProgramTest, identity, needs_root

ENGINE_USER = 'daemon'  # in service mode; any user that is neither root nor STRANGER


# ---- who may do what ----

ADMINISTRATING = [
    ('user', 'add', 'zoe'), ('user', 'suspend', 'alice'), ('user', 'resume', 'alice'), ('user', 'unlock', 'alice'),
    ('user', 'reset', 'alice', '--yes'), ('user', 'close', 'alice', '--yes'), ('user', 'erase', 'alice', '--yes'),
    ('key', 'generate', '--user', 'alice', '--label', 'new'),
    ('key', 'resume', 'k', '--user', 'alice'), ('key', 'revoke', 'k', '--user', 'alice', '--yes'),
    ('key', 'delete', 'k', '--user', 'alice', '--yes'), ('audit', 'accept', '--reason', 'none', '--yes'),
]
LOOKING = [('user', 'list'), ('user', 'list', '--dormant', '90d'), ('factor', 'list', '--user', 'alice'), ('policy', 'show'),
           ('policy', 'explain', 'k', '--user', 'alice', '--login-age', '1m'), ('status',)]
READING_THE_LOG = [('audit', 'list'), ('audit', 'checkpoint')]
OPEN_TO_ALL = [('key', 'list', '--user', 'alice'), ('cert', 'show', '--user', 'alice')]


@needs_root
class Permits(ProgramTest):
    """Root and the engine's own uid may all; another uid may what the people may who are logged in there."""

    def setUp(self):
        self.deployed = self.deploy()
        self.alice = self.deployed.alice()
        must([CLI, 'login', '--user', 'alice'], stdin=f'{self.alice.pin}\n{self.alice.code()}\n', env=self.deployed.env)
        self.deployed.logout(self.alice)  # the key is sealed now

    def stranger_does(self, *arguments, stdin=''):
        return self.cli_as(STRANGER, self.deployed, *arguments, stdin=stdin)

    def log_in(self, name, *roles):
        user = self.deployed.add_user(name, roles=roles)
        self.assert_ok(self.stranger_does('login', '--user', name, stdin=f'{user.pin}\n{user.code()}\n'))
        return user

    def assert_may(self, *verbs):
        for verb in verbs:
            self.assert_ok(self.stranger_does(*verb))

    def administrating(self):
        factor = self.deployed.json('factor', 'list', '--user', 'alice')[0]['id']
        return [*ADMINISTRATING, ('factor', 'remove', factor, '--user', 'alice', '--yes')]

    def assert_may_not(self, *verbs):
        for verb in verbs:
            self.assert_refused(self.stranger_does(*verb), 'not permitted')

    def test_a_stranger_sees_public_things_and_nothing_else(self):
        everything = lambda: (self.deployed.json('user', 'list'), self.deployed.json('key', 'list', '--user', 'alice'))
        before = everything()
        self.assert_may(*OPEN_TO_ALL)
        self.assert_may_not(*self.administrating(), *LOOKING, *READING_THE_LOG)
        self.assertEqual(before, everything())

    def test_what_a_stranger_was_refused_is_in_the_log(self):
        self.assert_may_not(('user', 'add', 'zoe'))
        entry = wait_until(lambda: self.deployed.audit('--outcome', 'refused'), 'the refusal is not in the log')[-1]
        self.assertEqual((entry['action'].replace(' ', '.'), entry['uid']), ('user.add', pwd.getpwnam(STRANGER).pw_uid))

    def test_a_refusal_says_who_may_and_who_should_log_in(self):
        for verb, words in ((('key', 'generate', '--user', 'alice', '--label', 'x'), 'alice and officers; ask'),
                            (('status',), 'officers, auditors and operators; ask'),
                            (('audit', 'list'), 'officers and auditors; ask')):
            self.assert_refused(self.stranger_does(*verb), 'it is for ' + words)
        done = self.stranger_does('key', 'generate', '--user', 'alice', '--label', 'x')
        self.assert_refused(done, 'log in first: trustp11 login --user alice')
        done = self.stranger_does('user', 'suspend', 'alice')
        self.assert_refused(done, 'trustp11 login --user NAME')

    def failures(self):
        return [entry for entry in self.deployed.audit() if entry['outcome'] in ('refused', 'failed')]

    def test_a_refusal_is_one_entry_that_says_about_whom(self):
        """Root is the engine's own uid here; what it may not do it may not do as alice either, whose login is open."""
        self.assert_ok(self.deployed.login(self.alice))
        alices_id, key = self.deployed.user_row()['id'], self.deployed.json('key', 'list', '--user', 'alice')[0]['id']
        self.assert_refused(self.deployed.cli('key', 'resume', 'k', '--user', 'alice'), 'already')
        entry = wait_until(self.failures, 'the refusal is not in the log')[0]
        self.assertEqual((entry['role'], entry.get('subject'), entry['object_id']), ('engine', None, key))
        code = write_private(self.deployed.dir / 'code', 'A' * 20 + '\n')
        pin = write_private(self.deployed.dir / 'pin', 'bob-has-a-PIN\n')
        self.deployed.ok('user', 'add', 'bob')
        self.assert_refused(self.deployed.cli('enrol', '--user', 'bob', '--code-file', code, '--pin-file', pin,
                                              '--uri-file', self.deployed.dir / 'uri', '--no-confirm'), 'wrong')
        bad = self.alice.wrong_code()
        self.assert_refused(self.deployed.cli('pin', 'change', '--user', 'alice', '--new-pin-file', pin,
                                              stdin=f'{self.alice.pin}\n{bad}\n'), 'wrong')
        self.deployed.ok('user', 'suspend', 'bob')
        self.assert_refused(self.stranger_does('user', 'list'))
        wait_until(lambda: self.failures()[-1]['action'] == 'look', 'the last refusal is not in the log')
        self.assertEqual([(entry['action'], entry.get('subject')) for entry in self.failures()],
                         [('key.state', None), ('enrol', 'bob'), ('pin.change.login', 'alice'), ('look', None)])
        self.assertEqual(self.failures()[2]['object_id'], alices_id)

    def test_an_officer_administrates_until_logging_out(self):
        self.log_in('olga', 'officer')
        self.assert_may(*LOOKING, *READING_THE_LOG, ('user', 'add', 'zoe'), ('user', 'suspend', 'zoe'),
                        ('user', 'resume', 'zoe'), ('user', 'close', 'zoe', '--yes'),
                        ('key', 'generate', '--user', 'alice', '--label', 'new'),
                        ('key', 'suspend', 'k', '--user', 'alice'), ('key', 'resume', 'k', '--user', 'alice'),
                        ('key', 'delete', 'new', '--user', 'alice', '--yes'))
        entry = [entry for entry in self.deployed.audit() if entry['action'] == 'user.add'][-1]
        self.assertEqual((entry['role'], entry['subject']), ('officer', 'olga'))
        self.assert_ok(self.stranger_does('logout', '--user', 'olga'))
        self.assert_may_not(('user', 'add', 'yan'), *LOOKING)

    def test_a_suspended_officer_administrates_no_more(self):
        self.log_in('olga', 'officer')
        self.assert_may(('user', 'list'))
        self.deployed.ok('user', 'suspend', 'olga')
        self.assert_may_not(('user', 'list'), ('user', 'resume', 'olga'))

    def test_an_officer_does_not_sign_or_request_for_others(self):
        self.log_in('olga', 'officer')
        done = self.stranger_does('key', 'csr', 'k', '--user', 'alice', '--subject', '/CN=x',
                                  stdin='olga-has-a-PIN\n000000\n')
        self.assert_refused(done)
        program = self.stranger(self.deployed)
        self.assert_ckr('PIN_INCORRECT', program.login, 'olga-has-a-PIN')

    def test_an_auditor_reads_the_log_and_looks_and_does_nothing(self):
        self.log_in('udo', 'auditor')
        self.assert_may(*LOOKING, *READING_THE_LOG)
        self.assert_may_not(*self.administrating())

    def test_an_operator_looks_and_does_nothing(self):
        self.log_in('otto', 'operator')
        self.assert_may(*LOOKING)
        self.assert_may_not(*self.administrating(), *READING_THE_LOG)

    def test_an_owner_stops_the_own_key_and_does_not_start_it_again(self):
        self.assert_ok(self.stranger_does('login', '--user', 'alice', stdin=f'{self.alice.pin}\n{self.alice.code()}\n'))
        self.assert_may(('policy', 'explain', 'k', '--user', 'alice'), ('key', 'suspend', 'k', '--user', 'alice'),
                        ('key', 'generate', '--user', 'alice', '--label', 'mine'))
        self.assert_refused(self.stranger_does('key', 'resume', 'k', '--user', 'alice'), 'only an officer')
        self.assert_may(('key', 'doubt', 'k', '--user', 'alice'))
        for verb in ('resume', 'suspend', 'revoke'):
            self.assert_refused(self.stranger_does('key', verb, 'k', '--user', 'alice', *YES.get(verb, ())), 'officer')
        self.assert_may_not(('user', 'list'), ('audit', 'list'))
        done = self.stranger_does('key', 'delete', 'k', '--user', 'alice', '--yes')
        self.assert_refused(done, 'owners may not', '[owner] delete')
        self.deployed.ok('key', 'resume', 'k', '--user', 'alice')

    def reason_that_a_stranger_sees(self):
        done = self.stranger_does('key', 'list', '--user', 'alice', '--json')
        self.assert_ok(done)
        self.assertEqual(json.loads(done.out)[0]['state'], 'doubt')
        return json.loads(done.out)[0].get('reason')

    def test_why_a_key_was_stopped_is_for_its_owner_and_those_who_look(self):
        self.deployed.ok('key', 'doubt', 'k', '--user', 'alice', '--reason', 'laptop stolen')
        self.assertIsNone(self.reason_that_a_stranger_sees())
        self.log_in('bob')
        self.assertIsNone(self.reason_that_a_stranger_sees())
        self.assert_ok(self.stranger_does('logout', '--user', 'bob'))
        for name, role in (('olga', 'officer'), ('udo', 'auditor'), ('otto', 'operator')):
            self.log_in(name, role)
            self.assertEqual(self.reason_that_a_stranger_sees(), 'laptop stolen', role)
            self.assert_ok(self.stranger_does('logout', '--user', name))
            self.assertIsNone(self.reason_that_a_stranger_sees())
        self.assert_ok(self.stranger_does('login', '--user', 'alice', stdin=f'{self.alice.pin}\n{self.alice.code()}\n'))
        self.assertEqual(self.reason_that_a_stranger_sees(), 'laptop stolen')
        self.assertEqual(self.deployed.json('key', 'list', '--user', 'alice')[0]['reason'], 'laptop stolen')

    def test_an_owner_does_not_touch_the_keys_of_others(self):
        self.log_in('bob')
        self.assert_may_not(('key', 'suspend', 'k', '--user', 'alice'), ('policy', 'explain', 'k', '--user', 'alice'),
                            ('key', 'generate', '--user', 'alice', '--label', 'x'))

    def test_an_officers_login_in_one_program_is_not_another_programs(self):
        olga = self.deployed.add_user('olga', roles=('officer',))
        conf = self.deployed.client_conf
        conf.write_text(conf.read_text().replace('users = alice', 'users = alice,olga'))
        program = self.stranger(self.deployed, slot=1)
        program.login(olga.pin_and_code())
        self.assert_may_not(('user', 'add', 'zoe'))

    def test_an_officer_who_owns_a_key_is_still_an_officer(self):
        olga = self.log_in('olga', 'officer')
        self.deployed.generate(olga, 'o')
        self.assert_may(('key', 'suspend', 'o', '--user', 'olga'), ('key', 'resume', 'o', '--user', 'olga'))
        entry = [entry for entry in self.deployed.audit() if entry['action'] == 'key.state'][-1]
        self.assertEqual(entry['role'], 'officer')


YES = {'revoke': ('--yes',)}


# ---- the verbs ----

class AdminTest(ProgramTest):
    def setUp(self):
        self.deployed = self.deploy()

    def last(self, action):
        return [entry for entry in self.deployed.audit() if entry['action'] == action][-1]


class Users(AdminTest):
    def test_add_and_list(self):
        self.deployed.ok('user', 'add', 'zoë', '--display', 'Zoë Example', '--role', 'auditor', '--role', 'operator')
        row = self.deployed.user_row('zoë')
        self.assertEqual((row['name'], row['display'], row['state'], row['roles'], row['keys'], row['locked']),
                         ('zoë', 'Zoë Example', 'invited', ['auditor', 'operator'], 0, False))
        self.assertEqual(len(self.deployed.json('user', 'list')), 1)
        self.assertEqual(self.deployed.add_user('bob').name, 'bob')
        self.assertEqual([user['state'] for user in self.deployed.json('user', 'list')], ['invited', 'enrolled'])
        self.assertIn('zoë', self.deployed.ok('user', 'list'))

    def test_what_cannot_be_added_is_refused(self):
        self.deployed.ok('user', 'add', 'bob')
        self.assert_refused(self.deployed.cli('user', 'add', 'bob'), 'already')
        for name in ('', '.hidden', 'a b', 'a/b', 'x' * 65, 'a\nb'):
            self.assertEqual(self.deployed.cli('user', 'add', name).status, 2, name)
        self.assertEqual(self.deployed.cli('user', 'add', '-x').status, 2)
        self.assertEqual(self.deployed.cli('user', 'add', 'eve', '--role', 'emperor').status, 2)
        self.assertEqual([user['name'] for user in self.deployed.json('user', 'list')], ['bob'])

    def test_texts_that_steer_terminals_are_refused_at_the_engines_door(self):
        """Whatever the command line lets through."""
        self.deployed.alice()
        for text in (b'a\x1b[2J', b'\xff', 'x\u202ey'.encode(), b'a\xc2\x9b'):
            text = os.fsdecode(text)
            for verb in (('key', 'suspend', 'k', '--user', 'alice', '--reason', text),
                         ('user', 'suspend', 'alice', '--reason', text)):
                self.assert_refused(self.deployed.cli(*verb), 'reason: ')
            self.assertIn(self.deployed.cli('key', 'generate', '--user', 'alice', '--label', text).status, (1, 2))
            self.assertNotEqual(self.deployed.cli('user', 'add', text).status, 0)
            self.assertEqual(self.deployed.cli('user', 'add', 'bob', '--display', text).status, 2)
        self.assertEqual([key['label'] for key in self.deployed.json('key', 'list', '--user', 'alice')], ['k'])
        self.assertEqual([user['name'] for user in self.deployed.json('user', 'list')], ['alice'])
        self.deployed.ok('key', 'generate', '--user', 'alice', '--label', '署名 – Zoë')

    def test_the_code_goes_into_a_file_that_only_its_owner_reads(self):
        code = self.deployed.dir / 'bob.code'
        shown = self.deployed.ok('user', 'add', 'bob', '--code-file', code)
        self.assertEqual(code.stat().st_mode & 0o777, 0o600)
        self.assertNotIn(code.read_text().strip(), shown)
        self.assert_refused(self.deployed.cli('user', 'add', 'eve', '--code-file', code), 'already')
        self.assert_refused(self.deployed.cli('user', 'list', 'eve'), 'no user')

    def test_suspend_and_resume(self):
        bob = self.deployed.add_user('bob')
        self.deployed.ok('user', 'suspend', 'bob', '--reason', 'on leave')
        self.assertEqual(self.deployed.user_row('bob')['state'], 'suspended')
        self.assertEqual(self.last('user.suspend')['reason'], 'on leave')
        self.assert_refused(self.deployed.login(bob), 'suspended')
        self.deployed.ok('user', 'resume', 'bob')
        self.assertEqual(self.deployed.user_row('bob')['state'], 'enrolled')
        self.assert_ok(self.deployed.login(bob))
        self.assert_refused(self.deployed.cli('user', 'resume', 'bob'), 'not suspended')

    def test_unlock(self):
        bob = self.deployed.add_user('bob')
        self.assert_refused(self.deployed.cli('user', 'unlock', 'bob'), 'not locked')
        self.assert_refused(self.deployed.login(bob, code=bob.wrong_code()))
        self.deployed.ok('user', 'unlock', 'bob')  # all tries back
        self.assertEqual(self.deployed.user_row('bob')['tries_left'], 5)
        for _ in range(5):
            self.assert_refused(self.deployed.login(bob, code=bob.wrong_code()))
        self.assert_refused(self.deployed.login(bob), 'locked')
        self.deployed.ok('user', 'unlock', 'bob')
        self.assert_ok(self.deployed.login(bob))

    def test_close_is_for_good_and_destroys_the_keys(self):
        alice = self.deployed.alice()
        self.deployed.generate(alice, 'second')
        self.assertEqual(self.deployed.cli('user', 'close', 'alice').status, 2)  # nobody said that it is meant
        self.deployed.ok('user', 'close', 'alice', '--yes', '--reason', 'contract ended')
        row = self.deployed.user_row()
        self.assertEqual((row['state'], row['keys']), ('closed', 0))
        self.assertEqual(self.deployed.json('key', 'list', '--user', 'alice'), [])
        self.assertNotEqual(self.deployed.login(alice).status, 0)
        for verb in ('resume', 'unlock', 'suspend'):
            self.assert_refused(self.deployed.cli('user', verb, 'alice'), 'closed')
        self.assert_refused(self.deployed.cli('user', 'reset', 'alice', '--yes'), 'closed')
        self.assert_refused(self.deployed.cli('key', 'generate', '--user', 'alice', '--label', 'n'), 'closed')
        self.assert_refused(self.deployed.cli('user', 'add', 'alice'), 'already')
        self.deployed.restart()
        self.assertEqual(self.deployed.user_row()['state'], 'closed')

    def files_hold(self, *words):
        """Which of them stand in the store's files, byte by byte."""
        files = [path.read_bytes() for path in self.deployed.place.glob('store.db*')]
        self.assertGreaterEqual(len(files), 1)
        return [word for word in words if any(word.encode() in content for content in files)]

    def test_erase_takes_all_that_is_known_of_a_closed_user(self):
        names = ('erika.mustermann', 'Erika Mustermann-Gabler')
        for number in range(40):
            self.deployed.ok('user', 'add', f'other-{number}', '--display', 'x' * (number + 1))
        erika = self.deployed.add_user(names[0])
        self.deployed.generate(erika, names[0])
        self.deployed.generate(erika, names[1])
        self.assert_ok(self.deployed.login(erika))
        self.deployed.ok('user', 'suspend', names[0])
        user_id = self.deployed.user_row(names[0])['id']
        self.assertEqual(self.files_hold(*names), [*names])
        self.assert_refused(self.deployed.cli('user', 'erase', names[0], '--yes'), 'close it first')
        for verb in (('user', 'add', names[0], '--display', names[1]),  # refused; the log has no names of it
                     ('key', 'generate', '--user', names[0], '--label', names[1])):
            self.assert_refused(self.deployed.cli(*verb), 'already')
        self.deployed.ok('user', 'close', names[0], '--yes')
        self.assertEqual(self.deployed.cli('user', 'erase', names[0]).status, 2)  # nobody said that it is meant
        self.assertIn(names[0], {entry.get('subject') for entry in self.deployed.audit()})
        self.deployed.ok('user', 'erase', names[0], '--yes', '--reason', 'asked for')
        self.assertEqual(self.files_hold(*names), [])
        self.assert_erased(names[0], user_id)
        self.deployed.restart()
        self.assert_erased(names[0], user_id)
        self.assertEqual(self.files_hold(*names), [])
        self.assert_ok(self.deployed.login(self.deployed.add_user(names[0])))
        self.assertNotEqual(self.deployed.user_row(names[0])['id'], user_id)
        self.assert_sound(self.deployed)

    def assert_erased(self, name, user_id):
        for verb in ('list', 'suspend', 'resume'):
            self.assert_refused(self.deployed.cli('user', verb, name), 'no user')
        self.assertEqual([user['name'] for user in self.deployed.json('user', 'list') if 'other' not in user['name']], [])
        self.assert_sound(self.deployed)
        entries = self.deployed.audit()
        self.assertNotIn(name, {entry.get('subject') for entry in entries})
        hers = [entry for entry in entries if entry.get('subject_erased')]
        self.assertIn('login', {entry['action'] for entry in hers})
        self.assertEqual(len({entry['subject_hash'] for entry in hers}), 1)
        self.assertIn('(erased)', self.deployed.ok('audit', 'list', '--all', '--action', 'login'))
        entry = self.last('user.erase')
        self.assertEqual((entry['object_id'], entry['reason'], entry['detail']), (user_id, 'asked for', 'factors 1'))

    def dormant(self, span='3s'):
        return [user['name'] for user in self.deployed.json('user', 'list', '--dormant', span)]

    def states(self):
        return {user['name']: user['state'] for user in self.deployed.json('user', 'list')}

    def test_who_is_dormant_is_found_and_suspended(self):
        bob, _, _ = (self.deployed.add_user(name) for name in ('bob', 'carol', 'dora'))
        self.deployed.ok('user', 'add', 'eve')  # never enrolled
        self.deployed.ok('user', 'close', 'dora', '--yes')
        self.assertEqual(self.dormant('1h'), [])
        self.assertIn('nobody', self.deployed.ok('user', 'suspend', '--dormant', '1h'))
        wait_until(lambda: self.dormant() == ['bob', 'carol', 'eve'], 'they never become dormant')
        self.assert_ok(self.deployed.login(bob))
        self.assertEqual(self.dormant(), ['carol', 'eve'])
        for arguments in ((), ('carol', '--dormant', '3s')):
            self.assertEqual(self.deployed.cli('user', 'suspend', *arguments).status, 2)
        refused = self.deployed.cli('user', 'suspend', '--dormant', '3s')  # nobody said that it is meant
        self.assertEqual((refused.status, 'carol, eve' in refused.err), (2, True))
        done = self.deployed.json('user', 'suspend', '--dormant', '3s', '--yes')
        self.assertEqual([(row['name'], row['suspended']) for row in done], [('carol', True), ('eve', True)])
        self.assertEqual(self.states(), {'bob': 'enrolled', 'carol': 'suspended', 'dora': 'closed', 'eve': 'suspended'})
        entries = [entry for entry in self.deployed.audit('--action', 'user.suspend') if entry['outcome'] == 'ok']
        self.assertEqual([entry['reason'] for entry in entries], ['dormant', 'dormant'])
        self.assertEqual(len({entry['object_id'] for entry in entries}), 2)
        self.deployed.ok('user', 'resume', 'carol')
        self.assertEqual(self.dormant(), ['eve'])  # carol has time to log in

    def test_the_last_officer_who_can_act_is_not_suspended_for_being_dormant(self):
        for name in ('olga', 'omar', 'oona'):
            self.deployed.add_user(name, roles=('officer',))
        self.deployed.ok('user', 'suspend', 'oona')
        wait_until(lambda: len(self.dormant()) == 3, 'they never become dormant')
        done = self.deployed.cli('user', 'suspend', '--dormant', '3s', '--yes', '--reason', 'yearly look')
        self.assert_ok(done)
        self.assertIn('last officer', done.out)
        self.assertEqual(self.states(), {'olga': 'suspended', 'omar': 'enrolled', 'oona': 'suspended'})
        self.assertEqual(self.deployed.audit('--action', 'user.suspend', '--outcome', 'ok')[-1]['reason'], 'yearly look')
        self.deployed.ok('user', 'suspend', 'omar')  # when it is meant, it is done

    def test_a_user_who_is_not_there(self):
        for verb in ('suspend', 'resume', 'unlock', 'list'):
            self.assert_refused(self.deployed.cli('user', verb, 'nobody-here'), 'nobody-here')


class Keys(AdminTest):
    def setUp(self):
        super().setUp()
        self.alice = self.deployed.add_user()

    def request(self, label, *options, pin=None):
        return self.deployed.cli('key', 'csr', label, '--user', 'alice', *options,
                                 stdin=f'{pin or self.alice.pin}\n{self.alice.code()}\n')

    def test_each_type_is_made_and_listed_and_signs_its_request(self):
        types = ['rsa-2048', 'p-256', 'p-384', 'p-521']
        for kind in types:
            self.deployed.generate(self.alice, kind, kind)
        rows = self.deployed.json('key', 'list', '--user', 'alice')
        self.assertEqual(sorted(row['type'] for row in rows), sorted(types))
        self.assertEqual(len({row['cka_id'] for row in rows}), len(types))
        for kind in types:
            done = self.request(kind, '--subject', '/C=JP/O=Example/CN=Alice Example')
            self.assert_ok(done)
            shown = run(['openssl', 'req', '-verify', '-noout', '-subject', '-nameopt', 'RFC2253'], stdin=done.out)
            self.assertEqual(shown.status, 0, shown.err)
            self.assertIn('verify OK', shown.err + shown.out)
            self.assertIn('CN=Alice Example,O=Example,C=JP', shown.out)

    def test_a_request_carries_names_and_is_made_as_der_or_in_a_file(self):
        self.deployed.generate(self.alice)
        path = self.deployed.dir / 'k.csr'
        self.assert_ok(self.request('k', '--subject', 'CN=Alice,C=JP', '--dns', 'a.example', '--dns', 'b.example',
                                    '--email', 'alice@example.org', '--der', '--out', path))
        text = must(['openssl', 'req', '-inform', 'DER', '-in', path, '-verify', '-noout', '-text'])
        for name in ('DNS:a.example', 'DNS:b.example', 'email:alice@example.org'):
            self.assertIn(name, text)
        self.assert_refused(self.request('k', '--subject', '/CN=x', '--out', path), str(path))

    def test_a_request_that_cannot_be_made_costs_no_code(self):
        self.deployed.generate(self.alice)
        code = self.alice.code()
        ask = lambda *options: self.deployed.cli('key', 'csr', 'k', '--user', 'alice', *options,
                                                 stdin=f'{self.alice.pin}\n{code}\n')
        self.assertEqual(ask('--subject', 'foo').status, 2)
        self.assertEqual(ask('--subject', '/CN=x', '--email', 'nowhere').status, 2)
        self.assert_refused(ask('--subject', '/CN=x', '--out', self.deployed.dir / 'none' / 'k.csr'), 'No such file')
        self.assert_refused(ask('--subject', '/CN=x', '--out', self.deployed.client_conf), 'already')
        self.assert_ok(ask('--subject', '/CN=x', '--out', self.deployed.dir / 'k.csr'))

    def test_a_request_needs_its_owner(self):
        self.deployed.generate(self.alice)
        self.assert_refused(self.request('k', '--subject', '/CN=x', pin='not-the-PIN-at-all'))
        self.assert_refused(self.deployed.cli('key', 'csr', 'k', '--user', 'alice', '--subject', '/CN=x'), 'PIN')
        self.assert_ok(self.request('k', '--subject', '/CN=x'))
        self.assertEqual(self.request('k').status, 2)
        self.assert_refused(self.request('no-such-key', '--subject', '/CN=x'), 'no-such-key')

    def test_a_stopped_key_signs_no_request(self):
        self.deployed.generate(self.alice)
        self.deployed.ok('key', 'suspend', 'k', '--user', 'alice')
        self.assert_refused(self.request('k', '--subject', '/CN=x'), 'suspended')
        self.deployed.ok('key', 'resume', 'k', '--user', 'alice')
        self.assert_ok(self.request('k', '--subject', '/CN=x'))

    def test_ids_and_labels(self):
        self.deployed.ok('key', 'generate', '--user', 'alice', '--label', 'k', '--id', '0a0b')
        self.assertEqual(self.deployed.json('key', 'list', '--user', 'alice')[0]['cka_id'], '0a0b')
        self.assert_refused(self.deployed.cli('key', 'generate', '--user', 'alice', '--label', 'k'), 'label')
        self.assertEqual(self.deployed.cli('key', 'generate', '--user', 'alice', '--id', 'xyz').status, 2)
        self.assertEqual(self.deployed.cli('key', 'generate', '--user', 'alice', '--type', 'dsa').status, 2)
        self.assertEqual(self.deployed.cli('key', 'generate', '--user', 'alice', '--label', 'x' * 300).status, 2)
        self.assert_refused(self.deployed.cli('key', 'generate', '--user', 'nobody-here'), 'nobody-here')

    def test_a_type_that_the_hsm_cannot_keep_is_refused_with_its_whole_reason(self):
        done = self.deployed.cli('key', 'generate', '--user', 'alice', '--type', 'ed25519')
        self.assert_refused(done, 'CKR_KEY_NOT_WRAPPABLE', "see the HSM's own log); see: trustp11 doctor")

    def test_states_and_their_reasons(self):
        self.deployed.generate(self.alice)
        states = {'suspend': 'suspended', 'resume': 'active', 'doubt': 'doubt', 'revoke': 'revoked'}
        for verb in ('suspend', 'resume', 'doubt', 'suspend', 'doubt', 'resume', 'revoke'):
            self.deployed.ok('key', verb, 'k', '--user', 'alice', '--reason', f'because of {verb}', *YES.get(verb, ()))
            row = self.deployed.json('key', 'list', '--user', 'alice')[0]
            self.assertEqual((row['state'], row['reason']), (states[verb], f'because of {verb}'))
            self.assertEqual(self.last('key.state')['reason'], f'because of {verb}')
        for verb in ('resume', 'suspend', 'doubt'):
            self.assert_refused(self.deployed.cli('key', verb, 'k', '--user', 'alice'), 'revoked')
        self.deployed.restart()
        self.assertEqual(self.deployed.json('key', 'list', '--user', 'alice')[0]['state'], 'revoked')

    def test_what_cannot_be_undone_asks_first(self):
        self.deployed.generate(self.alice)
        for verb in ('revoke', 'delete'):
            self.assertEqual(self.deployed.cli('key', verb, 'k', '--user', 'alice').status, 2)
        self.assertEqual(self.deployed.json('key', 'list', '--user', 'alice')[0]['state'], 'active')
        self.deployed.ok('key', 'delete', 'k', '--user', 'alice', '--yes')
        self.assertEqual(self.deployed.json('key', 'list', '--user', 'alice'), [])
        self.assert_refused(self.deployed.cli('key', 'delete', 'k', '--user', 'alice', '--yes'), 'key')


class CertificateVerbs(AdminTest):
    def test_import_and_show(self):
        alice = self.deployed.alice()
        authority = Authority(self.deployed.dir / 'ca')
        path = authority.issue(self.deployed.request(alice))
        self.assertEqual(self.deployed.json('cert', 'show', '--user', 'alice'), [])
        done = self.deployed.cli('cert', 'import', path, '--user', 'alice', '--json')
        self.assert_ok(done)
        self.assertEqual(json.loads(done.out), {
            'user': 'alice', 'label': 'k', 'key': self.deployed.json('key', 'list', '--user', 'alice')[0]['id']})
        self.assertIn('key "k"', self.deployed.import_certificate(alice, path).out)
        shown = self.deployed.json('cert', 'show', '--user', 'alice')[0]
        self.assertEqual((shown['subject'], shown['issuer'], shown['chain']), ('CN=alice', 'CN=Test CA', 1))
        self.assertTrue(self.deployed.json('key', 'list', '--user', 'alice')[0]['certificate'])
        pem = self.deployed.ok('cert', 'show', 'k', '--user', 'alice', '--pem')
        self.assertEqual(pem.split(), path.read_text().split())
        self.assertEqual([row['subject'] for row in self.deployed.json('cert', 'show', '--file', path)],
                         ['CN=alice', 'CN=Test CA'])

    def test_what_is_no_certificate_is_refused(self):
        alice = self.deployed.alice()
        for content in ('', 'nonsense', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'):
            path = write_private(self.deployed.dir / 'bad.pem', content)
            self.assert_refused(self.deployed.import_certificate(alice, path), 'bad.pem')
        self.assert_refused(self.deployed.import_certificate(alice, self.deployed.dir / 'none.pem'), 'none.pem')
        self.assertEqual(self.deployed.json('cert', 'show', '--user', 'alice'), [])


class Looking(AdminTest):
    def test_status_counts(self):
        alice = self.deployed.alice()
        before = self.deployed.json('status')
        self.assert_signs(self.deployed, alice)
        after = self.deployed.json('status')
        self.assertEqual(after['signatures'], before['signatures'] + 1)
        self.assertGreater(after['entries'], before['entries'])
        self.assertEqual((after['verdict'], after['hsm_present'], after['development']), ('serves', True, False))
        self.assertEqual((after['users'], after.get('tampered', '')), (1, ''))
        self.assertEqual((after['pid'], after['uid']), (self.deployed.pid(), os.geteuid()))

    def test_status_and_doctor_of_an_engine_that_is_not_there(self):
        self.deployed.stop()
        self.assert_refused(self.deployed.cli('status'), 'engine')
        done = self.deployed.cli('doctor', '--module', MODULE, '--json')
        self.assertEqual(done.status, 1)
        bad = [check['name'] for check in json.loads(done.out) if check['verdict'] == 'bad']
        self.assertTrue({'engine', 'socket'} & set(bad), bad)
        advice = ' '.join(check.get('advice') or '' for check in json.loads(done.out))
        self.assertIn(f'trustp11d engine --config {self.deployed.engine_conf}', advice)
        self.assertNotIn('systemctl', advice)

    def test_doctor_finds_nothing_bad_here_and_says_what_is_for_development(self):
        done = self.deployed.cli('doctor', '--module', MODULE, '--json')
        checks = json.loads(done.out)
        self.assertEqual([check for check in checks if check['verdict'] == 'bad'], [])
        self.assertEqual(done.status, 0)
        self.assertIn('SoftHSM', ' '.join(check['words'] for check in checks if check['verdict'] == 'note'))

    def test_doctor_finds_a_module_that_cannot_be_loaded(self):
        done = self.deployed.cli('doctor', '--module', self.deployed.dir / 'none.so', '--json')
        self.assertEqual(done.status, 1)
        self.assertEqual([check['name'] for check in json.loads(done.out) if check['verdict'] == 'bad'], ['module'])

    def test_doctor_takes_a_file_that_lies_here(self):
        (self.deployed.dir / 'README.md').write_text('no module\n')
        done = subprocess.run([CLI, 'doctor', '--module', 'README.md'], env=self.deployed.env, cwd=self.deployed.dir,
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('./README.md: file too short', done.stdout)

    def test_policy_show_says_what_the_configuration_says(self):
        self.deployed.configure('policy', 'signatures', '17')
        self.deployed.restart()
        shown = {row['name']: row['value'] for row in self.deployed.json('policy', 'show')}
        self.assertEqual((shown['policy.signatures'], shown['policy.insecure_sha1']), ('17', 'no'))


# ---- service mode ----

@needs_root
class Service(ProgramTest):
    """The engine under a user of its own, clients under another, root administrates."""

    def setUp(self):
        self.deployed = Deployment(start=False)
        self.addCleanup(self.deployed.close)
        bin_dir = self.admit_others(self.deployed)
        self.deployed.program, self.deployed.runs_as = bin_dir / 'trustp11d', {**identity(ENGINE_USER), 'cwd': '/'}
        self.deployed.configure('', 'engine_user', ENGINE_USER, self.deployed.client_conf)
        self.hand_over()
        self.deployed.start()

    def hand_over(self):
        """All that the engine reads or writes belongs to its user; the clients' configuration stays root's."""
        entry = pwd.getpwnam(ENGINE_USER)
        for path in [self.deployed.place, *self.deployed.place.iterdir(), self.deployed.dir / 'hsm.pin',
                     self.deployed.dir / 'tokens', *(self.deployed.dir / 'tokens').rglob('*')]:
            if path != self.deployed.client_conf:
                os.chown(path, entry.pw_uid, entry.pw_gid)
        self.deployed.client_conf.chmod(0o644)

    def test_another_users_programs_sign_and_root_administrates(self):
        alice, digest = self.deployed.alice(), os.urandom(32)
        program = self.stranger(self.deployed)
        program.login(alice.pin_and_code())
        self.assertTrue(self.deployed.verify_signature(alice, digest, program.sign('ECDSA', digest)))
        status = self.deployed.json('status')
        self.assertEqual((status['uid'], status['development']), (pwd.getpwnam(ENGINE_USER).pw_uid, False))
        entry = [entry for entry in self.deployed.audit() if entry['action'] == 'sign'][-1]
        self.assertEqual(entry['uid'], pwd.getpwnam(STRANGER).pw_uid)

    def test_the_engines_own_user_administrates_and_a_stranger_does_not(self):
        self.assert_ok(self.cli_as(ENGINE_USER, self.deployed, 'user', 'add', 'zoe'))
        self.assert_refused(self.cli_as(STRANGER, self.deployed, 'user', 'add', 'yan'), 'not permitted')

    def test_a_stranger_reads_nothing_of_the_engines(self):
        for path in (self.deployed.engine_conf, self.deployed.store, self.deployed.dir / 'hsm.pin'):
            self.assertEqual(subprocess.run(['cat', path], capture_output=True, check=False, cwd='/',
                                            **identity(STRANGER)).returncode, 1, path)
        self.assert_refused(self.cli_as(STRANGER, self.deployed, 'audit', 'verify'))
        self.assert_ok(self.cli_as(STRANGER, self.deployed, 'key', 'list', '--user', self.deployed.alice().name))

    def test_clients_tell_an_engine_of_another_user_nothing(self):
        self.deployed.alice()
        self.deployed.configure('', 'engine_user', STRANGER, self.deployed.client_conf)
        self.assert_refused(self.deployed.cli('status'), 'nothing was sent')
        program = self.stranger(self.deployed)
        self.assert_ckr('DEVICE_ERROR', program.token)
        self.assert_ckr('DEVICE_ERROR', program.login, 'alice-has-a-PIN000000')
        self.deployed.configure('', 'engine_user', ENGINE_USER, self.deployed.client_conf)
        self.assert_ok(self.deployed.cli('status'))
        self.assertEqual(self.deployed.user_row()['tries_left'], 5)

    def test_a_closed_socket_is_for_the_engines_user_and_root_only(self):
        self.deployed.alice()
        self.deployed.configure('', 'socket_open', 'no')
        self.deployed.restart()
        self.assert_refused(self.cli_as(STRANGER, self.deployed, 'key', 'list', '--user', 'alice'), 'engine')
        self.assert_ok(self.cli_as(ENGINE_USER, self.deployed, 'key', 'list', '--user', 'alice'))
        self.assert_ok(self.deployed.cli('key', 'list', '--user', 'alice'))

    def test_a_client_configuration_that_others_may_write_is_refused(self):
        self.deployed.alice()
        self.deployed.client_conf.chmod(0o666)
        self.assert_refused(self.cli_as(STRANGER, self.deployed, 'key', 'list', '--user', 'alice'), 'trustp11.conf')
        with self.assertRaises(CryptokiError):
            self.stranger(self.deployed)
        self.deployed.client_conf.chmod(0o644)
        self.assert_ok(self.cli_as(STRANGER, self.deployed, 'key', 'list', '--user', 'alice'))


class Spawned(DeploymentTest):
    def test_init_names_the_engine_that_the_command_line_lies_with(self):
        deployment = self.deploy(spawn=True)
        self.assertIn(f'\nengine_program = {ENGINE}\n', deployment.client_conf.read_text())
        self.assert_ok(deployment.cli('status'))

    def test_init_names_none_where_there_is_none_and_it_is_said_what_to_do(self):
        deployment = self.deploy(spawn=True)
        alone = deployment.dir / 'alone' / CLI.name
        alone.parent.mkdir()
        shutil.copy(CLI, alone)
        other = deployment.dir / 'other'
        deployment.make_token('other tokens')
        must([alone, 'init', '--dir', other, '--hsm', deployment.hsm_uri, '--name', 'other', '--spawn', '--no-backup'], env=deployment.env)
        self.assertNotIn('\nengine_program =', (other / 'trustp11.conf').read_text())
        with (other / 'trustp11.conf').open('a') as conf:
            conf.write('engine_program = /nowhere/trustp11d\n')
        env = {**deployment.env, 'TRUSTP11_CONF': str(other / 'trustp11.conf')}
        self.assert_refused(run([alone, 'status'], env=env), '/nowhere/trustp11d', 'engine_program in trustp11.conf')
        doctor = run([alone, 'doctor', '--module', MODULE], env=env).out
        self.assertIn(f'{other}/engine.sock.log', doctor)
        self.assertNotIn('systemctl', doctor)


if __name__ == '__main__':
    unittest.main()
