/* SPDX-License-Identifier: Apache-2.0
 *
 * NSS databases: folders with cert9.db, key4.db and pkcs11.txt, which lists the modules. Reading is ours; changes are
 * made by NSS's own tools (libnss3-tools).
 */
#ifndef TP_CLI_SETUP_NSS_H
#define TP_CLI_SETUP_NSS_H

#include "cli/setup/setup.h"

struct tp_setup_nss_entry {
    char library[PATH_MAX];
    char name[256];
};

/* Where NAME, as NSS's tools take it, leads: "sql:FOLDER" or "FOLDER". */
const char *tp_setup_nss_folder(const char *name);
/* Puts the module into the database in FOLDER, or takes it out; makes the database when there is none. */
TP_MUST_USE enum tp_rc tp_setup_nss_plan(struct tp_setup *setup, const char *folder);
/* Adds the entries that mean libtrustp11.so to FOUND. */
void tp_setup_nss_find(struct tp_setup *setup, const char *folder, json_t *found);
/* Whether the database in FOLDER also has p11-kit's proxy, which brings all modules that p11-kit knows. */
bool tp_setup_nss_has_proxy(const char *folder);
/* The account's database, ~/.pki/nssdb, which Chromium and NSS's tools take. */
void tp_setup_nss_default(const struct tp_setup *setup, char ret_folder[PATH_MAX]);
/* Each entry of FOLDER's pkcs11.txt, until SEE says that it has seen enough. */
void tp_setup_nss_each(const char *folder, bool (*see)(const struct tp_setup_nss_entry *entry, void *context),
                       void *context);

#endif
