/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/action.h"

#include <stddef.h>
#include <string.h>

static char *const names[] = {
#define TP_ACTION_NAME(name, text, words) (char[]){text},
    TP_ACTION_TABLE(TP_ACTION_NAME)
#undef TP_ACTION_NAME
};

static const char *const all_words[] = {
#define TP_ACTION_WORDS(name, text, words) words,
    TP_ACTION_TABLE(TP_ACTION_WORDS)
#undef TP_ACTION_WORDS
};

char *tp_action_name(enum tp_action action)
{
    return names[action];
}

const char *tp_action_words(const char *name)
{
    for (size_t i = 0; i < TP_ACTION_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return all_words[i];
    return NULL;
}
