/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects and their templates. Templates are complete: what one leaves out a module decides, and SoftHSM, for one,
 * decides for CKA_SENSITIVE false and CKA_DECRYPT true when it unwraps.
 */
#include "base/clock.h"
#include "hsm/internal.h"

#include <stdlib.h>

const CK_OBJECT_CLASS tp_hsm_class_secret = CKO_SECRET_KEY;
const CK_OBJECT_CLASS tp_hsm_class_private = CKO_PRIVATE_KEY;
const CK_OBJECT_CLASS tp_hsm_class_public = CKO_PUBLIC_KEY;
const CK_KEY_TYPE tp_hsm_type_aes = CKK_AES;
const CK_KEY_TYPE tp_hsm_type_generic = CKK_GENERIC_SECRET;
const CK_KEY_TYPE tp_hsm_type_rsa = CKK_RSA;
const CK_ULONG tp_hsm_aes_len = TP_HSM_AES_LEN;
const CK_BBOOL tp_hsm_yes = CK_TRUE;
const CK_BBOOL tp_hsm_no = CK_FALSE;

enum in_class { IN_SECRET = 1, IN_PRIVATE = 2, IN_PUBLIC = 4 };

/* Which uses an object of each class has (PKCS#11 v2.40 base, 4.8 to 4.10). */
static const struct {
    CK_ATTRIBUTE_TYPE attribute;
    const char *name;
    enum tp_hsm_use use;
    unsigned classes;
} uses_table[] = {
    {CKA_ENCRYPT, "CKA_ENCRYPT", TP_HSM_USE_ENCRYPT, IN_SECRET | IN_PUBLIC},
    {CKA_DECRYPT, "CKA_DECRYPT", TP_HSM_USE_DECRYPT, IN_SECRET | IN_PRIVATE},
    {CKA_SIGN, "CKA_SIGN", TP_HSM_USE_SIGN, IN_SECRET | IN_PRIVATE},
    {CKA_VERIFY, "CKA_VERIFY", TP_HSM_USE_VERIFY, IN_SECRET | IN_PUBLIC},
    {CKA_WRAP, "CKA_WRAP", TP_HSM_USE_WRAP, IN_SECRET | IN_PUBLIC},
    {CKA_UNWRAP, "CKA_UNWRAP", TP_HSM_USE_UNWRAP, IN_SECRET | IN_PRIVATE},
    {CKA_DERIVE, "CKA_DERIVE", TP_HSM_USE_DERIVE, IN_SECRET | IN_PRIVATE | IN_PUBLIC},
};

void tp_hsm_template_add(struct tp_hsm_template *template, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
    if (template->count == TP_HSM_TEMPLATE_MAX)
        abort();
    /* PKCS#11's structures know no const; a template that is given to the module is only read. */
    template->at[template->count++] = (CK_ATTRIBUTE){.type = type, .pValue = (void *)value, .ulValueLen = len};
}

void tp_hsm_template_add_bool(struct tp_hsm_template *template, CK_ATTRIBUTE_TYPE type, bool value)
{
    tp_hsm_template_add(template, type, value ? &tp_hsm_yes : &tp_hsm_no, sizeof(CK_BBOOL));
}

static unsigned bit_of(CK_OBJECT_CLASS class)
{
    return class == CKO_SECRET_KEY ? IN_SECRET : class == CKO_PRIVATE_KEY ? IN_PRIVATE : IN_PUBLIC;
}

void tp_hsm_template_add_uses(struct tp_hsm_template *template, CK_OBJECT_CLASS class, unsigned uses)
{
    for (size_t i = 0; i < sizeof(uses_table) / sizeof(uses_table[0]); i++)
        if ((uses_table[i].classes & bit_of(class)) != 0)
            tp_hsm_template_add_bool(template, uses_table[i].attribute, (uses & uses_table[i].use) != 0);
}

const char *tp_hsm_attribute_name(CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < sizeof(uses_table) / sizeof(uses_table[0]); i++)
        if (uses_table[i].attribute == type)
            return uses_table[i].name;
    switch (type) {
    case CKA_PRIVATE:
        return "CKA_PRIVATE";
    case CKA_SENSITIVE:
        return "CKA_SENSITIVE";
    case CKA_EXTRACTABLE:
        return "CKA_EXTRACTABLE";
    case CKA_KEY_TYPE:
        return "CKA_KEY_TYPE";
    default:
        return "attribute";
    }
}

void tp_hsm_template_start(struct tp_hsm_template *template, const CK_OBJECT_CLASS *class, const CK_KEY_TYPE *type,
                           bool extractable, unsigned uses)
{
    template->count = 0;
    tp_hsm_template_add(template, CKA_CLASS, class, sizeof(*class));
    tp_hsm_template_add(template, CKA_KEY_TYPE, type, sizeof(*type));
    tp_hsm_template_add_bool(template, CKA_TOKEN, false);
    if (*class == CKO_PUBLIC_KEY) {
        tp_hsm_template_add_bool(template, CKA_PRIVATE, false);
    } else {
        tp_hsm_template_add_bool(template, CKA_PRIVATE, true);
        tp_hsm_template_add_bool(template, CKA_SENSITIVE, true);
        tp_hsm_template_add_bool(template, CKA_EXTRACTABLE, extractable);
    }
    tp_hsm_template_add_uses(template, *class, uses);
}

enum tp_rc tp_hsm_secret_generate(struct tp_hsm_session *session, CK_KEY_TYPE type, bool extractable, unsigned uses,
                                  struct tp_error *error, CK_OBJECT_HANDLE *ret_key)
{
    CK_MECHANISM mechanism = {.mechanism = type == CKK_AES ? CKM_AES_KEY_GEN : CKM_GENERIC_SECRET_KEY_GEN};
    struct tp_hsm_template template;
    CK_OBJECT_HANDLE key;
    tp_hsm_template_start(&template, &tp_hsm_class_secret, &type, extractable, uses);
    tp_hsm_template_add(&template, CKA_VALUE_LEN, &tp_hsm_aes_len, sizeof(tp_hsm_aes_len));
    TP_HSM_TRY(session, error, C_GenerateKey, &mechanism, template.at, template.count, &key);
    *ret_key = key;
    return TP_OK;
}

void tp_hsm_object_destroy(struct tp_hsm_session *session, CK_OBJECT_HANDLE object)
{
    if (object == 0)
        return;
    CK_RV rv = TP_HSM_CALL(session, C_DestroyObject, object);
    if (rv != CKR_OK && rv != TP_CKR_NOT_CALLED)
        tp_hsm_mark_lost(session->hsm);
}

void tp_hsm_scrap_destroy(struct tp_hsm_scrap *scrap)
{
    tp_hsm_object_destroy(scrap->session, scrap->object);
}
