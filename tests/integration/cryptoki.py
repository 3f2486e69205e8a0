# SPDX-License-Identifier: Apache-2.0
"""PKCS#11 from Python: the module in this process (Cryptoki), or in a program of its own (Program).

Tests use Program: whether a login counts depends on the process that asks, and a module that is loaded into the test's
own process would be one process for all tests.
"""
import _ctypes
import ctypes
import json
import os
import pathlib
import pwd
import subprocess
import sys
import threading

FUNCTIONS = """C_Initialize C_Finalize C_GetInfo C_GetFunctionList C_GetSlotList C_GetSlotInfo C_GetTokenInfo
C_GetMechanismList C_GetMechanismInfo C_InitToken C_InitPIN C_SetPIN C_OpenSession C_CloseSession C_CloseAllSessions
C_GetSessionInfo C_GetOperationState C_SetOperationState C_Login C_Logout C_CreateObject C_CopyObject C_DestroyObject
C_GetObjectSize C_GetAttributeValue C_SetAttributeValue C_FindObjectsInit C_FindObjects C_FindObjectsFinal
C_EncryptInit C_Encrypt C_EncryptUpdate C_EncryptFinal C_DecryptInit C_Decrypt C_DecryptUpdate C_DecryptFinal
C_DigestInit C_Digest C_DigestUpdate C_DigestKey C_DigestFinal C_SignInit C_Sign C_SignUpdate C_SignFinal
C_SignRecoverInit C_SignRecover C_VerifyInit C_Verify C_VerifyUpdate C_VerifyFinal C_VerifyRecoverInit C_VerifyRecover
C_DigestEncryptUpdate C_DecryptDigestUpdate C_SignEncryptUpdate C_DecryptVerifyUpdate C_GenerateKey C_GenerateKeyPair
C_WrapKey C_UnwrapKey C_DeriveKey C_SeedRandom C_GenerateRandom C_GetFunctionStatus C_CancelFunction
C_WaitForSlotEvent""".split()

