/* SPDX-License-Identifier: Apache-2.0
 *
 * A PKI with its services, and evidence that was had from them at chosen times.
 */
#ifndef TEST_VALIDATION_WORLD_H
#define TEST_VALIDATION_WORLD_H

#include "../authority/services.h"
#include "validation/internal.h"

#include <criterion/criterion.h>

#define DAY_MS ((int64_t)86400000)

struct world {
    int64_t now_ms;
    struct tp_pki_anchors *anchors;
    struct tp_buf root, intermediate;
    struct tp_evidence *evidence; /* the intermediate is in it */
};
extern struct world world;

void world_start(void);
void world_stop(void);
/* All services tell that time from now on; INT64_MAX: the present. */
void world_clock(int64_t utc_ms);
struct tp_buf world_issue(const char *arguments); /* of services.issue() */
/* What the responder, or the CRL, of authority ISSUER_NAME says now. */
void world_add_ocsp(const struct tp_buf *certificate, const struct tp_buf *issuer, const char *issuer_name,
                    int64_t poe_ms);
void world_add_crl(const char *issuer_name, int64_t poe_ms);
/* Evidence that the intermediate is good, by OCSP. */
void world_add_intermediate(int64_t poe_ms);
int world_asked(const char *path);

#endif
