# SPDX-License-Identifier: Apache-2.0
"""A clock that a test sets, for the programs that it starts: tests/integration/clock_fake.c is preloaded into them.

    clock = FakeClock(folder / 'clock')
    run([CLI, ...], env={**env, **clock.env})            # tells the time that the clock tells
    clock.move_to(time.time() + 400 * DAY)               # from there it goes on, for programs that run already, too
    clock.set(synchronised=False)                        # as the kernel says it of its discipline
"""
import time

from tools import BUILD

LIBRARY = BUILD / 'tests/integration/libclock-fake.so'


class FakeClock:
    def __init__(self, path):
        self.path = path
        self.env = {'LD_PRELOAD': str(LIBRARY), 'CLOCK_FAKE': str(path)}
        self.set()

    def set(self, synchronised=True, error_us=1000, offset_us=0):
        """OFFSET_US: from the real time of day."""
        self.offset_us = offset_us
        fresh = self.path.with_suffix('.new')
        fresh.write_text(f'{int(synchronised)} {error_us} {offset_us}\n')
        fresh.rename(self.path)

    def move_to(self, seconds):
        self.set(offset_us=int((seconds - time.time()) * 1000000))

    def now(self):
        """Seconds since 1970, UTC."""
        return time.time() + self.offset_us / 1000000
