# SPDX-License-Identifier: Apache-2.0
"""Bad input: a clear error that says what to do, nothing lost; and beside each refusal its allowed twin."""
import os
import shutil
import threading
import time
import unittest

from deployment import (CKR, CLI, ENGINE, Authority, DeploymentTest, as_nobody, hotp, must, needs_root, run, wait_until,
                        write_private)


class Login(DeploymentTest):
    def setUp(self):
        self.deployment = self.deploy()
        self.alice = self.deployment.alice()

    def tries_left(self):
        return self.deployment.user_row()['tries_left']

    def test_wrong_pin_counts_and_the_right_one_still_works(self):
        self.assert_refused(self.deployment.login(self.alice, pin='not-the-PIN'), 'wrong', '4 tries left')
        self.assertEqual(self.tries_left(), 4)
        done = self.deployment.sign(self.alice, 'not-the-PIN' + self.alice.code())
        self.assertNotEqual(done.status, 0)
        self.assertIn('CKR_PIN_INCORRECT', done.err + done.out)
        self.assertEqual(self.tries_left(), 3)
        self.assert_ok(self.deployment.login(self.alice))
        self.assertEqual(self.tries_left(), 5)
        self.assert_still_works(self.deployment, self.alice)

    def test_wrong_code_counts_and_is_not_told_from_a_wrong_pin(self):
        wrong_code = self.deployment.login(self.alice, code=self.alice.wrong_code())
        self.assert_refused(wrong_code, 'the PIN or the one-time code is wrong', '4 tries left')
        wrong_pin = self.deployment.login(self.alice, pin='not-the-PIN')
        self.assertEqual(wrong_code.err.replace('4', '3'), wrong_pin.err)
        self.assert_still_works(self.deployment, self.alice)

    def test_reused_code_is_refused_and_not_counted(self):
        self.assert_ok(self.deployment.login(self.alice))
        self.assert_ok(self.deployment.logout(self.alice))
        self.assert_refused(self.deployment.login(self.alice, code=self.alice.used_code()), 'has been used', 'next one')
        self.assertEqual(self.tries_left(), 5)
        refused = self.deployment.audit('--action', 'login', '--outcome', 'refused')
        self.assertIn('used', refused[-1]['reason'])
        self.assert_still_works(self.deployment, self.alice)

    def test_code_of_another_process_is_refused_although_its_login_is_open(self):
        signer = self.deployment.signer(self.alice)
        pin_and_code = self.alice.pin_and_code()
        self.assertEqual(signer.login(pin_and_code), CKR['OK'])
        self.assertIn('CKR_PIN_INCORRECT', self.deployment.sign(self.alice, pin_and_code).err)
        made, failed = signer.sign()
        self.assertEqual((len(made), failed), (1, []))

    def test_stale_code_of_an_app_is_refused_and_a_fresh_one_is_not(self):
        bob = self.deployment.add_user('bob', factor='totp')
        old = hotp(bob.seed, int(time.time()) // bob.period - 10)
        self.assert_refused(self.deployment.login(bob, code=old), 'wrong', '4 tries left')
        self.assert_ok(self.deployment.login(bob))

    def test_empty_pin_is_refused_and_not_counted(self):
        self.assert_refused(self.deployment.cli('login', '--user', 'alice', stdin='\n\n'), 'PIN', 'nothing was given')
        signer = self.deployment.signer(self.alice)
        self.assertEqual(signer.login(''), CKR['PIN_INCORRECT'])
        self.assertEqual(self.tries_left(), 5)
        self.assert_still_works(self.deployment, self.alice)

    def test_program_that_sends_empty_pins_for_ever_is_told_to_stop(self):
        signer = self.deployment.signer(self.alice)
        answers = [signer.login('') for _ in range(50)]
        self.assertEqual(answers[0], CKR['PIN_INCORRECT'])
        self.assertEqual(set(answers[20:]), {CKR['PIN_LOCKED']})
        self.assertEqual(self.tries_left(), 5)
        self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])

    def test_locked_user_needs_an_officer(self):
        for left in (4, 3, 2, 1):
            self.assert_refused(self.deployment.login(self.alice, pin='not-the-PIN'), f'{left} tr')
        self.assert_refused(self.deployment.login(self.alice, pin='not-the-PIN'), 'locked', 'trustp11 user unlock alice')
        self.assert_refused(self.deployment.login(self.alice), 'locked', 'trustp11 user unlock alice')
        self.assertIn('CKR_PIN_LOCKED', self.deployment.sign(self.alice).err)
        self.deployment.restart()
        self.assertTrue(self.deployment.user_row()['locked'])
        self.assert_refused(self.deployment.login(self.alice), 'locked')
        self.deployment.ok('user', 'unlock', 'alice')
        self.assert_still_works(self.deployment, self.alice)

    def test_guesses_in_parallel_all_count(self):
        """A login is reserved before it is checked: 12 at a time are not 12 for the price of one."""
        results = []
        guess = lambda: results.append(self.deployment.login(self.alice, pin='not-the-PIN', code='000000'))
        threads = [threading.Thread(target=guess) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tried = [done for done in results if 'wrong' in done.err and 'locked' not in done.err]
        self.assertEqual(len(tried), 4, [done.err for done in results])
        self.assertTrue(self.deployment.user_row()['locked'])
        self.assert_sound(self.deployment)

    def test_suspended_user_cannot_log_in_until_resumed(self):
        self.deployment.ok('user', 'suspend', 'alice', '--reason', 'on leave')
        self.assert_refused(self.deployment.login(self.alice), 'suspended', 'officer')
        self.assertEqual(self.deployment.signer(self.alice).login(self.alice.pin_and_code()), CKR['PIN_LOCKED'])
        self.deployment.ok('user', 'resume', 'alice')
        self.assert_still_works(self.deployment, self.alice)

    def test_closed_user_is_gone_for_good_with_the_keys(self):
        bob = self.deployment.add_user('bob')
        self.deployment.ok('user', 'close', 'alice', '--yes', '--reason', 'contract ended')
        self.assert_refused(self.deployment.login(self.alice), 'closed')
        self.assert_refused(self.deployment.cli('user', 'resume', 'alice'), 'closed')
        self.assertEqual(self.deployment.json('key', 'list', '--user', 'alice'), [])
        self.assert_ok(self.deployment.login(bob))
        self.assert_sound(self.deployment)

    def test_reset_takes_the_keys_that_the_old_pin_sealed(self):
        self.assert_signs(self.deployment, self.alice)
        code = self.deployment.dir / 'new.code'
        self.deployment.ok('user', 'reset', 'alice', '--yes', '--code-file', code)
        self.assert_refused(self.deployment.login(self.alice), 'trustp11 enrol')
        self.assertEqual(self.deployment.json('key', 'list', '--user', 'alice'), [])
        alice = self.deployment.enrol('alice', code, 'hotp', 'alices-new-PIN')
        self.assert_refused(self.deployment.login(alice, pin=self.alice.pin), 'wrong')
        self.deployment.generate(alice, 'new')
        self.assert_still_works(self.deployment, alice, 'new')

    def test_enrolment_code_is_for_one_time_and_one_user(self):
        carol, dave = self.deployment.dir / 'carol.code', self.deployment.dir / 'dave.code'
        self.deployment.ok('user', 'add', 'carol', '--code-file', carol)
        self.deployment.ok('user', 'add', 'dave', '--code-file', dave)
        kept = self.deployment.dir / 'kept.code'
        shutil.copy2(carol, kept)
        pin, uri = write_private(self.deployment.dir / 'pin', 'a-PIN-of-someone\n'), self.deployment.dir / 'uri'
        begin = lambda user, code: self.deployment.cli('enrol', '--user', user, '--code-file', code, '--pin-file', pin,
                                                       '--uri-file', uri, '--no-confirm')
        self.assert_refused(begin('dave', carol), 'wrong')
        self.assertFalse(uri.exists())
        self.deployment.enrol('carol', carol, 'hotp', 'carols-own-PIN')
        self.assert_refused(begin('carol', kept), 'enrolment', 'officer')
        self.assert_ok(begin('dave', dave))

    def test_user_who_has_not_enrolled_is_told_how(self):
        self.deployment.ok('user', 'add', 'carol')
        done = self.deployment.cli('login', '--user', 'carol', stdin='carols-PIN\n123456\n')
        self.assert_refused(done, 'trustp11 enrol')

    def test_user_who_does_not_exist(self):
        done = self.deployment.cli('login', '--user', 'mallory', stdin='a-PIN-of-no-one\n123456\n')
        self.assert_refused(done, 'no user "mallory"', 'trustp11 user list')


class Key(DeploymentTest):
    def setUp(self):
        self.deployment = self.deploy()
        self.alice = self.deployment.alice()

    def reason_of_last_refusal(self):
        return self.deployment.audit('--action', 'sign', '--outcome', 'refused')[-1]['reason']

    def test_suspended_key_signs_again_only_after_resume(self):
        self.deployment.generate(self.alice, 'other')
        self.deployment.ok('key', 'suspend', 'k', '--user', 'alice', '--reason', 'on leave')
        done = self.deployment.sign(self.alice)
        self.assertNotEqual(done.status, 0)
        self.assertIn('suspended', self.reason_of_last_refusal())
        self.assertIn('suspended', (self.deployment.dir / 'module.log').read_text())
        self.assert_signs(self.deployment, self.alice, 'other')
        self.deployment.ok('key', 'resume', 'k', '--user', 'alice')
        self.assert_still_works(self.deployment, self.alice)

    def test_suspending_stops_a_program_that_is_logged_in(self):
        signer = self.deployment.signer(self.alice)
        self.assertEqual(signer.login(self.alice.pin_and_code()), CKR['OK'])
        self.assertEqual(signer.sign()[1], [])
        self.deployment.ok('key', 'suspend', 'k', '--user', 'alice')
        made, failed = signer.sign()
        self.assertEqual(made, [])
        self.assertNotEqual(failed, [])
        self.deployment.ok('key', 'resume', 'k', '--user', 'alice')
        self.assertEqual(len(signer.sign()[0]), 1)

    def test_revoked_key_does_not_come_back(self):
        self.deployment.ok('key', 'revoke', 'k', '--user', 'alice', '--yes', '--reason', 'stolen')
        self.assert_refused(self.deployment.cli('key', 'resume', 'k', '--user', 'alice'), 'revoked')
        self.assertNotEqual(self.deployment.sign(self.alice).status, 0)
        self.assertIn('revoked', self.reason_of_last_refusal())

    def test_key_of_another_user_is_not_reached(self):
        bob = self.deployment.add_user('bob')
        self.deployment.generate(bob, 'bobs')
        users = self.deployment.user_names + ('bob',)
        self.deployment.configure('', 'users', ', '.join(users), self.deployment.client_conf)
        done = self.deployment.sign(self.alice, key='bobs')
        self.assertNotEqual(done.status, 0)
        self.assert_signs(self.deployment, bob, 'bobs')

    def test_data_that_is_no_hash_is_refused(self):
        self.assertNotEqual(self.deployment.sign(self.alice, data=b'x' * 33).status, 0)
        self.assertIn('length', self.reason_of_last_refusal())
        self.deployment.generate(self.alice, 'rsa', 'rsa-2048')
        done = self.deployment.sign(self.alice, key='rsa', mechanism='RSA-PKCS', data=b'no DigestInfo, just words')
        self.assertNotEqual(done.status, 0)
        self.assertIn('DigestInfo', self.reason_of_last_refusal())
        self.assert_ok(self.deployment.sign(self.alice, key='rsa', mechanism='SHA256-RSA-PKCS', data=b'any data'))
        self.assert_still_works(self.deployment, self.alice)


class Certificate(DeploymentTest):
    def setUp(self):
        self.deployment = self.deploy(settings={('policy', 'without_certificate'): 'no'})
        self.alice = self.deployment.alice()
        self.authority = Authority(self.deployment.dir / 'ca')

    def reason_of_last_refusal(self):
        return self.deployment.audit('--action', 'sign', '--outcome', 'refused')[-1]['reason']

    def import_for(self, seconds):
        request = self.deployment.request(self.alice)
        self.assert_ok(self.deployment.import_certificate(self.alice, self.authority.issue(request, seconds)))

    def test_key_without_certificate_signs_nothing_but_its_request(self):
        self.assertNotEqual(self.deployment.sign(self.alice).status, 0)
        self.assertIn('no certificate', self.reason_of_last_refusal())
        self.import_for(86400)
        self.assert_still_works(self.deployment, self.alice)

    def test_certificate_that_expires_stops_the_key_until_it_is_renewed(self):
        expires = time.time() + 3
        self.import_for(2)
        self.assert_signs(self.deployment, self.alice)
        wait_until(lambda: time.time() > expires, 'the certificate has not expired')
        self.assertNotEqual(self.deployment.sign(self.alice).status, 0)
        self.assertIn('expired', self.reason_of_last_refusal())
        explained = self.deployment.cli('policy', 'explain', 'k', '--user', 'alice')
        self.assertEqual(explained.status, 1)
        self.assertIn('expired', explained.out)
        (self.deployment.dir / 'k.csr').unlink()
        self.import_for(86400)
        self.assert_still_works(self.deployment, self.alice)

    def test_expired_certificate_is_not_imported(self):
        certificate = self.authority.issue(self.deployment.request(self.alice), seconds=-60)
        self.assert_refused(self.deployment.import_certificate(self.alice, certificate), 'expired', 'renew')

    def test_foreign_certificate_is_not_imported(self):
        key, request = self.deployment.dir / 'foreign.key', self.deployment.dir / 'foreign.csr'
        must(['openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj',
              '/CN=alice', '-keyout', key, '-out', request])
        certificate = self.authority.issue(request)
        self.assert_refused(self.deployment.import_certificate(self.alice, certificate), 'public key', 'alice')
        self.import_for(86400)
        self.assert_still_works(self.deployment, self.alice)

    def test_chain_in_the_wrong_order_is_not_imported(self):
        certificate = self.authority.issue(self.deployment.request(self.alice))
        other = Authority(self.deployment.dir / 'other', 'Other CA')
        mixed = self.deployment.dir / 'mixed.pem'
        own = certificate.read_text().partition('-----END CERTIFICATE-----\n')
        mixed.write_text(own[0] + own[1] + other.certificate.read_text())
        self.assert_refused(self.deployment.import_certificate(self.alice, mixed), 'not issued by')
        self.assert_ok(self.deployment.import_certificate(self.alice, certificate))

    def test_file_that_is_no_certificate(self):
        garbage = self.deployment.dir / 'garbage.pem'
        garbage.write_bytes(os.urandom(500))
        self.assert_refused(self.deployment.import_certificate(self.alice, garbage), str(garbage))
        self.assert_refused(self.deployment.import_certificate(self.alice, '/nonexistent.pem'), '/nonexistent.pem')


class Configuration(DeploymentTest):
    def setUp(self):
        self.deployment = self.deploy(start=False)

    def assert_mended(self, path, text):
        path.write_text(text)
        self.deployment.start()
        self.assert_ok(self.deployment.cli('status'))
        self.assert_sound(self.deployment)

    def test_engine_configuration_missing(self):
        path = self.deployment.engine_conf
        text = path.read_text()
        path.unlink()
        self.assert_start_refused(self.deployment, str(path), 'No such file')
        write_private(path, text)
        self.assert_mended(path, text)

    def test_unknown_key_is_named_with_its_line(self):
        path = self.deployment.engine_conf
        text = path.read_text()
        line = text.count('\n') + 1
        path.write_text(text + 'wrokers = 4\n')
        self.assert_start_refused(self.deployment, f'engine.conf:{line}:', '"wrokers"')
        self.assert_mended(path, text)

    def test_unknown_key_of_the_client_configuration_is_named_with_its_line(self):
        path = self.deployment.client_conf
        text = path.read_text()
        line = text.count('\n') + 1
        path.write_text(text + 'sokcet = engine.sock\n')
        self.assert_refused(self.deployment.cli('status'), f'trustp11.conf:{line}:', '"sokcet"', 'known keys')
        self.assert_mended(path, text)

    def test_values_that_cannot_be(self):
        text = self.deployment.engine_conf.read_text()
        cases = {'workers = 65': 'workers', 'workers = many': 'workers', 'idle = 3 fortnights': 'idle',
                 'socket_open = perhaps': 'socket_open', 'workers = 99999999999999999999': 'workers'}
        for setting, name in cases.items():
            with self.subTest(setting):
                self.deployment.engine_conf.write_text(setting + '\n' + text)
                self.assert_start_refused(self.deployment, 'engine.conf:1:', name)
        self.assert_mended(self.deployment.engine_conf, text)

    def test_key_twice_is_an_error(self):
        text = self.deployment.engine_conf.read_text()
        self.deployment.engine_conf.write_text(text.replace('name = demo\n', 'name = demo\nname = other\n'))
        self.assert_start_refused(self.deployment, '"name"')
        self.assert_mended(self.deployment.engine_conf, text)

    def test_pin_in_the_configuration_is_refused_and_not_repeated(self):
        text = self.deployment.engine_conf.read_text()
        self.deployment.configure('', 'hsm', self.deployment.hsm_uri.partition('&')[0] + '&pin-value=54318806')
        ended = self.deployment.try_start()
        self.assertEqual(ended.status, 1)
        self.assertIn('pin-source', ended.err)
        self.assertNotIn('54318806', ended.err)
        self.assert_mended(self.deployment.engine_conf, text)

    def test_file_that_others_may_write_is_refused(self):
        for path in (self.deployment.engine_conf, self.deployment.client_conf):
            with self.subTest(path.name):
                mode = path.stat().st_mode
                path.chmod(0o666)
                if path == self.deployment.engine_conf:
                    self.assert_start_refused(self.deployment, str(path), 'chmod')
                else:
                    self.assert_refused(self.deployment.cli('status'), str(path), 'chmod')
                path.chmod(mode)
        self.assert_mended(self.deployment.engine_conf, self.deployment.engine_conf.read_text())

    @needs_root
    def test_unreadable_configuration(self):
        """As another user, since root can read everything."""
        programs = [shutil.copy2(program, self.deployment.dir) for program in (ENGINE, CLI)]
        self.deployment.dir.chmod(0o711)
        self.deployment.place.chmod(0o711)
        self.deployment.client_conf.chmod(0o600)
        done = run(as_nobody(programs[0], 'engine', '--config', self.deployment.engine_conf), env=self.deployment.env)
        self.assert_refused(done, str(self.deployment.engine_conf), 'Permission denied')
        done = run(as_nobody(programs[1], 'status'), env=self.deployment.env)
        self.assert_refused(done, str(self.deployment.client_conf), 'Permission denied')
        self.assert_mended(self.deployment.engine_conf, self.deployment.engine_conf.read_text())

    def test_client_configuration_missing(self):
        self.deployment.start()
        environment = dict(self.deployment.env, TRUSTP11_CONF='/nonexistent/trustp11.conf')
        self.assert_refused(run([CLI, 'status'], env=environment), '/nonexistent/trustp11.conf')
        self.assert_ok(self.deployment.cli('status'))

    def test_init_does_not_touch_a_deployment_that_is_there(self):
        self.assert_refused(self.deployment.cli(*self.deployment.init_arguments()), 'already')
        arguments = ['init', '--dir', self.deployment.place, '--no-backup']
        self.assert_refused(self.deployment.cli(*arguments), str(self.deployment.store), 'already')
        self.assert_mended(self.deployment.engine_conf, self.deployment.engine_conf.read_text())

    def test_usage(self):
        for arguments in (['nonsense'], ['user', 'nonsense'], ['status', '--nonsense'], ['user', 'add'], ['init'],
                          ['key', 'generate', '--type', 'rsa-512'], ['audit', 'list', '--last', 'many']):
            with self.subTest(arguments):
                done = self.deployment.cli(*arguments)
                self.assertEqual(done.status, 2, done.err)
                self.assertEqual(len(done.err.strip().splitlines()), 1, done.err)
        self.assert_ok(self.deployment.cli('--help'))


if __name__ == '__main__':
    unittest.main()
