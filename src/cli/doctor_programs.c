/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"
#include "cli/module.h"
#include "cli/setup/mozilla.h"
#include "cli/setup/nss.h"
#include "cli/setup/setup.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *part(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- what is registered ---- */

static void check_registration(struct tp_setup *setup, json_t *list, const json_t *found)
{
    const char *module = part(found, "module"), *where = part(found, "where"), *name = setup->target->name;
    char words[2 * PATH_MAX], advice[PATH_MAX];
    if (module == NULL || where == NULL)
        return; /* out of memory, which CLI knows */
    (void)snprintf(advice, sizeof advice, "trustp11 setup %s, once the module is where it belongs; or --remove", name);
    if (access(module, R_OK) != 0) {
        (void)snprintf(words, sizeof words, "%s names %s, which is not there", where, module);
        tp_cli_doctor_add(setup->cli, list, "bad", name, words, advice);
    } else if (tp_cli_module_is_foreign(module)) {
        (void)snprintf(words, sizeof words, "%s names %s, which is for another kind of machine", where, module);
        tp_cli_doctor_add(setup->cli, list, "bad", name, words, advice);
    } else {
        (void)snprintf(words, sizeof words, "%s knows the module", where);
        tp_cli_doctor_add(setup->cli, list, "ok", name, words, NULL);
    }
}

/* Returns whether there is any registration. */
static bool check_target(struct tp_setup *setup, json_t *list)
{
    json_t *found = json_array();
    setup->target->find(setup, found);
    size_t count = json_array_size(found);
    for (size_t i = 0; i < count; i++)
        check_registration(setup, list, json_array_get(found, i));
    json_decref(found);
    return count > 0;
}

/* One line for all: nobody signs with every program that is installed. */
static void check_targets(struct tp_setup *setup, json_t *list)
{
    char names[256] = "";
    size_t at = 0;
    for (size_t i = 0; (setup->target = tp_setup_target_at(i)) != NULL; i++)
        if (!check_target(setup, list) && tp_setup_target_installed(setup->target))
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at == 0 ? "" : ", ", setup->target->name);
    char words[512];
    (void)snprintf(words, sizeof words, "not registered with: %s", names);
    if (at > 0)
        tp_cli_doctor_add(setup->cli, list, "note", "programs", words,
                          "trustp11 setup PROGRAM, for those that are to sign");
}

/* ---- twice ---- */

struct doubles {
    struct tp_setup *setup;
    json_t *list;
};

/* By p11-kit's proxy and directly: the program shows every token twice, and logs in to each. */
static void check_database(struct tp_setup *setup, json_t *list, const char *folder)
{
    char words[PATH_MAX + 128], advice[PATH_MAX + 64];
    json_t *found = json_array(), *known = json_array();
    tp_setup_nss_find(setup, folder, found);
    tp_setup_p11_kit.find(setup, known);
    if (json_array_size(found) > 0 && json_array_size(known) > 0 && tp_setup_nss_has_proxy(folder)) {
        (void)snprintf(words, sizeof words, "%s has the module twice: itself, and by p11-kit-proxy", folder);
        (void)snprintf(advice, sizeof advice, "trustp11 setup nss %s --remove", folder);
        tp_cli_doctor_add(setup->cli, list, "note", "nss", words, advice);
    }
    json_decref(found);
    json_decref(known);
}

static bool see_profile(const char *folder, bool is_default, void *context)
{
    struct doubles *doubles = context;
    (void)is_default;
    check_database(doubles->setup, doubles->list, folder);
    return true;
}

static void check_doubles(struct tp_setup *setup, json_t *list)
{
    struct doubles doubles = {setup, list};
    char folder[PATH_MAX];
    tp_setup_nss_default(setup, folder);
    check_database(setup, list, folder);
    tp_setup_look_path(folder, "%s/.mozilla/firefox", setup->home);
    tp_setup_mozilla_each(folder, see_profile, &doubles);
}

void tp_cli_doctor_programs(struct tp_cli *cli, json_t *list)
{
    const char *home = secure_getenv("HOME");
    struct tp_setup *setup = calloc(1, sizeof *setup);
    if (setup != NULL && home != NULL) {
        setup->cli = cli;
        setup->module = "";
        setup->home = home;
        check_targets(setup, list);
        check_doubles(setup, list);
    }
    free(setup);
}
