/* SPDX-License-Identifier: Apache-2.0
 *
 * PSKC's XML (RFC 6030) to named values, with expat: one table says which path of elements is which value.
 *
 * Not libpskc: version 2.6.7 dereferences NULL at an empty <Manufacturer/> or an empty attribute, cannot decrypt, and
 * brings libxml2, libxslt, xmlsec and a second set of cryptography into the process with the keys. expat lets us supply
 * the memory, so that seeds which pass through its buffers are wiped. DOCTYPE is refused: no entities, nothing is
 * fetched.
 */
#include "authn/internal.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX  ((size_t)1 << 20)
#define WAY_MAX   256
#define DEPTH_MAX 16
#define NS_SEP    ' '
#define PSKC_NS   "urn:ietf:params:xml:ns:keyprov:pskc"

#define CONTAINER "/KeyContainer"
#define PBKDF2    CONTAINER "/EncryptionKey/DerivedKey/KeyDerivationMethod"
#define PARAMS    PBKDF2 "/PBKDF2-params"
#define MAC       CONTAINER "/MACMethod"
#define PACKAGE   CONTAINER "/KeyPackage"
#define KEY       PACKAGE "/Key"
#define SECRET    KEY "/Data/Secret"

/* Path of elements, "@" and an attribute's name. Namespaces of inner elements are not looked at: files of real vendors
 * get them wrong, and no two elements that we read differ in the namespace only. */
#define REFUSED TP_PSKC_VALUES
static const struct {
    const char *path;
    enum tp_pskc_value value; /* REFUSED: something that cannot be passed over */
} places[] = {
    {CONTAINER "@Version", TP_PSKC_VERSION},
    {PBKDF2 "@Algorithm", TP_PSKC_KDF},
    {PARAMS "/Salt/Specified", TP_PSKC_SALT},
    {PARAMS "/IterationCount", TP_PSKC_ITERATIONS},
    {PARAMS "/KeyLength", TP_PSKC_KEY_LEN},
    {PARAMS "/PRF@Algorithm", TP_PSKC_PRF},
    {CONTAINER "/EncryptionKey/X509Data", REFUSED},
    {MAC "@Algorithm", TP_PSKC_MAC_METHOD},
    {MAC "/MACKey/EncryptionMethod@Algorithm", TP_PSKC_MAC_KEY_CIPHER},
    {MAC "/MACKey/CipherData/CipherValue", TP_PSKC_MAC_KEY},
    {MAC "/MACKeyReference", REFUSED},
    {PACKAGE "/DeviceInfo/Manufacturer", TP_PSKC_MANUFACTURER},
    {PACKAGE "/DeviceInfo/SerialNo", TP_PSKC_SERIAL},
    {KEY "@Algorithm", TP_PSKC_ALGORITHM},
    {KEY "/AlgorithmParameters/Suite", TP_PSKC_SUITE},
    {KEY "/AlgorithmParameters/ResponseFormat@Length", TP_PSKC_DIGITS},
    {KEY "/AlgorithmParameters/ResponseFormat@Encoding", TP_PSKC_ENCODING},
    {KEY "/AlgorithmParameters/ResponseFormat@CheckDigits", TP_PSKC_CHECK_DIGIT},
    {KEY "/AlgorithmParameters/ChallengeFormat", REFUSED},
    {SECRET "/PlainValue", TP_PSKC_SEED},
    {SECRET "/EncryptedValue/EncryptionMethod@Algorithm", TP_PSKC_SEED_CIPHER},
    {SECRET "/EncryptedValue/CipherData/CipherValue", TP_PSKC_SEED_ENCRYPTED},
    {SECRET "/ValueMAC", TP_PSKC_SEED_MAC},
    {KEY "/Data/Counter/PlainValue", TP_PSKC_COUNTER},
    {KEY "/Data/Counter/EncryptedValue", REFUSED},
    {KEY "/Data/Time/PlainValue", TP_PSKC_START},
    {KEY "/Data/Time/EncryptedValue", REFUSED},
    {KEY "/Data/TimeInterval/PlainValue", TP_PSKC_PERIOD},
    {KEY "/Data/TimeInterval/EncryptedValue", REFUSED},
};

