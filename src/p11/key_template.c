/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs ask for more than they need ("may it decrypt as well?"), and would make no key at all if that were refused:
 * a use that no key here has may be asked for, and comes out false. What would weaken the key, or is not done, is
 * refused.
 */
#include "p11/key_template.h"

#define PUB   TP_P11_MAKE_PUBLIC
#define MADE  TP_P11_MAKE_PRIVATE
#define GIVEN TP_P11_BRING_PRIVATE
#define PRIV  (MADE | GIVEN)
#define BOTH  (PUB | PRIV)

enum rule {
    READ,   /* looked at elsewhere */
    ANY,    /* a use that keys here do not have, whatever is asked */
    ALWAYS, /* a boolean that cannot be otherwise; so is */
    NEVER,
    EMPTY, /* not kept */
    CLASS, /* the object's */
    KIND,  /* the key's */
};

static const struct {
    CK_ATTRIBUTE_TYPE type;
    unsigned sides;
    enum rule rule;
} table[] = {
    {CKA_CLASS, BOTH, CLASS},
    {CKA_KEY_TYPE, BOTH, KIND},
    {CKA_LABEL, BOTH, READ},
    {CKA_ID, BOTH, READ},
    {CKA_TOKEN, BOTH, ALWAYS},
    {CKA_PRIVATE, PUB, NEVER},
    {CKA_PRIVATE, PRIV, ALWAYS},
    {CKA_MODIFIABLE, BOTH, ALWAYS},
    {CKA_COPYABLE, BOTH, ALWAYS},
    {CKA_DESTROYABLE, PRIV, ALWAYS},
    {CKA_DESTROYABLE, PUB, ANY},
    {CKA_START_DATE, BOTH, EMPTY},
    {CKA_END_DATE, BOTH, EMPTY},
    {CKA_SUBJECT, BOTH, EMPTY},
    {CKA_DERIVE, BOTH, ANY},
    {CKA_VERIFY, PUB, ALWAYS},
    {CKA_VERIFY_RECOVER, PUB, ANY},
    {CKA_ENCRYPT, PUB, ANY},
    {CKA_WRAP, PUB, ANY},
    {CKA_TRUSTED, PUB, NEVER},
    {CKA_MODULUS_BITS, PUB, READ},
    {CKA_PUBLIC_EXPONENT, PUB, READ},
    {CKA_EC_PARAMS, BOTH, READ},
    {CKA_SIGN, PRIV, ALWAYS},
    {CKA_SIGN_RECOVER, PRIV, ANY},
    {CKA_DECRYPT, PRIV, ANY},
    {CKA_UNWRAP, PRIV, ANY},
    {CKA_SENSITIVE, PRIV, ALWAYS},
    {CKA_EXTRACTABLE, PRIV, NEVER},
    {CKA_WRAP_WITH_TRUSTED, PRIV, NEVER},
    {CKA_ALWAYS_AUTHENTICATE, PRIV, READ},
    /* what a key is made of (mechanisms 3.0 §2.1.3, §2.3.4) */
    {CKA_MODULUS, GIVEN, READ},
    {CKA_PUBLIC_EXPONENT, GIVEN, READ},
    {CKA_PRIVATE_EXPONENT, GIVEN, READ},
    {CKA_PRIME_1, GIVEN, READ},
    {CKA_PRIME_2, GIVEN, READ},
    {CKA_EXPONENT_1, GIVEN, READ},
    {CKA_EXPONENT_2, GIVEN, READ},
    {CKA_COEFFICIENT, GIVEN, READ},
    {CKA_VALUE, GIVEN, READ},
    {CKA_EC_POINT, GIVEN, READ},
    {CKA_PUBLIC_KEY_INFO, GIVEN, READ},
};

static CK_KEY_TYPE key_type_of(enum tp_p11_kind kind)
{
    return kind == TP_P11_RSA ? CKK_RSA : kind == TP_P11_EC ? CKK_EC : CKK_EC_EDWARDS;
}

