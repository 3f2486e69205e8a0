/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/file.h"
#include "cli/pdf_batch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_MOST ((size_t)64 << 20) /* bytes of a file of names */

void tp_cli_pdf_list_clear(struct tp_cli_pdf_list *list)
{
    for (size_t i = 0; i < list->len; i++) {
        free(list->items[i].in);
        free(list->items[i].out);
    }
    free(list->items);
    *list = (struct tp_cli_pdf_list){.len = 0};
}

static char *joined(const char *folder, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static enum tp_rc grow(struct tp_cli_pdf_list *list, struct tp_error *error)
{
    if (list->len == TP_CLI_PDF_BATCH_MOST)
        return tp_error_set(error, TP_TOO_LARGE, "more than %d files in one batch", TP_CLI_PDF_BATCH_MOST);
    if (list->len < list->capacity)
        return TP_OK;
    size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
    struct tp_cli_pdf_item *items = realloc(list->items, capacity * sizeof *items);
    if (items == NULL)
        return TP_MEMORY;
    list->items = items;
    list->capacity = capacity;
    return TP_OK;
}

/* Takes IN over. */
static enum tp_rc add(struct tp_cli_pdf_list *list, char *in, const char *out, struct tp_error *error)
{
    enum tp_rc rc = in == NULL ? TP_MEMORY : grow(list, error);
    char *copy = rc == TP_OK ? strdup(in) : NULL;
    char *result = copy == NULL ? NULL : out == NULL ? strdup(in) : joined(out, basename(copy));
    free(copy);
    if (result == NULL) {
        free(in);
        return rc == TP_OK ? TP_MEMORY : rc;
    }
    list->items[list->len++] = (struct tp_cli_pdf_item){.in = in, .out = result};
    return TP_OK;
}

static bool is_pdf(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && name[0] != '.' && strcasecmp(name + len - 4, ".pdf") == 0;
}

static enum tp_rc read_folder(struct tp_cli *cli, const char *folder, const char *out, struct tp_cli_pdf_list *list);

/* A folder in the folder: for what stays where it is. Links are not followed. */
static enum tp_rc read_under(struct tp_cli *cli, const char *folder, const char *name, struct tp_cli_pdf_list *list)
{
    struct stat status;
    char *path = name[0] == '.' ? NULL : joined(folder, name);
    enum tp_rc rc = TP_OK;
    if (path != NULL && lstat(path, &status) == 0 && S_ISDIR(status.st_mode))
        rc = read_folder(cli, path, NULL, list);
    free(path);
    return rc;
}

static enum tp_rc read_folder(struct tp_cli *cli, const char *folder, const char *out, struct tp_cli_pdf_list *list)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    enum tp_rc rc = TP_OK;
    if (entries == NULL)
        return tp_error_set(&cli->error, TP_IO, "%s: %s", folder, strerror(errno));
    while (rc == TP_OK && (entry = readdir(entries)) != NULL)
        if (is_pdf(entry->d_name))
            rc = add(list, joined(folder, entry->d_name), out, &cli->error);
        else if (out == NULL)
            rc = read_under(cli, folder, entry->d_name, list);
    (void)closedir(entries);
    return rc;
}

/* What Windows programs put first. UTF-16 has zeros between the letters of names, which no path has. */
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

static bool is_utf16(const struct tp_buf *file)
{
    return memchr(tp_buf_string(file), '\0', file->len) != NULL ||
           (file->len >= 2 && (memcmp(file->data, "\xFF\xFE", 2) == 0 || memcmp(file->data, "\xFE\xFF", 2) == 0));
}

