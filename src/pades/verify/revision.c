/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/verify/revision.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW  ((size_t)1 << 18)
#define OVERLAP 16 /* more than any word that is looked for */
#define TAIL    64 /* where startxref and its number stand before %%EOF */

static const char EOF_MARK[] = "%%EOF", RANGE_MARK[] = "/ByteRange", XREF_MARK[] = "startxref";

enum tp_rc tp_pades_file_read(int fd, uint64_t at, void *ret_bytes, size_t len, struct tp_error *error)
{
    uint8_t *to = ret_bytes;
    while (len > 0) {
        ssize_t got = pread(fd, to, len, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return tp_error_set(error, TP_IO, "reading failed: %s", strerror(errno));
        if (got == 0)
            return tp_error_set(error, TP_NOT_FOUND, "the file ends before its byte %llu", (unsigned long long)at);
        to += got, at += (uint64_t)got, len -= (size_t)got;
    }
    return TP_OK;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\f' || byte == '\0';
}

/* "startxref", white space, a number, white space: the tail's end is where %%EOF begins. */
static bool ends_revision(const uint8_t *tail, size_t len, uint64_t at)
{
    uint64_t number = 0, scale = 1;
    size_t digits = 0;
    while (len > 0 && is_space(tail[len - 1]))
        len--;
    for (; len > 0 && tail[len - 1] >= '0' && tail[len - 1] <= '9' && digits < 19; len--, digits++, scale *= 10)
        number += (uint64_t)(tail[len - 1] - '0') * scale;
    while (len > 0 && is_space(tail[len - 1]))
        len--;
    size_t word = sizeof XREF_MARK - 1;
    return digits > 0 && number > 0 && number < at && len >= word && memcmp(tail + len - word, XREF_MARK, word) == 0;
}

static enum tp_rc add_end(struct tp_pades_revisions *revisions, int fd, uint64_t mark_at, struct tp_error *error)
{
    uint8_t tail[TAIL];
    size_t len = mark_at < TAIL ? (size_t)mark_at : TAIL;
    TP_TRY(tp_pades_file_read(fd, mark_at - len, tail, len, error));
    if (!ends_revision(tail, len, mark_at))
        return TP_OK;
    if (revisions->len == TP_PADES_REVISIONS_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the document has more than %d revisions", TP_PADES_REVISIONS_MAX);
    if ((revisions->len & (revisions->len - 1)) == 0) {
        uint64_t *more = realloc(revisions->ends, (revisions->len == 0 ? 1 : 2 * revisions->len) * sizeof *more);
        if (more == NULL)
            return TP_MEMORY;
        revisions->ends = more;
    }
    revisions->ends[revisions->len++] = mark_at + sizeof EOF_MARK - 1;
    return TP_OK;
}

/* Words that begin in the window before its OVERLAP last bytes, which come again; in the last window all. */
static enum tp_rc look(struct tp_pades_revisions *revisions, int fd, const uint8_t *window, size_t len, size_t begins,
                       uint64_t at, struct tp_error *error)
{
    const uint8_t *from = window, *hit;
    while ((hit = memmem(from, len - (size_t)(from - window), EOF_MARK, sizeof EOF_MARK - 1)) != NULL &&
           (size_t)(hit - window) < begins) {
        TP_TRY(add_end(revisions, fd, at + (uint64_t)(hit - window), error));
        from = hit + 1;
    }
    for (from = window; (hit = memmem(from, len - (size_t)(from - window), RANGE_MARK, sizeof RANGE_MARK - 1)) != NULL &&
                        (size_t)(hit - window) < begins;
         from = hit + 1)
        revisions->marks++;
    for (size_t i = len; i > 0; i--)
        if (!is_space(window[i - 1])) {
            revisions->text_end = at + i;
            break;
        }
    return TP_OK;
}

static enum tp_rc scan(struct tp_pades_revisions *revisions, int fd, uint8_t *window, struct tp_error *error)
{
    for (uint64_t at = 0; at < revisions->length;) {
        uint64_t left = revisions->length - at;
        bool last = left <= WINDOW;
        size_t len = last ? (size_t)left : WINDOW;
        TP_TRY(tp_pades_file_read(fd, at, window, len, error));
        TP_TRY(look(revisions, fd, window, len, last ? len : len - OVERLAP, at, error));
        at += last ? len : len - OVERLAP;
    }
    return TP_OK;
}

enum tp_rc tp_pades_revisions_read(int fd, struct tp_error *error, struct tp_pades_revisions *ret_revisions)
{
    struct tp_pades_revisions revisions = {0};
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return tp_error_set(error, TP_IO, "not a regular file");
    revisions.length = (uint64_t)about.st_size;
    uint8_t *window = malloc(WINDOW);
    enum tp_rc rc = window == NULL ? TP_MEMORY : scan(&revisions, fd, window, error);
    free(window);
    if (rc != TP_OK) {
        tp_pades_revisions_clear(&revisions);
        return rc;
    }
    *ret_revisions = revisions;
    return TP_OK;
}

void tp_pades_revisions_clear(struct tp_pades_revisions *revisions)
{
    free(revisions->ends);
    *revisions = (struct tp_pades_revisions){0};
}

/* Nothing, CR, LF, or CR LF between MARK and END. */
static bool is_line_end(int fd, uint64_t mark, uint64_t end)
{
    uint8_t bytes[2] = {0};
    size_t len = (size_t)(end - mark);
    if (tp_pades_file_read(fd, mark, bytes, len, NULL) != TP_OK)
        return false;
    return len == 0 || (len == 1 && (bytes[0] == '\n' || bytes[0] == '\r')) ||
           (len == 2 && bytes[0] == '\r' && bytes[1] == '\n');
}

unsigned tp_pades_revision_at(const struct tp_pades_revisions *revisions, int fd, uint64_t end)
{
    for (size_t i = 0; i < revisions->len; i++)
        if (end >= revisions->ends[i] && end - revisions->ends[i] <= 2 && is_line_end(fd, revisions->ends[i], end))
            return (unsigned)(i + 1);
    return 0;
}
