/* SPDX-License-Identifier: Apache-2.0
 *
 * What `trustp11 setup` has written into a text file of others: a block between two lines of its own, before all else,
 * so that the rest of the file stays as it is, to the byte. Its first line also says what had to be made for it: taking
 * the block out again takes that away too, and nothing else.
 *
 *   # trustp11 setup: begin (made this file and 2 folders)
 *   PKCS11Provider /usr/lib/x86_64-linux-gnu/pkcs11/libtrustp11.so
 *   # trustp11 setup: end
 */
#ifndef TP_CLI_SETUP_BLOCK_H
#define TP_CLI_SETUP_BLOCK_H

#include "base/bytes.h"
#include "base/error.h"

struct tp_setup_block {
    bool there;
    size_t at, len;   /* in the text, lines of its own included */
    bool made_file;   /* there was none before */
    unsigned folders; /* made above the file */
};

/* TP_MALFORMED when lines of ours stand there otherwise than as one block. */
TP_MUST_USE enum tp_rc tp_setup_block_find(const char *text, struct tp_setup_block *ret_block);
/* TEXT with BODY (whole lines) as its block: in the place of the one that is there, whose first line stays, or before
 * everything, with what MADE says. Appended. */
TP_MUST_USE enum tp_rc tp_setup_block_put(const char *text, const struct tp_setup_block *made, const char *body,
                                          struct tp_buf *ret_text);
/* TEXT without it. Appended. */
TP_MUST_USE enum tp_rc tp_setup_block_cut(const char *text, struct tp_buf *ret_text);
/* Whether a line outside of the block begins with KEY, in capitals or not, and a blank, '=' or ':' or the end;
 * RET_LINE, of at least 1 byte, gets the line. */
bool tp_setup_block_foreign(const char *text, const char *key, char *ret_line, size_t line_len);

#endif