static enum tp_rc read_lines(struct tp_cli *cli, const char *path, const char *out, struct tp_cli_pdf_list *list)
{
    struct tp_buf file TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_cli_file_read(path, LIST_MOST - 1, &cli->error, &file));
    if (strncmp(tp_buf_string(&file), "%PDF", 4) == 0)
        return tp_error_set(&cli->error, TP_USAGE, "%s is a PDF itself; wanted is a folder of them, or a file that names them", path);
    if (is_utf16(&file))
        return tp_error_set(&cli->error, TP_USAGE, "%s has zeros in it, or is in UTF-16; wanted are names one a line, in UTF-8",
                            path);
    const char *at = tp_buf_string(&file), *end = at + file.len;
    at += strncmp(at, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0 ? strlen(BYTE_ORDER_MARK) : 0;
    while (at < end) {
        size_t line = strcspn(at, "\n"), len = line > 0 && at[line - 1] == '\r' ? line - 1 : line;
        if (len > 0)
            TP_TRY(add(list, strndup(at, len), out, &cli->error));
        at += line + 1;
    }
    return TP_OK;
}

static int by_out(const void *a, const void *b)
{
    return strcmp(((const struct tp_cli_pdf_item *)a)->out, ((const struct tp_cli_pdf_item *)b)->out);
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static enum tp_rc refuse_both(struct tp_cli *cli, const struct tp_cli_pdf_item *a, const struct tp_cli_pdf_item *b)
{
    if (strcmp(a->in, b->in) == 0)
        return tp_error_set(&cli->error, TP_EXISTS, "%s is named twice; name it once", a->in);
    if (is_same_file(a->in, b->in))
        return tp_error_set(&cli->error, TP_EXISTS, "%s and %s are the same file; name it once", a->in, b->in);
    return tp_error_set(&cli->error, TP_EXISTS, "%s and %s would both become %s; sign them in two batches", a->in, b->in, b->out);
}

static enum tp_rc check_names(struct tp_cli *cli, const struct tp_cli_pdf_list *list)
{
    for (size_t i = 1; i < list->len; i++)
        if (strcmp(list->items[i - 1].out, list->items[i].out) == 0)
            return refuse_both(cli, &list->items[i - 1], &list->items[i]);
    return TP_OK;
}

/* Made where it is not there yet. One that takes nothing is told of once, and before anybody logs in. */
static enum tp_rc out_folder(struct tp_cli *cli, const char *out, struct stat *ret_status)
{
    if (mkdir(out, S_IRWXU | S_IRWXG | S_IRWXO) != 0 && errno != EEXIST)
        return tp_error_set(&cli->error, TP_IO, "the folder %s cannot be made: %s", out, strerror(errno));
    if (stat(out, ret_status) != 0 || !S_ISDIR(ret_status->st_mode))
        return tp_error_set(&cli->error, TP_NOT_FOUND, "%s is no folder", out);
    if (faccessat(AT_FDCWD, out, W_OK | X_OK, AT_EACCESS) != 0)
        return tp_error_set(&cli->error, TP_IO, "the folder %s cannot be written to: %s; name another with --out", out,
                            strerror(errno));
    return TP_OK;
}

static enum tp_rc read_any(struct tp_cli *cli, const char *batch, const char *out, struct tp_cli_pdf_list *list)
{
    struct stat from = {.st_ino = 0}, to;
    bool folder = stat(batch, &from) == 0 && S_ISDIR(from.st_mode);
    TP_TRY(folder ? read_folder(cli, batch, out, list) : read_lines(cli, batch, out, list));
    if (list->len == 0)
        return tp_error_set(&cli->error, TP_NOT_FOUND, "%s %s", batch, folder ? "has no file *.pdf" : "names no file");
    qsort(list->items, list->len, sizeof *list->items, by_out);
    TP_TRY(check_names(cli, list));
    if (out == NULL)
        return TP_OK;
    TP_TRY(out_folder(cli, out, &to));
    if (folder && from.st_dev == to.st_dev && from.st_ino == to.st_ino)
        return tp_error_set(&cli->error, TP_USAGE, "--out is the folder that is signed itself; results of a batch go elsewhere");
    return TP_OK;
}

enum tp_rc tp_cli_pdf_list_read(struct tp_cli *cli, const char *batch, const char *out, struct tp_cli_pdf_list *ret_list)
{
    struct tp_cli_pdf_list list TP_AUTO(tp_cli_pdf_list_clear) = {.len = 0};
    TP_TRY(read_any(cli, batch, out, &list));
    *ret_list = list;
    list = (struct tp_cli_pdf_list){.len = 0};
    return TP_OK;
}
