/* SPDX-License-Identifier: Apache-2.0
 *
 * A document in QPDF: opening it, and what is answered. Errors and warnings are what QPDF keeps until it is asked for them.
 * Its page functions repair the tree in memory and invent objects, so none is used here (pages.c).
 */
#include "pdf/reader.h"
#include "pdf/internal.h"
#include "pdf/text.h"

#include <qpdf/qpdflogger-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- QPDF's complaints ---- */

static enum tp_rc rc_of(enum qpdf_error_code_e code)
{
    switch (code) {
    case qpdf_e_password:
        return TP_PIN_WRONG;
    case qpdf_e_unsupported:
        return TP_UNSUPPORTED;
    default:
        return TP_MALFORMED;
    }
}

/* std::bad_alloc comes as an internal error with these words. */
static bool is_memory(const char *words)
{
    return strstr(words, "bad_alloc") != NULL || strstr(words, "length_error") != NULL;
}

/* Of what QPDF has warned. Of a stream whose length was mended nothing is lost; but a table that was rebuilt has nothing to do
 * with what other readers see. Memory that was out where a stream is decoded shows in a warning, too. */
struct warnings {
    bool rebuilt, memory;
};

static struct warnings take_warnings(struct tp_pdf_reader *reader)
{
    struct warnings taken = {false, false};
    while (qpdf_more_warnings(reader->qpdf)) {
        const char *words = qpdf_get_error_message_detail(reader->qpdf, qpdf_next_warning(reader->qpdf));
        taken.rebuilt = taken.rebuilt || strstr(words, "reconstruct") != NULL;
        taken.memory = taken.memory || is_memory(words);
    }
    return taken;
}

static enum tp_rc fail(struct tp_pdf_reader *reader, const char *what, bool memory, struct tp_error *error)
{
    char words[256] = "";
    qpdf_error complaint = qpdf_get_error(reader->qpdf); /* and it is forgotten there */
    const enum tp_rc rc = rc_of(qpdf_get_error_code(reader->qpdf, complaint));
    (void)snprintf(words, sizeof(words), "%s", qpdf_get_error_message_detail(reader->qpdf, complaint));
    if (memory || is_memory(words))
        return tp_error_set(error, TP_TOO_LARGE, "%s: it needs more memory than a reader of PDFs gets", what);
    if (rc == TP_PIN_WRONG)
        return tp_error_set(error, rc, TP_PDF_PASSWORD_WORDS);
    return tp_error_set(error, rc, "%s: %s", what, words[0] == '\0' ? "damaged" : words);
}

enum tp_rc tp_pdf_reader_check(struct tp_pdf_reader *reader, const char *what, struct tp_error *error)
{
    const struct warnings warnings = take_warnings(reader);
    reader->rebuilt = reader->rebuilt || (warnings.rebuilt && !reader->repaired);
    if (qpdf_has_error(reader->qpdf))
        return fail(reader, what, warnings.memory, error);
    if (reader->rebuilt)
        return tp_error_set(error, TP_MALFORMED, "%s: it is not where the cross-reference table says", what);
    return TP_OK;
}

/* ---- answers ---- */

enum tp_rc tp_pdf_reader_say(enum tp_rc rc, const char *what, struct tp_error *error)
{
    if (rc == TP_TOO_LARGE)
        return tp_error_set(error, rc, "%s: nested deeper than %d, or too large", what, TP_PDF_DEPTH_MAX);
    if (rc == TP_UNSUPPORTED)
        return tp_error_set(error, rc, "%s: a key in it has a # that begins no code, which no PDF since 1.2 may", what);
    return rc;
}

static void name_object(struct tp_pdf_ref ref, char ret_words[48])
{
    (void)snprintf(ret_words, 48, "object %u %u of the document", ref.id, ref.generation);
}

enum tp_rc tp_pdf_reader_object(struct tp_pdf_reader *reader, struct tp_pdf_ref ref, struct tp_error *error,
                                struct tp_buf *ret_answer)
{
    char what[48];
    name_object(ref, what);
    const enum tp_rc rc = tp_pdf_reader_encode(reader, tp_pdf_reader_look_up(reader, ref), ret_answer);
    qpdf_oh_release_all(reader->qpdf);
    TP_TRY(tp_pdf_reader_check(reader, what, error));
    return tp_pdf_reader_say(rc, what, error);
}

