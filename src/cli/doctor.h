/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of `trustp11 doctor` share. Verdicts: ok; note (works, but look at it); bad. The engine's own checks
 * use the same words.
 */
#ifndef TP_CLI_DOCTOR_H
#define TP_CLI_DOCTOR_H

#include "cli/output.h"

/* Adds what was found to LIST. ADVICE may be NULL. */
void tp_cli_doctor_add(struct tp_cli *cli, json_t *list, const char *verdict, const char *name, const char *words,
                       const char *advice);
/* Which programs know the module, and whether what they know is right (doctor_programs.c). */
void tp_cli_doctor_programs(struct tp_cli *cli, json_t *list);
/* What keeps programs from seeing or using USER's keys (doctor_keys.c). */
void tp_cli_doctor_keys(struct tp_cli *cli, json_t *list, const char *user);

#endif