RETURN_VALUES = {
    0x000: "OK", 0x002: "HOST_MEMORY", 0x003: "SLOT_ID_INVALID", 0x005: "GENERAL_ERROR", 0x006: "FUNCTION_FAILED",
    0x007: "ARGUMENTS_BAD", 0x008: "NO_EVENT", 0x010: "ATTRIBUTE_READ_ONLY", 0x020: "DATA_INVALID",
    0x021: "DATA_LEN_RANGE", 0x030: "DEVICE_ERROR", 0x0D1: "TEMPLATE_INCONSISTENT",
    0x031: "DEVICE_MEMORY", 0x032: "DEVICE_REMOVED", 0x054: "FUNCTION_NOT_SUPPORTED", 0x060: "KEY_HANDLE_INVALID",
    0x063: "KEY_TYPE_INCONSISTENT", 0x068: "KEY_FUNCTION_NOT_PERMITTED", 0x070: "MECHANISM_INVALID",
    0x071: "MECHANISM_PARAM_INVALID", 0x082: "OBJECT_HANDLE_INVALID", 0x090: "OPERATION_ACTIVE",
    0x091: "OPERATION_NOT_INITIALIZED", 0x0A0: "PIN_INCORRECT", 0x0A1: "PIN_INVALID", 0x0A2: "PIN_LEN_RANGE", 0x0A3: "PIN_EXPIRED",
    0x0A4: "PIN_LOCKED", 0x0B6: "SESSION_EXISTS", 0x0B7: "SESSION_READ_ONLY_EXISTS",
    0x0B8: "SESSION_READ_WRITE_SO_EXISTS", 0x104: "USER_ANOTHER_ALREADY_LOGGED_IN",
    0x0B3: "SESSION_HANDLE_INVALID", 0x0B5: "SESSION_READ_ONLY", 0x0C0: "SIGNATURE_INVALID",
    0x0C1: "SIGNATURE_LEN_RANGE", 0x0E0: "TOKEN_NOT_PRESENT", 0x0E2: "TOKEN_WRITE_PROTECTED",
    0x100: "USER_ALREADY_LOGGED_IN", 0x101: "USER_NOT_LOGGED_IN", 0x102: "USER_PIN_NOT_INITIALIZED",
    0x103: "USER_TYPE_INVALID", 0x104: "USER_ANOTHER_ALREADY_LOGGED_IN", 0x190: "CRYPTOKI_NOT_INITIALIZED", 0x191: "CRYPTOKI_ALREADY_INITIALIZED",
    0x200: "FUNCTION_REJECTED",
}
MECHANISMS = {
    "RSA_PKCS": 0x01, "SHA1_RSA_PKCS": 0x06, "SHA224_RSA_PKCS": 0x46, "SHA256_RSA_PKCS": 0x40, "SHA384_RSA_PKCS": 0x41,
    "SHA512_RSA_PKCS": 0x42, "SHA3_224_RSA_PKCS": 0x66, "SHA3_256_RSA_PKCS": 0x60, "SHA3_384_RSA_PKCS": 0x61,
    "SHA3_512_RSA_PKCS": 0x62, "RSA_PKCS_PSS": 0x0D, "SHA1_RSA_PKCS_PSS": 0x0E, "SHA224_RSA_PKCS_PSS": 0x47,
    "SHA256_RSA_PKCS_PSS": 0x43, "SHA384_RSA_PKCS_PSS": 0x44, "SHA512_RSA_PKCS_PSS": 0x45, "ECDSA": 0x1041,
    "ECDSA_SHA1": 0x1042, "ECDSA_SHA224": 0x1043, "ECDSA_SHA256": 0x1044, "ECDSA_SHA384": 0x1045,
    "ECDSA_SHA512": 0x1046, "ECDSA_SHA3_224": 0x1047, "ECDSA_SHA3_256": 0x1048, "ECDSA_SHA3_384": 0x1049,
    "ECDSA_SHA3_512": 0x104A, "EDDSA": 0x1057, "MD5_RSA_PKCS": 0x05, "RSA_X_509": 0x03, "SHA_1": 0x220,
    "SHA224": 0x255, "SHA256": 0x250, "SHA384": 0x260, "SHA512": 0x270, "SHA3_224": 0x2B5, "SHA3_256": 0x2B0,
    "SHA3_384": 0x2C0, "SHA3_512": 0x2D0,
}
MASK_GENERATORS = {"SHA_1": 1, "SHA256": 2, "SHA384": 3, "SHA512": 4, "SHA224": 5}
CLASSES = {"data": 0, "certificate": 1, "public": 2, "private": 3, "profile": 9}
ATTRIBUTES = {"CLASS": 0x0, "TOKEN": 0x1, "LABEL": 0x3, "VALUE": 0x11, "CERTIFICATE_TYPE": 0x80,
              "SERIAL_NUMBER": 0x82, "SUBJECT": 0x101, "ID": 0x102, "PUBLIC_KEY_INFO": 0x129,
              "ALWAYS_AUTHENTICATE": 0x202}
STATES = ["RO_PUBLIC", "RO_USER", "RW_PUBLIC", "RW_USER", "RW_SO"]
TOKEN_FLAGS = {
    0x1: "RNG", 0x2: "WRITE_PROTECTED", 0x4: "LOGIN_REQUIRED", 0x8: "USER_PIN_INITIALIZED",
    0x100: "PROTECTED_AUTHENTICATION_PATH", 0x400: "TOKEN_INITIALIZED", 0x10000: "USER_PIN_COUNT_LOW",
    0x20000: "USER_PIN_FINAL_TRY", 0x40000: "USER_PIN_LOCKED", 0x80000: "USER_PIN_TO_BE_CHANGED",
}
PYTHON = "/usr/bin/python3"  # not sys.executable: that may lie in a home where programs of other uids cannot go
SERIAL_SESSION, RW_SESSION, OFFICER, USER, CONTEXT_SPECIFIC = 0x4, 0x2, 0, 1, 2
FIRST_MEMBER = 8  # of the function list: the version, filled up to a pointer's alignment
DONT_BLOCK = 1


