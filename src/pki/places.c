/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a certificate points: authorityInfoAccess and cRLDistributionPoints (RFC 5280 §4.2.2.1, §4.2.1.13).
 */
#include "pki/internal.h"
#include "pki/ocsp.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PLACES_MOST 4 /* of each kind: the arrays of struct tp_pki_places */
#define URL_MOST    2048

static void list_clear(char **list, size_t len)
{
    for (size_t i = 0; i < len; i++)
        free(list[i]);
}

void tp_pki_places_clear(struct tp_pki_places *places)
{
    list_clear(places->ocsp, places->ocsp_len);
    list_clear(places->crl, places->crl_len);
    list_clear(places->issuer, places->issuer_len);
    *places = (struct tp_pki_places){0};
}

/* A stranger wrote it, and a client will go there: http or https, printable ASCII without spaces. */
static bool is_url(struct tp_bytes text)
{
    const bool http = text.len > 7 && strncasecmp((const char *)text.data, "http://", 7) == 0;
    const bool https = text.len > 8 && strncasecmp((const char *)text.data, "https://", 8) == 0;
    if ((!http && !https) || text.len > URL_MOST)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
            return false;
    return true;
}

static bool is_listed(char *const *list, size_t len, struct tp_bytes url)
{
    for (size_t i = 0; i < len; i++)
        if (tp_bytes_equal(tp_bytes_of_string(list[i]), url))
            return true;
    return false;
}

static enum tp_rc name_add(const GENERAL_NAME *name, char **list, size_t *len)
{
    if (name->type != GEN_URI)
        return TP_OK;
    const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
    const struct tp_bytes url = TP_BYTES(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
    if (!is_url(url) || *len == PLACES_MOST || is_listed(list, *len, url))
        return TP_OK;
    list[*len] = strndup((const char *)url.data, url.len);
    if (list[*len] == NULL)
        return TP_MEMORY;
    ++*len;
    return TP_OK;
}

static enum tp_rc access_read(const AUTHORITY_INFO_ACCESS *access, struct tp_pki_places *places)
{
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        const ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(access, i);
        const int method = OBJ_obj2nid(one->method);
        if (method == NID_ad_OCSP)
            TP_TRY(name_add(one->location, places->ocsp, &places->ocsp_len));
        else if (method == NID_ad_ca_issuers)
            TP_TRY(name_add(one->location, places->issuer, &places->issuer_len));
    }
    return TP_OK;
}

/* Lists for some reasons only, and those of another issuer, do not tell all: they are passed over. */
static enum tp_rc points_read(const CRL_DIST_POINTS *points, struct tp_pki_places *places)
{
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);
        if (point->reasons != NULL || point->CRLissuer != NULL || point->distpoint == NULL ||
            point->distpoint->type != 0)
            continue;
        const GENERAL_NAMES *names = point->distpoint->name.fullname;
        for (int k = 0; k < sk_GENERAL_NAME_num(names); k++)
            TP_TRY(name_add(sk_GENERAL_NAME_value(names, k), places->crl, &places->crl_len));
    }
    return TP_OK;
}

enum tp_rc tp_pki_places_read(struct tp_bytes certificate, struct tp_error *error, struct tp_pki_places *ret_places)
{
    TP_PKI_ERRORS_KEEP;
    X509 *x509 TP_AUTO(X509_free_p) = NULL;
    struct tp_pki_places places TP_AUTO(tp_pki_places_clear) = {0};
    TP_TRY(tp_pki_x509_load(certificate, error, &x509));
    AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(x509, NID_info_access, NULL, NULL);
    CRL_DIST_POINTS *points = X509_get_ext_d2i(x509, NID_crl_distribution_points, NULL, NULL);
    enum tp_rc rc = access_read(access, &places);
    rc = rc == TP_OK ? points_read(points, &places) : rc;
    AUTHORITY_INFO_ACCESS_free(access);
    CRL_DIST_POINTS_free(points);
    TP_TRY(rc);
    *ret_places = places;
    places = (struct tp_pki_places){0};
    return TP_OK;
}
