/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a signature is to be seen: its widget annotation (ISO 32000-2 §12.5.6.19), which is one object with the field. A signature
 * field never refers to more than one annotation (§12.7.5.5): on further pages stands a stamp that looks the same, signed
 * with all else.
 */
#include "pades/internal.h"

#include <string.h>

#define PRINT  4   /* annotation flags (Table 167); PDF/A wants Print of all that are there */
#define LOCKED 128
#define READ_ONLY 64
#define DEPTH  64  /* of the page tree */
#define MARGIN 36.0
#define DEFAULT_WIDTH  200.0
#define DEFAULT_HEIGHT 60.0
#define TINY   0.5 /* points: a field that is smaller is not to be seen */

struct page {
    struct tp_pdf_ref ref;
    double x0, y0, x1, y1; /* the crop box */
    unsigned rotate;
};

/* The four numbers of a rectangle, in any order of its corners (§7.9.5). */
static enum tp_rc read_rect(struct tp_pades_work *work, const struct tp_pdf_value *dictionary, const char *key, double ret_rect[4],
                            bool *ret_there)
{
    const struct tp_pdf_value *array, *item;
    double n[4];
    TP_TRY(tp_pdf_document_get(work->document, dictionary, key, work->error, &array));
    *ret_there = tp_pdf_kind(array) == TP_PDF_ARRAY && tp_pdf_len(array) == 4;
    for (size_t i = 0; i < 4 && *ret_there; i++) {
        TP_TRY(tp_pdf_document_resolve(work->document, tp_pdf_at(array, i), work->error, &item));
        n[i] = tp_pdf_number(item, 0);
    }
    if (!*ret_there)
        return TP_OK;
    for (size_t i = 0; i < 2; i++) {
        ret_rect[i] = n[i] < n[i + 2] ? n[i] : n[i + 2];
        ret_rect[i + 2] = n[i] < n[i + 2] ? n[i + 2] : n[i];
    }
    return TP_OK;
}

static unsigned quarter_turns(int64_t degrees)
{
    return (unsigned)(((degrees % 360) + 360) % 360 / 90 * 90);
}

static void intersect(double box[4], const double media[4])
{
    for (size_t i = 0; i < 2; i++) {
        box[i] = box[i] > media[i] ? box[i] : media[i];
        box[i + 2] = box[i + 2] < media[i + 2] ? box[i + 2] : media[i + 2];
    }
}

/* What viewers show is the crop box, within the media box (§14.11.2). */
static enum tp_rc read_page(struct tp_pades_work *work, unsigned index, struct page *ret_page)
{
    const struct tp_pdf_value *page, *rotate;
    double media[4] = {0, 0, 612, 792}, crop[4];
    bool there;
    TP_TRY(tp_pdf_document_page(work->document, index, work->error, &ret_page->ref, &page));
    TP_TRY(read_rect(work, page, "MediaBox", media, &there));
    TP_TRY(read_rect(work, page, "CropBox", crop, &there));
    if (there)
        intersect(crop, media);
    if (!there || crop[2] <= crop[0] || crop[3] <= crop[1])
        memcpy(crop, media, sizeof crop);
    TP_TRY(tp_pdf_document_get(work->document, page, "Rotate", work->error, &rotate));
    ret_page->rotate = quarter_turns(tp_pdf_integer(rotate, 0));
    ret_page->x0 = crop[0];
    ret_page->y0 = crop[1];
    ret_page->x1 = crop[2];
    ret_page->y1 = crop[3];
    return TP_OK;
}

/* ---- which pages ---- */

struct numbers {
    uint32_t at[TP_PADES_PAGES_MAX]; /* from 1 */
    size_t len;
};

static enum tp_rc last_page(struct tp_pades_work *work, uint32_t *ret_number)
{
    const struct tp_pdf_value *catalog, *pages, *count;
    TP_TRY(tp_pdf_document_object(work->document, work->catalog, work->error, &catalog));
    TP_TRY(tp_pdf_document_get(work->document, catalog, "Pages", work->error, &pages));
    TP_TRY(tp_pdf_document_get(work->document, pages, "Count", work->error, &count));
    int64_t pages_len = tp_pdf_integer(count, 0);
    if (pages_len < 1 || pages_len > (int64_t)TP_PDF_OBJECTS_MAX)
        return tp_error_set(work->error, TP_MALFORMED, "the PDF does not say how many pages it has; --page with a number");
    *ret_number = (uint32_t)pages_len;
    return TP_OK;
}

