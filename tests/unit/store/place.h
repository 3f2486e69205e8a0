/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of its own for each test of the SQLite backend, and what is needed to look at it from outside.
 */
#ifndef TP_TESTS_UNIT_STORE_PLACE_H
#define TP_TESTS_UNIT_STORE_PLACE_H

#include "store/sqlite.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PLACE_LEN 128

extern char place[PLACE_LEN]; /* the folder */
extern struct tp_error error;

void place_set_up(void);
void place_tear_down(void);

#define PLACED_TEST(suite, name) Test(suite, name, .init = place_set_up, .fini = place_tear_down)

const char *place_path(const char *name); /* until the fourth call after */
bool place_has(const char *name);
/* Whether NEEDLE stands anywhere in the file. */
bool place_contains(const char *name, const void *needle, size_t needle_len);

/* A store named "store.db", and how to get at what is inside. */
#define STORE "store.db"
struct tp_store *store_make(void);
struct tp_store *store_reopen(enum tp_store_mode mode); /* the test fails when it cannot */
enum tp_rc store_try(enum tp_store_mode mode);          /* opens and closes */
void store_run_sql(const char *name, const char *sql);  /* with a connection of its own */
sqlite3 *store_db(struct tp_store *store);

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        enum tp_rc answer_ = (call);                                                                                   \
        cr_assert_eq(answer_, TP_OK, "%s is %s: %s", #call, tp_rc_name(answer_), tp_error_words(&error));              \
    } while (0)
#define REFUSED(expected, word, call)                                                                                  \
    do {                                                                                                               \
        tp_error_clear(&error);                                                                                        \
        enum tp_rc answer_ = (call);                                                                                   \
        cr_assert_eq(answer_, (expected), "%s is %s: %s", #call, tp_rc_name(answer_), tp_error_words(&error));         \
        cr_assert_eq(error.rc, answer_);                                                                               \
        cr_assert_not_null(strstr(tp_error_words(&error), (word)), "no '%s' in: %s", (word), tp_error_words(&error));  \
    } while (0)

#endif
