/* SPDX-License-Identifier: Apache-2.0
 *
 * Trust anchors.
 */
#include "pki/path_parts.h"

#include <stdlib.h>

#define CAPACITY_FIRST 16

enum tp_rc tp_pki_anchors_new(struct tp_pki_anchors **ret_anchors)
{
    struct tp_pki_anchors *anchors = calloc(1, sizeof *anchors);
    if (anchors == NULL)
        return TP_MEMORY;
    *ret_anchors = anchors;
    return TP_OK;
}

void tp_pki_anchors_free(struct tp_pki_anchors *anchors)
{
    if (anchors == NULL)
        return;
    for (size_t i = 0; i < anchors->len; i++) {
        X509_free(anchors->items[i].x509);
        tp_buf_clear(&anchors->items[i].der);
    }
    free(anchors->items);
    free(anchors);
}

static enum tp_rc grow(struct tp_pki_anchors *anchors)
{
    if (anchors->len < anchors->capacity)
        return TP_OK;
    const size_t capacity = anchors->capacity == 0 ? CAPACITY_FIRST : 2 * anchors->capacity;
    struct tp_pki_anchor *grown = realloc(anchors->items, capacity * sizeof *grown);
    if (grown == NULL)
        return TP_MEMORY;
    anchors->items = grown;
    anchors->capacity = capacity;
    return TP_OK;
}

enum tp_rc tp_pki_anchors_add(struct tp_pki_anchors *anchors, struct tp_bytes certificate, struct tp_error *error)
{
    TP_PKI_ERRORS_KEEP;
    X509 *x509 TP_AUTO(X509_free_p) = NULL;
    if (tp_pki_anchors_have(anchors, certificate))
        return TP_OK;
    if (anchors->len == TP_PKI_ANCHORS_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "there are more than %d trust anchors", TP_PKI_ANCHORS_MAX);
    TP_TRY(tp_pki_x509_load(certificate, error, &x509));
    TP_TRY(grow(anchors));
    struct tp_pki_anchor *anchor = &anchors->items[anchors->len];
    *anchor = (struct tp_pki_anchor){0};
    TP_TRY(tp_buf_append(&anchor->der, certificate));
    anchor->x509 = x509;
    x509 = NULL;
    anchors->len++;
    return TP_OK;
}

struct adding {
    struct tp_pki_anchors *anchors;
    struct tp_error *error;
};

static enum tp_rc one_add(void *context, struct tp_bytes der)
{
    const struct adding *adding = context;
    return tp_pki_anchors_add(adding->anchors, der, adding->error);
}

enum tp_rc tp_pki_anchors_add_file(struct tp_pki_anchors *anchors, struct tp_bytes file, struct tp_error *error)
{
    struct adding adding = {.anchors = anchors, .error = error};
    return tp_pki_certificates_read(file, error, one_add, &adding);
}

size_t tp_pki_anchors_len(const struct tp_pki_anchors *anchors)
{
    return anchors->len;
}

bool tp_pki_anchors_have(const struct tp_pki_anchors *anchors, struct tp_bytes certificate)
{
    for (size_t i = 0; i < anchors->len; i++)
        if (tp_bytes_equal(tp_buf_bytes(&anchors->items[i].der), certificate))
            return true;
    return false;
}
