/* SPDX-License-Identifier: Apache-2.0
 *
 * Any file is judged in bounded time, and without a trust anchor none is good. What is found goes through all reports.
 */
#include "pades/report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct tp_pdf_pool *pool;
static struct tp_pki_anchors *anchors;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void prepare(void)
{
    struct tp_error error = {0};
    require(tp_pdf_pool_new(&(struct tp_pdf_limits){.time_ms = 2000, .memory = (size_t)256 << 20}, &error, &pool) == TP_OK);
    require(tp_pki_anchors_new(&anchors) == TP_OK);
}

static void report(const struct tp_pades_verification *verification)
{
    struct tp_buf text = TP_BUF_INIT;
    require(verification->verdict.indication != TP_TOTAL_PASSED);
    require(tp_pades_report_xml("x", verification, &text) == TP_OK);
    for (enum tp_pades_language language = TP_PADES_ENGLISH; language <= TP_PADES_BOTH; language++)
        require(tp_pades_report_html("x", verification, language, &text) == TP_OK);
    tp_buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_pades_verification *verification = NULL;
    struct tp_error error = {0};
    if (pool == NULL)
        prepare();
    const struct tp_pades_trial trial = {.anchors = anchors, .at_ms = 1700000000000};
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    if (tp_pades_verify(pool, fd, NULL, &trial, &error, &verification) == TP_OK)
        report(verification);
    tp_pades_verification_free(verification);
    (void)close(fd);
    return 0;
}
