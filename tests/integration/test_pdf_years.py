# SPDX-License-Identifier: Apache-2.0
"""The long life of a signed PDF, told year by year: all programs, ours, the TSAs and the OCSP responders, live by one clock, and the
test moves it on. `pdf sign` in year 0; then certificates end, one after the other, and `pdf extend` and `pdf renew` come in time or
too late.

    year       0 . . 1 . . 2 . . 3 . . 4 . . 5 . . 6 . . 7 . . 8 . . 9 . 10 .. 15 .. 20 .. 23 . 25
    alice      ============                                                                         signs
    company    ==================================================================                   her CA
     its OCSP  ========================                                                             who answered in year 0
    tsa        ==============================                                                       stamps in year 0
    second                        ====================================                              stamps from year 3 on
    third                                                     ================================      stamps from year 8 on
    root       ========================================================================             what is trusted
"""
import calendar
import json
import os
import pathlib
import shutil
import tempfile
import unittest

import pdfs
from authority_services import DAY, AuthorityServices
from fake_clock import FakeClock
from tools import CLI, run, write_private
from tsa_server import TsaServer

BEGIN = calendar.timegm((2016, 1, 15, 0, 0, 0))  # year 0: so long ago that algorithms end within the story
LEVELS = ('B-B', 'B-T', 'B-LT', 'B-LTA')


def moment(year):
    return int(BEGIN + year * 365.25 * DAY)


def words_of(verdict):
    return json.dumps(verdict, indent=1, ensure_ascii=False)


class YearsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = pathlib.Path(tempfile.mkdtemp(prefix='trustp11-years-'))
        cls.addClassCleanup(shutil.rmtree, cls.place)
        cls.clock = FakeClock(cls.place / 'clock')
        cls.clock.move_to(moment(0))
        cls.services = AuthorityServices(faked=cls.clock)
        cls.addClassCleanup(cls.services.close)
        cls.make_authorities()
        cls.document = cls.place / 'document.pdf'
        cls.document.write_bytes(pdfs.table(pdfs.page()))
        cls.alice = cls.person('alice')

    @classmethod
    def make_authorities(cls):
        services = cls.services
        services.authority('company', issuer='root', start=moment(-1), end=moment(15))
        services.authority('later', issuer='root', start=moment(6), end=moment(25))
        for authority in services.authorities.values():
            authority.responder_days = 400  # most change their responders every year
        services.authorities['company'].responder_days = 4 * 365
        services.tsa('tsa', start=moment(0) - DAY, end=moment(5))
        services.tsa('second', start=moment(3) - DAY, end=moment(9))
        services.tsa('third', issuer='later', start=moment(8) - DAY, end=moment(23))

    @classmethod
    def person(cls, name, **options):
        """A certificate from year 0 to 2; as leaf and as file with the key."""
        leaf = cls.services.issue(name, **{'issuer': 'company', 'end': moment(2), **options})
        return leaf, write_private(leaf.key.with_suffix('.all'), leaf.key.read_bytes() + leaf.chain.read_bytes())

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='test-', dir=self.place))
        self.env = {'PATH': os.environ['PATH'], 'HOME': str(self.dir), **self.clock.env}
        self.year(0)

    def year(self, year):
        self.clock.move_to(moment(year))

    def cli(self, *arguments):
        return run([CLI, *arguments], env=self.env, timeout=60)

    def url(self, tsa):
        return self.services.tsa(tsa)

    # -- what is done --

    def sign(self, level, person=None, tsa='tsa'):
        """A document of this year."""
        _, key = person or self.alice
        out = self.dir / f'{key.stem}-{level}.pdf'
        done = self.cli('pdf', 'sign', '--level', level, '--tsa', self.url(tsa), '--trust', self.services.anchors,
                        '--key-file', key, self.document, out)
        self.assertEqual(done.status, 0, done.err)
        return out

    def run_extend(self, path, tsa, *options):
        out = path.with_name(f'{path.stem}+{tsa}.pdf')
        return out, self.cli('pdf', 'extend', '--tsa', self.url(tsa), '--trust', self.services.anchors, *options, path, out)

    def extend(self, path, tsa, *options):
        out, done = self.run_extend(path, tsa, *options)
        self.assertEqual((done.status, done.err), (0, ''))
        return out

    def assert_refused(self, path, tsa, *words):
        """To extend it: before the TSA is asked, and nothing is written."""
        before = self.services.asked(f'tsa/{tsa}')
        out, done = self.run_extend(path, tsa)
        self.assertEqual((done.status, done.err.count('\n'), out.exists()), (1, 1, False), done.err)
        for word in words:
            self.assertIn(word, done.err)
        self.assertEqual(self.services.asked(f'tsa/{tsa}'), before)

    def renew(self, archive, tsa):
        """The report, by file name; exit status 0 unless one failed."""
        done = self.cli('pdf', 'renew', archive, '--tsa', self.url(tsa), '--trust', self.services.anchors, '--json')
        report = {pathlib.Path(row['file']).name: row for row in json.loads(done.out)}
        self.assertEqual(done.status, any(row['status'] == 'failed' for row in report.values()), done.err)
        return report

    # -- what is said --

    def verify(self, path, *options, online=True):
        asking = ['--online'] if online else []
        done = self.cli('pdf', 'verify', '--trust', self.services.anchors, *asking, *options, '--json', path)
        self.assertTrue(done.out, done.err)
        verdict = json.loads(done.out)
        self.assertEqual(done.status, 0 if verdict['verdict'] == 'TOTAL-PASSED' else 1)
        return verdict

    def assert_passed(self, path, *options, proven=None, **more):
        """PROVEN: the year from which the signature is proven to be."""
        verdict = self.verify(path, *options, **more)
        self.assertEqual(verdict['verdict'], 'TOTAL-PASSED', words_of(verdict))
        signature = verdict['signatures'][0]
        if proven is not None:
            there = calendar.timegm(tuple(int(n) for n in signature['proven'][:10].split('-')) + (0, 0, 0))
            self.assertLess(abs(there - moment(proven)), 2 * DAY, words_of(verdict))
        return signature

    def assert_open(self, path, sub, *options, words='', **more):
        verdict = self.verify(path, *options, **more)
        self.assertEqual((verdict['verdict'], verdict['sub']), ('INDETERMINATE', sub), words_of(verdict))
        hints = [signature.get('hint', '') for signature in verdict['signatures']]
        self.assertIn(words, ' '.join([verdict['words'], *verdict['notes'], *hints]))


