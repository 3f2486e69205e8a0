/* SPDX-License-Identifier: Apache-2.0 */
#include "pdf/syntax.h"
#include "pdf/internal.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    struct tp_pdf_syntax *syntax;
    struct tp_pdf_arena *arena;
};

/* ---- characters (§7.2.3) ---- */

bool tp_pdf_is_space(uint8_t c)
{
    return c == '\0' || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
}

bool tp_pdf_is_regular(uint8_t c)
{
    return !tp_pdf_is_space(c) && strchr("()<>[]{}/%", c) == NULL;
}

bool tp_pdf_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* -1 at the end. */
static int peek(const struct tp_pdf_syntax *syntax)
{
    return syntax->at < syntax->text.len ? syntax->text.data[syntax->at] : -1;
}

static bool take(struct tp_pdf_syntax *syntax, int c)
{
    const bool there = peek(syntax) == c;
    syntax->at += there;
    return there;
}

static void skip_comment(struct tp_pdf_syntax *syntax)
{
    while (peek(syntax) >= 0 && peek(syntax) != '\r' && peek(syntax) != '\n')
        syntax->at++;
}

void tp_pdf_syntax_skip(struct tp_pdf_syntax *syntax)
{
    for (int c; (c = peek(syntax)) >= 0 && (tp_pdf_is_space((uint8_t)c) || c == '%');)
        if (c == '%')
            skip_comment(syntax);
        else
            syntax->at++;
}

/* The regular characters from here on, and behind them. */
static struct tp_bytes take_regular(struct tp_pdf_syntax *syntax)
{
    const size_t from = syntax->at;
    while (peek(syntax) >= 0 && tp_pdf_is_regular((uint8_t)peek(syntax)))
        syntax->at++;
    return TP_BYTES(syntax->text.data + from, syntax->at - from);
}

/* ---- words ---- */

bool tp_pdf_syntax_word(struct tp_pdf_syntax *syntax, const char *word)
{
    tp_pdf_syntax_skip(syntax);
    const size_t from = syntax->at;
    if (tp_bytes_equal(take_regular(syntax), tp_bytes_of_string(word)))
        return true;
    syntax->at = from;
    return false;
}

static bool number_of(struct tp_bytes digits, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (!tp_pdf_is_digit(digits.data[i]) || number > (INT64_MAX - 9) / 10)
            return false;
        number = 10 * number + (digits.data[i] - '0');
    }
    *ret_number = number;
    return digits.len > 0;
}

bool tp_pdf_syntax_number(struct tp_pdf_syntax *syntax, uint64_t *ret_number)
{
    tp_pdf_syntax_skip(syntax);
    const size_t from = syntax->at;
    if (number_of(take_regular(syntax), ret_number))
        return true;
    syntax->at = from;
    return false;
}

/* "4 0" and WORD: a reference, or an object's beginning. */
static bool take_ref(struct tp_pdf_syntax *syntax, const char *word, struct tp_pdf_ref *ret_ref)
{
    const size_t from = syntax->at;
    uint64_t id = 0, generation = 0;
    if (tp_pdf_syntax_number(syntax, &id) && tp_pdf_syntax_number(syntax, &generation) && tp_pdf_syntax_word(syntax, word) &&
        id <= TP_PDF_OBJECTS_MAX && generation <= UINT16_MAX) {
        *ret_ref = (struct tp_pdf_ref){(uint32_t)id, (uint16_t)generation};
        return true;
    }
    syntax->at = from;
    return false;
}

bool tp_pdf_syntax_object(struct tp_pdf_syntax *syntax, struct tp_pdf_ref *ret_ref)
{
    return take_ref(syntax, "obj", ret_ref);
}

bool tp_pdf_syntax_stream(struct tp_pdf_syntax *syntax)
{
    if (!tp_pdf_syntax_word(syntax, "stream"))
        return false;
    (void)take(syntax, '\r');
    return take(syntax, '\n');
}

/* ---- scalars ---- */

