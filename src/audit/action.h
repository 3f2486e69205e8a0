/* SPDX-License-Identifier: Apache-2.0
 *
 * The names of actions and outcomes in audit entries: one table, so that no two rooms call one thing by two names. A
 * name that has once been written stays: logs are read for years. An auditor's program takes names that it does not
 * know.
 */
#ifndef TP_AUDIT_ACTION_H
#define TP_AUDIT_ACTION_H

/* constant, name in the log, words for people */
#define TP_ACTION_TABLE(X)                                                                                             \
    X(LOGIN, "login", "a login opened an authorisation, or was refused")                                               \
    X(LOGIN_TRY, "login.try", "a try was counted before PIN or code were looked at")                                   \
    X(LOGIN_ENDED, "login.ended", "an authorisation ended")                                                            \
    X(LOGIN_APPROVAL, "login.approval", "a login that waited for its owner's approval was refused")                    \
    X(LOGOUT, "logout", "an authorisation was to be ended by its owner")                                               \
    X(SIGN, "sign", "a signature was asked for")                                                                       \
    X(SIGN_COMPLETED, "sign.completed", "signatures have been made, or have failed")                                   \
    X(OUTCOME_UNKNOWN, "outcome.unknown", "the engine ended before the outcome of a signature was recorded")           \
    X(ENROL, "enrol", "a user set a PIN and began a second factor")                                                    \
    X(ENROL_CONFIRM, "enrol.confirm", "a user confirmed the second factor with a first code")                          \
    X(PIN_CHANGE, "pin.change", "a PIN was changed")                                                                   \
    X(PIN_CHANGE_LOGIN, "pin.change.login", "both factors were checked for a change of PIN")                           \
    X(USER_ADD, "user.add", "a user was added")                                                                        \
    X(USER_SUSPEND, "user.suspend", "a user was suspended")                                                            \
    X(USER_RESUME, "user.resume", "a user's suspension was lifted")                                                    \
    X(USER_UNLOCK, "user.unlock", "a user's lock after wrong PINs was lifted")                                         \
    X(USER_CLOSE, "user.close", "a user was closed")                                                                   \
    X(USER_ERASE, "user.erase", "what was known of a closed user was erased, and the name beside the log")             \
    X(USER_RESET, "user.reset", "a user's PIN, factor and keys were given up for a new enrolment")                     \
    X(PIN_INIT, "pin.init", "an officer set a PIN that is good only for setting another, or an enrolment code")        \
    X(TOKEN_INIT, "token.init", "a user's PIN and keys were given up, and the token has a label; or a user was added")  \
    X(USER_REREAD, "user.reread", "what memory knew of a user was read anew, after a write of unknown outcome")        \
    X(FACTOR_ADD, "factor.add", "a second factor was registered")                                                      \
    X(FACTOR_REMOVE, "factor.remove", "a second factor was removed")                                                   \
    X(KEY_GENERATE, "key.generate", "a key was generated")                                                             \
    X(KEY_IMPORT, "key.import", "a key that was made elsewhere was imported")                                         \
    X(KEY_STATE, "key.state", "a key was suspended, doubted, revoked or resumed")                                      \
    X(KEY_DELETE, "key.delete", "a key was destroyed")                                                                 \
    X(KEY_CHANGE, "key.change", "a key's label or id, or its certificate's label, was changed")                         \
    X(KEY_CSR, "key.csr", "a certificate request was made")                                                            \
    X(OBJECT_PUT, "object.put", "an object was put beside a user's keys, or changed")                                  \
    X(OBJECT_DELETE, "object.delete", "an object beside a user's keys was deleted")                                    \
    X(CERT_IMPORT, "cert.import", "a certificate was imported")                                                        \
    X(CERT_REMOVE, "cert.remove", "a key's certificate and its issuers were taken away")                                \
    X(CRL_IMPORT, "crl.import", "a revocation list was imported and kept, or stopped a key")                                    \
    X(LOOK, "look", "somebody was refused a look; the detail says at what")                                            \
    X(TIMESTAMP, "tsa.timestamp", "a timestamp was asked for")                                                         \
    X(TSA_KEY_MAKE, "tsa.key.make", "a key of the timestamp authority was made")                                       \
    X(TSA_KEY_CSR, "tsa.key.csr", "a certificate request for the timestamp authority's key was made")                  \
    X(TSA_CERT_IMPORT, "tsa.cert.import", "a certificate of the timestamp authority was imported")                     \
    X(AUDIT_LIST, "audit.list", "the log was to be read")                                                              \
    X(AUDIT_CHECKPOINT, "audit.checkpoint", "a checkpoint was asked for")                                              \
    X(AUDIT_ACCEPT, "audit.accept", "an officer accepted a store that had been changed from outside")                  \
    X(CONNECTION_REFUSED, "connection.refused", "a client's connection was not accepted, or closed, for a limit")       \
    X(REFUSALS, "refusals", "refusals of a client beyond its allowance, counted")                                      \
    X(DEPLOYMENT_CREATE, "deployment.create", "the deployment was made")                                               \
    X(ENGINE_START, "engine.start", "the engine started")                                                              \
    X(ENGINE_STOP, "engine.stop", "the engine stopped")

enum tp_action {
#define TP_ACTION_ENUM(name, text, words) TP_ACTION_##name,
    TP_ACTION_TABLE(TP_ACTION_ENUM)
#undef TP_ACTION_ENUM
        TP_ACTION_COUNT
};

/* "sign.completed": static storage. An entry's strings are char *, which protobuf-c never writes through. */
char *tp_action_name(enum tp_action action);
/* The words for a name of the log; NULL when it is not in the table. */
const char *tp_action_words(const char *name);

#define TP_OUTCOME_OK      "ok"
#define TP_OUTCOME_REFUSED "refused"
#define TP_OUTCOME_FAILED  "failed"
#define TP_OUTCOME_INTENT  "intent"
#define TP_OUTCOME_UNKNOWN "unknown"

#endif