class LeftAlone(YearsTest):
    """Signed in year 0 and never touched again."""

    def test_all_are_good_while_the_signers_certificate_is(self):
        documents = {level: self.sign(level) for level in LEVELS}
        self.assertEqual([self.assert_passed(documents[level])['level'] for level in LEVELS], list(LEVELS))
        for year in (1, 1.9):
            self.year(year)
            for level, path in documents.items():
                with self.subTest(level, year=year):
                    self.assert_passed(path, proven=None if level == 'B-B' else 0)

    def test_b_b_ends_with_the_signers_certificate(self):
        path = self.sign('B-B')
        self.year(2.1)
        self.assert_open(path, 'OUT_OF_BOUNDS_NO_POE', words='nothing proves that it signed before')

    def test_b_t_ends_with_it_too_since_nobody_tells_of_an_expired_certificate_whether_it_was_revoked(self):
        path = self.sign('B-T')
        self.year(2.1)
        self.assert_open(path, 'OUT_OF_BOUNDS_NO_POE', words='revocation data')

    def test_b_lt_lasts_as_long_as_its_tsa_and_whoever_answered_for_the_signer(self):
        path = self.sign('B-LT')
        self.year(3)
        self.assert_passed(path, proven=0)
        self.year(4.5)
        self.assert_open(path, 'REVOCATION_OUT_OF_BOUNDS_NO_POE', words='company OCSP')
        self.year(5.1)
        self.assert_open(path, 'OUT_OF_BOUNDS_NO_POE')

    def test_b_lta_lasts_as_long_as_its_tsa(self):
        path = self.sign('B-LTA')
        for year in (2.1, 4.9):
            self.year(year)
            self.assertEqual(self.assert_passed(path, proven=0)['level'], 'B-LTA')
        self.year(5.1)
        self.assert_open(path, 'OUT_OF_BOUNDS_NO_POE', words='a document timestamp proves nothing here: CN=tsa')

    def test_the_newest_timestamp_has_to_be_asked_about(self):
        """Its TSA may have been revoked since; what it covers needs nobody."""
        path = self.sign('B-LTA')
        self.assert_passed(path, online=False)
        self.year(2.1)
        self.assert_open(path, 'OUT_OF_BOUNDS_NO_POE', words='give --online', online=False)
        asked = self.services.asked('ocsp/company')
        self.assert_passed(path)
        self.assertEqual(self.services.asked('ocsp/company'), asked)

    def test_who_has_expired_signs_no_more(self):
        self.year(2.1)
        done = self.cli('pdf', 'sign', '--key-file', self.alice[1], self.document, self.dir / 'no.pdf')
        self.assertEqual((done.status, (self.dir / 'no.pdf').exists()), (1, False))
        self.assertIn('has expired', done.err)


