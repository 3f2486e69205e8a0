/* SPDX-License-Identifier: Apache-2.0
 *
 * GnuPG: gnupg-pkcs11-scd as the agent's smart card daemon, and its configuration.
 */
#include "cli/setup/program.h"
#include "cli/setup/setup.h"

#define DAEMON "gnupg-pkcs11-scd"

static void home_of(const struct tp_setup *setup, char ret_folder[PATH_MAX])
{
    tp_setup_look_folder(setup, "GNUPGHOME", ".gnupg", ret_folder);
}

static enum tp_rc plan_daemon(struct tp_setup *setup, const char *folder)
{
    static const char *const keys[] = {"providers", NULL};
    char path[PATH_MAX], body[PATH_MAX + 96];
    TP_TRY(tp_setup_path(setup, path, "%s/" DAEMON ".conf", folder));
    (void)snprintf(body, sizeof body, "providers " TP_SETUP_NAME "\nprovider-" TP_SETUP_NAME "-library %s\n",
                   setup->module);
    return tp_setup_plan_block(setup, path, S_IRUSR | S_IWUSR, body, keys);
}

static enum tp_rc plan_agent(struct tp_setup *setup, const char *folder, const char *program)
{
    static const char *const keys[] = {"scdaemon-program", NULL};
    char path[PATH_MAX], body[PATH_MAX + 32];
    TP_TRY(tp_setup_path(setup, path, "%s/gpg-agent.conf", folder));
    (void)snprintf(body, sizeof body, "scdaemon-program %s\n", program);
    return tp_setup_plan_block(setup, path, S_IRUSR | S_IWUSR, body, keys);
}

static enum tp_rc note(struct tp_setup *setup)
{
    TP_TRY(tp_setup_plan_note(&setup->plan, "to make it hold: gpgconf --kill gpg-agent"));
    if (setup->remove)
        return TP_OK;
    TP_TRY(tp_setup_plan_note(&setup->plan, "then let gpgsm learn the certificates: gpgsm --learn-card"));
    return tp_setup_plan_note(&setup->plan,
                              "it takes the place of GnuPG's own smart card daemon: OpenPGP cards are not seen "
                              "as long as it stands there");
}

/* The agent's file is the first to go, and the last that is made: nothing names a daemon without its configuration.
 * When both are made for a folder that is not there, the folder is the first one's. */
static enum tp_rc plan(struct tp_setup *setup)
{
    char folder[PATH_MAX], program[PATH_MAX] = "";
    home_of(setup, folder);
    if (!setup->remove)
        TP_TRY(tp_setup_need(setup, DAEMON, DAEMON));
    (void)tp_setup_program_find(DAEMON, program);
    if (setup->remove)
        TP_TRY(plan_agent(setup, folder, program));
    TP_TRY(plan_daemon(setup, folder));
    if (!setup->remove)
        TP_TRY(plan_agent(setup, folder, program));
    return setup->plan.steps_len == 0 ? TP_OK : note(setup);
}

static void find(struct tp_setup *setup, json_t *found)
{
    char folder[PATH_MAX], path[PATH_MAX];
    home_of(setup, folder);
    tp_setup_look_path(path, "%s/" DAEMON ".conf", folder);
    tp_setup_find_lines(setup, path, "provider-" TP_SETUP_NAME "-library", found);
}

const struct tp_setup_target tp_setup_gnupg = {
    .name = "gnupg",
    .programs = {"gpg-agent"},
    .package = "gpg-agent",
    .system = "GnuPG's agent is configured for each account",
    .plan = plan,
    .find = find,
};
