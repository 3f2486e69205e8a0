# SPDX-License-Identifier: Apache-2.0
"""Secret keys of the session, with a real engine that hears nothing of them: what they make, Python and OpenSSL make as
well; and pkcs11-tool, which makes keys on tokens only, is told that these are none."""
import ctypes
import hashlib
import hmac
import json
import subprocess
import sys
import unittest

from cryptoki import PYTHON, Attribute, Cryptoki, CryptokiError, Mechanism
from deployment import MODULE, PATIENCE_S, must
from programs import AliceTest

KEY, IV, DATA = bytes(range(32)), bytes(range(100, 116)), b'what is kept from others, more than once' * 9
SECRET_KEY, AES, GENERIC = 4, 0x1F, 0x10
CLASS, TOKEN, PRIVATE, VALUE, KEY_TYPE, VALUE_LEN = 0x0, 0x1, 0x2, 0x11, 0x100, 0x161
AES_KEY_GEN, AES_CBC_PAD, AES_CMAC, SHA256_HMAC, SHA3_256_HMAC = 0x1080, 0x1085, 0x108A, 0x251, 0x2B1


# -- in a process of its own --

def ulong(value):
    return bytes(ctypes.c_ulong(value))


def template_of(attributes):
    kept = [(kind, ctypes.create_string_buffer(value, len(value))) for kind, value in attributes]
    made = (Attribute * len(kept))(*[Attribute(kind, ctypes.addressof(value), len(value)) for kind, value in kept])
    made.kept = kept
    return made, ctypes.c_ulong(len(kept))


class Work(Cryptoki):
    """A session in which each thing that is asked for answers in hex, or with the name of its refusal."""

    def create(self, session, kind, value, *more):
        key = ctypes.c_ulong()
        template = template_of([(CLASS, ulong(SECRET_KEY)), (KEY_TYPE, ulong(kind)), (VALUE, value), *more])
        self.call('C_CreateObject', session, *template, ctypes.byref(key))
        return key

    def generate(self, session, *more):
        key, mechanism = ctypes.c_ulong(), Mechanism(AES_KEY_GEN, None, 0)
        self.call('C_GenerateKey', session, ctypes.byref(mechanism), *template_of([(VALUE_LEN, ulong(32)), *more]),
                  ctypes.byref(key))
        return key

    def make(self, function, session, mechanism, key, data, iv=None):
        parameter = None if iv is None else ctypes.create_string_buffer(iv, len(iv))
        made = Mechanism(mechanism, None if iv is None else ctypes.addressof(parameter), len(iv or b''))
        room, length = ctypes.create_string_buffer(len(data) + 64), ctypes.c_ulong(len(data) + 64)
        self.call(f'C_{function}Init', session, ctypes.byref(made), key)
        self.call(f'C_{function}', session, data, ctypes.c_ulong(len(data)), room, ctypes.byref(length))
        return room.raw[:length.value]

    def refusal(self, function, *arguments):
        try:
            function(*arguments)
        except CryptokiError as error:
            return error.name
        return 'OK'


def work(module, pin):
    token = Work(module)
    token.call('C_Initialize', None)
    opened = token.open(rw=True)
    session, answers = ctypes.c_ulong(opened), {}
    answers['create without a login'] = token.refusal(token.create, session, AES, KEY)
    public = token.create(session, AES, KEY, (PRIVATE, b'\0'))
    answers['public'] = token.make('Encrypt', session, AES_CBC_PAD, public, DATA, IV).hex()
    token.login(opened, pin)
    aes, generic = token.create(session, AES, KEY), token.create(session, GENERIC, KEY)
    answers['encrypted'] = token.make('Encrypt', session, AES_CBC_PAD, aes, DATA, IV).hex()
    answers['decrypted'] = token.make('Decrypt', session, AES_CBC_PAD, aes, bytes.fromhex(answers['encrypted']), IV).hex()
    answers['cmac'] = token.make('Sign', session, AES_CMAC, aes, DATA).hex()
    answers['sha256'] = token.make('Sign', session, SHA256_HMAC, generic, DATA).hex()
    answers['sha3-256'] = token.make('Sign', session, SHA3_256_HMAC, generic, DATA).hex()
    answers['generate'] = token.refusal(token.generate, session)
    answers['generate on the token'] = token.refusal(token.generate, session, (TOKEN, b'\1'))
    private = ctypes.c_ulong(token.find(opened, 'private')[0])
    answers["a user's key"] = token.refusal(token.make, 'Decrypt', session, AES_CBC_PAD, private, DATA, IV)
    token.logout(opened)
    answers['private after logout'] = token.refusal(token.make, 'Sign', session, AES_CMAC, aes, DATA)
    answers['public after logout'] = token.refusal(token.make, 'Sign', session, AES_CMAC, public, DATA)
    token.call('C_Finalize', None)
    print(json.dumps(answers))