class Extended(YearsTest):
    def test_in_time_each_level_outlives_the_signers_certificate(self):
        documents = {level: self.sign(level) for level in LEVELS}
        self.year(1.9)
        longer = {level: self.extend(path, 'tsa') for level, path in documents.items()}
        for year in (2.1, 4.9):
            self.year(year)
            for level, path in longer.items():
                with self.subTest(level, year=year):
                    signature = self.assert_passed(path, proven=1.9 if level == 'B-B' else 0)
                    self.assertEqual(signature['level'], 'B-LTA')

    def test_after_the_signers_certificate_what_is_proven_can_still_be_extended(self):
        """B-LT and B-LTA have all that it takes, whoever the CA's responders are now; it outlives the first TSA, too."""
        documents = [self.sign(level) for level in ('B-LT', 'B-LTA')]
        self.year(3)
        longer = [self.extend(path, 'second') for path in documents]
        for path in longer:
            self.assert_passed(path, proven=0, online=False)
        for year in (5.1, 8.9):
            self.year(year)
            for path in longer:
                self.assert_passed(path, proven=0)

    def test_after_the_signers_certificate_it_is_too_late_for_the_others(self):
        documents = {level: self.sign(level) for level in LEVELS}
        self.year(3)
        self.assert_refused(documents['B-B'], 'second', 'too late', 'alice')
        self.assert_refused(documents['B-T'], 'second', 'alice', 'expired')

    def test_after_the_tsas_certificate_it_is_too_late_for_all(self):
        documents = {level: self.sign(level) for level in LEVELS}
        self.year(5.1)
        for level, path in documents.items():
            with self.subTest(level):
                self.assert_refused(path, 'second', 'too late', 'alice')

    def test_a_timestamp_that_comes_too_late_proves_nothing_for_the_signature(self):
        """B-T is a timestamp and no questions asked."""
        path = self.sign('B-LTA')
        self.year(5.1)
        late = self.extend(path, 'second', '--level', 'B-T')
        self.assert_open(late, 'OUT_OF_BOUNDS_NO_POE', words='alice')

    def test_evidence_whose_maker_has_expired_is_told(self):
        """The signature is proven, its signer is not: whoever has kept the CA's answers elsewhere can still prove that."""
        path = self.sign('B-LT')
        self.year(4.5)
        out, done = self.run_extend(path, 'second')
        self.assertEqual(done.status, 0, done.err)
        self.assertIn('company OCSP', done.err)
        self.assert_open(out, 'REVOCATION_OUT_OF_BOUNDS_NO_POE', words='company OCSP')

    def test_a_tsa_that_fails_does_not_keep_a_good_signer_from_another(self):
        """Its timestamp proves nothing any more, and the signer's certificate is still good: not too late."""
        person = self.person('long-lived', end=moment(12))
        path = self.sign('B-LTA', person)
        self.year(5.1)
        self.assert_passed(path)
        longer = self.dir / 'longer.pdf'
        shutil.move(self.extend(path, 'second'), longer)
        self.year(8.9)
        self.assert_passed(longer)


