/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of the command line in a folder of its own, with a made-up engine: it answers each operation as told, and
 * remembers what it was asked.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "cli/cli.h"

#include <criterion/criterion.h>

#define ASKED_MAX 16

struct asked {
    enum tp_ipc_op op;
    ProtobufCMessage *request; /* a copy */
    char secret[2][256];
};

extern struct asked asked[ASKED_MAX];
extern size_t asked_len;
extern int status;      /* of the last run */
extern char *out, *err; /* what it printed */

/* What the engine answers to OP from now on: TP_OK with REPLY (copied; NULL: an empty one) and SECRET, or a refusal
 * with WORDS (NULL: none). */
void engine_answers(enum tp_ipc_op op, const ProtobufCMessage *reply, const char *secret);
void engine_refuses(enum tp_ipc_op op, enum tp_rc rc, const char *words);
/* The request of the last call of OP. */
const void *asked_for(enum tp_ipc_op op);
const struct asked *asked_last(enum tp_ipc_op op);

/* LINE is split at blanks; a word may be put between single quotes. INPUT is standard input. */
void run(const char *input, const char *line);

/* A file in the test's folder; the folder is also the working directory. */
void write_file(const char *name, mode_t mode, const char *text);
char *read_text(const char *path); /* to be freed; NULL when there is none */

void fixture_set_up(void);
void fixture_tear_down(void);
#define CliTest(suite, name) Test(suite, name, .init = fixture_set_up, .fini = fixture_tear_down)

#endif
