/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/module.h"
#include "base/crypto.h"
#include "base/log.h"
#include "p11/gate.h"
#include "p11/log.h"
#include "p11/rv.h"
#include "p11/slot.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#define ASK_TIMEOUT_MS 10000 /* a listing of certificates waits no longer than this, whatever signatures may take */

/* ---- C_Initialize ---- */

/* We lock with the operating system's means, and make no threads. */
CK_RV tp_p11_module_check_arguments(const CK_C_INITIALIZE_ARGS *arguments)
{
    if (arguments == NULL)
        return CKR_OK;
    int given = (arguments->CreateMutex != NULL) + (arguments->DestroyMutex != NULL) + (arguments->LockMutex != NULL) +
                (arguments->UnlockMutex != NULL);
    if (arguments->pReserved != NULL || (given != 0 && given != 4))
        return CKR_ARGUMENTS_BAD;
    if (given == 4 && (arguments->flags & CKF_OS_LOCKING_OK) == 0)
        return CKR_CANT_LOCK;
    return CKR_OK;
}

static enum tp_rc make_slots(struct tp_p11_module *module)
{
    size_t named = tp_client_conf_users(module->conf);
    size_t count = named + (tp_client_conf_serves_all(module->conf) ? 1 : 0);
    module->slots = calloc(count + 1, sizeof(*module->slots));
    if (module->slots == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < count; i++) {
        module->slot_count = i + 1; /* also one that was begun is to be cleared */
        TP_TRY(tp_p11_slot_init(&module->slots[i], module, i, tp_client_conf_user(module->conf, i))); /* or NULL */
    }
    return TP_OK;
}

static enum tp_rc make_client(struct tp_p11_module *module)
{
    struct tp_ipc_client_config config;
    tp_client_conf_ipc(module->conf, &config);
    module->session_login = tp_client_conf_session_login(module->conf);
    module->ask_timeout_ms = config.timeout_ms < ASK_TIMEOUT_MS ? config.timeout_ms : ASK_TIMEOUT_MS;
    TP_TRY(tp_ipc_client_new(&config, &module->client));
    return tp_client_conf_users(module->conf) == 0 ? TP_OK : tp_ipc_client_new(&config, &module->watch.client);
}

static enum tp_rc read_conf(struct tp_p11_module *module, struct tp_error *error)
{
    enum tp_rc rc = tp_client_conf_read(NULL, error, &module->conf);
    if (rc == TP_NOT_FOUND) {
        tp_log(TP_LOG_WARNING, "C_Initialize: no slots: %s", tp_error_words(error));
        return TP_OK;
    }
    TP_TRY(rc);
    tp_p11_log_open(tp_client_conf_debug(module->conf));
    TP_TRY(make_client(module));
    return make_slots(module);
}

static enum tp_rc fill(struct tp_p11_module *module, struct tp_error *error)
{
    TP_TRY(tp_p11_sessions_init(&module->sessions));
    TP_TRY(tp_p11_random_init(&module->random));
    TP_TRY(tp_p11_watch_init(&module->watch));
    return read_conf(module, error);
}

/* Before anything else: libcrypto's clean-up at exit would run while other threads are still with us. It counts only
 * when we are the first in this process to use libcrypto. */