class Renewed(YearsTest):
    """An archive that somebody looks after."""

    def archive(self):
        folder = self.dir / 'archive'
        folder.mkdir()
        for level in LEVELS:
            shutil.move(self.sign(level), folder / f'{level}.pdf')
        return folder

    def test_renewed_each_time_in_time_it_outlives_everybody(self):
        archive = self.archive()
        story = [  # in which year, by whom, what is due then
            (1, 'tsa', ()),
            (1.9, 'tsa', ('B-B.pdf', 'B-T.pdf', 'B-LT.pdf')),
            (4.9, 'second', ('B-B.pdf', 'B-T.pdf', 'B-LT.pdf', 'B-LTA.pdf')),
            (6, 'second', ()),
            (8.9, 'third', ('B-B.pdf', 'B-T.pdf', 'B-LT.pdf', 'B-LTA.pdf')),
        ]
        for year, tsa, due in story:
            self.year(year)
            report = self.renew(archive, tsa)
            self.assertEqual({name: row['status'] for name, row in report.items()},
                             {f'{level}.pdf': 'renewed' if f'{level}.pdf' in due else 'good' for level in LEVELS}, f'year {year}')
            self.assert_archive_passed(archive)
        for year in (16, 21, 22.9):  # without its CA, without the root's own dates
            self.year(year)
            self.assert_archive_passed(archive)

    def assert_archive_passed(self, archive):
        for level in LEVELS:
            with self.subTest(level, at=self.clock.now()):
                self.assert_passed(archive / f'{level}.pdf', proven=None if level == 'B-B' else 0)

    def test_looked_after_too_late_it_is_told_and_left_as_it_was(self):
        archive = self.archive()
        before = {path: path.read_bytes() for path in archive.iterdir()}
        self.year(5.1)
        for name, row in self.renew(archive, 'second').items():
            with self.subTest(name):
                self.assertEqual(row['status'], 'failed')
                self.assertIn('too late', row['why'])
                self.assert_open(archive / name, 'OUT_OF_BOUNDS_NO_POE')
        self.assertEqual({path: path.read_bytes() for path in archive.iterdir()}, before)

    def test_what_could_not_be_mended_is_told(self):
        archive = self.archive()
        self.year(4.5)
        row = self.renew(archive, 'second')['B-LT.pdf']
        self.assertEqual(row['status'], 'renewed')
        self.assertIn('company OCSP', row['why'])

    def test_one_renewal_missed_breaks_the_chain(self):
        archive = self.archive()
        self.year(1.9)
        self.renew(archive, 'tsa')
        self.year(4.9)
        self.renew(archive, 'second')
        self.year(9.1)
        for row in self.renew(archive, 'third').values():
            self.assertIn('too late', row['why'])
        for path in archive.iterdir():
            self.assert_open(path, 'OUT_OF_BOUNDS_NO_POE', words='CN=second')