static bool has(const struct numbers *numbers, uint32_t number)
{
    for (size_t i = 0; i < numbers->len; i++)
        if (numbers->at[i] == number)
            return true;
    return false;
}

static enum tp_rc add_pages(struct tp_pades_work *work, struct tp_pades_pages pages, struct numbers *numbers)
{
    uint32_t last = 0;
    if (pages.last == TP_PADES_PAGE_LAST) {
        TP_TRY(last_page(work, &last));
        pages.last = last;
        pages.first = pages.first == TP_PADES_PAGE_LAST ? last : pages.first;
    }
    if (pages.first > pages.last)
        return tp_error_set(work->error, TP_NOT_FOUND, "there is no page %u; the document has %u", pages.first, last);
    for (uint32_t number = pages.first; number <= pages.last; number++) {
        if (has(numbers, number))
            continue;
        if (numbers->len == TP_PADES_PAGES_MAX)
            return tp_error_set(work->error, TP_TOO_LARGE, "a signature can be seen on %d pages at most, and --page names more of this "
                                "document", TP_PADES_PAGES_MAX);
        numbers->at[numbers->len++] = number;
    }
    return TP_OK;
}

static enum tp_rc list_pages(struct tp_pades_work *work, const struct tp_pades_visible *visible, struct numbers *ret_numbers)
{
    *ret_numbers = (struct numbers){.at = {1}, .len = visible->pages_len == 0};
    for (size_t i = 0; i < visible->pages_len; i++)
        TP_TRY(add_pages(work, visible->pages[i], ret_numbers));
    return TP_OK;
}

/* ---- where on the page ---- */

/* The place as one sees the page: its lower left corner is 0, 0, after it has been turned. */
static enum tp_rc shown_rect(struct tp_pades_work *work, const struct tp_pades_visible *visible, const struct page *page,
                             struct tp_pades_rect *ret_rect)
{
    bool turned = page->rotate % 180 != 0;
    double width = turned ? page->y1 - page->y0 : page->x1 - page->x0;
    double height = turned ? page->x1 - page->x0 : page->y1 - page->y0;
    struct tp_pades_rect rect = visible->rect;
    if (rect.width <= 0 || rect.height <= 0) {
        rect.width = width < DEFAULT_WIDTH ? width : DEFAULT_WIDTH;
        rect.height = height < DEFAULT_HEIGHT ? height : DEFAULT_HEIGHT;
    }
    bool right = visible->corner == TP_PADES_TOP_RIGHT || visible->corner == TP_PADES_BOTTOM_RIGHT;
    bool top = visible->corner == TP_PADES_TOP_LEFT || visible->corner == TP_PADES_TOP_RIGHT;
    double margin_x = width > rect.width + 2 * MARGIN ? MARGIN : (width - rect.width) / 2;
    double margin_y = height > rect.height + 2 * MARGIN ? MARGIN : (height - rect.height) / 2;
    if (visible->corner != TP_PADES_NO_CORNER) {
        rect.x = right ? width - rect.width - margin_x : margin_x;
        rect.y = top ? height - rect.height - margin_y : margin_y;
    }
    if (rect.x < -TINY || rect.y < -TINY || rect.x + rect.width > width + TINY || rect.y + rect.height > height + TINY)
        return tp_error_set(work->error, TP_BAD_ARGUMENT,
                            "the signature's place is not on the page, which is %.0f x %.0f points; --rect or --size", width, height);
    *ret_rect = rect;
    return TP_OK;
}

