/* SPDX-License-Identifier: Apache-2.0
 *
 * Other processes: one that holds the lock, one that reads meanwhile, one that dies.
 */
#include "place.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

/* A child that runs WORK with a store of its own, tells us, and lives until we let go of it. */
struct child {
    pid_t pid;
    int ready, let_go; /* our ends of two pipes */
};

static struct child child_start(enum tp_rc (*work)(struct tp_store *store))
{
    int ready[2], let_go[2];
    struct child child;
    char byte = 0;

    cr_assert_eq(pipe(ready), 0);
    cr_assert_eq(pipe(let_go), 0);
    child = (struct child){.pid = fork(), .ready = ready[0], .let_go = let_go[1]};
    if (child.pid == 0) {
        struct tp_store *store = NULL;

        (void)close(let_go[1]);
        if (tp_store_open(place_path(STORE), TP_STORE_WRITE, NULL, &store) != TP_OK || work(store) != TP_OK)
            _exit(1);
        if (write(ready[1], "r", 1) != 1 || read(let_go[0], &byte, 1) < 0)
            _exit(2);
        _exit(0); /* without close, commit or rollback: as killed */
    }
    (void)close(ready[1]);
    (void)close(let_go[0]);
    cr_assert_eq(read(child.ready, &byte, 1), 1, "the other process failed");
    return child;
}

static void child_end(struct child child)
{
    int status = 0;

    (void)close(child.let_go);
    (void)close(child.ready);
    cr_assert_eq(waitpid(child.pid, &status, 0), child.pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static enum tp_rc begin_and_write(struct tp_store *store)
{
    TP_TRY(tp_store_begin(store, NULL));
    return tp_store_value_put(store, "v", TP_BYTES("theirs", 6), NULL);
}

static enum tp_rc write_and_commit(struct tp_store *store)
{
    TP_TRY(begin_and_write(store));
    return tp_store_commit(store, NULL);
}

static enum tp_rc lock_everything(struct tp_store *store)
{
    int code = sqlite3_exec(store_db(store), "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL);

    return code == SQLITE_OK ? TP_OK : TP_STORE;
}

static bool sees(struct tp_store *store, const char *text)
{
    struct tp_buf value TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    enum tp_rc rc = tp_store_value_get(store, "v", &error, &value);

    cr_assert(rc == TP_OK || rc == TP_NOT_FOUND, "%s", tp_error_words(&error));
    return strcmp(tp_buf_string(&value), text) == 0;
}

PLACED_TEST(sqlite_process, that_writes_makes_others_busy_and_lets_them_read)
{
    struct child child;
    struct tp_store *store;

    tp_store_close(store_make());
    child = child_start(begin_and_write);
    store = store_reopen(TP_STORE_WRITE);
    REFUSED(TP_STORE_BUSY, STORE, tp_store_begin(store, &error));
    cr_assert(sees(store, ""));
    child_end(child);
    MUST(tp_store_begin(store, &error));
    MUST(tp_store_commit(store, &error));
    cr_assert(sees(store, ""), "what was not committed is seen");
    tp_store_close(store);
}

PLACED_TEST(sqlite_process, that_locks_the_whole_file_makes_opening_busy)
{
    struct child child;

    tp_store_close(store_make());
    store_run_sql(STORE, "PRAGMA journal_mode = DELETE");
    child = child_start(lock_everything);
    REFUSED(TP_STORE_BUSY, "another process", store_try(TP_STORE_WRITE));
    child_end(child);
    cr_assert_eq(store_try(TP_STORE_WRITE), TP_OK);
}

PLACED_TEST(sqlite_process, that_dies_after_commit_leaves_what_it_committed)
{
    static const enum tp_store_mode modes[] = {TP_STORE_READ, TP_STORE_WRITE};

    tp_store_close(store_make());
    child_end(child_start(write_and_commit));
    cr_assert(place_has(STORE "-wal"));
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct tp_store *store = store_reopen(modes[i]);

        cr_assert(sees(store, "theirs"));
        tp_store_close(store);
    }
}

PLACED_TEST(sqlite_process, that_dies_before_commit_leaves_nothing)
{
    struct tp_store *store;

    tp_store_close(store_make());
    child_end(child_start(begin_and_write));
    store = store_reopen(TP_STORE_WRITE);
    cr_assert(sees(store, ""));
    MUST(tp_store_check(store, &error));
    tp_store_close(store);
}

PLACED_TEST(sqlite_process, is_read_while_it_writes)
{
    struct tp_store *store = store_make();
    struct tp_store *reader = store_reopen(TP_STORE_READ);

    child_end(child_start(write_and_commit));
    cr_assert(sees(reader, "theirs"));
    cr_assert(sees(store, "theirs"));
    tp_store_close(reader);
    tp_store_close(store);
}
