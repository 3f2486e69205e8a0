/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/lock_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], store[96], lock[112];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/tp-lock-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(store, sizeof store, "%s/store.db", folder);
    snprintf(lock, sizeof lock, "%s.lock", store);
}

static void remove_folder(void)
{
    unlink(lock);
    rmdir(folder);
}

TestSuite(engine_lock, .init = make_folder, .fini = remove_folder);

Test(engine_lock, one_engine_gets_it_and_a_second_is_told_why_not)
{
    struct tp_error error = {0};
    int first = -1, second = -1;
    cr_assert_eq(tp_lock_file_take(store, &error, &first), TP_OK);
    cr_expect_eq(tp_lock_file_take(store, &error, &second), TP_EXISTS);
    cr_expect(strstr(tp_error_words(&error), store) != NULL);
    cr_expect_eq(second, -1);
    tp_lock_file_release(first);
}

Test(engine_lock, it_is_free_again_when_its_holder_has_died)
{
    struct tp_error error = {0};
    int fd = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(tp_lock_file_take(store, &error, &fd) == TP_OK ? 0 : 1);
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(WEXITSTATUS(status), 0);
    cr_expect_eq(tp_lock_file_take(store, &error, &fd), TP_OK);
    tp_lock_file_release(fd);
}

Test(engine_lock, a_folder_that_is_not_there_is_named)
{
    struct tp_error error = {0};
    char missing[96];
    int fd = -1;
    snprintf(missing, sizeof missing, "%s/missing/store.db", folder);
    cr_expect_eq(tp_lock_file_take(missing, &error, &fd), TP_IO);
    cr_expect(strstr(tp_error_words(&error), missing) != NULL);
}
