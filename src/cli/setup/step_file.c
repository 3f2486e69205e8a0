/* SPDX-License-Identifier: Apache-2.0
 *
 * A step that changes, makes or removes a text file.
 */
#include "cli/setup/plan.h"
#include "cli/setup/textfile.h"

#include <string.h>

#define FOLDER_PRIVATE 0700
#define FOLDER_PUBLIC  0755

/* Whose files all may read lies in folders that all may enter. */
static mode_t folder_mode(const struct tp_setup_step *step)
{
    return (step->mode & S_IROTH) != 0 ? FOLDER_PUBLIC : FOLDER_PRIVATE;
}

/* Somebody else may have written to it since it was looked at. */
static enum tp_rc check_unchanged(const struct tp_setup_step *step, struct tp_error *error)
{
    struct tp_setup_textfile now TP_AUTO(tp_setup_textfile_clear) = {.there = false};
    TP_TRY(tp_setup_textfile_read(step->path, error, &now));
    if (now.there == step->is_there && tp_bytes_equal(tp_buf_bytes(&now.text), tp_buf_bytes(&step->before)))
        return TP_OK;
    return tp_error_set(error, TP_BUSY, "%s has just been changed by another program; try again", step->path);
}

static enum tp_rc act(const struct tp_setup_step *step, struct tp_error *error)
{
    TP_TRY(check_unchanged(step, error));
    if (step->stays) {
        TP_TRY(tp_setup_folders_make(step->path, folder_mode(step), error));
        return tp_setup_textfile_replace(step->path, step->mode, tp_buf_bytes(&step->after), error);
    }
    TP_TRY(tp_setup_textfile_remove(step->path, error));
    tp_setup_folders_remove(step->path, step->folders);
    return TP_OK;
}

static void undo(const struct tp_setup_step *step)
{
    struct tp_error error;
    enum tp_rc rc = TP_OK;
    if (step->is_there)
        rc = tp_setup_folders_make(step->path, folder_mode(step), &error);
    if (step->is_there && rc == TP_OK)
        rc = tp_setup_textfile_replace(step->path, step->mode, tp_buf_bytes(&step->before), &error);
    if (!step->is_there)
        rc = tp_setup_textfile_remove(step->path, &error);
    if (!step->is_there && rc == TP_OK)
        tp_setup_folders_remove(step->path, step->folders);
}

/* ---- what differs ---- */

static size_t line_length(struct tp_bytes text)
{
    const uint8_t *end = text.len == 0 ? NULL : memchr(text.data, '\n', text.len);
    return end == NULL ? text.len : (size_t)(end - text.data) + 1;
}

static void drop(struct tp_bytes *text, size_t len)
{
    *text = TP_BYTES(text->data + len, text->len - len);
}

/* Takes the whole lines off that both begin with. */
static void drop_common_start(struct tp_bytes *a, struct tp_bytes *b)
{
    size_t len;
    while ((len = line_length(*a)) > 0 && len == line_length(*b) && memcmp(a->data, b->data, len) == 0) {
        drop(a, len);
        drop(b, len);
    }
}

/* And those that both end with. */
static void drop_common_end(struct tp_bytes *a, struct tp_bytes *b)
{
    size_t same = 0, whole = 0;
    while (same < a->len && same < b->len && a->data[a->len - same - 1] == b->data[b->len - same - 1]) {
        same++;
        bool starts_both = (same == a->len || a->data[a->len - same - 1] == '\n') &&
                           (same == b->len || b->data[b->len - same - 1] == '\n');
        whole = starts_both ? same : whole;
    }
    a->len -= whole;
    b->len -= whole;
}

static json_t *lines_of(struct tp_bytes text)
{
    json_t *lines = json_array();
    for (size_t len; (len = line_length(text)) > 0; drop(&text, len)) {
        size_t shown = text.data[len - 1] == '\n' ? len - 1 : len;
        (void)json_array_append_new(lines, json_stringn((const char *)text.data, shown));
    }
    return lines;
}

static json_t *show(const struct tp_setup_step *step)
{
    struct tp_bytes before = tp_buf_bytes(&step->before), after = tp_buf_bytes(&step->after);
    drop_common_start(&before, &after);
    drop_common_end(&before, &after);
    return json_pack("{s:s, s:s, s:o, s:o}", "where", step->path, "change",
                     !step->is_there ? "made"
                     : step->stays   ? "changed"
                                     : "removed",
                     "added", lines_of(after), "removed", lines_of(before));
}

const struct tp_setup_step_kind tp_setup_step_file = {act, undo, show};
