# SPDX-License-Identifier: Apache-2.0
"""`trustp11 setup`, for each program: what it writes in a home of the test's own, what it refuses to touch, that --remove
leaves everything as it was, to the byte, and that the program then sees the module. And what `doctor` makes of it.

Programs that are not there are stood in for by files of their names: setup looks for them, and runs NSS's tools alone. Those
that sign, by what setup has written, are in tests/integration/consumers."""
import json
import os
import pathlib
import pwd
import shutil
import stat
import subprocess
import tempfile
import unittest

from deployment import CLI, MODULE, SOFTHSM, Result, needs_root, must, run, write_private
from programs import STRANGER, identity
from test_consumers import OPENSSL_ENGINE, OPENSSL_PROVIDER, ConsumerTest
from tools import SOURCE

STOOD_IN = ('firefox-esr', 'soffice', 'keytool', 'gpg-agent', 'gnupg-pkcs11-scd')
ITEMS = '''<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooLocale" oor:op="fuse"><value>ja</value></prop></item>
</oor:items>'''

LOCKER = '''
import fcntl, sys
lock = open(sys.argv[1], 'w')
fcntl.lockf(lock, fcntl.LOCK_EX)
print('locked', flush=True)
sys.stdin.read()
'''


def tree(folder):
    """What is below, with modes and contents; a database's tables change when they are opened, its list of modules does not."""
    found = {}
    for path in sorted(folder.rglob('*')):
        status = path.lstat()
        content = None
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file() and path.suffix != '.db':
            content = path.read_bytes()
        found[str(path.relative_to(folder))] = (stat.filemode(status.st_mode), status.st_uid, content)
    return found


