/* SPDX-License-Identifier: Apache-2.0 */
#include "../unit/p11/fake_engine.h"
#include "sweep.h"

#include <string.h>

#define LEN_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- mechanisms ---- */

static CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
static CK_BYTE iv[16], gcm_iv[12];
static CK_GCM_PARAMS gcm = {gcm_iv, sizeof(gcm_iv), 96, NULL, 0, 128};
static CK_BYTE p_256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}; /* RFC 5480 §2.1.1.1 */

static const CK_MECHANISM mechanisms[MECHANISMS] = {
    [NO_MECHANISM] = {~0ul, NULL, 0},
    [RSA_SHA256] = {CKM_SHA256_RSA_PKCS, NULL, 0},
    [RSA_PSS] = {CKM_SHA256_RSA_PKCS_PSS, &pss, sizeof(pss)},
    [ECDSA] = {CKM_ECDSA, NULL, 0},
    [SHA256] = {CKM_SHA256, NULL, 0},
    [AES_CBC] = {CKM_AES_CBC, iv, sizeof(iv)},
    [AES_GCM] = {CKM_AES_GCM, &gcm, sizeof(gcm)},
    [AES_GENERATE] = {CKM_AES_KEY_GEN, NULL, 0},
    [EC_GENERATE] = {CKM_EC_KEY_PAIR_GEN, NULL, 0},
    [AES_WRAP] = {CKM_AES_KEY_WRAP, NULL, 0},
    [ECDH] = {CKM_ECDH1_DERIVE, NULL, 0},
};

const CK_MECHANISM *mechanism_of(enum which_mechanism which)
{
    return &mechanisms[which];
}