struct reading {
    XML_Parser parser;
    struct tp_error *error;
    tp_pskc_package_fn *each;
    void *context;
    enum tp_rc rc; /* why the parser was stopped */
    char path[WAY_MAX];
    unsigned depth;
    bool in_value; /* between the tags of an element that is in the table */
    enum tp_pskc_value value;
    struct tp_pskc_values *values;
};

/* ---- memory that is wiped ---- */

struct chunk {
    _Alignas(max_align_t) size_t len;
    unsigned char data[];
};

static struct chunk *chunk_of(void *data)
{
    return (struct chunk *)(void *)((unsigned char *)data - offsetof(struct chunk, data));
}

static void *wiped_malloc(size_t len)
{
    struct chunk *chunk = len > TP_BUF_MAX ? NULL : malloc(sizeof *chunk + len);
    if (chunk == NULL)
        return NULL;
    chunk->len = len;
    return chunk->data;
}

static void wiped_free(void *data)
{
    if (data == NULL)
        return;
    struct chunk *chunk = chunk_of(data);
    tp_wipe(chunk->data, chunk->len);
    free(chunk);
}

static void *wiped_realloc(void *data, size_t len)
{
    void *larger = wiped_malloc(len);
    if (larger == NULL || data == NULL)
        return larger;
    const size_t old_len = chunk_of(data)->len;
    memcpy(larger, data, old_len < len ? old_len : len);
    wiped_free(data);
    return larger;
}

/* ---- walking ---- */

static void stop(struct reading *reading, enum tp_rc rc, const char *what)
{
    if (reading->rc != TP_OK)
        return;
    reading->rc = what == NULL ? rc
                               : tp_error_set(reading->error, rc, "line %lu of the PSKC file: %s",
                                              (unsigned long)XML_GetCurrentLineNumber(reading->parser), what);
    (void)XML_StopParser(reading->parser, XML_FALSE);
}

/* The row of PATH ‖ @ATTRIBUTE, or NULL. */
static const enum tp_pskc_value *place_find(const char *path, const char *attribute)
{
    const size_t len = strlen(path);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const char *rest = strncmp(places[i].path, path, len) == 0 ? places[i].path + len : NULL;
        if (rest == NULL)
            continue;
        if (attribute == NULL ? rest[0] == '\0' : rest[0] == '@' && strcmp(rest + 1, attribute) == 0)
            return &places[i].value;
    }
    return NULL;
}

static void value_append(struct reading *reading, enum tp_pskc_value value, const char *text, size_t len)
{
    char *at = reading->values->text[value];
    const size_t there = strlen(at);
    if (len >= TP_PSKC_VALUE_MAX - there) {
        stop(reading, TP_TOO_LARGE, "a value is longer than any that is allowed");
        return;
    }
    memcpy(at + there, text, len);
    at[there + len] = '\0';
}

/* A second one of what there may be once would let two readers of the file see two different tokens. */
static void value_begin(struct reading *reading, enum tp_pskc_value value, const char *name)
{
    if (value == REFUSED)
        stop(reading, TP_UNSUPPORTED, name);
    else if (reading->values->text[value][0] != '\0')
        stop(reading, TP_MALFORMED, "a value is given twice");
}

static void attributes_take(struct reading *reading, const XML_Char **attributes)
{
    for (size_t i = 0; attributes[i] != NULL; i += 2) {
        const enum tp_pskc_value *value = place_find(reading->path, attributes[i]);
        if (value == NULL)
            continue;
        value_begin(reading, *value, attributes[i]);
        if (reading->rc == TP_OK)
            value_append(reading, *value, attributes[i + 1], strlen(attributes[i + 1]));
    }
}

static bool path_push(struct reading *reading, const char *name)
{
    const char *separator = strrchr(name, NS_SEP);
    const char *local = separator != NULL ? separator + 1 : name;
    const size_t len = strlen(reading->path), local_len = strlen(local);
    if (reading->depth == DEPTH_MAX || local_len + 2 > sizeof reading->path - len)
        return false;
    reading->path[len] = '/';
    memcpy(reading->path + len + 1, local, local_len + 1);
    reading->depth++;
    return true;
}

