# SPDX-License-Identifier: Apache-2.0
"""`trustp11 pdf verify` with evidence that somebody has put into the document to be believed, or to keep us from asking."""
import time
import unittest

from authority_services import DAY, AuthorityServices
from der import SET, oid, sequence, tlv
from draft import Draft, fetch, stream, with_unsigned
from test_pdf_verify import LongTermTest, VerifyTest

ARCHIVAL = '1.2.840.113583.1.1.8'  # adbe-revocationInfoArchival


class Asked(VerifyTest):
    """Of a signer who has been revoked since the document got its answer."""

    def revoked_since(self, **places):
        name = f'signer-{self.id()}-{time.monotonic_ns()}'
        leaf, draft = self.services.issue(name[-40:], **places), Draft()
        draft.sign(leaf, services=self.services)
        draft.store(self.services, [leaf])
        self.passes(draft, crls=False)
        self.services.revoke(leaf, 'keyCompromise', at=time.time() - 90)
        return draft

    def foreign_stamp(self, draft, field, **options):
        """By a TSA that nobody here trusts, whose certificate names what OPTIONS say."""
        name = f'tsa-{field}-{time.monotonic_ns()}'[-40:]
        self.services.tsa(name, issuer=self.services.stranger(), **options)
        draft.stamp(self.services, field=field, tsa=name)
        return draft

    def test_evidence_that_leaves_no_room_for_an_answer(self):
        """As much as there may be of each kind, in the store and in a signature."""
        draft, junk = self.revoked_since(), [bytes([0x30, 4, 2, 2]) + i.to_bytes(2, 'big') for i in range(12000)]
        for signer, field, at in ((self.alice, 'First', 9000), (self.bob, 'Second', 10500)):
            values = sequence(tlv(0xa0, sequence(*junk[at:at + 750])), tlv(0xa1, sequence(*junk[at + 750:at + 1500])))
            attribute = sequence(oid(ARCHIVAL), tlv(SET, values))
            draft.sign(signer, field=field, make=lambda data, signer=signer, attribute=attribute: with_unsigned(
                Draft.cms(data, signer, services=self.services), attribute))
        draft.add_store(junk[:3000], junk[3000:6000], junk[6000:])
        self.open(draft, 'REVOKED_NO_POE', '--online', crls=False)

    def test_a_place_that_was_asked_something_odd_before(self):
        """An issuer's certificate is not to be had from a responder, which answers others all the same."""
        responder = self.services.url('ocsp/intermediate')
        draft = self.foreign_stamp(self.revoked_since(crl=False), 'Foreign', ocsp=False, crl=False, ca_issuers=False,
                                   extra=[f'authorityInfoAccess=caIssuers;URI:{responder},OCSP;URI:{responder}'])
        self.open(draft, 'REVOKED_NO_POE', '--online', crls=False)

    def test_who_does_not_answer_is_told(self):
        leaf, draft = self.services.issue('unanswered'), Draft()
        draft.sign(leaf, services=self.services)
        draft.store(self.services, [leaf])
        self.assertEqual(self.passes(draft, '--online', crls=False)['notes'], [])
        for place in ('ocsp/intermediate', 'crl/intermediate.crl'):
            self.services.behave(place, 'http-500')
            self.addCleanup(self.services.behave, place)
        self.env = {**self.env, 'XDG_CACHE_HOME': str(self.folder / 'empty')}
        note, = self.passes(draft, '--online', crls=False)['notes']
        self.assertIn('could not be asked', note)
        self.assertIn('status 500', note)

    def test_a_list_that_is_larger_than_is_embedded(self):
        """Verifying embeds nothing."""
        big = self.services.authority('big', issuer='root')
        leaf, other, draft = self.services.issue('erin', issuer='big', ocsp=False), self.services.issue('finn', issuer='big'), Draft()
        big.index.write_text(big.index.read_text() + ''.join(
            f'R\t350101000000Z\t260101000000Z\t{(1 << 150) + n:X}\tunknown\t/CN=x\n' for n in range(60000)))
        self.assertGreater(len(fetch(self.services.url('crl/big.crl'))), 2 << 20)
        draft.sign(leaf, services=self.services)
        self.passes(draft, '--online', crls=False)
        self.assertIsNotNone(other)


class Counted(VerifyTest):
    def test_more_signatures_than_are_judged(self):
        """One of those that are not may be bad."""
        for stamps, verdict in ((1, 'TOTAL-FAILED'), (63, 'INDETERMINATE')):
            with self.subTest(stamps=stamps):
                draft = self.signed()
                draft.update({4: stream(b'BT /F1 24 Tf 72 700 Td (another text) Tj ET')})
                draft.sign(self.bob, field='Later', services=self.services)
                self.services.tsa('foreign', issuer=self.services.stranger())
                for n in range(stamps):
                    draft.stamp(self.services, field=f'Stamp{n}', tsa='foreign')
                told = self.verify(draft)
                self.assertEqual(told['verdict'], verdict, told)
                if verdict == 'INDETERMINATE':
                    self.assertIn('more signatures than', told['words'])


class Level(VerifyTest):
    def levels(self, draft):
        return self.passes(draft, crls=False)['signatures'][0]['level']

    def test_evidence_must_be_there_and_under_the_timestamp(self):
        empty_before = self.signed(stamp=self.services).add_store([], [], [])
        self.assertEqual(self.passes(empty_before)['signatures'][0]['level'], 'B-T')
        empty_before.stamp(self.services)
        empty_before.store(self.services, [self.alice])
        self.assertEqual(self.levels(empty_before), 'B-LT')
        before = self.signed(stamp=self.services).store(self.services, [self.alice])
        before.stamp(self.services)
        self.assertEqual(self.levels(before), 'B-LTA')


class Later(LongTermTest):
    """In the course of years."""

    def test_a_ca_is_asked_about_when_its_leaf_has_ended(self):
        services = AuthorityServices(clock=self.begin)
        self.addCleanup(services.close)
        services.tsa('first', issuer='root', end=self.begin + 1000 * DAY)
        self.services, self.alice = services, services.issue('alice', end=self.begin + 365 * DAY)
        draft = self.signed('first')
        self.at(400)
        self.assertEqual(self.verify(draft, 400, '--online')[:2], ('TOTAL-PASSED', None))
        services.revoke('intermediate', 'CACompromise', at=self.begin - DAY)
        told = self.verify(draft, 400, '--online')
        self.assertEqual(told[:2], ('INDETERMINATE', 'REVOKED_CA_NO_POE'), told[2])

    def test_document_timestamps_that_contradict_each_other(self):
        """Each covers those before it. Somebody who has a TSA's key could say that all was there before it was revoked."""
        for day, verdict in ((12, ('TOTAL-PASSED', None)), (5, ('INDETERMINATE', 'TIMESTAMP_ORDER_FAILURE'))):
            with self.subTest(day=day):
                draft = self.signed()
                self.at(10)
                draft.stamp(self.services, field='Inner', tsa='first')
                self.at(day)
                draft.store(self.services, [self.alice], tsas=('first', 'second'))
                draft.stamp(self.services, field='Outer', tsa='second')
                self.at(20)
                draft.store(self.services, [self.alice], tsas=('first', 'second'))
                self.assertEqual(self.verify(draft, 20)[:2], verdict)


if __name__ == '__main__':
    unittest.main()
