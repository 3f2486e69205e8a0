/* SPDX-License-Identifier: Apache-2.0
 *
 * An NSS database: of Chromium, pdfsig, NSS's own tools, and whatever is told to take it.
 */
#include "cli/setup/nss.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NSS's tools also take "sql:FOLDER"; and the folder need not be there. */
static enum tp_rc plan_named(struct tp_setup *setup)
{
    static const char sql[] = "sql:";
    char folder[PATH_MAX], here[PATH_MAX];
    const char *name = setup->profile;
    name += strncmp(name, sql, sizeof sql - 1) == 0 ? sizeof sql - 1 : 0;
    name += strncmp(name, "./", 2) == 0 ? 2 : 0;
    if (strncmp(name, "dbm:", 4) == 0)
        return tp_error_set(&setup->cli->error, TP_UNSUPPORTED,
                            "databases of the form dbm: are no longer made; certutil -N -d sql:FOLDER makes one");
    if (getcwd(here, sizeof here) == NULL)
        return tp_error_set(&setup->cli->error, TP_IO, "the working folder is gone");
    TP_TRY(tp_setup_path(setup, folder, "%s%s%s", name[0] == '/' ? "" : here, name[0] == '/' ? "" : "/", name));
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/')
        folder[--len] = '\0';
    return tp_setup_nss_plan(setup, folder);
}

static enum tp_rc plan(struct tp_setup *setup)
{
    char folder[PATH_MAX];
    if (setup->profile != NULL)
        return plan_named(setup);
    tp_setup_nss_default(setup, folder);
    return tp_setup_nss_plan(setup, folder);
}

static void find(struct tp_setup *setup, json_t *found)
{
    char folder[PATH_MAX];
    tp_setup_nss_default(setup, folder);
    tp_setup_nss_find(setup, folder, found);
}

const struct tp_setup_target tp_setup_nss = {
    .name = "nss",
    .programs = {"modutil", "chromium"},
    .package = "libnss3-tools",
    .system = "NSS has a database for each account; trustp11 setup p11-kit --system, or trustp11 setup nss FOLDER",
    .plan = plan,
    .find = find,
};
