/* SPDX-License-Identifier: Apache-2.0
 *
 * Distinguished names as text: "/C=JP/CN=x", as openssl req -subj takes them, and RFC 4514.
 */
#include "pki/internal.h"

#include <string.h>

#define NAME_TEXT_MAX 1024
#define VALUE_MAX     256
#define TYPE_MAX      64
#define ELLIPSIS      "\xe2\x80\xa6"
#define ELLIPSIS_LEN  (sizeof ELLIPSIS - 1)

/* ---- showing ---- */

/* Cuts between characters: a byte 10xxxxxx belongs to the one before it. */
static void text_fill(const char *text, size_t len, char ret_text[TP_PKI_DN_MAX])
{
    const bool fits = len < TP_PKI_DN_MAX;
    size_t keep = fits ? len : TP_PKI_DN_MAX - 1 - ELLIPSIS_LEN;
    while (!fits && keep > 0 && ((unsigned char)text[keep] & 0xc0) == 0x80)
        keep--;
    memcpy(ret_text, text, keep);
    memcpy(ret_text + keep, ELLIPSIS, fits ? 0 : ELLIPSIS_LEN);
    ret_text[keep + (fits ? 0 : ELLIPSIS_LEN)] = '\0';
}

enum tp_rc tp_pki_name_text(const X509_NAME *name, char ret_text[TP_PKI_DN_MAX])
{
    BIO *bio TP_AUTO(BIO_free_all_p) = BIO_new(BIO_s_mem());
    if (bio == NULL)
        return TP_MEMORY;
    /* RFC 4514 §2.4 escapes what has a meaning; characters beyond ASCII stay readable UTF-8. */
    if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0)
        return TP_MALFORMED;
    char *text = NULL;
    const long len = BIO_get_mem_data(bio, &text);
    text_fill(len > 0 ? text : "", len > 0 ? (size_t)len : 0, ret_text);
    return TP_OK;
}

/* ---- comparing ---- */

static X509_NAME *name_decode(struct tp_bytes der)
{
    const unsigned char *at = der.data;
    X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)der.len);
    if (name != NULL && at == der.data + der.len)
        return name;
    X509_NAME_free(name);
    return NULL;
}

bool tp_pki_names_equal(struct tp_bytes a, struct tp_bytes b)
{
    TP_PKI_ERRORS_KEEP;
    if (tp_bytes_equal(a, b))
        return true;
    X509_NAME *one TP_AUTO(X509_NAME_free_p) = name_decode(a), *other TP_AUTO(X509_NAME_free_p) = name_decode(b);
    return one != NULL && other != NULL && X509_NAME_cmp(one, other) == 0;
}

/* ---- reading ---- */

struct reader {
    const char *at;
    bool slashes; /* "/C=JP/CN=x", most significant first; else RFC 4514, which turns the order around */
    struct tp_error *error;
    X509_NAME *name;
};

struct value {
    char text[VALUE_MAX];
    size_t len;
};

static enum tp_rc complain(const struct reader *reader, const char *what)
{
    return tp_error_set(reader->error, TP_BAD_ARGUMENT,
                        "the subject %s: write it as /C=JP/O=Example/CN=name or CN=name,O=Example,C=JP", what);
}

static bool is_end(const struct reader *reader, char c)
{
    return c == '\0' || (reader->slashes ? c == '/' : c == ',' || c == '+');
}

static enum tp_rc type_read(struct reader *reader, char ret_type[TYPE_MAX])
{
    reader->at += strspn(reader->at, " ");
    const size_t len = strcspn(reader->at, " =,/+");
    const size_t gap = strspn(reader->at + len, " ");
    if (len == 0 || len >= TYPE_MAX || reader->at[len + gap] != '=')
        return complain(reader, "has a part without type=value");
    memcpy(ret_type, reader->at, len);
    ret_type[len] = '\0';
    reader->at += len + gap + 1;
    return TP_OK;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char lower = (c >= 'A' && c <= 'F') ? (char)(c - 'A' + 'a') : c;
    const char *found = lower != '\0' ? strchr(digits, lower) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* What follows a backslash: two hex digits (RFC 4514 only) or the character itself. A NUL byte is refused, since it
 * ends the name for too many readers. */
static enum tp_rc escape_read(struct reader *reader, char *ret_c)
{
    const int high = reader->slashes ? -1 : hex_digit(reader->at[0]);
    const int low = high < 0 ? -1 : hex_digit(reader->at[1]);
    const char c = low < 0 ? reader->at[0] : (char)(high * 16 + low);
    if (c == '\0')
        return complain(reader, "ends in a backslash, or has a NUL in it");
    reader->at += low < 0 ? 1 : 2;
    *ret_c = c;
    return TP_OK;
}

/* Spaces around a value that are not escaped do not belong to it (RFC 4514 §2.4). */
static enum tp_rc value_read(struct reader *reader, struct value *ret_value)
{
    struct value value = {.len = 0};
    size_t len_with_last = 0;
    reader->at += strspn(reader->at, " ");
    if (!reader->slashes && (*reader->at == '#' || *reader->at == '"'))
        return complain(reader, "has a value in a form that is not supported (#hex or quotes)");
    while (!is_end(reader, *reader->at)) {
        char c = *reader->at++;
        const bool escaped = c == '\\';
        if (escaped)
            TP_TRY(escape_read(reader, &c));
        if (value.len == VALUE_MAX)
            return complain(reader, "has a value that is too long");
        value.text[value.len++] = c;
        if (escaped || c != ' ')
            len_with_last = value.len;
    }
    value.len = len_with_last;
    if (value.len == 0)
        return complain(reader, "has an empty value");
    *ret_value = value;
    return TP_OK;
}

/* JOINED: belongs to the same RDN as the one before it in the text ("+"). */
static enum tp_rc pair_read(struct reader *reader, bool joined)
{
    char type[TYPE_MAX];
    struct value value;
    TP_TRY(type_read(reader, type));
    TP_TRY(value_read(reader, &value));
    const int at = reader->slashes ? -1 : 0; /* -1: at the end */
    if (X509_NAME_add_entry_by_txt(reader->name, type, MBSTRING_UTF8, (const unsigned char *)value.text, (int)value.len,
                                   at, joined ? 1 : 0) == 1)
        return TP_OK;
    return tp_error_set(reader->error, TP_BAD_ARGUMENT,
                        "the subject's %s is not a known attribute, or its value has the wrong length or characters",
                        type);
}

enum tp_rc tp_pki_name_parse(const char *text, struct tp_error *error, X509_NAME **ret_name)
{
    struct reader reader = {.at = text, .slashes = text[0] == '/', .error = error};
    if (text[0] == '\0' || strlen(text) > NAME_TEXT_MAX)
        return complain(&reader, "is empty or too long");
    X509_NAME *name TP_AUTO(X509_NAME_free_p) = reader.name = X509_NAME_new();
    if (name == NULL)
        return TP_MEMORY;
    reader.at += reader.slashes ? 1 : 0;
    for (bool joined = false;;) {
        TP_TRY(pair_read(&reader, joined));
        if (*reader.at == '\0')
            break;
        joined = *reader.at++ == '+';
    }
    *ret_name = name;
    name = NULL;
    return TP_OK;
}
