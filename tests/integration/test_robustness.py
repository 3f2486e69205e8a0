# SPDX-License-Identifier: Apache-2.0
"""The module in programs that fork, confine themselves, share it and use it while they end: one scenario of guest/ a test."""
import datetime
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest

from deployment import MODULE, NOBODY, Authority, Deployment, must, needs_root, run
from programs import ProgramTest
from tools import BUILD

GUEST = BUILD / 'tests/integration/guest/guest'
EXPORTS = {'C_GetFunctionList', 'C_GetInterface', 'C_GetInterfaceList'}


class GuestTest(ProgramTest):
    """A deployment for all tests of a class, in which alice is logged in for all programs of this uid."""
    @classmethod
    def setUpClass(cls):
        cls.deployed = Deployment()
        cls.addClassCleanup(cls.deployed.close)
        cls.alice = cls.deployed.alice()
        done = cls.deployed.login(cls.alice, '--for', '1h')
        assert done.status == 0, done.err

    def guest(self, scenario, *arguments, env=None, timeout=60):
        return run([GUEST, scenario, MODULE, 'alice', 'k', *arguments], timeout=timeout,
                   env={**self.deployed.env, 'TP_PIN': self.alice.pin, **(env or {})})

    def assert_holds(self, scenario, *arguments, **options):
        done = self.guest(scenario, *arguments, **options)
        self.assertEqual(done.status, 0, f'{scenario}: {done.err}')
        return done.out


class Fork(GuestTest):
    def test_a_child_may_use_a_module_that_was_loaded_only(self):
        self.assert_holds('fork-before-initialize')

    def test_a_child_begins_anew_and_the_parent_logs_in_afterwards(self):
        self.assert_holds('fork-before-login')

    def test_a_child_begins_anew_and_the_parents_login_stays(self):
        self.assert_holds('fork-after-login')

    def test_a_child_that_only_ends_takes_nothing_away(self):
        self.assert_holds('fork-child-ends')

    def test_so_may_a_childs_child(self):
        self.assert_holds('fork-generations')

    def test_no_child_hangs_whose_parents_other_threads_were_logging_in(self):
        self.assert_holds('fork-while-logging-in')

    def test_no_child_hangs_whose_parents_other_thread_was_initialising(self):
        self.assert_holds('fork-while-initializing')

    def test_no_child_hangs_whose_parents_other_threads_were_in_the_c_library(self):
        self.assert_holds('fork-while-libc-is-busy')

    def test_no_child_hangs_whose_parents_other_threads_were_in_libcrypto(self):
        self.assert_holds('fork-while-libcrypto-is-busy')


class Many(GuestTest):
    def test_64_threads_on_sessions_of_their_own(self):
        self.assert_holds('many-threads')

    def test_64_threads_on_one_session(self):
        self.assert_holds('one-session')

    def test_10000_sessions(self):
        self.assert_holds('many-sessions')

    def test_two_consumers_of_one_module_share_the_login_and_survive_the_others_end(self):
        self.assert_holds('two-consumers')

    def test_two_copies_are_two_modules(self):
        shutil.copy(MODULE, self.deployed.dir / 'copy.so')
        self.assert_holds('two-copies', self.deployed.dir)

    def test_1000_times_loaded_and_unloaded_leaves_no_descriptor_and_no_thread(self):
        self.assert_holds('reload')


class Ending(GuestTest):
    def test_after_finalize_nothing_is_left_and_calls_say_so(self):
        self.assert_holds('after-finalize')

    def test_an_exit_handler_may_sign(self):
        self.assert_holds('atexit')

    def test_an_exit_handler_that_comes_after_libcryptos_gets_an_answer(self):
        self.assert_holds('atexit-after-libcrypto')

    def test_so_does_one_that_initialises_then(self):
        self.assert_holds('initialize-after-libcrypto')

    def test_a_program_may_exit_while_its_threads_sign(self):
        self.assert_holds('exit-with-threads')

    def test_what_the_module_needs_stays_when_others_let_go_of_it(self):
        self.assert_holds('dependencies-closed')

    def test_unloading_without_finalize_ends_no_program(self):
        self.assert_holds('unloaded-unfinalized')


