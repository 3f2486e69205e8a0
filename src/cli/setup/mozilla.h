/* SPDX-License-Identifier: Apache-2.0
 *
 * The profiles of Mozilla's programs, as profiles.ini lists them.
 */
#ifndef TP_CLI_SETUP_MOZILLA_H
#define TP_CLI_SETUP_MOZILLA_H

#include "cli/setup/setup.h"

/* FOLDER: of a profile that is there. IS_DEFAULT: by profiles.ini's word. Returns false to stop. */
typedef bool tp_setup_mozilla_see(const char *folder, bool is_default, void *context);

/* Each profile below ROOT, the folder that profiles.ini lies in. */
void tp_setup_mozilla_each(const char *root, tp_setup_mozilla_see *see, void *context);

#endif
