# SPDX-License-Identifier: Apache-2.0
"""People, their PINs and their one-time codes (RFC 4226, RFC 6238)."""
import base64
import hashlib
import hmac
import time
import urllib.parse


def hotp(seed, counter, digits=6):
    mac = hmac.new(seed, counter.to_bytes(8, 'big'), hashlib.sha1).digest()
    at = mac[-1] & 15
    return str((int.from_bytes(mac[at:at + 4], 'big') & 0x7fffffff) % 10 ** digits).zfill(digits)


class User:
    """Somebody enrolled. HOTP counts, so that tests need not wait for the next code."""

    def __init__(self, name, pin, uri):
        parts = urllib.parse.urlsplit(uri)
        fields = urllib.parse.parse_qs(parts.query)
        self.name, self.pin, self.uri = name, pin, uri
        self.kind = parts.netloc
        self.secret = fields['secret'][0]
        self.seed = base64.b32decode(self.secret + '=' * (-len(self.secret) % 8))
        self.digits = int(fields['digits'][0])
        self.period = int(fields.get('period', ['30'])[0])
        self.counter = int(fields.get('counter', ['0'])[0])
        self.codes = []  # that were given out

    def code(self):
        """A code that has not been used."""
        if self.kind == 'totp':
            # a step earlier and a step later count as well: three codes without waiting
            earliest = int(time.time()) // self.period - 1
            self.counter = max(self.counter, earliest)
            assert self.counter <= earliest + 2, 'no code is left: use HOTP'
        self.counter += 1
        self.codes.append(hotp(self.seed, self.counter - 1, self.digits))
        return self.codes[-1]

    def used_code(self):
        return self.codes[-1]

    def wrong_code(self):
        """Neither one of those that the engine looks at next, nor one that was used."""
        near = {hotp(self.seed, at, self.digits) for at in range(max(0, self.counter - 50), self.counter + 200)}
        return next(code for code in (str(at).zfill(self.digits) for at in range(1000)) if code not in near)

    def pin_and_code(self):
        return self.pin + self.code()