class Revoked(YearsTest):
    """In year 1, half a year after it has happened."""

    def of(self, name, revoked, reason='superseded', levels=LEVELS):
        """Documents of a person whose certificate was revoked in year REVOKED, at year 1."""
        person = self.person(name)
        documents = {level: self.sign(level, person) for level in levels}
        self.services.revoke(person[0], reason, at=moment(revoked))
        self.year(1)
        return documents

    def test_what_was_stamped_before_stays_good(self):
        documents = self.of('carol', revoked=0.5)
        self.assert_open(documents['B-B'], 'REVOKED_NO_POE', words='was revoked at 2016-07')
        for level in ('B-T', 'B-LT', 'B-LTA'):
            with self.subTest(level):
                self.assert_passed(documents[level], proven=0)

    def test_what_was_stamped_before_can_be_extended_and_lasts(self):
        documents = self.of('dora', revoked=0.5)
        self.assert_refused(documents['B-B'], 'tsa', 'too late', 'was revoked')
        longer = [self.extend(documents[level], 'tsa') for level in ('B-T', 'B-LT', 'B-LTA')]
        for year in (2.1, 4.9):
            self.year(year)
            for path in longer:
                self.assert_passed(path, proven=0)

    def test_what_was_stamped_after_is_not_good_whatever_it_brings_along(self):
        """The CA says in year 1 that the key was stolen before year 0: what it had said in year 0 does not count."""
        for level, path in self.of('eve', revoked=-0.1, reason='keyCompromise').items():
            with self.subTest(level):
                self.assert_open(path, 'REVOKED_NO_POE', words='keyCompromise')
                if level != 'B-LTA':
                    self.assert_refused(path, 'tsa', 'eve', 'was revoked')

    def test_a_tsa_that_is_revoked_takes_nothing_away_from_a_good_signer_and_there_is_time_to_ask_another(self):
        self.services.tsa('lost', end=moment(5))
        documents = {level: self.sign(level, tsa='lost') for level in ('B-T', 'B-LT', 'B-LTA')}
        self.services.revoke(self.services.tsas['lost'][0], 'keyCompromise', at=moment(0.5))
        self.year(1)
        for path in documents.values():
            self.assertEqual(self.assert_passed(path)['level'], 'B-B')
        longer = [self.extend(path, 'tsa') for path in documents.values()]
        self.year(2.1)
        for level, path in documents.items():
            with self.subTest(level):
                self.assert_open(path, 'OUT_OF_BOUNDS_NO_POE')
                self.assert_refused(path, 'second', 'too late')
        for path in longer:
            self.assert_passed(path)

    def test_a_tsa_that_is_revoked_proves_nothing_unless_another_has_stamped_before(self):
        tsa, _ = self.services.tsas['second']
        path = self.sign('B-LTA')
        self.year(3)
        single = self.extend(path, 'second')
        self.year(8)
        double = self.extend(single, 'third')
        self.services.revoke(tsa, 'keyCompromise', at=moment(8.2))
        self.year(8.5)
        self.assert_open(single, 'OUT_OF_BOUNDS_NO_POE', words='CN=second,O=Test,C=JP was revoked')
        self.assert_passed(double, proven=0)


class OwnAuthority(YearsTest):
    """trustp11d is the authority that an archive turns to: its engine lives by the clock of the others."""

    def url(self, tsa):
        return f'http://127.0.0.1:{self.server.port}/tsa' if tsa == 'own' else super().url(tsa)

    def serve(self, year, until):
        self.server = TsaServer(start=False)
        self.addCleanup(self.server.close)
        leaf = self.services.issue('own', kind='tsa', csr=self.server.certificates.request(self.server.key, 'own'),
                                   start=moment(year) - DAY, end=moment(until))
        self.server.deployment.configure('tsa', 'certificates', leaf.chain)
        self.server.clock.move_to(moment(year))
        self.server.start()

    def test_its_timestamp_outlives_the_first_authoritys(self):
        path = self.sign('B-LTA')
        self.year(4)
        self.serve(4, until=9)
        longer = self.extend(path, 'own')
        for year in (5.1, 8.9):
            self.year(year)
            self.assert_passed(longer, proven=0)
            self.assert_open(path, 'OUT_OF_BOUNDS_NO_POE')
        self.year(9.1)
        self.assert_open(longer, 'OUT_OF_BOUNDS_NO_POE', words='CN=own')


class Weak(YearsTest):
    """A CA whose RSA-1024 was good enough until October 2019, year 3.7."""

    @classmethod
    def make_authorities(cls):
        super().make_authorities()
        cls.services.authority('small', issuer='root', key='rsa-1024', start=moment(-1), end=moment(15))

    def test_its_end_is_the_signatures_end_unless_a_stronger_timestamp_is_older(self):
        person = self.person('old', issuer='small', end=moment(8))
        alone, *stamped = [self.sign(level, person) for level in ('B-B', 'B-T', 'B-LTA')]
        self.year(3.6)
        self.assert_passed(alone)
        self.year(3.8)
        self.assert_open(alone, 'CRYPTO_CONSTRAINTS_FAILURE_NO_POE', words='good enough until 2019-10-01')
        self.assert_refused(alone, 'second', 'too late', 'rsa-1024')
        longer = []
        for path in stamped:
            self.assert_passed(path, proven=0)
            longer.append(self.extend(path, 'second'))
        self.year(8.9)
        for path in longer:
            self.assert_passed(path, proven=0)


if __name__ == '__main__':
    unittest.main()