class SetupTest(ConsumerTest):
    def setUp(self):
        super().setUp()
        self.home = pathlib.Path(tempfile.mkdtemp(prefix='home-', dir=self.deployed.dir))
        self.bin = self.deployed.dir / 'stand-ins'
        self.bin.mkdir(exist_ok=True)
        for name in STOOD_IN:
            if not shutil.which(name) and not (self.bin / name).exists():
                (self.bin / name).write_text('#!/bin/sh\nexit 1\n')
                (self.bin / name).chmod(0o755)
        self.env = {**self.deployed.env, 'HOME': str(self.home), 'PATH': f'{os.environ["PATH"]}:{self.bin}'}

    def only(self, *names):
        """A PATH with nothing but these."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix='path-', dir=self.deployed.dir))
        for name in names:
            (folder / name).symlink_to(shutil.which(name, path=self.env['PATH']))
        return {**self.env, 'PATH': str(folder)}

    def setup_of(self, *words, env=None, module=MODULE, cwd=None):
        options = [] if '--remove' in words or module is None else ['--module', str(module)]
        done = subprocess.run([CLI, 'setup', *map(str, words), *options], env=env or self.env, cwd=cwd or self.home, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    def changes(self, *words, **options):
        done = self.setup_of(*words, '--json', **options)
        self.assert_ok(done)
        return json.loads(done.out)['changes']

    def assert_round_trip(self, *words, **options):
        """--dry-run says it and does nothing; then it is done; again there is nothing to do; --remove leaves what was there."""
        before = tree(self.home)
        foreseen = self.changes(*words, '--dry-run', **options)
        self.assertEqual(tree(self.home), before)
        self.assertNotEqual(foreseen, [])
        self.assertEqual(self.changes(*words, **options), foreseen)
        self.assertEqual(self.changes(*words, **options), [])
        self.in_between()
        self.assertNotEqual(self.changes(*words, '--remove', '--dry-run', **options), [])
        self.assertNotEqual(self.changes(*words, '--remove', **options), [])
        self.assertEqual(self.changes(*words, '--remove', **options), [])
        self.assertEqual(tree(self.home), before)

    def in_between(self):
        """Called when it has been set up; tests put theirs here."""

    def assert_untouched(self, *words, says=(), **options):
        before = tree(self.home)
        self.assert_refused(self.setup_of(*words, **options), *says)
        self.assertEqual(tree(self.home), before)

    def write(self, name, text, mode=0o600):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(text)
        path.chmod(mode)
        return path


class Anything(SetupTest):
    """What holds for each target, tried with one."""

    def test_a_module_that_is_none_is_refused(self):
        other = self.home / 'libtrustp11.so'
        other.write_text('no library\n')
        spaced = self.home / 'a b' / 'libtrustp11.so'
        spaced.parent.mkdir()
        shutil.copy(MODULE, spaced)
        for module, words in ((SOFTHSM, 'is not libtrustp11.so'), (other, 'libtrustp11.so'),
                              (self.home / 'none.so', 'install the module'), (spaced, 'cannot name a path')):
            self.assert_untouched('java', module=module, says=[words])

    def test_a_module_of_another_machine_is_refused(self):
        self.assert_untouched('java', module=self.foreign_module(), says=['another kind of machine'])

    def foreign_module(self):
        return foreign_module(self.home / 'foreign' / 'libtrustp11.so')

    def test_system_is_for_root(self):
        if os.geteuid() != 0:
            self.assert_untouched('ssh', '--system', says=['for root'])
            return
        bin_dir = self.admit_others(self.deployed)
        done = subprocess.run([bin_dir / CLI.name, 'setup', 'ssh', '--system', '--module', bin_dir / MODULE.name], cwd='/',
                              env=self.env, text=True, capture_output=True, check=False, **identity(STRANGER))
        self.assert_refused(Result(done.returncode, done.stdout, done.stderr), '--system is for root')

    def test_system_is_refused_where_there_is_none(self):
        for target in ('nss', 'libreoffice', 'gnupg'):
            self.assert_untouched(target, '--system', says=['nothing for the whole machine'])

    def test_without_a_home_nothing_is_done(self):
        env = {name: value for name, value in self.env.items() if name != 'HOME'}
        self.assert_refused(self.setup_of('ssh', env=env), 'HOME')

    def test_a_program_that_is_not_there_is_named_with_its_package(self):
        nothing = self.only()
        for target, package in (('p11-kit', 'p11-kit'), ('nss', 'libnss3-tools'), ('firefox', 'firefox-esr'),
                                ('libreoffice', 'libreoffice-writer'), ('openssl', 'openssl'), ('ssh', 'openssh-client'),
                                ('java', 'default-jre-headless'), ('gnupg', 'gpg-agent')):
            self.assert_untouched(target, env=nothing, says=['is not installed', package])

    def test_what_was_changed_is_shown_to_people_too(self):
        done = self.setup_of('ssh')
        self.assert_ok(done)
        self.assertIn(f'{self.home}/.ssh/config: made\n', done.out)
        self.assertIn(f'    + PKCS11Provider {MODULE}\n', done.out)
        self.assertIn(f'note: the public keys, for authorized_keys: ssh-keygen -D {MODULE}\n', done.out)
        done = self.setup_of('ssh', '--remove', '--dry-run')
        self.assertIn(f'{self.home}/.ssh/config: would be removed\n', done.out)
        self.assertIn(f'    - PKCS11Provider {MODULE}\n', done.out)

    def test_a_module_that_has_moved_is_named_anew(self):
        self.assert_ok(self.setup_of('ssh'))
        moved = self.home / 'elsewhere' / 'libtrustp11.so'
        moved.parent.mkdir()
        shutil.copy(MODULE, moved)
        change, = self.changes('ssh', module=moved)
        self.assertEqual((change['removed'], change['added']), ([f'PKCS11Provider {MODULE}'], [f'PKCS11Provider {moved}']))
        self.assert_ok(self.setup_of('ssh', '--remove'))
        self.assertFalse((self.home / '.ssh').exists())

    def test_a_relative_path_is_made_absolute(self):
        change, = self.changes('ssh', module=MODULE.name, cwd=MODULE.parent)
        self.assertIn(f'PKCS11Provider {MODULE}', change['added'])

    def test_files_that_lost_their_end_line_are_left_alone(self):
        self.write('.ssh/config', '# trustp11 setup: begin\nPKCS11Provider /x\nHost a\n')
        self.assert_untouched('ssh', says=['no pair any more'])
        self.assert_untouched('ssh', '--remove', says=['no pair any more'])


class TextFiles(SetupTest):
    """Targets that are files of settings."""
    FILES = {'ssh': '.ssh/config', 'openssl': '.config/trustp11/openssl.cnf', 'java': '.config/trustp11/java.cfg'}
    FOREIGN = {'ssh': 'Host *\n  PKCS11Provider /other.so\n', 'openssl': 'openssl_conf = mine\n', 'java': 'name = other\n'}

    def test_from_nothing_and_back(self):
        for target in self.FILES:
            with self.subTest(target):
                self.assert_round_trip(target)

    def test_among_what_others_wrote_and_back(self):
        for target, name in self.FILES.items():
            with self.subTest(target):
                path = self.write(name, '# mine, without an end of line', 0o640)
                self.assert_round_trip(target)
                self.assert_ok(self.setup_of(target))
                self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640)
                self.assertTrue(path.read_text().endswith('\n# mine, without an end of line'))

    def test_through_a_link_and_back(self):
        real = self.write('dotfiles/ssh', 'Host a\n')
        (self.home / '.ssh').mkdir()
        (self.home / '.ssh/config').symlink_to('../dotfiles/ssh')
        self.assert_round_trip('ssh')
        self.assert_ok(self.setup_of('ssh'))
        self.assertIn('PKCS11Provider', real.read_text())

    def test_what_another_setting_says_is_left_alone(self):
        for target, name in self.FILES.items():
            with self.subTest(target):
                self.write(name, self.FOREIGN[target])
                self.assert_untouched(target, says=['already, which is left alone; put this there by hand', str(MODULE)])

    def test_a_file_that_is_read_only_is_left_alone(self):
        for target, name in self.FILES.items():
            with self.subTest(target):
                self.write(name, '# mine\n', 0o400)
                self.assert_untouched(target, says=['read-only'])

    @needs_root
    def test_a_file_of_another_user_is_left_alone(self):
        for target, name in self.FILES.items():
            with self.subTest(target):
                os.chown(self.write(name, '# theirs\n'), pwd.getpwnam(STRANGER).pw_uid, -1)
                self.assert_untouched(target, says=['another user'])

    def test_folders_that_two_share_go_with_the_last(self):
        for first, last in (('java', 'openssl'), ('openssl', 'java')):
            self.assert_ok(self.setup_of('java'))
            self.assert_ok(self.setup_of('openssl'))
            self.assert_ok(self.setup_of(first, '--remove'))
            self.assert_ok(self.setup_of(last, '--remove'))
            self.assertFalse((self.home / '.config/trustp11').exists())

    def test_what_came_into_the_file_since_stays(self):
        self.assert_ok(self.setup_of('ssh'))
        with (self.home / '.ssh/config').open('a') as config:
            config.write('Host later\n')
        self.assert_ok(self.setup_of('ssh', '--remove'))
        self.assertEqual((self.home / '.ssh/config').read_text(), 'Host later\n')


class Ssh(SetupTest):
    def test_ssh_reads_it_for_every_host_and_finds_the_keys(self):
        config = self.write('.ssh/config', 'Host a\n  User b\n')
        self.assert_ok(self.setup_of('ssh'))
        for host in ('a', 'other'):
            told = must(['ssh', '-F', config, '-G', host], env=self.env)
            self.assertIn(f'pkcs11provider {MODULE}\n', told)
        self.assertEqual(len(must(['ssh-keygen', '-D', MODULE], env=self.env).splitlines()), 3)  # two keys, and the CA's

    def test_without_it_ssh_knows_nothing(self):
        config = self.write('.ssh/config', 'Host a\n')
        self.assert_ok(self.setup_of('ssh'))
        self.assert_ok(self.setup_of('ssh', '--remove'))
        self.assertNotIn(str(MODULE), must(['ssh', '-F', config, '-G', 'a'], env=self.env))


class OpenSsl(SetupTest):
    def sign(self, *options):
        pin = write_private(self.home / 'pin', self.alice.pin_and_code())
        key = f'pkcs11:token=alice;object=ec;type=private;pin-source=file:{pin}'
        return run(['openssl', 'dgst', '-sha256', *options, '-sign', key, '-out', self.signature, self.data],
                   env={**self.env, 'OPENSSL_CONF': f'{self.home}/.config/trustp11/openssl.cnf'})

    @unittest.skipUnless(OPENSSL_ENGINE, 'libengine-pkcs11-openssl is not installed')
    def test_without_a_provider_the_engine_signs(self):
        self.assertNotEqual(self.sign('-engine', 'pkcs11', '-keyform', 'engine').status, 0)
        self.assert_ok(self.setup_of('openssl', env={**self.env, 'OPENSSL_MODULES': '/nowhere'}))
        self.assert_ok(self.sign('-engine', 'pkcs11', '-keyform', 'engine'))
        self.assert_signed('ec')

    @unittest.skipUnless(OPENSSL_PROVIDER and OPENSSL_ENGINE, 'one of the two is not installed')
    def test_with_both_it_is_said_how_to_use_the_engine(self):
        done = json.loads(self.setup_of('openssl', '--json').out)
        self.assertIn(f'PKCS11_MODULE_PATH={MODULE}', ' '.join(done['notes']))

    @unittest.skipUnless(OPENSSL_PROVIDER, 'pkcs11-provider is not installed')
    def test_the_provider_signs(self):
        self.assertNotEqual(self.sign().status, 0)
        self.assert_ok(self.setup_of('openssl'))
        self.assert_ok(self.sign())
        self.assert_signed('ec')

    def test_with_neither_the_packages_are_named(self):
        env = {**self.env, 'OPENSSL_MODULES': str(self.home), 'OPENSSL_ENGINES': str(self.home)}
        self.assert_untouched('openssl', env=env, says=['pkcs11-provider', 'libengine-pkcs11-openssl'])

    def test_only_what_is_there_is_configured(self):
        (self.home / 'pkcs11.so').touch()
        for absent_in, there, absent in (('OPENSSL_MODULES', 'engines', 'providers'), ('', 'providers', 'engines'),
                                         ('OPENSSL_ENGINES', 'providers', 'engines')):
            env = {**self.env, 'OPENSSL_MODULES': str(self.home), 'OPENSSL_ENGINES': str(self.home), absent_in: '/nowhere'}
            env.pop('', None)
            change, = self.changes('openssl', '--dry-run', env=env)
            self.assertIn(f'{there} = trustp11_{there}', change['added'])
            self.assertNotIn(f'{absent} = trustp11_{absent}', change['added'])


class GnuPg(SetupTest):
    def test_from_nothing_and_back(self):
        self.assert_round_trip('gnupg')

    def test_among_what_others_wrote_and_back(self):
        self.write('.gnupg/gpg-agent.conf', 'default-cache-ttl 60\n', 0o644)
        self.write('.gnupg/gnupg-pkcs11-scd.conf', '# mine\n')
        self.assert_round_trip('gnupg')

    def test_in_the_home_that_gnupg_is_told(self):
        env = {**self.env, 'GNUPGHOME': str(self.home / 'other')}
        self.assertEqual([change['where'] for change in self.changes('gnupg', env=env)],
                         [f'{self.home}/other/gnupg-pkcs11-scd.conf', f'{self.home}/other/gpg-agent.conf'])

    def test_another_daemon_or_provider_is_left_alone_and_neither_file_is_written(self):
        for name, text in (('gpg-agent.conf', 'scdaemon-program /usr/lib/gnupg/scdaemon\n'),
                           ('gnupg-pkcs11-scd.conf', 'providers opensc\n')):
            shutil.rmtree(self.home / '.gnupg', ignore_errors=True)
            self.write('.gnupg/' + name, text)
            self.assert_untouched('gnupg', says=[text.strip(), 'left alone'])

    def test_without_the_daemon_its_package_is_named(self):
        self.assert_untouched('gnupg', env=self.only('gpg-agent'), says=['gnupg-pkcs11-scd is not installed'])


def modules_of(folder, env):
    return must(['modutil', '-dbdir', f'sql:{folder}', '-list'], env=env)


class DatabaseTest(SetupTest):
    """Targets that are NSS databases."""

    def database(self, name='db'):
        folder = self.home / name
        folder.mkdir(parents=True)
        must(['certutil', '-N', '-d', f'sql:{folder}', '--empty-password'], env=self.env)
        return folder

    def add(self, folder, name, path):
        must(['modutil', '-dbdir', f'sql:{folder}', '-add', name, '-libfile', path, '-force'], env=self.env)

    def profiles(self, root='.mozilla/firefox', names=('a', 'b')):
        text = '[General]\nStartWithLastProfile=1\n'
        for number, name in enumerate(names):
            self.database(f'{root}/{name}')
            text += f'\n[Profile{number}]\nName={name}\nIsRelative=1\nPath={name}\n' + ('Default=1\n' if number else '')
        self.write(f'{root}/profiles.ini', text)

    def in_between(self):
        for folder in self.home.glob('**/pkcs11.txt'):
            self.assertIn(str(MODULE), modules_of(folder.parent, self.env))


class Nss(DatabaseTest):
    def test_a_pdf_is_signed_in_three_commands(self):
        must([SOURCE / 'scripts/lib/make-pdf', self.home / 'unsigned.pdf', 'To sign.'])
        self.assert_ok(self.setup_of('nss', 'nss'))
        must(['certutil', '-A', '-d', f'sql:{self.home}/nss', '-n', 'ca', '-t', 'CT,C,C', '-i', self.authority.certificate],
             env=self.env)
        must(['pdfsig', '-nssdir', f'{self.home}/nss', '-nss-pwd', self.alice.pin_and_code(), '-add-signature', '-nick',
              'alice:rsa', self.home / 'unsigned.pdf', self.home / 'signed.pdf'], env=self.env)
        told = must(['pdfsig', '-nssdir', f'{self.home}/nss', self.home / 'signed.pdf'], env=self.env)
        self.assertIn('Signature is Valid', told)
        self.assertIn('Certificate is Trusted', told)

    def test_with_a_used_code_it_is_not(self):
        must([SOURCE / 'scripts/lib/make-pdf', self.home / 'unsigned.pdf', 'Not to sign.'])
        self.assert_ok(self.setup_of('nss', 'nss'))
        self.alice.code()
        used = self.alice.pin_and_code()
        self.assert_ok(self.deployed.sign(self.alice, pin=used, key='ec'))
        done = run(['pdfsig', '-nssdir', f'{self.home}/nss', '-nss-pwd', used, '-add-signature', '-nick', 'alice:rsa',
                    self.home / 'unsigned.pdf', self.home / 'signed.pdf'], env=self.env)
        self.assertNotEqual(done.status, 0)

    def test_a_database_that_is_there_gets_it_and_is_left_as_it_was(self):
        self.database()
        self.assert_round_trip('nss', 'db')

    def test_chromiums_is_the_default_and_is_made_for_its_owner_alone(self):
        kinds = [(change['where'], change['change']) for change in self.changes('nss')]
        self.assertEqual(kinds, [(f'{self.home}/.pki/nssdb', 'made'), (f'{self.home}/.pki/nssdb', 'changed')])
        self.in_between()
        for folder in ('.pki', '.pki/nssdb'):
            self.assertEqual(stat.S_IMODE((self.home / folder).stat().st_mode), 0o700)

    def test_a_database_that_was_made_for_it_stays_without_the_module(self):
        self.assert_ok(self.setup_of('nss', 'sql:db/'))
        self.assert_ok(self.setup_of('nss', 'db', '--remove'))
        self.assertNotIn('trustp11', modules_of(self.home / 'db', self.env))

    def test_nothing_is_made_to_take_it_out_of(self):
        self.assertEqual(self.changes('nss', 'none', '--remove'), [])
        self.assertFalse((self.home / 'none').exists())

    def test_under_another_name_it_is_not_put_in_twice_nor_taken_out(self):
        folder = self.database()
        self.add(folder, 'mine', MODULE)
        before = tree(self.home)
        for words in (('nss', 'db'), ('nss', 'db', '--remove')):
            done = self.setup_of(*words)
            self.assert_ok(done)
            self.assertIn('mine', done.out)
            self.assertEqual(tree(self.home), before)

    def test_another_module_of_its_name_is_left_alone(self):
        self.add(self.database(), 'trustp11', SOFTHSM)
        self.assert_untouched('nss', 'db', says=['another one', SOFTHSM, 'by hand'])
        self.assertEqual(self.changes('nss', 'db', '--remove'), [])

    def test_a_place_that_the_module_has_left_is_replaced(self):
        old = self.home / 'old' / 'libtrustp11.so'
        old.parent.mkdir()
        shutil.copy(MODULE, old)
        folder = self.database()
        self.add(folder, 'trustp11', old)
        old.unlink()
        self.assert_ok(self.setup_of('nss', 'db'))
        self.in_between()
        self.assertNotIn(str(old), (folder / 'pkcs11.txt').read_text())

    def test_without_its_tools_their_package_is_named(self):
        env = self.only('chromium' if shutil.which('chromium') else 'soffice')
        (pathlib.Path(env['PATH']) / 'chromium').unlink(missing_ok=True)
        (pathlib.Path(env['PATH']) / 'chromium').symlink_to('/bin/true')
        self.assert_untouched('nss', 'db', env=env, says=['modutil is not installed', 'libnss3-tools'])

    def test_the_old_form_of_databases_is_refused(self):
        self.assert_untouched('nss', 'dbm:db', says=['dbm:'])

    def test_a_list_that_is_read_only_is_left_alone(self):
        (self.database() / 'pkcs11.txt').chmod(0o400)
        self.assert_untouched('nss', 'db', says=['read-only'])

    def test_when_a_tool_fails_nothing_is_left_of_what_was_made(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix='path-', dir=self.deployed.dir))
        (folder / 'certutil').symlink_to(shutil.which('certutil'))
        (folder / 'modutil').write_text('#!/bin/sh\necho not today >&2\nexit 1\n')
        (folder / 'modutil').chmod(0o755)
        self.assert_untouched('nss', 'a/db', env={**self.env, 'PATH': f'{folder}:/bin'}, says=['modutil failed: not today'])


class Firefox(DatabaseTest):
    def test_every_profile_gets_it_and_is_left_as_it_was(self):
        self.profiles()
        self.assert_round_trip('firefox')

    def test_those_of_snap_and_flatpak_with_a_word_of_warning(self):
        roots = ('snap/firefox/common/.mozilla/firefox', '.var/app/org.mozilla.firefox/.mozilla/firefox')
        for root in roots:
            self.profiles(root, ('p',))
        done = json.loads(self.setup_of('firefox', '--json').out)
        self.assertEqual([change['where'] for change in done['changes']], [f'{self.home}/{root}/p' for root in roots])
        self.assertEqual([word for word in ('snap', 'flatpak') if word in ' '.join(done['notes'])], ['snap', 'flatpak'])

    def test_one_that_is_open_keeps_all_from_being_changed(self):
        self.profiles()
        program = subprocess.Popen(['python3', '-c', LOCKER, self.home / '.mozilla/firefox/b/.parentlock'], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(program.stdout.readline(), 'locked\n')
        self.assert_untouched('firefox', says=[f'/b is in use by process {program.pid}'])
        program.communicate()
        self.assert_round_trip('firefox')

    def test_without_a_profile_it_is_refused(self):
        self.assert_untouched('firefox', says=['start it once'])


class LibreOffice(DatabaseTest):
    SETTINGS = '.config/libreoffice/4/user/registrymodifications.xcu'

    def where(self, **more):
        return [change['where'] for change in self.changes('libreoffice', '--dry-run', env={**self.env, **more})]

    def test_the_database_is_the_one_that_libreoffice_takes(self):
        self.write(self.SETTINGS, ITEMS)
        own = f'{self.home}/.local/share/trustp11/nssdb'
        self.assertEqual(self.where(), [own, own, str(self.home / self.SETTINGS)])
        self.profiles()
        self.assertEqual(self.where(), [f'{self.home}/.mozilla/firefox/b'])
        self.profiles('.thunderbird', ('c',))
        self.assertEqual(self.where(), [f'{self.home}/.thunderbird/c'])
        self.write(self.SETTINGS, ITEMS.replace(
            '</oor:items>', '<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="CertDir" '
            f'oor:op="fuse"><value>{self.database("d")}</value></prop></item></oor:items>'))
        self.assertEqual(self.where(), [f'{self.home}/d'])
        self.assertEqual(self.where(MOZILLA_CERTIFICATE_FOLDER=f'sql:{self.database("e")}'), [f'{self.home}/e'])

    def test_its_settings_are_left_as_they_were(self):
        settings = self.write(self.SETTINGS, ITEMS, 0o640)
        self.assert_ok(self.setup_of('libreoffice'))
        self.assertIn('CertDir', settings.read_text())
        self.in_between()
        self.assertEqual(self.changes('libreoffice'), [])
        self.assert_ok(self.setup_of('libreoffice', '--remove'))
        self.assertEqual(settings.read_text(), ITEMS)
        self.assertEqual(stat.S_IMODE(settings.stat().st_mode), 0o640)

    def test_settings_that_are_in_use_are_not_written(self):
        self.write(self.SETTINGS, ITEMS)
        self.write('.config/libreoffice/4/.lock', '')
        self.assert_untouched('libreoffice', says=['LibreOffice is running'])

    def test_without_settings_it_is_refused(self):
        self.assert_untouched('libreoffice', says=['start it once'])


@needs_root
class OtherAccount(SetupTest):
    """p11-kit reads nothing of root's own: an account that is not root's."""

    def setUp(self):
        super().setUp()
        self.bin_dir = self.admit_others(self.deployed)
        os.chown(self.home, pwd.getpwnam(STRANGER).pw_uid, pwd.getpwnam(STRANGER).pw_gid)
        self.home.chmod(0o700)

    def as_other(self, *arguments):
        done = subprocess.run(list(map(str, arguments)), env=self.env, text=True, cwd='/', capture_output=True, timeout=60,
                              check=False, **identity(STRANGER))
        return Result(done.returncode, done.stdout, done.stderr)

    def setup_of(self, *words, env=None, module=None, cwd=None):
        options = [] if '--remove' in words else ['--module', self.bin_dir / MODULE.name]
        return self.as_other(self.bin_dir / CLI.name, 'setup', *words, *options)

    def listed(self):
        return self.as_other('p11-kit', 'list-modules').out

    def in_between(self):
        self.assertIn(str(self.bin_dir / MODULE.name), self.listed())

    def test_p11_kit_lists_it_and_no_longer(self):
        self.assertNotIn('libtrustp11.so', self.listed())
        self.assert_round_trip('p11-kit')
        self.assertNotIn('libtrustp11.so', self.listed())

    def test_a_module_file_of_others_is_left_alone(self):
        folder = self.home / '.config/pkcs11/modules'
        must(['install', '-d', '-o', STRANGER, folder])
        (folder / 'trustp11.module').write_text('remote: |ssh elsewhere\n')
        shutil.chown(folder / 'trustp11.module', STRANGER)
        self.assert_untouched('p11-kit', says=['remote: |ssh elsewhere'])

    def test_what_p11_kits_proxy_brings_is_not_loaded_twice(self):
        proxy = self.home / 'p11-kit-proxy.so'
        proxy.write_text('')
        folder = self.home / 'db'
        self.assert_ok(self.setup_of('nss', folder))
        with (folder / 'pkcs11.txt').open('a') as modules:
            modules.write(f'library={proxy}\nname=p11-kit-proxy\n\n')
        self.assert_ok(self.setup_of('nss', folder, '--remove'))
        self.assertEqual(len(self.changes('nss', folder, '--dry-run')), 1)  # p11-kit does not bring it yet
        self.assert_ok(self.setup_of('p11-kit'))
        done = self.setup_of('nss', folder)
        self.assert_ok(done)
        self.assertIn('see it already', done.out)
        self.assertNotIn('libtrustp11', (folder / 'pkcs11.txt').read_text())

    def test_p11_kit_and_doctor_tell_of_what_is_there_twice(self):
        self.assert_ok(self.setup_of('nss'))
        with (self.home / '.pki/nssdb/pkcs11.txt').open('a') as modules:
            modules.write('library=/usr/lib/p11-kit-proxy.so\nname=p11-kit-proxy\n\n')
        done = self.setup_of('p11-kit')
        self.assert_ok(done)
        self.assertIn(f'trustp11 setup nss {self.home}/.pki/nssdb --remove', done.out)
        told = self.as_other(self.bin_dir / CLI.name, 'doctor', '--module', self.bin_dir / MODULE.name).out
        self.assertIn('has the module twice', told)


@needs_root
class Machine(SetupTest):
    """--system, in a copy of /etc that this test's processes alone see."""

    def setUp(self):
        super().setUp()
        self.etc = self.home / 'etc'
        must(['cp', '-a', '/etc', self.etc])
        for name in ('firefox', 'trustp11', 'pkcs11/modules'):
            shutil.rmtree(self.etc / name, ignore_errors=True)
        (self.etc / 'pkcs11/modules').mkdir(parents=True)
        (self.etc / 'ssh/ssh_config.d').mkdir(parents=True, exist_ok=True)
        self.files = {'p11-kit': 'pkcs11/modules/trustp11.module', 'firefox': 'firefox/policies/policies.json',
                      'openssl': 'trustp11/openssl.cnf', 'ssh': 'ssh/ssh_config.d/trustp11.conf', 'java': 'trustp11/java.cfg'}

    def within(self, *arguments, env=None):
        return run(['unshare', '--mount', 'sh', '-c', f'mount --bind {self.etc} /etc && exec "$@"', 'sh', *arguments],
                   env=env or self.env)

    def setup_of(self, *words, env=None, module=MODULE, cwd=None):
        options = [] if '--remove' in words else ['--module', module]
        return self.within(CLI, 'setup', *words, '--system', *options, env=env)

    def test_there_and_back(self):
        for target, name in self.files.items():
            with self.subTest(target):
                self.expected = self.etc / name
                self.assert_round_trip(target)

    def in_between(self):
        self.assertIn(str(MODULE), self.expected.read_text())
        self.assertEqual(stat.S_IMODE(self.expected.stat().st_mode), 0o644)
        self.assertEqual(stat.S_IMODE(self.expected.parent.stat().st_mode) & 0o755, 0o755)

    def test_programs_see_it(self):
        for target in ('p11-kit', 'ssh'):
            self.assert_ok(self.setup_of(target))
        self.assertIn(str(MODULE), self.within('p11-kit', 'list-modules').out)
        self.assertIn(f'pkcs11provider {MODULE}', self.within('ssh', '-G', 'a').out)

    def test_p11_kit_for_root_alone_is_refused(self):
        self.assert_refused(self.within(CLI, 'setup', 'p11-kit', '--module', MODULE), 'say --system')

    def test_what_an_installed_package_brings_is_enough(self):
        (self.etc / 'pkcs11/modules/trustp11.module').write_text(f'module: {MODULE}\n')
        done = self.within(CLI, 'setup', 'firefox', '--module', MODULE)  # another target: p11-kit's file is its own place
        self.assert_refused(done, 'start it once')
        self.assert_refused(self.setup_of('p11-kit'), 'left alone')

    def test_policies_of_others_are_left_alone(self):
        policies = self.etc / 'firefox/policies/policies.json'
        policies.parent.mkdir(parents=True)
        policies.write_text('{"policies": {"DisableTelemetry": true}}\n')
        self.assert_untouched('firefox', says=['left alone', 'by hand', '"SecurityDevices"'])
        self.assert_ok(self.setup_of('firefox', '--remove'))
        self.assertIn('DisableTelemetry', policies.read_text())

    def test_policies_of_others_that_have_it_are_enough(self):
        policies = self.etc / 'firefox/policies/policies.json'
        policies.parent.mkdir(parents=True)
        policies.write_text(json.dumps({'policies': {'SecurityDevices': {'Add': {'trustp11': str(MODULE)}}, 'a': 1}}))
        self.assertEqual(self.changes('firefox'), [])