static void XMLCALL element_begin(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *reading = context;
    if (reading->depth == 0 && strcmp(name, PSKC_NS " KeyContainer") != 0)
        stop(reading, TP_MALFORMED, "this is not a PSKC file: it does not begin with a KeyContainer of RFC 6030");
    else if (reading->in_value)
        stop(reading, TP_MALFORMED, "an element where a value should be");
    else if (!path_push(reading, name))
        stop(reading, TP_MALFORMED, "elements are nested too deeply");
    if (reading->rc != TP_OK)
        return;
    const enum tp_pskc_value *value = place_find(reading->path, NULL);
    if (value != NULL)
        value_begin(reading, *value,
                    "something that is not supported (a public key, a challenge, an encrypted counter)");
    reading->in_value = value != NULL && reading->rc == TP_OK;
    reading->value = reading->in_value ? *value : TP_PSKC_VERSION;
    attributes_take(reading, attributes);
}

static void XMLCALL text_take(void *context, const XML_Char *text, int len)
{
    struct reading *reading = context;
    if (reading->in_value && reading->rc == TP_OK)
        value_append(reading, reading->value, text, (size_t)len);
}

static void package_end(struct reading *reading)
{
    const enum tp_rc rc = reading->each(reading->context, reading->values);
    tp_wipe(reading->values->text[TP_PSKC_PACKAGE],
            sizeof *reading->values - offsetof(struct tp_pskc_values, text[TP_PSKC_PACKAGE]));
    if (rc != TP_OK)
        stop(reading, rc, NULL);
}

static void XMLCALL element_end(void *context, const XML_Char *name)
{
    (void)name;
    struct reading *reading = context;
    if (reading->rc != TP_OK)
        return;
    reading->in_value = false;
    if (strcmp(reading->path, PACKAGE) == 0)
        package_end(reading);
    *strrchr(reading->path, '/') = '\0';
    reading->depth--;
}

static void XMLCALL doctype_refuse(void *context, const XML_Char *name, const XML_Char *system, const XML_Char *public,
                                   int internal)
{
    (void)name, (void)system, (void)public, (void)internal;
    stop(context, TP_MALFORMED, "a DOCTYPE has no place there");
}

static enum tp_rc parse(struct reading *reading, struct tp_bytes file)
{
    XML_SetUserData(reading->parser, reading);
    XML_SetElementHandler(reading->parser, element_begin, element_end);
    XML_SetCharacterDataHandler(reading->parser, text_take);
    XML_SetStartDoctypeDeclHandler(reading->parser, doctype_refuse);
    const enum XML_Status status = XML_Parse(reading->parser, (const char *)file.data, (int)file.len, 1);
    if (status == XML_STATUS_OK || reading->rc != TP_OK)
        return reading->rc;
    const enum XML_Error code = XML_GetErrorCode(reading->parser);
    if (code == XML_ERROR_NO_MEMORY)
        return TP_MEMORY;
    stop(reading, TP_MALFORMED, XML_ErrorString(code));
    return reading->rc;
}

enum tp_rc tp_pskc_xml_read(struct tp_bytes file, struct tp_error *error, tp_pskc_package_fn *each, void *context)
{
    static const XML_Memory_Handling_Suite wiped = {wiped_malloc, wiped_realloc, wiped_free};
    if (file.len > FILE_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the PSKC file is larger than %zu bytes", FILE_MAX);
    struct tp_secret *values TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(sizeof(struct tp_pskc_values), &values));
    struct reading reading = {.error = error, .each = each, .context = context};
    reading.values = (struct tp_pskc_values *)(void *)tp_secret_data(values);
    reading.parser = XML_ParserCreate_MM(NULL, &wiped, (const XML_Char[]){NS_SEP, '\0'});
    if (reading.parser == NULL)
        return TP_MEMORY;
    const enum tp_rc rc = parse(&reading, file);
    XML_ParserFree(reading.parser);
    return rc;
}
