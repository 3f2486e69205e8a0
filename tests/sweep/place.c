/* SPDX-License-Identifier: Apache-2.0
 *
 * Each place is one page between two that nobody may touch. What is not an argument is filled with a pattern.
 */
#include "sweep.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATTERN 0xa5

static struct place {
    CK_BYTE *page, *at; /* AT NULL: not in use */
    size_t len;
    bool writable;
    CK_BYTE copy[4096];
} places[PLACES];

static size_t page_len(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void make(struct place *place)
{
    CK_BYTE *pages = mmap(NULL, 3 * page_len(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + page_len(), page_len(), PROT_READ | PROT_WRITE) != 0)
        fail("no memory for arguments");
    place->page = pages + page_len();
}

void *place_put(unsigned at, const void *bytes, size_t len, unsigned flags)
{
    struct place *place = &places[at];
    if (len > sizeof(place->copy))
        fail("an argument of %zu bytes is too long for its place", len);
    if (place->page == NULL)
        make(place);
    memset(place->page, PATTERN, page_len());
    memset(place->copy, PATTERN, len);
    if (bytes != NULL && len > 0)
        memcpy(place->copy, bytes, len);
    place->at = place->page + page_len() - len;
    if ((flags & ODD) != 0 && (uintptr_t)place->at % 2 == 0)
        place->at--;
    place->len = len;
    place->writable = (flags & WRITABLE) != 0;
    memcpy(place->at, place->copy, len);
    return place->at;
}

void *place_again(unsigned at, size_t len, unsigned flags)
{
    CK_BYTE bytes[sizeof(places[at].copy)];
    memset(bytes, PATTERN, sizeof(bytes));
    memcpy(bytes, places[at].copy, places[at].len);
    return place_put(at, bytes, len, flags | (places[at].writable ? WRITABLE : 0));
}

size_t place_len(unsigned at)
{
    return places[at].len;
}

void place_clear(void)
{
    for (unsigned i = 0; i < PLACES; i++)
        places[i].at = NULL;
}

static bool is_pattern(const CK_BYTE *from, const CK_BYTE *to)
{
    while (from < to)
        if (*from++ != PATTERN)
            return false;
    return true;
}

const char *place_check(void)
{
    for (unsigned i = 0; i < PLACES; i++) {
        const struct place *place = &places[i];
        if (place->at == NULL)
            continue;
        if (!is_pattern(place->page, place->at) || !is_pattern(place->at + place->len, place->page + page_len()))
            return "something outside of an argument was written";
        if (!place->writable && memcmp(place->at, place->copy, place->len) != 0)
            return "an argument that is only to be read was written";
    }
    return NULL;
}