class Confined(GuestTest):
    def test_nothing_of_ours_takes_the_place_of_closed_standard_descriptors(self):
        self.assert_holds('closed-descriptors')

    def test_a_program_that_closes_our_connection_gets_a_new_one_and_keeps_what_has_its_number(self):
        self.assert_holds('all-descriptors-closed')

    def test_finalize_closes_nothing_that_is_not_ours(self):
        self.assert_holds('finalized-when-closed')

    def test_a_daemon_that_begins_anew_keeps_what_has_its_parents_number(self):
        self.assert_holds('daemon-after-login')

    @needs_root
    def test_another_root_after_login(self):
        self.assert_holds('chroot-after-login', self.empty())

    @needs_root
    def test_another_root_before_the_first_question(self):
        self.assert_holds('chroot-before-use', self.empty())

    def test_a_filter_that_leaves_open_sockets_only(self):
        self.assert_holds('filtered-after-login')

    def test_a_filter_that_leaves_sockets_but_no_file_from_the_beginning(self):
        self.assert_holds('filtered-after-initialize')

    def test_a_filter_that_leaves_no_socket_is_a_token_that_is_away(self):
        self.assert_holds('filtered-without-sockets')

    def empty(self):
        folder = self.deployed.dir / 'empty'
        folder.mkdir(exist_ok=True)
        return folder


