# SPDX-License-Identifier: Apache-2.0
"""What `meson install` puts where, with --prefix=/usr as a distribution does it: into a scratch folder, nothing else."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ('src/cli/trustp11', 'src/server/trustp11d', 'src/p11/libtrustp11.so')
NOBODY = 65534

# Everything, below /usr; LIBDIR is the machine's.
INSTALLED = {
    'bin/trustp11', 'sbin/trustp11d', '{libdir}/pkcs11/libtrustp11.so', 'share/p11-kit/modules/trustp11.module',
    'lib/systemd/system/trustp11d.service', 'lib/sysusers.d/trustp11.conf', 'lib/tmpfiles.d/trustp11.conf',
    'share/man/man1/trustp11.1', 'share/man/man5/trustp11.conf.5', 'share/man/man7/libtrustp11.7',
    'share/man/man8/trustp11d.8', 'share/bash-completion/completions/trustp11', 'share/zsh/site-functions/_trustp11',
    'share/fish/vendor_completions.d/trustp11.fish', 'share/doc/trustp11/examples/engine.conf',
    'share/doc/trustp11/examples/trustp11.conf', 'share/doc/trustp11/examples/documents.conf',
    'share/man/man5/documents.conf.5',
}


def must(*arguments, **options):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f'{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}'
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix='trustp11-install-'))
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)
        cls.scratch.chmod(0o755)  # nobody looks at it too
        build, cls.root = cls.scratch / 'build', cls.scratch / 'root'
        must('meson', 'setup', '--prefix=/usr', '-Doptimization=0', build, SOURCE)
        must('ninja', '-C', build, *PROGRAMS)
        must('meson', 'install', '-C', build, '--no-rebuild', '--destdir', cls.root)
        cls.usr = cls.root / 'usr'
        cls.module = next(cls.usr.glob('lib*/**/pkcs11/libtrustp11.so'))
        cls.libdir = cls.module.parents[1].relative_to(cls.usr).as_posix()

    def text(self, path):
        return (self.usr / path).read_text(encoding='utf-8')

    def test_each_file_lies_where_it_must_and_there_is_no_other(self):
        found = {path.relative_to(self.usr).as_posix() for path in self.usr.rglob('*') if path.is_file()}
        self.assertEqual(found, {path.format(libdir=self.libdir) for path in INSTALLED})
        self.assertEqual([path.name for path in self.root.iterdir()], ['usr'])

    def test_all_can_read_and_only_the_owner_can_write(self):
        programs = {'bin/trustp11', 'sbin/trustp11d', f'{self.libdir}/pkcs11/libtrustp11.so'}
        for path in self.usr.rglob('*'):
            mode, name = path.stat().st_mode & 0o777, path.relative_to(self.usr).as_posix()
            self.assertEqual(mode, 0o755 if path.is_dir() or name in programs else 0o644, name)

    def test_the_unit_starts_the_installed_program_with_the_usual_configuration(self):
        unit = self.text('lib/systemd/system/trustp11d.service')
        self.assertIn('\nExecStart=/usr/sbin/trustp11d engine --config /etc/trustp11/engine.conf\n', unit)
        self.assertNotIn('@', re.sub(r'(?m)^#.*$|@(system-service|privileged|mount|debug)', '', unit))
        self.assertIn('\n#ReadWritePaths=', unit)

    def test_units_user_and_folders_are_the_same_everywhere(self):
        unit = self.text('lib/systemd/system/trustp11d.service')
        user = re.search(r'(?m)^User=(.*)$', unit)[1]
        self.assertIn(f'\nu {user} ', self.text('lib/sysusers.d/trustp11.conf'))
        for folder in re.findall(r'(?m)^d (\S+)', self.text('lib/tmpfiles.d/trustp11.conf')):
            name = {'run': 'Runtime', 'lib': 'State', 'etc': 'Configuration'}[folder.split('/')[-2]]
            self.assertIn(f'\n{name}Directory={folder.split("/")[-1]}\n', unit)

    def test_the_programs_run_and_know_where_the_others_are(self):
        self.assertRegex(must(self.usr / 'bin/trustp11', '--version'), r'^trustp11 \d')
        self.assertIn('trustp11d', must(self.usr / 'sbin/trustp11d', '--help'))
        self.assertIn(f'/usr/{self.libdir}/pkcs11/libtrustp11.so'.encode(), (self.usr / 'bin/trustp11').read_bytes())
        self.assertIn(b'/usr/sbin/trustp11d', self.module.read_bytes())

    def test_completion_is_of_the_installed_program(self):
        for shell, path in (('bash', 'share/bash-completion/completions/trustp11'),
                            ('zsh', 'share/zsh/site-functions/_trustp11'),
                            ('fish', 'share/fish/vendor_completions.d/trustp11.fish')):
            self.assertEqual(must(self.usr / 'bin/trustp11', '--completion', shell), self.text(path))

    def named_module(self):
        return re.search(r'(?m)^module: (.*)$', self.text('share/p11-kit/modules/trustp11.module'))[1]

    def test_p11_kit_finds_the_module_by_the_name_in_its_file(self):
        """A name without a path is looked for in p11-kit's own folder."""
        folder = must('pkg-config', '--variable=p11_module_path', 'p11-kit-1').strip()
        self.assertEqual(pathlib.PurePath(folder) / self.named_module(),
                         pathlib.PurePath('/usr') / self.libdir / 'pkcs11/libtrustp11.so')

    def deploy(self):
        """An engine of the same build, that others may ask."""
        os.environ['TP_BUILD'] = str(self.scratch / 'build')
        sys.path.insert(0, str(SOURCE / 'tests/integration'))
        from deployment import Deployment  # which reads TP_BUILD as it is loaded
        deployed = Deployment(users=('alice', 'bob'))
        self.addCleanup(deployed.close)
        for name in deployed.user_names:
            deployed.ok('user', 'add', name)
        for folder in (deployed.dir, deployed.place):
            folder.chmod(0o711)
        return deployed

    def test_p11_kit_shows_the_modules_tokens(self):
        """With the scratch folder's path in the file, as a user registers it; root has no such file of their own."""
        modules, deployed = self.scratch / 'home/.config/pkcs11/modules', self.deploy()
        modules.mkdir(parents=True)
        (modules / 'trustp11.module').write_text(
            self.text('share/p11-kit/modules/trustp11.module').replace(self.named_module(), str(self.module)))
        as_user = []
        if os.geteuid() == 0:
            as_user = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups']
        listed = must(*as_user, 'p11-kit', 'list-modules', env={
            'PATH': os.environ['PATH'], 'HOME': str(self.scratch / 'home'), 'TRUSTP11_CONF': str(deployed.client_conf)})
        ours = re.search(r'(?m)^trustp11: (?P<path>\S+)\n(?P<rest>(?:^ .*\n)*)', listed)
        self.assertEqual(ours['path'], str(self.module))
        self.assertEqual(re.findall(r'(?m)^ +token: (.*)$', ours['rest']), ['alice', 'bob'])


if __name__ == '__main__':
    unittest.main()
