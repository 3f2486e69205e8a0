/* SPDX-License-Identifier: Apache-2.0
 *
 * What a command has found, said once as a JSON object: printed as it is with --json, and through a table of columns
 * for people. So the two can never say different things.
 */
#ifndef TP_CLI_OUTPUT_H
#define TP_CLI_OUTPUT_H

#include "cli/cli.h"

#include <jansson.h>

struct tp_cli_column {
    const char *key;     /* in the object; NULL ends a table */
    const char *heading; /* for people */
};

/* Building. A part that finds no memory is noted in CLI; the emit functions then answer TP_MEMORY. Texts are made valid
 * UTF-8, so that no text of others can make an object unprintable. NULL and "" are left out. */
void tp_cli_put_text(struct tp_cli *cli, json_t *object, const char *key, const char *text);
void tp_cli_put_number(struct tp_cli *cli, json_t *object, const char *key, int64_t number);
void tp_cli_put_count(struct tp_cli *cli, json_t *object, const char *key, uint64_t count);
void tp_cli_put_flag(struct tp_cli *cli, json_t *object, const char *key, bool flag);
void tp_cli_put_time(struct tp_cli *cli, json_t *object, const char *key, int64_t utc_ms, bool local); /* 0: left out */
void tp_cli_put_hex(struct tp_cli *cli, json_t *object, const char *key, struct tp_bytes bytes);
void tp_cli_put_list(struct tp_cli *cli, json_t *object, const char *key, char *const *texts, size_t len);
void tp_cli_put(struct tp_cli *cli, json_t *object, const char *key, json_t *value); /* takes VALUE over */
void tp_cli_list_add(struct tp_cli *cli, json_t *list, json_t *value);               /* takes VALUE over */

/* Notes that writing to cli->out has just failed, with errno as the reason; TP_IO. */
enum tp_rc tp_cli_output_failed(struct tp_cli *cli);
/* Printing; all take the object over. */
TP_MUST_USE enum tp_rc tp_cli_emit_record(struct tp_cli *cli, json_t *object, const struct tp_cli_column *columns);
/* NONE: what people read instead of an empty table. */
TP_MUST_USE enum tp_rc tp_cli_emit_list(struct tp_cli *cli, json_t *list, const struct tp_cli_column *columns,
                                        const char *none);
/* One line for people, or the object. */
TP_MUST_USE enum tp_rc tp_cli_emit_done(struct tp_cli *cli, json_t *object, const char *format, ...) TP_PRINTF(3, 4);
/* {"done": true}, for commands that change something and have nothing to tell but that. */
TP_MUST_USE enum tp_rc tp_cli_emit_ok(struct tp_cli *cli, const char *format, ...) TP_PRINTF(2, 3);
/* One object on one line, whatever comes after. */
TP_MUST_USE enum tp_rc tp_cli_emit_line(struct tp_cli *cli, json_t *object);
/* A remark for people on the error channel; nothing with --json. */
void tp_cli_remark(struct tp_cli *cli, const char *format, ...) TP_PRINTF(2, 3);
/* One for programs: an object on one line of the error channel. */
void tp_cli_remark_line(struct tp_cli *cli, json_t *object);
TP_MUST_USE enum tp_rc tp_cli_emit_version(struct tp_cli *cli);
/* cli->error, on one line of the error channel: "trustp11: words; advice". */
void tp_cli_emit_error(struct tp_cli *cli, const char *advice);

#endif