static void begin_libcrypto(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

/* Our OSSL_LIB_CTX reads no configuration, but libcrypto 3.0 loads the program's own openssl.cnf as soon as anybody
 * hashes (it looks for ENGINEs), and that file may name a provider that is a consumer of this very module. So we let it
 * happen here, where we hold no lock: the provider finds us initialised. OPENSSL_INIT_NO_LOAD_CONFIG is no way out. It
 * holds for the whole process, which would lose its system-wide policy by loading a PKCS#11 module, and it hangs for
 * ever (tried with 3.0) when we are called while that file is being loaded. */
void tp_p11_module_settle(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    struct tp_p11_module *module = tp_p11_gate_enter();
    if (module == NULL)
        return;
    if (module->client != NULL)
        tp_ipc_client_prepare(module->client);
    tp_p11_gate_leave();
}

CK_RV tp_p11_module_new(struct tp_p11_module **ret_module)
{
    struct tp_error error = {0};
    tp_p11_log_open(NULL);
    if (tp_crypto_ended()) {
        tp_log(TP_LOG_WARNING, "C_Initialize: %s", TP_P11_ENDING_WORDS);
        tp_p11_log_close();
        return CKR_GENERAL_ERROR;
    }
    begin_libcrypto();
    struct tp_p11_module *module = calloc(1, sizeof(*module));
    enum tp_rc rc = module == NULL ? TP_MEMORY : fill(module, &error);
    if (rc == TP_OK) {
        *ret_module = module;
        return CKR_OK;
    }
    tp_p11_log_failure("C_Initialize", &error, rc);
    tp_p11_module_free(module);
    return rc == TP_MEMORY ? CKR_HOST_MEMORY : CKR_GENERAL_ERROR;
}

/* ---- C_Finalize ---- */

void tp_p11_module_interrupt(struct tp_p11_module *module)
{
    if (module->client != NULL)
        tp_ipc_client_disconnect(module->client);
    tp_p11_watch_interrupt(&module->watch);
}

/* libcrypto's things last: sessions have some. Once it has ended, they can only be left. */
void tp_p11_module_free(struct tp_p11_module *module)
{
    if (module != NULL && tp_crypto_ended()) {
        tp_p11_module_abandon(module);
        return;
    }
    if (module != NULL) {
        for (size_t i = 0; i < module->slot_count; i++)
            tp_p11_login_forget(&module->slots[i]);
        tp_p11_sessions_clear(&module->sessions);
        for (size_t i = 0; i < module->slot_count; i++)
            tp_p11_slot_clear(&module->slots[i]);
        free(module->slots);
        tp_p11_random_clear(&module->random);
        tp_p11_watch_clear(&module->watch);
        if (module->client != NULL)
            tp_ipc_client_free(module->client);
        tp_client_conf_free(module->conf);
        free(module);
    }
    tp_crypto_release();
    tp_p11_log_close();
}

/* In a child of fork locks may be held for ever, and lists half-linked: the rest is left where it is. */
void tp_p11_module_abandon(struct tp_p11_module *module)
{
    if (module->client != NULL)
        tp_ipc_client_abandon(module->client);
    if (module->watch.client != NULL)
        tp_ipc_client_abandon(module->watch.client);
    tp_crypto_abandon();
    tp_p11_log_close();
}

/* ---- in between ---- */

enum tp_rc tp_p11_module_ask(struct tp_p11_module *module, enum tp_ipc_op op, const ProtobufCMessage *request,
                             struct tp_error *error, struct tp_ipc_reply *ret_reply)
{
    return tp_ipc_call(module->client, op, request, TP_BYTES_NONE, TP_BYTES_NONE, module->ask_timeout_ms, error,
                       ret_reply);
}

/* "MAJOR.MINOR.PATCH" */
static CK_VERSION library_version(void)
{
    char *end;
    unsigned long major = strtoul(TP_VERSION, &end, 10);
    unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    return (CK_VERSION){(CK_BYTE)major, (CK_BYTE)minor};
}

CK_RV tp_p11_module_info(CK_VERSION cryptoki, CK_INFO *ret_info)
{
    if (ret_info == NULL)
        return CKR_ARGUMENTS_BAD;
    *ret_info = (CK_INFO){.cryptokiVersion = cryptoki, .flags = 0, .libraryVersion = library_version()};
    tp_p11_pad(ret_info->manufacturerID, sizeof(ret_info->manufacturerID), TP_P11_MANUFACTURER);
    tp_p11_pad(ret_info->libraryDescription, sizeof(ret_info->libraryDescription), TP_P11_LIBRARY);
    return CKR_OK;
}
