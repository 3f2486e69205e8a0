/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects that no cross-reference section has: who mends a file finds them, and the last of a number is what he shows.
 */
#include "pdf/numbering.h"
#include "pdf/syntax.h"

#include <stdlib.h>
#include <string.h>

static const char WORD[] = "obj";

/* Back over what IS so; whether there was any. */
static bool go_back(struct tp_bytes file, bool (*is)(uint8_t c), size_t *at)
{
    const size_t from = *at;
    while (*at > 0 && is(file.data[*at - 1]))
        --*at;
    return *at < from;
}

/* AT is before "obj": goes to where its "4 0" begins, if that stands there. */
static bool go_to_number(struct tp_bytes file, size_t *at)
{
    (void)go_back(file, tp_pdf_is_space, at);
    return go_back(file, tp_pdf_is_digit, at) && go_back(file, tp_pdf_is_space, at) && go_back(file, tp_pdf_is_digit, at);
}

static int by_place(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* A place may have white space before its object. */
static bool is_led_to(struct tp_bytes file, const struct tp_pdf_places *places, size_t object)
{
    size_t space = object, low = 0, high = places->len;
    (void)go_back(file, tp_pdf_is_space, &space);
    while (low < high) { /* the first place that is not before SPACE */
        const size_t middle = low + (high - low) / 2;
        if (places->at[middle] < space)
            low = middle + 1;
        else
            high = middle;
    }
    return low < places->len && places->at[low] <= object;
}

uint64_t tp_pdf_stray_find(struct tp_bytes file, struct tp_pdf_places *places)
{
    const size_t len = sizeof(WORD) - 1;
    if (places->len > 0)
        qsort(places->at, places->len, sizeof(*places->at), by_place);
    for (size_t end = file.len; end >= len; end--) {
        size_t object = end - len;
        if (memcmp(file.data + object, WORD, len) == 0 && go_to_number(file, &object) && !is_led_to(file, places, object))
            return end;
    }
    return 0;
}