/* The same in the page's own coordinates, which /Rotate turns clockwise. */
static void user_rect(const struct page *page, const struct tp_pades_rect *shown, double ret_rect[4])
{
    double x = shown->x, y = shown->y, w = shown->width, h = shown->height;
    double rect[4][4] = {
        {page->x0 + x, page->y0 + y, page->x0 + x + w, page->y0 + y + h},
        {page->x1 - y - h, page->y0 + x, page->x1 - y, page->y0 + x + w},
        {page->x1 - x - w, page->y1 - y - h, page->x1 - x, page->y1 - y},
        {page->x0 + y, page->y1 - x - w, page->x0 + y + h, page->y1 - x},
    };
    memcpy(ret_rect, rect[page->rotate / 90], sizeof rect[0]);
}

/* ---- beside signatures that are there ---- */

#define LOOKED_AT_MOST 256 /* annotations of a page */
#define TAKEN_MOST     64
#define GAP            4.0 /* points between two of them */

struct taken {
    double rects[TAKEN_MOST][4];
    size_t len;
};

static enum tp_rc is_signature(struct tp_pades_work *work, const struct tp_pdf_value *annotation, bool *ret_is)
{
    const struct tp_pdf_value *type, *parent;
    TP_TRY(tp_pdf_document_get(work->document, annotation, "FT", work->error, &type));
    TP_TRY(tp_pdf_document_get(work->document, annotation, "Parent", work->error, &parent));
    if (type == NULL)
        TP_TRY(tp_pdf_document_get(work->document, parent, "FT", work->error, &type));
    *ret_is = tp_pdf_is_name(type, "Sig");
    return TP_OK;
}

static enum tp_rc read_taken(struct tp_pades_work *work, const struct page *page, struct taken *taken)
{
    const struct tp_pdf_value *value, *annotations, *annotation;
    bool is, there;
    TP_TRY(tp_pdf_update_object(work->update, page->ref, work->error, &value));
    TP_TRY(tp_pdf_document_get(work->document, value, "Annots", work->error, &annotations));
    const size_t len = tp_pdf_kind(annotations) == TP_PDF_ARRAY ? tp_pdf_len(annotations) : 0;
    for (size_t i = 0; i < len && i < LOOKED_AT_MOST && taken->len < TAKEN_MOST; i++) {
        double *rect = taken->rects[taken->len];
        TP_TRY(tp_pdf_document_resolve(work->document, tp_pdf_at(annotations, i), work->error, &annotation));
        TP_TRY(is_signature(work, annotation, &is));
        TP_TRY(read_rect(work, annotation, "Rect", rect, &there));
        taken->len += is && there && rect[2] - rect[0] > TINY && rect[3] - rect[1] > TINY;
    }
    return TP_OK;
}

static bool is_free(const struct taken *taken, const double rect[4])
{
    for (size_t i = 0; i < taken->len; i++) {
        const double *other = taken->rects[i];
        if (rect[0] < other[2] && other[0] < rect[2] && rect[1] < other[3] && other[1] < rect[3])
            return false;
    }
    return true;
}

/* From a corner upwards, or from an upper one downwards, to where no signature is. When the page is full of them: the corner. */
static enum tp_rc find_room(struct tp_pades_work *work, const struct page *page, enum tp_pades_corner corner,
                            struct tp_pades_rect *shown)
{
    struct taken taken = {.len = 0};
    const double height = page->rotate % 180 != 0 ? page->x1 - page->x0 : page->y1 - page->y0;
    const bool down = corner == TP_PADES_TOP_LEFT || corner == TP_PADES_TOP_RIGHT;
    const double step = down ? -(shown->height + GAP) : shown->height + GAP;
    if (corner == TP_PADES_NO_CORNER)
        return TP_OK;
    TP_TRY(read_taken(work, page, &taken));
    for (struct tp_pades_rect at = *shown; at.y >= 0 && at.y + at.height <= height; at.y += step) {
        double rect[4];
        user_rect(page, &at, rect);
        if (is_free(&taken, rect)) {
            *shown = at;
            return TP_OK;
        }
    }
    return TP_OK;
}

/* ---- annotations ---- */

/* What kind of annotation: the field's widget, or a stamp beside it. */
struct kind {
    const char *subtype;
    int64_t flags;
};
static const struct kind widget = {"Widget", PRINT | LOCKED}, stamp = {"Stamp", PRINT | LOCKED | READ_ONLY};

