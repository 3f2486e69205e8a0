# SPDX-License-Identifier: Apache-2.0
"""Writes a binary AndroidManifest.xml, for Android 5 and later: apk_manifest.py FILE"""
import struct
import sys

STRINGS = ['minSdkVersion', 'android', 'http://schemas.android.com/apk/res/android', 'manifest', 'uses-sdk', 'package',
           'jp.example.trustp11']
NONE = 0xffffffff


def chunk(kind, header, body=b''):
    return struct.pack('<HHI', kind, 8 + len(header), 8 + len(header) + len(body)) + header + body


def strings():
    offsets, data = [], b''
    for text in STRINGS:
        offsets.append(len(data))
        data += struct.pack('<H', len(text)) + text.encode('utf-16-le') + b'\0\0'
    data += bytes(-len(data) % 4)
    start = 28 + 4 * len(offsets)
    return chunk(1, struct.pack('<IIIII', len(offsets), 0, 0, start, 0),
                 struct.pack(f'<{len(offsets)}I', *offsets) + data)


def node(kind, body):
    return chunk(kind, struct.pack('<II', 1, NONE), body)


def start(name, *attributes):
    return node(0x102, struct.pack('<IIHHHHHH', NONE, name, 20, 20, len(attributes), 0, 0, 0) + b''.join(attributes))


def end(name):
    return node(0x103, struct.pack('<II', NONE, name))


package = struct.pack('<IIIHBBI', NONE, 5, 6, 8, 0, 3, 6)
min_sdk = struct.pack('<IIIHBBI', 2, 0, NONE, 8, 0, 0x10, 21)
namespace = struct.pack('<II', 1, 2)
document = (strings() + chunk(0x180, b'', struct.pack('<I', 0x0101020c)) + node(0x100, namespace) + start(3, package)
            + start(4, min_sdk) + end(4) + end(3) + node(0x101, namespace))
with open(sys.argv[1], 'wb') as out:
    out.write(chunk(3, b'', document))