class CryptokiError(Exception):
    """NAME: the CKR_ that a function answered, without its prefix."""

    def __init__(self, function, name):
        super().__init__(f"{function}: CKR_{name}")
        self.function = function
        self.name = name


class Mechanism(ctypes.Structure):
    _fields_ = [("type", ctypes.c_ulong), ("parameter", ctypes.c_void_p), ("length", ctypes.c_ulong)]


class PssParameters(ctypes.Structure):
    _fields_ = [("hash", ctypes.c_ulong), ("mgf", ctypes.c_ulong), ("salt_length", ctypes.c_ulong)]


class Attribute(ctypes.Structure):
    _fields_ = [("type", ctypes.c_ulong), ("value", ctypes.c_void_p), ("length", ctypes.c_ulong)]


class SessionInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulong) for name in ("slot", "state", "flags", "error")]


class Interface(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("functions", ctypes.c_void_p), ("flags", ctypes.c_ulong)]


class TokenInfo(ctypes.Structure):
    _fields_ = [("label", ctypes.c_char * 32), ("manufacturer", ctypes.c_char * 32), ("model", ctypes.c_char * 16),
                ("serial", ctypes.c_char * 16), ("flags", ctypes.c_ulong), ("sessions_most", ctypes.c_ulong),
                ("sessions", ctypes.c_ulong), ("rw_sessions_most", ctypes.c_ulong), ("rw_sessions", ctypes.c_ulong),
                ("pin_most", ctypes.c_ulong), ("pin_least", ctypes.c_ulong), ("memory", ctypes.c_ulong * 4),
                ("versions", ctypes.c_ubyte * 4), ("time", ctypes.c_char * 16)]


def mechanism_of(name, pss):
    """pss: [hash, mask generator's hash, salt length] for the PSS mechanisms."""
    made = Mechanism(MECHANISMS[name], None, 0)
    if pss is not None:
        made.kept = PssParameters(MECHANISMS[pss[0]], MASK_GENERATORS[pss[1]], pss[2])
        made.parameter = ctypes.addressof(made.kept)
        made.length = ctypes.sizeof(made.kept)
    return made


def template_of(attributes):
    values = []
    for name, value in attributes.items():
        if name == "CLASS":
            value = ctypes.c_ulong(CLASSES[value])
        else:
            value = ctypes.create_string_buffer(value, len(value))
        values.append((ATTRIBUTES[name], value))
    made = (Attribute * len(values))(*[Attribute(kind, ctypes.addressof(value), ctypes.sizeof(value))
                                       for kind, value in values])
    made.kept = values
    return made


