/* SPDX-License-Identifier: Apache-2.0
 *
 * A PKCS#11 library in this process. C_Initialize and C_Finalize are the process's, not a token's, so that two tokens
 * of one library share a struct tp_hsm_module.
 */
#ifndef TP_HSM_MODULE_H
#define TP_HSM_MODULE_H

#include "base/error.h"
#include "hsm/gate.h"

#include <trustp11/cryptoki.h>

struct tp_hsm_module {
    CK_FUNCTION_LIST *calls;
    struct tp_hsm_gate gate;
    _Atomic uint64_t epoch;  /* grows with each C_Initialize, with which all handles end; 0: not initialised */
    _Atomic unsigned linked; /* tokens that are logged in: while there are any, no C_Finalize */
    unsigned users;
    uint64_t last_epoch;
    struct tp_hsm_module *next;
};

/* Loads, without C_Initialize; or another hold on the one that is loaded. */
TP_MUST_USE enum tp_rc tp_hsm_module_load(const char *path, struct tp_error *error, struct tp_hsm_module **ret_module);
/* With the last hold: C_Finalize, and unloads. */
void tp_hsm_module_release(struct tp_hsm_module *module);
TP_DEFINE_AUTO(struct tp_hsm_module, tp_hsm_module_release)
/* C_Finalize if need be, and C_Initialize. The gate must be closed. */
TP_MUST_USE enum tp_rc tp_hsm_module_restart(struct tp_hsm_module *module, struct tp_error *error);

#endif