@needs_root
class SetUid(GuestTest):
    """Run by nobody, as somebody else: what nobody says in the environment does not count."""
    OWNER = 4001  # a uid that needs no name

    def setUp(self):
        folder = self.admit_others(self.deployed)
        self.module = folder / MODULE.name
        self.program = folder / 'guest'
        shutil.copy(GUEST, self.program)
        os.chown(self.program, self.OWNER, self.OWNER)
        self.deployed.client_conf.chmod(0o644)
        self.debug = folder / 'debug'
        self.debug.mkdir(exist_ok=True)
        self.debug.chmod(0o777)

    def slots(self, mode, **env):
        self.program.chmod(mode)
        done = subprocess.run([self.program, 'count-slots', self.module, 'alice', 'k'], capture_output=True, text=True,
                              env={'PATH': os.environ['PATH'], **env}, user=NOBODY, group=NOBODY, extra_groups=[], cwd='/',
                              timeout=30, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(done.stdout)

    def home(self):
        home = self.deployed.dir / 'home'
        (home / '.config/trustp11').mkdir(parents=True, exist_ok=True)
        shutil.copy(self.deployed.client_conf, home / '.config/trustp11/trustp11.conf')
        for path in (home, *home.rglob('*')):
            os.chown(path, NOBODY, NOBODY)
        return home

    def check(self, **env):
        log = self.debug / 'log'
        for mode, slots in ((0o755, 1), (0o4755, 0), (0o2755, 0)):
            log.unlink(missing_ok=True)
            self.assertEqual(self.slots(mode, TRUSTP11_DEBUG=str(log), **env), slots, oct(mode))
            self.assertEqual(log.exists(), slots == 1, oct(mode))

    def test_trustp11_conf_and_debug_are_ignored(self):
        """The twin without the bit reads both."""
        os.chown(self.deployed.client_conf, NOBODY, NOBODY)
        self.addCleanup(os.chown, self.deployed.client_conf, 0, 0)
        self.check(TRUSTP11_CONF=str(self.deployed.client_conf))

    def test_home_is_ignored(self):
        self.check(HOME=str(self.home()))

    def test_xdg_config_home_is_ignored(self):
        self.check(XDG_CONFIG_HOME=str(self.home() / '.config'))


class Surroundings(GuestTest):
    def test_signals_that_interrupt_everything_interrupt_nothing(self):
        self.assert_holds('signal-storm')

    def test_a_handler_that_uses_the_module_in_the_middle_of_a_call_is_told_and_does_not_hang(self):
        self.assert_holds('handlers-use-module')

    def test_signals_masks_limits_and_locale_stay_as_they_were(self):
        self.assert_holds('process-as-found')

    def test_answers_are_the_same_in_every_locale_and_time_zone(self):
        locales = self.deployed.dir / 'locales'
        locales.mkdir()
        for name in ('tr_TR', 'de_DE'):
            must(['localedef', '-c', '-i', name, '-f', 'UTF-8', locales / f'{name}.UTF-8'])
        certificate = self.certify()
        out = self.assert_holds('locales-and-zones', env={'LOCPATH': str(locales)}).split()
        self.assertEqual(out, [self.date(certificate, end) for end in ('-startdate', '-enddate')])

    def certify(self):
        authority = Authority(self.deployed.dir / 'ca')
        certificate = authority.issue(self.deployed.request(self.alice))
        done = self.deployed.import_certificate(self.alice, certificate)
        self.assert_ok(done)
        return certificate

    @staticmethod
    def date(certificate, end):
        text = must(['openssl', 'x509', '-in', certificate, '-noout', end]).split('=', 1)[1].strip()
        return datetime.datetime.strptime(text, '%b %d %H:%M:%S %Y GMT').strftime('%Y%m%d')


PROVIDER = pathlib.Path(must(['openssl', 'version', '-m']).split('"')[1]) / 'pkcs11.so'
EVERYTHING = 'default_properties = ?provider=pkcs11'  # whatever libcrypto can fetch from us, it does
EARLY = 'pkcs11-module-load-behavior = early'  # the module is loaded while libcrypto reads its configuration


def openssl_conf(deployed, algorithms, behaviour):
    """A configuration for every program that has libcrypto: the provider is active in all of them, with our module in it."""
    path = deployed.dir / 'openssl.cnf'
    path.write_text(
        'openssl_conf = all\n[all]\nproviders = providers\nalg_section = algorithms\n'
        f'[algorithms]\n{algorithms}\n[providers]\ndefault = default_provider\npkcs11 = pkcs11_provider\n'
        f'[default_provider]\nactivate = 1\n[pkcs11_provider]\npkcs11-module-path = {MODULE}\n{behaviour}\nactivate = 1\n')
    return path


@unittest.skipUnless(PROVIDER.exists(), 'no pkcs11-provider')
class OpenSSLForEverything(GuestTest):
    """OpenSSL loads the provider, the provider the module, and the module uses OpenSSL: nothing turns in a circle."""
    PATIENCE_S = 30

    def each_conf(self, *every_algorithms):
        for algorithms in every_algorithms or ('', EVERYTHING):
            for behaviour in ('', EARLY):
                with self.subTest(algorithms=algorithms, behaviour=behaviour):
                    yield {'OPENSSL_CONF': str(openssl_conf(self.deployed, algorithms, behaviour))}

    def run_with(self, env, *arguments):
        done = run(arguments, env={**self.deployed.env, **env}, timeout=self.PATIENCE_S)
        self.assertEqual(done.status, 0, f'{arguments}: {done.err}')
        return done.out

    def sign_with(self, env):
        data, pin, signature = (self.deployed.dir / name for name in ('data', 'pin', 'signature.der'))
        data.write_text('what is signed')
        pin.write_text(self.alice.pin)
        self.run_with(env, 'openssl', 'dgst', '-sha256', '-sign',
                      f'pkcs11:token=alice;object=k;type=private;pin-source=file:{pin}', '-out', signature, data)
        public = self.deployed.dir / 'public.der'
        self.run_with({}, 'pkcs11-tool', '--module', MODULE, '--token-label', 'alice', '--read-object', '--type', 'pubkey',
                      '--id', self.deployed.key_id('k'), '--output-file', public)
        self.run_with({}, 'openssl', 'dgst', '-sha256', '-verify', public, '-keyform', 'DER', '-signature', signature, data)
        return data

    def test_openssl_signs_hashes_and_draws_random_numbers(self):
        for env in self.each_conf():
            data = self.sign_with(env)
            digest = hashlib.sha256(data.read_bytes()).hexdigest()
            self.assertIn(digest, self.run_with(env, 'openssl', 'dgst', '-sha256', data))
            self.assertRegex(self.run_with(env, 'openssl', 'rand', '-hex', '8'), '^[0-9a-f]{16}$')

    def test_a_program_with_libcrypto_that_loads_the_module_itself(self):
        for env in self.each_conf():
            self.assertIn('alice', self.run_with(env, 'pkcs11-tool', '--module', MODULE, '--list-slots'))
            self.run_with(env, 'pkcs11-tool', '--module', MODULE, '--token-label', 'alice', '--login', '--pin', self.alice.pin,
                          '--sign', '--mechanism', 'ECDSA-SHA256', '--id', self.deployed.key_id('k'), '--input-file',
                          self.deployed.client_conf, '--output-file', self.deployed.dir / 'signature')

    def test_threads_children_and_exits(self):
        for env in self.each_conf(EVERYTHING):
            for scenario in ('many-threads', 'fork-after-login', 'fork-while-logging-in', 'two-consumers', 'atexit',
                             'exit-with-threads'):
                self.assert_holds(scenario, env=env)

    def test_our_own_programs_and_an_engine_that_the_module_starts(self):
        """The engine hashes, too, and must not become its own client."""
        deployed = self.deploy(spawn=True)
        deployed.env['OPENSSL_CONF'] = str(openssl_conf(deployed, EVERYTHING, EARLY))
        begun = time.monotonic()
        alice = deployed.alice()
        self.assert_still_works(deployed, alice)
        deployed.end_spawned()
        self.assert_still_works(deployed, alice)
        self.assertLess(time.monotonic() - begun, 10, 'somebody has waited for himself until he gave up')


class Pkcs11Tool(ProgramTest):
    """The tests that OpenSC's pkcs11-tool has of its own."""
    THREADS = 10  # as many as it has room for

    def tool(self, *options, **settings):
        self.deployed = self.deploy(settings=settings.get('settings'))
        alice = self.deployed.alice('rsa', 'rsa-2048')
        done = self.deployed.pkcs11_tool('--token-label', 'alice', '--login', '--pin', alice.pin_and_code(), *options)
        self.assertEqual(done.status, 0, f'{done.out}\n{done.err}')
        return done

    def test_test_finds_no_error_where_sha1_is_allowed(self):
        """What it signs is a DigestInfo of SHA-1."""
        self.assertIn('\nNo errors\n', self.tool('--test', settings={('policy', 'insecure_sha1'): 'yes'}).out)

    def test_test_finds_only_that_sha1_is_refused_where_it_is_not(self):
        done = self.tool('--test')
        self.assertIn('\n1 errors\n', done.out)
        self.assertRegex(done.out, r'RSA-PKCS: +ERR: C_Sign\(\) returned .*\(0x200\)')
        log = (self.deployed.dir / 'module.log').read_text()
        self.assertIn('C_Sign: CKR_FUNCTION_REJECTED: SHA-1 is not allowed by the policy', log)

    def test_test_threads_ends_well_in_all(self):
        done = self.tool(*(word for _ in range(self.THREADS) for word in ('--test-threads', 'ILGISLT0')))
        self.assertIn('all threads have ended with CKR_OK', done.err)
        self.assertEqual(len(re.findall(r'(?m)^Test thread \d+ returning rv = 0$', done.err)), self.THREADS, done.err)

    def test_test_fork(self):
        self.assertIn('Calling C_Initialize in forked child process', self.tool('--test-fork').out)


class Exports(unittest.TestCase):
    def test_three_functions_and_nothing_else(self):
        lines = must(['nm', '--dynamic', '--defined-only', '--extern-only', MODULE]).splitlines()
        self.assertEqual({line.split()[-1] for line in lines}, EXPORTS)


if __name__ == '__main__':
    unittest.main()
