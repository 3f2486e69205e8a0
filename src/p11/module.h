/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that lives from C_Initialize to C_Finalize.
 */
#ifndef TP_P11_MODULE_H
#define TP_P11_MODULE_H

#include "base/error.h"
#include "ipc/client_conf.h"
#include "p11/random.h"
#include "p11/session.h"
#include "p11/watch.h"

#define TP_P11_MANUFACTURER "trustp11"
#define TP_P11_MODEL        "trustp11"
#define TP_P11_LIBRARY      "trustp11 PKCS#11 module"
#define TP_P11_ENDING_WORDS "this program is ending, and libcrypto has ended already"
#define TP_P11_PIN_MOST     1024 /* bytes; longer ones cannot be right, and are not sent (TP_IPC_SECRET_MAX) */

struct tp_p11_slot;

struct tp_p11_module {
    struct tp_client_conf *conf;  /* NULL: there is none, and so no slots */
    struct tp_ipc_client *client; /* NULL when there are no slots */
    bool session_login;           /* login = session */
    int64_t ask_timeout_ms;       /* for questions that change nothing */
    struct tp_p11_slot *slots;
    size_t slot_count;
    struct tp_p11_sessions sessions;
    struct tp_p11_random random;
    struct tp_p11_watch watch;
    atomic_ulong last_object; /* handle; one series for all slots */
};

/* Reads the configuration, and opens the log. The engine is not asked: its absence does not keep a browser from
 * starting, and slots are listed whether it is there or not.
 *
 * A file that cannot be used is CKR_GENERAL_ERROR, with the reason in the log, or in syslog when no other log is known
 * yet: p11-kit and browsers warn about a module that fails and go on without it, whereas an empty list of slots would
 * look like lost keys. But when there is no file at all, which is how most users of a machine with the package
 * installed are, there is nothing to warn about: the module works and has no slots. */
CK_RV tp_p11_module_new(struct tp_p11_module **ret_module);
/* After the gate has been opened, without any lock: what libcrypto does once in a process, and may call us for; and what
 * must be looked up in files, by libraries that may call us, too. */
void tp_p11_module_settle(void);
void tp_p11_module_free(struct tp_p11_module *module); /* nobody is inside */
/* In a child of fork, or after libcrypto's end: closes descriptors, touches nothing else. */
void tp_p11_module_abandon(struct tp_p11_module *module);
/* Makes every call return that waits for the engine. */
void tp_p11_module_interrupt(struct tp_p11_module *module);

/* tp_ipc_call for questions that change nothing. */
TP_MUST_USE enum tp_rc tp_p11_module_ask(struct tp_p11_module *module, enum tp_ipc_op op,
                                         const ProtobufCMessage *request, struct tp_error *error,
                                         struct tp_ipc_reply *ret_reply);

/* C_Initialize's arguments (3.0 §5.4.1). */
CK_RV tp_p11_module_check_arguments(const CK_C_INITIALIZE_ARGS *arguments);
CK_RV tp_p11_module_info(CK_VERSION cryptoki, CK_INFO *ret_info);

#endif