class Cryptoki:
    """The module in this process."""

    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        listed = ctypes.c_void_p()
        if self.library.C_GetFunctionList(ctypes.byref(listed)) != 0:
            raise CryptokiError("C_GetFunctionList", "?")
        prototype = ctypes.CFUNCTYPE(ctypes.c_ulong)
        table = (ctypes.c_void_p * len(FUNCTIONS)).from_address(listed.value + FIRST_MEMBER)
        self.functions = {name: prototype(table[at]) for at, name in enumerate(FUNCTIONS)}

    def call(self, name, *arguments):
        number = self.functions[name](*arguments)
        if number != 0:
            raise CryptokiError(name, RETURN_VALUES.get(number, hex(number)))

    def initialize(self):
        self.call("C_Initialize", None)

    def finalize(self):
        self.call("C_Finalize", None)

    def slots(self):
        count = ctypes.c_ulong()
        self.call("C_GetSlotList", ctypes.c_ubyte(1), None, ctypes.byref(count))
        found = (ctypes.c_ulong * count.value)()
        self.call("C_GetSlotList", ctypes.c_ubyte(1), found, ctypes.byref(count))
        return list(found)

    def token(self, slot=0):
        info = TokenInfo()
        self.call("C_GetTokenInfo", ctypes.c_ulong(slot), ctypes.byref(info))
        return {"label": info.label.decode().rstrip(), "pin_least": info.pin_least, "pin_most": info.pin_most,
                "flags": [name for bit, name in TOKEN_FLAGS.items() if info.flags & bit]}

    def mechanisms(self, slot=0):
        count = ctypes.c_ulong()
        self.call("C_GetMechanismList", ctypes.c_ulong(slot), None, ctypes.byref(count))
        found = (ctypes.c_ulong * count.value)()
        self.call("C_GetMechanismList", ctypes.c_ulong(slot), found, ctypes.byref(count))
        names = {number: name for name, number in MECHANISMS.items()}
        return [names.get(number, hex(number)) for number in found]

    def open(self, slot=0, rw=False):
        session = ctypes.c_ulong()
        flags = SERIAL_SESSION | (RW_SESSION if rw else 0)
        self.call("C_OpenSession", ctypes.c_ulong(slot), ctypes.c_ulong(flags), None, None, ctypes.byref(session))
        return session.value

    def close(self, session):
        self.call("C_CloseSession", ctypes.c_ulong(session))

    def state(self, session):
        info = SessionInfo()
        self.call("C_GetSessionInfo", ctypes.c_ulong(session), ctypes.byref(info))
        return STATES[info.state]

    def login(self, session, pin, user=USER):
        pin = pin.encode()
        self.call("C_Login", ctypes.c_ulong(session), ctypes.c_ulong(user), pin, ctypes.c_ulong(len(pin)))

    def logout(self, session):
        self.call("C_Logout", ctypes.c_ulong(session))

    def login_user(self, session, name, pin):
        """PKCS#11 3.0: behind what 2.40 has, after C_GetInterfaceList and C_GetInterface."""
        found, name, pin = ctypes.POINTER(Interface)(), name.encode(), pin.encode()
        if self.library.C_GetInterface(None, None, ctypes.byref(found), ctypes.c_ulong(0)) != 0:
            raise CryptokiError("C_GetInterface", "?")
        at = found.contents.functions + FIRST_MEMBER + (len(FUNCTIONS) + 2) * ctypes.sizeof(ctypes.c_void_p)
        self.functions["C_LoginUser"] = ctypes.CFUNCTYPE(ctypes.c_ulong)(ctypes.c_void_p.from_address(at).value)
        self.call("C_LoginUser", ctypes.c_ulong(session), ctypes.c_ulong(USER), pin, ctypes.c_ulong(len(pin)), name,
                  ctypes.c_ulong(len(name)))

    def event(self, flags=DONT_BLOCK):
        """The slot that something has happened in."""
        slot = ctypes.c_ulong()
        self.call("C_WaitForSlotEvent", ctypes.c_ulong(flags), ctypes.byref(slot), None)
        return slot.value

    def begin_waiting(self):
        """For an event, in a thread: end_waiting says what came."""
        answers = []

        def work():
            try:
                answers.append(self.event(0))
            except CryptokiError as error:
                answers.append(error.name)

        self.waiting = threading.Thread(target=work, daemon=True), answers
        self.waiting[0].start()

    def end_waiting(self, patience):
        """None: nothing has come within PATIENCE seconds, and it waits on."""
        self.waiting[0].join(patience)
        return self.waiting[1][0] if self.waiting[1] else None

    def threads(self):
        return len(os.listdir("/proc/self/task"))

    def set_pin(self, session, old, new):
        old, new = old.encode(), new.encode()
        self.call("C_SetPIN", ctypes.c_ulong(session), old, ctypes.c_ulong(len(old)), new, ctypes.c_ulong(len(new)))

    def create_data(self, label, value, count):
        """Puts data on the token until that is refused, or COUNT are there. Returns how many."""
        template = template_of({"CLASS": "data", "TOKEN": b"\x01", "LABEL": label.encode(), "VALUE": value.encode()})
        session, created = self.open(rw=True), ctypes.c_ulong()
        for done in range(count):
            try:
                self.call("C_CreateObject", ctypes.c_ulong(session), template, ctypes.c_ulong(len(template)),
                          ctypes.byref(created))
            except CryptokiError:
                return done
        return count

    def create_certificate(self, session, attributes):
        """Puts one on the token; ATTRIBUTES: in hex."""
        given = {name: bytes.fromhex(value) for name, value in attributes.items()}
        template = template_of({"CLASS": "certificate", "CERTIFICATE_TYPE": bytes(ctypes.c_ulong(0)), "TOKEN": b"\x01", **given})
        created = ctypes.c_ulong()
        self.call("C_CreateObject", ctypes.c_ulong(session), template, ctypes.c_ulong(len(template)), ctypes.byref(created))
        return created.value

    def change(self, session, handle, attributes):
        template = template_of({name: bytes.fromhex(value) for name, value in attributes.items()})
        self.call("C_SetAttributeValue", ctypes.c_ulong(session), ctypes.c_ulong(handle), template,
                  ctypes.c_ulong(len(template)))

    def init_pin(self, session, pin):
        pin = pin.encode()
        self.call("C_InitPIN", ctypes.c_ulong(session), pin, ctypes.c_ulong(len(pin)))

    def init_token(self, slot, pin, label):
        pin = pin.encode()
        self.call("C_InitToken", ctypes.c_ulong(slot), pin, ctypes.c_ulong(len(pin)), label.encode().ljust(32))

    def find(self, session, kind, label=None):
        attributes = {"CLASS": kind}
        if label is not None:
            attributes["LABEL"] = label.encode()
        template = template_of(attributes)
        found, count = (ctypes.c_ulong * 64)(), ctypes.c_ulong()
        self.call("C_FindObjectsInit", ctypes.c_ulong(session), template, ctypes.c_ulong(len(template)))
        self.call("C_FindObjects", ctypes.c_ulong(session), found, ctypes.c_ulong(64), ctypes.byref(count))
        self.call("C_FindObjectsFinal", ctypes.c_ulong(session))
        return list(found[:count.value])

    def attribute(self, session, handle, name):
        wanted = Attribute(ATTRIBUTES[name], None, 0)
        self.call("C_GetAttributeValue", ctypes.c_ulong(session), ctypes.c_ulong(handle), ctypes.byref(wanted),
                  ctypes.c_ulong(1))
        room = ctypes.create_string_buffer(wanted.length)
        wanted.value = ctypes.addressof(room)
        self.call("C_GetAttributeValue", ctypes.c_ulong(session), ctypes.c_ulong(handle), ctypes.byref(wanted),
                  ctypes.c_ulong(1))
        return room.raw.hex()

    def login_at_once(self, pins):
        """One thread and session for each PIN. Returns what each was answered."""
        answers = [None] * len(pins)
        barrier = threading.Barrier(len(pins))

        def work(at, pin):
            session = self.open()
            barrier.wait()
            try:
                self.login(session, pin)
                answers[at] = "OK"
            except CryptokiError as error:
                answers[at] = error.name

        threads = [threading.Thread(target=work, args=(at, pin)) for at, pin in enumerate(pins)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def sign_init(self, session, mechanism, key, pss=None):
        made = mechanism_of(mechanism, pss)
        self.call("C_SignInit", ctypes.c_ulong(session), ctypes.byref(made), ctypes.c_ulong(key))

    def sign_finish(self, session, data):
        room, length = ctypes.create_string_buffer(1024), ctypes.c_ulong(1024)
        if data is None:
            self.call("C_SignFinal", ctypes.c_ulong(session), room, ctypes.byref(length))
        else:
            data = bytes.fromhex(data)
            self.call("C_Sign", ctypes.c_ulong(session), data, ctypes.c_ulong(len(data)), room, ctypes.byref(length))
        return room.raw[:length.value].hex()

    def sign_update(self, session, part):
        part = bytes.fromhex(part)
        self.call("C_SignUpdate", ctypes.c_ulong(session), part, ctypes.c_ulong(len(part)))

    def verify(self, session, mechanism, key, data, signature, pss=None):
        made, data, signature = mechanism_of(mechanism, pss), bytes.fromhex(data), bytes.fromhex(signature)
        self.call("C_VerifyInit", ctypes.c_ulong(session), ctypes.byref(made), ctypes.c_ulong(key))
        self.call("C_Verify", ctypes.c_ulong(session), data, ctypes.c_ulong(len(data)), signature,
                  ctypes.c_ulong(len(signature)))


    # -- processes and libraries come and go --

    def in_child(self, steps):
        """Forks; the child takes STEPS, each a method's name and its arguments ('session': the one that it opened
        last). Returns what each was answered, or the name of what it was refused with."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(write, json.dumps(self.take(steps)).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as answers:
            taken = answers.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return json.loads(taken) if status == 0 else f"ended with {status}"

    def take(self, steps):
        answers, session = [], None
        for name, *arguments in steps:
            try:
                arguments = [session if argument == "session" else argument for argument in arguments]
                answers.append(getattr(self, name)(*arguments))
                session = answers[-1] if name == "open" else session
            except CryptokiError as error:
                answers.append(error.name)
        return answers

    def come_and_go(self, count, pin):
        """Loads the module and lets it go COUNT times, logged in once. Returns descriptors, threads and mappings of it
        before, and after."""
        path = self.library._name
        self.let_go()
        seen = [traces(path)]
        for _ in range(count):
            self.__init__(path)
            self.initialize()
            session = self.open()
            self.token()
            self.login(session, pin)
            self.find(session, "private")
            self.finalize()
            self.let_go()
        seen.append(traces(path))
        self.__init__(path)
        return seen

    def let_go(self):
        _ctypes.dlclose(self.library._handle)


def traces(path):
    maps = pathlib.Path("/proc/self/maps").read_text(encoding="utf-8")
    return [len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), maps.count(path)]


# ---- a program of its own ----

def serve(path):
    """Answers Program's questions, one JSON object a line, until its standard input ends."""
    module = Cryptoki(path)
    for line in sys.stdin:
        name, arguments, named = json.loads(line)
        try:
            answer = {"value": getattr(module, name)(*arguments, **named)}
        except CryptokiError as error:
            answer = {"function": error.function, "error": error.name}
        print(json.dumps(answer), flush=True)


class Program:
    """A process that uses the module as any consumer does: initialised, with one session (R/O) open.

    ENVIRONMENT must say TRUSTP11_CONF. What the module refuses is raised as CryptokiError.
    """

    def __init__(self, path, environment, user=None, initialize=True, slot=0):
        source = pathlib.Path(__file__).read_text(encoding="utf-8")  # which USER need not be able to read
        self.process = subprocess.Popen([PYTHON, "-c", source, str(path)], env=environment, user=user,
                                        group=None if user is None else pwd.getpwnam(user).pw_gid,
                                        extra_groups=None if user is None else [], cwd="/",
                                        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lock = threading.Lock()
        self.session = None
        if initialize:
            try:
                self.initialize()
                self.session = self.ask("open", slot)
            except CryptokiError:
                self.end()
                raise

    def ask(self, name, *arguments, **named):
        with self.lock:
            self.process.stdin.write(json.dumps([name, arguments, named]) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        if answer == "":
            raise AssertionError(f"the program ended in {name}: status {self.process.wait()}")
        answer = json.loads(answer)
        if "error" in answer:
            raise CryptokiError(answer["function"], answer["error"])
        return answer["value"]

    def initialize(self):
        self.ask("initialize")

    def finalize(self):
        self.session = None
        self.ask("finalize")

    def open(self, slot=0, rw=False):
        self.session = self.ask("open", slot, rw)
        return self.session

    def token(self, slot=0):
        return self.ask("token", slot)

    def state(self):
        return self.ask("state", self.session)

    def login(self, pin):
        self.ask("login", self.session, pin)

    def login_as_officer(self, pin):
        self.ask("login", self.session, pin, OFFICER)

    def init_pin(self, pin):
        self.ask("init_pin", self.session, pin)

    def set_pin(self, old, new):
        self.ask("set_pin", self.session, old, new)

    def init_token(self, slot, pin, label):
        self.ask("init_token", slot, pin, label)

    def close(self):
        self.ask("close", self.session)
        self.session = None

    def login_user(self, name, pin):
        self.ask("login_user", self.session, name, pin)

    def login_for_signature(self, pin):
        """Between sign_init and sign_finish."""
        self.ask("login", self.session, pin, CONTEXT_SPECIFIC)

    def logout(self):
        self.ask("logout", self.session)

    def objects(self, kind, label=None):
        return self.ask("find", self.session, kind, label)

    def sign_init(self, mechanism="ECDSA_SHA256", label=None, pss=None, key=None):
        if key is None:
            found = self.objects("private", label)
            if not found:
                raise CryptokiError("C_FindObjects", "NO_PRIVATE_KEY")
            key = found[0]
        self.ask("sign_init", self.session, mechanism, key, pss=pss)

    def sign(self, mechanism="ECDSA_SHA256", data=b"what is signed", label=None, pss=None, key=None):
        self.sign_init(mechanism, label, pss, key)
        return bytes.fromhex(self.ask("sign_finish", self.session, data.hex()))

    def sign_in_parts(self, mechanism, parts, label=None, pss=None):
        self.sign_init(mechanism, label, pss)
        for part in parts:
            self.ask("sign_update", self.session, part.hex())
        return bytes.fromhex(self.ask("sign_finish", self.session, None))

    def verify(self, mechanism, data, signature, label=None, pss=None):
        key = self.objects("public", label)[0]
        self.ask("verify", self.session, mechanism, key, data.hex(), signature.hex(), pss=pss)

    def attribute(self, handle, name):
        return bytes.fromhex(self.ask("attribute", self.session, handle, name))

    def public_key(self, label=None):
        """SubjectPublicKeyInfo, in DER."""
        return self.attribute(self.objects("public", label)[0], "PUBLIC_KEY_INFO")

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(timeout=30)
        self.process.stdout.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.end()


# ---- many at once ----

def guess(path, environment, pin, ready, go):
    """In a child: one C_Login, when told to. Its answer is the child's exit status."""
    os.environ.clear()
    os.environ.update(environment)
    answer = "?"
    try:
        module = Cryptoki(path)
        module.initialize()
        session = module.open()
        os.write(ready, b".")
        os.read(go, 1)  # its end is closed for all children at once
        module.login(session, pin)
        answer = "OK"
    except CryptokiError as error:
        answer = error.name
    names = list(RETURN_VALUES.values())
    os._exit(names.index(answer) if answer in names else 255)


def guess_at_once(path, environment, pins):
    """One process for each PIN, and all call C_Login at the same moment. Returns what each was answered."""
    ready_read, ready = os.pipe()
    go, go_write = os.pipe()
    children = []
    for pin in pins:
        child = os.fork()
        if child == 0:
            os.close(go_write)
            guess(path, environment, pin, ready, go)
        children.append(child)
    os.close(ready)
    waiting = 0
    while waiting < len(pins):
        seen = os.read(ready_read, len(pins))
        if seen == b"":
            break  # some ended before: their status says why
        waiting += len(seen)
    os.close(go_write)
    names = list(RETURN_VALUES.values()) + ["?"] * (256 - len(RETURN_VALUES))
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    os.close(ready_read)
    os.close(go)
    return [names[status] if status >= 0 else f"signal {-status}" for status in statuses]


if __name__ == "__main__":
    serve(sys.argv[1])