static CK_RV check_bool(const CK_ATTRIBUTE *item, enum rule rule)
{
    bool value = false;
    CK_RV rv = tp_p11_template_bool(item, 1, item->type, false, &value);
    if (rv != CKR_OK || rule == ANY)
        return rv;
    return value == (rule == ALWAYS) ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV check_number(const CK_ATTRIBUTE *item, CK_ULONG wanted)
{
    CK_ULONG value = 0;
    CK_RV rv = tp_p11_template_ulong(item, 1, item->type, 0, &value);
    return rv != CKR_OK ? rv : value == wanted ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV check_by_rule(const CK_ATTRIBUTE *item, enum rule rule, enum tp_p11_kind kind, enum tp_p11_key_side side)
{
    switch (rule) {
    case ANY:
    case ALWAYS:
    case NEVER:
        return check_bool(item, rule);
    case EMPTY:
        return item->ulValueLen == 0 ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
    case CLASS:
        return check_number(item, side == TP_P11_MAKE_PUBLIC ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY);
    case KIND:
        return check_number(item, key_type_of(kind));
    case READ:
        break;
    }
    return CKR_OK;
}

static CK_RV check_item(const CK_ATTRIBUTE *item, enum tp_p11_kind kind, enum tp_p11_key_side side)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].type == item->type && (table[i].sides & side) != 0)
            return check_by_rule(item, table[i].rule, kind, side);
    return CKR_ATTRIBUTE_TYPE_INVALID;
}

/* Its default is a session's key (3.0 §4.4), and there are none. */
static CK_RV check_token(struct tp_p11_template template, struct tp_error *error)
{
    bool on_token = false;
    CK_RV rv = tp_p11_template_bool(template.items, template.count, CKA_TOKEN, false, &on_token);
    if (rv != CKR_OK || on_token)
        return rv;
    (void)tp_error_set(error, TP_BAD_ARGUMENT,
                       "private keys are kept on the token only: the private key's template must have CKA_TOKEN true");
    return CKR_TEMPLATE_INCONSISTENT;
}

static void explain(CK_ATTRIBUTE_TYPE type, enum tp_p11_key_side side, struct tp_error *error)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *words;
    } known[] = {
        {CKA_EXTRACTABLE, "private keys never leave the token: CKA_EXTRACTABLE is false"},
        {CKA_SENSITIVE, "private keys never leave the token: CKA_SENSITIVE is true"},
        {CKA_PRIVATE, "CKA_PRIVATE is true of private keys and false of public ones"},
        {CKA_SIGN, "private keys sign, and do nothing else: CKA_SIGN is true"},
        {CKA_SUBJECT, "a key has its subject from its certificate: leave CKA_SUBJECT out"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].type == type) {
            (void)tp_error_set(error, TP_BAD_ARGUMENT, "%s", known[i].words);
            return;
        }
    (void)tp_error_set(
        error, TP_BAD_ARGUMENT,
        "the %s key's template says something with attribute 0x%lx that no key here can be, or says it twice",
        side == TP_P11_MAKE_PUBLIC ? "public" : "private", type);
}

CK_RV tp_p11_key_template_check(struct tp_p11_template template, enum tp_p11_key_side side, enum tp_p11_kind kind,
                                struct tp_error *error)
{
    for (CK_ULONG i = 0; i < template.count; i++) {
        CK_RV rv = check_item(&template.items[i], kind, side);
        if (rv == CKR_OK && tp_p11_template_find(template.items, i, template.items[i].type) != NULL)
            rv = CKR_TEMPLATE_INCONSISTENT; /* the same attribute twice */
        if (rv != CKR_OK) {
            explain(template.items[i].type, side, error);
            return rv;
        }
    }
    return side == TP_P11_MAKE_PUBLIC ? CKR_OK : check_token(template, error);
}
