/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pdf_order.h"
#include "cli/file.h"

#include <string.h>

#define IMAGE_MOST ((size_t)8 << 20)

void tp_cli_pdf_order_clear(struct tp_cli_pdf_order *order)
{
    tp_buf_clear(&order->image);
    tp_buf_clear(&order->text);
}

/* "none", "forms", "annotations": what may still be done with the document. */
static unsigned certify_of(const char *word)
{
    static const char *const words[] = {"none", "forms", "annotations"};
    for (unsigned i = 0; word != NULL && i < 3; i++)
        if (strcmp(word, words[i]) == 0)
            return i + 1;
    return 0;
}

static enum tp_rc read_lock(struct tp_cli *cli, struct tp_cli_pdf_order *order)
{
    static const char *const words[] = {"", "all", "include", "exclude"};
    const char *word = tp_cli_text(&cli->args, "lock"), *name;
    for (size_t i = 1; word != NULL && i < 4; i++)
        if (strcmp(word, words[i]) == 0)
            order->order.lock = (enum tp_pades_lock)i;
    for (size_t i = 0; i < TP_PADES_NAMES_MAX && (name = tp_cli_text_at(&cli->args, "lock-field", i)) != NULL; i++)
        order->lock_names[order->order.lock_names_len++] = name;
    order->order.lock_names = order->lock_names;
    bool by_name = order->order.lock == TP_PADES_LOCK_INCLUDE || order->order.lock == TP_PADES_LOCK_EXCLUDE;
    if (by_name != (order->order.lock_names_len > 0))
        return tp_error_set(&cli->error, TP_USAGE, "--lock-field goes with --lock include or exclude, once for each field");
    return TP_OK;
}

/* \n becomes a newline, since few shells let one type it. */
static enum tp_rc read_text(const char *text, struct tp_cli_pdf_order *order)
{
    for (; *text != '\0'; text++) {
        bool newline = text[0] == '\\' && text[1] == 'n';
        TP_TRY(tp_buf_append_u8(&order->text, newline ? '\n' : (uint8_t)*text));
        text += newline;
    }
    order->visible.text = tp_buf_string(&order->text);
    return TP_OK;
}

static enum tp_pades_corner corner_of(const char *word)
{
    static const char *const words[] = {"top-left", "top-right", "bottom-left", "bottom-right"};
    for (size_t i = 0; i < 4; i++)
        if (strcmp(word, words[i]) == 0)
            return (enum tp_pades_corner)i;
    return TP_PADES_NO_CORNER;
}

static enum tp_rc read_place(struct tp_cli *cli, struct tp_pades_visible *visible)
{
    const char *rect = tp_cli_text(&cli->args, "rect"), *corner = tp_cli_text(&cli->args, "at");
    const char *size = tp_cli_text(&cli->args, "size"), *pages = tp_cli_text(&cli->args, "page");
    if (rect != NULL && (corner != NULL || size != NULL))
        return tp_error_set(&cli->error, TP_USAGE, "--rect says place and size; --at and --size are for those who leave them out");
    visible->placed = rect != NULL || corner != NULL || size != NULL || pages != NULL;
    visible->corner = rect != NULL ? TP_PADES_NO_CORNER : corner != NULL ? corner_of(corner) : TP_PADES_BOTTOM_RIGHT;
    if (rect != NULL)
        TP_TRY(tp_pades_rect_parse(rect, &cli->error, &visible->rect));
    if (size != NULL)
        TP_TRY(tp_pades_size_parse(size, &cli->error, &visible->rect));
    return pages == NULL ? TP_OK : tp_pades_pages_parse(pages, &cli->error, visible);
}

static bool is_visible(const struct tp_cli *cli)
{
    static const char *const names[] = {"rect", "at", "size", "page", "text", "image", "font", "language"};
    bool any = tp_cli_flag(&cli->args, "visible");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        any = any || tp_cli_text(&cli->args, names[i]) != NULL;
    return any;
}

static enum tp_rc read_visible(struct tp_cli *cli, struct tp_cli_pdf_order *order)
{
    struct tp_pades_visible *visible = &order->visible;
    bool no_text = tp_cli_flag(&cli->args, "no-text");
    const char *text = tp_cli_text(&cli->args, "text"), *image = tp_cli_text(&cli->args, "image");
    if (!is_visible(cli))
        return TP_OK;
    TP_TRY(read_place(cli, visible));
    visible->language = tp_cli_text(&cli->args, "language");
    visible->font = tp_cli_text(&cli->args, "font");
    visible->local_time = tp_cli_flag(&cli->args, "local");
    if (no_text && (text != NULL || image == NULL))
        return tp_error_set(&cli->error, TP_USAGE, "--no-text is for an image alone: with --image, and without --text");
    if (text != NULL || no_text)
        TP_TRY(read_text(no_text ? "" : text, order));
    if (image != NULL)
        TP_TRY(tp_cli_file_read(image, IMAGE_MOST, &cli->error, &order->image));
    if (image != NULL && order->image.len == 0)
        return tp_error_set(&cli->error, TP_BAD_ARGUMENT, "%s: it is empty, and no image", image);
    visible->image = tp_buf_bytes(&order->image);
    order->order.visible = visible;
    return TP_OK;
}

enum tp_rc tp_cli_pdf_order_read(struct tp_cli *cli, enum tp_pades_level level, struct tp_cli_pdf_order *order)
{
    const char *word = tp_cli_text(&cli->args, "level");
    order->order.level = word == NULL ? level : tp_pades_level_parse(word);
    if (order->order.level == TP_PADES_LEVEL_END)
        return tp_error_set(&cli->error, TP_USAGE, "'%s' is no level: B-B, B-T, B-LT, B-LTA (or ES, ES-T, ES-A)", word);
    order->order.pss = tp_cli_flag(&cli->args, "pss");
    order->order.reason = tp_cli_text(&cli->args, "reason");
    order->order.location = tp_cli_text(&cli->args, "location");
    order->order.contact = tp_cli_text(&cli->args, "contact");
    order->order.name = tp_cli_text(&cli->args, "name");
    order->order.field = tp_cli_text(&cli->args, "field");
    order->order.certify = certify_of(tp_cli_text(&cli->args, "certify"));
    TP_TRY(read_lock(cli, order));
    return read_visible(cli, order);
}
