# SPDX-License-Identifier: Apache-2.0
"""The project's own scripts: what they say of themselves, what they refuse, and what their judges find."""
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = [SOURCE / name for name in ('.ci/run', 'scripts/bench', 'scripts/consumers', 'scripts/demo', 'scripts/fuzz',
                                      'scripts/nightly', 'scripts/setup', 'scripts/test')]

CRITERIONS_LEAK = '''
==7==ERROR: LeakSanitizer: detected memory leaks

Direct leak of 48 byte(s) in 1 object(s) allocated from:
    #0 0x55 in malloc (unit-base+0x1)
    #1 0x7f in nothing_of_ours (/usr/lib/libcriterion.so.3+0x2)

SUMMARY: AddressSanitizer: 48 byte(s) leaked in 1 allocation(s).
'''
OUR_LEAK = CRITERIONS_LEAK.replace('/usr/lib/libcriterion.so.3', 'src/base/bytes.c')
UNDEFINED = '../src/base/bytes.c:7:3: runtime error: signed integer overflow: 1 + 2147483647\n    #0 0x55 in f x.c:7\n'
ADDRESS = '==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x60\n    #0 0x55 in f x.c:7\n'


def run(*arguments, **options):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False, timeout=60, **options)


class Usage(unittest.TestCase):
    def test_help_is_an_answer_and_begins_nothing(self):
        for script in SCRIPTS:
            with self.subTest(script.name):
                done = run(script, '--help')
                self.assertEqual((done.returncode, done.stderr), (0, ''))
                self.assertIn('Usage: ', done.stdout)
                self.assertLess(len(done.stdout.splitlines()), 20)

    def test_what_there_is_not_is_refused_with_the_usage(self):
        wrong = {'bench': ['nonsense'], 'consumers': ['--write', '--nonsense'], 'fuzz': ['soon'], 'nightly': ['10', '11'], 'demo': ['a', 'b'], 'test': ['--quick', 'x']}
        for script in SCRIPTS:
            for words in (['--nonsense'], wrong.get(script.name, ['nonsense'])):
                with self.subTest(script=script.name, words=words):
                    done = run(script, *words)
                    self.assertEqual((done.returncode, done.stdout), (2, ''))
                    self.assertIn('Usage: ', done.stderr)

    def test_the_demo_says_what_it_deletes(self):
        self.assertIn('DELETED', run(SOURCE / 'scripts/demo', '--help').stdout)


class SanitizerFindings(unittest.TestCase):
    """A log is a finding unless all that it says is about leaks of Criterion's."""

    def judge(self, *logs):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            (place / 'logs').mkdir()
            for number, log in enumerate(logs):
                (place / 'logs' / f'log.{number}').write_text(log)
            done = run(SOURCE / 'scripts/lib/sanitizer-findings', place / 'logs',
                       env={**os.environ, 'TP_TALLY': str(place / 'tally')})
            self.assertEqual(done.returncode, 0, done.stderr)
            return int((place / 'tally').read_text().split()[1])

    def test_criterions_leak_is_none(self):
        self.assertEqual(self.judge(), 0)
        self.assertEqual(self.judge(CRITERIONS_LEAK), 0)

    def test_a_leak_of_ours_is_one(self):
        self.assertEqual(self.judge(OUR_LEAK), 1)
        self.assertEqual(self.judge(CRITERIONS_LEAK + OUR_LEAK), 1)

    def test_whatever_is_not_about_leaks_is_one(self):
        self.assertEqual(self.judge(UNDEFINED, ADDRESS, 'ThreadSanitizer: something\n'), 3)

    def test_a_leak_of_criterions_hides_nothing_in_the_same_log(self):
        for other in (UNDEFINED, ADDRESS):
            self.assertEqual(self.judge(other + CRITERIONS_LEAK), 1, other)
            self.assertEqual(self.judge(CRITERIONS_LEAK + other), 1, other)

    def test_a_report_of_leaks_that_shows_none_is_one(self):
        self.assertEqual(self.judge('==7==LeakSanitizer has encountered a fatal error.\n'), 1)


if __name__ == '__main__':
    unittest.main()
