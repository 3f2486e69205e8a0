/* SPDX-License-Identifier: Apache-2.0
 *
 * TS 119 612 §5.3.15: SchemeInformation / NextUpdate / dateTime. §5.5: TSPService / ServiceInformation /
 * ServiceTypeIdentifier, ServiceStatus, ServiceDigitalIdentity / DigitalId / X509Certificate. What a service was
 * earlier (ServiceHistory) does not count.
 */
#include "cli/trust_list.h"
#include "base/clock.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE       "http://uri.etsi.org/02231/v2#"
#define SEPARATOR       '|'
#define TEXT_MOST       ((size_t)256 << 10)
#define DEPTH_MOST      64 /* TS 119 612 needs 20; open elements are what expat keeps */
#define CERTIFICATES    16 /* of one service: renewed keys */
#define CERTIFICATE_LEN ((size_t)16 << 10)

TP_DEFINE_AUTO(struct XML_ParserStruct, XML_ParserFree)

static const char *const types[] = {
    "http://uri.etsi.org/TrstSvc/Svctype/TSA",
    "http://uri.etsi.org/TrstSvc/Svctype/TSA/QTST",
    "http://uri.etsi.org/TrstSvc/Svctype/TSA/TSS-QC",
    "http://uri.etsi.org/TrstSvc/Svctype/TSA/TSS-AdESQCandQES",
};
static const char *const statuses[] = {
    "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted",
    "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/recognisedatnationallevel",
};

enum place { ELSEWHERE, NEXT_UPDATE, TYPE, STATUS, CERTIFICATE };

static const struct {
    const char *element;
    enum place place;
} places[] = {
    {NAMESPACE "|ServiceTypeIdentifier", TYPE},
    {NAMESPACE "|ServiceStatus", STATUS},
    {NAMESPACE "|X509Certificate", CERTIFICATE},
};

struct reader {
    struct tp_error *error;
    tp_pki_der_fn *each;
    void *context;
    XML_Parser parser;
    enum tp_rc rc;
    bool is_list, in_next_update, in_information, of_tsa, granted;
    enum place place;
    unsigned depth;
    struct tp_buf text;
    struct tp_buf certificates[CERTIFICATES];
    size_t certificates_len;
    struct tp_trust_list_facts facts;
};

