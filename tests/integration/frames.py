# SPDX-License-Identifier: Apache-2.0
"""The engine's protocol by hand (ipc/frame.h), for saying what no proper client would, and as whom one likes."""
import contextlib
import os
import socket
import struct

from tools import PATIENCE_S

OP = {'hello': 1, 'token': 2, 'objects': 3, 'login': 4, 'cert import': 50, 'crl import': 51, 'policy show': 61}
HEADER = struct.Struct('<IHHIIHHI')
OK = 0


def varint(value):
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, value):
    """A text or bytes."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def frame(op, body=b'', number=1, wait_ms=20000, secret=b''):
    return HEADER.pack(len(body), OP[op], 0, number, wait_ms, len(secret), 0, 0) + body + secret


class Connection:
    """A connection of UID, greeted unless it was turned away: then `refused` says with what words."""

    def __init__(self, path, uid=0, hello=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        os.seteuid(uid)  # the kernel tells the engine who connects
        try:
            self.socket.connect(str(path))
        finally:
            os.seteuid(0)
        self.refused = None
        if hello:
            with contextlib.suppress(BrokenPipeError):  # who is turned away is told so before having said anything
                self.send(frame('hello', b'\x08\x01' + field(2, b'frames')))
            rc, _, body = self.read()
            self.refused = words_of(body) if rc != OK else None

    def send(self, data):
        self.socket.sendall(data)

    def _exactly(self, length):
        parts = []
        while length > 0:
            part = self.socket.recv(min(length, 1 << 20))
            if not part:
                raise ConnectionError('the engine has closed the connection')
            parts.append(part)
            length -= len(part)
        return b''.join(parts)

    def read(self):
        """Code, number and body of the next answer."""
        body_len, _, rc, number, _, first, second, _ = HEADER.unpack(self._exactly(HEADER.size))
        body = self._exactly(body_len)
        self._exactly(first + second)
        return rc, number, body

    def ask(self, *arguments, **named):
        self.send(frame(*arguments, **named))
        rc, _, body = self.read()
        return rc, body

    def is_served(self):
        return self.ask('token', field(1, b'alice'))[0] == OK

    def is_closed(self):
        """Closed by the engine, which is waited for."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        return True

    def close(self):
        self.socket.close()


def words_of(failure):
    """Failure.words: its first field."""
    length = failure[1] & 0x7f | (failure[2] << 7 if failure[1] & 0x80 else 0)
    begin = 3 if failure[1] & 0x80 else 2
    return failure[begin:begin + length].decode()