/* VALUE with what makes it an annotation of PAGE. */
static const struct tp_pdf_value *annotate(struct tp_pades_work *work, const struct tp_pdf_value *value, const struct kind *kind,
                                           const struct page *page, const double rect[4], struct tp_pdf_ref look)
{
    struct tp_pdf_arena *arena = work->arena;
    value = tp_pdf_with(arena, value, "Type", tp_pdf_new_name(arena, "Annot"));
    value = tp_pdf_with(arena, value, "Subtype", tp_pdf_new_name(arena, kind->subtype));
    value = tp_pdf_with(arena, value, "F", tp_pdf_new_integer(arena, kind->flags));
    value = tp_pdf_with(arena, value, "Rect", tp_pades_numbers(arena, rect, 4));
    value = tp_pdf_with(arena, value, "AP",
                        tp_pdf_with(arena, tp_pdf_new_dictionary(arena), "N", tp_pdf_new_ref(arena, look)));
    if (page->ref.id != 0)
        value = tp_pdf_with(arena, value, "P", tp_pdf_new_ref(arena, page->ref));
    if (page->rotate != 0 && kind == &widget)
        value = tp_pdf_with(arena, value, "MK",
                            tp_pdf_with(arena, tp_pdf_new_dictionary(arena), "R", tp_pdf_new_integer(arena, page->rotate)));
    return value;
}

/* On the first page, with nothing to see. A document without pages has none to put it on. */
static enum tp_rc hidden(struct tp_pades_work *work, struct tp_pdf_ref ref, const struct tp_pdf_value *field,
                         const struct tp_pdf_value **ret_field)
{
    static const double nowhere[4] = {0, 0, 0, 0};
    struct page page = {.rotate = 0};
    struct tp_pdf_ref look;
    enum tp_rc rc = tp_pdf_document_page(work->document, 0, work->error, &page.ref, &(const struct tp_pdf_value *){NULL});
    if (rc != TP_OK && rc != TP_NOT_FOUND)
        return rc;
    TP_TRY(tp_pades_appearance_empty(work, &look));
    *ret_field = annotate(work, field, &widget, &page, nowhere, look);
    return page.ref.id == 0 ? TP_OK : tp_pades_edit_append(work, page.ref, "Annots", tp_pdf_new_ref(work->arena, ref));
}

/* VALUE, whose number is REF, as an annotation of the page that a person counts as NUMBER. */
static enum tp_rc seen(struct tp_pades_work *work, const struct tp_pades_order *order, uint32_t number, const struct kind *kind,
                       struct tp_pdf_ref ref, const struct tp_pdf_value *value, const struct tp_pdf_value **ret_value)
{
    struct page page;
    struct tp_pades_rect shown = {.width = 0};
    struct tp_pdf_ref look;
    double rect[4];
    TP_TRY(read_page(work, number - 1, &page));
    TP_TRY(shown_rect(work, order->visible, &page, &shown));
    TP_TRY(find_room(work, &page, order->visible->corner, &shown));
    user_rect(&page, &shown, rect);
    struct tp_pades_box box = {.width = shown.width, .height = shown.height, .rotate = page.rotate};
    TP_TRY(tp_pades_appearance_put(work, order, &box, &look));
    *ret_value = annotate(work, value, kind, &page, rect, look);
    return tp_pades_edit_append(work, page.ref, "Annots", tp_pdf_new_ref(work->arena, ref));
}

static enum tp_rc put_stamps(struct tp_pades_work *work, const struct tp_pades_order *order, const struct numbers *numbers)
{
    for (size_t i = 1; i < numbers->len; i++) {
        struct tp_pdf_ref ref = tp_pdf_update_new_ref(work->update);
        const struct tp_pdf_value *value = tp_pdf_new_dictionary(work->arena);
        TP_TRY(seen(work, order, numbers->at[i], &stamp, ref, value, &value));
        TP_TRY(tp_pdf_update_put(work->update, ref, value, work->error));
    }
    return TP_OK;
}