enum tp_rc tp_pdf_reader_data(struct tp_pdf_reader *reader, qpdf_oh stream, bool raw, struct tp_error *error,
                              unsigned char **ret_data, size_t *ret_len)
{
    QPDF_BOOL filtered = QPDF_FALSE;
    unsigned char *data = NULL;
    size_t len = 0;
    TP_TRY(tp_pdf_reader_check(reader, "a stream of the document", error)); /* earlier warnings are not this one's */
    const QPDF_ERROR_CODE code = qpdf_oh_get_stream_data(reader->qpdf, stream, raw ? qpdf_dl_none : qpdf_dl_specialized,
                                                         &filtered, &data, &len);
    enum tp_rc rc = tp_pdf_reader_check(reader, "a stream of the document", error);
    if (rc == TP_OK && ((code & QPDF_ERRORS) != 0 || (!raw && (code & QPDF_WARNINGS) != 0)))
        rc = tp_error_set(error, TP_MALFORMED, "a stream of the document cannot be decoded");
    if (rc == TP_OK && !raw && !filtered)
        rc = tp_error_set(error, TP_UNSUPPORTED, "a stream of the document has a filter that is not known here");
    if (rc != TP_OK) {
        free(data);
        return rc;
    }
    *ret_data = data;
    *ret_len = len;
    return TP_OK;
}

size_t tp_pdf_reader_length(struct tp_pdf_reader *reader, qpdf_oh stream)
{
    qpdf_oh length = qpdf_oh_get_key(reader->qpdf, qpdf_oh_get_dict(reader->qpdf, stream), "/Length");
    const long long number = qpdf_oh_is_integer(reader->qpdf, length) ? qpdf_oh_get_int_value(reader->qpdf, length) : 0;
    return number < 0 ? 0 : (size_t)number;
}

enum tp_rc tp_pdf_reader_stream(struct tp_pdf_reader *reader, struct tp_pdf_ref ref, struct tp_error *error,
                                struct tp_buf *ret_answer)
{
    char what[48];
    unsigned char *data = NULL;
    size_t len = 0;
    name_object(ref, what);
    qpdf_oh stream = tp_pdf_reader_look_up(reader, ref);
    if (!qpdf_oh_is_stream(reader->qpdf, stream)) {
        qpdf_oh_release_all(reader->qpdf);
        TP_TRY(tp_pdf_reader_check(reader, what, error));
        return tp_error_set(error, TP_NOT_FOUND, "%s is no stream", what);
    }
    enum tp_rc rc = tp_pdf_reader_data(reader, stream, false, error, &data, &len);
    qpdf_oh_release_all(reader->qpdf);
    if (rc == TP_OK && len > reader->stream_most)
        rc = tp_error_set(error, TP_TOO_LARGE, "%s: its data are larger than %zu bytes", what, reader->stream_most);
    if (rc == TP_OK)
        rc = tp_buf_append(ret_answer, TP_BYTES(data, len));
    free(data);
    return rc;
}

/* ---- opening ---- */

/* "1.7" is 17. */
static unsigned version_of(const char *text)
{
    return text[0] >= '1' && text[0] <= '9' && text[1] == '.' && text[2] >= '0' && text[2] <= '9'
               ? (unsigned)(text[0] - '0') * 10 + (unsigned)(text[2] - '0')
               : 0;
}

static unsigned catalog_version(struct tp_pdf_reader *reader)
{
    qpdf_oh version = qpdf_oh_get_key(reader->qpdf, qpdf_get_root(reader->qpdf), "/Version");
    const char *name = qpdf_oh_is_name(reader->qpdf, version) ? qpdf_oh_get_name(reader->qpdf, version) : "";
    return name[0] == '/' ? version_of(name + 1) : 0;
}

static uint8_t form_of(struct tp_pdf_reader *reader, qpdf_oh trailer)
{
    const bool hybrid = qpdf_oh_has_key(reader->qpdf, trailer, "/XRefStm") != 0;
    return !reader->ends.table ? TP_PDF_XREF_STREAM : hybrid ? TP_PDF_XREF_HYBRID : TP_PDF_XREF_TABLE;
}

/* With its length before it. */
static enum tp_rc encode_part(struct tp_pdf_reader *reader, qpdf_oh oh, struct tp_buf *answer)
{
    struct tp_buf wire TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(tp_pdf_reader_encode(reader, oh, &wire));
    return tp_pdf_wire_put_bytes(answer, tp_buf_bytes(&wire));
}

enum tp_rc tp_pdf_reader_facts(struct tp_pdf_reader *reader, struct tp_error *error, struct tp_buf *ret_answer)
{
    qpdf_oh trailer = qpdf_get_trailer(reader->qpdf);
    const unsigned header = version_of(qpdf_get_pdf_version(reader->qpdf)), catalog = catalog_version(reader);
    TP_TRY(tp_buf_append_u8(ret_answer, (uint8_t)(header > catalog ? header : catalog)));
    TP_TRY(tp_buf_append_u8(ret_answer, form_of(reader, trailer)));
    TP_TRY(tp_buf_append_u8(ret_answer, qpdf_is_encrypted(reader->qpdf) ? 1 : 0));
    TP_TRY(tp_buf_append_u8(ret_answer, reader->repaired || reader->ends.startxref < 0 || reader->ends.twofold ? 1 : 0));
    TP_TRY(tp_pdf_wire_put_u32(ret_answer, reader->size));
    TP_TRY(tp_pdf_wire_put_u64(ret_answer, (uint64_t)reader->ends.startxref));
    TP_TRY(tp_pdf_wire_put_u64(ret_answer, reader->ends.header_at));
    const struct tp_pdf_ref root = tp_pdf_reader_ref(reader, qpdf_oh_get_key(reader->qpdf, trailer, "/Root"));
    const enum tp_rc rc = encode_part(reader, trailer, ret_answer);
    qpdf_oh_release_all(reader->qpdf);
    TP_TRY(tp_pdf_reader_check(reader, "the document's trailer", error));
    TP_TRY(tp_pdf_reader_say(rc, "the document's trailer", error));
    return root.id == 0 ? TP_OK : tp_pdf_reader_object(reader, root, error, ret_answer);
}

/* An error that nobody has asked for would be said on stderr. */
static void drop(struct tp_pdf_reader *reader)
{
    if (reader->qpdf == NULL)
        return;
    (void)qpdf_get_error(reader->qpdf);
    qpdf_cleanup(&reader->qpdf);
    reader->qpdf = NULL;
}

/* A reader has no stderr, and dies of writing there. */
static void silence(qpdf_data qpdf)
{
    qpdflogger_handle logger = qpdflogger_create();
    qpdflogger_set_info(logger, qpdf_log_dest_discard, NULL, NULL);
    qpdflogger_set_warn(logger, qpdf_log_dest_discard, NULL, NULL);
    qpdflogger_set_error(logger, qpdf_log_dest_discard, NULL, NULL);
    qpdf_set_logger(qpdf, logger);
    qpdflogger_cleanup(&logger);
    qpdf_silence_errors(qpdf);
    qpdf_set_suppress_warnings(qpdf, QPDF_TRUE);
}

static enum tp_rc attempt(struct tp_pdf_reader *reader, const char *password, bool recover, struct tp_error *error)
{
    drop(reader);
    reader->qpdf = qpdf_init();
    reader->repaired = recover;
    silence(reader->qpdf);
    qpdf_set_attempt_recovery(reader->qpdf, recover ? QPDF_TRUE : QPDF_FALSE);
    (void)qpdf_read_memory(reader->qpdf, "document", (const char *)reader->file.data, reader->file.len, password);
    return tp_pdf_reader_check(reader, "the document", error);
}

/* As security.c does: as given, in PDFDocEncoding, and none. */
static enum tp_rc try_passwords(struct tp_pdf_reader *reader, const char *password, bool recover, struct tp_error *error)
{
    struct tp_buf doc TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    enum tp_rc rc = attempt(reader, password, recover, error);
    if (rc == TP_PIN_WRONG && tp_pdf_text_to_doc(tp_bytes_of_string(password), &doc) == TP_OK)
        rc = attempt(reader, tp_buf_string(&doc), recover, error);
    return rc == TP_PIN_WRONG ? attempt(reader, "", recover, error) : rc;
}

