/* SPDX-License-Identifier: Apache-2.0
 *
 * References as they are written, in an object that readers do not read alike: whichever of them a reader follows.
 */
#include "pdf/reread.h"

#define TEXT_MOST ((size_t)1 << 18)
#define NUMBERS   2 /* "4 0 R" */

struct scan {
    struct tp_bytes text;
    size_t at;
    uint64_t numbers[NUMBERS]; /* that stand right before */
    size_t numbers_len;
    size_t depth;
    uint8_t kind; /* of what is counted: '<' or '['; 0: nothing has begun */
};

static struct tp_bytes take_word(struct scan *scan)
{
    const size_t from = scan->at++;
    while (scan->at < scan->text.len && tp_pdf_is_regular(scan->text.data[scan->at]))
        scan->at++;
    return TP_BYTES(scan->text.data + from, scan->at - from);
}

/* 4, +4 and 4.0. */
static bool number_of(struct tp_bytes word, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t i = word.len > 0 && word.data[0] == '+';
    for (; i < word.len && tp_pdf_is_digit(word.data[i]) && number <= TP_PDF_OBJECTS_MAX; i++)
        number = 10 * number + (uint64_t)(word.data[i] - '0');
    *ret_number = number;
    return i > 0 && (i == word.len || word.data[i] == '.' || number > TP_PDF_OBJECTS_MAX);
}

static void skip_line(struct scan *scan)
{
    while (scan->at < scan->text.len && scan->text.data[scan->at] != '\r' && scan->text.data[scan->at] != '\n')
        scan->at++;
}

static void skip_literal(struct scan *scan)
{
    size_t open = 0;
    do {
        const uint8_t c = scan->text.data[scan->at++];
        open += c == '(';
        open -= c == ')';
        scan->at += c == '\\';
    } while (open > 0 && scan->at < scan->text.len);
}

/* True: the value has ended. */
static bool take_bracket(struct scan *scan, uint8_t c)
{
    const bool twice = (c == '<' || c == '>') && scan->text.len - scan->at > 1 && scan->text.data[scan->at + 1] == c;
    scan->at += twice ? 2 : 1;
    if (c == '<' && !twice) {
        while (scan->at < scan->text.len && scan->text.data[scan->at] != '>')
            scan->at++;
        scan->at++;
        return scan->kind == 0;
    }
    if (scan->kind == 0)
        scan->kind = c;
    scan->depth += c == scan->kind;
    const uint8_t closing = scan->kind == '<' ? '>' : ']';
    scan->depth -= c == closing && (c == ']' || twice) && scan->depth > 0;
    return scan->depth == 0;
}

static enum tp_rc take_regular(struct scan *scan, tp_pdf_ref_fn *take, void *context, bool *ret_ended)
{
    uint64_t number = 0;
    const struct tp_bytes word = take_word(scan);
    if (number_of(word, &number)) {
        scan->numbers[0] = scan->numbers_len == 0 ? number : scan->numbers[scan->numbers_len - 1];
        scan->numbers_len = scan->numbers_len == 0 ? 1 : NUMBERS;
        scan->numbers[scan->numbers_len - 1] = number;
        return TP_OK;
    }
    const bool is_ref = scan->numbers_len == NUMBERS && word.data[0] == 'R';
    *ret_ended = scan->kind == 0 || tp_bytes_equal(word, tp_bytes_of_string("endobj"));
    scan->numbers_len = 0;
    if (is_ref && scan->numbers[0] <= TP_PDF_OBJECTS_MAX)
        return take(context, (uint32_t)scan->numbers[0]);
    return TP_OK;
}

static enum tp_rc take_token(struct scan *scan, tp_pdf_ref_fn *take, void *context, bool *ret_ended)
{
    const uint8_t c = scan->text.data[scan->at];
    if (tp_pdf_is_space(c)) {
        scan->at++;
    } else if (c == '%') {
        skip_line(scan);
    } else if (tp_pdf_is_regular(c)) {
        return take_regular(scan, take, context, ret_ended);
    } else {
        scan->numbers_len = 0;
        if (c == '(')
            skip_literal(scan);
        else if (c == '/' || c == '{' || c == '}' || c == ')')
            (void)take_word(scan);
        else
            *ret_ended = take_bracket(scan, c);
    }
    return TP_OK;
}

enum tp_rc tp_pdf_refs_scan(struct tp_bytes text, tp_pdf_ref_fn *take, void *context)
{
    struct scan scan = {.text = TP_BYTES(text.data, text.len < TEXT_MOST ? text.len : TEXT_MOST)};
    bool ended = false;
    while (!ended && scan.at < scan.text.len)
        TP_TRY(take_token(&scan, take, context, &ended));
    return ended || text.len <= TEXT_MOST ? TP_OK : TP_TOO_LARGE;
}
