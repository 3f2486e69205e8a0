/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

struct world world;

void world_start(void)
{
    services_start();
    world.now_ms = tp_clock_utc_ms();
    world.root = services_certificate("services.anchors");
    world.intermediate = services_certificate("services.authorities['intermediate'].certificate");
    cr_assert_eq(tp_pki_anchors_new(&world.anchors), TP_OK);
    cr_assert_eq(tp_pki_anchors_add(world.anchors, tp_buf_bytes(&world.root), NULL), TP_OK);
    cr_assert_eq(tp_evidence_new(&world.evidence), TP_OK);
    cr_assert_eq(
        tp_evidence_add(world.evidence, TP_EVIDENCE_CERTIFICATE, tp_buf_bytes(&world.intermediate), "test", INT64_MAX),
        TP_OK);
}

void world_stop(void)
{
    tp_evidence_free(world.evidence);
    tp_pki_anchors_free(world.anchors);
    tp_buf_clear(&world.root), tp_buf_clear(&world.intermediate);
    services_stop();
}

void world_clock(int64_t utc_ms)
{
    if (utc_ms == INT64_MAX)
        (void)services_ask("setattr(services, 'clock', None)");
    else
        (void)services_ask("setattr(services, 'clock', %" PRId64 ")", utc_ms / 1000);
}

struct tp_buf world_issue(const char *arguments)
{
    return services_certificate("services.issue(%s).certificate", arguments);
}

static void fetch(const char *path, struct tp_bytes body, const char *type, struct tp_buf *ret_body)
{
    char url[256];
    struct tp_http *http = NULL;
    struct tp_error error = {0};
    (void)snprintf(url, sizeof url, "%s", services_ask("services.url('%s')", path));
    const struct tp_http_request request = {.url = url, .body = body, .content_type = type, .most = 1 << 20};
    cr_assert_eq(tp_http_new(NULL, &http), TP_OK);
    cr_assert_eq(tp_http_fetch(http, &request, &error, NULL, ret_body), TP_OK, "%s", error.words);
    tp_http_free(http);
}

void world_add_ocsp(const struct tp_buf *certificate, const struct tp_buf *issuer, const char *issuer_name,
                    int64_t poe_ms)
{
    struct tp_buf request = TP_BUF_INIT, answer = TP_BUF_INIT;
    char path[64];
    (void)snprintf(path, sizeof path, "ocsp/%s", issuer_name);
    cr_assert_eq(tp_pki_ocsp_request(tp_buf_bytes(certificate), tp_buf_bytes(issuer), TP_BYTES_NONE, NULL, &request),
                 TP_OK);
    fetch(path, tp_buf_bytes(&request), "application/ocsp-request", &answer);
    cr_assert_eq(tp_evidence_add(world.evidence, TP_EVIDENCE_OCSP, tp_buf_bytes(&answer), "test", poe_ms), TP_OK);
    tp_buf_clear(&request), tp_buf_clear(&answer);
}

void world_add_crl(const char *issuer_name, int64_t poe_ms)
{
    struct tp_buf answer = TP_BUF_INIT;
    char path[64];
    (void)snprintf(path, sizeof path, "crl/%s.crl", issuer_name);
    fetch(path, TP_BYTES_NONE, NULL, &answer);
    cr_assert_eq(tp_evidence_add(world.evidence, TP_EVIDENCE_CRL, tp_buf_bytes(&answer), "test", poe_ms), TP_OK);
    tp_buf_clear(&answer);
}

void world_add_intermediate(int64_t poe_ms)
{
    world_add_ocsp(&world.intermediate, &world.root, "root", poe_ms);
}

int world_asked(const char *path)
{
    return (int)services_number("services.asked('%s')", path);
}
