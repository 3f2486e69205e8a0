# SPDX-License-Identifier: Apache-2.0
"""A consumer of the module: threads of a program that sign, on command."""
import subprocess
import threading

from tools import MODULE, PATIENCE_S, SIGNER


class Signer:
    """signer.c, running: what it has signed and what has failed, as it comes."""

    def __init__(self, deployment, user, key, threads=1):
        self.process = subprocess.Popen([SIGNER, MODULE, user.name, key, str(threads)], env=deployment.env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.signed = []  # (hash, signature), in hex
        self.failed = []  # (function, CKR)
        self.answers = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            words = line.split()
            with self.changed:
                if words[0] == 'signed':
                    self.signed.append((words[1], words[2]))
                elif words[0] == 'failed':
                    self.failed.append((words[1], int(words[2], 16)))
                else:
                    self.answers.append(words)
                self.changed.notify_all()

    def _say(self, line):
        self.process.stdin.write(line + '\n')
        self.process.stdin.flush()

    def _wait(self, condition, what, timeout=PATIENCE_S):
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                raise AssertionError(f'signer: {what}: not within {timeout} s; {self.failed} {self.answers}')

    def _answer(self, name, timeout=PATIENCE_S):
        found = []

        def there():
            found[:] = [words for words in self.answers if words[0] == name]
            return found
        self._wait(there, f'no answer "{name}"', timeout)
        self.answers.remove(found[0])
        return found[0]

    def login(self, pin):
        self._say('login ' + pin)
        return int(self._answer('login')[1], 16)

    def begin(self, count=0):
        """Lets all threads sign, until one fails or stop()."""
        self._say(f'sign {count}')

    def wait_signed(self, count):
        self._wait(lambda: len(self.signed) >= count or self.failed, f'{count} signatures')

    def wait_failed(self):
        self._wait(lambda: self.failed, 'a failure')

    def wait_idle(self, timeout=PATIENCE_S):
        self._answer('idle', timeout)

    def stop(self):
        self._say('stop')
        self.wait_idle()

    def sign(self, count=1):
        """COUNT signatures of each thread; what was made and what failed, this time."""
        made, failed = len(self.signed), len(self.failed)
        self.begin(count)
        self.wait_idle()
        return self.signed[made:], self.failed[failed:]

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        if self.process.poll() is None:
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode
