/* SPDX-License-Identifier: Apache-2.0
 *
 * The operations of the engine: one table, from which the frames' type numbers, the limits on their bodies, the permit
 * table (authn/permit.h) and the engine's handlers are made. Numbers are for ever; new ones go to the end of their group.
 */
#ifndef TP_IPC_OPERATION_H
#define TP_IPC_OPERATION_H

#include <stddef.h>
#include <stdint.h>

#define TP_IPC_PROTOCOL 1 /* another one as soon as a request gets a field: the engine refuses those that it does not know */
#define TP_IPC_BODY_SMALL ((size_t)16 << 10)
#define TP_IPC_BODY_CHAIN ((size_t)256 << 10) /* a certificate and its issuers */
#define TP_IPC_BODY_LARGE ((size_t)12 << 20) /* CRLs of large CAs */
#define TP_IPC_REPLY_MAX ((size_t)32 << 20)
#define TP_IPC_SECRETS_MAX 2

/* name, number, words for logs and permits, request message, reply message (Tp__Ipc__…), most body bytes, secrets in the request */
#define TP_IPC_OPERATIONS(X)                                                                                           \
    X(HELLO, 1, "hello", HelloRequest, HelloReply, TP_IPC_BODY_SMALL, 0)                                               \
    X(TOKEN, 2, "token", TokenRequest, TokenReply, TP_IPC_BODY_SMALL, 0)                                               \
    X(OBJECTS, 3, "objects", ObjectsRequest, ObjectsReply, TP_IPC_BODY_SMALL, 0)                                       \
    X(LOGIN, 4, "login", LoginRequest, LoginReply, TP_IPC_BODY_SMALL, 1)                                               \
    X(LOGOUT, 5, "logout", LogoutRequest, Empty, TP_IPC_BODY_SMALL, 0)                                                 \
    X(AUTHORISATION, 6, "authorisation", AuthorisationRequest, AuthorisationReply, TP_IPC_BODY_SMALL, 0)               \
    X(SIGN, 7, "sign", SignRequest, SignReply, TP_IPC_BODY_SMALL, 0)                                                   \
    X(CSR, 8, "key csr", CsrRequest, DerReply, TP_IPC_BODY_SMALL, 0)                                                   \
    X(PIN_CHANGE, 9, "pin change", PinChangeRequest, Empty, TP_IPC_BODY_SMALL, 2)                                      \
    X(ENROL, 10, "enrol", EnrolRequest, EnrolReply, TP_IPC_BODY_SMALL, 2)                                              \
    X(ENROL_CONFIRM, 11, "enrol confirm", EnrolConfirmRequest, Empty, TP_IPC_BODY_SMALL, 2)                            \
    X(APPROVAL_LIST, 12, "approval list", UserRequest, ApprovalListReply, TP_IPC_BODY_SMALL, 0)                        \
    X(APPROVAL_GIVE, 13, "approval give", ApprovalRequest, Empty, TP_IPC_BODY_SMALL, 1)                                \
    X(APPROVAL_REFUSE, 14, "approval refuse", ApprovalRequest, Empty, TP_IPC_BODY_SMALL, 0)                            \
    X(EVENTS, 15, "events", EventsRequest, EventsReply, TP_IPC_BODY_SMALL, 0)                                          \
    X(TIMESTAMP, 16, "timestamp", TimestampRequest, DerReply, TP_IPC_BODY_SMALL, 0)                                    \
    X(USER_ADD, 20, "user add", UserAddRequest, UserAddReply, TP_IPC_BODY_SMALL, 0)                                    \
    X(USER_LIST, 21, "user list", ListRequest, UserListReply, TP_IPC_BODY_SMALL, 0)                                    \
    X(USER_SUSPEND, 22, "user suspend", UserRequest, Empty, TP_IPC_BODY_SMALL, 0)                                      \
    X(USER_RESUME, 23, "user resume", UserRequest, Empty, TP_IPC_BODY_SMALL, 0)                                        \
    X(USER_UNLOCK, 24, "user unlock", UserRequest, Empty, TP_IPC_BODY_SMALL, 0)                                        \
    X(USER_CLOSE, 25, "user close", UserRequest, Empty, TP_IPC_BODY_SMALL, 0)                                          \
    X(USER_RESET, 26, "user reset", UserRequest, UserAddReply, TP_IPC_BODY_SMALL, 0)                                   \
    X(USER_ERASE, 27, "user erase", UserRequest, Empty, TP_IPC_BODY_SMALL, 0)                                          \
    X(PIN_INIT, 28, "pin init", PinInitRequest, PinInitReply, TP_IPC_BODY_SMALL, 1)                                    \
    X(TOKEN_INIT, 29, "token init", TokenInitRequest, TokenInitReply, TP_IPC_BODY_SMALL, 0)                            \
    X(FACTOR_ADD, 30, "factor add", FactorAddRequest, Factor, TP_IPC_BODY_SMALL, 1)                                    \
    X(FACTOR_LIST, 31, "factor list", FactorRequest, FactorListReply, TP_IPC_BODY_SMALL, 0)                            \
    X(FACTOR_REMOVE, 32, "factor remove", FactorRequest, Empty, TP_IPC_BODY_SMALL, 0)                                  \
    X(KEY_GENERATE, 40, "key generate", KeyGenerateRequest, KeyReply, TP_IPC_BODY_SMALL, 0)                            \
    X(KEY_STATE, 41, "key state", KeyRequest, KeyReply, TP_IPC_BODY_SMALL, 0)                                          \
    X(KEY_DELETE, 42, "key delete", KeyRequest, Empty, TP_IPC_BODY_SMALL, 0)                                           \
    X(KEY_IMPORT, 43, "key import", KeyImportRequest, KeyReply, TP_IPC_BODY_SMALL, 1)                                  \
    X(KEY_CHANGE, 44, "key change", KeyChangeRequest, KeyReply, TP_IPC_BODY_SMALL, 0)                                  \
    X(OBJECT_PUT, 45, "object put", ObjectRequest, ObjectReply, TP_IPC_BODY_SMALL, 0)                                  \
    X(OBJECT_DELETE, 46, "object delete", ObjectRequest, Empty, TP_IPC_BODY_SMALL, 0)                                  \
    X(CERT_IMPORT, 50, "cert import", CertificateRequest, KeyReply, TP_IPC_BODY_CHAIN, 0)                              \
    X(CRL_IMPORT, 51, "crl import", CrlRequest, CrlReply, TP_IPC_BODY_LARGE, 0)                                        \
    X(CERT_REMOVE, 52, "cert remove", KeyRequest, KeyReply, TP_IPC_BODY_SMALL, 0)                                      \
    X(TSA_KEY_MAKE, 53, "tsa key make", TsaKeyRequest, TsaKeyReply, TP_IPC_BODY_SMALL, 0)                              \
    X(TSA_KEY_CSR, 54, "tsa key csr", TsaCsrRequest, DerReply, TP_IPC_BODY_SMALL, 0)                                   \
    X(TSA_CERT_IMPORT, 55, "tsa cert import", TsaCertificateRequest, TsaKeyReply, TP_IPC_BODY_CHAIN, 0)                \
    X(POLICY_EXPLAIN, 60, "policy explain", ExplainRequest, ExplainReply, TP_IPC_BODY_SMALL, 0)                        \
    X(POLICY_SHOW, 61, "policy show", Empty, SettingsReply, TP_IPC_BODY_SMALL, 0)                                      \
    X(AUDIT_LIST, 70, "audit list", AuditListRequest, AuditListReply, TP_IPC_BODY_SMALL, 0)                            \
    X(AUDIT_CHECKPOINT, 71, "audit checkpoint", Empty, CheckpointReply, TP_IPC_BODY_SMALL, 0)                          \
    X(STATUS, 80, "status", Empty, StatusReply, TP_IPC_BODY_SMALL, 0)                                                  \
    X(DOCTOR, 81, "doctor", Empty, DoctorReply, TP_IPC_BODY_SMALL, 0)                                                  \
    X(ACCEPT, 82, "accept", AcceptRequest, Empty, TP_IPC_BODY_SMALL, 0)

enum tp_ipc_op {
#define TP_IPC_ENUM(name, number, words, request, reply, most, secrets) TP_OP_##name = (number),
    TP_IPC_OPERATIONS(TP_IPC_ENUM)
#undef TP_IPC_ENUM
};
#define TP_IPC_OP_END 128 /* numbers are below this */

/* SignRequest.mechanism: what the engine's HSM does; all hashing but that inside EdDSA is the client's. The numbers are
 * those of enum tp_hsm_mechanism, a header that clients do not see. */
enum tp_ipc_primitive {
    TP_IPC_RSA_PKCS = 1, /* data: a DigestInfo */
    TP_IPC_RSA_PSS,      /* data: a hash; hash_bits, mgf_bits and salt_len count */
    TP_IPC_ECDSA,        /* data: a hash */
    TP_IPC_EDDSA         /* data: the message */
};

struct ProtobufCMessageDescriptor;
struct tp_ipc_operation {
    enum tp_ipc_op op;
    const char *words;
    const struct ProtobufCMessageDescriptor *request, *reply;
    size_t most; /* bytes of the request's body */
    unsigned secrets;
};
/* NULL when there is no such operation. */
const struct tp_ipc_operation *tp_ipc_operation(unsigned number);
size_t tp_ipc_operations_len(void);
/* By the row's place in the table, 0 … tp_ipc_operations_len()-1; NULL past its end. */
const struct tp_ipc_operation *tp_ipc_operation_at(size_t index);

#endif
