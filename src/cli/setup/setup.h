/* SPDX-License-Identifier: Apache-2.0
 *
 * `trustp11 setup`: making a program of others know the module, and undoing exactly that.
 *
 * A target (setup.c lists them) first plans all that is to be changed, looking only, and refuses while nothing
 * has been touched. Then the plan is shown, and carried out step by step; a step that fails undoes those before it.
 */
#ifndef TP_CLI_SETUP_SETUP_H
#define TP_CLI_SETUP_SETUP_H

#include "cli/cli.h"
#include "cli/setup/plan.h"

#define TP_SETUP_NAME "trustp11" /* of the module, where programs give it one */

struct tp_setup {
    struct tp_cli *cli; /* its error gets the words */
    const struct tp_setup_target *target;
    const char *module;  /* absolute; "" for --remove and for looking */
    const char *profile; /* what the target's operand names, or NULL */
    const char *home;
    bool system; /* for the whole machine */
    bool remove;
    struct tp_setup_plan plan;
};

struct tp_setup_target {
    const char *name;
    const char *programs[3]; /* one of these has to be there; NULL ends */
    const char *package;     /* Debian's, that brings them */
    const char *system;      /* why there is no --system; NULL: there is */
    enum tp_rc (*plan)(struct tp_setup *setup);
    /* Adds what the program is registered with now to FOUND, an array of {"where", "module"}, for the account and the
     * machine; what cannot be read is not there. */
    void (*find)(struct tp_setup *setup, json_t *found);
};

const struct tp_setup_target *tp_setup_target_at(size_t index); /* NULL past the last */
const struct tp_setup_target *tp_setup_target_find(const char *name);
bool tp_setup_target_installed(const struct tp_setup_target *target);

/* The row of each: target_<name>.c. */
extern const struct tp_setup_target tp_setup_p11_kit, tp_setup_nss, tp_setup_firefox, tp_setup_libreoffice,
    tp_setup_openssl, tp_setup_ssh, tp_setup_java, tp_setup_gnupg;

/* ---- what targets share ---- */

/* A path made of parts; TP_TOO_LARGE with words. */
TP_MUST_USE enum tp_rc tp_setup_path(struct tp_setup *setup, char ret_path[PATH_MAX], const char *format, ...)
    TP_PRINTF(3, 4);
/* NAME below the account's configurations: $XDG_CONFIG_HOME or ~/.config. */
TP_MUST_USE enum tp_rc tp_setup_config_path(struct tp_setup *setup, const char *name, char ret_path[PATH_MAX]);
/* The same, or SYSTEM_FILE with --system. */
TP_MUST_USE enum tp_rc tp_setup_config_or_system(struct tp_setup *setup, const char *name, const char *system_file,
                                                 char ret_path[PATH_MAX]);
/* PATH from here, "./" left out. Links stay: they may be what survives the next upgrade. */
TP_MUST_USE enum tp_rc tp_setup_absolute(struct tp_cli *cli, const char *path, char ret_path[PATH_MAX]);
/* For where find looks, and so without words: "" when it is too long. */
void tp_setup_look_path(char ret_path[PATH_MAX], const char *format, ...) TP_PRINTF(2, 3);
void tp_setup_look_config(const struct tp_setup *setup, const char *name, char ret_path[PATH_MAX]);
/* The folder that VARIABLE names, or else FALLBACK below the account's home; an empty or relative one is to be ignored. */
void tp_setup_look_folder(const struct tp_setup *setup, const char *variable, const char *fallback,
                          char ret_folder[PATH_MAX]);
/* TP_NOT_FOUND, with Debian's package, when it is not installed. */
TP_MUST_USE enum tp_rc tp_setup_need(struct tp_setup *setup, const char *program, const char *package);
/* A block of BODY in PATH, or its end with --remove. MODE and FOLDER_MODE: of what is made for it. KEYS (NULL ends):
 * settings that are refused when they stand elsewhere in the file, since it is not ours to say which of two holds. */
TP_MUST_USE enum tp_rc tp_setup_plan_block(struct tp_setup *setup, const char *path, mode_t mode, const char *body,
                                           const char *const *keys);
/* Adds {"where": PATH, "module": …} for each line of the file that sets one of KEY. */
void tp_setup_find_lines(struct tp_setup *setup, const char *path, const char *key, json_t *found);
/* In both places of tp_setup_config_or_system. */
void tp_setup_find_config(struct tp_setup *setup, const char *name, const char *system_file, const char *key,
                          json_t *found);
void tp_setup_find_add(struct tp_setup *setup, json_t *found, const char *where, const char *module);

#endif
