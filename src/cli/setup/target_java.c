/* SPDX-License-Identifier: Apache-2.0
 *
 * Java: a configuration of its provider SunPKCS11, that commands name.
 */
#include "cli/setup/setup.h"

#define NAME        "trustp11/java.cfg"
#define SYSTEM_FILE "/etc/" NAME

static enum tp_rc note(struct tp_setup *setup, const char *path)
{
    TP_TRY(tp_setup_plan_note(
        &setup->plan,
        "to use it: keytool -list -keystore NONE -storetype PKCS11 -addprovider SunPKCS11 -providerarg %s", path));
    TP_TRY(tp_setup_plan_note(
        &setup->plan,
        "and: jarsigner -keystore NONE -storetype PKCS11 -addprovider SunPKCS11 -providerArg %s FILE.jar "
        "LABEL",
        path));
    return tp_setup_plan_note(&setup->plan,
                              "slotListIndex = 0 is the first of \"users\" in trustp11.conf: Java does not choose "
                              "a token by its label");
}

static enum tp_rc plan(struct tp_setup *setup)
{
    static const char *const keys[] = {"name", "library", "slot", "slotListIndex", NULL};
    char path[PATH_MAX], body[PATH_MAX + 64];
    TP_TRY(tp_setup_config_or_system(setup, NAME, SYSTEM_FILE, path));
    (void)snprintf(body, sizeof body, "name = " TP_SETUP_NAME "\nlibrary = %s\nslotListIndex = 0\n", setup->module);
    TP_TRY(tp_setup_plan_block(setup, path, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, body, keys));
    return setup->remove ? TP_OK : note(setup, path);
}

static void find(struct tp_setup *setup, json_t *found)
{
    tp_setup_find_config(setup, NAME, SYSTEM_FILE, "library", found);
}

const struct tp_setup_target tp_setup_java = {
    .name = "java", .programs = {"keytool"}, .package = "default-jre-headless", .plan = plan, .find = find};
