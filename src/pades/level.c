/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/sign.h"

#include <strings.h>

static const struct {
    const char *name, *other;
} levels[TP_PADES_LEVEL_END] = {
#define LEVEL(id, name, other) [TP_PADES_##id] = {name, other},
    TP_PADES_LEVELS(LEVEL)
#undef LEVEL
};

const char *tp_pades_level_name(enum tp_pades_level level)
{
    return level < TP_PADES_LEVEL_END ? levels[level].name : "?";
}

enum tp_pades_level tp_pades_level_parse(const char *text)
{
    enum tp_pades_level level = TP_PADES_B_B;
    if (strncasecmp(text, "PAdES-", 6) == 0)
        text += 6;
    while (level < TP_PADES_LEVEL_END && strcasecmp(text, levels[level].name) != 0 &&
           strcasecmp(text, levels[level].other) != 0)
        level++;
    return level;
}