/* §7.3.3. */
static enum tp_rc read_number(struct reading *reading, const struct tp_pdf_value **ret_value)
{
    const struct tp_bytes word = take_regular(reading->syntax);
    const size_t sign = word.len > 0 && (word.data[0] == '-' || word.data[0] == '+');
    const struct tp_bytes digits = TP_BYTES(word.data + sign, word.len - sign);
    uint64_t number = 0;
    size_t points = 0;
    if (number_of(digits, &number)) {
        *ret_value = tp_pdf_new_integer(reading->arena, word.data[0] == '-' ? -(int64_t)number : (int64_t)number);
        return TP_OK;
    }
    for (size_t i = 0; i < digits.len; i++) {
        points += digits.data[i] == '.';
        if (!tp_pdf_is_digit(digits.data[i]) && digits.data[i] != '.')
            return TP_MALFORMED;
    }
    if (points != 1 || digits.len < 2)
        return TP_MALFORMED;
    *ret_value = tp_pdf_new_bytes(reading->arena, TP_PDF_REAL, word);
    return TP_OK;
}

/* §7.3.5. Readers take a # that begins no code for itself. */
static enum tp_rc read_name(struct tp_pdf_syntax *syntax, struct tp_buf *ret_name)
{
    const struct tp_bytes word = take_regular(syntax);
    for (size_t i = 0; i < word.len; i++) {
        struct tp_buf code TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
        uint8_t c = word.data[i];
        if (c == '#' && word.len - i > 2 && tp_hex_decode((const char *)word.data + i + 1, 2, &code) == TP_OK) {
            c = code.data[0];
            i += 2;
        }
        if (c == '\0')
            return TP_MALFORMED;
        TP_TRY(tp_buf_append_u8(ret_name, c));
    }
    return TP_OK;
}

