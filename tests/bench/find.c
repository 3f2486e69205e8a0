/* SPDX-License-Identifier: Apache-2.0
 *
 * What searches cost on a token with many objects; scripts/bench sets modules side by side.
 *
 *   find search MODULE TOKEN TIMES   TIMES searches of each kind
 *   find fill MODULE TOKEN COUNT     makes COUNT credentials in a token that takes them, of three objects each
 *
 * The PIN is $TP_PIN. Prints the number of objects, then µs: the first search of all, and the median and the slowest of
 * those by CKA_ID, by CKA_LABEL, and by issuer and serial number. A search is C_FindObjectsInit, C_FindObjects and
 * C_FindObjectsFinal, for a certificate that is there; and what was found is compared.
 */
#include "issuer.h"

#include <dlfcn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS_MAX     64
#define OBJECTS_MAX   100000
#define TIMES_MAX     100000
#define VALUE_MAX     512
#define EC_POINT_MAX  133
#define SCALAR_LEN    32
#define LEN_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct {
    const char *module, *token;
    unsigned long times;
} options;

static CK_FUNCTION_LIST *p11;
static CK_SESSION_HANDLE session;

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "find (%s): %s\n", options.module, what);
    exit(1);
}

static void require_ckr(CK_RV rv, const char *function)
{
    char what[64];
    (void)snprintf(what, sizeof what, "%s: 0x%lx", function, rv);
    require(rv == CKR_OK, what);
}

static double now_us(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* ---- a session ---- */

static void open_library(void)
{
    CK_C_GetFunctionList get;
    void *library = dlopen(options.module, RTLD_NOW | RTLD_LOCAL);
    require(library != NULL, "the module cannot be loaded");
    *(void **)&get = dlsym(library, "C_GetFunctionList");
    require(get != NULL, "the module has no C_GetFunctionList");
    require_ckr(get(&p11), "C_GetFunctionList");
}

static void initialize(void)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    require_ckr(p11->C_Initialize(&arguments), "C_Initialize");
}

