/* SPDX-License-Identifier: Apache-2.0
 *
 * The page tree (ISO 32000-2 §7.7.3), walked without changing anything and without believing /Count. Each object is looked at
 * once: a tree that comes back to itself ends there.
 */
#include "pdf/internal.h"
#include "pdf/reader.h"

#include <stdlib.h>

#define DEPTH_MAX 64

static const char *const inherited[] = {"/CropBox", "/MediaBox", "/Resources", "/Rotate"}; /* §7.7.3.4, Table 31 */
#define INHERITED_COUNT (sizeof(inherited) / sizeof(inherited[0]))

struct walk {
    struct tp_pdf_reader *reader;
    uint8_t *seen; /* a bit an object */
    uint32_t wanted, count;
    struct tp_pdf_ref found; /* id 0: not yet */
    struct tp_pdf_ref path[DEPTH_MAX]; /* its ancestors, from the root */
    int path_len;
};

static bool see(struct walk *walk, struct tp_pdf_ref ref)
{
    uint8_t *byte = &walk->seen[ref.id / 8];
    const uint8_t bit = (uint8_t)(1u << ref.id % 8);
    const bool seen = (*byte & bit) != 0;
    *byte = *byte | bit;
    return seen;
}

static void visit(struct walk *walk, qpdf_oh node, int depth);

static void visit_kids(struct walk *walk, qpdf_oh kids, int depth)
{
    qpdf_data qpdf = walk->reader->qpdf;
    const int len = qpdf_oh_get_array_n_items(qpdf, kids);
    for (int i = 0; i < len && walk->found.id == 0; i++) {
        qpdf_oh kid = qpdf_oh_get_array_item(qpdf, kids, i);
        visit(walk, kid, depth + 1);
        qpdf_oh_release(qpdf, kid);
    }
}

/* Pages are indirect objects; a node with /Kids is none, whatever its /Type says. */
static void visit(struct walk *walk, qpdf_oh node, int depth)
{
    qpdf_data qpdf = walk->reader->qpdf;
    const struct tp_pdf_ref ref = tp_pdf_reader_ref(walk->reader, node);
    if (depth >= DEPTH_MAX || ref.id == 0 || ref.id >= walk->reader->size || see(walk, ref) ||
        !qpdf_oh_is_dictionary(qpdf, node))
        return;
    qpdf_oh kids = qpdf_oh_get_key(qpdf, node, "/Kids");
    if (qpdf_oh_is_array(qpdf, kids)) {
        walk->path[depth] = ref;
        visit_kids(walk, kids, depth);
    } else if (walk->count++ == walk->wanted) {
        walk->found = ref;
        walk->path_len = depth;
    }
    qpdf_oh_release(qpdf, kids);
}

/* KEY of the nearest ancestor that has it; 0: none. */
static qpdf_oh find_inherited(const struct walk *walk, const char *key)
{
    for (int i = walk->path_len; i-- > 0;) {
        qpdf_oh node = tp_pdf_reader_look_up(walk->reader, walk->path[i]);
        if (qpdf_oh_has_key(walk->reader->qpdf, node, key))
            return qpdf_oh_get_key(walk->reader->qpdf, node, key);
    }
    return 0;
}

/* As a member: what is an object of its own stays a reference. */
static enum tp_rc encode_member(struct tp_pdf_reader *reader, qpdf_oh oh, struct tp_buf *wire)
{
    const struct tp_pdf_ref ref = tp_pdf_reader_ref(reader, oh);
    if (ref.id == 0)
        return tp_pdf_reader_encode(reader, oh, wire);
    TP_TRY(tp_pdf_wire_put_kind(wire, TP_PDF_REFERENCE));
    return tp_pdf_wire_put_ref(wire, ref);
}

/* What PAGE has from its ancestors, as a dictionary. */
static enum tp_rc encode_inherited(const struct walk *walk, qpdf_oh page, struct tp_buf *answer)
{
    struct tp_buf entries TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint32_t count = 0;
    for (size_t i = 0; i < INHERITED_COUNT; i++) {
        const qpdf_oh oh = qpdf_oh_has_key(walk->reader->qpdf, page, inherited[i]) ? 0 : find_inherited(walk, inherited[i]);
        if (oh == 0)
            continue;
        TP_TRY(tp_pdf_wire_put_bytes(&entries, tp_bytes_of_string(inherited[i] + 1)));
        TP_TRY(encode_member(walk->reader, oh, &entries));
        count++;
    }
    TP_TRY(tp_pdf_wire_put_kind(answer, TP_PDF_DICTIONARY));
    TP_TRY(tp_pdf_wire_put_u32(answer, count));
    return tp_buf_append(answer, tp_buf_bytes(&entries));
}

static enum tp_rc encode_page(const struct walk *walk, struct tp_buf *answer)
{
    struct tp_buf wire TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const qpdf_oh page = tp_pdf_reader_look_up(walk->reader, walk->found);
    TP_TRY(tp_pdf_reader_encode(walk->reader, page, &wire));
    TP_TRY(tp_pdf_wire_put_ref(answer, walk->found));
    TP_TRY(tp_pdf_wire_put_bytes(answer, tp_buf_bytes(&wire)));
    return encode_inherited(walk, page, answer);
}

enum tp_rc tp_pdf_reader_page(struct tp_pdf_reader *reader, uint32_t index, struct tp_error *error, struct tp_buf *ret_answer)
{
    struct walk walk = {.reader = reader, .wanted = index};
    walk.seen = calloc(1, (size_t)reader->size / 8 + 1);
    if (walk.seen == NULL)
        return TP_MEMORY;
    visit(&walk, qpdf_oh_get_key(reader->qpdf, qpdf_get_root(reader->qpdf), "/Pages"), 0);
    enum tp_rc rc = TP_OK;
    if (walk.found.id == 0)
        rc = tp_error_set(error, TP_NOT_FOUND, "the document has %u page%s, and no page %u", walk.count,
                          walk.count == 1 ? "" : "s", index + 1);
    else
        rc = tp_pdf_reader_say(encode_page(&walk, ret_answer), "a page of the document", error);
    free(walk.seen);
    qpdf_oh_release_all(reader->qpdf);
    TP_TRY(tp_pdf_reader_check(reader, "the document's page tree", error));
    return rc;
}
