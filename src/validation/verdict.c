/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/verdict.h"

static const char *const indications[] = {
    [TP_TOTAL_PASSED] = "TOTAL-PASSED",
    [TP_TOTAL_FAILED] = "TOTAL-FAILED",
    [TP_INDETERMINATE] = "INDETERMINATE",
};

static const struct {
    const char *name, *words;
} subindications[TP_SUB_COUNT] = {
#define TP_SUBINDICATION_ROW(name, words) [TP_SUB_##name] = {#name, words},
    TP_SUBINDICATIONS(TP_SUBINDICATION_ROW)
#undef TP_SUBINDICATION_ROW
};

const char *tp_indication_name(enum tp_indication indication)
{
    return (size_t)indication < sizeof indications / sizeof indications[0] ? indications[indication] : "?";
}

const char *tp_subindication_name(enum tp_subindication sub)
{
    return sub > TP_SUB_NONE && sub < TP_SUB_COUNT ? subindications[sub].name : "";
}

const char *tp_subindication_words(enum tp_subindication sub)
{
    return sub >= TP_SUB_NONE && sub < TP_SUB_COUNT ? subindications[sub].words : "";
}
