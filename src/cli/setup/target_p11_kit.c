/* SPDX-License-Identifier: Apache-2.0
 *
 * p11-kit: a file in one of its folders names the module, and GnuTLS, and whatever uses p11-kit or its proxy, sees it.
 */
#include "cli/setup/mozilla.h"
#include "cli/setup/nss.h"
#include "cli/setup/setup.h"

#include <string.h>
#include <unistd.h>

#define FILE_NAME TP_SETUP_NAME ".module"

/* p11-kit looks for a module without a path where it was built to look: ours is told so when it is installed there. */
static void absolute(json_t *object)
{
    char path[PATH_MAX];
    const char *module = json_string_value(json_object_get(object, "module")), *slash = strrchr(TP_MODULE_PATH, '/');
    if (module == NULL || module[0] == '/')
        return;
    tp_setup_look_path(path, "%.*s/%s", (int)(slash - TP_MODULE_PATH), TP_MODULE_PATH, module);
    (void)json_object_set_new(object, "module", json_string(path));
}

/* The folders that p11-kit itself reads: pkcs11.conf(5). For root it reads nothing of its own account's. */
static void find(struct tp_setup *setup, json_t *found)
{
    char own[PATH_MAX];
    tp_setup_look_config(setup, "pkcs11/modules/" FILE_NAME, own);
    if (geteuid() != 0)
        tp_setup_find_lines(setup, own, "module", found);
    tp_setup_find_lines(setup, TP_P11_KIT_SYSTEM "/" FILE_NAME, "module", found);
    tp_setup_find_lines(setup, TP_P11_KIT_MODULES "/" FILE_NAME, "module", found);
    for (size_t i = 0; i < json_array_size(found); i++)
        absolute(json_array_get(found, i));
}

/* Whether a file other than PATH brings the same module for this account: that of an installed package, mostly. */
static bool is_known(struct tp_setup *setup, const char *path, char ret_where[PATH_MAX])
{
    bool known = false;
    json_t *found = json_array();
    find(setup, found);
    for (size_t i = 0; i < json_array_size(found) && !known; i++) {
        const char *where = json_string_value(json_object_get(json_array_get(found, i), "where"));
        const char *module = json_string_value(json_object_get(json_array_get(found, i), "module"));
        known = strcmp(where, path) != 0 && strcmp(module, setup->module) == 0;
        if (known)
            tp_setup_look_path(ret_where, "%s", where);
    }
    json_decref(found);
    return known;
}

/* ---- not twice ---- */

static enum tp_rc warn_of(struct tp_setup *setup, const char *folder)
{
    json_t *found = json_array();
    tp_setup_nss_find(setup, folder, found);
    bool twice = json_array_size(found) > 0 && tp_setup_nss_has_proxy(folder);
    json_decref(found);
    if (!twice)
        return TP_OK;
    return tp_setup_plan_note(
        &setup->plan,
        "%s has both the module and p11-kit-proxy, so that its programs now see it twice: trustp11 setup "
        "nss %s --remove",
        folder, folder);
}

struct warning {
    struct tp_setup *setup;
    enum tp_rc rc;
};

static bool see_profile(const char *folder, bool is_default, void *context)
{
    struct warning *warning = context;
    (void)is_default;
    warning->rc = warn_of(warning->setup, folder);
    return warning->rc == TP_OK;
}

static enum tp_rc warn_of_twice(struct tp_setup *setup)
{
    struct warning warning = {setup, TP_OK};
    char folder[PATH_MAX];
    tp_setup_nss_default(setup, folder);
    TP_TRY(warn_of(setup, folder));
    tp_setup_look_path(folder, "%s/.mozilla/firefox", setup->home);
    tp_setup_mozilla_each(folder, see_profile, &warning);
    return warning.rc;
}

/* ---- planning ---- */

static enum tp_rc plan(struct tp_setup *setup)
{
    static const char *const keys[] = {"module", "remote", NULL};
    char path[PATH_MAX], where[PATH_MAX], body[PATH_MAX + 16];
    if (!setup->system && !setup->remove && geteuid() == 0)
        return tp_error_set(&setup->cli->error, TP_NOT_PERMITTED,
                            "p11-kit reads nothing of root's own account; for the whole machine, say --system");
    TP_TRY(tp_setup_config_or_system(setup, "pkcs11/modules/" FILE_NAME, TP_P11_KIT_SYSTEM "/" FILE_NAME, path));
    if (!setup->remove && is_known(setup, path, where))
        return tp_setup_plan_note(&setup->plan, "p11-kit knows the module already, by %s", where);
    (void)snprintf(body, sizeof body, "module: %s\n", setup->module);
    TP_TRY(tp_setup_plan_block(setup, path, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, body, keys));
    return setup->remove ? TP_OK : warn_of_twice(setup);
}

const struct tp_setup_target tp_setup_p11_kit = {
    .name = "p11-kit", .programs = {"p11-kit"}, .package = "p11-kit", .plan = plan, .find = find};
