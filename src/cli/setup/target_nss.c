/* SPDX-License-Identifier: Apache-2.0
 *
 * An NSS database: of Chromium, pdfsig, NSS's own tools, and whatever is told to take it.
 */
#include "cli/setup/nss.h"

#include <stdlib.h>
#include <string.h>

/* NSS's tools also take "sql:FOLDER"; and the folder need not be there. */
static enum tp_rc plan_named(struct tp_setup *setup)
{
    char folder[PATH_MAX];
    const char *name = tp_setup_nss_folder(setup->profile);
    if (strncmp(name, "dbm:", 4) == 0)
        return tp_error_set(&setup->cli->error, TP_UNSUPPORTED,
                            "databases of the form dbm: are no longer made; certutil -N -d sql:FOLDER makes one");
    TP_TRY(tp_setup_absolute(setup->cli, name, folder));
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
