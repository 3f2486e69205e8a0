/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenSSH: PKCS11Provider in the client's configuration. It stands before everything, where no Host has begun yet.
 */
#include "cli/setup/setup.h"

#include <stdlib.h>
#include <unistd.h>

#define SYSTEM_FOLDER "/etc/ssh/ssh_config.d"
#define SYSTEM_FILE   SYSTEM_FOLDER "/" TP_SETUP_NAME ".conf"

static enum tp_rc note(struct tp_setup *setup)
{
    char real[PATH_MAX];
    if (realpath(setup->module, real) == NULL)
        tp_setup_look_path(real, "%s", setup->module);
    TP_TRY(tp_setup_plan_note(&setup->plan, "the public keys, for authorized_keys: ssh-keygen -D %s", setup->module));
    TP_TRY(tp_setup_plan_note(&setup->plan, "or let an agent ask for the PIN once: ssh-add -s %s", real));
    return tp_setup_plan_note(&setup->plan, "a host that is to be offered other keys alone: PKCS11Provider none, by "
                                            "ssh -o, since what comes first holds");
}

static enum tp_rc plan(struct tp_setup *setup)
{
    static const char *const keys[] = {"PKCS11Provider", NULL};
    char path[PATH_MAX], body[PATH_MAX + 32];
    mode_t mode = setup->system ? S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH : S_IRUSR | S_IWUSR;
    TP_TRY(tp_setup_path(setup, path, "%s/.ssh/config", setup->home));
    if (setup->system)
        TP_TRY(tp_setup_path(setup, path, SYSTEM_FILE));
    if (setup->system && !setup->remove && access(SYSTEM_FOLDER, F_OK) != 0)
        return tp_error_set(&setup->cli->error, TP_NOT_FOUND,
                            "there is no " SYSTEM_FOLDER "; put into /etc/ssh/ssh_config by hand: PKCS11Provider %s",
                            setup->module);
    (void)snprintf(body, sizeof body, "PKCS11Provider %s\n", setup->module);
    TP_TRY(tp_setup_plan_block(setup, path, mode, body, keys));
    return setup->remove ? TP_OK : note(setup);
}

static void find(struct tp_setup *setup, json_t *found)
{
    char path[PATH_MAX];
    tp_setup_look_path(path, "%s/.ssh/config", setup->home);
    tp_setup_find_lines(setup, path, "PKCS11Provider", found);
    tp_setup_find_lines(setup, SYSTEM_FILE, "PKCS11Provider", found);
}

const struct tp_setup_target tp_setup_ssh = {
    .name = "ssh", .programs = {"ssh"}, .package = "openssh-client", .plan = plan, .find = find};
