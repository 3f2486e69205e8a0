# SPDX-License-Identifier: Apache-2.0
"""As much DER as the fake services need: to take requests apart, and to put answers together that no honest program makes."""
import time

INTEGER, OCTETS, NULL, OID, ENUMERATED, SEQUENCE, SET = 0x02, 0x04, 0x05, 0x06, 0x0a, 0x30, 0x31
GENERALIZED_TIME, BIT_STRING, BOOLEAN = 0x18, 0x03, 0x01


def tlv(tag, *contents):
    content = b''.join(contents)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, 'big')
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def sequence(*contents):
    return tlv(SEQUENCE, *contents)


def integer(value):
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, 'big'))


def oid(dotted):
    first, second, *rest = map(int, dotted.split('.'))
    octets = b''
    for arc in [40 * first + second, *rest]:
        groups = [arc & 0x7f]
        while arc := arc >> 7:
            groups.append(0x80 | arc & 0x7f)
        octets += bytes(reversed(groups))
    return tlv(OID, octets)


def generalized_time(seconds):
    return tlv(GENERALIZED_TIME, time.strftime('%Y%m%d%H%M%SZ', time.gmtime(seconds)).encode())


def items(content):
    """The elements one after the other: (tag, content, whole)."""
    found, at = [], 0
    while at < len(content):
        begin, tag, length = at, content[at], content[at + 1]
        at += 2
        if length & 0x80:
            octets = length & 0x7f
            length, at = int.from_bytes(content[at:at + octets], 'big'), at + octets
        if at + length > len(content):
            raise ValueError('DER that is cut off')
        found.append((tag, content[at:at + length], content[begin:at + length]))
        at += length
    return found


def inside(der):
    """The elements of the one constructed element that DER is."""
    (_, content, _), = items(der)
    return items(content)
