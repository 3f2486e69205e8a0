# SPDX-License-Identifier: Apache-2.0
"""Where the programs under test are, and how they are run and waited for."""
import collections
import os
import pathlib
import subprocess
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('TP_BUILD', SOURCE / 'build')).resolve()
CLI = BUILD / 'src/cli/trustp11'
ENGINE = BUILD / 'src/server/trustp11d'
MODULE = BUILD / 'src/p11/libtrustp11.so'
FAULT = BUILD / 'tests/fault/pkcs11_fault.so'
SIGNER = BUILD / 'tests/integration/signer'
SMART_CARD = BUILD / 'tests/integration/smart-card'
SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so'

NOBODY = 65534  # a uid that nothing belongs to
PATIENCE_S = 30  # for what should take a moment: a test that waits so long has failed

CKR = {'OK': 0x0, 'DEVICE_ERROR': 0x30, 'DEVICE_REMOVED': 0x32, 'FUNCTION_REJECTED': 0x200, 'PIN_INCORRECT': 0xa0,
       'PIN_LOCKED': 0xa4, 'USER_NOT_LOGGED_IN': 0x101, 'USER_ALREADY_LOGGED_IN': 0x100,
       'KEY_FUNCTION_NOT_PERMITTED': 0x68}

Result = collections.namedtuple('Result', 'status out err')


def needs_root(test):
    return unittest.skipUnless(os.geteuid() == 0, 'needs root')(test)


def wait_until(condition, what):
    """For what no program tells us of. Returns the condition's value."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f'{what}: not within {PATIENCE_S} s')


def write_private(path, content):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return path


def run(arguments, stdin='', env=None, timeout=PATIENCE_S, text=True, folder=None):
    done = subprocess.run([str(a) for a in arguments], input=stdin if text else stdin.encode(), env=env, text=text,
                          capture_output=True, timeout=timeout, check=False, cwd=folder)
    return Result(done.returncode, done.stdout, done.stderr)


def must(arguments, **options):
    done = run(arguments, **options)
    assert done.status == 0, f'{arguments}: {done.status}\n{done.out}\n{done.err}'
    return done.out


def as_nobody(*arguments):
    """The command line, to be run as a user who is nobody to the deployment (needs root)."""
    return ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups', *arguments]
