/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/verify/revision.h"
#include "../pdf/forge.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tp_pades_revisions read_text(struct tp_bytes text, int *ret_fd)
{
    struct tp_pades_revisions revisions = {0};
    *ret_fd = forge_file(text);
    cr_assert_eq(tp_pades_revisions_read(*ret_fd, NULL, &revisions), TP_OK);
    return revisions;
}

Test(revision, ends_are_behind_startxref)
{
    static const char text[] = "%PDF-1.7\nstartxref\n0\n%%EOF\n"   /* a linearized file's first part */
                               "%%EOF %%EOF\nstartxref\n9\n%%EOF\r\n" /* one */
                               "startxref 12 %%EOF"                /* two */
                               "\nstartxref\nx\n%%EOF\nstartxref\n99999\n%%EOF\n  /ByteRange";
    int fd;
    struct tp_pades_revisions revisions = read_text(tp_bytes_of_string(text), &fd);
    cr_assert_eq(revisions.len, 2);
    cr_assert_eq(revisions.marks, 1);
    const uint64_t first = (uint64_t)(strstr(text, "9\n%%EOF\r") - text) + 7;
    cr_assert_eq(revisions.ends[0], first);
    for (uint64_t end = first - 1; end < first + 5; end++)
        cr_assert_eq(tp_pades_revision_at(&revisions, fd, end), end == first || end == first + 1 || end == first + 2 ? 1 : 0, "%d",
                     (int)(end - first));
    cr_assert_eq(tp_pades_revision_at(&revisions, fd, revisions.ends[1]), 2);
    cr_assert_eq(revisions.length, revisions.text_end);
    tp_pades_revisions_clear(&revisions);
    (void)close(fd);
}

Test(revision, white_space_at_the_end_is_no_text)
{
    int fd;
    struct tp_pades_revisions revisions = read_text(TP_BYTES("abc\n\0 \r", 7), &fd);
    cr_assert_eq(revisions.text_end, 3);
    cr_assert_eq(revisions.length, 7);
    tp_pades_revisions_clear(&revisions);
    (void)close(fd);
}

/* Wherever they lie: the window is smaller than the file, and each counts once. */
Test(revision, every_one_is_found_past_the_window)
{
    static const char mark[] = "startxref\n7\n%%EOF\n/ByteRange ";
    const size_t len = 3000000;
    char *text = malloc(len);
    size_t wanted = 0, at = 10;
    memset(text, '.', len);
    for (; at + sizeof mark < len; at += 4093, wanted++)
        memcpy(text + at, mark, sizeof mark - 1);
    int fd;
    struct tp_pades_revisions revisions = read_text(TP_BYTES(text, len), &fd);
    cr_assert_eq(revisions.len, wanted);
    cr_assert_eq(revisions.marks, wanted);
    cr_assert_eq(revisions.ends[wanted - 1], at - 4093 + 17);
    tp_pades_revisions_clear(&revisions);
    (void)close(fd);
    free(text);
}

Test(revision, too_many_are_refused)
{
    struct tp_buf text = TP_BUF_INIT;
    struct tp_pades_revisions revisions = {0};
    cr_assert_eq(tp_buf_append_string(&text, "%PDF-1.7\n"), TP_OK);
    for (int i = 0; i <= TP_PADES_REVISIONS_MAX; i++)
        cr_assert_eq(tp_buf_append_string(&text, "startxref\n1\n%%EOF\n"), TP_OK);
    const int fd = forge_file(tp_buf_bytes(&text));
    cr_assert_eq(tp_pades_revisions_read(fd, NULL, &revisions), TP_TOO_LARGE);
    (void)close(fd);
    tp_buf_clear(&text);
}