bool tp_trust_list_is(struct tp_bytes file)
{
    size_t at = file.len >= 3 && memcmp(file.data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (at < file.len && strchr(" \t\r\n", file.data[at]) != NULL && file.data[at] != '\0')
        at++;
    return at < file.len && file.data[at] == '<';
}

static void stop(struct reader *reader, enum tp_rc rc)
{
    reader->rc = rc;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

static bool is_one_of(const char *text, const char *const *words, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

/* Base64 may be broken into lines. What is not base64 is left to whoever reads the certificate. */
static enum tp_rc keep_certificate(struct reader *reader)
{
    struct tp_buf plain TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (reader->certificates_len == CERTIFICATES || reader->text.len > 2 * CERTIFICATE_LEN)
        return TP_OK;
    for (size_t i = 0; i < reader->text.len; i++)
        if (strchr(" \t\r\n", reader->text.data[i]) == NULL || reader->text.data[i] == '\0')
            TP_TRY(tp_buf_append_u8(&plain, reader->text.data[i]));
    struct tp_buf *der = &reader->certificates[reader->certificates_len++];
    tp_buf_reset(der);
    const enum tp_rc rc = tp_base64_decode(tp_buf_string(&plain), plain.len, der);
    return rc == TP_MALFORMED ? TP_OK : rc;
}

static enum tp_rc hand_out(struct reader *reader)
{
    if (reader->of_tsa && !reader->granted)
        reader->facts.not_granted++;
    for (size_t i = 0; reader->of_tsa && reader->granted && i < reader->certificates_len; i++)
        TP_TRY(reader->each(reader->context, tp_buf_bytes(&reader->certificates[i])));
    return TP_OK;
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = context;
    (void)attributes;
    if (!reader->is_list && strcmp(name, NAMESPACE "|TrustServiceStatusList") != 0) {
        stop(reader, TP_MALFORMED);
        return;
    }
    if (++reader->depth > DEPTH_MOST) {
        stop(reader, TP_TOO_LARGE);
        return;
    }
    reader->is_list = true;
    reader->place = reader->in_next_update && strcmp(name, NAMESPACE "|dateTime") == 0 ? NEXT_UPDATE : ELSEWHERE;
    tp_buf_reset(&reader->text);
    if (strcmp(name, NAMESPACE "|NextUpdate") == 0)
        reader->in_next_update = true;
    if (strcmp(name, NAMESPACE "|ServiceInformation") == 0) {
        reader->in_information = true;
        reader->of_tsa = reader->granted = false;
        reader->certificates_len = 0;
    }
    for (size_t i = 0; reader->in_information && i < sizeof places / sizeof places[0]; i++)
        if (strcmp(name, places[i].element) == 0)
            reader->place = places[i].place;
}

static void on_text(void *context, const XML_Char *text, int len)
{
    struct reader *reader = context;
    if (reader->place == ELSEWHERE || reader->rc != TP_OK)
        return;
    if ((size_t)len > TEXT_MOST - reader->text.len)
        stop(reader, TP_TOO_LARGE);
    else if (tp_buf_append(&reader->text, TP_BYTES(text, (size_t)len)) != TP_OK)
        stop(reader, TP_MEMORY);
}

static void on_end(void *context, const XML_Char *name)
{
    struct reader *reader = context;
    enum tp_rc rc = TP_OK;
    if (reader->rc != TP_OK)
        return;
    reader->depth--;
    if (strcmp(name, NAMESPACE "|NextUpdate") == 0)
        reader->in_next_update = false;
    if (reader->place == NEXT_UPDATE) /* what cannot be read is no promise */
        (void)!tp_time_parse(tp_buf_string(&reader->text), &reader->facts.next_update_ms);
    if (reader->place == TYPE)
        reader->of_tsa = is_one_of(tp_buf_string(&reader->text), types, sizeof types / sizeof types[0]);
    if (reader->place == STATUS)
        reader->granted = is_one_of(tp_buf_string(&reader->text), statuses, sizeof statuses / sizeof statuses[0]);
    if (reader->place == CERTIFICATE)
        rc = keep_certificate(reader);
    if (rc == TP_OK && strcmp(name, NAMESPACE "|ServiceInformation") == 0) {
        reader->in_information = false;
        rc = hand_out(reader);
    }
    reader->place = ELSEWHERE;
    if (rc != TP_OK)
        stop(reader, rc);
}

/* Entities are what XML is attacked by, and only a document type declares them. */
static void on_doctype(void *context, const XML_Char *name, const XML_Char *system, const XML_Char *public_id,
                       int internal)
{
    (void)name, (void)system, (void)public_id, (void)internal;
    stop(context, TP_UNSUPPORTED);
}

static enum tp_rc parse(struct reader *reader, struct tp_bytes file)
{
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    const enum XML_Status status = XML_Parse(reader->parser, (const char *)file.data, (int)file.len, 1);
    if (reader->rc == TP_UNSUPPORTED)
        return tp_error_set(reader->error, TP_UNSUPPORTED, "XML with a document type is not read");
    if (reader->rc == TP_MALFORMED && !reader->is_list)
        return tp_error_set(reader->error, TP_MALFORMED, "this XML is no trust list of ETSI TS 119 612");
    if (reader->rc == TP_OK && status != XML_STATUS_OK)
        return tp_error_set(reader->error, TP_MALFORMED, "line %lu: %s",
                            (unsigned long)XML_GetCurrentLineNumber(reader->parser),
                            XML_ErrorString(XML_GetErrorCode(reader->parser)));
    return reader->rc;
}

enum tp_rc tp_trust_list_read(struct tp_bytes file, struct tp_error *error, tp_pki_der_fn *each, void *context,
                              struct tp_trust_list_facts *ret_facts)
{
    if (file.len > INT_MAX)
        return TP_TOO_LARGE;
    XML_Parser parser TP_AUTO(XML_ParserFree_p) = XML_ParserCreateNS(NULL, SEPARATOR);
    if (parser == NULL)
        return TP_MEMORY;
    struct reader reader = {.error = error, .each = each, .context = context, .parser = parser};
    const enum tp_rc rc = parse(&reader, file);
    tp_buf_clear(&reader.text);
    for (size_t i = 0; i < CERTIFICATES; i++)
        tp_buf_clear(&reader.certificates[i]);
    if (rc == TP_OK)
        *ret_facts = reader.facts;
    return rc;
}
