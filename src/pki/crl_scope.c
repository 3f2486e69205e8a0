/* SPDX-License-Identifier: Apache-2.0
 *
 * Which certificates a CRL speaks about (issuingDistributionPoint, RFC 5280 §5.2.5 and §6.3.3 (b)).
 */
#include "pki/internal.h"

#include <openssl/x509v3.h>

TP_DEFINE_AUTO(ISSUING_DIST_POINT, ISSUING_DIST_POINT_free)
TP_DEFINE_AUTO(CRL_DIST_POINTS, CRL_DIST_POINTS_free)

static bool names_meet(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(a); i++)
        for (int j = 0; j < sk_GENERAL_NAME_num(b); j++)
            if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i), sk_GENERAL_NAME_value(b, j)) == 0)
                return true;
    return false;
}

/* Names relative to the issuer (type 1) are not compared: nobody uses them. */
static bool points_meet(const DIST_POINT_NAME *list, const CRL_DIST_POINTS *certificate)
{
    for (int i = 0; list->type == 0 && i < sk_DIST_POINT_num(certificate); i++) {
        const DIST_POINT_NAME *name = sk_DIST_POINT_value(certificate, i)->distpoint;
        if (name != NULL && name->type == 0 && names_meet(list->name.fullname, name->name.fullname))
            return true;
    }
    return false;
}

static enum tp_rc check_point(const ISSUING_DIST_POINT *scope, X509 *x509, struct tp_error *error)
{
    if (scope->distpoint == NULL)
        return TP_OK;
    CRL_DIST_POINTS *points TP_AUTO(CRL_DIST_POINTS_free_p) =
        X509_get_ext_d2i(x509, NID_crl_distribution_points, NULL, NULL);
    if (points != NULL && points_meet(scope->distpoint, points))
        return TP_OK;
    return tp_error_set(error, TP_NOT_FOUND, "the CRL is of another distribution point than the certificate names");
}

static enum tp_rc check_kind(const ISSUING_DIST_POINT *scope, bool is_ca, struct tp_error *error)
{
    if (scope->onlyattr > 0 || (scope->onlyuser > 0 && is_ca) || (scope->onlyCA > 0 && !is_ca))
        return tp_error_set(error, TP_NOT_FOUND, "the CRL is about other kinds of certificates (only %s)",
                            scope->onlyattr > 0   ? "attributes"
                            : scope->onlyuser > 0 ? "users'"
                                                  : "CAs'");
    return TP_OK;
}

enum tp_rc tp_pki_crl_covers(struct tp_bytes scope, struct tp_bytes certificate, struct tp_error *error,
                             bool *ret_all_reasons)
{
    TP_PKI_ERRORS_KEEP;
    if (scope.len == 0) {
        *ret_all_reasons = true;
        return TP_OK;
    }
    const unsigned char *at = scope.data;
    ISSUING_DIST_POINT *point TP_AUTO(ISSUING_DIST_POINT_free_p) = d2i_ISSUING_DIST_POINT(NULL, &at, (long)scope.len);
    X509 *x509 TP_AUTO(X509_free_p) = NULL;
    if (point == NULL || at != scope.data + scope.len)
        return tp_error_set(error, TP_MALFORMED, "the CRL's scope is not as RFC 5280 says");
    if (point->indirectCRL > 0)
        return tp_error_set(error, TP_UNSUPPORTED,
                            "the CRL is an indirect one, which speaks for several CAs; it is not used");
    TP_TRY(tp_pki_x509_load(certificate, error, &x509));
    TP_TRY(check_kind(point, X509_check_ca(x509) > 0, error));
    TP_TRY(check_point(point, x509, error));
    *ret_all_reasons = point->onlysomereasons == NULL;
    return TP_OK;
}
