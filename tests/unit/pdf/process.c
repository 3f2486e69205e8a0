/* SPDX-License-Identifier: Apache-2.0
 *
 * The readers' processes: what they cannot do, and what happens when they die.
 */
#include "pdf/process.h"
#include "forge.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEBI ((size_t)1 << 20)

static struct tp_error error;

/* ---- the sandbox ---- */

static int some_file;

static void do_nothing(void)
{
}
static void take_memory(void)
{
    void *memory = malloc(32 * MEBI);
    if (memory == NULL)
        _exit(9);
    memset(memory, 1, 32 * MEBI);
    free(memory);
}
static void map_the_file(void)
{
    if (mmap(NULL, 1, PROT_READ, MAP_PRIVATE, some_file, 0) == MAP_FAILED || close(some_file) != 0)
        _exit(9);
}
static void open_file(void)
{
    (void)open("/etc/passwd", O_RDONLY);
}
static void make_socket(void)
{
    (void)socket(AF_INET, SOCK_STREAM, 0);
}
static void start_program(void)
{
    (void)execl("/bin/true", "true", (char *)NULL);
}
static void fork_itself(void)
{
    (void)fork();
}
static void kill_parent(void)
{
    (void)kill(getppid(), 0);
}
static void write_to_file(void)
{
    (void)!write(some_file, "x", 1);
}
static void write_into_file(void)
{
    (void)!pwrite(some_file, "x", 1, 0);
}
static void map_shared(void)
{
    (void)mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, some_file, 0);
}
static void map_code(void)
{
    (void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void make_code(void)
{
    (void)mprotect((void *)((uintptr_t)&some_file & ~(uintptr_t)4095), 4096, PROT_READ | PROT_EXEC);
}
static void raise_limit(void)
{
    (void)setrlimit(RLIMIT_DATA, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
}

/* Its wait status. */
static int in_sandbox(void (*act)(void))
{
    int status = 0;
    const pid_t pid = fork();
    if (pid == 0) {
        if (!tp_pdf_sandbox_enter(256 * MEBI))
            _exit(8);
        act();
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return status;
}

TestSuite(process, .timeout = 60);

Test(process, a_reader_may_do_what_it_must)
{
    void (*const acts[])(void) = {do_nothing, take_memory, map_the_file};
    some_file = forge_file(TP_BYTES("x", 1));
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        const int status = in_sandbox(acts[i]);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%zu: %x", i, (unsigned)status);
    }
}

Test(process, a_reader_dies_of_anything_else)
{
    if (!TP_PDF_CONFINED)
        cr_skip_test("not under a sanitizer");
    void (*const acts[])(void) = {open_file,       make_socket,     start_program, fork_itself, kill_parent, write_to_file,
                                  write_into_file, map_shared,      map_code,      make_code,   raise_limit};
    some_file = forge_file(TP_BYTES("x", 1));
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        const int status = in_sandbox(acts[i]);
        cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%zu: %x", i, (unsigned)status);
    }
    struct tp_buf after = forge_read(some_file);
    cr_assert_eq(after.data[0], 'x');
    tp_buf_clear(&after);
}

static void take_too_much(void)
{
    _exit(malloc(512 * MEBI) == NULL ? 7 : 0);
}

Test(process, memory_has_a_limit)
{
    if (!TP_PDF_CONFINED)
        cr_skip_test("not under a sanitizer");
    const int status = in_sandbox(take_too_much);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

/* ---- readers that die ---- */

static enum tp_rc ask_to_open(struct tp_pdf_process *process, int fd, size_t len)
{
    uint8_t question[16];
    struct tp_buf answer = TP_BUF_INIT;
    tp_put_be64(question, len);
    tp_put_be64(question + 8, MEBI);
    const enum tp_rc rc =
        tp_pdf_process_ask(process, TP_PDF_ASK_OPEN, TP_BYTES(question, sizeof(question)), fd, 5000, &error, &answer);
    tp_buf_clear(&answer);
    return rc;
}

static enum tp_rc ask_for_object(struct tp_pdf_process *process)
{
    struct tp_buf answer = TP_BUF_INIT;
    const enum tp_rc rc =
        tp_pdf_process_ask(process, TP_PDF_ASK_OBJECT, TP_BYTES("\0\0\0\1\0\0", 6), -1, 5000, &error, &answer);
    tp_buf_clear(&answer);
    return rc;
}

static struct tp_pdf_zygote *zygote;
static struct tp_pdf_process *process;
static struct tp_buf document;
static int file;

static void setup(void)
{
    document = forge_document("1.7", FORGE_TABLE);
    file = forge_file(tp_buf_bytes(&document));
    cr_assert_eq(tp_pdf_zygote_start(256 * MEBI, &error, &zygote), TP_OK);
    cr_assert_eq(tp_pdf_process_new(zygote, &error, &process), TP_OK);
    cr_assert_eq(ask_to_open(process, file, document.len), TP_OK);
}

static void teardown(void)
{
    tp_pdf_process_free(process);
    tp_pdf_zygote_stop(zygote);
    tp_buf_clear(&document);
}

TestSuite(process_dies, .init = setup, .fini = teardown, .timeout = 60);

Test(process_dies, one_that_is_killed_is_an_error_and_stays_one)
{
    cr_assert_eq(ask_for_object(process), TP_OK);
    cr_assert_eq(kill(process->pid, SIGKILL), 0);
    cr_assert_eq(ask_for_object(process), TP_IO);
    cr_assert_not_null(strstr(error.words, "signal 9"), "%s", error.words);
    cr_assert(process->broken);
    cr_assert_eq(ask_for_object(process), TP_IO);
}

Test(process_dies, another_takes_its_place)
{
    struct tp_pdf_process *other = NULL;
    cr_assert_eq(kill(process->pid, SIGSEGV), 0);
    cr_assert_eq(ask_for_object(process), TP_MALFORMED);
    cr_assert_eq(tp_pdf_process_new(zygote, &error, &other), TP_OK);
    cr_assert_eq(ask_to_open(other, file, document.len), TP_OK);
    tp_pdf_process_free(other);
}

Test(process_dies, a_file_that_becomes_shorter_is_an_error)
{
    struct tp_buf long_ = TP_BUF_INIT;
    cr_assert_eq(tp_buf_reserve(&long_, MEBI), TP_OK);
    memset(long_.data, ' ', MEBI);
    memcpy(long_.data + MEBI - document.len, document.data, document.len); /* to be read from the end */
    long_.len = MEBI;
    const int fd = forge_file(tp_buf_bytes(&long_));
    cr_assert_eq(ftruncate(fd, 10), 0);
    cr_assert_eq(ask_to_open(process, fd, MEBI), TP_IO);
    cr_assert_not_null(strstr(error.words, "shorter"), "%s", error.words);
    tp_buf_clear(&long_);
}

Test(process_dies, questions_that_are_none_are_refused)
{
    struct tp_buf answer = TP_BUF_INIT;
    cr_assert_eq(tp_pdf_process_ask(process, 77, TP_BYTES_NONE, -1, 5000, &error, &answer), TP_INTERNAL);
    cr_assert_eq(tp_pdf_process_ask(process, TP_PDF_ASK_OBJECT, TP_BYTES("\0", 1), -1, 5000, &error, &answer), TP_INTERNAL);
    tp_buf_clear(&answer);
    cr_assert_eq(ask_for_object(process), TP_OK);
}

/* -1: it cannot be told, since who is confined shows that to root alone. */
static int has_file_mapped(void)
{
    char path[64], line[512];
    int found = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)process->pid);
    FILE *maps = fopen(path, "r");
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
        found = strstr(line, "forge.pdf") != NULL ? 1 : found;
    return maps == NULL || fclose(maps) != 0 ? -1 : found;
}

Test(process_dies, a_file_is_let_go)
{
    struct tp_buf answer = TP_BUF_INIT;
    cr_assert_neq(has_file_mapped(), 0);
    cr_assert_eq(tp_pdf_process_ask(process, TP_PDF_ASK_CLOSE, TP_BYTES_NONE, -1, 5000, &error, &answer), TP_OK);
    tp_buf_clear(&answer);
    cr_assert_neq(has_file_mapped(), 1);
    cr_assert_eq(ask_for_object(process), TP_INTERNAL);
}

Test(process_dies, a_file_is_let_go_without_waiting)
{
    tp_pdf_process_let_go(process);
    cr_assert(process->owes && !process->broken);
    cr_assert_eq(ask_for_object(process), TP_INTERNAL);
    cr_assert(!process->owes);
    cr_assert_neq(has_file_mapped(), 1);
}

Test(process_dies, one_that_dies_of_letting_go_still_owes)
{
    cr_assert_eq(kill(process->pid, SIGSTOP), 0);
    tp_pdf_process_let_go(process);
    cr_assert_eq(kill(process->pid, SIGKILL), 0);
    cr_assert_neq(ask_to_open(process, file, document.len), TP_OK);
    cr_assert(process->broken && process->owes);
}

/* Takes the pool's only reader, lets it die, and opens a document with the pool. */
static enum tp_rc open_after_death(bool letting_go)
{
    struct tp_pdf_pool *pool = NULL;
    struct tp_pdf_process *reader = NULL;
    struct tp_pdf_document *opened = NULL;
    cr_assert_eq(tp_pdf_pool_new(NULL, &error, &pool), TP_OK);
    cr_assert_eq(tp_pdf_pool_take(pool, &error, &reader), TP_OK);
    cr_assert_eq(kill(reader->pid, SIGSTOP), 0);
    if (letting_go)
        tp_pdf_process_let_go(reader);
    cr_assert_eq(kill(reader->pid, SIGKILL), 0);
    tp_pdf_pool_give(pool, reader);
    const enum tp_rc rc = tp_pdf_document_open(pool, file, 0, NULL, &error, &opened);
    tp_pdf_document_close(opened);
    tp_pdf_pool_free(pool);
    return rc;
}

Test(process_dies, letting_go_of_one_document_is_not_the_next_ones_error)
{
    cr_assert_eq(open_after_death(true), TP_OK, "%s", error.words);
    cr_assert_eq(open_after_death(false), TP_IO);
}

/* ---- what comes along ---- */

static struct tp_bytes ask_for(enum tp_pdf_question kind, struct tp_bytes question, struct tp_buf *answer)
{
    cr_assert_eq(tp_pdf_process_ask(process, kind, question, -1, 5000, &error, answer), TP_OK, "%s", error.words);
    return tp_buf_bytes(answer);
}

/* Object 1 is the catalog, 3 the first page. */
Test(process_dies, catalog_and_page_come_as_they_stand)
{
    struct tp_buf open = TP_BUF_INIT, page = TP_BUF_INIT, catalog = TP_BUF_INIT, object = TP_BUF_INIT;
    uint8_t numbers[16];
    tp_put_be64(numbers, document.len);
    tp_put_be64(numbers + 8, MEBI);
    cr_assert_eq(tp_pdf_process_ask(process, TP_PDF_ASK_OPEN, TP_BYTES(numbers, sizeof(numbers)), file, 5000, &error, &open), TP_OK);
    const struct tp_bytes one = ask_for(TP_PDF_ASK_OBJECT, TP_BYTES("\0\0\0\1\0\0", 6), &catalog);
    const struct tp_bytes three = ask_for(TP_PDF_ASK_OBJECT, TP_BYTES("\0\0\0\3\0\0", 6), &object);
    const struct tp_bytes first = ask_for(TP_PDF_ASK_PAGE, TP_BYTES("\0\0\0\0", 4), &page);
    cr_assert(open.len > one.len && memcmp(open.data + open.len - one.len, one.data, one.len) == 0);
    cr_assert(first.len > 10 + three.len && tp_get_be32(first.data + 6) == three.len);
    cr_assert(memcmp(first.data + 10, three.data, three.len) == 0);
    tp_buf_clear(&open), tp_buf_clear(&page), tp_buf_clear(&catalog), tp_buf_clear(&object);
}

/* Answers come one by one, however they were asked for; a long one does not wait for room. */
Test(process_dies, two_questions_at_once_have_two_answers)
{
    const struct tp_pdf_asked asked[] = {{TP_PDF_ASK_PAGE, TP_BYTES("\0\0\0\1", 4)},
                                         {TP_PDF_ASK_PAGE, TP_BYTES("\0\0\0\0", 4)}};
    struct tp_buf answers[2] = {TP_BUF_INIT, TP_BUF_INIT};
    cr_assert_eq(tp_pdf_process_send(process, asked, 2, -1, &error), TP_OK);
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(tp_pdf_process_answer(process, 5000, &error, &answers[i]), TP_OK);
    cr_assert_eq(tp_get_be32(answers[0].data), 5);
    cr_assert_eq(tp_get_be32(answers[1].data), 3);
    cr_assert_eq(ask_for_object(process), TP_OK);
    tp_buf_clear(&answers[0]), tp_buf_clear(&answers[1]);
}

Test(process_dies, no_more_questions_go_than_are_allowed)
{
    const struct tp_pdf_asked asked[TP_PDF_ASKED_MOST + 1] = {{TP_PDF_ASK_CLOSE, TP_BYTES_NONE}};
    cr_assert_eq(tp_pdf_process_send(process, asked, TP_PDF_ASKED_MOST + 1, -1, &error), TP_BAD_ARGUMENT);
}

/* What is left when our process goes: nothing. */
Test(process_dies, readers_end_with_the_zygote)
{
    const pid_t pid = process->pid;
    tp_pdf_zygote_stop(zygote);
    for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
        (void)usleep(20000);
    cr_assert_neq(kill(pid, 0), 0);
    cr_assert_eq(tp_pdf_zygote_start(256 * MEBI, &error, &zygote), TP_OK);
    process->zygote = zygote;
}
