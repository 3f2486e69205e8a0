# SPDX-License-Identifier: Apache-2.0
"""A reader with a smart card, as PC/SC and OpenSC see them: pcscd with the driver vpcd, and smart_card.c behind it."""
import pathlib
import socket
import subprocess

from tools import SMART_CARD, must, run, wait_until

PCSCD = '/run/pcscd/pcscd.comm'
VPCD = 35963  # the port that Debian's configuration of the driver has
OPENSC = next(pathlib.Path('/usr/lib').glob('*/opensc-pkcs11.so'), None)


def answers(path):
    with socket.socket(socket.AF_UNIX) as end:
        return end.connect_ex(path) == 0


class Reader:
    """Of the machine's pcscd, if one is running; otherwise of one that ends with close()."""

    def __init__(self):
        self.daemon = None if answers(PCSCD) else subprocess.Popen(['pcscd', '--foreground'], stdout=subprocess.DEVNULL,
                                                                   stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: answers(PCSCD), 'pcscd does not answer')
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()


class Card:
    """In the reader until taken_out(): the key and certificate of LEAF (RSA), which want PIN."""

    def __init__(self, folder, leaf, pin):
        self.database, self.process = folder / 'card', None
        self.database.mkdir()
        for name, content in (('card.pin', pin), ('card.none', '')):
            (folder / name).write_text(content + '\n')
        bundle = folder / 'card.p12'
        must(['openssl', 'pkcs12', '-export', '-inkey', leaf.key, '-in', leaf.certificate, '-name', 'card', '-passout', 'pass:',
              '-out', bundle])
        must(['certutil', '-N', '-d', f'sql:{self.database}', '-f', folder / 'card.pin'])
        must(['pk12util', '-i', bundle, '-d', f'sql:{self.database}', '-k', folder / 'card.pin', '-w', folder / 'card.none'])
        self.put_in()

    def put_in(self):
        self.process = subprocess.Popen([SMART_CARD, self.database, str(VPCD), 'card'], stderr=subprocess.PIPE)
        wait_until(self.is_there, 'OpenSC does not see the card')

    def is_there(self):
        if self.process.poll() is not None:
            raise AssertionError(self.process.stderr.read())
        return 'token label' in run(['pkcs11-tool', '--module', OPENSC, '-L']).out

    def take_out(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process.stderr.close()
            self.process = None
