/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/module.h"
#include "hsm/ckr.h"

#include <p11-kit/p11-kit.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t loaded_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tp_hsm_module *loaded;

static struct tp_hsm_module *find_loaded(const CK_FUNCTION_LIST *calls)
{
    for (struct tp_hsm_module *module = loaded; module != NULL; module = module->next)
        if (module->calls == calls)
            return module;
    return NULL;
}

static struct tp_hsm_module *add_loaded(CK_FUNCTION_LIST *calls)
{
    struct tp_hsm_module *module = calloc(1, sizeof(*module));
    if (module == NULL)
        return NULL;
    module->calls = calls;
    tp_hsm_gate_init(&module->gate);
    module->next = loaded;
    loaded = module;
    return module;
}

/* p11-kit and dlerror(3) begin with the path, which our words have. */
static const char *load_words(const char *path)
{
    const char *words = p11_kit_message();
    for (const char *at; path[0] != '\0' && words != NULL && (at = strstr(words, path)) != NULL;)
        words = at + strlen(path);
    return words == NULL ? "it is no PKCS#11 library" : words + strspn(words, ": ");
}

/* Unmanaged: p11-kit hands over the library's own functions. Its managed form would put a libffi closure before each
 * call, for sharing a library with other users of this process, of which there are none. */
enum tp_rc tp_hsm_module_load(const char *path, struct tp_error *error, struct tp_hsm_module **ret_module)
{
    pthread_mutex_lock(&loaded_lock);
    CK_FUNCTION_LIST *calls = p11_kit_module_load(path, P11_KIT_MODULE_UNMANAGED);
    if (calls == NULL) {
        pthread_mutex_unlock(&loaded_lock);
        return tp_error_set(error, TP_CONFIG,
                            "cannot load the PKCS#11 library %s: %s; see module-path in the PKCS#11 URI", path,
                            load_words(path));
    }
    struct tp_hsm_module *module = find_loaded(calls);
    if (module == NULL)
        module = add_loaded(calls);
    if (module == NULL)
        p11_kit_module_release(calls);
    else
        module->users++;
    pthread_mutex_unlock(&loaded_lock);
    if (module == NULL)
        return TP_MEMORY;
    *ret_module = module;
    return TP_OK;
}

static void unload(struct tp_hsm_module *module)
{
    struct tp_hsm_module **at = &loaded;
    while (*at != module)
        at = &(*at)->next;
    *at = module->next;
    if (atomic_load(&module->epoch) != 0)
        module->calls->C_Finalize(NULL);
    tp_hsm_gate_clear(&module->gate);
}

void tp_hsm_module_release(struct tp_hsm_module *module)
{
    CK_FUNCTION_LIST *calls = module->calls;
    pthread_mutex_lock(&loaded_lock);
    bool last = --module->users == 0;
    if (last)
        unload(module);
    p11_kit_module_release(calls); /* p11-kit counts the loads as well */
    pthread_mutex_unlock(&loaded_lock);
    if (last)
        free(module);
}

/* Initialised already is a library whose C_Finalize has failed: it gets another. */
static CK_RV initialise(CK_FUNCTION_LIST *calls)
{
    CK_C_INITIALIZE_ARGS threads_of_the_system = {.flags = CKF_OS_LOCKING_OK};
    CK_RV rv = calls->C_Initialize(&threads_of_the_system);
    if (rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return rv;
    calls->C_Finalize(NULL);
    return calls->C_Initialize(&threads_of_the_system);
}

enum tp_rc tp_hsm_module_restart(struct tp_hsm_module *module, struct tp_error *error)
{
    if (atomic_load(&module->epoch) != 0)
        module->calls->C_Finalize(NULL);
    atomic_store(&module->epoch, 0);
    CK_RV rv = initialise(module->calls);
    if (rv != CKR_OK)
        return tp_error_set(error, TP_HSM_ABSENT,
                            "the PKCS#11 library of the HSM does not start (C_Initialize: %s, 0x%lx); see its own "
                            "configuration and log",
                            tp_hsm_ckr_name(rv), rv);
    atomic_store(&module->epoch, ++module->last_epoch);
    return TP_OK;
}
