/* SPDX-License-Identifier: Apache-2.0
 *
 * Firefox: an NSS database in each profile; for the whole machine a policy.
 */
#include "cli/file.h"
#include "cli/module.h"
#include "cli/setup/mozilla.h"
#include "cli/setup/nss.h"
#include "cli/setup/textfile.h"

#include <stdlib.h>
#include <string.h>

#define POLICIES "/etc/firefox/policies/policies.json"

/* Below the home folder; the last two see little of the machine but their own files. */
static const struct {
    const char *folder;
    const char *confined; /* by what */
} roots[] = {
    {".mozilla/firefox", NULL},
    {".config/mozilla/firefox", NULL},
    {"snap/firefox/common/.mozilla/firefox", "snap"},
    {".var/app/org.mozilla.firefox/.mozilla/firefox", "flatpak"},
};

/* ---- profiles ---- */

struct walk {
    struct tp_setup *setup;
    enum tp_rc rc;
    size_t profiles;
    json_t *found;
};

static bool see_plan(const char *folder, bool is_default, void *context)
{
    struct walk *walk = context;
    (void)is_default;
    walk->profiles++;
    walk->rc = tp_setup_nss_plan(walk->setup, folder);
    return walk->rc == TP_OK;
}

static enum tp_rc warn_of_confinement(struct tp_setup *setup, const char *confinement)
{
    return tp_setup_plan_note(
        &setup->plan,
        "the Firefox that came as a %s sees only what its confinement shows: whether it reaches %s and "
        "the engine's socket, it has to be tried",
        confinement, setup->module);
}

static enum tp_rc plan_profiles(struct tp_setup *setup)
{
    struct walk walk = {.setup = setup};
    char root[PATH_MAX];
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        size_t before = walk.profiles;
        TP_TRY(tp_setup_path(setup, root, "%s/%s", setup->home, roots[i].folder));
        tp_setup_mozilla_each(root, see_plan, &walk);
        TP_TRY(walk.rc);
        if (walk.profiles > before && roots[i].confined != NULL && !setup->remove)
            TP_TRY(warn_of_confinement(setup, roots[i].confined));
    }
    if (walk.profiles > 0 || setup->remove)
        return TP_OK;
    return tp_error_set(&setup->cli->error, TP_NOT_FOUND,
                        "Firefox has no profile in %s yet: start it once, and then this again", setup->home);
}

/* ---- policies ---- */

static char *policies_with(const char *module)
{
    json_t *policies = json_pack("{s:{s:{s:{s:s}}}}", "policies", "SecurityDevices", "Add", TP_SETUP_NAME, module);
    char *text = policies == NULL ? NULL : json_dumps(policies, JSON_INDENT(2));
    json_decref(policies);
    return text;
}

/* Since Firefox 114 devices stand below "Add"; before, they stood alone. */
static const char *module_of(const json_t *policies)
{
    const json_t *devices = json_object_get(json_object_get(policies, "policies"), "SecurityDevices");
    const char *added = json_string_value(json_object_get(json_object_get(devices, "Add"), TP_SETUP_NAME));
    return added != NULL ? added : json_string_value(json_object_get(devices, TP_SETUP_NAME));
}

/* Only a file that holds nothing but our policy is ours: one of the administrator's has an order and a form of its own.
 */
static bool is_ours(const struct tp_setup_textfile *file)
{
    json_t *policies = json_loads(tp_buf_string(&file->text), JSON_REJECT_DUPLICATES, NULL);
    const char *module = module_of(policies);
    char *same = module == NULL || !tp_cli_module_is_named(module) ? NULL : policies_with(module);
    size_t len = same == NULL ? 0 : strlen(same);
    bool ours = len > 0 && file->text.len == len + 1 && memcmp(file->text.data, same, len) == 0;
    free(same);
    json_decref(policies);
    return ours;
}

static bool has_module(const struct tp_setup_textfile *file, const char *module)
{
    json_t *policies = json_loads(tp_buf_string(&file->text), 0, NULL);
    const char *named = module_of(policies);
    bool has = named != NULL && strcmp(named, module) == 0;
    json_decref(policies);
    return has;
}

static enum tp_rc add_policy(struct tp_setup *setup, struct tp_setup_textfile *file, bool stays)
{
    struct tp_setup_step *step;
    char *text = stays ? policies_with(setup->module) : NULL;
    TP_TRY(tp_setup_plan_step(&setup->plan, &tp_setup_step_file, file->path, &step));
    step->mode = S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH;
    step->is_there = file->there;
    step->stays = stays;
    step->folders = file->there ? 2 : file->missing; /* /etc/firefox/policies is for nothing else */
    step->before = file->text;
    file->text = TP_BUF_INIT;
    enum tp_rc rc = stays && text != NULL ? tp_buf_printf(&step->after, "%s\n", text) : TP_OK;
    free(text);
    return rc;
}

static enum tp_rc plan_policy_out(struct tp_setup *setup, struct tp_setup_textfile *file)
{
    if (!file->there)
        return TP_OK;
    if (!is_ours(file))
        return tp_setup_plan_note(&setup->plan, POLICIES " is not setup's alone: what it says of " TP_SETUP_NAME
                                                         " is to be taken out by hand");
    TP_TRY(tp_setup_plan_note(&setup->plan,
                              "profiles that Firefox has opened since keep the module: trustp11 setup firefox "
                              "--remove, for each account"));
    return add_policy(setup, file, false);
}

static enum tp_rc plan_policy(struct tp_setup *setup)
{
    struct tp_setup_textfile file TP_AUTO(tp_setup_textfile_clear) = {.there = false};
    TP_TRY(tp_setup_textfile_read(POLICIES, &setup->cli->error, &file));
    if (setup->remove)
        return plan_policy_out(setup, &file);
    if (file.there && has_module(&file, setup->module))
        return TP_OK;
    if (file.there && !is_ours(&file))
        return tp_error_set(&setup->cli->error, TP_EXISTS,
                            POLICIES " is there, and is left alone; put into its \"policies\" by hand: "
                                     "\"SecurityDevices\": {\"Add\": {\"" TP_SETUP_NAME "\": \"%s\"}}",
                            setup->module);
    return add_policy(setup, &file, true);
}

static enum tp_rc plan(struct tp_setup *setup)
{
    return setup->system ? plan_policy(setup) : plan_profiles(setup);
}

/* ---- looking ---- */

static bool see_find(const char *folder, bool is_default, void *context)
{
    struct walk *walk = context;
    (void)is_default;
    tp_setup_nss_find(walk->setup, folder, walk->found);
    return true;
}

static void find_policy(struct tp_setup *setup, json_t *found)
{
    json_t *policies = json_load_file(POLICIES, 0, NULL);
    const char *module = module_of(policies);
    if (module != NULL && tp_cli_module_is_named(module))
        tp_setup_find_add(setup, found, POLICIES, module);
    json_decref(policies);
}

static void find(struct tp_setup *setup, json_t *found)
{
    struct walk walk = {.setup = setup, .found = found};
    char root[PATH_MAX];
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        tp_setup_look_path(root, "%s/%s", setup->home, roots[i].folder);
        tp_setup_mozilla_each(root, see_find, &walk);
    }
    find_policy(setup, found);
}

const struct tp_setup_target tp_setup_firefox = {
    .name = "firefox", .programs = {"firefox-esr", "firefox"}, .package = "firefox-esr", .plan = plan, .find = find};
