# SPDX-License-Identifier: Apache-2.0
"""What the tests that load the module themselves share: programs, other uids, and what they are answered."""
import pwd
import shutil
import subprocess

import deployment
from cryptoki import CryptokiError, Program, guess_at_once
from deployment import CLI, ENGINE, MODULE, PATIENCE_S, DeploymentTest, Result, wait_until

STRANGER = 'nobody'  # a uid that is neither ours nor the engine's
TRIES = 5  # conf/engine.conf: [pin] tries


class ProgramTest(DeploymentTest):
    def program(self, deployed, **options):
        """A process that uses the module, with a session open."""
        program = Program(options.pop('module', MODULE), options.pop('environment', deployed.env), **options)
        self.addCleanup(program.end)
        return program

    def assert_ckr(self, name, function, *arguments, **named):
        with self.assertRaises(CryptokiError) as caught:
            function(*arguments, **named)
        self.assertEqual(caught.exception.name, name, caught.exception)

    def assert_public(self, program):
        """The session has fallen back, or does so within the second for which the module believes what it was told."""
        wait_until(lambda: program.state().endswith('_PUBLIC'), 'the session is not in the public state')
        self.assertEqual(program.objects('private'), [])

    def assert_user(self, program):
        self.assertTrue(program.state().endswith('_USER'), program.state())
        self.assertNotEqual(program.objects('private'), [])

    def tries_left(self, deployed, name='alice'):
        return deployed.user_row(name)['tries_left']

    def guess_at_once(self, deployed, pins):
        return guess_at_once(MODULE, deployed.env, pins)

    # -- other uids --

    def admit_others(self, deployed):
        """Lets other uids reach socket, module and command line, wherever the build lies."""
        bin_dir = deployed.dir / 'bin'
        if not bin_dir.exists():
            bin_dir.mkdir()
            for path in (CLI, ENGINE, MODULE):
                shutil.copy(path, bin_dir)
        for folder in (bin_dir, deployed.dir, deployed.place):
            folder.chmod(0o711)
        return bin_dir

    def stranger(self, deployed, **options):
        """A program of another uid."""
        return self.program(deployed, module=self.admit_others(deployed) / MODULE.name, user=STRANGER, **options)

    def cli_as(self, user, deployed, *arguments, stdin=''):
        program = self.admit_others(deployed) / CLI.name
        done = subprocess.run([program, *map(str, arguments)], input=stdin, env=deployed.env, text=True, cwd='/',
                              capture_output=True, timeout=PATIENCE_S, check=False, **identity(user))
        return Result(done.returncode, done.stdout, done.stderr)


class AliceTest(ProgramTest):
    """A deployment of each test's own, with one user and her key."""
    settings = {}

    def setUp(self):
        self.deployed = self.deploy(settings=self.settings)
        self.alice = self.deployed.alice()

    def wrong(self):
        """The right PIN with a wrong code."""
        return self.alice.pin + self.alice.wrong_code()

    def logged_in(self):
        program = self.program(self.deployed)
        program.login(self.alice.pin_and_code())
        return program

    def entries(self, action):
        return [entry for entry in self.deployed.audit() if entry['action'] == action]

    def assert_verifies(self, data, signature):
        self.assertTrue(self.deployed.verify_signature(self.alice, data, signature))


def identity(name):
    """Options of Popen that make a process NAME's."""
    return {'user': name, 'group': pwd.getpwnam(name).pw_gid, 'extra_groups': []}


needs_root = deployment.needs_root