enum tp_rc tp_pades_widget_new(struct tp_pades_work *work, const struct tp_pades_order *order, struct tp_pdf_ref ref,
                               const struct tp_pdf_value *field, const struct tp_pdf_value **ret_field)
{
    struct numbers numbers;
    if (order->visible == NULL)
        return hidden(work, ref, field, ret_field);
    TP_TRY(list_pages(work, order->visible, &numbers));
    TP_TRY(seen(work, order, numbers.at[0], &widget, ref, field, ret_field));
    return put_stamps(work, order, &numbers);
}

/* ---- fields that are there ---- */

/* What a page inherits (§7.7.3.4), from the page itself up. */
static enum tp_rc page_rotate(struct tp_pades_work *work, const struct tp_pdf_value *page, unsigned *ret_rotate)
{
    *ret_rotate = 0;
    for (unsigned depth = 0; tp_pdf_kind(page) == TP_PDF_DICTIONARY && depth < DEPTH; depth++) {
        const struct tp_pdf_value *rotate;
        TP_TRY(tp_pdf_document_get(work->document, page, "Rotate", work->error, &rotate));
        if (rotate != NULL) {
            *ret_rotate = quarter_turns(tp_pdf_integer(rotate, 0));
            return TP_OK;
        }
        TP_TRY(tp_pdf_document_get(work->document, page, "Parent", work->error, &page));
    }
    return TP_OK;
}

/* How a widget is turned: as it says itself (/MK /R), or as its page is. */
static enum tp_rc widget_rotate(struct tp_pades_work *work, const struct tp_pdf_value *value, unsigned *ret_rotate)
{
    const struct tp_pdf_value *mk, *rotate, *page;
    TP_TRY(tp_pdf_document_get(work->document, value, "MK", work->error, &mk));
    TP_TRY(tp_pdf_document_get(work->document, mk, "R", work->error, &rotate));
    *ret_rotate = quarter_turns(tp_pdf_integer(rotate, 0));
    if (rotate != NULL)
        return TP_OK;
    TP_TRY(tp_pdf_document_get(work->document, value, "P", work->error, &page));
    return page_rotate(work, page, ret_rotate);
}

static enum tp_rc fill_widget(struct tp_pades_work *work, const struct tp_pades_order *order, struct tp_pdf_ref ref)
{
    const struct tp_pdf_value *there_now;
    struct tp_pades_box box = {.rotate = 0};
    struct tp_pdf_ref look;
    double rect[4];
    bool there;
    TP_TRY(tp_pdf_document_object(work->document, ref, work->error, &there_now));
    TP_TRY(read_rect(work, there_now, "Rect", rect, &there));
    if (!there || rect[2] - rect[0] < TINY || rect[3] - rect[1] < TINY)
        return TP_OK;
    if (order->visible->placed)
        return tp_error_set(work->error, TP_REFUSED, "the field %s has its place in the document; leave out --at, --rect, --size and "
                            "--page", order->field);
    TP_TRY(widget_rotate(work, there_now, &box.rotate));
    bool turned = box.rotate % 180 != 0;
    box.width = turned ? rect[3] - rect[1] : rect[2] - rect[0];
    box.height = turned ? rect[2] - rect[0] : rect[3] - rect[1];
    TP_TRY(tp_pades_appearance_put(work, order, &box, &look));
    return tp_pades_edit_set(work, ref, "AP", tp_pdf_with(work->arena, tp_pdf_new_dictionary(work->arena), "N",
                                                          tp_pdf_new_ref(work->arena, look)));
}

enum tp_rc tp_pades_widget_fill(struct tp_pades_work *work, const struct tp_pades_order *order, const struct tp_pades_field *field)
{
    static const struct tp_pades_visible plain = {.corner = TP_PADES_NO_CORNER};
    struct tp_pades_order seen_order = *order;
    if (order->visible == NULL)
        seen_order.visible = &plain;
    for (size_t i = 0; i < field->widgets_len; i++)
        TP_TRY(fill_widget(work, &seen_order, field->widgets[i]));
    return TP_OK;
}
