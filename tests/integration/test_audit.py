# SPDX-License-Identifier: Apache-2.0
"""The audit log: it says who did what, and nobody changes it unseen."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import unittest

from deployment import CKR, CLI, NOBODY, DeploymentTest, as_nobody, needs_root, run, wait_until

def without_ending(entries):
    return [{name: value for name, value in entry.items() if name != 'ended'} for entry in entries]


class List(DeploymentTest):
    def setUp(self):
        self.deployment = self.deploy(users=('alice', 'bob'))
        self.alice = self.deployment.alice()
        self.bob = self.deployment.add_user('bob')
        self.deployment.generate(self.bob, 'bobs')

    def test_signature_is_listed_with_its_owner_key_program_and_hash(self):
        digest = os.urandom(32)
        self.assert_ok(self.deployment.sign(self.alice, data=digest))
        (self.deployment.dir / 'signature').rename(self.deployment.dir / 'signature-of-alice')
        self.assert_signs(self.deployment, self.bob, 'bobs')
        found = [entry for entry in self.deployment.intents() if entry['hash'] == digest.hex()]
        self.assertEqual(len(found), 1)
        entry = found[0]
        expected = {'subject': 'alice', 'object': 'k', 'program': 'pkcs11-tool', 'uid': os.geteuid(), 'role': 'owner',
                    'mechanism': 'CKM_ECDSA SHA-256', 'use': 1}
        self.assertEqual({name: entry[name] for name in expected}, expected)
        signature = (self.deployment.dir / 'signature-of-alice').read_bytes()
        completions = [item for other in self.deployment.settle() for item in other.get('completions', ())
                       if item['intent'] == entry['index']]
        self.assertEqual([(item['outcome'], item['signature_sha256']) for item in completions],
                         [('ok', hashlib.sha256(signature).hexdigest())])

    def test_refusals_are_listed_with_their_reason(self):
        self.deployment.login(self.alice, pin='not-the-PIN')
        self.deployment.ok('key', 'suspend', 'k', '--user', 'alice', '--reason', 'on leave')
        self.deployment.sign(self.alice)
        refused = self.deployment.audit('--outcome', 'refused')
        self.assertEqual(refused[0]['action'], 'login')
        self.assertEqual({entry['action'] for entry in refused[1:]}, {'sign'})  # pkcs11-tool asks more than once
        self.assertEqual({entry['subject'] for entry in refused}, {'alice'})
        self.assertIn('wrong PIN or code', refused[0]['reason'])
        self.assertIn('suspended', refused[1]['reason'])
        suspended = self.deployment.audit('--action', 'key.state')[-1]
        self.assertEqual((suspended['reason'], suspended['role']), ('on leave', 'engine'))

    def test_filters(self):
        self.assert_signs(self.deployment, self.alice)
        self.assert_signs(self.deployment, self.bob, 'bobs')
        all_entries = without_ending(self.deployment.settle())
        self.assertEqual([entry['index'] for entry in all_entries], list(range(len(all_entries))))
        by_user = self.deployment.audit('--user', 'bob')
        self.assertEqual({entry.get('subject', 'bob') for entry in by_user}, {'bob'})
        self.assertTrue(any(entry['action'] == 'sign' for entry in by_user))
        by_action = self.deployment.audit('--action', 'user.add')
        self.assertEqual([entry['action'] for entry in by_action], ['user.add'] * 2)
        key = self.deployment.json('key', 'list', '--user', 'alice')[0]['id']
        by_object = without_ending(self.deployment.audit('--object', key))
        self.assertEqual({entry['object_id'] for entry in by_object}, {key})
        self.assertEqual(by_object, [entry for entry in all_entries if entry.get('object_id') == key])
        middle = all_entries[len(all_entries) // 2]['time']
        before, after = self.deployment.audit('--until', middle), self.deployment.audit('--since', middle)
        self.assertEqual(without_ending(before + after), all_entries)
        self.assertTrue(before and after)
        last = [json.loads(line) for line in self.deployment.ok('audit', 'list', '--last', '3', '--json').splitlines()]
        self.assertEqual(without_ending(last), all_entries[-3:])
        by_label = without_ending(self.deployment.audit('--object', 'k', '--user', 'alice'))
        self.assertEqual(by_label, by_object)
        alices_id = self.deployment.user_row()['id']
        self.assertEqual({entry['object_id'] for entry in self.deployment.audit('--object', 'alice')}, {alices_id})
        nameless = self.deployment.cli('audit', 'list', '--object', 'k')
        self.assertEqual((nameless.status, nameless.err.count('--user USER')), (2, 1), nameless.err)
        mistyped = self.deployment.cli('audit', 'list', '--action', 'nothing.of.the.kind')
        self.assertEqual(mistyped.status, 2)
        self.assertIn('they begin with login, logout, sign,', mistyped.err)
        done = self.deployment.cli('audit', 'list', '--user', 'mallory')
        self.assert_refused(done, 'mallory')

    def test_an_outcome_is_the_one_that_a_signature_had_in_the_end(self):
        """Also where the entry that says so is not in the list."""
        self.assert_signs(self.deployment, self.alice)
        self.deployment.ok('key', 'suspend', 'k', '--user', 'alice')
        self.assertNotEqual(self.deployment.sign(self.alice).status, 0)
        index = [entry['index'] for entry in self.deployment.settle() if entry.get('ended')]
        self.assertEqual(len(index), 1)
        signed = self.deployment.audit('--user', 'alice', '--action', 'sign', '--outcome', 'ok')
        self.assertEqual([(entry['index'], entry['ended'], entry['subject']) for entry in signed],
                         [(index[0], 'ok', 'alice')])
        for outcome in ('intent', 'failed', 'unknown'):
            self.assertEqual(self.deployment.audit('--action', 'sign', '--outcome', outcome), [])
        refused = self.deployment.audit('--action', 'sign', '--outcome', 'refused')
        self.assertEqual({entry['outcome'] for entry in refused}, {'refused'})
        table = self.deployment.ok('audit', 'list', '--action', 'sign', '--outcome', 'ok').splitlines()
        self.assertEqual([line.split()[2:5] for line in table[1:]], [['alice', 'sign', 'ok']])

    def test_outcomes_over_pages_in_both_directions(self):
        signer = self.deployment.signer(self.alice, threads=4)
        self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])
        self.assertEqual(signer.sign(200)[1], [])
        signed = [entry['index'] for entry in self.deployment.settle() if entry['outcome'] == 'intent']
        self.assertEqual(len(signed), 800)
        forwards = self.deployment.audit('--action', 'sign', '--outcome', 'ok')
        self.assertEqual([entry['index'] for entry in forwards], signed)
        self.assertEqual({entry['ended'] for entry in forwards}, {'ok'})
        newest = [json.loads(line) for line in self.deployment.ok(
            'audit', 'list', '--last', '700', '--action', 'sign', '--outcome', 'ok', '--json').splitlines()]
        self.assertEqual([entry['index'] for entry in newest], signed[-700:])
        self.assertEqual({entry['ended'] for entry in newest}, {'ok'})

    def test_more_entries_than_one_page(self):
        signer = self.deployment.signer(self.alice, threads=4)
        self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])
        self.assertEqual(signer.sign(300)[1], [])
        entries = self.deployment.settle()
        self.assertGreater(len(entries), 1200)
        self.assertEqual([entry['index'] for entry in entries], list(range(len(entries))))
        hashes = {entry['hash'] for entry in entries if entry['action'] == 'sign'}
        self.assertEqual({digest for digest, _ in signer.signed} - hashes, set())
        newest = self.deployment.ok('audit', 'list', '--last', '700', '--json').splitlines()
        self.assertEqual([json.loads(line)['index'] for line in newest], list(range(len(entries) - 700, len(entries))))

    def test_local_time_on_request(self):
        utc = self.deployment.audit()[-1]['time']
        self.assertRegex(utc, r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')
        environment = dict(self.deployment.env, TZ='Asia/Tokyo')
        local = run([CLI, 'audit', 'list', '--last', '1', '--json', '--local'], env=environment)
        self.assertRegex(json.loads(local.out)['time'], r'\+09:00$')
        default = run([CLI, 'audit', 'list', '--last', '1', '--json'], env=environment)
        self.assertEqual(json.loads(default.out)['time'], utc)

    def test_table_for_people(self):
        lines = self.deployment.ok('audit', 'list').splitlines()
        self.assertEqual(lines[0].split()[:3], ['ENTRY', 'TIME', 'WHO'])
        self.assertEqual(len(lines), len(self.deployment.audit()) + 1)
        self.assertTrue(any(re.search(r'\balice\b.*\benrol\b', line) for line in lines))

    @needs_root
    def test_not_everybody_may_read_it(self):
        program = shutil.copy2(CLI, self.deployment.dir)
        self.deployment.dir.chmod(0o711)
        self.deployment.place.chmod(0o711)
        done = run(as_nobody(program, 'audit', 'list'), env=self.deployment.env)
        self.assert_refused(done, 'not permitted', 'officer')
        refused = wait_until(lambda: self.deployment.audit('--outcome', 'refused'), 'the refusal is not recorded')[-1]
        self.assertEqual((refused['action'], refused['uid']), ('audit.list', NOBODY))
        self.assert_ok(self.deployment.cli('audit', 'list'))


class SignedFirst(DeploymentTest):
    """With few checkpoints: the engine signs what it has when somebody verifies."""
    def setUp(self):
        self.deployment = self.deploy()
        self.alice = self.deployment.alice()
        self.assert_signs(self.deployment, self.alice)

    def unsigned(self, *options):
        done = self.deployment.verify('--json', *options)
        self.assert_ok(done)
        return json.loads(done.out)['unsigned_entries']

    def test_no_entry_is_left_unsigned_when_the_engine_answers(self):
        self.assertGreater(self.unsigned('--offline'), 0)
        self.assertEqual(self.unsigned(), 0)

    def test_without_the_engine_it_says_what_nobody_has_signed(self):
        self.assertIn('signed by nobody yet', self.deployment.verify('--offline').err)
        self.deployment.stop()  # which leaves a checkpoint of all
        self.assertEqual(self.deployment.verify().err, '')


class Verify(DeploymentTest):
    def setUp(self):
        self.deployment = self.deploy(settings={('audit', 'checkpoint_entries'): '8'})
        self.alice = self.deployment.alice()
        self.deployment.login(self.alice, pin='not-the-PIN')
        self.assert_signs(self.deployment, self.alice)
        self.copy = self.deployment.dir / 'copy.db'

    def take_copy(self):
        """Of the store as it is now, without its engine."""
        self.deployment.stop()
        with sqlite3.connect(self.deployment.store) as store, sqlite3.connect(self.copy) as copy:
            store.backup(copy)
        store.close()
        copy.close()
        self.assertEqual(self.verify_copy().status, 0)

    def verify_copy(self, *options):
        return self.verify_store(self.copy, *options)

    def verify_store(self, store, *options):
        return self.deployment.verify('--store', store, '--key', self.deployment.place / 'audit.pem', '--origin',
                                      'trustp11/demo', *options)

    def changed(self, *statements):
        """How verifying ends after the statements (SQL, values); the copy is then as it was."""
        good = self.copy.read_bytes()
        connection = sqlite3.connect(self.copy, isolation_level=None)
        try:
            for sql, *values in statements:
                self.assertNotEqual(connection.execute(sql, values).rowcount, 0, sql)
            connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')
            connection.close()
            return self.verify_copy()
        finally:
            connection.close()
            for ending in ('-wal', '-shm'):
                pathlib.Path(f'{self.copy}{ending}').unlink(missing_ok=True)
            self.copy.write_bytes(good)

    def rows(self, sql):
        connection = sqlite3.connect(self.copy)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def assert_noticed(self, done):
        """Not any failure: the word of the verifier, on standard output."""
        self.assertEqual(done.status, 1, done.out + done.err)
        self.assertRegex(done.out, r'Verdict: +bad')

    def test_passes_and_says_what_it_has_seen(self):
        self.deployment.settle()
        report = json.loads(self.deployment.ok('audit', 'verify', '--json'))
        self.assertEqual(report['verdict'], 'ok')
        self.assertEqual(report['entries'], len(self.deployment.audit()))
        self.assertGreater(report['checkpoints'], 1)
        self.assertEqual(report['records'], 4)

    def test_passes_while_the_engine_signs(self):
        signer = self.deployment.signer(self.alice, threads=4)
        self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])
        signer.begin()
        for _ in range(20):
            self.assert_sound(self.deployment)
        signer.stop()
        self.assertEqual(signer.failed, [])
        self.assertGreater(len(signer.signed), 20)

    def test_any_byte_of_any_entry(self):
        """Every entry: a byte at its begin, in its middle and at its end; and of one entry, every byte."""
        self.take_copy()
        entries = self.rows('SELECT idx, content FROM entry ORDER BY idx')
        self.assertGreater(len(entries), 10)
        places = [(index, content, at) for index, content in entries for at in (0, len(content) // 2, len(content) - 1)]
        index, content = entries[len(entries) // 2]
        places += [(index, content, at) for at in range(len(content))]
        for index, content, at in places:
            with self.subTest(entry=index, byte=at):
                bad = content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]
                self.assert_noticed(self.changed(('UPDATE entry SET content = ? WHERE idx = ?', bad, index)))

    def test_number_of_any_entry(self):
        self.take_copy()
        for (index,) in self.rows('SELECT idx FROM entry'):
            with self.subTest(entry=index):
                self.assert_noticed(self.changed(('UPDATE entry SET idx = ? WHERE idx = ?', index + 100000, index)))

    def test_any_entry_removed(self):
        self.take_copy()
        for (index,) in self.rows('SELECT idx FROM entry'):
            with self.subTest(entry=index):
                self.assert_noticed(self.changed(('DELETE FROM entry WHERE idx = ?', index)))

    def test_entry_removed_and_the_rest_closed_up(self):
        self.take_copy()
        middle = len(self.rows('SELECT 1 FROM entry')) // 2
        later = [index for (index,) in self.rows(f'SELECT idx FROM entry WHERE idx > {middle} ORDER BY idx')]
        self.assert_noticed(self.changed(('DELETE FROM entry WHERE idx = ?', middle), *(
            ('UPDATE entry SET idx = ? WHERE idx = ?', index - 1, index) for index in later)))

    def test_entries_swapped(self):
        self.take_copy()
        count = len(self.rows('SELECT 1 FROM entry'))
        for first, second in ((0, 1), (3, 4), (2, count - 1), (count - 2, count - 1)):
            with self.subTest(first=first, second=second):
                swap = 'UPDATE entry SET idx = ? WHERE idx = ?'
                self.assert_noticed(self.changed((swap, -1, first), (swap, first, second), (swap, second, -1)))

    def test_entry_added(self):
        self.take_copy()
        count = len(self.rows('SELECT 1 FROM entry'))
        copied = self.rows('SELECT content FROM entry WHERE idx = 4')[0][0]
        self.assert_noticed(self.changed(('INSERT INTO entry (idx, content) VALUES (?, ?)', count, copied)))

    def test_log_cut_short(self):
        self.take_copy()
        count = len(self.rows('SELECT 1 FROM entry'))
        for left in (0, 1, count // 2, count - 1):
            with self.subTest(left=left):
                self.assert_noticed(self.changed(('DELETE FROM entry WHERE idx >= ?', left)))

    def test_any_cell_of_the_other_tables(self):
        """Records, trees, checkpoints, heads and clear texts. A text's number is the table's own and says nothing."""
        self.take_copy()
        skipped = {('text', 'number'), ('text', 'erased')}
        for table in ('record', 'node', 'checkpoint', 'value', 'text'):
            columns = [row[1] for row in self.rows(f'PRAGMA table_info({table})')]
            keys = [row[1] for row in self.rows(f'PRAGMA table_info({table})') if row[5]]
            where = ' AND '.join(f'{key} = ?' for key in keys)
            for row in self.rows(f'SELECT {", ".join(columns)} FROM {table}'):
                cells = dict(zip(columns, row))
                for column, value in cells.items():
                    if (table, column) in skipped or value in ('', b''):
                        continue
                    with self.subTest(table=table, row=[str(cells[key]) for key in keys], column=column):
                        self.assert_noticed(self.changed((f'UPDATE {table} SET {column} = ? WHERE {where}',
                                                          different(value), *(cells[key] for key in keys))))

    def test_clear_text_that_is_called_erased_and_is_there(self):
        self.take_copy()
        done = self.changed(('UPDATE text SET erased = 1',))
        self.assertEqual(done.status, 1, done.out)

    def test_older_checkpoint_shows_that_a_log_was_cut_or_replaced(self):
        """The store of yesterday is whole in itself: only a checkpoint that was kept elsewhere tells."""
        before, after = self.deployment.dir / 'before.note', self.deployment.dir / 'after.note'
        self.deployment.ok('audit', 'checkpoint', '--out', before)
        self.take_copy()
        self.deployment.start()
        self.assert_signs(self.deployment, self.alice)
        self.deployment.ok('audit', 'checkpoint', '--out', after)
        self.assert_ok(self.verify_copy())
        self.assert_ok(self.verify_copy('--checkpoint', before))
        self.assert_noticed(self.verify_copy('--checkpoint', after))
        self.assert_ok(self.deployment.verify('--checkpoint', before))
        self.assert_ok(self.deployment.verify('--checkpoint', after))

    def test_checkpoint_is_a_signed_note_that_cannot_be_altered(self):
        note = self.deployment.dir / 'x.note'
        self.deployment.ok('audit', 'checkpoint', '--out', note)
        good = note.read_text()
        self.assertEqual(good.split('\n')[0], 'trustp11/demo')
        self.assertTrue(good.split('\n')[1].isdigit())
        self.assert_ok(self.deployment.verify('--checkpoint', note))
        for bad in (good.replace('trustp11/demo', 'trustp11/dem0'), good.replace('\n', '\n1', 1), good[:-10], ''):
            with self.subTest(bad=bad[:40]):
                note.write_text(bad)
                self.assertEqual(self.deployment.verify('--checkpoint', note).status, 1)

    def test_log_of_another_deployment(self):
        other = self.deploy()
        self.assertEqual(self.verify_store(other.store).status, 1)
        self.assert_sound(other)


def different(value):
    """Another value of the same type: one bit or letter away, or a number that nothing has yet."""
    if isinstance(value, int):
        return value + 1000
    if isinstance(value, bytes):
        at = len(value) // 2
        return value[:at] + bytes([value[at] ^ 1]) + value[at + 1:]
    return value[:-1] + ('x' if value[-1] != 'x' else 'y')


class Mismatch(DeploymentTest):
    def setUp(self):
        self.deployment = self.deploy()
        self.alice = self.deployment.alice()
        self.assert_signs(self.deployment, self.alice)
        self.deployment.stop()

    def newest(self):
        with self.deployment.database() as database:
            return database.execute('SELECT max(idx) FROM entry').fetchone()[0]

    def change(self, index):
        """One bit of that entry. Returns what it was."""
        with self.deployment.database() as database:
            content, = database.execute('SELECT content FROM entry WHERE idx = ?', (index,)).fetchone()
        self.put(index, content[:-1] + bytes([content[-1] ^ 1]))
        return content

    def put(self, index, content):
        self.deployment.tamper('UPDATE entry SET content = ? WHERE idx = ?', content, index)

    def test_engine_serves_only_those_who_look_until_an_officer_has_accepted(self):
        self.change(self.newest())
        self.deployment.start()
        self.assertIn('until an officer has', ''.join(self.deployment.log))
        self.assertEqual(self.deployment.cli('status').status, 1)
        self.assertIn('audit accept', self.deployment.cli('doctor', '--module', os.devnull).out)
        self.assert_refused(self.deployment.login(self.alice))
        self.assertNotEqual(self.deployment.sign(self.alice).status, 0)
        self.assert_refused(self.deployment.cli('user', 'add', 'mallory'))
        self.assert_refused(self.deployment.cli('key', 'generate', '--user', 'alice', '--label', 'new'))
        self.assertEqual(self.deployment.cli('audit', 'accept', '--yes').status, 2)  # without a reason
        self.assert_ok(self.deployment.cli('audit', 'accept', '--yes', '--reason', 'disk fault, ticket 4711'))
        self.assert_ok(self.deployment.cli('status'))
        self.assert_signs(self.deployment, self.alice)
        accepted = self.deployment.audit('--action', 'audit.accept')
        self.assertEqual([entry['reason'] for entry in accepted], ['disk fault, ticket 4711'])
        self.deployment.restart()
        self.assert_signs(self.deployment, self.alice)

    def test_accepting_does_not_make_the_evidence_good(self):
        """What was signed before stays signed: an auditor still finds the place."""
        note = self.deployment.dir / 'x.note'
        self.deployment.start()
        self.deployment.ok('audit', 'checkpoint', '--out', note)
        self.deployment.stop()
        self.change(3)
        self.change(self.newest())
        self.deployment.start()
        self.deployment.ok('audit', 'accept', '--yes', '--reason', 'disk fault, ticket 4711')
        self.assert_signs(self.deployment, self.alice)
        self.assertEqual(self.deployment.verify('--checkpoint', note).status, 1)

    def test_mismatch_that_is_mended_needs_no_officer(self):
        index = self.newest()
        content = self.change(index)
        self.deployment.start()
        self.assertEqual(self.deployment.cli('status').status, 1)
        self.deployment.stop()
        self.put(index, content)
        self.deployment.start()
        self.assert_still_works(self.deployment, self.alice)

    def test_nothing_to_accept(self):
        self.deployment.start()
        self.assert_refused(self.deployment.cli('audit', 'accept', '--yes', '--reason', 'just so'), 'nothing')


if __name__ == '__main__':
    unittest.main()