# -- the tests --

class SecretKeys(AliceTest):
    def work(self):
        done = subprocess.run([PYTHON, __file__, 'work', MODULE], input=self.alice.pin_and_code(), text=True,
                              env=self.deployed.env, capture_output=True, timeout=PATIENCE_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def openssl_encrypts(self):
        path, out = self.deployed.dir / 'plain', self.deployed.dir / 'encrypted'
        path.write_bytes(DATA)
        must(['openssl', 'enc', '-aes-256-cbc', '-K', KEY.hex(), '-iv', IV.hex(), '-in', path, '-out', out])
        return out.read_bytes().hex()

    def test_they_do_what_others_do_with_the_same_key_and_the_log_has_nothing_of_it(self):
        answers = self.work()
        self.assertEqual(answers['encrypted'], self.openssl_encrypts())
        self.assertEqual(answers['public'], answers['encrypted'])
        self.assertEqual(bytes.fromhex(answers['decrypted']), DATA)
        self.assertEqual(answers['sha256'], hmac.new(KEY, DATA, hashlib.sha256).hexdigest())
        self.assertEqual(answers['sha3-256'], hmac.new(KEY, DATA, hashlib.sha3_256).hexdigest())
        cmac = must(['openssl', 'mac', '-cipher', 'AES-256-CBC', '-macopt', f'hexkey:{KEY.hex()}', '-in',
                     self.deployed.dir / 'plain', 'CMAC'])
        self.assertEqual(answers['cmac'], cmac.strip().lower())
        self.assertEqual(answers['generate'], 'OK')
        self.assertEqual(self.entries('sign'), [])
        self.assertEqual(len(self.entries('login')), 1)

    def test_what_they_are_refused(self):
        answers = self.work()
        self.assertEqual(answers['create without a login'], 'USER_NOT_LOGGED_IN')
        self.assertEqual(answers['generate on the token'], 'TEMPLATE_INCONSISTENT')
        self.assertEqual(answers["a user's key"], 'KEY_TYPE_INCONSISTENT')
        self.assertEqual(answers['private after logout'], 'KEY_HANDLE_INVALID')
        self.assertEqual(answers['public after logout'], 'OK')

    def test_pkcs11_tool_makes_none_on_the_token_and_lists_what_there_is(self):
        done = self.deployed.pkcs11_tool('--token-label', 'alice', '-l', '-p', self.alice.pin_and_code(), '--keygen',
                                         '--key-type', 'AES:32', '--label', 'k2')
        self.assertNotEqual(done.status, 0)
        self.assertIn('CKR_TEMPLATE_INCONSISTENT', done.out + done.err)
        listed = self.deployed.pkcs11_tool('-M').out
        for name, use in (('AES-GCM', 'encrypt, decrypt'), ('SHA256-HMAC', 'sign, verify'), ('AES-KEY-GEN', 'generate'),
                          ('AES-CMAC', 'sign, verify')):
            line = next((line for line in listed.splitlines() if line.strip().startswith(name + ',')), '')
            self.assertIn(use, line, listed)

    def test_pkcs11_tool_hashes(self):
        path, out = self.deployed.dir / 'plain', self.deployed.dir / 'digest'
        path.write_bytes(DATA)
        done = self.deployed.pkcs11_tool('--token-label', 'alice', '--hash', '-m', 'SHA3-384', '-i', path, '-o', out)
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(out.read_bytes(), hashlib.sha3_384(DATA).digest())


if __name__ == '__main__':
    if sys.argv[1:2] == ['work']:
        work(sys.argv[2], sys.stdin.read())
    else:
        unittest.main()
