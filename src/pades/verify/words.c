/* SPDX-License-Identifier: Apache-2.0 */
/* Words and small things of the verifying side. */
#include "pades/verify/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tp_pades_signature_form_words(enum tp_pades_signature_form form)
{
    static const char *const words[] = {[TP_PADES_APPROVAL] = "signature", [TP_PADES_CERTIFICATION] = "certification signature",
                                        [TP_PADES_DOCUMENT_TIMESTAMP] = "document timestamp", [TP_PADES_CMS] = "detached signature"};
    return words[form];
}

bool tp_pades_is_stamped_in_vain(const struct tp_pades_signature *signature)
{
    return signature->form != TP_PADES_DOCUMENT_TIMESTAMP && signature->reached == TP_PADES_REACHED_B && signature->stamps_len > 0;
}

const char *tp_pades_reached_name(enum tp_pades_reached reached)
{
    static const char *const names[] = {[TP_PADES_REACHED_NOTHING] = "", [TP_PADES_REACHED_CMS] = "PKCS#7", [TP_PADES_REACHED_B] = "B-B",
                                        [TP_PADES_REACHED_T] = "B-T", [TP_PADES_REACHED_LT] = "B-LT", [TP_PADES_REACHED_LTA] = "B-LTA"};
    return names[reached];
}

const char *tp_pades_nature_name(enum tp_pades_nature nature)
{
    static const char *const names[] = {[TP_PADES_CHANGE_EVIDENCE] = "evidence", [TP_PADES_CHANGE_TIMESTAMP] = "timestamp",
                                        [TP_PADES_CHANGE_SIGNATURE] = "signature", [TP_PADES_CHANGE_FORM] = "form",
                                        [TP_PADES_CHANGE_ANNOTATION] = "annotation", [TP_PADES_CHANGE_METADATA] = "metadata",
                                        [TP_PADES_CHANGE_CONTENT] = "content"};
    return names[nature];
}

bool tp_pades_is_signed(const struct tp_pades_verification *verification)
{
    for (size_t i = 0; i < verification->signatures_len; i++)
        if (verification->signatures[i]->form != TP_PADES_DOCUMENT_TIMESTAMP)
            return true;
    return false;
}

void tp_pades_note(struct tp_pades_verification *verification, const char *format, ...)
{
    char words[2 * TP_PADES_LINE_MAX];
    va_list args;
    if (verification->notes_len == TP_PADES_NOTES_MAX)
        return;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    tp_pades_line(words, verification->notes[verification->notes_len++], TP_PADES_LINE_MAX);
}

void tp_pades_set_clear(struct tp_pades_set *set)
{
    free(set->bits);
    *set = (struct tp_pades_set){0};
}

bool tp_pades_set_has(const struct tp_pades_set *set, uint32_t id)
{
    return id / 8 < set->len && (set->bits[id / 8] >> (id % 8) & 1) != 0;
}

enum tp_rc tp_pades_set_add(struct tp_pades_set *set, uint32_t id)
{
    if (id > TP_PDF_OBJECTS_MAX)
        return TP_TOO_LARGE;
    if (id / 8 >= set->len) {
        size_t len = 2 * (size_t)(id / 8) + 64;
        uint8_t *bits = realloc(set->bits, len);
        if (bits == NULL)
            return TP_MEMORY;
        memset(bits + set->len, 0, len - set->len);
        set->bits = bits, set->len = len;
    }
    set->bits[id / 8] = (uint8_t)(set->bits[id / 8] | 1u << (id % 8));
    return TP_OK;
}