def foreign_module(path):
    """The module, said to be for a machine of another kind (e_machine, at 18)."""
    path.parent.mkdir(parents=True)
    content = bytearray(MODULE.read_bytes())
    content[18:20] = (243).to_bytes(2, 'little') if content[18] != 243 else (62).to_bytes(2, 'little')
    path.write_bytes(content)
    return path


class Doctor(SetupTest):
    def checks(self, name):
        done = run([CLI, 'doctor', '--module', MODULE, '--json'], env=self.env)
        return [check for check in json.loads(done.out) if check['name'] == name]

    def test_programs_that_know_it_and_programs_that_do_not(self):
        missing, = self.checks('programs')
        self.assertEqual((missing['verdict'], missing['advice'][:14]), ('note', 'trustp11 setup'))
        self.assertIn('ssh', missing['words'])
        self.assert_ok(self.setup_of('ssh'))
        self.assertEqual([check['verdict'] for check in self.checks('ssh')], ['ok'])
        self.assertNotIn('ssh', self.checks('programs')[0]['words'])

    def test_a_module_that_is_no_longer_there(self):
        gone = self.home / 'gone' / 'libtrustp11.so'
        gone.parent.mkdir()
        shutil.copy(MODULE, gone)
        for target in ('nss', 'ssh', 'java', 'openssl'):
            self.assert_ok(self.setup_of(target, module=gone))
            self.assertEqual({check['verdict'] for check in self.checks(target)}, {'ok'})
        gone.unlink()
        for target in ('nss', 'ssh', 'java', 'openssl'):
            for check in self.checks(target):
                self.assertEqual(check['verdict'], 'bad')
                self.assertIn(f'{gone}, which is not there', check['words'])
                self.assertIn(f'trustp11 setup {target}', check['advice'])

    def test_a_module_for_another_machine(self):
        foreign = foreign_module(self.home / 'foreign' / 'libtrustp11.so')
        self.write('.ssh/config', f'PKCS11Provider {foreign}\n')
        check, = self.checks('ssh')
        self.assertEqual(check['verdict'], 'bad')
        self.assertIn('another kind of machine', check['words'])

    def test_a_key_without_certificate(self):
        self.assertEqual(self.checks('certificates'), [])
        self.deployed.generate(self.alice, 'bare')
        check, = self.checks('certificates')
        self.assertEqual(check['verdict'], 'note')
        self.assertIn('"bare" has no certificate', check['words'])
        self.deployed.ok('key', 'delete', 'bare', '--user', 'alice', '--yes')
        self.assertEqual(self.checks('certificates'), [])


if __name__ == '__main__':
    unittest.main()
