/* SPDX-License-Identifier: Apache-2.0
 *
 * Catalogs that readers come upon who mend a file: they take the /Root of the last trailer, or of any dictionary that stands where one
 * could, whether a cross-reference section belongs to it or not.
 */
#include "pdf/numbering.h"
#include "pdf/syntax.h"

/* One character of a name, which may be a code (§7.3.5). -1: the end. */
static int take_character(struct tp_bytes file, size_t *at)
{
    if (*at >= file.len)
        return -1;
    struct tp_buf code TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const uint8_t c = file.data[(*at)++];
    if (c != '#' || file.len - *at < 2 || tp_hex_decode((const char *)file.data + *at, 2, &code) != TP_OK)
        return c;
    *at += 2;
    return code.data[0];
}

/* What is a part of the name for all of them. */
static bool goes_on(struct tp_bytes file, size_t at)
{
    const uint8_t c = at < file.len ? file.data[at] : ' ';
    return tp_pdf_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Behind the name that begins with the slash AT; 0: it is another. */
static size_t end_of_root(struct tp_bytes file, size_t at)
{
    static const char name[] = "Root";
    at++;
    for (const char *c = name; *c != '\0'; c++)
        if (take_character(file, &at) != *c)
            return 0;
    return goes_on(file, at) ? 0 : at;
}

static bool is_known(const struct tp_pdf_numbering *numbering, size_t at)
{
    const struct tp_pdf_value *root = tp_pdf_get(numbering->trailer, "Root");
    for (size_t i = 0; i < numbering->dictionaries.len; i++) {
        const struct tp_pdf_dictionary *dictionary = &numbering->dictionaries.of[i];
        const struct tp_pdf_value *own = tp_pdf_get(dictionary->value, "Root");
        if (at >= dictionary->from && at < dictionary->to)
            return root != NULL && own != NULL && tp_pdf_equal(root, own);
    }
    return false;
}

uint64_t tp_pdf_roots_find(struct tp_bytes file, const struct tp_pdf_numbering *numbering)
{
    uint64_t last = 0;
    for (size_t at = 0; at < file.len; at++) {
        const size_t end = file.data[at] == '/' ? end_of_root(file, at) : 0;
        if (end != 0 && !is_known(numbering, at))
            last = end;
    }
    return last;
}
