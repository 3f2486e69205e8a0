/* SPDX-License-Identifier: Apache-2.0 */
#include "pades/internal.h"

#include "../pki/forge.h"
#include "pki/cms.h"

#include <criterion/criterion.h>

/* It owns its key. */
static struct tp_pki_signer *signer_make(void)
{
    EVP_PKEY *key = forge_key("rsa-2048");
    const struct forge_certificate plan = {.subject = "a", .issuer = "a", .serial = "7", .key = key, .issuer_key = key};
    struct tp_buf certificate = forge_certificate(&plan), spki = forge_spki(key);
    const struct tp_bytes chain[] = {tp_buf_bytes(&certificate)};
    struct tp_pki_signer *signer = NULL;
    cr_assert_eq(tp_pki_signer_new(tp_buf_bytes(&spki), chain, 1, &forge_true, key, NULL, &signer), TP_OK);
    tp_buf_clear(&certificate), tp_buf_clear(&spki);
    return signer;
}

TestSuite(service, .timeout = 60);

/* Twice each, in turn: what is kept for one kind of signature is not given to another. */
Test(service, the_room_for_a_cms_is_that_of_its_kind)
{
    static const struct {
        enum tp_pki_hash hash;
        bool pss;
    } kinds[] = {{TP_PKI_SHA256, false}, {TP_PKI_SHA512, false}, {TP_PKI_SHA256, true}, {TP_PKI_SHA512, true}};
    struct tp_pki_signer *signer = signer_make();
    const struct tp_pades_means means = {.signer = signer};
    struct tp_pades_service *service = NULL;
    cr_assert_eq(tp_pades_service_new(&means, NULL, &service), TP_OK);
    for (size_t i = 0; i < 2 * sizeof kinds / sizeof kinds[0]; i++) {
        const struct tp_pki_cms_order order = {.signer = signer, .hash = kinds[i % 4].hash, .pss = kinds[i % 4].pss};
        size_t room = 0, computed = 1;
        cr_assert_eq(tp_pki_cms_size(&order, &computed), TP_OK);
        cr_assert_eq(tp_pades_service_cms_room(service, order.hash, order.pss, &room), TP_OK);
        cr_assert_eq(room, computed, "%zu", i);
    }
    tp_pades_service_free(service);
    tp_pki_signer_free(signer);
}

Test(service, a_hash_that_makes_no_cms_has_no_room)
{
    struct tp_pki_signer *signer = signer_make();
    const struct tp_pades_means means = {.signer = signer};
    struct tp_pades_service *service = NULL;
    cr_assert_eq(tp_pades_service_new(&means, NULL, &service), TP_OK);
    size_t room;
    for (int i = 0; i < 2; i++)
        cr_assert_eq(tp_pades_service_cms_room(service, TP_PKI_MD5, false, &room), TP_UNSUPPORTED);
    tp_pades_service_free(service);
    tp_pki_signer_free(signer);
}
