/* SPDX-License-Identifier: Apache-2.0 */
/* What other readers may see in the newest revision: a number that is in use under two generations, a dictionary that has a key
 * twice, cross-references that say two things. As signed, such a document has one look a reader; what has come since is content. */
#include "pades/change/change.h"

#include <string.h>

#define READERS_DIFFER "readers may show different things"

static bool is_as_signed(const struct tp_pades_comparison *comparison, const struct tp_pdf_digest *digest)
{
    const struct tp_pdf_digest *before = tp_pdf_digests_find(comparison->old, digest->ref.id);
    if (before == NULL) /* a number that only some find a reference to, and that is still nobody's */
        return digest->doubts == TP_PDF_DOUBT_HIDDEN && digest->at == 0;
    return before->at == digest->at && before->doubts == digest->doubts;
}

static void tell(struct tp_pades_comparison *comparison, const struct tp_pdf_digest *digest)
{
    const struct tp_pades_told told = {.nature = TP_PADES_CHANGE_CONTENT, .ref = digest->ref};
    if ((digest->doubts & TP_PDF_DOUBT_GENERATION) != 0) /* what the reference leads to is not followed, so it may have changed */
        tp_pades_tell(comparison, told, "object %u is in use under two generations, or refers to one that is: " READERS_DIFFER, digest->ref.id);
    else if (!is_as_signed(comparison, digest))
        tp_pades_tell(comparison, told, "object %u can be read in two ways: " READERS_DIFFER, digest->ref.id);
}

void tp_pades_tell_doubts(struct tp_pades_comparison *comparison)
{
    static const uint8_t none[sizeof comparison->new->doubt];
    const struct tp_pdf_digests *old = comparison->old, *new = comparison->new;
    const bool doubtful = memcmp(new->doubt, none, sizeof none) != 0 && memcmp(new->doubt, old->doubt, sizeof none) != 0;
    if (new->lost || doubtful)
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT},
                      "the cross-references can be read in two ways: " READERS_DIFFER);
    if (new->nowhere && !old->nowhere)
        tp_pades_tell(comparison, (struct tp_pades_told){.nature = TP_PADES_CHANGE_CONTENT},
                      "the trailer refers to what is not there: " READERS_DIFFER);
    for (size_t i = 0; i < new->len; i++)
        if (new->digests[i].doubts != 0)
            tell(comparison, &new->digests[i]);
}
