# SPDX-License-Identifier: Apache-2.0
"""Writes a program that does nothing, for what signs such: pe.py windows|efi FILE"""
import struct
import sys

SUBSYSTEM = {'windows': 3, 'efi': 10}  # console; EFI application
ALIGNMENT, PAGE = 512, 4096


def padded(octets):
    return octets + bytes(-len(octets) % ALIGNMENT)


def program(subsystem):
    code = padded(b'\x31\xc0\xc3')  # xor eax, eax; ret
    dos = b'MZ' + bytes(58) + struct.pack('<I', 64)
    coff = struct.pack('<HHIIIHH', 0x8664, 1, 0, 0, 0, 112 + 16 * 8, 0x0022)
    standard = struct.pack('<HBBIIIII', 0x20b, 1, 0, len(code), 0, 0, PAGE, PAGE)
    windows = struct.pack('<QIIHHHHHHIIIIHHQQQQII', 0x140000000, PAGE, ALIGNMENT, 6, 0, 0, 0, 6, 0, 0, 2 * PAGE,
                          ALIGNMENT, 0, subsystem, 0x0100, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    section = struct.pack('<8sIIIIIIHHI', b'.text', 3, PAGE, len(code), ALIGNMENT, 0, 0, 0, 0, 0x60000020)
    return padded(dos + b'PE\0\0' + coff + standard + windows + bytes(16 * 8) + section) + code


with open(sys.argv[2], 'wb') as out:
    out.write(program(SUBSYSTEM[sys.argv[1]]))
