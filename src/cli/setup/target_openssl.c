/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenSSL: a configuration of our own, that OPENSSL_CONF names, for the provider, or for the engine where there is none. Not
 * in openssl.cnf itself: every program of the machine that uses OpenSSL would load the module then.
 */
#include "cli/setup/setup.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME        "trustp11/openssl.cnf"
#define SYSTEM_FILE "/etc/" NAME

/* Where OpenSSL looks itself. */
static bool has_library(const char *variable, int info, const char *name)
{
    char path[PATH_MAX];
    const char *folder = secure_getenv(variable);
    tp_setup_look_path(path, "%s/%s", folder != NULL ? folder : OPENSSL_info(info), name);
    return access(path, R_OK) == 0;
}

static bool has_provider(void)
{
    return has_library("OPENSSL_MODULES", OPENSSL_INFO_MODULES_DIR, "pkcs11.so");
}

static bool has_engine(void)
{
    return has_library("OPENSSL_ENGINES", OPENSSL_INFO_ENGINES_DIR, "pkcs11.so") ||
           has_library("OPENSSL_ENGINES", OPENSSL_INFO_ENGINES_DIR, "libpkcs11.so");
}

/* The rest of what commands want to know (`openssl req`: its [req]) is in the file that OPENSSL_CONF replaces. Names of
 * sections are our own, so that none of that file's gets longer. */
static enum tp_rc put_start(struct tp_buf *body)
{
    char path[PATH_MAX];
    tp_setup_look_path(path, "%s/openssl.cnf", OPENSSL_info(OPENSSL_INFO_CONFIG_DIR));
    if (access(path, R_OK) == 0)
        TP_TRY(tp_buf_printf(body, ".include %s\n", path));
    return tp_buf_append_string(body, "[default]\nopenssl_conf = trustp11\n[trustp11]\n");
}

/* Once one provider is named, OpenSSL's own is no longer there by itself. */
static enum tp_rc put_provider(const char *module, struct tp_buf *body)
{
    return tp_buf_printf(
        body,
        "providers = trustp11_providers\n[trustp11_providers]\ndefault = trustp11_default\npkcs11 = trustp11_provider\n"
        "[trustp11_default]\nactivate = 1\n"
        "[trustp11_provider]\npkcs11-module-path = %s\nactivate = 1\n",
        module);
}

static enum tp_rc put_engine(const char *module, struct tp_buf *body)
{
    return tp_buf_printf(body,
                         "engines = trustp11_engines\n[trustp11_engines]\npkcs11 = trustp11_engine\n"
                         "[trustp11_engine]\nMODULE_PATH = %s\ninit = 0\n",
                         module);
}

/* Not both: where a configuration names the engine as well, OpenSSL 3.0 no longer signs with the provider's EC keys. */
static enum tp_rc make_body(const char *module, struct tp_buf *body)
{
    TP_TRY(put_start(body));
    return has_provider() ? put_provider(module, body) : put_engine(module, body);
}

static enum tp_rc note(struct tp_setup *setup, const char *path)
{
    TP_TRY(tp_setup_plan_note(&setup->plan, "to use it: export OPENSSL_CONF=%s", path));
    TP_TRY(tp_setup_plan_note(&setup->plan,
                              "then keys are files: openssl dgst -sha256 %s-sign "
                              "'pkcs11:token=USER;object=LABEL;type=private' -out FILE.sig FILE",
                              has_provider() ? "" : "-engine pkcs11 -keyform engine "));
    if (has_provider() && has_engine())
        TP_TRY(tp_setup_plan_note(&setup->plan,
                                  "for programs that use the engine instead of the provider, and without that: "
                                  "export PKCS11_MODULE_PATH=%s",
                                  setup->module));
    return tp_setup_plan_note(&setup->plan, "in a configuration of your own: .include %s, as its last line", path);
}

static enum tp_rc plan(struct tp_setup *setup)
{
    static const char *const keys[] = {"openssl_conf", NULL};
    struct tp_buf body TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    char path[PATH_MAX];
    if (!setup->remove && !has_provider() && !has_engine())
        return tp_error_set(
            &setup->cli->error, TP_NOT_FOUND,
            "OpenSSL has neither a provider nor an engine for PKCS#11; Debian's packages are pkcs11-provider "
            "(for Debian 12 from its backports) and libengine-pkcs11-openssl");
    TP_TRY(tp_setup_config_or_system(setup, NAME, SYSTEM_FILE, path));
    TP_TRY(make_body(setup->module, &body));
    TP_TRY(tp_setup_plan_block(setup, path, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, tp_buf_string(&body), keys));
    return setup->remove ? TP_OK : note(setup, path);
}

static void find(struct tp_setup *setup, json_t *found)
{
    tp_setup_find_config(setup, NAME, SYSTEM_FILE, "pkcs11-module-path", found);
    tp_setup_find_config(setup, NAME, SYSTEM_FILE, "MODULE_PATH", found);
}

const struct tp_setup_target tp_setup_openssl = {
    .name = "openssl", .programs = {"openssl"}, .package = "openssl", .plan = plan, .find = find};