static const char escapes[][2] = {{'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'b', '\b'}, {'f', '\f'}}; /* table 3 */

/* Behind a backslash. */
static enum tp_rc read_escape(struct tp_pdf_syntax *syntax, struct tp_buf *string)
{
    unsigned octal = 0, digits = 0;
    for (; digits < 3 && peek(syntax) >= '0' && peek(syntax) <= '7'; digits++)
        octal = 8 * octal + (unsigned)(syntax->text.data[syntax->at++] - '0');
    if (digits > 0)
        return tp_buf_append_u8(string, (uint8_t)octal);
    if (take(syntax, '\r')) {
        (void)take(syntax, '\n');
        return TP_OK;
    }
    if (take(syntax, '\n'))
        return TP_OK;
    if (peek(syntax) < 0)
        return TP_MALFORMED;
    char c = (char)syntax->text.data[syntax->at++];
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++)
        if (escapes[i][0] == c)
            return tp_buf_append_u8(string, (uint8_t)escapes[i][1]);
    return tp_buf_append_u8(string, (uint8_t)c);
}

/* §7.3.4.2, behind the first parenthesis. */
static enum tp_rc read_literal(struct tp_pdf_syntax *syntax, struct tp_buf *string)
{
    for (size_t open = 1; peek(syntax) >= 0;) {
        uint8_t c = syntax->text.data[syntax->at++];
        if (c == '\\') {
            TP_TRY(read_escape(syntax, string));
            continue;
        }
        open += c == '(';
        open -= c == ')';
        if (open == 0)
            return TP_OK;
        if (c == '\r') {
            (void)take(syntax, '\n');
            c = '\n';
        }
        TP_TRY(tp_buf_append_u8(string, c));
    }
    return TP_MALFORMED;
}

/* §7.3.4.3. */
static enum tp_rc read_hex(struct tp_pdf_syntax *syntax, struct tp_buf *string)
{
    struct tp_buf digits TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    for (int c; (c = peek(syntax)) >= 0 && c != '>'; syntax->at++)
        if (!tp_pdf_is_space((uint8_t)c))
            TP_TRY(tp_buf_append_u8(&digits, (uint8_t)c));
    if (!take(syntax, '>'))
        return TP_MALFORMED;
    if (digits.len % 2 == 1)
        TP_TRY(tp_buf_append_u8(&digits, '0'));
    return tp_hex_decode(tp_buf_string(&digits), digits.len, string);
}

static enum tp_rc read_keyword(struct reading *reading, const struct tp_pdf_value **ret_value)
{
    const struct tp_bytes word = take_regular(reading->syntax);
    if (tp_bytes_equal(word, tp_bytes_of_string("null")))
        *ret_value = tp_pdf_new_null(reading->arena);
    else if (tp_bytes_equal(word, tp_bytes_of_string("true")) || tp_bytes_equal(word, tp_bytes_of_string("false")))
        *ret_value = tp_pdf_new_boolean(reading->arena, word.data[0] == 't');
    else
        return TP_MALFORMED;
    return TP_OK;
}

/* ---- arrays and dictionaries ---- */

static enum tp_rc read_value(struct reading *reading, int depth, const struct tp_pdf_value **ret_value);

struct list { /* in the arena, the last first */
    const struct list *before;
    struct tp_pdf_entry entry;
};

static enum tp_rc push(struct reading *reading, struct tp_pdf_entry entry, const struct list **list, size_t *len)
{
    struct list *item = tp_pdf_arena_take(reading->arena, sizeof(*item));
    if (item == NULL)
        return TP_MEMORY;
    *item = (struct list){*list, entry};
    *list = item;
    ++*len;
    return TP_OK;
}

static enum tp_rc read_array(struct reading *reading, int depth, const struct tp_pdf_value **ret_value)
{
    const struct list *list = NULL;
    size_t len = 0;
    for (tp_pdf_syntax_skip(reading->syntax); !take(reading->syntax, ']'); tp_pdf_syntax_skip(reading->syntax)) {
        struct tp_pdf_entry entry = {.key = TP_BYTES_NONE};
        TP_TRY(read_value(reading, depth + 1, &entry.value));
        TP_TRY(push(reading, entry, &list, &len));
    }
    struct tp_pdf_value *array = tp_pdf_arena_value(reading->arena, TP_PDF_ARRAY);
    const struct tp_pdf_value **items = tp_pdf_arena_take(reading->arena, (len + 1) * sizeof(*items));
    if (array == NULL || items == NULL)
        return TP_MEMORY;
    array->array.items = items;
    array->array.len = len;
    for (; list != NULL; list = list->before)
        items[--len] = list->entry.value;
    *ret_value = array;
    return TP_OK;
}

static int by_key(const void *a, const void *b)
{
    return tp_pdf_key_compare(((const struct tp_pdf_entry *)a)->key, ((const struct tp_pdf_entry *)b)->key);
}

/* A key twice with two values: some readers take the first, some the last. */
static enum tp_rc sort(struct tp_pdf_entry *entries, size_t *len)
{
    size_t kept = 0;
    if (*len > 0)
        qsort(entries, *len, sizeof(*entries), by_key);
    for (size_t i = 0; i < *len; i++) {
        const bool again = kept > 0 && tp_bytes_equal(entries[kept - 1].key, entries[i].key);
        if (again && !tp_pdf_equal(entries[kept - 1].value, entries[i].value))
            return TP_MALFORMED;
        if (!again)
            entries[kept++] = entries[i];
    }
    *len = kept;
    return TP_OK;
}

static enum tp_rc read_entry(struct reading *reading, int depth, struct tp_pdf_entry *ret_entry)
{
    struct tp_buf key TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (!take(reading->syntax, '/'))
        return TP_MALFORMED;
    TP_TRY(read_name(reading->syntax, &key));
    if (!tp_pdf_arena_copy(reading->arena, tp_buf_bytes(&key), &ret_entry->key))
        return TP_MEMORY;
    return read_value(reading, depth + 1, &ret_entry->value);
}

static bool is_null(const struct reading *reading, const struct tp_pdf_value *value)
{
    const struct tp_pdf_absence *absence = &reading->syntax->absence;
    if (tp_pdf_kind(value) == TP_PDF_REFERENCE && absence->is_absent != NULL)
        return absence->is_absent(absence->context, tp_pdf_ref(value));
    return tp_pdf_kind(value) == TP_PDF_NULL;
}

static enum tp_rc take_entries(const struct reading *reading, const struct list *list, size_t len, struct tp_pdf_entry *entries,
                               size_t *ret_len)
{
    for (size_t i = len; i > 0; list = list->before)
        entries[--i] = list->entry;
    size_t kept = 0;
    TP_TRY(sort(entries, &len));
    for (size_t i = 0; i < len; i++)
        if (!is_null(reading, entries[i].value))
            entries[kept++] = entries[i];
    *ret_len = kept;
    return TP_OK;
}

static enum tp_rc read_dictionary(struct reading *reading, int depth, const struct tp_pdf_value **ret_value)
{
    const struct list *list = NULL;
    size_t len = 0;
    for (tp_pdf_syntax_skip(reading->syntax); !take(reading->syntax, '>'); tp_pdf_syntax_skip(reading->syntax)) {
        struct tp_pdf_entry entry = {.key = TP_BYTES_NONE};
        TP_TRY(read_entry(reading, depth, &entry));
        TP_TRY(push(reading, entry, &list, &len));
    }
    if (!take(reading->syntax, '>'))
        return TP_MALFORMED;
    struct tp_pdf_value *dictionary = tp_pdf_arena_value(reading->arena, TP_PDF_DICTIONARY);
    struct tp_pdf_entry *entries = tp_pdf_arena_take(reading->arena, (len + 1) * sizeof(*entries));
    if (dictionary == NULL || entries == NULL)
        return TP_MEMORY;
    dictionary->dictionary.entries = entries;
    *ret_value = dictionary;
    return take_entries(reading, list, len, entries, &dictionary->dictionary.len);
}

/* ---- any value ---- */

typedef enum tp_rc read_bytes_fn(struct tp_pdf_syntax *syntax, struct tp_buf *bytes);

static enum tp_rc read_bytes(struct reading *reading, enum tp_pdf_kind kind, read_bytes_fn *read,
                             const struct tp_pdf_value **ret_value)
{
    struct tp_buf bytes TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(read(reading->syntax, &bytes));
    *ret_value = tp_pdf_new_bytes(reading->arena, kind, tp_buf_bytes(&bytes));
    return TP_OK;
}

static enum tp_rc read_any(struct reading *reading, int depth, const struct tp_pdf_value **ret_value)
{
    struct tp_pdf_syntax *syntax = reading->syntax;
    struct tp_pdf_ref ref;
    if (take(syntax, '/'))
        return read_bytes(reading, TP_PDF_NAME, read_name, ret_value);
    if (take(syntax, '('))
        return read_bytes(reading, TP_PDF_STRING, read_literal, ret_value);
    if (take(syntax, '['))
        return read_array(reading, depth, ret_value);
    if (take(syntax, '<'))
        return take(syntax, '<') ? read_dictionary(reading, depth, ret_value)
                                 : read_bytes(reading, TP_PDF_STRING, read_hex, ret_value);
    if (peek(syntax) >= 0 && tp_pdf_is_digit((uint8_t)peek(syntax)) && take_ref(syntax, "R", &ref)) {
        *ret_value = tp_pdf_new_ref(reading->arena, ref);
        return TP_OK;
    }
    return peek(syntax) >= 'a' ? read_keyword(reading, ret_value) : read_number(reading, ret_value);
}

static enum tp_rc read_value(struct reading *reading, int depth, const struct tp_pdf_value **ret_value)
{
    if (depth > TP_PDF_DEPTH_MAX)
        return TP_TOO_LARGE;
    tp_pdf_syntax_skip(reading->syntax);
    TP_TRY(read_any(reading, depth, ret_value));
    return *ret_value == NULL ? TP_MEMORY : TP_OK;
}

enum tp_rc tp_pdf_syntax_value(struct tp_pdf_syntax *syntax, struct tp_pdf_arena *arena, const struct tp_pdf_value **ret_value)
{
    struct reading reading = {syntax, arena};
    return read_value(&reading, 0, ret_value);
}