/* What did not fit is as if it were not there; a new copy of the document would be no smaller. */
static enum tp_rc refuse_without_root(struct tp_pdf_reader *reader, struct tp_error *error)
{
    if (take_warnings(reader).memory)
        return fail(reader, "the document", true, error);
    return tp_error_set(error, TP_MALFORMED, "the document has no catalog (/Root)");
}

/* Asking for the trailer's keys makes QPDF look at what they refer to. */
static enum tp_rc read_trailer(struct tp_pdf_reader *reader, struct tp_error *error)
{
    qpdf_oh trailer = qpdf_get_trailer(reader->qpdf);
    qpdf_oh_begin_dict_key_iter(reader->qpdf, trailer);
    qpdf_oh size = qpdf_oh_get_key(reader->qpdf, trailer, "/Size");
    const long long number = qpdf_oh_is_integer(reader->qpdf, size) ? qpdf_oh_get_int_value(reader->qpdf, size) : 0;
    if (!qpdf_oh_is_dictionary(reader->qpdf, qpdf_get_root(reader->qpdf)))
        return refuse_without_root(reader, error);
    TP_TRY(tp_pdf_reader_check(reader, "the document", error));
    if (number < 1 || number > (long long)TP_PDF_OBJECTS_MAX + 1)
        return tp_error_set(error, TP_MALFORMED, "the document's /Size of %lld is out of range", number);
    reader->size = (uint32_t)number;
    return TP_OK;
}

static enum tp_rc read_file(struct tp_pdf_reader *reader, const char *password, bool recover, struct tp_error *error)
{
    reader->rebuilt = false;
    TP_TRY(try_passwords(reader, password, recover, error));
    qpdf_set_attempt_recovery(reader->qpdf, QPDF_TRUE); /* lengths of streams; see tp_pdf_reader_check */
    return read_trailer(reader, error);
}

/* Files that are taken for PDFs, or are called so. */
static const struct {
    const char *begin, *name;
} others[] = {{"\xff\xd8\xff", "a JPEG picture"},
              {"\x89PNG", "a PNG picture"},
              {"PK\3\4", "a ZIP file, as those of office programs are"},
              {"\xd0\xcf\x11\xe0", "a file of an older office program"},
              {"%!PS", "PostScript"},
              {"{\\rtf", "RTF"},
              {"<", "HTML or XML"}};

/* What cannot be read at all, and does not even say that it is a PDF (§7.5.2). */
static enum tp_rc refuse_other(struct tp_bytes file, struct tp_error *error)
{
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (file.len >= strlen(others[i].begin) && memcmp(file.data, others[i].begin, strlen(others[i].begin)) == 0)
            return tp_error_set(error, TP_MALFORMED, "this is no PDF, but looks like %s", others[i].name);
    return tp_error_set(error, TP_MALFORMED, "this is no PDF: %%PDF- stands nowhere at its beginning");
}

/* What even mending does not help: mostly what has not come through whole. */
static enum tp_rc refuse_damaged(struct tp_error *error)
{
    char words[TP_ERROR_WORDS_LEN];
    (void)snprintf(words, sizeof words, "%s", tp_error_words(error));
    return tp_error_set(error, TP_MALFORMED, "%.400s; it is damaged or was cut off: get it anew from where it comes from",
                        words);
}

enum tp_rc tp_pdf_reader_open(struct tp_bytes file, const char *password, size_t stream_most, struct tp_error *error,
                              struct tp_pdf_reader **ret_reader)
{
    struct tp_pdf_reader *reader TP_AUTO(tp_pdf_reader_free_p) = calloc(1, sizeof(*reader));
    if (reader == NULL)
        return TP_MEMORY;
    reader->file = file;
    reader->stream_most = stream_most;
    tp_pdf_ends_look(file, &reader->ends);
    enum tp_rc rc = read_file(reader, password, false, error);
    if (rc == TP_MALFORMED) /* only now is mended, to know whether there is something to mend */
        rc = read_file(reader, password, true, error);
    if (rc == TP_MALFORMED && !reader->ends.header)
        return refuse_other(file, error);
    if (rc == TP_MALFORMED)
        return refuse_damaged(error);
    TP_TRY(rc);
    *ret_reader = reader;
    reader = NULL;
    return TP_OK;
}

void tp_pdf_reader_free(struct tp_pdf_reader *reader)
{
    if (reader == NULL)
        return;
    drop(reader);
    free(reader);
}