/* ---- templates ---- */

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_OBJECT_CLASS public_key = CKO_PUBLIC_KEY, secret_key = CKO_SECRET_KEY;
static CK_KEY_TYPE ec = CKK_EC, aes = CKK_AES;
static CK_ULONG key_len = 32;
static CK_BYTE generator[65] = {/* of P-256 (SEC 2 §2.4.2): a point like another */
                                0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
                                0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4,
                                0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
                                0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
                                0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

#define FIXED(type, variable)                                                                                          \
    {                                                                                                                  \
        type, &(variable), sizeof(variable), true                                                                      \
    }
#define FREE(type, array)                                                                                              \
    {                                                                                                                  \
        type, (array), sizeof(array), false                                                                            \
    }
#define TEXT(type, text)                                                                                               \
    {                                                                                                                  \
        type, (text), sizeof(text) - 1, false                                                                          \
    }

static const struct piece create[] = {
    FIXED(CKA_CLASS, public_key),  FIXED(CKA_KEY_TYPE, ec),  FIXED(CKA_TOKEN, no),  FREE(CKA_EC_PARAMS, p_256),
    FREE(CKA_EC_POINT, generator), TEXT(CKA_LABEL, "swept"), FIXED(CKA_VERIFY, yes)};
static const struct piece copy[] = {TEXT(CKA_LABEL, "swept"), FIXED(CKA_TOKEN, no)};
static const struct piece find[] = {FIXED(CKA_CLASS, public_key), TEXT(CKA_LABEL, "rsa"), FIXED(CKA_TOKEN, yes)};
static const struct piece change[] = {TEXT(CKA_LABEL, "changed"), TEXT(CKA_ID, "7")};
/* lengths: what the value of the fake engine's RSA key takes */
static const struct piece get[] = {{CKA_CLASS, NULL, sizeof(CK_OBJECT_CLASS), true},
                                   {CKA_MODULUS_BITS, NULL, sizeof(CK_ULONG), true},
                                   {CKA_VERIFY, NULL, sizeof(CK_BBOOL), true},
                                   {CKA_LABEL, NULL, 3, false},
                                   {CKA_MODULUS, NULL, 256, false}};
static const struct piece new_secret[] = {
    FIXED(CKA_CLASS, secret_key), FIXED(CKA_KEY_TYPE, aes),   FIXED(CKA_TOKEN, no),          FIXED(CKA_PRIVATE, no),
    FIXED(CKA_ENCRYPT, yes),      FIXED(CKA_DECRYPT, yes),    FIXED(CKA_VALUE_LEN, key_len), FIXED(CKA_WRAP, yes),
    FIXED(CKA_UNWRAP, yes),       FIXED(CKA_EXTRACTABLE, yes)};
static const struct piece unwrapped[] = {FIXED(CKA_CLASS, secret_key), FIXED(CKA_KEY_TYPE, aes), FIXED(CKA_TOKEN, no)};
static const struct piece new_public[] = {FREE(CKA_EC_PARAMS, p_256), FIXED(CKA_TOKEN, no), TEXT(CKA_LABEL, "swept")};
static const struct piece new_private[] = {FIXED(CKA_TOKEN, no), TEXT(CKA_LABEL, "swept")};

static const struct pieces templates[TEMPLATES] = {
    [CREATE] = {create, LEN_OF(create)},
    [COPY] = {copy, LEN_OF(copy)},
    [FIND] = {find, LEN_OF(find)},
    [CHANGE] = {change, LEN_OF(change)},
    [GET] = {get, LEN_OF(get)},
    [NEW_SECRET] = {new_secret, LEN_OF(new_secret)},
    [UNWRAPPED] = {unwrapped, LEN_OF(unwrapped)},
    [NEW_PUBLIC] = {new_public, LEN_OF(new_public)},
    [NEW_PRIVATE] = {new_private, LEN_OF(new_private)},
};

struct pieces template_of(const struct row *row, enum kind kind)
{
    return templates[kind == PRIVATE_TEMPLATE ? NEW_PRIVATE : row->template];
}

unsigned value_place(enum kind kind, CK_ULONG index)
{
    return VALUE_PLACE + (kind == PRIVATE_TEMPLATE ? VALUES_MAX : 0u) + (unsigned)index;
}

static void *put_template(const struct row *row, unsigned at)
{
    enum kind kind = row->kinds[at];
    unsigned flags = kind == GET_TEMPLATE ? WRITABLE : 0;
    struct pieces pieces = template_of(row, kind);
    CK_ATTRIBUTE template[VALUES_MAX];
    for (CK_ULONG i = 0; i < pieces.count; i++) {
        const struct piece *piece = &pieces.list[i];
        void *value = place_put(value_place(kind, i), piece->bytes, piece->len, flags);
        template[i] = (CK_ATTRIBUTE){piece->type, value, piece->len};
    }
    return place_put(at, template, pieces.count * sizeof(CK_ATTRIBUTE), flags);
}

static void *put_mechanism(unsigned at, enum which_mechanism which)
{
    CK_MECHANISM mechanism = mechanisms[which];
    if (mechanism.pParameter != NULL)
        mechanism.pParameter = place_put(PARAMETER_PLACE, mechanism.pParameter, mechanism.ulParameterLen, 0);
    return place_put(at, &mechanism, sizeof(mechanism), 0);
}

/* ---- the good call ---- */

static size_t needed; /* items of the row's OUT */

static void *put_bytes(const struct row *row, unsigned at, enum kind kind)
{
    CK_VERSION version = {3, 2};
    switch (kind) {
    case DATA:
        return place_put(at, data, sizeof(data), 0);
    case PIN:
        return place_put(at, pin, strlen(pin), 0);
    case NEW_PIN:
        return place_put(at, new_pin, strlen(new_pin), 0);
    case USERNAME:
        return place_put(at, username, strlen(username), 0);
    case WRAPPED:
        return place_put(at, token.wrapped, token.wrapped_len, 0);
    case LABEL:
        return place_put(at, "swept                           ", 32, 0);
    case NAME:
        return place_put(at, "PKCS 11", sizeof("PKCS 11"), 0);
    case VERSION:
        return place_put(at, &version, sizeof(version), 0);
    case SIGNATURE:
        return place_put(at, token.signature[row->mechanism], token.signature_len[row->mechanism], 0);
    case PARAMETER: /* of a message: none, but for ciphers */
        return place_put(at, mechanisms[row->mechanism].pParameter, mechanisms[row->mechanism].ulParameterLen,
                         WRITABLE);
    case RANDOM:
        return place_put(at, NULL, 32, WRITABLE);
    default:
        fail("%s: no argument is known for parameter %u", row->name, at);
    }
}

static void *put_pointer(const struct row *row, unsigned at)
{
    CK_ULONG len = needed;
    switch (row->kinds[at]) {
    case MECHANISM:
        return put_mechanism(at, row->mechanism);
    case TEMPLATE:
    case GET_TEMPLATE:
    case PRIVATE_TEMPLATE:
        return put_template(row, at);
    case RECORD:
        return place_put(at, NULL, row->size != 0 ? row->size : sizeof(CK_ULONG), WRITABLE);
    case OUT:
        return place_put(at, NULL, needed * (row->size != 0 ? row->size : 1), WRITABLE);
    case OUT_LEN:
        return place_put(at, &len, sizeof(len), WRITABLE);
    case OBJECTS:
        return place_put(at, NULL, 64 * sizeof(CK_OBJECT_HANDLE), WRITABLE);
    case RESERVED:
        return place_put(at, NULL, 8, 0);
    case ANY:
        return NULL;
    default:
        return put_bytes(row, at, row->kinds[at]);
    }
}

static CK_ULONG number_of(const struct row *row, unsigned at)
{
    switch (row->kinds[at]) {
    case SESSION:
        return token.session;
    case EXTRA_SESSION:
        return token.extra;
    case EXTRA_SLOT:
        return 2;
    case KEY:
    case OBJECT:
        return token.key[row->key];
    case NUMBER:
        return row->number;
    case DONT_BLOCK:
        return CKF_DONT_BLOCK;
    case YES_NO:
        return CK_TRUE;
    case LEN:
        return place_len(at - 1);
    case COUNT:
        return template_of(row, row->kinds[at - 1]).count;
    case MOST:
        return 64;
    default:
        return 0; /* SLOT: the first */
    }
}

static bool is_pointer(enum kind kind)
{
    return kind >= MECHANISM && kind < KINDS;
}

void build(const struct row *row, union value *values)
{
    place_clear();
    for (unsigned i = 0; i < PARAMS_MAX && row->kinds[i] != NOTHING; i++)
        if (is_pointer(row->kinds[i]))
            values[i].pointer = put_pointer(row, i);
        else
            values[i].number = number_of(row, i);
}

/* Asked for as programs do: without a buffer. What cannot be asked (it is not supported) gets some room. */
void build_needed(const struct row *row)
{
    union value values[PARAMS_MAX];
    CK_ULONG len = 0;
    needed = 64;
    if (!has_kind(row, OUT))
        return;
    if (row->before != NULL)
        row->before(row);
    build(row, values);
    for (unsigned i = 0; i < PARAMS_MAX && row->kinds[i] != NOTHING; i++)
        if (row->kinds[i] == OUT)
            values[i].pointer = NULL;
        else if (row->kinds[i] == OUT_LEN)
            values[i].pointer = &len;
    CK_RV rv = row->call(values);
    if (rv == CKR_OK && len > 0)
        needed = len;
    state_tidy(row, values, rv == CKR_OK ? CKR_ARGUMENTS_BAD : rv); /* nothing was made */
}