static CK_ULONG list_slots(CK_SLOT_ID slots[SLOTS_MAX])
{
    CK_ULONG count = SLOTS_MAX;
    require_ckr(p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    return count;
}

static bool is_token(CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    size_t len = strlen(options.token);
    return p11->C_GetTokenInfo(slot, &info) == CKR_OK && len <= sizeof info.label &&
           memcmp(info.label, options.token, len) == 0 && (len == sizeof info.label || info.label[len] == ' ');
}

static void open_session(void)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    const char *pin = getenv("TP_PIN");
    require(pin != NULL, "$TP_PIN is not set");
    open_library();
    initialize();
    CK_ULONG count = list_slots(slots), at = 0;
    while (at < count && !is_token(slots[at]))
        at++;
    require(at < count, "there is no such token");
    require_ckr(p11->C_OpenSession(slots[at], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
                "C_OpenSession");
    require_ckr(p11->C_Login(session, CKU_USER, (CK_BYTE *)(uintptr_t)pin, strlen(pin)), "C_Login");
}

/* ---- find ---- */

static CK_ULONG search(CK_ATTRIBUTE *template, CK_ULONG len, CK_OBJECT_HANDLE *objects, CK_ULONG most)
{
    CK_ULONG found = 0;
    require_ckr(p11->C_FindObjectsInit(session, template, len), "C_FindObjectsInit");
    require_ckr(p11->C_FindObjects(session, objects, most, &found), "C_FindObjects");
    require_ckr(p11->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    return found;
}

enum { ID, LABEL, ISSUER, SERIAL, NAMES };
static const CK_ATTRIBUTE_TYPE names[NAMES] = {CKA_ID, CKA_LABEL, CKA_ISSUER, CKA_SERIAL_NUMBER};

/* By what each certificate will be looked for. */
struct certificate {
    CK_OBJECT_HANDLE handle;
    CK_ATTRIBUTE name[NAMES];
};
static struct certificate certificates[OBJECTS_MAX];
static CK_ULONG certificates_len;

static const struct {
    const char *words;
    CK_ULONG first, len; /* of the names */
} searches[] = {{"id", ID, 1}, {"label", LABEL, 1}, {"issuer-serial", ISSUER, 2}};

static void read_names(struct certificate *certificate)
{
    for (size_t i = 0; i < NAMES; i++) {
        CK_BYTE value[VALUE_MAX];
        CK_ATTRIBUTE wanted = {names[i], value, sizeof value};
        require_ckr(p11->C_GetAttributeValue(session, certificate->handle, &wanted, 1), "C_GetAttributeValue");
        certificate->name[i] = (CK_ATTRIBUTE){names[i], malloc(wanted.ulValueLen + 1), wanted.ulValueLen};
        require(certificate->name[i].pValue != NULL, "out of memory");
        memcpy(certificate->name[i].pValue, value, wanted.ulValueLen);
    }
}

static CK_ULONG read_certificates(void)
{
    static CK_OBJECT_HANDLE handles[OBJECTS_MAX];
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    certificates_len = search(&template, 1, handles, OBJECTS_MAX);
    require(certificates_len > 0, "there is no certificate");
    for (CK_ULONG i = 0; i < certificates_len; i++) {
        certificates[i].handle = handles[i];
        read_names(&certificates[i]);
    }
    return search(NULL, 0, handles, OBJECTS_MAX);
}

static double search_once(size_t kind, struct certificate *certificate)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE template[3] = {{CKA_CLASS, &class, sizeof class}};
    CK_OBJECT_HANDLE found[2];
    for (CK_ULONG i = 0; i < searches[kind].len; i++)
        template[1 + i] = certificate->name[searches[kind].first + i];
    double start = now_us();
    CK_ULONG count = search(template, 1 + searches[kind].len, found, LEN_OF(found));
    double took = now_us() - start;
    require(count == 1 && found[0] == certificate->handle, "a search has found something else");
    return took;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void find(void)
{
    static double took[TIMES_MAX];
    CK_OBJECT_HANDLE any;
    double start = now_us();
    (void)search(NULL, 0, &any, 1);
    double first = now_us() - start;
    CK_ULONG objects = read_certificates();
    (void)printf("objects %lu\nfirst %.0f %.0f\n", objects, first, first);
    for (size_t kind = 0; kind < LEN_OF(searches); kind++) {
        for (unsigned long i = 0; i < options.times; i++) /* a stride that visits all, and seldom a neighbour */
            took[i] = search_once(kind, &certificates[i * 7919 % certificates_len]);
        qsort(took, options.times, sizeof took[0], compare);
        (void)printf("%s %.1f %.1f\n", searches[kind].words, took[options.times / 2], took[options.times - 1]);
    }
}

/* ---- fill: what `bench-load people` and `certify` make of one key, by C_CreateObject ---- */

struct parts {
    CK_BYTE point[EC_POINT_MAX + 2], scalar[SCALAR_LEN];
    CK_BYTE *certificate, *subject, *issuer, *serial;
    CK_ULONG point_len, certificate_len, subject_len, issuer_len, serial_len;
    char label[32];
};

static CK_ULONG encoded(int len)
{
    require(len > 0, "libcrypto encodes nothing");
    return (CK_ULONG)len;
}

static void make_parts(unsigned long number, struct parts *parts)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIGNUM *scalar = NULL;
    size_t len = 0;
    require(key != NULL && EVP_PKEY_get_bn_param(key, "priv", &scalar) == 1 &&
                BN_bn2binpad(scalar, parts->scalar, SCALAR_LEN) == SCALAR_LEN &&
                EVP_PKEY_get_octet_string_param(key, "pub", parts->point + 2, EC_POINT_MAX, &len) == 1 && len < 0x80,
            "no key");
    parts->point[0] = 0x04; /* CKA_EC_POINT is an OCTET STRING around the point */
    parts->point[1] = (CK_BYTE)len;
    parts->point_len = len + 2;
    X509 *certificate = bench_issue(key, number + 1);
    parts->certificate_len = encoded(i2d_X509(certificate, &parts->certificate));
    parts->subject_len = encoded(i2d_X509_NAME(X509_get_subject_name(certificate), &parts->subject));
    parts->issuer_len = encoded(i2d_X509_NAME(X509_get_issuer_name(certificate), &parts->issuer));
    parts->serial_len = encoded(i2d_ASN1_INTEGER(X509_get_serialNumber(certificate), &parts->serial));
    (void)snprintf(parts->label, sizeof parts->label, "key%lu", number);
    X509_free(certificate);
    BN_clear_free(scalar);
    EVP_PKEY_free(key);
}

static void parts_clear(struct parts *parts)
{
    OPENSSL_free(parts->certificate);
    OPENSSL_free(parts->subject);
    OPENSSL_free(parts->issuer);
    OPENSSL_free(parts->serial);
}

static void create(CK_ATTRIBUTE *template, CK_ULONG len)
{
    CK_OBJECT_HANDLE object;
    require_ckr(p11->C_CreateObject(session, template, len, &object), "C_CreateObject");
}

static void create_credential(unsigned long number)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_KEY_TYPE ec = CKK_EC;
    CK_CERTIFICATE_TYPE x509 = CKC_X_509;
    CK_OBJECT_CLASS public_key = CKO_PUBLIC_KEY, private_key = CKO_PRIVATE_KEY, certificate = CKO_CERTIFICATE;
    struct parts parts = {.certificate = NULL};
    make_parts(number, &parts);
    CK_ATTRIBUTE token = {CKA_TOKEN, &yes, sizeof yes}, id = {CKA_ID, &number, sizeof number},
                 label = {CKA_LABEL, parts.label, strlen(parts.label)}, curve = {CKA_EC_PARAMS, p256, sizeof p256},
                 type = {CKA_KEY_TYPE, &ec, sizeof ec}, everybodys = {CKA_PRIVATE, &no, sizeof no},
                 subject = {CKA_SUBJECT, parts.subject, parts.subject_len};
    CK_ATTRIBUTE public_template[] = {
        {CKA_CLASS, &public_key, sizeof public_key},  token, id, label, curve, type, everybodys,
        {CKA_EC_POINT, parts.point, parts.point_len},
    };
    CK_ATTRIBUTE private_template[] = {
        {CKA_CLASS, &private_key, sizeof private_key},
        token,
        id,
        label,
        curve,
        type,
        subject,
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_VALUE, parts.scalar, SCALAR_LEN},
    };
    CK_ATTRIBUTE certificate_template[] = {
        {CKA_CLASS, &certificate, sizeof certificate},
        token,
        id,
        label,
        subject,
        everybodys,
        {CKA_CERTIFICATE_TYPE, &x509, sizeof x509},
        {CKA_ISSUER, parts.issuer, parts.issuer_len},
        {CKA_SERIAL_NUMBER, parts.serial, parts.serial_len},
        {CKA_VALUE, parts.certificate, parts.certificate_len},
    };
    create(public_template, LEN_OF(public_template));
    create(private_template, LEN_OF(private_template));
    create(certificate_template, LEN_OF(certificate_template));
    parts_clear(&parts);
}

static void fill(void)
{
    for (unsigned long i = 0; i < options.times; i++)
        create_credential(i);
}

/* ---- arguments ---- */

static unsigned long number(const char *text, unsigned long most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    require(*text != '\0' && *end == '\0' && value > 0 && value <= most, "a number is out of its range");
    return value;
}

int main(int argc, char **argv)
{
    options.module = argc > 2 ? argv[2] : "";
    require(argc == 5, "usage: find search|fill MODULE TOKEN NUMBER");
    options.token = argv[3];
    options.times = number(argv[4], TIMES_MAX);
    bool filling = strcmp(argv[1], "fill") == 0;
    require(filling || strcmp(argv[1], "search") == 0, "search or fill");
    open_session();
    (filling ? fill : find)();
    require_ckr(p11->C_Finalize(NULL), "C_Finalize");
    return 0;
}
