/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reader has answered, taken apart: it sits where foreign input is read, and is believed no more than that.
 */
#include "pdf/answer.h"
#include "pdf/internal.h"

#include <stdlib.h>
#include <string.h>

#define FACTS_LEN    24
#define LENGTH_LEN   4 /* before a part of an answer */
#define REF_LEN      6
#define DIGESTS_HEAD 58
#define DIGEST_LEN   (REF_LEN + 32 + 8 + 1)

static struct tp_pdf_ref get_ref(const uint8_t bytes[REF_LEN])
{
    return (struct tp_pdf_ref){tp_get_be32(bytes), (uint16_t)(bytes[4] << 8 | bytes[5])};
}

/* What comes behind its length, off the beginning of ANSWER. */
static enum tp_rc take_part(struct tp_pdf_arena *arena, struct tp_bytes *answer, const struct tp_pdf_value **ret_value)
{
    const size_t len = answer->len < LENGTH_LEN ? SIZE_MAX : tp_get_be32(answer->data);
    if (len > answer->len - LENGTH_LEN)
        return TP_MALFORMED;
    TP_TRY(tp_pdf_wire_decode(arena, TP_BYTES(answer->data + LENGTH_LEN, len), ret_value));
    *answer = TP_BYTES(answer->data + LENGTH_LEN + len, answer->len - LENGTH_LEN - len);
    return TP_OK;
}

enum tp_rc tp_pdf_answer_facts(struct tp_pdf_arena *arena, struct tp_bytes answer, struct tp_pdf_facts *ret_facts,
                               const struct tp_pdf_value **ret_trailer, const struct tp_pdf_value **ret_catalog)
{
    const uint8_t *at = answer.data;
    if (answer.len < FACTS_LEN || at[1] > TP_PDF_XREF_HYBRID || tp_get_be32(at + 4) > TP_PDF_OBJECTS_MAX + 1)
        return TP_MALFORMED;
    ret_facts->version = at[0];
    ret_facts->xref = at[1];
    ret_facts->encrypted = at[2] != 0;
    ret_facts->repaired = at[3] != 0;
    ret_facts->size = tp_get_be32(at + 4);
    ret_facts->startxref = (int64_t)tp_get_be64(at + 8);
    ret_facts->header_at = tp_get_be64(at + 16);
    answer = TP_BYTES(at + FACTS_LEN, answer.len - FACTS_LEN);
    TP_TRY(take_part(arena, &answer, ret_trailer));
    const bool apart = tp_pdf_ref(tp_pdf_get(*ret_trailer, "Root")).id != 0;
    if (apart != (answer.len != 0))
        return TP_MALFORMED;
    *ret_catalog = NULL;
    return apart ? tp_pdf_wire_decode(arena, answer, ret_catalog) : TP_OK;
}

enum tp_rc tp_pdf_answer_page(struct tp_pdf_arena *arena, struct tp_bytes answer, struct tp_pdf_ref *ret_ref,
                              const struct tp_pdf_value **ret_page, const struct tp_pdf_value **ret_inherited)
{
    if (answer.len < REF_LEN)
        return TP_MALFORMED;
    *ret_ref = get_ref(answer.data);
    answer = TP_BYTES(answer.data + REF_LEN, answer.len - REF_LEN);
    TP_TRY(take_part(arena, &answer, ret_page));
    TP_TRY(tp_pdf_wire_decode(arena, answer, ret_inherited));
    return tp_pdf_is_dictionary(*ret_page) && tp_pdf_kind(*ret_inherited) == TP_PDF_DICTIONARY ? TP_OK : TP_MALFORMED;
}

static void take_digest(const uint8_t at[DIGEST_LEN], struct tp_pdf_digest *ret_digest)
{
    ret_digest->ref = get_ref(at);
    memcpy(ret_digest->hash, at + REF_LEN, sizeof(ret_digest->hash));
    ret_digest->at = tp_get_be64(at + REF_LEN + sizeof(ret_digest->hash));
    ret_digest->doubts = at[DIGEST_LEN - 1];
}

enum tp_rc tp_pdf_answer_digests(struct tp_bytes answer, struct tp_pdf_digests *ret_digests)
{
    if (answer.len < DIGESTS_HEAD || (answer.len - DIGESTS_HEAD) % DIGEST_LEN != 0)
        return TP_MALFORMED;
    ret_digests->lost = answer.data[0] != 0;
    ret_digests->nowhere = answer.data[1] != 0;
    memcpy(ret_digests->doubt, answer.data + 2, sizeof(ret_digests->doubt));
    ret_digests->stray = tp_get_be64(answer.data + 2 + sizeof(ret_digests->doubt));
    ret_digests->late = tp_get_be64(answer.data + 10 + sizeof(ret_digests->doubt));
    ret_digests->root = tp_get_be64(answer.data + 18 + sizeof(ret_digests->doubt));
    ret_digests->len = (answer.len - DIGESTS_HEAD) / DIGEST_LEN;
    ret_digests->digests = calloc(ret_digests->len + 1, sizeof(*ret_digests->digests));
    if (ret_digests->digests == NULL)
        return TP_MEMORY;
    for (size_t i = 0; i < ret_digests->len; i++)
        take_digest(answer.data + DIGESTS_HEAD + i * DIGEST_LEN, &ret_digests->digests[i]);
    return TP_OK;
}
